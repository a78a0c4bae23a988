//! What acts on rooms and categories come to: the changes of each, and each refusal.

mod organisation;

use organisation::acts::{
    add, category, check_all, new_category, new_room, outcome, remove, replace, room, ship,
};
use organisation::{DOMAIN, NOW, Organisation, admin, id, uri, uris, user};
use parlance_core::admin::{Act, Actor, Cause, ListEdit};
use parlance_core::directory::Change;
use parlance_core::directory::model::{
    Behavior, Invitations, Principal, PrincipalState, Privacy, Role,
};
use parlance_wire::xccos::{Guid, ResponseCode};

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
        org.change(Change::Principal(Principal {
            display_name: display.to_owned(),
            account: account.to_owned(),
            email: format!("{name}@mail.test"),
            path: format!("CN={name},DC=d"),
            ..organisation::principal(name)
        }));
    }
    let twin = |name: &str, state| Principal {
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
    let remove_category =
        |name: &str| Act::RemoveCategory { category: name.to_owned(), version: None };
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
    // Who saw an older version removes nothing.
    let remove_cargo = |version| Act::RemoveRoom { room: "Cargo".to_owned(), version };
    let of_old = Act::RemoveCategory { category: "Hold".to_owned(), version: Some(9) };
    assert_eq!(outcome(&org, &admin(), &remove_cargo(Some(9))), "DataCollision version");
    assert_eq!(outcome(&org, &admin(), &of_old), "DataCollision version");
    org.act(&admin(), &remove_cargo(Some(1))).unwrap();
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
fn every_cause_has_a_name_and_a_code() {
    let codes = [Cause::DataCollision, Cause::NodeDisabled, Cause::LimitExceeded];
    assert_eq!(
        codes.map(|cause| cause.response_code()),
        [ResponseCode::DataCollision, ResponseCode::NodeDisabled, ResponseCode::LimitExceeded,]
    );
    assert_eq!(Cause::PresenterNotInMemberList.as_str(), "PresenterNotInMemList");
}
