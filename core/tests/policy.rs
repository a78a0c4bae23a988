//! The decision tables of `product.md` §2, row by row, as a directory decides them; and laws over
//! everything there is.

mod decisions;
mod organisation;

use decisions::{Cell, cells, rows};
use organisation::{Organisation, admin, uri, user};
use parlance_core::admin::{
    Act, Actor, CategoryEdit, Cause, ConfigurationEdit, Eligible, ListEdit, NewCategory, NewRoom,
    PolicyEdit, RoomEdit, eligible,
};
use parlance_core::directory::model::{
    Behavior, Invitations, PrincipalState, Privacy, Role, Scope,
};
use parlance_core::policy::{Place, Right, Rights, Standing, rights};

const PRIVACIES: [Privacy; 3] = [Privacy::Open, Privacy::Closed, Privacy::Secret];
const BEHAVIORS: [Behavior; 2] = [Behavior::Normal, Behavior::Auditorium];

fn privacies(word: &str) -> &'static [Privacy] {
    match word {
        "Open" => &PRIVACIES[..1],
        "Closed" => &PRIVACIES[1..2],
        "Secret" => &PRIVACIES[2..],
        "any" => &PRIVACIES,
        _ => panic!("{word}"),
    }
}

/// A room `room` in a category for the domain, from which `nil` is denied; `far` is no user of the
/// domain. Both are on all lists, which does not help them.
fn with_room(privacy: Privacy, behavior: Behavior, is_disabled: bool) -> Organisation {
    let mut org = Organisation::new();
    org.users(&["nil", "in", "member", "manager", "presenter", "chair"]);
    org.person("far", &["g:elsewhere"]);
    org.category("category", &["d:"]);
    org.list("category", Role::Denied, &["nil"]);
    org.room("room", "category");
    org.edit_room("room", |room| {
        (room.privacy, room.behavior, room.is_disabled) = (privacy, behavior, is_disabled);
    });
    org.list("room", Role::Member, &["nil", "far", "member", "presenter", "chair"]);
    org.list("room", Role::Manager, &["nil", "far", "manager", "chair"]);
    org.list("room", Role::Presenter, &["nil", "far", "presenter"]);
    org
}

/// One table of rights: a row for rooms of a privacy, a column for each user.
fn check_rooms(text: &str, what: impl Fn(Rights) -> &'static str) {
    // An administrator has the rights of whoever they are as a user.
    for cell in cells(text).iter().filter(|cell| cell.column != "admin") {
        let (privacy, state) = cell.row.split_once(", ").expect("privacy, state");
        for privacy in privacies(privacy) {
            for behavior in BEHAVIORS {
                let org = with_room(*privacy, behavior, state == "disabled");
                let is = what(org.rights(cell.column, "room"));
                assert_eq!(is, cell.says, "{cell:?}, {privacy:?} {behavior:?}");
            }
        }
    }
}

/// §2.0: scope test vectors.
#[test]
fn scopes() {
    for row in rows(decisions::SCOPES) {
        let mut org = Organisation::new();
        let chain: Vec<&str> = row[2].split(" > ").collect();
        org.person("ada", &["d:", chain[0]]);
        chain.windows(2).for_each(|pair| org.person(pair[0], &[pair[1]]));
        org.category("category", &[]);
        for (role, entry) in [(Role::Allowed, row[0]), (Role::Denied, row[1])] {
            if entry != "-" {
                let parents: &[&str] = if entry == "ada" { &["d:", chain[0]] } else { &[] };
                if org.directory.people().find(organisation::id(entry)).is_none() {
                    org.person(entry, parents);
                }
                org.list("category", role, &[entry]);
            }
        }
        org.room("room", "category");
        org.edit_room("room", |room| room.privacy = Privacy::Open);
        if row[3] == "disabled" {
            org.set_state("ada", PrincipalState::Disabled);
        }
        let is = if org.rights("ada", "room").join { "yes" } else { "no" };
        assert_eq!(is, row[4], "{row:?}");
    }
}

/// §2.0: whoever is taken from a group is out of scope after the synchronisation.
#[test]
fn scope_ends_with_the_group() {
    let mut org = Organisation::new();
    org.person("ada", &["g:crew"]);
    org.category("category", &["g:crew"]);
    org.room("room", "category");
    org.edit_room("room", |room| room.privacy = Privacy::Open);
    assert!(org.rights("ada", "room").join);
    org.person("ada", &["d:"]);
    assert_eq!(org.rights("ada", "room"), Rights::default());
}

/// §2.1.
#[test]
fn who_sees_a_room() {
    check_rooms(decisions::SEE, |rights| match (rights.find, rights.see) {
        (true, true) => "yes",
        (false, true) => "see",
        (false, false) => "no",
        (true, false) => "found, and not seen",
    });
    // An administrator sees by the means of administrators.
    for privacy in PRIVACIES {
        let org = with_room(privacy, Behavior::Normal, true);
        let edit = RoomEdit::default();
        assert_eq!(org.cause(&admin(), &Act::SetRoom { room: "room".to_owned(), edit }), None);
    }
}

/// §2.2.
#[test]
fn who_joins_a_room() {
    check_rooms(decisions::JOIN, |rights| if rights.join { "yes" } else { "no" });
    // A manager may add themselves first.
    for privacy in [Privacy::Closed, Privacy::Secret] {
        let mut org = with_room(privacy, Behavior::Normal, false);
        let members = ListEdit { add: vec![uri("manager")], ..ListEdit::default() };
        let edit = RoomEdit { members, ..RoomEdit::default() };
        let act = Act::SetRoom { room: "room".to_owned(), edit };
        org.act(&user("manager"), &act).unwrap();
        assert!(org.rights("manager", "room").join);
    }
}

/// §2.3. That one must be in the room is for those who know who is (`core/tests/walls.rs`).
#[test]
fn who_posts() {
    for Cell { row: name, column, says } in cells(decisions::POST) {
        let (behavior, is_disabled) = match column {
            "Normal" => (Behavior::Normal, false),
            "Auditorium" => (Behavior::Auditorium, false),
            _ => (Behavior::Auditorium, true),
        };
        let org = with_room(Privacy::Closed, behavior, is_disabled);
        let is = if org.rights(name, "room").post { "yes" } else { "no" };
        assert_eq!(is, says, "{name} {column}");
    }
}

/// §2.4.
#[test]
fn who_reads_history() {
    check_rooms(decisions::READ, |rights| if rights.read { "yes" } else { "no" });
    let mut org = with_room(Privacy::Open, Behavior::Normal, false);
    let keeps = |org: &Organisation| {
        org.directory.keeps_history(org.directory.room(org.node("room")).unwrap())
    };
    assert!(keeps(&org));
    org.edit_category("category", |category| category.chat_history = false);
    assert!(!keeps(&org), "nothing to read afterwards");
}

/// §2.5.
#[test]
fn who_uploads() {
    for row in rows(decisions::UPLOAD) {
        for (behavior, expect) in BEHAVIORS.into_iter().zip(&row[2..]) {
            let mut org = with_room(Privacy::Closed, behavior, false);
            org.edit_category("category", |category| category.file_upload = row[1] == "takes");
            let is = if org.rights(row[0], "room").upload { "yes" } else { "no" };
            assert_eq!(is, *expect, "{row:?} {behavior:?}");
        }
    }
}

fn actor(name: &str) -> Actor {
    if name == "admin" { admin() } else { user(name) }
}

fn verdict(cause: Option<Cause>) -> &'static str {
    cause.map_or("yes", Cause::as_str)
}

/// Two categories, of which `creator` may make rooms in both, and `chief` in the second alone;
/// `chief` and `manager` manage `room` in the first, which `member` is in. `web` is an add-in.
fn with_creators() -> Organisation {
    let mut org = Organisation::new();
    org.users(&["creator", "chief", "manager", "member", "nil"]);
    org.person("far", &["g:elsewhere"]);
    for category in ["first", "second"] {
        org.category(category, &["d:"]);
        org.list(category, Role::Denied, &["nil"]);
        org.list(category, Role::Creator, &["creator", "nil", "far"]);
    }
    org.list("second", Role::Creator, &["chief"]);
    org.room("room", "first");
    org.list("room", Role::Manager, &["chief", "manager"]);
    org.list("room", Role::Member, &["member"]);
    let (name, url) = ("web".to_owned(), "https://web.d.test/".to_owned());
    org.act(&admin(), &Act::NewAddin { name, url }).expect("an administrator may");
    org
}

/// §2.6.
#[test]
fn who_creates_rooms() {
    for row in rows(decisions::CREATE) {
        let mut org = with_creators();
        let root = org.directory.pool.root_category.to_string();
        let category = if row[1] == "root" { &root } else { row[1] };
        let actor = actor(row[0]);
        let act = Act::NewRoom(NewRoom::named("New", category));
        assert_eq!(verdict(org.cause(&actor, &act)), row[2], "{row:?}");
        if row[2] == "yes" {
            org.act(&actor, &act).unwrap();
            let managers = if row[0] == "admin" { vec![] } else { vec![row[0].to_owned()] };
            assert_eq!(org.listed("New", Role::Manager), managers, "{row:?}");
            assert_eq!(org.listed("New", Role::Member), [""; 0], "it starts empty");
        }
    }
}

/// What is done to `room`, by its row in the table; messages are in no directory.
fn operation(name: &str) -> Option<Act> {
    let list = |who: &str| ListEdit { add: vec![uri(who)], ..ListEdit::default() };
    let mut edit = RoomEdit::default();
    match name {
        "name" => edit.name = Some("Renamed".to_owned()),
        "description" => edit.description = Some("What it is for".to_owned()),
        "privacy" => edit.privacy = Some(Privacy::Secret),
        "type" => edit.behavior = Some(Behavior::Auditorium),
        "invitations" => edit.invitations = Some(Invitations::False),
        "add-in" => edit.addin = Some(Some("web".to_owned())),
        "members" => edit.members = list("creator"),
        "managers" => edit.managers = list("creator"),
        "presenters" => {
            edit.behavior = Some(Behavior::Auditorium);
            edit.presenters = list("member");
        }
        "move" => edit.category = Some("second".to_owned()),
        "disable" => edit.is_disabled = Some(true),
        "enable" => edit.is_disabled = Some(false),
        "delete" => return Some(Act::RemoveRoom { room: "room".to_owned(), version: None }),
        "clear messages" | "remove messages" => return None,
        _ => panic!("{name}"),
    }
    Some(Act::SetRoom { room: "room".to_owned(), edit })
}

fn check_operations(text: &str, org: &Organisation) {
    for cell in cells(text) {
        if let Some(act) = operation(cell.row) {
            assert_eq!(verdict(org.cause(&actor(cell.column), &act)), cell.says, "{cell:?}");
        }
    }
}

/// §2.7.
#[test]
fn who_manages_rooms() {
    check_operations(decisions::MANAGE, &with_creators());
}

/// §2.7.
#[test]
fn who_enables_again() {
    let mut org = with_creators();
    org.act(&user("manager"), &operation("disable").unwrap()).unwrap();
    check_operations(decisions::ENABLE, &org);
    org.act(&user("manager"), &operation("enable").unwrap()).unwrap();
    assert!(org.rights("member", "room").join);
}

/// What is administered, by its row in the table.
fn administration(name: &str) -> Act {
    let text = |text: &str| text.to_owned();
    let set_category = |edit| Act::SetCategory { category: text("first"), edit };
    match name {
        "new category" => Act::NewCategory(NewCategory::named("third")),
        "set history" => {
            set_category(CategoryEdit { chat_history: Some(false), ..CategoryEdit::default() })
        }
        "set allowed" => {
            let allowed = ListEdit { replace: Some(vec![uri("far")]), ..ListEdit::default() };
            set_category(CategoryEdit { allowed, ..CategoryEdit::default() })
        }
        "remove category" => Act::RemoveCategory { category: text("second"), version: None },
        "new add-in" => Act::NewAddin { name: text("wiki"), url: text("https://wiki.d.test/") },
        "set add-in" => {
            let (addin, url) = (text("web"), Some(text("https://wiki.d.test/")));
            Act::SetAddin { addin, version: None, name: None, url }
        }
        "remove add-in" => Act::RemoveAddin { addin: text("web"), version: None, force: false },
        "set configuration" => {
            Act::SetConfiguration { scope: Scope::Global, edit: ConfigurationEdit::default() }
        }
        "set policy" => Act::SetPolicy { scope: Scope::Global, edit: PolicyEdit::default() },
        "grant policy" => Act::GrantPolicy { user: uri("member"), policy: None },
        "remove policy" => Act::RemovePolicy { scope: Scope::Global, force: false },
        "new endpoint" => {
            let uri = format!("sip:chat@{}", organisation::DOMAIN);
            Act::NewEndpoint { uri, display_name: String::new() }
        }
        "sync people" => Act::SyncPeople(vec![]),
        "load" => Act::Load(vec![]),
        _ => panic!("{name}"),
    }
}

/// §2.8.
#[test]
fn who_administers() {
    let org = with_creators();
    for cell in cells(decisions::ADMINISTER) {
        let cause = org.cause(&actor(cell.column), &administration(cell.row));
        assert_eq!(verdict(cause), cell.says, "{cell:?}");
    }
}

/// §2.9, §3.8.
#[test]
fn who_is_offered_in_pickers() {
    let mut org = with_room(Privacy::Closed, Behavior::Auditorium, false);
    org.person("crew1", &["g:crew", "d:"]);
    org.list("room", Role::Member, &["g:crew"]);
    org.set_state("chair", PrincipalState::Disabled);
    let check = |scope, filter: &str, limit, expect: &str| {
        let found = eligible(&org.directory, scope, filter, limit).unwrap();
        let names: Vec<String> = found.iter().map(|p| organisation::short(&p.uri)).collect();
        assert_eq!(names.join(" "), expect, "{scope:?} {filter:?}");
    };
    let category = Eligible::Category("category");
    let (members, presenters) = (false, true);
    let room = |presenters| Eligible::Room { room: "room", presenters };
    check(category, "", 99, "d: crew1 in manager member presenter");
    check(room(members), "", 99, "d: crew1 in manager member presenter");
    check(room(members), "SIP:M*", 99, "manager member");
    check(room(members), "sip:*", 2, "crew1 in");
    check(room(members), "", 0, "");
    // A group out of the category's scope is not offered, although its members are.
    check(room(presenters), "", 99, "crew1 member presenter");
    let wrong = |scope| eligible(&org.directory, scope, "", 9).unwrap_err().cause;
    assert_eq!(wrong(Eligible::Category("room")), Cause::NoSuchNode);
    assert_eq!(wrong(Eligible::Room { room: "category", presenters: false }), Cause::NoSuchNode);
    let org = with_room(Privacy::Closed, Behavior::Normal, false);
    let wrong = eligible(&org.directory, room(presenters), "", 9).unwrap_err();
    assert_eq!(wrong.cause, Cause::InvalidArgument, "no auditorium");
}

fn standings() -> impl Iterator<Item = Standing> {
    (0..16u8).map(|bits| Standing {
        in_scope: bits & 1 != 0,
        is_listed: bits & 2 != 0,
        is_manager: bits & 4 != 0,
        is_presenter: bits & 8 != 0,
    })
}

fn places() -> impl Iterator<Item = Place> {
    let kinds = PRIVACIES.into_iter().flat_map(|p| BEHAVIORS.into_iter().map(move |b| (p, b)));
    kinds.flat_map(|(privacy, behavior)| {
        (0..4u8).map(move |bits| Place {
            privacy,
            behavior,
            is_disabled: bits & 1 != 0,
            takes_files: bits & 2 != 0,
        })
    })
}

#[test]
fn laws_over_all_there_is() {
    for (standing, place) in standings().flat_map(|s| places().map(move |p| (s, p))) {
        let has = rights(standing, place);
        let law = |holds: bool, law: &str| assert!(holds, "{law}: {standing:?} {place:?} {has:?}");
        law(standing.in_scope || has == Rights::default(), "out of scope, nothing");
        law(!has.post || has.join, "nobody posts who may not enter");
        law(!has.join || has.see && has.find, "nobody enters who may not see");
        law(!has.find || has.see, "what is found is seen");
        law(has.read == has.join, "who may enter may read without");
        law(!has.upload || has.post && place.takes_files, "files are posts");
        let is_auditorium = place.behavior == Behavior::Auditorium;
        law(!is_auditorium || !has.post || standing.is_presenter, "presenters alone");
        law(has.present == (is_auditorium && has.post), "presenting is posting in an auditorium");
        let nobody_in = !(has.find || has.join || has.post || has.read || has.upload);
        law(!place.is_disabled || nobody_in, "disabled, nobody");
        law(!place.is_disabled || has.see == has.manage, "disabled, managers alone");
        law(has.manage == (standing.in_scope && standing.is_manager), "managers manage");
        let open = rights(standing, Place { privacy: Privacy::Open, ..place });
        law(!has.join || open.join, "opening a room shuts nobody out");
        let unlisted = rights(Standing { is_manager: false, ..standing }, place);
        law((unlisted.join, unlisted.post) == (has.join, has.post), "managing is not taking part");
        let stands = |needed: bool, is: bool| needed && is;
        law(
            Right::ALL.iter().all(|right| {
                let needed = right.needs(place);
                let known = Standing {
                    in_scope: standing.in_scope,
                    is_listed: stands(needed.members, standing.is_listed),
                    is_manager: stands(needed.managers, standing.is_manager),
                    is_presenter: stands(needed.presenters, standing.is_presenter),
                };
                rights(known, place).has(*right) == has.has(*right)
            }),
            "lists that a right does not need change nothing of it",
        );
        let bits = [(2, has.manage), (7, has.join), (8, has.post), (10, has.read), (11, has.see)];
        law(bits.iter().all(|(bit, is)| (has.key() >> bit & 1 == 1) == *is), "the key says so");
    }
}
