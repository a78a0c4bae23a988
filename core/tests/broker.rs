//! What the broker does, one behaviour a test.

mod harness;

use harness::{Client, Seen, World, client, documents, member, reference};
use parlance_core::Limits;
use parlance_wire::sip::Request;
use parlance_wire::sip::message::StartLine;
use parlance_wire::xccos::{Command, FromServer, Notice, ReplyData};

#[test]
fn a_message_reaches_everybody_in_the_room_its_author_included() {
    for shards in 1..=3 {
        let mut world = World::new(shards, Limits::default());
        for n in 1..=4 {
            let mut kay = member(&mut world, 0, "kay", n);
            let mut lee = member(&mut world, shards - 1, "lee", n);
            let mut out = client(&mut world, 0, "out");
            kay.seen(&mut world);
            kay.post(&mut world, n, "two\nlines & <more>");
            let seen = kay.seen(&mut world);
            assert_eq!(seen[0], Seen::Status { method: "INFO".into(), status: 200 });
            let FromServer::Delivery(delivery) = &documents(seen)[0] else { panic!("a message") };
            assert_eq!(delivery.chat, "two\nlines & <more>");
            assert_eq!((&*delivery.author, delivery.chat_id), ("sip:kay@example.test", 1));
            assert_eq!(lee.chats(&mut world), ["two\nlines & <more>"]);
            assert!(out.chats(&mut world).is_empty());
        }
    }
}

#[test]
fn an_author_is_answered_when_the_log_has_the_message() {
    let mut world = World::new(1, Limits::default());
    let mut kay = member(&mut world, 0, "kay", 1);
    world.hold_log = true;
    kay.post(&mut world, 1, "first");
    assert_eq!(kay.seen(&mut world), []);
    world.commit();
    assert_eq!(kay.statuses(&mut world), [200]);
}

#[test]
fn a_hundred_users_come_and_go() {
    let mut world = World::new(2, Limits::default());
    let mut watcher = member(&mut world, 0, "watcher", 1);
    let mut others: Vec<Client> =
        (0..100).map(|n| client(&mut world, n % 2, &format!("u{n:03}"))).collect();
    let mut known = vec!["sip:watcher@example.test".to_owned()];
    let mut notices = 0;
    let mut learn = |world: &mut World, watcher: &mut Client, known: &mut Vec<String>| {
        for document in documents(watcher.seen(world)) {
            let FromServer::Notices(list) = document else { panic!("only notices are expected") };
            notices += 1;
            for notice in list {
                match notice {
                    Notice::Join { users, .. } => known.extend(users.into_iter().map(|u| u.uri)),
                    Notice::Part { users, .. } => known.retain(|uri| !users.contains(uri)),
                    _ => panic!("unknown notice"),
                }
            }
        }
        std::mem::take(&mut notices)
    };

    // Seventy-four more: a full room of 75, told in two notices, the first at once.
    for other in &mut others[..74] {
        other.join(&mut world, 1);
    }
    assert_eq!(learn(&mut world, &mut watcher, &mut known), 1);
    assert_eq!(known.len(), 2, "the first is told at once");
    world.advance(250);
    assert_eq!(learn(&mut world, &mut watcher, &mut known), 1);
    assert_eq!(known.len(), 75, "the others together");

    // The 76th and later: the room is large, nothing is told and nobody is listed.
    for other in &mut others[74..] {
        other.join(&mut world, 1);
    }
    world.advance(250);
    assert_eq!(learn(&mut world, &mut watcher, &mut known), 0);
    for (n, other) in others.iter_mut().enumerate() {
        let documents = documents(other.seen(&mut world));
        let FromServer::Replies(replies) = &documents[0] else { panic!("a reply first") };
        let ReplyData::Joined { users, rooms, .. } = &replies[0].data else { panic!("joined") };
        let (listed, count) = match n {
            0 => (2, 2),
            1..74 => (75, 75),
            // The join that makes the room large is answered with the others of its moment.
            _ => (0, 101),
        };
        assert_eq!((users.len(), rooms[0].0.participants), (listed, Some(count)), "user {n}");
    }

    // Down to 60 nothing is told; the one after that tells all that happened.
    for other in &mut others[..41] {
        other.command(&mut world, &Command::Part(reference(1)));
    }
    world.advance(250);
    assert_eq!(learn(&mut world, &mut watcher, &mut known), 0);
    others[41].command(&mut world, &Command::Part(reference(1)));
    world.advance(250);
    assert_eq!(learn(&mut world, &mut watcher, &mut known), 1);
    let mut truth: Vec<String> = others[42..].iter().map(|other| other.user.clone()).collect();
    truth.push("sip:watcher@example.test".into());
    known.sort();
    truth.sort();
    assert_eq!(known, truth, "59 users, as it is");

    // Everybody leaves within a tick: at most two notices.
    for other in &mut others[42..] {
        other.command(&mut world, &Command::Part(reference(1)));
    }
    world.advance(250);
    assert!(learn(&mut world, &mut watcher, &mut known) <= 2);
    assert_eq!(known, ["sip:watcher@example.test"]);
}

#[test]
fn a_slow_reader_gets_everything_in_order_when_it_reads_again() {
    let limits = Limits { window: 4, ..Limits::default() };
    let mut world = World::new(2, limits);
    let mut kay = member(&mut world, 0, "kay", 1);
    let mut slow = member(&mut world, 1, "slow", 1);
    kay.seen(&mut world);
    slow.answers = false;
    for n in 0..20 {
        kay.post(&mut world, 1, &format!("m{n}"));
        kay.seen(&mut world);
    }
    assert_eq!(slow.chats(&mut world).len(), 4, "no more than the window");
    slow.command(&mut world, &Command::BcContext { room: reference(1), count: 5 });
    slow.seen(&mut world);
    slow.release(&mut world);
    let rest = documents(slow.seen(&mut world));
    let mut chats = Vec::new();
    for document in rest {
        match document {
            FromServer::Delivery(delivery) => chats.push(delivery.chat),
            FromServer::Replies(replies) => {
                let ReplyData::History { messages, .. } = &replies[0].data else { panic!() };
                assert_eq!(messages.last().unwrap().chat, "m19");
                chats.push("history".into());
            }
            FromServer::Notices(_) => {}
        }
    }
    let mut expect: Vec<String> = (4..20).map(|n| format!("m{n}")).collect();
    expect.push("history".into());
    assert_eq!(chats, expect, "the reply keeps its place behind the messages it shows");
}

#[test]
fn a_reader_too_slow_for_the_feed_is_let_go() {
    let limits = Limits { window: 2, feed_items_max: 4, ..Limits::default() };
    let mut world = World::new(1, limits);
    let mut kay = member(&mut world, 0, "kay", 1);
    let mut slow = member(&mut world, 0, "slow", 1);
    kay.seen(&mut world);
    slow.answers = false;
    for n in 0..10 {
        kay.post(&mut world, 1, &format!("m{n}"));
        assert_eq!(kay.chats(&mut world), [format!("m{n}")]);
    }
    slow.seen(&mut world);
    slow.release(&mut world);
    slow.say(&mut world, "UPDATE", b"");
    assert_eq!(slow.statuses(&mut world), [481]);
    assert_eq!(world.shards[0].counters().dialogs_dropped, 1);
}

#[test]
fn an_endpoint_that_ran_into_481_finds_its_rooms_again() {
    let mut world = World::new(2, Limits::default());
    let mut kay = member(&mut world, 0, "kay", 1);
    let mut lee = member(&mut world, 0, "lee", 1);
    lee.answers = false;
    kay.post(&mut world, 1, "unanswered");
    lee.seen(&mut world);
    kay.seen(&mut world);
    world.advance(40_000);
    lee.say(&mut world, "UPDATE", b"");
    assert_eq!(lee.statuses(&mut world), [481]);

    // What SIPE does: a look-up dialog, then the long one, in which it sends only getinv.
    let mut lookup = Client::open(&mut world, lee.wire, "lee");
    lookup.command(&mut world, &Command::ReqUri);
    lookup.seen(&mut world);
    lookup.say(&mut world, "BYE", b"");
    assert_eq!(lookup.statuses(&mut world), [200]);
    let mut again = Client::open(&mut world, lee.wire, "lee");
    again.command(&mut world, &Command::GetInv { after: 1, domain: "example.test".into() });
    world.advance(1_000);
    again.seen(&mut world);
    kay.seen(&mut world);
    kay.post(&mut world, 1, "you are back");
    assert_eq!(again.chats(&mut world), ["you are back"]);
    again.post(&mut world, 1, "indeed");
    assert_eq!(again.chats(&mut world), ["indeed"]);
}

#[test]
fn an_endpoint_that_starts_afresh_is_in_no_room() {
    let mut world = World::new(2, Limits::default());
    let mut kay = member(&mut world, 0, "kay", 1);
    let lee = member(&mut world, 1, "lee", 1);
    world.link_down(lee.wire);
    let mut again = client(&mut world, 1, "lee");
    again.command(&mut world, &Command::GetInv { after: 1, domain: "example.test".into() });
    world.advance(10_000);
    again.seen(&mut world);
    kay.seen(&mut world);
    kay.post(&mut world, 1, "are you there?");
    assert!(again.chats(&mut world).is_empty());
}

#[test]
fn a_new_dialog_of_an_endpoint_takes_over_without_a_notice() {
    let mut world = World::new(2, Limits::default());
    let mut kay = member(&mut world, 0, "kay", 1);
    let mut old = member(&mut world, 0, "lee", 1);
    kay.seen(&mut world);
    let mut new = client(&mut world, 1, "lee");
    new.command(&mut world, &Command::BJoin(vec![reference(1)]));
    world.advance(10_000);
    assert_eq!(documents(new.seen(&mut world)).len(), 1);
    assert_eq!(kay.seen(&mut world), [], "nobody left, nobody came");
    kay.post(&mut world, 1, "once");
    assert_eq!(new.chats(&mut world), ["once"]);
    assert!(old.chats(&mut world).is_empty());
    old.say(&mut world, "UPDATE", b"");
    assert_eq!(old.statuses(&mut world), [481]);
}

#[test]
fn a_lost_link_is_told_after_the_grace() {
    let mut world = World::new(1, Limits::default());
    let mut kay = member(&mut world, 0, "kay", 1);
    let lee = member(&mut world, 0, "lee", 1);
    kay.seen(&mut world);
    world.link_down(lee.wire);
    world.advance(1_900);
    assert_eq!(kay.seen(&mut world), []);
    world.advance(400);
    let notices = documents(kay.seen(&mut world));
    let users = vec![lee.user];
    let room_uri = "ma-chan://example.test/5b0c7a52-3d1e-4f7c-9a44-000000000001".to_owned();
    assert_eq!(notices, [FromServer::Notices(vec![Notice::Part { room_uri, users }])]);
}

#[test]
fn nothing_of_a_room_follows_the_request_to_leave_it() {
    let mut world = World::new(2, Limits::default());
    let mut kay = member(&mut world, 0, "kay", 1);
    let mut lee = member(&mut world, 1, "lee", 1);
    world.hold_log = true;
    kay.post(&mut world, 1, "late");
    lee.command(&mut world, &Command::Part(reference(1)));
    world.commit();
    let seen = lee.seen(&mut world);
    assert_eq!(seen[0], Seen::Status { method: "INFO".into(), status: 200 });
    let documents = documents(seen);
    assert_eq!(documents.len(), 1);
    assert!(matches!(&documents[0], FromServer::Replies(r) if r[0].name == "part"));
}

#[test]
fn a_room_goes_on_where_an_earlier_run_ended() {
    let mut world = World::new(2, Limits::default());
    for number in 1..=40 {
        for shard in &mut world.shards {
            shard.restore(parlance_core::Record {
                ticket: 0,
                room: harness::room(1),
                number,
                ts: parlance_wire::xccos::Timestamp(number as i64),
                author: "sip:kay@example.test".into(),
                alert: false,
                chat: format!("m{number}"),
                rtf: None,
                is_history: true,
            });
        }
    }
    let mut lee = member(&mut world, 0, "lee", 1);
    lee.post(&mut world, 1, "and on");
    lee.command(&mut world, &Command::BcContext { room: reference(1), count: 3 });
    let documents = documents(lee.seen(&mut world));
    let FromServer::Delivery(delivery) = &documents[0] else { panic!("a message") };
    assert_eq!(delivery.chat_id, 41);
    let FromServer::Replies(replies) = &documents[1] else { panic!("a reply") };
    let ReplyData::History { messages, .. } = &replies[0].data else { panic!("history") };
    let chats: Vec<&str> = messages.iter().map(|message| &*message.chat).collect();
    assert_eq!(chats, ["m39", "m40", "and on"]);
    assert_eq!(messages[0].author_name, "kay");
}

#[test]
fn a_full_log_refuses_posts_and_nothing_else() {
    let mut world = World::new(1, Limits::default());
    let mut kay = member(&mut world, 0, "kay", 1);
    world.shards[0].handle(world.now, parlance_core::Input::LogFull { is_full: true });
    kay.post(&mut world, 1, "no room");
    assert_eq!(kay.statuses(&mut world), [503]);
    kay.command(&mut world, &Command::BcContext { room: reference(1), count: 3 });
    assert_eq!(documents(kay.seen(&mut world)).len(), 1);
    world.shards[0].handle(world.now, parlance_core::Input::LogFull { is_full: false });
    kay.post(&mut world, 1, "room");
    assert_eq!(kay.chats(&mut world), ["room"]);
}

/// Status of an OPTIONS outside of dialogs with this Via above the client's own.
fn options_with_via(world: &mut World, via: &str) -> u16 {
    let wire = world.link(0);
    let mut out = Vec::new();
    Request::new(&mut out, "OPTIONS", harness::SERVICE)
        .header("Via", via)
        .header("Via", "SIP/2.0/TCP 127.0.0.1:40000")
        .header("From", "<sip:kay@example.test>;tag=1")
        .header("To", format_args!("<{}>", harness::SERVICE))
        .header("Call-ID", "loop")
        .header("CSeq", "1 OPTIONS")
        .header("Max-Forwards", 70)
        .empty();
    world.send(wire, &out);
    let mut statuses = Vec::new();
    harness::each_message(&world.take(wire), |message| match message.start() {
        StartLine::Response { status, .. } => statuses.push(status),
        StartLine::Request { .. } => panic!("nothing is asked"),
    });
    statuses[0]
}

#[test]
fn only_a_request_of_our_own_is_a_loop() {
    let mut world = World::new(1, Limits::default());
    let ours = "z9hG4bKabcdefghijklmnopabcdefgh";
    for (sent_by, branch, status) in [
        ("127.0.0.1:5060", ours, 482),
        // A client's port may begin with the digits of ours.
        ("127.0.0.1:50600", ours, 200),
        ("127.0.0.1:5060", "z9hG4bK776asdhds", 200),
        ("127.0.0.2:5060", ours, 200),
    ] {
        let via = format!("SIP/2.0/TCP {sent_by};rport;branch={branch};x=y");
        assert_eq!(options_with_via(&mut world, &via), status, "{via}");
        let both = format!("SIP/2.0/TLS proxy.example;branch=z9hG4bK1, {via}");
        assert_eq!(options_with_via(&mut world, &both), status, "{both}");
    }
}

#[test]
fn an_author_is_told_when_the_outcome_is_not_known() {
    let mut world = World::new(2, Limits::default());
    let mut kay = member(&mut world, 0, "kay", 1);
    let mut lee = member(&mut world, 1, "lee", 1);
    world.hold_log = true;
    kay.post(&mut world, 1, "one");
    world.advance(20_000);
    kay.post(&mut world, 1, "two");
    assert_eq!(kay.statuses(&mut world), [0; 0]);
    world.advance(10_000);
    assert_eq!(kay.statuses(&mut world), [504], "the first has waited for 30 s");
    // Both were kept after all: everybody sees them, and only the second is acknowledged.
    world.commit();
    let seen = kay.seen(&mut world);
    let statuses = seen.iter().filter(|s| matches!(s, Seen::Status { status: 200, .. })).count();
    assert_eq!((statuses, documents(seen).len()), (1, 2));
    assert_eq!(lee.chats(&mut world), ["one", "two"]);
    assert_eq!(world.shards.iter().map(|s| s.counters().posts_unknown).sum::<u64>(), 1);
    world.advance(40_000);
    assert_eq!(kay.statuses(&mut world), [0; 0]);
}
