//! Words of many scripts.

use super::*;

#[test]
fn text_is_cut_into_words() {
    let check = |text: &str, expected: &[&str]| assert_eq!(split(text, false), expected, "{text}");
    check("", &[]);
    check(" -- \n", &[]);
    check("Pier-Level: 3.20 m", &["pier", "level", "3", "20", "m"]);
    check("Größe ÜBER Maß", &["größe", "über", "maß"]);
    check("Gro\u{308}ße ＡＢＣ ﾀﾜｰ", &["größe", "abc", "タ", "ワ", "ー"]);
    check("会议室在三楼", &["会", "议", "室", "在", "三", "楼"]);
    check("v2发布了 OK", &["v2", "发", "布", "了", "ok"]);
    check("ship it 🚀👍🏽!", &["ship", "it", "🚀", "👍"]);
    check("👩\u{200d}💻❤\u{fe0f}", &["👩", "💻", "❤"]);
    check("पानी ठंडा है।", &["पानी", "ठंडा", "है"]);
    check("sip:lee@contoso.example", &["sip", "lee", "contoso", "example"]);
    check("x'); DROP TABLE message;--", &["x", "drop", "table", "message"]);
    check("\u{e000}00ff \u{e001}a", &["00ff", "a"]);
    assert_eq!(split("Ab CD", true), ["Ab", "CD"]);
}

#[test]
fn long_words_are_cut_short_alike() {
    let long = "a".repeat(1_000);
    assert_eq!(split(&long, false), ["a".repeat(64)]);
}

fn query(text: &str, words: Words) -> Query {
    Query { text: text.into(), words, ..Query::default() }
}

#[test]
fn queries_are_rendered_for_both_engines() {
    let room = Guid(0xff);
    let word = room_word(room);
    let check = |query: &Query, fts5: &str, tsquery: &str| {
        let matcher = Matcher::new(query);
        assert_eq!(matcher.fts5(room), fts5.replace('@', &word));
        assert_eq!(matcher.tsquery(room), tsquery.replace('@', &word));
    };
    check(
        &query("Pier level", Words::Any),
        "\"@\" AND (\"pier\" OR \"level\")",
        "('@') & (('pier') | ('level'))",
    );
    check(
        &query("Pier level", Words::All),
        "\"@\" AND (\"pier\" AND \"level\")",
        "('@') & (('pier') & ('level'))",
    );
    check(
        &query("Pier level", Words::Phrase),
        "\"@\" AND (\"pier level\")",
        "('@') & (('pier'<->'level'))",
    );
    check(&query("会议", Words::Any), "\"@\" AND (\"会 议\")", "('@') & (('会'<->'议'))");
    check(&query("\"*'--", Words::Any), "\"@\"", "('@')");
}

#[test]
fn a_message_is_matched_by_case_phrase_and_author() {
    let row = Row {
        room: Guid(1),
        place: super::super::Place { term: 1, number: 1 },
        ts: parlance_wire::xccos::Timestamp(0),
        author: "sip:lee@contoso.example".into(),
        author_name: "Lee".into(),
        alert: false,
        chat: "Pier level is 3.20".into(),
        rtf: None,
        is_history: true,
    };
    let check = |query: Query, expected: bool| {
        assert_eq!(Matcher::new(&query).accepts(&row), expected, "{query:?}");
    };
    check(query("LEVEL water", Words::Any), true);
    check(query("LEVEL water", Words::All), false);
    check(query("level pier", Words::All), true);
    check(query("level pier", Words::Phrase), false);
    check(query("3.20", Words::Any), true);
    check(Query { case_sensitive: true, ..query("pier", Words::Any) }, false);
    check(Query { case_sensitive: true, ..query("Pier", Words::Any) }, true);
    check(Query { authors: vec!["sip:lee@contoso.example".into()], ..Query::default() }, true);
    check(Query { authors: vec!["sip:le@contoso.example".into()], ..Query::default() }, false);
}
