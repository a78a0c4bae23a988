//! What rights mean for those who chat: entering, posting, reading, finding, and losing them.

mod harness;

use harness::{
    Client, DOMAIN, Seen, World, client, documents, each_message, member, reference, room,
};
use parlance_core::directory::model::{
    Behavior, Category, Policy, Principal, PrincipalKind, PrincipalState, Privacy, Role, Room,
    Scope,
};
use parlance_core::directory::{Change, domain_principal, user_principal};
use parlance_core::{Limits, Record};
use parlance_wire::sip::message::{HeaderName, StartLine};
use parlance_wire::xccos::{
    AssociationKind, Command, FromServer, Guid, HistorySearch, Notice, ReplyData, ResponseCode,
    RoomSearch, Timestamp,
};

/// A world in which these users are principals of the domain.
fn world(users: &[&str]) -> World {
    let mut world = World::new(2, Limits::default());
    let mut changes = Vec::new();
    for user in users {
        let principal = user_principal(&uri(user));
        let child = principal.id;
        changes.push(Change::Principal(principal));
        changes.push(Change::Parents { child, parents: vec![domain_principal(DOMAIN).id] });
    }
    world.administer(&changes);
    world
}

fn uri(user: &str) -> String {
    format!("sip:{user}@{DOMAIN}")
}

/// A room's properties, to be changed.
fn properties(world: &World, n: u64) -> Room {
    world.directory.room(room(n)).expect("rooms are numbered").room.clone()
}

fn list(n: u64, role: Role, users: &[&str]) -> Change {
    let add = users.iter().map(|user| user_principal(&uri(user)).id).collect();
    Change::Entries { node: room(n), role, add, remove: vec![] }
}

fn unlist(n: u64, role: Role, users: &[&str]) -> Change {
    let remove = users.iter().map(|user| user_principal(&uri(user)).id).collect();
    Change::Entries { node: room(n), role, add: vec![], remove }
}

/// The code and data of the one reply among what a client saw.
fn reply(client: &mut Client, world: &mut World) -> (ResponseCode, ReplyData) {
    world.advance(1_000);
    let replies = documents(client.seen(world)).into_iter().filter_map(|document| match document {
        FromServer::Replies(replies) => Some(replies),
        _ => None,
    });
    let mut replies: Vec<_> = replies.flatten().collect();
    assert_eq!(replies.len(), 1, "{replies:?}");
    let reply = replies.remove(0);
    (reply.code, reply.data)
}

fn ask(client: &mut Client, world: &mut World, command: Command) -> (ResponseCode, ReplyData) {
    client.seen(world);
    client.command(world, &command);
    reply(client, world)
}

fn found(client: &mut Client, world: &mut World) -> Vec<String> {
    let (_, data) = ask(client, world, Command::ChanSrch(RoomSearch::default()));
    let ReplyData::Rooms(rooms) = data else { panic!("{data:?}") };
    rooms.into_iter().map(|room| room.name).collect()
}

/// Notices among what a client saw.
fn notices(client: &mut Client, world: &mut World) -> Vec<Notice> {
    world.advance(1_000);
    let notices = documents(client.seen(world)).into_iter().filter_map(|document| match document {
        FromServer::Notices(notices) => Some(notices),
        _ => None,
    });
    notices.flatten().collect()
}

fn is_part_of(notice: &Notice, n: u64, user: &str) -> bool {
    let expected = parlance_wire::xccos::room_uri(DOMAIN, room(n));
    matches!(notice, Notice::Part { room_uri, users }
        if *room_uri == expected && *users == [uri(user)])
}

#[test]
fn privacy_decides_who_finds_and_who_enters() {
    let mut world = world(&["kay", "lee"]);
    let closed = Room { privacy: Privacy::Closed, ..properties(&world, 1) };
    let secret = Room { privacy: Privacy::Secret, ..properties(&world, 2) };
    world.administer(&[Change::Room(closed), Change::Room(secret)]);
    world.administer(&[list(1, Role::Member, &["kay"]), list(2, Role::Member, &["kay"])]);
    let (mut kay, mut lee) = (client(&mut world, 0, "kay"), client(&mut world, 1, "lee"));

    assert_eq!(found(&mut kay, &mut world).len(), 8);
    let seen = found(&mut lee, &mut world);
    assert!(seen.contains(&"Room 1".into()) && !seen.contains(&"Room 2".into()), "{seen:?}");

    for (n, expected) in [(1, ResponseCode::ErrorPermission), (2, ResponseCode::NoSuchNode)] {
        let join = Command::Join(reference(n));
        assert_eq!(ask(&mut lee, &mut world, join.clone()).0, expected, "room {n}");
        assert_eq!(ask(&mut kay, &mut world, join).0, ResponseCode::Success, "room {n}");
        let history = Command::BcContext { room: reference(n), count: 5 };
        assert_eq!(ask(&mut lee, &mut world, history.clone()).0, expected, "room {n}");
        assert_eq!(ask(&mut kay, &mut world, history).0, ResponseCode::Success, "room {n}");
        let rooms = vec![reference(n)];
        let search = HistorySearch { rooms, ..HistorySearch::default() };
        let search = Command::BcByDate(Box::new(search));
        assert_eq!(ask(&mut lee, &mut world, search.clone()).0, expected, "room {n}");
        assert_eq!(ask(&mut kay, &mut world, search).0, ResponseCode::Success, "room {n}");
    }
    // What fails of many is told beside what does not.
    let (code, data) = ask(&mut lee, &mut world, Command::BJoin(vec![reference(2), reference(3)]));
    let ReplyData::Joined { rooms, failed, .. } = data else { panic!("{data:?}") };
    assert_eq!((code, rooms.len(), failed.len()), (ResponseCode::Success, 1, 1));
}

#[test]
fn who_is_taken_off_the_list_is_out_at_once_and_the_others_are_told() {
    let mut world = world(&["kay", "lee"]);
    let closed = Room { privacy: Privacy::Closed, ..properties(&world, 1) };
    world.administer(&[Change::Room(closed), list(1, Role::Member, &["kay", "lee"])]);
    let mut kay = member(&mut world, 0, "kay", 1);
    let mut lee = member(&mut world, 1, "lee", 1);
    notices(&mut kay, &mut world);
    lee.seen(&mut world);

    world.administer(&[unlist(1, Role::Member, &["lee"])]);
    let told = notices(&mut lee, &mut world);
    assert!(is_part_of(&told[0], 1, "lee"), "{told:?}");
    let told = notices(&mut kay, &mut world);
    assert!(told.len() == 1 && is_part_of(&told[0], 1, "lee"), "{told:?}");

    kay.post(&mut world, 1, "among us");
    assert_eq!(kay.chats(&mut world), ["among us"]);
    assert_eq!(lee.chats(&mut world), [""; 0]);
    lee.post(&mut world, 1, "let me in");
    assert_eq!(lee.statuses(&mut world), [403]);
    let gauges = [world.shards[0].gauges(), world.shards[1].gauges()];
    assert_eq!(gauges[0].subscriptions + gauges[1].subscriptions, 1);

    // And in again, as if nothing had been.
    world.administer(&[list(1, Role::Member, &["lee"])]);
    lee.join(&mut world, 1);
    assert_eq!(reply(&mut lee, &mut world).0, ResponseCode::Success);
    kay.post(&mut world, 1, "welcome back");
    assert_eq!(lee.chats(&mut world), ["welcome back"]);
}

#[test]
fn what_a_slow_reader_has_not_got_yet_does_not_reach_it_any_more() {
    let mut world = world(&["kay", "lee"]);
    let closed = Room { privacy: Privacy::Closed, ..properties(&world, 1) };
    world.administer(&[Change::Room(closed), list(1, Role::Member, &["kay", "lee"])]);
    let mut kay = member(&mut world, 0, "kay", 1);
    let mut lee = member(&mut world, 1, "lee", 1);
    lee.answers = false;
    let window = Limits::default().window as usize;
    for n in 0..window + 20 {
        kay.post(&mut world, 1, &format!("message {n}"));
        kay.seen(&mut world);
    }
    world.administer(&[unlist(1, Role::Member, &["lee"])]);
    lee.seen(&mut world);
    lee.release(&mut world);
    let late = lee.chats(&mut world);
    assert_eq!(late, [""; 0], "nothing of the room after the wall stands");
    assert_eq!(world.shards[1].gauges().sessions_lagging, 0);
}

#[test]
fn a_disabled_room_empties_and_nobody_finds_or_enters_it() {
    let mut world = world(&["kay", "lee"]);
    let mut kay = member(&mut world, 0, "kay", 1);
    let mut lee = member(&mut world, 1, "lee", 1);
    notices(&mut kay, &mut world);
    notices(&mut lee, &mut world);
    let disabled = Room { is_disabled: true, ..properties(&world, 1) };
    world.administer(&[Change::Room(disabled)]);
    assert!(is_part_of(&notices(&mut kay, &mut world)[0], 1, "kay"));
    assert!(is_part_of(&notices(&mut lee, &mut world)[0], 1, "lee"));
    kay.post(&mut world, 1, "anybody?");
    assert_eq!(kay.statuses(&mut world), [403]);
    let join = Command::Join(reference(1));
    assert_eq!(ask(&mut kay, &mut world, join.clone()).0, ResponseCode::NodeDisabled);
    assert!(!found(&mut kay, &mut world).contains(&"Room 1".into()));

    let enabled = Room { is_disabled: false, ..properties(&world, 1) };
    world.administer(&[Change::Room(enabled)]);
    assert_eq!(ask(&mut kay, &mut world, join).0, ResponseCode::Success);
}

#[test]
fn a_room_that_is_removed_is_gone_for_those_who_are_in() {
    let mut world = world(&["kay"]);
    let mut kay = member(&mut world, 0, "kay", 1);
    kay.post(&mut world, 1, "last words");
    kay.seen(&mut world);
    world.administer(&[Change::RoomRemoved(room(1))]);
    assert!(is_part_of(&notices(&mut kay, &mut world)[0], 1, "kay"));
    assert_eq!(world.shards[0].gauges().rooms + world.shards[1].gauges().rooms, 0);
    kay.post(&mut world, 1, "hello?");
    assert_eq!(kay.statuses(&mut world), [404]);
}

#[test]
fn in_an_auditorium_presenters_post_and_managers_do_not() {
    let mut world = world(&["kay", "lee", "mara"]);
    let auditorium = Room { behavior: Behavior::Auditorium, ..properties(&world, 1) };
    world.administer(&[
        Change::Room(auditorium),
        list(1, Role::Presenter, &["kay"]),
        list(1, Role::Manager, &["lee"]),
    ]);
    let mut kay = member(&mut world, 0, "kay", 1);
    let mut lee = member(&mut world, 0, "lee", 1);
    let mut mara = member(&mut world, 1, "mara", 1);
    for (client, status) in [(&mut kay, 200), (&mut lee, 403), (&mut mara, 403)] {
        client.seen(&mut world);
        client.post(&mut world, 1, "hear me");
        assert_eq!(client.statuses(&mut world), [status], "{}", client.user);
    }
    // A presenter who loses the right keeps the seat.
    world.administer(&[unlist(1, Role::Presenter, &["kay"])]);
    kay.post(&mut world, 1, "still?");
    assert_eq!(kay.statuses(&mut world), [403]);
    assert_eq!(world.shards[0].counters().expelled, 0);
}

/// What others are told of roles in room 1: user, manages, presents.
fn told_roles(client: &mut Client, world: &mut World) -> Vec<(String, bool, bool)> {
    let told = notices(client, world).into_iter().filter_map(|notice| match notice {
        Notice::Permissions { room: n, users, .. } if n == room(1) => Some(users),
        _ => None,
    });
    told.flatten().map(|user| (user.uri, user.is_operator, user.is_presenter)).collect()
}

#[test]
fn roles_that_come_and_go_with_a_group_are_told() {
    let mut world = world(&["kay", "lee", "mara"]);
    let group = |name: &str| Principal {
        kind: PrincipalKind::Group,
        uri: format!("ma-grp:{name}@u.g"),
        ..user_principal(&uri(name))
    };
    let (owners, speakers, crew) = (group("owners"), group("speakers"), group("crew"));
    let names = |role, id| Change::Entries { node: room(1), role, add: vec![id], remove: vec![] };
    let stands_in = |child, groups: &[Guid]| {
        let parents = [&[domain_principal(DOMAIN).id], groups].concat();
        Change::Parents { child, parents }
    };
    let auditorium = Room { behavior: Behavior::Auditorium, ..properties(&world, 1) };
    world.administer(&[
        Change::Principal(owners.clone()),
        Change::Principal(speakers.clone()),
        Change::Principal(crew.clone()),
        Change::Room(auditorium),
        names(Role::Manager, owners.id),
        names(Role::Presenter, speakers.id),
        names(Role::Member, crew.id),
    ]);
    let mut kay = member(&mut world, 0, "kay", 1);
    // Away from the room's owner or at it: all are told.
    let mut mara = member(&mut world, 1, "mara", 1);
    let lee = member(&mut world, 1, "lee", 1);
    let (kay_id, lee_id) = (user_principal(&kay.user).id, user_principal(&lee.user).id);
    kay.seen(&mut world);
    mara.seen(&mut world);
    let mut check = |world: &mut World, changes: &[Change], told: &[(&str, bool, bool)]| {
        world.administer(changes);
        let told: Vec<_> = told.iter().map(|(who, m, p)| (uri(who), *m, *p)).collect();
        assert_eq!(told_roles(&mut kay, world), told);
        assert_eq!(told_roles(&mut mara, world), told);
    };
    check(&mut world, &[stands_in(kay_id, &[owners.id])], &[("kay", true, false)]);
    check(&mut world, &[stands_in(lee_id, &[crew.id])], &[]);
    // The group of a group, for both at once.
    let changes = [stands_in(crew.id, &[speakers.id]), stands_in(kay_id, &[owners.id, crew.id])];
    check(&mut world, &changes, &[("kay", true, true), ("lee", false, true)]);
    // A group that is not in use gives nobody anything, and what stands in it neither.
    let disabled = Principal { state: PrincipalState::Disabled, ..crew.clone() };
    let neither = [("kay", true, false), ("lee", false, false)];
    check(&mut world, &[Change::Principal(disabled)], &neither);
    check(&mut world, &[Change::PrincipalRemoved(owners.id)], &[("kay", false, false)]);
}

#[test]
fn denied_beats_every_list() {
    let mut world = world(&["kay"]);
    world.administer(&[list(1, Role::Member, &["kay"]), list(1, Role::Manager, &["kay"])]);
    let mut kay = member(&mut world, 0, "kay", 1);
    let category = properties(&world, 1).category;
    let add = vec![user_principal(&uri("kay")).id];
    world.administer(&[Change::Entries {
        node: category,
        role: Role::Denied,
        add,
        remove: vec![],
    }]);
    assert!(is_part_of(&notices(&mut kay, &mut world)[0], 1, "kay"));
    assert_eq!(found(&mut kay, &mut world), [""; 0]);
    let join = Command::Join(reference(1));
    assert_eq!(ask(&mut kay, &mut world, join).0, ResponseCode::NoSuchNode);
}

/// The answer to an INVITE of a user, and its diagnostics.
fn invite(world: &mut World, user: &str) -> (u16, String) {
    let wire = world.link(0);
    let mut answer = (0, String::new());
    let request = format!(
        "INVITE {service} SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1:40000\r\n\
         From: <{from}>;tag=7;epid=e\r\nTo: <{service}>\r\nMax-Forwards: 70\r\n\
         Call-ID: c\r\nCSeq: 1 INVITE\r\nContact: <{from}>\r\nContent-Length: 0\r\n\r\n",
        service = harness::SERVICE,
        from = uri(user),
    );
    world.send(wire, request.as_bytes());
    let bytes = world.take(wire);
    each_message(&bytes, |message| {
        let StartLine::Response { status, .. } = message.start() else { return };
        let text = String::from_utf8_lossy(&bytes);
        let diagnostics = text.lines().find(|line| line.starts_with("Ms-Diagnostics"));
        answer = (status, diagnostics.unwrap_or_default().to_owned());
        let _ = message.header(HeaderName::SessionExpires);
    });
    answer
}

#[test]
fn who_is_not_provisioned_disabled_or_enabled_is_refused_with_the_cause() {
    let mut world = world(&["kay", "lee"]);
    let person = |state, policy: Option<&str>, user: &str| {
        let principal = user_principal(&uri(user));
        Change::Principal(Principal { state, policy: policy.map(Into::into), ..principal })
    };
    assert_eq!(invite(&mut world, "kay").0, 200);
    assert_eq!(invite(&mut world, "stranger").0, 200, "unknown users are let in by default");

    let mut strict = (*world.directory).clone();
    strict.admits_unknown = false;
    world.directory = std::sync::Arc::new(strict);
    let scope = Scope::Tag("off".into());
    let off = Policy { scope, is_enabled: false, description: String::new() };
    world.administer(&[
        Change::Policy(off),
        person(PrincipalState::Disabled, None, "kay"),
        person(PrincipalState::Active, Some("off"), "lee"),
    ]);
    let (status, diagnostics) = invite(&mut world, "stranger");
    assert_eq!(status, 403);
    assert!(diagnostics.contains("20010") && diagnostics.contains("not provisioned"));
    let (status, diagnostics) = invite(&mut world, "kay");
    assert_eq!(status, 403);
    assert!(diagnostics.contains("disabled"), "{diagnostics}");
    let (status, diagnostics) = invite(&mut world, "lee");
    assert_eq!(status, 403);
    assert!(diagnostics.contains("not enabled"), "{diagnostics}");
}

#[test]
fn an_account_that_is_disabled_loses_its_sessions() {
    let mut world = world(&["kay", "lee"]);
    let mut kay = member(&mut world, 0, "kay", 1);
    let mut lee = member(&mut world, 1, "lee", 1);
    notices(&mut kay, &mut world);
    let disabled = Principal { state: PrincipalState::Disabled, ..user_principal(&uri("lee")) };
    world.administer(&[Change::Principal(disabled)]);
    assert!(is_part_of(&notices(&mut lee, &mut world)[0], 1, "lee"));
    lee.say(&mut world, "UPDATE", b"");
    assert_eq!(lee.seen(&mut world), [Seen::Status { method: "UPDATE".into(), status: 481 }]);
    assert!(is_part_of(&notices(&mut kay, &mut world)[0], 1, "lee"));
}

#[test]
fn without_history_there_is_nothing_to_read() {
    let mut world = world(&["kay"]);
    let mut kay = member(&mut world, 0, "kay", 1);
    kay.post(&mut world, 1, "not for the record");
    kay.seen(&mut world);
    let id = properties(&world, 1).category;
    let mut category = world.directory.category(id).unwrap().category.clone();
    category.chat_history = false;
    world.administer(&[Change::Category(category)]);
    let history = Command::BcContext { room: reference(1), count: 5 };
    let (code, data) = ask(&mut kay, &mut world, history);
    assert_eq!(code, ResponseCode::Success);
    let ReplyData::History { messages, .. } = data else { panic!("{data:?}") };
    assert!(messages.is_empty());
    let search = HistorySearch { rooms: vec![reference(1)], ..HistorySearch::default() };
    let (code, data) = ask(&mut kay, &mut world, Command::BcByDate(Box::new(search)));
    assert_eq!(code, ResponseCode::Success);
    let ReplyData::Found(found) = data else { panic!("{data:?}") };
    assert!(found.rooms.iter().all(|room| room.messages.is_empty()));
}

#[test]
fn what_was_said_without_history_is_never_shown() {
    let mut world = world(&["kay", "lee"]);
    let mut kay = member(&mut world, 0, "kay", 1);
    let mut lee = member(&mut world, 1, "lee", 1);
    let id = properties(&world, 1).category;
    let keep = |world: &mut World, chat_history| {
        let category = world.directory.category(id).unwrap().category.clone();
        world.administer(&[Change::Category(Category { chat_history, ..category })]);
    };
    for (text, chat_history) in [("one", true), ("two", false), ("three", true), ("four", false)] {
        keep(&mut world, chat_history);
        kay.post(&mut world, 1, text);
        let seen = lee.seen(&mut world);
        assert!(format!("{seen:?}").contains(text), "it is said all the same: {seen:?}");
    }
    keep(&mut world, true);
    let shown = |client: &mut Client, world: &mut World| {
        let history = Command::BcContext { room: reference(1), count: 5 };
        let (_, data) = ask(client, world, history);
        let ReplyData::History { messages, .. } = data else { panic!("{data:?}") };
        messages.into_iter().map(|m| (m.chat_id, m.chat)).collect::<Vec<_>>()
    };
    let kept = [(1, "one".to_owned()), (3, "three".to_owned())];
    assert_eq!(shown(&mut kay, &mut world), kept);
    // Nor by the database, nor after a start from it and what the log has.
    let search = HistorySearch { rooms: vec![reference(1)], ..HistorySearch::default() };
    let (_, data) = ask(&mut kay, &mut world, Command::BcByDate(Box::new(search)));
    let ReplyData::Found(found) = data else { panic!("{data:?}") };
    let found: Vec<u64> = found.rooms[0].messages.iter().map(|m| m.chat_id).collect();
    assert_eq!(found, [1, 3]);
    let (said, end) = (world.archive.room(room(1)).to_vec(), world.archive.end(room(1)).unwrap());
    let mut again = self::world(&["kay", "lee"]);
    for shard in &mut again.shards {
        let unkept = Record { number: 4, is_history: false, ..said[0].clone() };
        let records = [said[0].clone(), said[1].clone(), unkept];
        records.into_iter().for_each(|record| shard.restore(record));
        shard.restore_end(end);
    }
    let mut kay = member(&mut again, 0, "kay", 1);
    kay.seen(&mut again);
    assert_eq!(shown(&mut kay, &mut again), kept);
    kay.post(&mut again, 1, "five");
    let five = (5, "five".to_owned());
    assert_eq!(shown(&mut kay, &mut again), [&kept[..], &[five]].concat());
}

#[test]
fn associations_are_the_rooms_that_name_one() {
    let mut world = world(&["kay"]);
    let secret = Room { privacy: Privacy::Secret, ..properties(&world, 2) };
    world.administer(&[
        Change::Room(secret),
        list(1, Role::Member, &["kay"]),
        list(2, Role::Manager, &["kay"]),
    ]);
    let mut kay = client(&mut world, 0, "kay");
    for (kind, expected) in
        [(AssociationKind::Member, "Room 1"), (AssociationKind::Manager, "Room 2")]
    {
        let command = Command::GetAssociations { kind, results_max: None };
        let (_, data) = ask(&mut kay, &mut world, command);
        let ReplyData::Rooms(rooms) = data else { panic!("{data:?}") };
        let names: Vec<&str> = rooms.iter().map(|room| &*room.name).collect();
        assert_eq!(names, [expected]);
    }
}

#[test]
fn who_is_invited_is_told_at_once_and_nobody_else() {
    let mut world = world(&["kay", "lee"]);
    let mut kay = client(&mut world, 0, "kay");
    let mut lee = client(&mut world, 1, "lee");
    let users = vec![user_principal(&uri("kay")).id];
    let invited = |n: u64| Change::Invited {
        room: room(n),
        number: n,
        on: Timestamp(n as i64),
        users: users.clone(),
    };
    world.administer(&[invited(1), invited(2)]);
    let told: Vec<(u64, String)> = notices(&mut kay, &mut world)
        .into_iter()
        .map(|notice| match notice {
            Notice::Invite(invitation) => (invitation.number, invitation.room.name),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(told, [(1, "Room 1".to_owned()), (2, "Room 2".to_owned())]);
    assert_eq!(notices(&mut lee, &mut world), []);
}
