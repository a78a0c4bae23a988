//! What acts come to: the changes of each, and each refusal.

mod organisation;

use organisation::{DOMAIN, NOW, Organisation, admin, id, short, uri, uris, user};
use parlance_core::admin::{
    Act, Actor, CategoryEdit, Cause, ConfigurationEdit, ListEdit, NewCategory, NewRoom,
    PersonRecord, PolicyEdit, RoomEdit,
};
use parlance_core::directory::model::{
    Behavior, Invitations, PrincipalState, Privacy, Role, Room, Scope,
};
use parlance_core::directory::{Change, Directory};
use parlance_wire::xccos::{Guid, ResponseCode};
use proptest::prelude::*;

/// A crew of two and three others in the domain; `Deck` (crew, and ann, without bob) with the
/// auditorium `Bridge` and the room `Mess`; `Hold` for all, with `Cargo`. Ann manages and creates.
fn ship() -> Organisation {
    let mut org = Organisation::new();
    org.users(&["ann", "bob", "cat", "dan"]);
    org.person("eve", &["g:crew", "d:"]);
    org.person("fay", &["g:crew", "d:"]);
    org.person("g:crew", &["g:all"]);
    org.category("Deck", &["g:all", "ann", "cat"]);
    org.list("Deck", Role::Denied, &["bob", "fay"]);
    org.list("Deck", Role::Creator, &["ann"]);
    org.category("Hold", &["d:"]);
    org.list("Hold", Role::Creator, &["ann"]);
    org.room("Bridge", "Deck");
    org.edit_room("Bridge", |room| room.behavior = Behavior::Auditorium);
    org.list("Bridge", Role::Member, &["g:crew", "cat"]);
    org.list("Bridge", Role::Presenter, &["eve", "cat"]);
    org.room("Mess", "Deck");
    org.room("Cargo", "Hold");
    for room in ["Bridge", "Mess", "Cargo"] {
        org.list(room, Role::Manager, &["ann"]);
    }
    org
}

fn add(names: &[&str]) -> ListEdit {
    ListEdit { add: uris(names), ..ListEdit::default() }
}

fn remove(names: &[&str]) -> ListEdit {
    ListEdit { remove: uris(names), ..ListEdit::default() }
}

fn replace(names: &[&str]) -> ListEdit {
    ListEdit { replace: Some(uris(names)), ..ListEdit::default() }
}

fn room(name: &str, edit: impl FnOnce(&mut RoomEdit)) -> Act {
    let mut with = RoomEdit::default();
    edit(&mut with);
    Act::SetRoom { room: name.to_owned(), edit: with }
}

fn new_room(category: &str, edit: impl FnOnce(&mut NewRoom)) -> Act {
    let mut new = NewRoom::named("New", category);
    edit(&mut new);
    Act::NewRoom(new)
}

fn category(name: &str, edit: impl FnOnce(&mut CategoryEdit)) -> Act {
    let mut with = CategoryEdit::default();
    edit(&mut with);
    Act::SetCategory { category: name.to_owned(), edit: with }
}

fn new_category(edit: impl FnOnce(&mut NewCategory)) -> Act {
    let mut new = NewCategory::named("New");
    edit(&mut new);
    Act::NewCategory(new)
}

/// A list's change as `members +kay -lee`, an invitation as `#1 kay`, anything else by its name.
fn tell(directory: &Directory, plan: &[Change]) -> String {
    let people = |ids: &[Guid], sign: &str| -> String {
        let name = |id: &Guid| {
            let made = plan.iter().find_map(|change| match change {
                Change::Principal(principal) if principal.id == *id => Some(principal.uri.clone()),
                _ => None,
            });
            let known = || directory.people().find(*id).and_then(|id| directory.people().get(id));
            short(&made.unwrap_or_else(|| known().expect("a principal").principal.uri.clone()))
        };
        let mut names: Vec<String> = ids.iter().map(name).collect();
        names.sort();
        names.iter().map(|name| format!(" {sign}{name}")).collect()
    };
    let one = |change: &Change| match change {
        Change::Entries { role, add, remove, .. } => {
            let role = format!("{role:?}").to_lowercase();
            format!("{role}{}{}", people(add, "+"), people(remove, "-"))
        }
        Change::Invited { number, users, .. } => format!("#{number}{}", people(users, "")),
        Change::Room(room) => format!("room v{}", room.version),
        Change::Category(category) => format!("category v{}", category.version),
        Change::Addin(addin) => format!("addin v{}", addin.version),
        Change::Principal(principal) => format!("person {}", short(&principal.uri)),
        Change::Parents { child, parents } => {
            format!("parents{} in{}", people(&[*child], ""), people(parents, ""))
        }
        Change::Policy(policy) => format!("policy {} {}", policy.scope, policy.is_enabled),
        other => format!("{other:?}").split(['(', ' ']).next().unwrap().to_owned(),
    };
    plan.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// One act on a ship: its changes, or the cause and field of its refusal.
fn outcome(org: &Organisation, actor: &Actor, act: &Act) -> String {
    match org.plan(actor, act) {
        Ok(plan) => {
            let notes = if plan.notes.is_empty() { "" } else { "; noted" };
            format!("{}{notes}", tell(&org.directory, &plan.changes))
        }
        Err(refusal) => {
            assert!(!refusal.message.is_empty());
            format!("{} {}", refusal.cause.as_str(), refusal.field).trim_end().to_owned()
        }
    }
}

fn check_all(org: &Organisation, actor: &Actor, acts: Vec<(Act, &str)>) {
    for (act, expect) in acts {
        assert_eq!(outcome(org, actor, &act), expect, "{act:?}");
    }
}

#[test]
fn names_are_short_clean_and_unique() {
    let org = ship();
    let long = "x".repeat(257);
    let named = |name: &str| room("Mess", |edit| edit.name = Some(name.to_owned()));
    let cases = [
        ("", "InvalidArgument name"),
        (" \t ", "InvalidArgument name"),
        (&long, "InvalidArgument name"),
        (&long[1..], "room v2"),
        ("a\u{7}b", "InvalidArgument name"),
        ("a\nb", "InvalidArgument name"),
        ("bridge", "DuplicateRoomName name"),
        (" HOLD ", "DuplicateRoomName name"),
        ("Mess", ""),
        ("  Mess ", ""),
        ("MESS", "room v2"),
        ("Grüße 🚢", "room v2"),
    ];
    for (name, expect) in cases {
        assert_eq!(outcome(&org, &admin(), &named(name)), expect, "{name:?}");
        let act = new_room("Hold", |new| new.name = name.to_owned());
        let made = match expect {
            "" => "DuplicateRoomName name",
            _ if name == "MESS" => "DuplicateRoomName name",
            "room v2" => "room v1",
            refused => refused,
        };
        assert_eq!(outcome(&org, &admin(), &act), made, "{name:?}");
        let act = new_category(|new| new.name = name.to_owned());
        let made = made.replace("room v1", "category v1");
        assert_eq!(outcome(&org, &admin(), &act), made, "{name:?}");
    }
    let plan = org.plan(&admin(), &named("  Galley ")).unwrap();
    assert!(matches!(&plan.changes[0], Change::Room(room) if room.name == "Galley"));
    let described = |text: &str| room("Mess", |edit| edit.description = Some(text.to_owned()));
    check_all(
        &org,
        &admin(),
        vec![
            (described(&long), "InvalidArgument description"),
            (described("\u{0}"), "InvalidArgument description"),
            (described(""), ""),
        ],
    );
}

#[test]
fn things_go_by_many_names() {
    let org = ship();
    let mess = org.node("Mess");
    let deck = org.node("Deck");
    let gone = Some(false);
    for name in [
        "Mess".to_owned(),
        " mESS ".to_owned(),
        format!("{DOMAIN}\\Mess"),
        "D.TEST\\mess".to_owned(),
        mess.to_string(),
        format!("{{{mess}}}"),
        format!("ma-chan://{DOMAIN}/{mess}"),
        format!("MA-CHAN://D.Test/{mess}"),
    ] {
        let plan = org.plan(&admin(), &room(&name, |edit| edit.is_disabled = gone)).unwrap();
        assert_eq!(plan.subject, Some(mess), "{name}");
    }
    for name in ["Deck".to_owned(), deck.to_string(), format!("ma-cat://{DOMAIN}/{deck}")] {
        let plan = org.plan(&admin(), &category(&name, |_| {})).unwrap();
        assert_eq!(plan.subject, Some(deck), "{name}");
    }
    let missing = [
        format!("ma-chan://other.test/{mess}"),
        format!("ma-cat://{DOMAIN}/{mess}"),
        "other.pool\\Mess".to_owned(),
        "Deck".to_owned(),
        deck.to_string(),
        Guid(7).to_string(),
        String::new(),
    ];
    for name in missing {
        assert_eq!(outcome(&org, &admin(), &room(&name, |_| {})), "NoSuchNode room", "{name}");
    }
    // Nobody takes the place of another room by calling theirs by its identifier.
    let mut org = org;
    org.edit_room("Cargo", |cargo| cargo.name = mess.to_string());
    let plan = org.plan(&admin(), &room(&mess.to_string(), |_| {})).unwrap();
    assert_eq!(plan.subject, Some(mess));
}

#[test]
fn people_go_by_many_names() {
    let mut org = ship();
    for (name, display, account) in [("cat", "Cat C.", "deck\\cat"), ("dan", "Twin", "dan-1")] {
        org.change(Change::Principal(parlance_core::directory::model::Principal {
            display_name: display.to_owned(),
            account: account.to_owned(),
            email: format!("{name}@mail.test"),
            path: format!("CN={name},DC=d"),
            ..organisation::principal(name)
        }));
    }
    let twin = |name: &str, state| parlance_core::directory::model::Principal {
        display_name: "Twin".to_owned(),
        state,
        ..organisation::principal(name)
    };
    org.change(Change::Principal(twin("bob", PrincipalState::Deleted)));
    let check = |org: &Organisation, name: &str, expect: &str| {
        let edit = ListEdit { add: vec![name.to_owned()], ..ListEdit::default() };
        let act = room("Cargo", |with| with.members = edit);
        let expect = match expect {
            "" => "NoSuchPrincipal members".to_owned(),
            found => format!("room v2, member +{found}"),
        };
        assert_eq!(outcome(org, &admin(), &act), expect, "{name}");
    };
    for name in ["SIP:Cat@D.test;x=y", "cat@d.test", "CAT@MAIL.TEST", "Deck\\CAT", " cat c. "] {
        check(&org, name, "cat");
    }
    check(&org, &id("cat").to_string(), "cat");
    check(&org, "cn=CAT,dc=D", "cat");
    check(&org, "MA-DOM:d.test", "d:");
    check(&org, "twin", "dan");
    org.change(Change::Principal(twin("eve", PrincipalState::Active)));
    check(&org, "twin", "");
    for name in ["", "nobody", "sip:nobody@d.test", "sip:cat@other.test"] {
        check(&org, name, "");
    }
}

#[test]
fn what_a_version_does_not_know_is_not_overwritten() {
    let mut org = ship();
    let (name, url) = ("web".to_owned(), "http://web".to_owned());
    org.act(&admin(), &Act::NewAddin { name, url }).unwrap();
    let set = |seen, text: &str| {
        let text = Some(text.to_owned());
        let addin = "web".to_owned();
        [
            room("Mess", |edit| (edit.version, edit.description) = (seen, text.clone())),
            category("Deck", |edit| (edit.version, edit.description) = (seen, text.clone())),
            Act::SetAddin { addin, version: seen, name: text, url: None },
        ]
    };
    for (at, old) in [0, 1, 2].into_iter().zip(["room", "category", "addin"]) {
        let seen_first = &set(Some(1), "one")[at];
        org.act(&admin(), seen_first).unwrap();
        let refused = outcome(&org, &admin(), &set(Some(1), "web")[at]);
        assert_eq!(refused, if at == 2 { "NoSuchNode addin" } else { "DataCollision version" });
        if at < 2 {
            assert_eq!(outcome(&org, &admin(), &set(Some(2), "two")[at]), format!("{old} v3"));
            assert_eq!(outcome(&org, &admin(), &set(None, "two")[at]), format!("{old} v3"));
        }
    }
    let mess = org.room_named("Mess");
    assert_eq!((mess.audit.updated_by.as_str(), mess.audit.updated_on), ("root", NOW));
}

#[test]
fn lists_of_rooms() {
    let org = ship();
    let members = |edit: ListEdit| room("Cargo", |with| with.members = edit);
    let bridge = |edit: ListEdit| room("Bridge", |with| with.members = edit);
    let both = ListEdit { add: uris(&["cat"]), remove: uris(&["cat"]), replace: None };
    let all = ListEdit {
        replace: Some(uris(&["eve", "cat"])),
        add: uris(&["dan"]),
        remove: uris(&["eve"]),
    };
    let out = "PrincipalsNotInScope members";
    check_all(
        &org,
        &user("ann"),
        vec![
            (members(ListEdit::default()), ""),
            (members(add(&["cat", "cat", "g:crew"])), "PrincipalsNotInScope members"),
            (members(add(&["cat", "cat"])), "room v2, member +cat"),
            (members(remove(&["cat"])), ""),
            (members(both), "InvalidArgument members"),
            (members(all), "room v2, member +cat +dan"),
            (bridge(add(&["cat"])), "PrincipalsAlreadyDefined members"),
            (bridge(add(&["eve"])), "room v2, member +eve"),
            (bridge(add(&["ann"])), "room v2, member +ann"),
            (bridge(replace(&["g:crew", "cat"])), ""),
            // In the scope of Deck are all the crew but fay, ann and cat.
            (bridge(add(&["dan"])), out),
            (bridge(add(&["bob"])), out),
            (bridge(add(&["fay"])), out),
            (bridge(add(&["d:"])), out),
            (bridge(add(&["g:all"])), "room v2, member +g:all"),
            (room("Mess", |with| with.managers = add(&["dan"])), "PrincipalsNotInScope managers"),
            (room("Mess", |with| with.managers = remove(&["ann"])), "room v2, manager -ann"),
        ],
    );
}

#[test]
fn presenters_are_members_of_auditoriums() {
    let mut org = ship();
    let presenters = |edit: ListEdit| room("Bridge", |with| with.presenters = edit);
    let normal = |force, gone: &[&str]| {
        room("Bridge", |with| {
            (with.behavior, with.force) = (Some(Behavior::Normal), force);
            with.presenters = remove(gone);
        })
    };
    let without = |force, gone: &[&str], more: &[&str]| {
        room("Bridge", |with| {
            (with.members, with.force, with.presenters) = (remove(gone), force, remove(more));
        })
    };
    let stranger = "PresenterNotInMemList presenters";
    let opened = room("Bridge", |with| {
        (with.privacy, with.presenters) = (Some(Privacy::Open), add(&["ann"]));
    });
    let beside = room("Bridge", |with| {
        (with.members, with.presenters) = (add(&["ann"]), add(&["ann"]));
    });
    check_all(
        &org,
        &user("ann"),
        vec![
            (presenters(add(&["ann"])), stranger),
            (beside, "room v2, member +ann, presenter +ann"),
            (opened.clone(), "room v2, presenter +ann"),
            (presenters(add(&["g:crew"])), "room v2, presenter +g:crew"),
            (presenters(add(&["g:all"])), stranger),
            (presenters(add(&["dan"])), "PrincipalsNotInScope presenters"),
            (normal(false, &[]), "InUse behavior"),
            (normal(false, &["cat"]), "InUse behavior"),
            (normal(false, &["cat", "eve"]), "room v2, presenter -cat -eve"),
            (normal(true, &[]), "room v2, presenter -cat -eve; noted"),
            (without(false, &["cat"], &[]), stranger),
            (without(false, &["g:crew"], &["cat"]), stranger),
            (without(false, &["cat"], &["cat"]), "room v2, member -cat, presenter -cat"),
            (without(true, &["g:crew"], &[]), "room v2, member -g:crew, presenter -eve; noted"),
            (room("Mess", |with| with.presenters = add(&["cat"])), "InvalidArgument presenters"),
            (room("Mess", |with| with.behavior = Some(Behavior::Auditorium)), "room v2"),
        ],
    );
    org.act(&user("ann"), &opened).unwrap();
    let close =
        |force| room("Bridge", |with| (with.privacy, with.force) = (Some(Privacy::Closed), force));
    check_all(
        &org,
        &user("ann"),
        vec![(close(false), stranger), (close(true), "room v3, presenter -ann; noted")],
    );
    // Who is a presenter and no member for other reasons is in nobody's way.
    org.act(&admin(), &presenters(remove(&["ann"]))).unwrap();
    org.act(&admin(), &close(false)).unwrap();
    org.person("eve", &["g:all", "d:"]);
    let renamed = room("Bridge", |with| with.name = Some("Helm".to_owned()));
    assert_eq!(outcome(&org, &user("ann"), &renamed), "room v5");
    let act = |behavior| {
        new_room("Deck", |new| {
            (new.behavior, new.members, new.presenters) =
                (behavior, uris(&["cat"]), uris(&["cat"]));
        })
    };
    check_all(
        &org,
        &admin(),
        vec![
            (act(Behavior::Normal), "InvalidArgument presenters"),
            (act(Behavior::Auditorium), "room v1, member +cat, presenter +cat"),
        ],
    );
}

#[test]
fn a_room_moves_without_those_who_cannot_follow() {
    let mut org = ship();
    org.list("Cargo", Role::Member, &["dan", "eve", "bob"]);
    org.list("Cargo", Role::Manager, &["d:"]);
    let moved = room("Cargo", |with| with.category = Some("Deck".to_owned()));
    let expect = "room v2, member -bob -dan, manager -d:; noted";
    assert_eq!(outcome(&org, &user("ann"), &moved), expect);
    let again = room("Cargo", |with| {
        (with.category, with.members) = (Some("Deck".to_owned()), add(&["dan"]));
    });
    assert_eq!(outcome(&org, &user("ann"), &again), "PrincipalsNotInScope members");
    // The crew's eve presents because the crew are members; where the crew is not allowed, she is
    // no member, and so no presenter.
    org.category("Brig", &["eve", "ann"]);
    let moved = room("Bridge", |with| with.category = Some("Brig".to_owned()));
    let expect = "room v2, member -cat -g:crew, presenter -cat -eve; noted";
    assert_eq!(outcome(&org, &admin(), &moved), expect);
    let same = room("Bridge", |with| with.category = Some("deck".to_owned()));
    assert_eq!(outcome(&org, &user("ann"), &same), "");
    // One who is out of use for a while does not lose a place by it.
    org.set_state("cat", PrincipalState::Disabled);
    org.list("Hold", Role::Allowed, &["g:crew"]);
    let moved = room("Bridge", |with| with.category = Some("Hold".to_owned()));
    assert_eq!(outcome(&org, &user("ann"), &moved), "room v2");
    let cat = room("Mess", |with| with.members = add(&["cat"]));
    assert_eq!(outcome(&org, &user("ann"), &cat), "PrincipalsNotInScope members");
}

#[test]
fn users_who_become_members_are_invited() {
    let mut org = ship();
    org.edit_category("Deck", |category| category.invites = true);
    let crew = room("Mess", |with| with.members = add(&["g:crew", "cat"]));
    // Not fay, who is denied.
    let expect = "room v2, member +cat +g:crew, #1 cat eve";
    assert_eq!(outcome(&org, &user("ann"), &crew), expect);
    org.act(&user("ann"), &room("Mess", |with| with.members = add(&["g:crew"]))).unwrap();
    assert_eq!(org.directory.pool.last_invitation, 1);
    check_all(
        &org,
        &user("ann"),
        vec![
            // Eve is a member by the crew.
            (room("Mess", |with| with.members = add(&["eve"])), "room v3, member +eve"),
            (room("Mess", |with| with.members = add(&["cat"])), "room v3, member +cat, #2 cat"),
            (
                room("Mess", |with| {
                    (with.members, with.invitations) = (add(&["cat"]), Some(Invitations::False));
                }),
                "room v3, member +cat",
            ),
            (room("Cargo", |with| with.members = add(&["cat"])), "room v2, member +cat"),
            (room("Mess", |with| with.privacy = Some(Privacy::Open)), "room v3"),
            (
                new_room("Deck", |new| new.members = uris(&["cat"])),
                "room v1, member +cat, manager +ann, #2 cat",
            ),
        ],
    );
}

#[test]
fn categories() {
    let mut org = ship();
    let made = new_category(|new| {
        (new.allowed, new.denied) = (uris(&["d:"]), uris(&["bob"]));
        new.creators = uris(&["ann"]);
    });
    let with_creators = |names: &[&str]| {
        let names = uris(names);
        new_category(|new| (new.allowed, new.creators) = (uris(&["g:crew"]), names))
    };
    let root = org.directory.pool.root_category.to_string();
    let remove_category = |name: &str| Act::RemoveCategory { category: name.to_owned() };
    check_all(
        &org,
        &admin(),
        vec![
            (made, "category v1, allowed +d:, denied +bob, creator +ann"),
            (with_creators(&["eve"]), "category v1, allowed +g:crew, creator +eve"),
            (with_creators(&["ann"]), "PrincipalsNotInScope creators"),
            (new_category(|new| new.allowed = uris(&["zoe"])), "NoSuchPrincipal allowed"),
            (category("Deck", |_| {}), ""),
            (category("Deck", |with| with.chat_history = Some(false)), "category v2"),
            (category("Deck", |with| with.invites = Some(false)), ""),
            (
                category("Deck", |with| with.allowed = add(&["cat"])),
                "PrincipalsAlreadyDefined allowed",
            ),
            (
                category("Deck", |with| with.creators = add(&["dan"])),
                "PrincipalsNotInScope creators",
            ),
            (
                category("Deck", |with| {
                    (with.allowed, with.creators) = (add(&["dan"]), add(&["dan"]))
                }),
                "category v2, allowed +dan, creator +dan",
            ),
            // Its own list follows at once; rooms' lists stay, and give nothing.
            (
                category("Deck", |with| with.denied = add(&["ann"])),
                "category v2, denied +ann, creator -ann; noted",
            ),
            (category(&root, |_| {}), "NodeHierarchyViolation category"),
            (remove_category(&root), "NodeHierarchyViolation category"),
            (remove_category("Deck"), "NodeHierarchyViolation category"),
            (remove_category("Mess"), "NoSuchNode category"),
        ],
    );
    org.act(&admin(), &category("Deck", |with| with.allowed = remove(&["cat"]))).unwrap();
    assert_eq!(org.listed("Bridge", Role::Member), ["cat", "g:crew"]);
    assert!(!org.rights("cat", "Bridge").join && org.rights("eve", "Bridge").join);
    org.act(&admin(), &Act::RemoveRoom { room: "Cargo".to_owned() }).unwrap();
    assert_eq!(outcome(&org, &admin(), &remove_category("Hold")), "CategoryRemoved");
}

#[test]
fn an_administrator_may_be_anywhere() {
    let org = ship();
    let dan = Actor::Administrator { name: uri("dan") };
    let enter = room("Mess", |with| with.members = add(&["dan"]));
    assert_eq!(outcome(&org, &dan, &enter), "room v2, member +dan");
    assert_eq!(outcome(&org, &admin(), &enter), "PrincipalsNotInScope members");
    let both = room("Mess", |with| with.members = add(&["dan", "bob"]));
    assert_eq!(outcome(&org, &dan, &both), "PrincipalsNotInScope members");
    assert_eq!(outcome(&org, &user("ann"), &enter), "PrincipalsNotInScope members");
}

#[test]
fn unknown_users_become_principals_when_they_are_named() {
    let mut org = ship();
    org.directory.admits_unknown = true;
    let enter = |who: &str| {
        let members = ListEdit { add: vec![who.to_owned()], ..ListEdit::default() };
        room("Cargo", |with| with.members = members)
    };
    let expect = "person zoe, parents zoe in d:, room v2, member +zoe";
    assert_eq!(outcome(&org, &user("ann"), &enter("SIP:Zoe@D.test")), expect);
    let out = room("Mess", |with| with.members = add(&["zoe"]));
    check_all(
        &org,
        &user("ann"),
        vec![
            (enter("sip:zoe@other.test"), "NoSuchPrincipal members"),
            (out, "PrincipalsNotInScope members"),
            (room("Cargo", |with| with.members = remove(&["zoe"])), "NoSuchPrincipal members"),
        ],
    );
    org.list("Hold", Role::Creator, &["d:"]);
    let expect = "person zoe, parents zoe in d:, room v1, manager +zoe";
    assert_eq!(outcome(&org, &user("zoe"), &new_room("Hold", |_| {})), expect);
    org.directory.admits_unknown = false;
    assert_eq!(outcome(&org, &user("zoe"), &new_room("Hold", |_| {})), "ErrorPermission");
}

#[test]
fn addins() {
    let mut org = ship();
    let made = |name: &str, url: &str| Act::NewAddin { name: name.into(), url: url.into() };
    let set = |name: Option<&str>, url: Option<&str>| {
        let (name, url) = (name.map(str::to_owned), url.map(str::to_owned));
        Act::SetAddin { addin: "Chart".to_owned(), version: None, name, url }
    };
    let gone = |force| Act::RemoveAddin { addin: format!("{DOMAIN}\\chart"), force };
    let long = format!("http://{}", "x".repeat(249));
    org.act(&admin(), &made("Chart", "https://chart.test/?a=b")).unwrap();
    org.act(&admin(), &made("Log", "http://log")).unwrap();
    check_all(
        &org,
        &admin(),
        vec![
            (made("chart ", "http://x"), "DuplicateAddinName name"),
            (made(&"x".repeat(51), "http://x"), "InvalidArgument name"),
            (made(&"x".repeat(50), "HTTPS://x"), "addin v1"),
            (made("", "http://x"), "InvalidArgument name"),
            (made("New", &long), "InvalidArgument url"),
            (made("New", &long[..255]), "addin v1"),
            (made("New", "ftp://x"), "InvalidArgument url"),
            (made("New", "javascript:alert(1)"), "InvalidArgument url"),
            (made("New", "http://"), "InvalidArgument url"),
            (made("New", "http:///path"), "InvalidArgument url"),
            (made("New", "http://a b"), "InvalidArgument url"),
            (set(None, None), ""),
            (set(Some("CHART"), None), "addin v2"),
            (set(Some("log"), None), "DuplicateAddinName name"),
            (set(None, Some("x")), "InvalidArgument url"),
            (gone(false), "AddinRemoved"),
            (room("Mess", |with| with.addin = Some(Some("none".into()))), "NoSuchNode addin"),
        ],
    );
    let chart = room("Mess", |with| with.addin = Some(Some("chart".into())));
    org.act(&user("ann"), &chart).unwrap();
    check_all(
        &org,
        &admin(),
        vec![
            (chart, ""),
            (gone(false), "InUse addin"),
            (gone(true), "room v3, AddinRemoved; noted"),
            (room("Mess", |with| with.addin = Some(None)), "room v3"),
        ],
    );
    org.act(&admin(), &gone(true)).unwrap();
    assert_eq!(org.room_named("Mess").addin, None);
}

#[test]
fn policies() {
    let mut org = ship();
    let tag = || Scope::Tag("pilots".to_owned());
    let edit = |on| PolicyEdit { is_enabled: Some(on), description: None };
    let made = |scope, on| Act::NewPolicy { scope, edit: edit(on) };
    let set = |scope, on| Act::SetPolicy { scope, edit: edit(on) };
    let gone = |scope, force| Act::RemovePolicy { scope, force };
    let grant = |who: &str, policy: Option<&str>| Act::GrantPolicy {
        user: uri(who),
        policy: policy.map(str::to_owned),
    };
    let unset = PolicyEdit::default();
    org.act(&admin(), &made(tag(), false)).unwrap();
    check_all(
        &org,
        &admin(),
        vec![
            (made(Scope::Global, true), "InvalidArgument identity"),
            (made(tag(), true), "InvalidArgument identity"),
            (made(Scope::Tag(" ".into()), true), "InvalidArgument identity"),
            (Act::NewPolicy { scope: Scope::Site("x".into()), edit: unset }, "policy site:x false"),
            (made(Scope::Service("p".into()), true), "policy service:p true"),
            (set(Scope::Site("x".into()), true), "NoSuchNode identity"),
            (set(tag(), true), "policy tag:pilots true"),
            (set(tag(), false), ""),
            (grant("ann", Some("none")), "NoSuchNode policy"),
            (grant("ann", Some("pilots")), "person ann"),
            (grant("ann", Some("tag:pilots")), "person ann"),
            (grant("ann", None), ""),
            (grant("g:crew", Some("pilots")), "InvalidArgument user"),
            (grant("zoe", Some("pilots")), "NoSuchPrincipal user"),
            (gone(Scope::Site("x".into()), true), "NoSuchNode identity"),
            (gone(tag(), false), "PolicyRemoved"),
        ],
    );
    org.act(&admin(), &grant("ann", Some("pilots"))).unwrap();
    assert!(!org.rights("ann", "Mess").manage, "the policy of one's own comes first");
    check_all(
        &org,
        &admin(),
        vec![
            (gone(tag(), false), "InUse policy"),
            (gone(tag(), true), "person ann, PolicyRemoved; noted"),
            (gone(Scope::Global, false), "PolicyRemoved"),
        ],
    );
    org.act(&admin(), &gone(tag(), true)).unwrap();
    assert!(org.rights("ann", "Mess").manage);
    org.act(&admin(), &gone(Scope::Global, false)).unwrap();
    assert!(!org.rights("ann", "Mess").manage, "by default chat is off");
    check_all(
        &org,
        &admin(),
        vec![
            (gone(Scope::Global, false), ""),
            (set(Scope::Global, false), ""),
            (set(Scope::Global, true), "policy global true"),
        ],
    );
}

#[test]
fn configurations() {
    let mut org = ship();
    let depth = |n| ConfigurationEdit { default_chat_history: Some(n), ..Default::default() };
    let url = |url: &str| ConfigurationEdit {
        room_management_url: Some(url.to_owned()),
        ..ConfigurationEdit::default()
    };
    let set = |edit| Act::SetConfiguration { scope: Scope::Global, edit };
    let site = || Scope::Site("default".to_owned());
    let made = |scope| Act::NewConfiguration { scope, edit: depth(7) };
    let gone = |scope| Act::RemoveConfiguration { scope };
    let bad_url = "InvalidArgument room management url";
    check_all(
        &org,
        &admin(),
        vec![
            (set(depth(0)), "InvalidArgument default chat history"),
            (set(depth(501)), "InvalidArgument default chat history"),
            (set(depth(500)), "Configuration"),
            (set(depth(1)), "Configuration"),
            (set(depth(30)), ""),
            (set(url("")), ""),
            (set(url("https://rooms.test/")), "Configuration"),
            (set(url("file:///etc")), bad_url),
            (made(Scope::Global), "InvalidArgument identity"),
            (made(Scope::Tag("x".into())), "InvalidArgument identity"),
            (made(Scope::Service("p".into())), "Configuration"),
            (Act::SetConfiguration { scope: site(), edit: depth(7) }, "NoSuchNode identity"),
            (
                Act::SetConfiguration { scope: Scope::Tag("x".into()), edit: depth(7) },
                "InvalidArgument identity",
            ),
            (gone(Scope::Global), ""),
            (gone(site()), "NoSuchNode identity"),
        ],
    );
    org.act(&admin(), &set(depth(9))).unwrap();
    org.act(&admin(), &made(site())).unwrap();
    assert_eq!(org.directory.configuration().default_chat_history, 7);
    assert_eq!(outcome(&org, &admin(), &made(site())), "InvalidArgument identity");
    org.act(&admin(), &gone(site())).unwrap();
    assert_eq!(org.directory.configuration().default_chat_history, 9);
    org.act(&admin(), &gone(Scope::Global)).unwrap();
    assert_eq!(org.directory.configuration().default_chat_history, 30);
}

#[test]
fn endpoints_and_the_pool() {
    let mut org = ship();
    let made =
        |uri: &str| Act::NewEndpoint { uri: uri.to_owned(), display_name: "Old chat".to_owned() };
    let gone = |uri: &str| Act::RemoveEndpoint { uri: uri.to_owned() };
    let service = org.directory.service_uri.clone();
    org.act(&admin(), &made("sip:Chat@D.test")).unwrap();
    check_all(
        &org,
        &admin(),
        vec![
            (made("sip:chat@d.test"), "InUse uri"),
            (made(&uri("ann")), "InUse uri"),
            (made(&service), "InUse uri"),
            (made("sip:chat@other.test"), "InvalidArgument uri"),
            (made("chat@d.test"), "InvalidArgument uri"),
            (made("sip:d.test"), "InvalidArgument uri"),
            (made("sip:other@d.test"), "Endpoint"),
            (gone("sip:CHAT@d.test"), "EndpointRemoved"),
            (gone("sip:none@d.test"), "NoSuchNode uri"),
        ],
    );
    let pool = |edit: fn(&mut parlance_core::directory::model::Pool)| {
        let mut pool = org.directory.pool.clone();
        edit(&mut pool);
        Act::SetPool(pool)
    };
    check_all(
        &org,
        &admin(),
        vec![
            (pool(|_| {}), ""),
            (pool(|pool| pool.fqdn = "Pool.D.test".into()), "Pool"),
            (pool(|pool| pool.site = "north".into()), "Pool"),
            (pool(|pool| pool.fqdn = String::new()), "InvalidArgument fqdn"),
            (pool(|pool| pool.fqdn = "a\\b".into()), "InvalidArgument fqdn"),
            (pool(|pool| pool.display_name = "\n".into()), "InvalidArgument display name"),
            (pool(|pool| pool.last_invitation = 9), "InvalidArgument pool"),
            (pool(|pool| pool.db_version = Guid(1)), "InvalidArgument pool"),
            (pool(|pool| pool.root_category = Guid(1)), "InvalidArgument pool"),
        ],
    );
}

/// A record that says of a principal what is known already.
fn record(name: &str) -> PersonRecord {
    let known = organisation::principal(name);
    PersonRecord {
        id: known.id,
        kind: known.kind,
        uri: known.uri,
        display_name: known.display_name,
        account: known.account,
        email: known.email,
        company: known.company,
        path: known.path,
        state: known.state,
        parents: None,
    }
}

fn standing_in(name: &str, parents: &[&str]) -> PersonRecord {
    PersonRecord { parents: Some(organisation::ids(parents)), ..record(name) }
}

#[test]
fn another_directory_tells_of_people() {
    let mut org = ship();
    let sync = |records: Vec<PersonRecord>| Act::SyncPeople(records);
    let called = |name: &str, uri: &str| PersonRecord { uri: uri.to_owned(), ..record(name) };
    let stranger = PersonRecord { parents: Some(vec![Guid(7)]), ..record("ann") };
    let gone = PersonRecord { state: PrincipalState::Deleted, ..record("ann") };
    let long = PersonRecord { path: "x".repeat(385), ..record("ann") };
    let kind = PersonRecord { kind: record("g:crew").kind, uri: uri("g:ann"), ..record("ann") };
    let other = PersonRecord { id: Guid(7), ..record("ann") };
    check_all(
        &org,
        &admin(),
        vec![
            (sync(vec![]), ""),
            (sync(vec![record("ann"), standing_in("eve", &["d:", "g:crew"])]), ""),
            (sync(vec![standing_in("g:crew", &["g:all", "g:all", "g:crew"])]), ""),
            // Everybody of the batch may stand in everything of it, before or after.
            (
                sync(vec![standing_in("zoe", &["g:new"]), standing_in("g:new", &["g:crew"])]),
                "person zoe, person g:new, parents zoe in g:new, parents g:new in g:crew",
            ),
            (sync(vec![standing_in("ann", &[])]), "parents ann in"),
            (sync(vec![gone]), "person ann"),
            (sync(vec![called("ann", "SIP:Ann@D.test;x=y")]), ""),
            (sync(vec![called("ann", "sip:anna@d.test")]), "person anna"),
            (sync(vec![called("ann", "ann@d.test")]), "InvalidArgument uri"),
            (sync(vec![called("g:crew", "sip:crew@d.test")]), "InvalidArgument uri"),
            (sync(vec![called("ann", &uri("bob"))]), "InvalidArgument uri"),
            (sync(vec![other.clone()]), "InvalidArgument uri"),
            (sync(vec![record("ann"), other]), "InvalidArgument uri"),
            (sync(vec![record("ann"), called("ann", "sip:x@d.test")]), "InvalidArgument id"),
            (sync(vec![kind]), "InvalidArgument kind"),
            (sync(vec![long]), "InvalidArgument path"),
            (sync(vec![stranger]), "NoSuchPrincipal parents"),
            (sync(vec![standing_in("ann", &["bob"])]), "InvalidArgument parents"),
        ],
    );
    // Names pass from one to the next, and round in a circle.
    let next = [("ann", "bob"), ("bob", "cat"), ("cat", "dan"), ("dan", "new")];
    for last in ["new", "ann"] {
        let names = next.map(|(name, to)| (name, if to == "new" { last } else { to }));
        let records: Vec<_> = names.iter().map(|(name, to)| called(name, &uri(to))).collect();
        let plan = org.plan(&admin(), &sync(records)).unwrap();
        let (after, _) = org.directory.apply(&plan.changes).unwrap();
        for (name, to) in names {
            let person = after.people().get(after.people().find(id(name)).unwrap()).unwrap();
            assert_eq!(person.principal.uri, uri(to));
        }
    }
    // What was granted here is not taken away there.
    let (scope, edit) = (Scope::Tag("t".into()), PolicyEdit::default());
    org.act(&admin(), &Act::NewPolicy { scope, edit }).unwrap();
    let policy = Some("t".to_owned());
    org.act(&admin(), &Act::GrantPolicy { user: uri("ann"), policy }).unwrap();
    assert_eq!(outcome(&org, &admin(), &sync(vec![record("ann")])), "");
}

#[test]
fn who_is_in_no_list_can_be_forgotten() {
    let org = ship();
    let forget = |name: &str| Act::RemovePerson { person: uri(name) };
    check_all(
        &org,
        &admin(),
        vec![
            (forget("ann"), "InUse person"),
            (forget("g:crew"), "InUse person"),
            (forget("d:"), "InUse person"),
            (forget("dan"), "PrincipalRemoved"),
            (forget("zoe"), "NoSuchPrincipal person"),
        ],
    );
    assert_eq!(outcome(&org, &user("ann"), &forget("dan")), "ErrorPermission");
    let mut org = org;
    org.person("dan", &["g:idle", "d:"]);
    assert_eq!(outcome(&org, &admin(), &forget("g:idle")), "parents dan in d:, PrincipalRemoved");
}

#[test]
fn what_was_planned_elsewhere_is_loaded_if_it_fits() {
    let org = ship();
    let mess = org.room_named("Mess");
    let change = |edit: fn(&mut Room)| {
        let mut room = mess.clone();
        edit(&mut room);
        Act::Load(vec![Change::Room(room)])
    };
    let entries = |node, ids: Vec<Guid>| {
        Act::Load(vec![Change::Entries { node, role: Role::Member, add: ids, remove: vec![] }])
    };
    check_all(
        &org,
        &admin(),
        vec![
            (Act::Load(vec![]), ""),
            (change(|room| room.version = 9), "room v9"),
            (change(|room| room.name = "Hold".into()), "DuplicateRoomName changes"),
            (change(|room| room.name = "x".repeat(257)), "InvalidArgument name"),
            (change(|room| room.category = Guid(7)), "NoSuchNode changes"),
            (entries(mess.id, vec![id("zoe")]), "NoSuchPrincipal changes"),
            (entries(org.node("Deck"), vec![id("ann")]), "InvalidArgument changes"),
            (
                Act::Load(vec![Change::CategoryRemoved(mess.category)]),
                "NodeHierarchyViolation changes",
            ),
        ],
    );
}

#[test]
fn every_cause_has_a_name_and_a_code() {
    let codes = [Cause::DataCollision, Cause::NodeDisabled, Cause::LimitExceeded];
    assert_eq!(
        codes.map(|cause| cause.response_code()),
        [ResponseCode::DataCollision, ResponseCode::NodeDisabled, ResponseCode::LimitExceeded,]
    );
    assert_eq!(Cause::PresenterNotInMemberList.as_str(), "PresenterNotInMemList");
}

fn some_people() -> impl Strategy<Value = Vec<String>> {
    let all = ["ann", "bob", "cat", "dan", "eve", "fay", "g:crew", "g:all", "d:", "zoe"];
    prop::collection::vec(prop::sample::select(all.to_vec()).prop_map(uri), 0..3)
}

fn some_edit() -> impl Strategy<Value = ListEdit> {
    (prop::option::weighted(0.2, some_people()), some_people(), some_people())
        .prop_map(|(replace, add, remove)| ListEdit { replace, add, remove })
}

fn some_act() -> impl Strategy<Value = Act> {
    let rooms = prop::sample::select(&["Bridge", "Mess", "Cargo", "New"][..]);
    let categories = prop::sample::select(&["Deck", "Hold"][..]);
    let privacy = prop::sample::select(&[Privacy::Open, Privacy::Closed, Privacy::Secret][..]);
    let behavior = prop::sample::select(&[Behavior::Normal, Behavior::Auditorium][..]);
    let place = (prop::option::of(categories.clone()), prop::option::of(privacy));
    let how = (prop::option::of(behavior), any::<bool>(), prop::option::of(any::<bool>()));
    let lists = (some_edit(), some_edit(), some_edit());
    let set_room = (rooms.clone(), place, how, lists).prop_map(|(name, place, how, lists)| {
        room(name, |edit| {
            edit.category = place.0.map(str::to_owned);
            (edit.privacy, edit.behavior, edit.force, edit.is_disabled) =
                (place.1, how.0, how.1, how.2);
            (edit.members, edit.managers, edit.presenters) = lists;
        })
    });
    let lists = (some_edit(), some_edit(), some_edit(), any::<bool>());
    let set_category = (categories.clone(), lists).prop_map(|(name, lists)| {
        category(name, |edit| {
            (edit.allowed, edit.denied, edit.creators) = (lists.0, lists.1, lists.2);
            edit.invites = Some(lists.3);
        })
    });
    let made =
        (categories.clone(), some_people(), some_people()).prop_map(|(at, members, more)| {
            new_room(at, |new| (new.members, new.managers) = (members, more))
        });
    let people = prop::sample::select(&["ann", "eve", "zoe"][..]);
    let groups = prop::sample::subsequence(vec!["g:crew", "g:all", "d:"], 0..3);
    let synced = (people.clone(), groups)
        .prop_map(|(name, groups)| Act::SyncPeople(vec![standing_in(name, &groups)]));
    prop_oneof![
        8 => set_room,
        4 => set_category,
        2 => made,
        2 => synced,
        1 => rooms.prop_map(|name| Act::RemoveRoom { room: name.to_owned() }),
        1 => categories.prop_map(|name| Act::RemoveCategory { category: name.to_owned() }),
        1 => people.prop_map(|name| Act::RemovePerson { person: uri(name) }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 300,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Whatever is planned fits the directory it was planned on ([`Organisation::plan`] sees to
    /// it), what is done cannot be wanted again with other outcome than nothing, and whatever
    /// changes a room or category is seen by its version.
    #[test]
    fn plans_fit(acts in prop::collection::vec((any::<bool>(), some_act()), 1..20)) {
        let mut org = ship();
        org.directory.admits_unknown = true;
        for (is_admin, act) in acts {
            let actor = if is_admin { admin() } else { user("ann") };
            let before = org.directory.clone();
            if org.act(&actor, &act).is_err() {
                continue;
            }
            for room in before.rooms() {
                let Some(after) = org.directory.room(room.room.id) else { continue };
                let lists = |r: &parlance_core::directory::RoomEntry| {
                    (r.members.clone(), r.managers.clone(), r.presenters.clone())
                };
                let is_same = room.room == after.room && lists(room) == lists(after);
                prop_assert_eq!(is_same, room.room.version == after.room.version, "{:?}", act);
            }
            for room in org.directory.rooms() {
                let is_new = before.room(room.room.id).is_none_or(|old| {
                    old.presenters != room.presenters || old.room.behavior != room.room.behavior
                });
                let is_allowed = room.is_auditorium() || room.presenters.is_empty();
                prop_assert!(is_allowed || !is_new, "{:?}", act);
            }
        }
    }
}
