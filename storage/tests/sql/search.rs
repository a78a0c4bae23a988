//! History by room, time, author and words.

use crate::fixture::*;
use parlance_storage::sql::{
    AnyStore, Error, Found, Order, Query, Row, SEARCH_ROOMS_MAX, SEARCH_ROWS_MAX,
    SEARCH_TEXT_BYTES_MAX, Store, Words,
};
use parlance_wire::xccos::Guid;
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

const LEE: &str = "sip:lee@contoso.example";
const KIM: &str = "sip:kim@contoso.example";

fn everything() -> Query {
    Query { rooms: vec![ROOM], limit: 100, ..Query::default() }
}

fn text(text: &str) -> Query {
    Query { text: text.into(), ..everything() }
}

/// Runs queries and compares the numbers found.
fn check(store: &mut AnyStore, query: Query, expected: &[u64]) {
    let found = store.by_date(&query).unwrap();
    assert_eq!(numbers(&found.rows), expected, "{query:?}");
}

pub fn by_date(fixture: &dyn Fixture) {
    let mut store = fixture.store();
    keep(&mut store, &rows(1..=9));
    keep(&mut store, &[Row { room: OTHER, ..row(5, "elsewhere") }]);
    let between = |from: Option<i64>, to: Option<i64>| Query {
        from: from.map(at),
        to: to.map(at),
        ..everything()
    };
    let all: Vec<u64> = (1..=9).collect();
    check(&mut store, between(None, None), &all);
    check(&mut store, between(Some(3), Some(5)), &[3, 4, 5]);
    check(&mut store, between(Some(8), None), &[8, 9]);
    check(&mut store, between(None, Some(2)), &[1, 2]);
    check(&mut store, between(Some(5), Some(3)), &[]);
    check(&mut store, between(Some(10), None), &[]);
    check(&mut store, between(None, Some(0)), &[]);
    check(&mut store, Query { rooms: vec![], ..everything() }, &[]);
    check(&mut store, Query { rooms: vec![Guid(5)], ..everything() }, &[]);
    let both = Query { rooms: vec![ROOM, OTHER, ROOM], ..between(Some(5), Some(6)) };
    let found = store.by_date(&both).unwrap();
    assert_eq!(numbers(&found.rows), [5, 5, 6]);
    let newest = Query { limit: 2, search: Order::NewestFirst, ..everything() };
    let found = store.by_date(&newest).unwrap();
    assert_eq!((numbers(&found.rows), found.exceeded), (vec![8, 9], true));
    let newest = Query { sort: Order::NewestFirst, ..newest };
    check(&mut store, newest, &[9, 8]);
    check(&mut store, Query { limit: 2, sort: Order::NewestFirst, ..everything() }, &[2, 1]);
}

pub fn words_of_many_scripts(fixture: &dyn Fixture) {
    let mut store = fixture.store();
    let texts = [
        "Die Größe der Straße überrascht Özil",
        "会议室在三楼,请准时参加",
        "明日の会議は東京タワーの近くです",
        "회의실에서 만나요",
        "Ship it 🚀🚀 👍🏽",
        "Встреча в переговорной",
        "ห้องประชุมอยู่ชั้นสาม",
        "اجتماع اليوم في القاعة",
        "Größenordnung",
        "v2发布了",
    ];
    let rows: Vec<Row> = texts.iter().zip(1..).map(|(text, number)| row(number, text)).collect();
    keep(&mut store, &rows);
    let cases: [(&str, &[u64]); 18] = [
        ("größe", &[1]),
        ("GRÖSSE", &[]),
        ("GRÖßE", &[1]),
        ("STRAßE", &[1]),
        ("özil", &[1]),
        ("会议", &[2]),
        ("会议室在三楼", &[2]),
        ("议会", &[]),
        ("三", &[2]),
        ("東京タワー", &[3]),
        ("会", &[2, 3]),
        ("회의실", &[4]),
        ("🚀", &[5]),
        ("👍", &[5]),
        ("ВСТРЕЧА", &[6]),
        ("ชั้นสาม", &[7]),
        ("اليوم", &[8]),
        ("发布 v2", &[10]),
    ];
    for (words, expected) in cases {
        check(&mut store, text(words), expected);
    }
}

pub fn words_authors_and_case(fixture: &dyn Fixture) {
    let mut store = fixture.store();
    let by_kim = |row: Row| Row { author: KIM.into(), author_name: "Kim".into(), ..row };
    let all = [
        row(1, "Pier level is 3.20 m"),
        by_kim(row(2, "level of the pier: unknown")),
        row(3, "see http://tides.example/pier?x=1"),
        by_kim(row(4, "PIER closed")),
        row(5, "nothing"),
    ];
    keep(&mut store, &all);
    let elsewhere = Row { room: OTHER, ..row(1, "pier level") };
    keep(&mut store, &[elsewhere]);
    let with = |text: &str, words| Query { text: text.into(), words, ..everything() };
    check(&mut store, with("level closed", Words::Any), &[1, 2, 4]);
    check(&mut store, with("pier level", Words::All), &[1, 2]);
    check(&mut store, with("pier level", Words::Phrase), &[1]);
    check(&mut store, with("3.20", Words::Any), &[1]);
    check(&mut store, with("tides.example/pier", Words::Any), &[3]);
    check(&mut store, with("pie", Words::Any), &[]);
    check(&mut store, Query { case_sensitive: true, ..with("pier", Words::Any) }, &[2, 3]);
    check(&mut store, Query { case_sensitive: true, ..with("PIER", Words::Any) }, &[4]);
    check(&mut store, Query { authors: vec![KIM.into()], ..everything() }, &[2, 4]);
    let both = Query { authors: vec![KIM.into(), LEE.into()], ..with("pier", Words::Any) };
    check(&mut store, both, &[1, 2, 3, 4]);
    let kims = Query { authors: vec![KIM.into()], ..with("level", Words::Any) };
    check(&mut store, Query { from: Some(at(3)), ..kims.clone() }, &[]);
    check(&mut store, kims, &[2]);
    check(&mut store, Query { authors: vec!["sip:k".into()], ..everything() }, &[]);
}

pub fn hostile_searches_find_what_they_say(fixture: &dyn Fixture) {
    let mut store = fixture.store();
    keep(&mut store, &[row(1, "plain"), row(2, "'); DROP TABLE message; --")]);
    let cases: [(&str, &[u64]); 10] = [
        ("'); DROP", &[2]),
        ("\"", &[1, 2]),
        ("* OR plain", &[1]),
        ("NEAR(plain", &[]),
        ("words:plain", &[]),
        ("plain' | 'x", &[1]),
        ("plain & !x", &[1]),
        ("\\", &[1, 2]),
        ("plain\0", &[1]),
        ("{a b} : ^plain*", &[1]),
    ];
    for (words, expected) in cases {
        check(&mut store, text(words), expected);
    }
    let author = Query { authors: vec!["' OR 'a'='a".into()], ..everything() };
    check(&mut store, author, &[]);
    check(&mut store, everything(), &[1, 2]);
}

/// Follows a query page by page.
fn pages(store: &mut AnyStore, mut query: Query) -> Vec<Row> {
    let mut all = Vec::new();
    loop {
        let Found { rows, exceeded, next } = store.by_date(&query).unwrap();
        assert!(rows.len() <= query.limit);
        assert!(!exceeded || rows.len() == query.limit, "a page is full before it is exceeded");
        all.extend(rows);
        query.after = next;
        if !exceeded {
            return all;
        }
    }
}

pub fn pages_have_neither_gap_nor_duplicate(fixture: &dyn Fixture) {
    let mut store = fixture.store();
    // Two terms in one room, equal times in both, and a clock that stood still.
    let in_room = |number| Row {
        place: place(if number <= 30 { 1 } else { 3 }, number),
        ts: at((number / 3) as i64),
        ..row(number, if number % 2 == 0 { "even pier" } else { "odd pier" })
    };
    let elsewhere = |number| Row { room: OTHER, ts: at(number as i64), ..row(number, "even pier") };
    let all: Vec<Row> = (1..=50).map(in_room).chain((1..=20).map(elsewhere)).collect();
    keep(&mut store, &all);
    for search in [Order::OldestFirst, Order::NewestFirst] {
        for (words, count) in [("", 70), ("pier", 70), ("even", 45)] {
            for limit in [1, 7, 69, 70, 71] {
                let rooms = vec![ROOM, OTHER];
                let query = Query { rooms, limit, search, sort: search, ..text(words) };
                let found = pages(&mut store, query);
                assert_eq!(found.len(), count, "{search:?} {words} {limit}");
                let mut keys: Vec<_> = found.iter().map(Row::key).collect();
                let ordered = |pair: &[Row]| match search {
                    Order::OldestFirst => pair[0].ts <= pair[1].ts,
                    Order::NewestFirst => pair[0].ts >= pair[1].ts,
                };
                assert!(found.windows(2).all(ordered));
                keys.sort_unstable();
                keys.dedup();
                assert_eq!(keys.len(), count, "no duplicate");
            }
        }
    }
}

pub fn a_number_to_start_from_overrides_the_dates(fixture: &dyn Fixture) {
    let mut store = fixture.store();
    keep(&mut store, &rows(1..=9));
    let from = |number| Query { start: Some(number), limit: 3, from: Some(at(8)), ..everything() };
    check(&mut store, from(4), &[4, 5, 6]);
    check(&mut store, from(0), &[1, 2, 3]);
    check(&mut store, from(9), &[9]);
    check(&mut store, from(10), &[]);
    let back = |number| Query { search: Order::NewestFirst, ..from(number) };
    check(&mut store, back(4), &[2, 3, 4]);
    check(&mut store, back(1), &[1]);
    check(&mut store, back(u64::MAX), &[7, 8, 9]);
}

pub fn bounds_hold(fixture: &dyn Fixture) {
    let mut store = fixture.store();
    keep(&mut store, &rows(1..=SEARCH_ROWS_MAX as u64 + 10));
    let found = store.by_date(&Query { limit: usize::MAX, ..everything() }).unwrap();
    assert_eq!((found.rows.len(), found.exceeded), (SEARCH_ROWS_MAX, true));
    let found = store.by_date(&Query { limit: 0, ..everything() }).unwrap();
    assert_eq!((found.rows.len(), found.exceeded), (0, true));
    let beyond = [
        Query { rooms: vec![ROOM; SEARCH_ROOMS_MAX + 1], ..everything() },
        Query { authors: vec![LEE.into(); 65], ..everything() },
        text(&"x".repeat(SEARCH_TEXT_BYTES_MAX + 1)),
    ];
    for query in beyond {
        assert!(matches!(store.by_date(&query), Err(Error::Invalid(_))));
    }
    // As many words as fit are looked for, in as many rooms as may be.
    let words = "ab ".repeat(SEARCH_TEXT_BYTES_MAX / 3) + "message";
    let words = &words[words.len() - SEARCH_TEXT_BYTES_MAX..];
    let rooms = (0..SEARCH_ROOMS_MAX as u128 - 1).map(Guid).chain([ROOM]).collect();
    let found = store.by_date(&Query { rooms, ..text(words) }).unwrap();
    assert_eq!(numbers(&found.rows), (1..=100).collect::<Vec<u64>>());
}

/// Draws from a few possibilities.
fn pick<'a, T>(random: &mut ChaCha8Rng, from: &'a [T]) -> &'a T {
    &from[random.next_u64() as usize % from.len()]
}

const VOCABULARY: [&str; 8] = ["pier", "Pier", "level", "会", "议", "🚀", "größe", "x"];

fn random_text(random: &mut ChaCha8Rng, words_max: u64) -> String {
    let count = random.next_u64() % words_max + 1;
    let words: Vec<&str> = (0..count).map(|_| *pick(random, &VOCABULARY)).collect();
    words.join(*pick(random, &[" ", "", ", "]))
}

fn random_rows(random: &mut ChaCha8Rng) -> Vec<Row> {
    let mut rows = Vec::new();
    for room in [ROOM, OTHER] {
        let (mut term, mut second) = (1, 0);
        for number in 1..=60 {
            term += u64::from(random.next_u64().is_multiple_of(20));
            second += (random.next_u64() % 3) as i64;
            let author = (*pick(random, &[LEE, KIM])).to_owned();
            let chat = random_text(random, 5);
            let (place, ts) = (place(term, number), at(second));
            rows.push(Row { room, place, ts, author, ..row(number, &chat) });
        }
    }
    rows
}

fn random_query(random: &mut ChaCha8Rng) -> Query {
    let time = |random: &mut ChaCha8Rng| {
        let second = random.next_u64() % 120;
        (second < 60).then(|| at(second as i64))
    };
    let text = if random.next_u64().is_multiple_of(3) { "".into() } else { random_text(random, 3) };
    Query {
        rooms: pick(random, &[vec![ROOM], vec![OTHER], vec![ROOM, OTHER]]).clone(),
        text,
        words: *pick(random, &[Words::Any, Words::All, Words::Phrase]),
        case_sensitive: random.next_u64().is_multiple_of(2),
        authors: pick(random, &[vec![], vec![], vec![KIM.to_owned()]]).clone(),
        from: time(random),
        to: time(random),
        start: None,
        limit: 1 + random.next_u64() as usize % 30,
        search: *pick(random, &[Order::OldestFirst, Order::NewestFirst]),
        ..Query::default()
    }
}

pub fn random_searches_agree_with_a_plain_filter(fixture: &dyn Fixture) {
    let mut random = ChaCha8Rng::seed_from_u64(6);
    let mut store = fixture.store();
    let all = random_rows(&mut random);
    keep(&mut store, &all);
    let mut hits = 0;
    for _ in 0..300 {
        let query = random_query(&mut random);
        let query = Query { sort: query.search, ..query };
        let matcher = parlance_storage::sql::words::Matcher::new(&query);
        let mut expected: Vec<&Row> = all
            .iter()
            .filter(|row| query.rooms.contains(&row.room) && matcher.accepts(row))
            .filter(|row| query.from.is_none_or(|from| row.ts >= from))
            .filter(|row| query.to.is_none_or(|to| row.ts <= to))
            .collect();
        expected.sort_by_key(|row| (row.ts, row.room, row.place));
        if query.search == Order::NewestFirst {
            expected.reverse();
        }
        let found = pages(&mut store, query.clone());
        hits += found.len();
        assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{query:?}");
    }
    assert!(hits > 1_000, "the queries find something: {hits}");
}
