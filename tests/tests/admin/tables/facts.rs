//! What each way of asking tells of somebody's rights to a room.

use super::chat::Chat;
use super::organisation::{ADMIN, Organisation, Room, uri};
use super::{Verdicts, YES};
use serde_json::Value;

/// What one way of asking tells of a user's rights to a room. What it has no means to tell is not
/// there.
pub struct Facts {
    way: &'static str,
    rights: Vec<(&'static str, bool)>,
}

impl Facts {
    fn explained(way: &'static str, explanation: &Value) -> Facts {
        let right = |name| (name, explanation["rights"][name] == true);
        let rights = ["find", "see", "join", "read", "post", "upload", "manage"].map(right);
        Facts { way, rights: rights.to_vec() }
    }

    fn seen(way: &'static str, see: bool) -> Facts {
        Facts { way, rights: vec![("see", see)] }
    }
}

/// How many ways there are.
pub const WAYS: usize = 9;

/// What is told of a user's rights, by all ways: of each room.
pub fn ask(org: &mut Organisation, user: &str, rooms: &[Room]) -> Vec<Vec<Facts>> {
    let page = org.api(user).get("/rooms?limit=1000").body;
    let table = json_of(org, user, &["room", "get"]);
    let is_in = |list: &Value, room: &Room| {
        list.as_array().expect("a list").iter().any(|item| item["id"] == *room.id)
    };
    let mut all = Vec::new();
    for room in rooms {
        let shown = org.api(user).get(&room.path()).status;
        assert!([200, 404].contains(&shown), "{user} {room:?}: {shown}");
        // Lists are of administration: what users manage stands in theirs, found by others or not.
        all.push(vec![
            Facts::seen("the API, showing", shown == 200),
            Facts::seen("the API, listing", is_in(&page["items"], room)),
            Facts::seen("a command, listing", is_in(&table, room)),
        ]);
    }
    if user == ADMIN {
        return all;
    }
    let mut chat = org.chat(user);
    for (room, facts) in rooms.iter().zip(&mut all) {
        let path = format!("/explain?user={}&room={}", uri(user), room.id);
        let own = org.api(user).get(&path);
        assert!([200, 404].contains(&own.status), "{own:?}");
        let told = json_of(org, ADMIN, &["explain", &uri(user), &room.name]);
        facts.push(Facts::explained("the API, explaining", &org.api(ADMIN).get(&path).body));
        facts.push(Facts::explained("the API, explaining to the user", &own.body));
        facts.push(Facts::explained("a command, explaining", &told));
        facts.extend(match &mut chat {
            Some(chat) => in_chat(chat, room),
            None => vec![Facts::explained("XCCOS", &Value::Null)],
        });
    }
    all
}

fn json_of(org: &Organisation, user: &str, words: &[&str]) -> Value {
    serde_json::from_str(&org.command(user, words).done()).expect("JSON")
}

fn in_chat(chat: &mut Chat, room: &Room) -> Vec<Facts> {
    assert!(!chat.post(room), "nobody posts without being in {room:?}");
    let (find, manages, see) = (chat.finds(room), chat.manages(room), chat.sees(room));
    let read = chat.history(room).is_some();
    let (join, post) = (chat.join(room), chat.post(room));
    let key = chat.permissions(room);
    let bits = [("manage", 2), ("join", 7), ("post", 8), ("read", 10), ("see", 11)];
    let told = bits.map(|(right, bit)| (right, key >> bit & 1 == 1)).to_vec();
    let done = vec![("find", find), ("see", see), ("join", join), ("read", read), ("post", post)];
    let listed = vec![("see", find || manages), ("manage", manages)];
    vec![
        Facts { way: "XCCOS", rights: done },
        Facts { way: "XCCOS, listing what is found or managed", rights: listed },
        Facts { way: "XCCOS, telling permissions", rights: told },
    ]
}

/// A row: of each of these rights the same is said of the user.
pub struct Row<'t> {
    pub text: &'t str,
    pub user: &'t str,
    pub rights: &'t [&'static str],
    pub has: bool,
}

/// Holds it against what was told.
pub fn compare(verdicts: &mut Verdicts, row: &Row<'_>, facts: &[Facts]) {
    let word = |has| if has { YES } else { "no" };
    for Facts { way, rights } in facts {
        for (right, is) in rights.iter().filter(|(right, _)| row.rights.contains(right)) {
            let text = format!("{}: {right}", row.text);
            verdicts.check(&text, row.user, way, word(*is), word(row.has));
        }
    }
}
