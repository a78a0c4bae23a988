//! §2.1 to §2.5: what somebody may do with a room.

use super::decisions::{self, Cell, cells, rows};
use super::facts::{Facts, Row, WAYS, ask, compare};
use super::organisation::{Organisation, Room, uris};
use super::{Verdicts, YES};
use serde_json::json;
use std::collections::HashMap;

/// What a table says of one right, in terms of users and rooms.
struct Expected<'t> {
    row: &'t str,
    user: &'t str,
    right: &'static str,
    room: String,
    has: bool,
}

const PRIVACIES: [&str; 3] = ["Open", "Closed", "Secret"];
const BEHAVIORS: [&str; 2] = ["Normal", "Auditorium"];

fn name(privacy: &str, behavior: &str, state: &str) -> String {
    format!("{privacy} {behavior} {state}")
}

/// Of tables with a row for rooms of a privacy, or of any.
fn by_privacy<'t>(
    text: &'t str,
    right: &'static str,
    has: impl Fn(&str) -> bool,
) -> Vec<Expected<'t>> {
    let mut expected = Vec::new();
    for Cell { row, column: user, says } in cells(text) {
        let (word, state) = row.split_once(", ").expect("privacy, state");
        for privacy in PRIVACIES.into_iter().filter(|privacy| [*privacy, "any"].contains(&word)) {
            for behavior in BEHAVIORS {
                let room = name(privacy, behavior, state);
                expected.push(Expected { row, user, right, room, has: has(says) });
            }
        }
    }
    expected
}

fn of_posts(cell: Cell<'static>) -> Expected<'static> {
    let room = match cell.column {
        "disabled" => name("Closed", "Auditorium", "disabled"),
        behavior => name("Closed", behavior, "enabled"),
    };
    let (user, has) = (cell.row, cell.says == YES);
    Expected { row: cell.column, user, right: "post", room, has }
}

fn of_uploads(row: Vec<&'static str>) -> [Expected<'static>; 2] {
    let state = if row[1] == "takes" { "enabled" } else { "without files" };
    let [normal, auditorium] = BEHAVIORS;
    [(normal, row[2]), (auditorium, row[3])].map(|(behavior, says)| {
        let (room, has) = (name("Closed", behavior, state), says == YES);
        Expected { row: row[1], user: row[0], right: "upload", room, has }
    })
}

/// All tables.
fn expected() -> Vec<Expected<'static>> {
    let mut expected = by_privacy(decisions::SEE, "find", |says| says == YES);
    expected.extend(by_privacy(decisions::SEE, "see", |says| says != "no"));
    expected.extend(by_privacy(decisions::JOIN, "join", |says| says == YES));
    expected.extend(by_privacy(decisions::READ, "read", |says| says == YES));
    expected.extend(cells(decisions::POST).into_iter().map(of_posts));
    expected.extend(rows(decisions::UPLOAD).flat_map(of_uploads));
    expected
}

/// Rooms of every kind, for the users of the tables.
fn with_rooms() -> (Organisation, Vec<Room>) {
    let mut org = Organisation::new();
    org.users(&["nil", "in", "member", "manager", "presenter", "chair", "far"]);
    org.principal("g:elsewhere", &[]);
    let mut rooms = Vec::new();
    let mut make = |category, privacy: &str, behavior: &str, state| {
        let mut body = json!({
            "name": name(privacy, behavior, state), "category": category,
            "privacy": privacy.to_lowercase(), "type": behavior.to_lowercase(),
            "disabled": state == "disabled",
            "members": uris(&["nil", "far", "member", "presenter", "chair"]),
            "managers": uris(&["nil", "far", "manager", "chair"]),
        });
        if behavior == "Auditorium" {
            body["presenters"] = uris(&["nil", "far", "presenter"]);
        }
        rooms.push(org.room(&body));
    };
    for (category, takes) in [("files", true), ("no files", false)] {
        let body = json!({"name": category, "file_upload": takes, "allowed": uris(&["d:"])});
        org.make("/categories", &body);
    }
    for behavior in BEHAVIORS {
        for privacy in PRIVACIES {
            make("files", privacy, behavior, "enabled");
            make("files", privacy, behavior, "disabled");
        }
        make("no files", "Closed", behavior, "without files");
    }
    // Whoever is out of scope is put on no list: these two are on the lists before.
    org.put("far", &["g:elsewhere"]);
    for category in ["files", "no%20files"] {
        let path = format!("/categories/{category}");
        org.change(&path, &json!({"denied": {"add": uris(&["nil"])}}));
    }
    (org, rooms)
}

#[test]
fn rights_to_rooms_are_those_of_the_tables() {
    let (mut org, rooms) = with_rooms();
    let expected = expected();
    let mut heard: HashMap<&str, Vec<Vec<Facts>>> = HashMap::new();
    let mut verdicts = Verdicts::default();
    for Expected { row, user, right, room, has } in &expected {
        let at = rooms.iter().position(|it| it.name == *room).expect("rooms of every kind");
        let facts = &heard.entry(user).or_insert_with(|| ask(&mut org, user, &rooms))[at];
        let row = Row { text: &format!("{row}, {room}"), user, rights: &[right], has: *has };
        compare(&mut verdicts, &row, facts);
    }
    verdicts.conclude(WAYS);
}

/// §2.4: where a category keeps no history there is nothing to read afterwards, not even when it
/// keeps some from then on: it is not in the database.
#[test]
fn what_a_category_does_not_keep_is_not_read() {
    let mut org = Organisation::new();
    org.users(&["ada"]);
    let mut lost = None;
    for (category, keeps) in [("kept", true), ("lost", false)] {
        let body = json!({"name": category, "allowed": uris(&["d:"]), "chat_history": keeps});
        org.make("/categories", &body);
        let name = format!("{category} room");
        let room = org.room(&json!({"name": name, "category": category, "privacy": "open"}));
        let mut chat = org.chat("ada").expect("a user of the service");
        assert!(chat.join(&room) && chat.post(&room), "{category}");
        assert_eq!(chat.history(&room), Some(usize::from(keeps)), "{category}");
        lost = Some((chat, room));
    }
    let (mut chat, room) = lost.expect("the last of the two");
    org.change("/categories/lost", &json!({"chat_history": true}));
    assert_eq!(chat.history(&room), Some(0));
    assert!(chat.post(&room));
    assert_eq!(chat.history(&room), Some(1));
    let messages = org.export().lines().skip(1).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(messages.len(), 2, "{messages:?}");
    let is_second = |line: &String| line.contains(&room.id) && line.contains("\"number\":2");
    assert!(messages.iter().any(is_second), "the room went on behind the first: {messages:?}");
}
