//! §2.0: who is in the scope of a category.

use super::decisions::{self, rows};
use super::facts::{Row, WAYS, ask, compare};
use super::organisation::{Organisation, Room, uri, uris};
use super::{Verdicts, YES};
use serde_json::json;

/// The room of a row in the table of scopes, with a category and a user of its own. Names end with
/// the row's number, so that rows have nothing in common but the domain.
fn with_scope(org: &mut Organisation, number: usize, row: &[&str]) -> (String, Room) {
    let named = |name: &str| match name {
        "d:" => name.to_owned(),
        _ => format!("{name}{number}"),
    };
    let (user, chain) = (named("ada"), row[2].split(" > ").map(named).collect::<Vec<_>>());
    let mut known = vec!["d:", &user];
    let mut outer = Vec::new();
    for name in chain.iter().rev().filter(|name| *name != "d:") {
        org.principal(name, &outer);
        known.push(name);
        outer = vec![name.as_str()];
    }
    org.principal(&user, &["d:", &chain[0]]);
    org.holder(&user);
    let list = |entry: &str| {
        let name = named(entry);
        match entry {
            "-" => return json!([]),
            _ if known.contains(&&*name) => {}
            _ => org.principal(&name, &[]),
        }
        uris(&[&name])
    };
    let (allowed, denied) = (list(row[0]), list(row[1]));
    let category = format!("category {number}");
    org.make("/categories", &json!({"name": category, "allowed": allowed, "denied": denied}));
    let name = format!("place {number}");
    let room = org.room(&json!({"name": name, "category": category, "privacy": "open"}));
    if row[3] == "disabled" {
        org.change(&format!("/people/{}", uri(&user)), &json!({"state": "disabled"}));
    }
    (user, room)
}

/// Rights of which whoever is in scope of an open room has each.
const OPEN: [&str; 5] = ["find", "see", "join", "read", "post"];

#[test]
fn scopes_are_those_of_the_table() {
    let mut org = Organisation::new();
    let mut verdicts = Verdicts::default();
    for (number, row) in rows(decisions::SCOPES).enumerate() {
        let (user, room) = with_scope(&mut org, number, &row);
        let facts = &ask(&mut org, &user, &[room])[0];
        let (text, has) = (&row.join(" | "), row[4] == YES);
        compare(&mut verdicts, &Row { text, user: &user, rights: &OPEN, has }, facts);
    }
    verdicts.conclude(WAYS);
}

/// §2.0: whoever is taken from a group is out of scope, and out of the room.
#[test]
fn scope_ends_with_the_group() {
    let mut org = Organisation::new();
    org.principal("g:crew", &[]);
    org.principal("ada", &["g:crew"]);
    org.holder("ada");
    org.make("/categories", &json!({"name": "category", "allowed": uris(&["g:crew"])}));
    let room = org.room(&json!({"name": "room", "category": "category", "privacy": "open"}));
    let mut chat = org.chat("ada").expect("a user of the service");
    assert!(chat.join(&room));
    org.put("ada", &["d:"]);
    chat.until_kicked(&room);
    let mut verdicts = Verdicts::default();
    let facts = &ask(&mut org, "ada", &[room])[0];
    let row = Row { text: "out of the group", user: "ada", rights: &OPEN, has: false };
    compare(&mut verdicts, &row, facts);
    verdicts.conclude(WAYS);
}
