//! What comes before what, and what must not be lost on the way: behaviours the simulator found
//! broken once.

mod harness;

use harness::{Client, Seen, World, client, member, reference, room};
use parlance_core::mail::{Address, AskKey, Leave, Mail, SessionKey, User};
use parlance_core::{
    Directory, Input, Instant, Limits, Now, Output, RoomConfig, Setup, Shard, ShardId,
};
use parlance_wire::xccos::{Command, FromServer, Notice, Post, ReplyData, Timestamp};
use slotmap::{Key, KeyData};
use std::sync::Arc;

/// One word for each document: name of a reply, text of a message, `+` or `-` and users of a
/// notice.
fn words(client: &mut Client, world: &mut World) -> Vec<String> {
    let mut words = Vec::new();
    for seen in client.seen(world) {
        let Seen::Document(document) = seen else { continue };
        match document {
            FromServer::Replies(replies) => words.extend(replies.into_iter().map(|r| r.name)),
            FromServer::Delivery(delivery) => words.push(delivery.chat),
            FromServer::Notices(notices) => words.extend(notices.iter().map(|n| match n {
                Notice::Join { users, .. } => format!("+{}", users[0].name),
                Notice::Part { users, .. } => format!("-{}", users[0]),
                other => format!("{other:?}"),
            })),
        }
    }
    words
}

/// While a message waits for the log, nobody can enter the room.
fn close_door(world: &mut World, kay: &mut Client, n: u64) {
    world.hold_log = true;
    kay.post(world, n, "door");
}

#[test]
fn replies_keep_the_order_of_the_commands() {
    for shards in 1..=3 {
        let mut world = World::new(shards, Limits::default());
        let mut kay = member(&mut world, 0, "kay", 1);
        let mut lee = client(&mut world, shards - 1, "lee");
        close_door(&mut world, &mut kay, 1);
        lee.command(&mut world, &Command::BJoin(vec![reference(2), reference(1)]));
        lee.command(&mut world, &Command::BcContext { room: reference(1), count: 9 });
        lee.command(&mut world, &Command::Part(reference(2)));
        lee.command(&mut world, &Command::Join(reference(2)));
        lee.command(&mut world, &Command::ReqUri);
        world.advance(1_000);
        assert_eq!(words(&mut lee, &mut world), [""; 0], "the first reply is still to come");
        world.commit();
        world.advance(1_000);
        let expect = ["bjoin", "bccontext", "part", "join", "requri"];
        assert_eq!(words(&mut lee, &mut world), expect, "{shards} shards");
    }
}

#[test]
fn nothing_of_a_room_overtakes_the_reply_to_its_join() {
    let mut world = World::new(2, Limits::default());
    let mut kay = member(&mut world, 0, "kay", 1);
    let mut max = member(&mut world, 1, "max", 2);
    let mut lee = client(&mut world, 1, "lee");
    close_door(&mut world, &mut kay, 1);
    world.commit();
    kay.post(&mut world, 1, "door");
    lee.command(&mut world, &Command::BJoin(vec![reference(2), reference(1)]));
    world.advance(1_000);
    // Room 2 is joined, room 1 not yet.
    let ticket = world.hold_log;
    max.post(&mut world, 2, "early");
    lee.command(&mut world, &Command::BcContext { room: reference(2), count: 9 });
    assert!(ticket, "the log still holds");
    world.commit();
    world.advance(1_000);
    let seen = words(&mut lee, &mut world);
    assert_eq!(seen[0], "bjoin", "{seen:?}");
    assert_eq!(seen.iter().filter(|word| **word == "early").count(), 1, "{seen:?}");
}

#[test]
fn history_waits_in_vain_for_a_room_that_was_left() {
    let limits = Limits { window: 1, ..Limits::default() };
    let mut world = World::new(1, limits);
    let mut kay = member(&mut world, 0, "kay", 1);
    let mut lee = member(&mut world, 0, "lee", 2);
    lee.join(&mut world, 1);
    world.advance(1_000);
    words(&mut lee, &mut world);
    lee.answers = false;
    for n in 0..3 {
        kay.post(&mut world, 1, &format!("m{n}"));
        kay.seen(&mut world);
    }
    kay.command(&mut world, &Command::Part(reference(1)));
    lee.command(&mut world, &Command::BcContext { room: reference(1), count: 9 });
    lee.command(&mut world, &Command::Part(reference(1)));
    lee.command(&mut world, &Command::Join(reference(1)));
    world.advance(1_000);
    assert_eq!(words(&mut lee, &mut world), ["m0"], "the window is one");
    lee.release(&mut world);
    assert_eq!(words(&mut lee, &mut world), ["bccontext", "part", "join"]);
}

#[test]
fn a_post_is_answered_though_its_dialog_is_gone() {
    let mut world = World::new(2, Limits::default());
    let mut old = member(&mut world, 0, "lee", 1);
    world.hold_log = true;
    old.post(&mut world, 1, "kept");
    let mut other = client(&mut world, 1, "lee");
    assert_eq!(other.statuses(&mut world), [0; 0]);
    world.commit();
    assert_eq!(old.statuses(&mut world), [200]);
}

#[test]
fn a_pass_put_off_costs_nobody_a_message() {
    let limits = Limits { fanout_slice: 1, feed_items_max: 2, ..Limits::default() };
    let mut world = World::new(1, limits);
    let mut all: Vec<Client> =
        ["a", "b", "c", "d"].iter().map(|user| member(&mut world, 0, user, 1)).collect();
    all.iter_mut().for_each(|client| drop(client.seen(&mut world)));
    world.hold_log = true;
    for n in 0..8 {
        all[0].post(&mut world, 1, &format!("m{n}"));
    }
    world.commit();
    world.advance(10);
    for client in &mut all {
        let expect: Vec<String> = (0..8).map(|n| format!("m{n}")).collect();
        assert_eq!(client.chats(&mut world), expect, "{}", client.user);
    }
}

#[test]
fn that_somebody_left_is_told_after_their_last_message() {
    let limits = Limits { roster_tick_ms: 0, ..Limits::default() };
    let mut world = World::new(1, limits);
    let mut kay = member(&mut world, 0, "kay", 1);
    let mut lee = member(&mut world, 0, "lee", 1);
    kay.seen(&mut world);
    close_door(&mut world, &mut kay, 1);
    let mut max = client(&mut world, 0, "max");
    max.join(&mut world, 1);
    lee.post(&mut world, 1, "farewell");
    lee.command(&mut world, &Command::Part(reference(1)));
    world.commit();
    let expect = ["door", "+max", "farewell", "-sip:lee@example.test"];
    assert_eq!(words(&mut kay, &mut world), expect);
}

#[test]
fn history_is_one_document_however_long_the_messages() {
    let mut world = World::new(1, Limits::default());
    let mut kay = member(&mut world, 0, "kay", 1);
    for n in 0..40 {
        kay.post(&mut world, 1, &format!("{n}{}", "&".repeat(7_900)));
        kay.seen(&mut world);
    }
    kay.command(&mut world, &Command::BcContext { room: reference(1), count: 40 });
    let seen = kay.seen(&mut world);
    let Some(Seen::Document(FromServer::Replies(replies))) = seen.last() else { panic!() };
    let ReplyData::History { messages, .. } = &replies[0].data else { panic!() };
    assert!((20..30).contains(&messages.len()), "{}", messages.len());
    assert_eq!(messages.last().unwrap().chat_id, 40);
}

#[test]
fn joins_under_way_count_towards_the_most_rooms() {
    let limits = Limits { session_rooms_max: 2, ..Limits::default() };
    let mut world = World::new(1, limits);
    let mut kay = member(&mut world, 0, "kay", 1);
    close_door(&mut world, &mut kay, 1);
    let mut lee = client(&mut world, 0, "lee");
    for n in [1, 2, 3] {
        lee.join(&mut world, n);
    }
    world.commit();
    world.advance(1_000);
    assert_eq!(words(&mut lee, &mut world).len(), 3);
    assert_eq!(world.shards[0].gauges().subscriptions, 3, "kay's one and lee's two");
}

/// A shard of two that owns room 1, driven by mail.
fn owner(limits: Limits) -> (Shard, Now) {
    let config = RoomConfig {
        id: room(1),
        name: "Room".into(),
        description: String::new(),
        managers: Vec::new(),
    };
    let now = Now { instant: Instant(1), wall: Timestamp(17_000_000_000_000_000) };
    let setup = Setup {
        id: Directory::owner(room(1), 2),
        shards: 2,
        directory: Arc::new(Directory::new(harness::DOMAIN, vec![config]).expect("one room")),
        limits,
        seed: [1; 32],
    };
    (Shard::new(setup, now), now)
}

#[test]
fn a_storm_behind_one_message_does_not_pile_up_on_the_stack() {
    let limits = Limits { participants_max: 0, participants_resume: 0, ..Limits::default() };
    let (mut shard, now) = owner(limits);
    let home = ShardId(1 - Directory::owner(room(1), 2).0);
    let ask = AskKey::from(KeyData::from_ffi(0x1_0000_0001));
    let mut mail = |mail: Mail| shard.handle(now, Input::Mail { from: home, mail });
    let user = |n: u64| {
        Arc::new(User { uri: format!("sip:u{n}@{}", harness::DOMAIN).into(), name: "u".into() })
    };
    let from = |n: u64| Address {
        shard: home,
        session: SessionKey::from(KeyData::from_ffi(0x1_0000_0000 | n)),
    };
    let join = |n: u64| Mail::Join { room: room(1), from: from(n), user: user(n), ask };
    mail(join(0));
    let post = Box::new(Post {
        room: reference(1),
        author: "sip:u0@x".into(),
        ts: None,
        alert: false,
        chat: "door".into(),
        rtf: None,
    });
    mail(Mail::Post { room: room(1), from: from(0), user: user(0), ask, post });
    for n in 1..20_000 {
        mail(join(n));
        let (room, user, leave) = (room(1), user(n), Leave::Now);
        mail(Mail::Part { room, from: from(n), user, ask: None, leave });
    }
    shard.handle(now, Input::Committed { ticket: 1 });
    let mut joined = 0;
    while let Some(output) = shard.poll_output() {
        joined += usize::from(matches!(output, Output::Mail { mail: Mail::Joined { .. }, .. }));
    }
    assert_eq!(joined, 20_000);
}

#[test]
fn who_waits_for_the_server_is_not_slow() {
    let limits = Limits { lag_ms_max: 1_000, ..Limits::default() };
    let mut world = World::new(1, limits);
    let mut kay = member(&mut world, 0, "kay", 1);
    let mut lee = client(&mut world, 0, "lee");
    close_door(&mut world, &mut kay, 1);
    lee.join(&mut world, 1);
    lee.command(&mut world, &Command::ReqUri);
    world.advance(30_000);
    world.commit();
    world.advance(500);
    assert_eq!(words(&mut lee, &mut world), ["join", "requri"]);
    assert_eq!(world.shards[0].counters().dialogs_dropped, 0);
}

#[test]
fn a_claim_that_was_overtaken_does_not_end_the_later_dialog() {
    let (mut shard, now) = owner(Limits::default());
    let home = ShardId(1 - Directory::owner(room(1), 2).0);
    let user = Arc::new(User { uri: "sip:u@x".into(), name: "u".into() });
    let mut superseded = Vec::new();
    for (n, opened) in [(2, 20), (1, 10), (3, 30)] {
        let session = SessionKey::from(KeyData::from_ffi(0x1_0000_0000 | n));
        let from = Address { shard: home, session };
        let (user, epid, opened) = (user.clone(), "e".into(), Instant(opened));
        let ask = AskKey::from(KeyData::from_ffi(0x1_0000_0000 | n));
        let mail = Mail::Claim { from, ask, opened, user, epid };
        shard.handle(now, Input::Mail { from: home, mail });
        let mut answers = 0;
        while let Some(output) = shard.poll_output() {
            match output {
                Output::Mail { mail: Mail::Superseded { session }, .. } => {
                    superseded.push(session.data().as_ffi() & 0xff);
                }
                Output::Mail { mail: Mail::Claimed { ask: answered, .. }, .. } => {
                    assert_eq!(answered, ask);
                    answers += 1;
                }
                other => panic!("nothing else is to be said: {other:?}"),
            }
        }
        assert_eq!(answers, 1, "each claim is answered");
    }
    assert_eq!(superseded, [1, 2], "the later dialog stays, in whatever order the claims come");
}
