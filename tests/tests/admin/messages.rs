//! Messages that administrators remove, replace and clear.

use crate::http::Api;
use parlance_tests::peer::{Dialog, post};
use parlance_tests::server::{Options, Room, Server};
use parlance_tests::talk::{history, join};
use parlance_tests::tool::tool;
use serde_json::{Value, json};
use std::path::Path;

/// A server in whose first room these texts were said.
fn server_with(texts: &[&str]) -> Server {
    let room = Room::numbered(1);
    let server = Server::start(&Options::default());
    let mut dialog = Dialog::open(server.sip, "ada");
    let author = dialog.names.uri();
    join(&mut dialog, &room);
    for text in texts {
        assert_eq!(dialog.info(&post(&room.uri(), &author, text)), 200);
    }
    server.until_stored();
    server
}

/// What the database has of the room.
fn said(folder: &Path) -> Vec<String> {
    let lines = tool(folder, &["history", "Room 1", "--json"]).done();
    let chat = |line: &str| {
        let row: Value = serde_json::from_str(line).expect("JSON");
        row["chat"].as_str().expect("a text").to_owned()
    };
    lines.lines().map(chat).collect()
}

#[test]
fn messages_go_by_words_author_and_date() {
    let server = server_with(&["red apple", "green apple", "red pear", "Red wine"]);
    let (api, folder) = (Api::of(&server), server.folder());
    let remove = |body: Value| api.post("/rooms/Room%201/messages/remove", &body);
    assert_eq!(remove(json!({})).problem(), "invalid-argument");
    let dry = api.post("/rooms/Room%201/messages/remove?dry_run=true", &json!({"filter": "red"}));
    assert_eq!(dry.body["messages"], 3, "{dry:?}");
    let none = remove(json!({"filter": "apple", "author": "sip:bob@example.test"}));
    assert_eq!(none.body["messages"], 0);
    assert_eq!(remove(json!({"filter": "apple", "end": "2001-01-01"})).body["messages"], 0);
    assert_eq!(said(folder).len(), 4);
    let one = remove(json!({"filter": "apple red", "author": "SIP:Ada@example.test"}));
    assert_eq!(one.body["messages"], 1, "{one:?}");
    let case = remove(json!({"filter": "red", "case_sensitive": true}));
    assert_eq!(case.body["messages"], 1);
    assert_eq!(said(folder), ["green apple", "Red wine"]);
    let body = json!({"filter": "wine apple", "match": "or", "text": "[gone]"});
    assert_eq!(api.post("/rooms/Room%201/messages/replace", &body).body["messages"], 2);
    assert_eq!(said(folder), ["[gone]", "[gone]"]);
    assert_eq!(api.get("/records?limit=1").body["items"][0]["act"], "message.replace");
}

#[test]
fn numbers_of_messages_that_are_gone_are_not_given_again() {
    let mut server = server_with(&["one", "two", "three"]);
    let (room, folder) = (Room::numbered(1), server.folder().to_owned());
    // The newest goes, then all.
    for (words, texts) in [
        (&["admin", "message", "remove", "Room 1", "--filter", "three"][..], ["four", "five"]),
        (&["admin", "room", "clear", "Room 1", "--until", "2999-12-31"], ["six", "seven"]),
    ] {
        tool(&folder, words).done();
        // Rooms are what the database says of them from now on.
        assert!(server.stop().success());
        server.restart();
        let mut dialog = Dialog::open(server.sip, "ada");
        join(&mut dialog, &room);
        let author = dialog.names.uri();
        for text in texts {
            assert_eq!(dialog.info(&post(&room.uri(), &author, text)), 200);
        }
        server.until_stored();
        assert_eq!(
            said(&folder)[said(&folder).len() - 2..],
            texts,
            "what was acknowledged is kept"
        );
    }
    let numbers: Vec<u64> = history(&server, &room).into_iter().map(|m| m.chat_id).collect();
    assert_eq!(numbers, [6, 7]);
}

#[test]
fn a_room_of_the_configuration_that_was_removed_goes_on_behind_its_end() {
    let mut server = server_with(&["one", "two"]);
    let (room, folder) = (Room::numbered(1), server.folder().to_owned());
    tool(&folder, &["admin", "room", "remove", "Room 1"]).done();
    assert!(server.stop().success());
    // The configuration has it still, under its old id.
    server.restart();
    let mut dialog = Dialog::open(server.sip, "ada");
    join(&mut dialog, &room);
    let author = dialog.names.uri();
    assert_eq!(dialog.info(&post(&room.uri(), &author, "three")), 200);
    server.until_stored();
    assert_eq!(said(&folder), ["three"]);
    assert_eq!(history(&server, &room)[0].chat_id, 3);
}

#[test]
fn a_room_is_cleared_up_to_a_moment() {
    let mut server = server_with(&["one", "two"]);
    let folder = server.folder().to_owned();
    let clear = |until: &str| {
        let words = ["admin", "room", "clear", "Room 1", "--until", until, "--json"];
        let answer: Value = serde_json::from_str(&tool(&folder, &words).done()).expect("JSON");
        answer["messages"].as_u64().expect("a count")
    };
    assert_eq!(clear("2001-01-01"), 0);
    assert!(server.stop().success());
    assert_eq!(clear("2999-12-31"), 2, "without a server, too");
    assert_eq!(said(&folder), Vec::<String>::new());
}
