//! Appending, cursors, preferences.

use crate::fixture::*;
use parlance_core::Endpoint;
use parlance_storage::sql::{
    Appended, BATCH_ROWS_MAX, Conflict, Error, LogPosition, OWNER_PREFERENCES_MAX, Query, Row,
    Store,
};
use parlance_wire::xccos::Guid;

pub fn appending_again_changes_nothing(fixture: &dyn Fixture) {
    let mut store = fixture.store();
    let batch = rows(1..=3);
    let appended = store.append(&batch, &cursor(3)).unwrap();
    assert_eq!(appended, Appended { inserted: 3, repeated: 0 });
    let appended = store.append(&batch, &cursor(3)).unwrap();
    assert_eq!(appended, Appended { inserted: 0, repeated: 3 });
    assert_eq!(store.last(ROOM, 10, None).unwrap(), batch);
    assert_eq!(store.append(&[], &cursor(4)).unwrap(), Appended::default());
    assert_eq!(store.cursor("flusher").unwrap(), Some(LogPosition(4)));
}

pub fn an_unknown_outcome_is_answered_by_doing_it_again(fixture: &dyn Fixture) {
    let mut store = fixture.store();
    // The first commit happened and its answer got lost; the next batch reaches further.
    store.append(&rows(1..=3), &cursor(3)).unwrap();
    drop(store);
    let mut store = fixture.open();
    let appended = store.append(&rows(2..=5), &cursor(5)).unwrap();
    assert_eq!(appended, Appended { inserted: 2, repeated: 2 });
    assert_eq!(store.last(ROOM, 10, None).unwrap(), rows(1..=5));
    assert_eq!(store.cursor("flusher").unwrap(), Some(LogPosition(5)));
}

pub fn of_what_is_no_history_only_the_place_is_kept(fixture: &dyn Fixture) {
    let mut store = fixture.store();
    let said = |number| row(number, "between us");
    let unkept = |number| Row { is_history: false, ..said(number) };
    let batch = [said(1), unkept(2), said(3), unkept(4)];
    for (inserted, repeated) in [(2, 0), (0, 2)] {
        let appended = store.append(&batch, &cursor(4)).unwrap();
        assert_eq!(appended, Appended { inserted, repeated });
    }
    store.append(&[Row { room: OTHER, ..unkept(1) }], &cursor(5)).unwrap();
    assert_eq!(store.cursor("flusher").unwrap(), Some(LogPosition(5)));
    let kept = [said(1), said(3)];
    assert_eq!(store.last(ROOM, 10, None).unwrap(), kept);
    assert_eq!(store.page(None, 10).unwrap(), kept);
    let search =
        Query { rooms: vec![ROOM, OTHER], text: "between".into(), limit: 10, ..Query::default() };
    assert_eq!(store.by_date(&search).unwrap().rows, kept);
    let mut ends = store.rooms().unwrap();
    ends.sort_by_key(|end| end.place.number);
    let ends: Vec<_> = ends.iter().map(|end| (end.room, end.place, end.ts)).collect();
    assert_eq!(ends, [(OTHER, place(1, 1), at(1)), (ROOM, place(1, 4), at(4))]);
}

pub fn another_message_at_the_same_place_is_refused(fixture: &dyn Fixture) {
    let mut store = fixture.store();
    store.append(&rows(1..=2), &cursor(2)).unwrap();
    let good = row(2, "message 2");
    let others = [
        Row { chat: "something else".into(), ..good.clone() },
        Row { rtf: Some("{\\rtf1}".into()), ..good.clone() },
        Row { alert: true, ..good.clone() },
        Row { author: "sip:kim@contoso.example".into(), ..good.clone() },
        Row { ts: at(3), ..good.clone() },
    ];
    for other in others {
        let batch = [row(3, "message 3"), other.clone()];
        let error = store.append(&batch, &cursor(4)).unwrap_err();
        assert_eq!(error, Error::Conflict(Conflict::Message(other.key())));
        assert!(!error.is_retryable());
    }
    assert_eq!(store.last(ROOM, 10, None).unwrap(), rows(1..=2), "nothing of those batches");
    assert_eq!(store.cursor("flusher").unwrap(), Some(LogPosition(2)));
    // The same number in another term is another message.
    let next = Row { place: place(2, 2), chat: "something else".into(), ..good };
    assert_eq!(store.append(&[next], &cursor(3)).unwrap().inserted, 1);
}

pub fn the_cursor_moves_with_the_messages_and_never_back(fixture: &dyn Fixture) {
    let mut store = fixture.store();
    assert_eq!(store.cursor("flusher").unwrap(), None);
    store.append(&rows(1..=4), &cursor(4)).unwrap();
    // A copy of an older batch comes late.
    store.append(&rows(1..=2), &cursor(2)).unwrap();
    assert_eq!(store.cursor("flusher").unwrap(), Some(LogPosition(4)));
    assert_eq!(store.cursor("recorder").unwrap(), None, "readers are independent");
    // A batch that is refused takes its cursor with it.
    let bad = Row { chat: "\0".into(), ..row(5, "") };
    store.append(&[bad], &cursor(5)).unwrap_err();
    assert_eq!(store.cursor("flusher").unwrap(), Some(LogPosition(4)));
    let highest = i64::MAX as u64;
    store.append(&[], &cursor(highest)).unwrap();
    assert_eq!(store.cursor("flusher").unwrap(), Some(LogPosition(highest)));
    let beyond = store.append(&[], &cursor(highest + 1)).unwrap_err();
    assert!(matches!(beyond, Error::Invalid(_)), "{beyond:?}");
}

pub fn what_engines_cannot_keep_is_refused(fixture: &dyn Fixture) {
    let mut store = fixture.store();
    let good = row(1, "fine");
    let bad = [
        vec![Row { place: place(1, 0), ..good.clone() }],
        vec![Row { place: place(1, 1 << 32), ..good.clone() }],
        vec![Row { place: place(1 << 63, 1), ..good.clone() }],
        vec![Row { ts: at(-1), ..good.clone() }],
        vec![Row { chat: "a\0b".into(), ..good.clone() }],
        vec![Row { rtf: Some("\0".into()), ..good.clone() }],
        vec![good.clone(), good.clone()],
        rows(1..=BATCH_ROWS_MAX as u64 + 1),
    ];
    for batch in bad {
        let error = store.append(&batch, &cursor(1)).unwrap_err();
        assert!(matches!(error, Error::Invalid(_)), "{error:?}");
    }
    let last = Row { place: place(i64::MAX as u64, u64::from(u32::MAX)), ..good };
    store.append(std::slice::from_ref(&last), &cursor(1)).unwrap();
    assert_eq!(store.last(ROOM, 1, None).unwrap(), [last]);
}

pub fn hostile_texts_come_back_unchanged(fixture: &dyn Fixture) {
    let mut store = fixture.store();
    let texts = [
        "'); DROP TABLE message; --",
        "\" OR 1=1 --",
        "$1 ?1 :name @x %s %% {} \\ \\' E'\\'' $$ $q$",
        "NULL",
        "{\"a\",\"b\"}",
        "grüße 会议 🚀 \u{202e}rtl\u{200b} \u{fffd} \u{10ffff}",
        " leading and trailing \n\r\t",
        "",
        "''::'1 'x':2",
    ];
    let rows: Vec<Row> = texts
        .iter()
        .enumerate()
        .map(|(at, text)| Row {
            author: format!("sip:{text}"),
            author_name: (*text).into(),
            rtf: Some((*text).into()),
            alert: at % 2 == 0,
            ..row(at as u64 + 1, text)
        })
        .collect();
    let long = Row { chat: "word ".repeat(40_000), ..row(100, "") };
    let wide = Row { chat: "議".repeat(64_000), ..row(101, "") };
    let rows: Vec<Row> = rows.into_iter().chain([long, wide]).collect();
    store.append(&rows, &cursor(1)).unwrap();
    assert_eq!(store.append(&rows, &cursor(1)).unwrap().repeated, rows.len());
    assert_eq!(store.last(ROOM, 100, None).unwrap(), rows);
    for text in texts.iter().filter(|text| !text.is_empty()) {
        store.preference_write(text, text, 0, text).unwrap();
        assert_eq!(store.preference_read(text, text).unwrap().unwrap().content, *text);
    }
}

pub fn endpoints_are_kept_and_forgotten(fixture: &dyn Fixture) {
    let endpoint = |owner: &str, rooms: &[Guid], is_told| Endpoint {
        owner: format!("sip:{owner}@contoso.example").into(),
        epid: "epid' \u{1f600}".into(),
        rooms: rooms.to_vec(),
        is_told,
    };
    let mut store = fixture.store();
    assert_eq!(store.endpoints().unwrap(), []);
    let (lee, kim) = (endpoint("lee", &[ROOM, Guid(2)], false), endpoint("kim", &[ROOM], true));
    store.endpoints_write(&[lee.clone(), kim.clone()]).unwrap();
    let moved = endpoint("lee", &[Guid(3)], true);
    store.endpoints_write(std::slice::from_ref(&moved)).unwrap();
    let mut all = fixture.open().endpoints().unwrap();
    all.sort_by(|a, b| a.owner.cmp(&b.owner));
    assert_eq!(all, [kim, moved]);
    store.endpoints_write(&[endpoint("kim", &[], false), endpoint("new", &[], false)]).unwrap();
    assert_eq!(store.endpoints().unwrap().len(), 1);
    store.endpoints_write(&[]).unwrap();
    for wrong in [vec![lee.clone(), lee], vec![endpoint("\0", &[ROOM], true)]] {
        assert!(matches!(store.endpoints_write(&wrong), Err(Error::Invalid(_))));
    }
}

pub fn preferences_collide(fixture: &dyn Fixture) {
    let mut store = fixture.store();
    let (lee, label) = ("sip:lee@contoso.example", "lee.GroupChannels");
    assert_eq!(store.preference_read(lee, label).unwrap(), None);
    assert_eq!(store.preference_write(lee, label, 0, "a").unwrap(), 1);
    assert_eq!(store.preference_write(lee, label, 1, "b").unwrap(), 2);
    let stale = store.preference_write(lee, label, 0, "c").unwrap_err();
    assert_eq!(stale, Error::Conflict(Conflict::Preference { seqid: 2 }));
    let stale = store.preference_write(lee, label, 1, "c").unwrap_err();
    assert_eq!(stale, Error::Conflict(Conflict::Preference { seqid: 2 }));
    // The answer got lost, and the client asks again.
    assert_eq!(store.preference_write(lee, label, 1, "b").unwrap(), 2);
    // The client knows more than a database that was restored.
    assert_eq!(store.preference_write(lee, label, 9, "d").unwrap(), 3);
    assert_eq!(store.preference_write("sip:kim@contoso.example", label, 0, "k").unwrap(), 1);
    let stored = fixture.open().preference_read(lee, label).unwrap().unwrap();
    assert_eq!((stored.seqid, stored.content.as_str()), (3, "d"));
    for n in 1..OWNER_PREFERENCES_MAX {
        store.preference_write(lee, &format!("{n}"), 0, "").unwrap();
    }
    let one_more = store.preference_write(lee, "one more", 0, "").unwrap_err();
    assert_eq!(one_more, Error::Conflict(Conflict::PreferencesFull));
    assert_eq!(store.preference_write(lee, label, 3, "e").unwrap(), 4);
    let long = store.preference_write(lee, &"l".repeat(256), 0, "").unwrap_err();
    assert!(matches!(long, Error::Invalid(_)));
}

pub fn a_reader_sees_whole_batches_while_another_writes(fixture: &dyn Fixture) {
    let mut writer = fixture.store();
    let mut reader = fixture.open();
    const BATCH: u64 = 20;
    const END: u64 = 60 * BATCH;
    std::thread::scope(|scope| {
        scope.spawn(move || {
            for first in (1..=END).step_by(BATCH as usize) {
                let last = first + BATCH - 1;
                writer.append(&rows(first..=last), &cursor(last)).unwrap();
            }
        });
        let mut seen = 0;
        while seen < END {
            let last = numbers(&reader.last(ROOM, 30, None).unwrap());
            let newest = last.last().copied().unwrap_or(0);
            assert_eq!(newest % BATCH, 0, "all of a batch or nothing");
            assert!(newest >= seen, "what was there stays");
            let expected: Vec<u64> = (newest.saturating_sub(29).max(1)..=newest).collect();
            assert_eq!(last, expected, "no hole");
            let cursor = reader.cursor("flusher").unwrap().unwrap_or_default().0;
            assert!(cursor >= newest, "the cursor came with them");
            seen = newest;
        }
    });
}
