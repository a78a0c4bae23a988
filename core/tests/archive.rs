//! What the broker asks of the database: older history, searches, preferences.

mod harness;

use harness::{Client, World, documents, member, reference, room};
use parlance_core::archive::Fault;
use parlance_core::{Input, Limits, Query, Record, RoomEnd};
use parlance_wire::xccos::{
    Command, FromServer, HistorySearch, Preference, Reply, ReplyData, ResponseCode, RoomRef,
    Timestamp,
};

fn record(number: u64) -> Record {
    Record {
        ticket: 0,
        room: room(1),
        number,
        ts: Timestamp(number as i64),
        author: "sip:kay@example.test".into(),
        alert: false,
        chat: format!("m{number}"),
        rtf: None,
        is_history: true,
    }
}

/// Forty messages in room 1, of which the shards were given back the last `kept`.
fn restarted(kept: u64, limits: Limits) -> World {
    let mut world = World::new(2, limits);
    for number in 1..=40 {
        world.archive.keep(record(number));
        if number > 40 - kept {
            world.shards.iter_mut().for_each(|shard| shard.restore(record(number)));
        }
    }
    world
}

fn context(count: u32) -> Command {
    Command::BcContext { room: reference(1), count }
}

/// The replies a client saw since the last call.
fn replies(client: &mut Client, world: &mut World) -> Vec<Reply> {
    let of = |document| match document {
        FromServer::Replies(replies) => replies,
        _ => Vec::new(),
    };
    documents(client.seen(world)).into_iter().flat_map(of).collect()
}

/// The one history a client saw: its code and texts.
fn history(client: &mut Client, world: &mut World) -> (ResponseCode, Vec<String>) {
    let mut replies = replies(client, world);
    assert_eq!(replies.len(), 1, "{replies:?}");
    match replies.remove(0) {
        Reply { code, data: ReplyData::History { messages, .. }, .. } => {
            (code, messages.into_iter().map(|message| message.chat).collect())
        }
        other => panic!("no history: {other:?}"),
    }
}

#[test]
fn what_an_administrator_removes_or_replaces_is_not_shown_any_more() {
    let mut world = World::new(2, Limits::default());
    let mut kay = member(&mut world, 0, "kay", 1);
    for n in 1..=5 {
        kay.post(&mut world, 1, &format!("message {n}"));
        kay.seen(&mut world);
    }
    let shown = |world: &mut World, kay: &mut Client| {
        kay.command(world, &Command::BcContext { room: reference(1), count: 10 });
        let documents = documents(kay.seen(world));
        let Some(FromServer::Replies(replies)) = documents.first() else { panic!("no reply") };
        let ReplyData::History { messages, .. } = &replies[0].data else { panic!("no history") };
        messages.iter().map(|m| (m.chat_id, m.chat.clone())).collect::<Vec<_>>()
    };
    let text = |n: u64| (n, format!("message {n}"));
    world.archive.clear(room(1), 2);
    world.archive.replace(room(1), 4, "removed");
    // One more comes while the database is at it.
    kay.post(&mut world, 1, "message 6");
    kay.seen(&mut world);
    world.revise(1, 5);
    let expected = [text(3), (4, "removed".into()), text(5), text(6)];
    assert_eq!(shown(&mut world, &mut kay), expected);

    world.archive.clear(room(1), 6);
    world.revise(1, 6);
    assert_eq!(shown(&mut world, &mut kay), []);
    kay.post(&mut world, 1, "message 7");
    kay.seen(&mut world);
    assert_eq!(shown(&mut world, &mut kay), [text(7)]);
}

#[test]
fn history_goes_back_behind_what_the_room_keeps() {
    let mut world = restarted(1, Limits::default());
    let mut lee = member(&mut world, 0, "lee", 1);
    lee.command(&mut world, &context(3));
    let (code, chats) = history(&mut lee, &mut world);
    assert_eq!(
        (code, &*chats),
        (ResponseCode::Success, &["m38", "m39", "m40"].map(String::from)[..])
    );
    // From now on the room keeps them.
    world.hold_queries = true;
    lee.command(&mut world, &context(30));
    assert_eq!(history(&mut lee, &mut world).1.len(), 30);
    assert!(world.asked.is_empty());
}

/// Numbers of everything a client was shown, history and live, in the order in which it came.
fn numbers(client: &mut Client, world: &mut World) -> Vec<u64> {
    let of = |document| match document {
        FromServer::Delivery(delivery) => vec![delivery.chat_id],
        FromServer::Replies(mut replies) => match replies.remove(0).data {
            ReplyData::History { messages, .. } => messages.iter().map(|m| m.chat_id).collect(),
            _ => Vec::new(),
        },
        FromServer::Notices(_) => Vec::new(),
    };
    documents(client.seen(world)).into_iter().flat_map(of).collect()
}

#[test]
fn what_is_said_while_the_database_is_asked_comes_after_the_answer() {
    let mut world = restarted(2, Limits::default());
    let mut lee = member(&mut world, 0, "lee", 1);
    let mut kay = member(&mut world, 1, "kay", 1);
    let mut mara = member(&mut world, 1, "mara", 1);
    world.hold_queries = true;
    lee.command(&mut world, &context(4));
    mara.post(&mut world, 1, "and on");
    kay.command(&mut world, &context(5));
    mara.post(&mut world, 1, "and on");
    assert_eq!(world.asked.len(), 1, "one question serves all readers");
    assert_eq!(numbers(&mut mara, &mut world), [41, 42], "nobody else waits");
    assert_eq!(numbers(&mut lee, &mut world), [0; 0]);
    world.answer_queries(None);
    assert_eq!(numbers(&mut lee, &mut world), [37, 38, 39, 40, 41, 42]);
    // The first of the two was said before kay asked, and had come live.
    assert_eq!(numbers(&mut kay, &mut world), [41, 37, 38, 39, 40, 41, 42]);
}

#[test]
fn who_joins_again_while_the_database_is_asked_keeps_the_order() {
    let mut world = restarted(1, Limits::default());
    let mut lee = member(&mut world, 0, "lee", 1);
    let mut mara = member(&mut world, 1, "mara", 1);
    world.hold_queries = true;
    lee.command(&mut world, &context(2));
    mara.post(&mut world, 1, "a");
    lee.join(&mut world, 1);
    mara.post(&mut world, 1, "b");
    world.answer_queries(None);
    assert_eq!(numbers(&mut lee, &mut world), [39, 40, 41, 42]);
    // And who leaves is shown what they asked for, and nothing live.
    let mut kay = member(&mut world, 0, "kay", 1);
    kay.command(&mut world, &context(30));
    kay.command(&mut world, &Command::Part(reference(1)));
    mara.post(&mut world, 1, "c");
    world.answer_queries(None);
    assert_eq!(numbers(&mut kay, &mut world), (13..=42).collect::<Vec<u64>>());
}

#[test]
fn so_much_may_be_said_meanwhile_that_nothing_older_is_kept() {
    let limits = Limits { recent_max: 3, history_max: 3, ..Limits::default() };
    let mut world = restarted(1, limits);
    let mut lee = member(&mut world, 0, "lee", 1);
    world.hold_queries = true;
    lee.command(&mut world, &context(3));
    ["a", "b", "c", "d"].iter().for_each(|chat| lee.post(&mut world, 1, chat));
    world.answer_queries(None);
    assert_eq!(numbers(&mut lee, &mut world), [38, 39, 40, 41, 42, 43, 44]);
    lee.command(&mut world, &context(3));
    assert_eq!(numbers(&mut lee, &mut world), [42, 43, 44]);
    assert!(world.asked.is_empty());
}

#[test]
fn a_database_that_is_away_is_admitted() {
    let mut world = restarted(1, Limits::default());
    let mut lee = member(&mut world, 0, "lee", 1);
    world.hold_queries = true;
    lee.command(&mut world, &context(3));
    world.answer_queries(Some(Fault::Unavailable));
    let (code, chats) = history(&mut lee, &mut world);
    assert_eq!((code, &*chats), (ResponseCode::DatabaseConnection, &["m40".to_owned()][..]));
    // It is asked again next time, and a reader who leaves meanwhile does no harm.
    lee.command(&mut world, &context(3));
    lee.command(&mut world, &Command::Part(reference(1)));
    world.answer_queries(None);
    let names: Vec<String> = replies(&mut lee, &mut world).into_iter().map(|r| r.name).collect();
    assert_eq!(names, ["bccontext", "part"]);
}

#[test]
fn readers_do_not_wait_for_ever() {
    let mut world = restarted(1, Limits::default());
    let mut lee = member(&mut world, 0, "lee", 1);
    world.hold_queries = true;
    lee.command(&mut world, &context(3));
    world.advance(1_500);
    lee.command(&mut world, &context(3));
    lee.post(&mut world, 1, "and on");
    assert_eq!(numbers(&mut lee, &mut world), [0; 0]);
    world.advance(600);
    // What is known without the database, twice, and then what was said.
    assert_eq!(numbers(&mut lee, &mut world), [40, 40, 41]);
    assert_eq!(world.asked.len(), 1);
    // The answer comes late, and is kept for those who ask next.
    world.answer_queries(None);
    lee.command(&mut world, &context(3));
    assert_eq!(history(&mut lee, &mut world).1, ["m39", "m40", "and on"]);
    assert!(world.asked.is_empty());
}

#[test]
fn a_short_answer_means_that_nothing_is_older() {
    let mut world = World::new(1, Limits::default());
    for number in [7, 9] {
        world.archive.keep(record(number));
    }
    world.shards[0].restore(record(9));
    let mut lee = member(&mut world, 0, "lee", 1);
    lee.command(&mut world, &context(30));
    assert_eq!(history(&mut lee, &mut world).1, ["m7", "m9"]);
    world.hold_queries = true;
    lee.command(&mut world, &context(30));
    assert_eq!(history(&mut lee, &mut world).1, ["m7", "m9"]);
}

#[test]
fn a_room_goes_on_behind_its_end_though_nothing_of_it_is_at_hand() {
    let mut world = restarted(0, Limits::default());
    // Two more were said, and removed since.
    let end = RoomEnd { room: room(1), number: 42, ts: Timestamp(42) };
    world.shards.iter_mut().for_each(|shard| shard.restore_end(end));
    let mut lee = member(&mut world, 0, "lee", 1);
    lee.post(&mut world, 1, "and on");
    assert_eq!(numbers(&mut lee, &mut world), [43]);
    lee.command(&mut world, &context(3));
    assert_eq!(history(&mut lee, &mut world).1, ["m39", "m40", "and on"]);
}

fn search(rooms: &[RoomRef], change: impl FnOnce(&mut HistorySearch)) -> Command {
    let mut search = HistorySearch { rooms: rooms.to_vec(), ..HistorySearch::default() };
    change(&mut search);
    Command::BcByDate(Box::new(search))
}

/// The one answer to a search: its code, each room's numbers, whether there is more.
fn found(client: &mut Client, world: &mut World) -> (u16, Vec<Vec<u64>>, bool) {
    let mut replies = replies(client, world);
    assert_eq!(replies.len(), 1, "{replies:?}");
    let reply = replies.remove(0);
    assert_eq!(reply.name, "bcbydate");
    match reply.data {
        ReplyData::Found(found) => {
            let room = |room: parlance_wire::xccos::FoundInRoom| {
                room.messages.into_iter().map(|message| message.chat_id).collect()
            };
            (reply.code.code(), found.rooms.into_iter().map(room).collect(), found.is_exceeded)
        }
        _ => (reply.code.code(), Vec::new(), false),
    }
}

#[test]
fn a_search_needs_no_seat_and_goes_both_ways() {
    let mut world = restarted(1, Limits { search_max: 3, ..Limits::default() });
    let mut lee = member(&mut world, 0, "lee", 2);
    lee.post(&mut world, 2, "hello m40");
    let both = [reference(1), reference(2), reference(1)];
    let mut ask = |change: fn(&mut HistorySearch)| {
        lee.seen(&mut world);
        lee.command(&mut world, &search(&both, change));
        found(&mut lee, &mut world)
    };
    assert_eq!(ask(|_| ()), (200, vec![vec![1, 2, 3], vec![]], true), "the cap wins");
    assert_eq!(ask(|s| s.count_max = Some(1)), (200, vec![vec![1], vec![]], true));
    let backwards = ask(|s| s.is_backwards = true);
    assert_eq!(backwards, (200, vec![vec![39, 40], vec![1]], true));
    let newest_first = ask(|s| (s.is_backwards, s.is_sorted_backwards) = (true, true));
    assert_eq!(newest_first, (200, vec![vec![40, 39], vec![1]], true));
    assert_eq!(ask(|s| s.text = "m40 m7".into()), (200, vec![vec![7, 40], vec![1]], false));
    let of_kay = ask(|s| {
        s.text = "m40".into();
        // The client's spelling is not the directory's.
        s.authors = vec!["SIP:Kay@EXAMPLE.test".into()];
    });
    assert_eq!(of_kay, (200, vec![vec![40], vec![]], false));
    assert_eq!(ask(|s| s.authors = vec!["kay".into()]).0, 400);
    assert_eq!(ask(|s| s.rooms.push(reference(99))).0, 404);
}

#[test]
fn who_searches_much_waits_alone() {
    let limits = Limits { session_searches_max: 2, queries_max: 4, ..Limits::default() };
    let mut world = restarted(1, limits);
    let mut lee = member(&mut world, 0, "lee", 2);
    let mut kay = member(&mut world, 0, "kay", 2);
    world.hold_queries = true;
    (0..3).for_each(|_| lee.command(&mut world, &search(&[reference(1)], |_| ())));
    assert_eq!(world.asked.len(), 2);
    (0..2).for_each(|_| kay.command(&mut world, &search(&[reference(1)], |_| ())));
    assert_eq!(world.asked.len(), 3, "and all together have a bound");
    assert_eq!(world.shards[0].gauges().queries, 3);
    kay.command(&mut world, &context(9));
    assert_eq!(world.asked.len(), 4, "but older history has a share of its own");
    kay.post(&mut world, 2, "chat goes on");
    assert_eq!(lee.chats(&mut world), ["chat goes on"]);
    world.answer_queries(Some(Fault::TooMuch));
    let codes = |replies: Vec<Reply>| replies.iter().map(|r| r.code.code()).collect::<Vec<_>>();
    assert_eq!(codes(replies(&mut lee, &mut world)), [413, 413, 413]);
    assert_eq!(codes(replies(&mut kay, &mut world)), [413, 503, 413]);
    lee.command(&mut world, &search(&[reference(1)], |_| ()));
    assert_eq!(world.asked.len(), 1, "what is answered counts no more");
    world.answer_queries(None);
    assert_eq!(found(&mut lee, &mut world).0, 200);
}

#[test]
fn a_question_to_the_database_holds_up_replies_and_no_messages() {
    let mut world = restarted(1, Limits::default());
    let mut lee = member(&mut world, 0, "lee", 1);
    let mut kay = member(&mut world, 1, "kay", 1);
    lee.join(&mut world, 2);
    kay.join(&mut world, 2);
    world.advance(1_000);
    lee.seen(&mut world);
    kay.seen(&mut world);
    world.hold_queries = true;
    lee.command(&mut world, &search(&[reference(1)], |_| ()));
    lee.command(&mut world, &Command::GetServerInfo { info_type: "123".into() });
    lee.seen(&mut world);
    kay.post(&mut world, 1, "one");
    assert_eq!(lee.chats(&mut world), ["one"]);
    // The history of the one room waits for the database, the other room goes on.
    lee.command(&mut world, &context(2));
    lee.command(&mut world, &Command::GetServerInfo { info_type: "123".into() });
    lee.seen(&mut world);
    kay.post(&mut world, 1, "two");
    kay.post(&mut world, 2, "three");
    assert_eq!(lee.chats(&mut world), ["three"]);
    world.answer_queries(None);
    let seen = documents(lee.seen(&mut world));
    let word = |document: &FromServer| match document {
        FromServer::Replies(replies) => replies[0].name.clone(),
        FromServer::Delivery(delivery) => delivery.chat.clone(),
        FromServer::Notices(_) => "notice".into(),
    };
    let words: Vec<String> = seen.iter().map(word).collect();
    let replies = ["bcbydate", "getserverinfo", "bccontext"];
    assert_eq!(words[..3], replies);
    let mut rest = words[3..].to_vec();
    rest.sort();
    assert_eq!(rest, ["getserverinfo", "two"]);
    assert_eq!(world.shards.iter().map(|s| s.gauges().sessions_lagging).sum::<usize>(), 0);
}

#[test]
fn a_reply_holds_what_fits_and_says_so() {
    let mut world = World::new(1, Limits::default());
    for number in 1..=30 {
        let chat = "<".repeat(30_000);
        world.archive.keep(Record { chat, ..record(number) });
    }
    // Its RTF alone is longer than a reply.
    let rtf = Some("\"<".repeat(200_000));
    world.archive.keep(Record { rtf, ..record(31) });
    let mut lee = member(&mut world, 0, "lee", 1);
    lee.command(&mut world, &search(&[reference(1)], |_| ()));
    let (_, rooms, is_exceeded) = found(&mut lee, &mut world);
    // 30,000 characters are 120,000 bytes of XML.
    assert_eq!((rooms, is_exceeded), (vec![(1..=8).collect::<Vec<u64>>()], true));
    lee.command(&mut world, &search(&[reference(1)], |s| s.start = Some(31)));
    assert_eq!(found(&mut lee, &mut world), (200, vec![vec![31]], false));
}

#[test]
fn an_answer_to_a_session_that_is_gone_does_no_harm() {
    let mut world = restarted(1, Limits::default());
    let mut lee = member(&mut world, 0, "lee", 1);
    world.hold_queries = true;
    lee.command(&mut world, &search(&[reference(1)], |_| ()));
    lee.command(&mut world, &context(9));
    let wire = lee.wire;
    world.link_down(wire);
    assert!(matches!(world.asked[0].2, Query::Search { .. }));
    world.answer_queries(None);
    world.advance(10_000);
    let gauges: usize = world.shards.iter().map(|s| s.gauges().queries + s.gauges().asks).sum();
    assert_eq!(gauges, 0);
}

#[test]
fn preferences_are_numbered_and_faults_are_told() {
    let mut world = World::new(1, Limits { preference_bytes_max: 8, ..Limits::default() });
    let mut lee = member(&mut world, 0, "lee", 1);
    let mut ask = |world: &mut World, command: fn(Preference) -> Command, seqid, content: &str| {
        let preference = Preference {
            label: "l".into(),
            seqid,
            create_default: false,
            content: (!content.is_empty()).then(|| content.to_owned()),
        };
        lee.command(world, &command(preference));
        let reply = replies(&mut lee, world).remove(0);
        match reply.data {
            ReplyData::Preference(Preference { seqid, content, .. }) => {
                (reply.code.code(), seqid, content)
            }
            _ => (reply.code.code(), 0, None),
        }
    };
    assert_eq!(ask(&mut world, Command::GetPref, 0, ""), (200, 0, None));
    assert_eq!(ask(&mut world, Command::SetPref, 0, "one"), (200, 1, None));
    assert_eq!(ask(&mut world, Command::GetPref, 0, ""), (200, 1, Some("one".into())));
    assert_eq!(ask(&mut world, Command::GetPref, 1, ""), (200, 1, None));
    assert_eq!(ask(&mut world, Command::SetPref, 0, "two").0, 409);
    assert_eq!(ask(&mut world, Command::SetPref, 1, "much too long").0, 413);
    world.hold_queries = true;
    lee.command(
        &mut world,
        &Command::GetPref(Preference {
            label: "l".into(),
            seqid: 0,
            create_default: false,
            content: None,
        }),
    );
    world.answer_queries(Some(Fault::Unavailable));
    assert_eq!(replies(&mut lee, &mut world)[0].code, ResponseCode::DatabaseConnection);
    // Nobody fills the queue with them.
    for n in 0..20 {
        let (label, seqid, content) = (format!("{n}"), 0, Some("x".to_owned()));
        let preference = Preference { label, seqid, create_default: false, content };
        lee.command(&mut world, &Command::SetPref(preference));
    }
    assert_eq!(world.asked.len(), Limits::default().session_preferences_max);
    world.answer_queries(None);
    let codes: Vec<u16> = replies(&mut lee, &mut world).iter().map(|r| r.code.code()).collect();
    assert_eq!((codes[15], codes[16], codes.len()), (200, 413, 20));
}

#[test]
#[should_panic(expected = "each question is answered once")]
fn no_question_is_answered_twice() {
    let mut world = restarted(1, Limits::default());
    let mut lee = member(&mut world, 0, "lee", 1);
    world.hold_queries = true;
    lee.command(&mut world, &search(&[reference(1)], |_| ()));
    let (shard, key, _) = world.asked[0].clone();
    world.answer_queries(None);
    let answer = parlance_core::Answer::Messages { records: Vec::new(), is_exceeded: false };
    world.shards[shard].handle(world.now, Input::Answered { key, answer });
}

/// A new run of the server that was given what the old one handed out.
fn another_run(before: &World) -> World {
    let mut world = World::new(2, Limits::default());
    for endpoint in before.archive.endpoints() {
        let now = world.now;
        world.shards.iter_mut().for_each(|shard| shard.restore_endpoint(now, endpoint.clone()));
    }
    world
}

/// What SIPE does after a 481, on a new link: a dialog in which it sends no join.
fn rebuild(world: &mut World) -> Client {
    let wire = world.link(1);
    let mut again = Client::open(world, wire, "lee");
    again.command(world, &Command::GetInv { after: 1, domain: "example.test".into() });
    world.advance(1_000);
    again.seen(world);
    again
}

#[test]
fn an_endpoint_told_481_by_another_run_finds_its_rooms_again() {
    let mut before = World::new(2, Limits::default());
    let mut lee = member(&mut before, 0, "lee", 1);
    lee.join(&mut before, 2);
    lee.command(&mut before, &Command::Part(reference(1)));

    let mut world = another_run(&before);
    lee.wire = world.link(0);
    lee.say(&mut world, "UPDATE", b"");
    assert_eq!(lee.statuses(&mut world), [481]);
    let mut again = rebuild(&mut world);
    again.post(&mut world, 1, "left before");
    assert_eq!(again.statuses(&mut world), [403]);
    again.post(&mut world, 2, "still there");
    assert_eq!(again.chats(&mut world), ["still there"]);
    assert_eq!(world.archive.endpoints().next().map(|e| e.rooms.clone()), Some(vec![room(2)]));
}

#[test]
fn an_endpoint_told_481_at_the_end_of_a_run_finds_its_rooms_in_the_next() {
    let mut before = World::new(2, Limits::default());
    let mut lee = member(&mut before, 0, "lee", 1);
    let mut kay = member(&mut before, 1, "kay", 1);
    // Kay's post keeps the server from closing the links at once.
    before.hold_log = true;
    kay.post(&mut before, 1, "last words");
    (0..2).for_each(|shard| before.shards[shard].handle(before.now, Input::Drain));
    lee.say(&mut before, "UPDATE", b"");
    assert_eq!(lee.statuses(&mut before), [481]);
    before.advance(10_000);

    let mut world = another_run(&before);
    let mut again = rebuild(&mut world);
    again.post(&mut world, 1, "here");
    assert_eq!(again.chats(&mut world), ["here"]);
    // Who was told nothing joins by itself, as any client that lost its link.
    let wire = world.link(0);
    let mut kay = Client::open(&mut world, wire, "kay");
    kay.post(&mut world, 1, "not joined");
    assert_eq!(kay.statuses(&mut world), [403]);
}

#[test]
fn who_signs_off_or_stays_away_is_forgotten() {
    let mut before = World::new(1, Limits { remember_ms: 60_000, ..Limits::default() });
    let mut lee = member(&mut before, 0, "lee", 1);
    let kay = member(&mut before, 0, "kay", 1);
    assert_eq!(before.archive.endpoints().count(), 2);
    lee.say(&mut before, "BYE", b"");
    assert_eq!(before.archive.endpoints().count(), 1);
    before.link_down(kay.wire);
    assert_eq!(before.archive.endpoints().count(), 1);
    before.advance(70_000);
    // Looked at whenever somebody comes or goes.
    member(&mut before, 0, "mara", 2);
    let left: Vec<&str> = before.archive.endpoints().map(|e| &*e.owner).collect();
    assert_eq!(left, ["sip:mara@example.test"]);
}
