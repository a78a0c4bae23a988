//! §2.6 and §2.7: rooms made, changed and removed.

use super::decisions::{self, Cell, cells, rows};
use super::facts::{Row, ask, compare};
use super::organisation::{ADMIN, Ask, Organisation, Room, SURFACES, uri, uris};
use super::{Verdicts, YES};
use parlance_wire::xccos::{
    Behavior, Command, Guid, Privacy, ReplyData, RoleChange, RoleOp, RoomChange, RoomDraft,
    RoomRole, parse_category,
};
use serde_json::{Value, json};

/// Two categories and an add-in, for the users of the tables.
fn with_creators() -> Organisation {
    let mut org = Organisation::new();
    org.users(&["creator", "chief", "manager", "member", "nil", "far"]);
    org.principal("g:elsewhere", &[]);
    for (category, creators) in
        [("first", &["creator", "far"][..]), ("second", &["creator", "far", "chief"])]
    {
        let (allowed, creators) = (uris(&["d:"]), uris(creators));
        let body = json!({"name": category, "allowed": allowed, "creators": creators});
        org.make("/categories", &body);
        let path = format!("/categories/{category}");
        org.change(&path, &json!({"denied": {"add": uris(&["nil"])}}));
    }
    // Whoever is out of scope is made no creator: this one is one before.
    org.put("far", &["g:elsewhere"]);
    org.make("/addins", &json!({"name": "web", "url": "https://web.example.test/"}));
    org
}

/// The root category, which chat clients are told of.
fn root(org: &mut Organisation) -> Guid {
    let mut chat = org.chat("member").expect("a user of the service");
    match chat.ask(&Command::GetServerInfo { info_type: "123".to_owned() }).data {
        ReplyData::ServerInfo(info) => parse_category(&info.root_uri).expect("a category"),
        other => panic!("{other:?}"),
    }
}

/// A room of this name.
fn creation(name: &str, category: Option<Guid>) -> Ask {
    // There is none of this number.
    let category = category.unwrap_or(Guid(3));
    let text = category.to_string();
    let draft = RoomDraft { category: Some(category), ..RoomDraft::new(name.to_owned()) };
    Ask {
        method: "POST",
        path: "/rooms".to_owned(),
        body: Some(json!({"name": name, "category": text})),
        words: words(&["room", "new", name, "--category", &text]),
        command: Some(Command::ChanCreate(Box::new(draft))),
    }
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[test]
fn rooms_are_created_as_the_table_says() {
    let mut org = with_creators();
    let root = root(&mut org);
    let mut verdicts = Verdicts::default();
    for row in rows(decisions::CREATE) {
        let (user, category, says) = (row[0], row[1], row[2]);
        let place = match category {
            "root" => Some(root),
            "third" => None,
            category => Some(org.id(&format!("/categories/{category}"))),
        };
        for surface in SURFACES {
            let name = org.fresh("Made");
            let Some(is) = org.verdict(user, surface, &creation(&name, place)) else { continue };
            verdicts.check(category, user, surface, &is, says);
            if is == YES {
                let made = org.api(ADMIN).get(&format!("/rooms/{name}")).body;
                let managers = if user == ADMIN { vec![] } else { vec![uri(user)] };
                assert_eq!(listed(&made["managers"]), managers, "{row:?} by {surface}");
                assert_eq!(listed(&made["members"]), [""; 0], "it starts empty");
            }
        }
    }
    verdicts.conclude(SURFACES.len());
}

fn listed(list: &Value) -> Vec<String> {
    let list = list.as_array().expect("a list").iter();
    list.map(|it| it["uri"].as_str().expect("a URI").to_owned()).collect()
}

/// What is done to a room, by its row in the table.
fn operation(org: &Organisation, name: &str, room: &Room) -> Ask {
    let mut change = RoomChange::new(room.reference());
    let mut add = |role: RoomRole, who: &str| {
        change.roles = vec![RoleChange { role, op: RoleOp::Add, principals: vec![uri(who)] }];
        (json!({"add": uris(&[who])}), uri(who))
    };
    let (body, options) = match name {
        "name" => {
            let other = format!("{} renamed", room.name);
            change.name = Some(other.clone());
            (json!({"name": other}), words(&["--name", &other]))
        }
        "description" => {
            change.description = Some("Of use".to_owned());
            (json!({"description": "Of use"}), words(&["--description", "Of use"]))
        }
        "privacy" => {
            change.privacy = Some(Privacy::Secret);
            (json!({"privacy": "secret"}), words(&["--privacy", "secret"]))
        }
        "type" => {
            change.behavior = Some(Behavior::Auditorium);
            (json!({"type": "auditorium"}), words(&["--type", "auditorium"]))
        }
        "invitations" => {
            change.invite_inherits = Some(false);
            (json!({"invitations": "false"}), words(&["--invitations", "false"]))
        }
        "add-in" => {
            change.addin = Some(Some(org.id("/addins/web")));
            (json!({"addin": "web"}), words(&["--addin", "web"]))
        }
        "members" => {
            let (list, who) = add(RoomRole::Member, "creator");
            (json!({"members": list}), words(&["--add-members", &who]))
        }
        "managers" => {
            let (list, who) = add(RoomRole::Manager, "creator");
            (json!({"managers": list}), words(&["--add-managers", &who]))
        }
        "presenters" => {
            let (list, who) = add(RoomRole::Presenter, "member");
            change.behavior = Some(Behavior::Auditorium);
            let options = words(&["--type", "auditorium", "--add-presenters", &who]);
            (json!({"type": "auditorium", "presenters": list}), options)
        }
        "move" => {
            change.category = Some(org.id("/categories/second"));
            (json!({"category": "second"}), words(&["--category", "second"]))
        }
        "disable" | "enable" => {
            let is_disabled = name == "disable";
            change.disabled = Some(is_disabled);
            let options = words(&["--disabled", &is_disabled.to_string()]);
            (json!({"disabled": is_disabled}), options)
        }
        _ => return other_operation(name, room),
    };
    Ask {
        method: "PATCH",
        path: room.path(),
        body: Some(body),
        words: [words(&["room", "set", &room.id]), options].concat(),
        command: Some(Command::ChanModify(Box::new(change))),
    }
}

/// The same of what changes no property.
fn other_operation(name: &str, room: &Room) -> Ask {
    match name {
        "delete" => Ask {
            method: "DELETE",
            path: room.path(),
            body: None,
            words: words(&["room", "remove", &room.id]),
            command: Some(Command::ChanDelete(room.reference())),
        },
        "clear messages" => Ask {
            method: "POST",
            path: format!("{}/clear", room.path()),
            body: Some(json!({"until": "2999-12-31"})),
            words: words(&["room", "clear", &room.id, "--until", "2999-12-31"]),
            command: None,
        },
        "remove messages" => Ask {
            method: "POST",
            path: format!("{}/messages/remove", room.path()),
            body: Some(json!({"filter": "word"})),
            words: words(&["message", "remove", &room.id, "--filter", "word"]),
            command: None,
        },
        _ => panic!("{name}"),
    }
}

/// A room of the tables that nobody has touched.
fn fresh_room(org: &mut Organisation, is_disabled: bool) -> Room {
    let room = org.fresh("room");
    org.room(&json!({
        "name": room, "category": "first", "disabled": is_disabled,
        "members": uris(&["member"]), "managers": uris(&["chief", "manager"]),
    }))
}

/// Each decision of a table by each surface, every time on a room of its own.
fn check_operations(org: &mut Organisation, text: &str, is_disabled: bool) {
    let mut verdicts = Verdicts::default();
    for Cell { row, column: user, says } in cells(text) {
        for surface in SURFACES {
            let room = fresh_room(org, is_disabled);
            let shown = |org: &Organisation| org.api(ADMIN).get(&room.path()).body;
            let (before, ask) = (shown(org), operation(org, row, &room));
            let Some(is) = org.verdict(user, surface, &ask) else { continue };
            verdicts.check(row, user, surface, &is, says);
            let is_of_messages = row.ends_with("messages");
            let is_changed = shown(org) != before;
            let what = format!("{row:?}, {user}: {surface} says {is}");
            assert_eq!(is_changed, is == YES && !is_of_messages, "what it says it does: {what}");
        }
    }
    verdicts.conclude(SURFACES.len());
}

#[test]
fn rooms_are_managed_as_the_table_says() {
    check_operations(&mut with_creators(), decisions::MANAGE, false);
}

/// Whoever may change a room is told so.
#[test]
fn managers_are_told_as_the_table_says() {
    let mut org = with_creators();
    let rooms = [fresh_room(&mut org, false)];
    let mut verdicts = Verdicts::default();
    for cell in cells(decisions::MANAGE).into_iter().filter(|cell| cell.row == "name") {
        let facts = ask(&mut org, cell.column, &rooms);
        let (user, has) = (cell.column, cell.says == YES);
        let row = Row { text: cell.row, user, rights: &["manage"], has };
        compare(&mut verdicts, &row, &facts[0]);
    }
    // Three explain, one lists what is managed, one tells permissions.
    verdicts.conclude(5);
}

#[test]
fn rooms_are_enabled_again_as_the_table_says() {
    check_operations(&mut with_creators(), decisions::ENABLE, true);
}
