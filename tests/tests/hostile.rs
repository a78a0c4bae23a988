//! Everything a hostile or broken peer may do, against the real binary, while two bystanders chat.
//! After each attack they must have noticed nothing: every message, once, in order.

use parlance_tests::bystanders::Bystanders;
use parlance_tests::mutate::Mutator;
use parlance_tests::peer::{Dialog, Names, Peer, command, document, post, service};
use parlance_tests::server::{Options, Room, Server};
use parlance_wire::limits::{
    SIP_HEAD_BYTES_MAX, SIP_HEADERS_MAX, SIP_LINE_BYTES_MAX, XML_DEPTH_MAX, XML_ELEMENTS_MAX,
};
use parlance_wire::xccos::{FromServer, decode_server};
use std::time::{Duration, Instant};

/// Where the bystanders are.
fn theirs() -> Room {
    Room::numbered(1)
}

/// Where hostile peers are let in.
fn ours() -> Room {
    Room::numbered(2)
}

fn start() -> (Server, Bystanders) {
    let options = Options { rooms: vec![theirs(), ours()], ..Options::default() };
    let server = Server::start(&options);
    let bystanders = Bystanders::arrive(server.sip, &theirs());
    (server, bystanders)
}

/// Waits until the counter of one cause of refused input has passed `before`.
fn until_refused(server: &Server, cause: &str, before: f64) {
    until_counted(server, "parlance_refused_total", &format!("cause=\"{cause}\""), before);
}

/// Waits until a counter has passed `before`; numbers are published twice a second.
fn until_counted(server: &Server, name: &str, labels: &str, before: f64) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while server.metric(name, labels) <= before {
        assert!(Instant::now() < deadline, "{name} {labels} was not counted");
    }
}

fn ok(extra: &str) -> String {
    format!(
        "SIP/2.0 200 OK\r\nVia: SIP/2.0/TCP h\r\nFrom: <sip:a@h>;tag=1\r\nTo: <sip:b@h>;tag=2\r\n\
         Call-ID: c\r\nCSeq: 1 INFO\r\n{extra}\r\n"
    )
}

#[test]
fn ambiguous_or_boundless_streams_cost_their_link_only() {
    let (mut server, mut bystanders) = start();
    let long = |count: usize| "x".repeat(count);
    let streams: Vec<(&str, Vec<u8>)> = vec![
        ("two lengths", ok("Content-Length: 0\r\nContent-Length: 0\r\n").into()),
        ("two lengths in two forms", ok("Content-Length: 5\r\nl: 0\r\n").into()),
        ("a hidden length", ok("Content-Length: 0\r\nContent-Length\x0b: 5\r\n").into()),
        ("a negative length", ok("Content-Length: -1\r\n").into()),
        ("a signed length", ok("Content-Length: +1\r\n").into()),
        ("a length beyond any number", ok(&format!("l: {}\r\n", "9".repeat(40))).into()),
        ("no length", ok("").into()),
        ("a body beyond the bound", ok("Content-Length: 262145\r\n").into()),
        ("a line feed alone", ok("l: 0\r\n").replace("\r\n", "\n").into()),
        ("a folded line", ok("X: a\r\n b\r\nl: 0\r\n").into()),
        ("a NUL", ok("X: \0\r\nl: 0\r\n").into()),
        ("a line beyond the bound", ok(&format!("X: {}\r\n", long(SIP_LINE_BYTES_MAX))).into()),
        ("a head beyond the bound", {
            let line = format!("X: {}\r\n", long(1000));
            ok(&line.repeat(SIP_HEAD_BYTES_MAX / 1000 + 1)).into()
        }),
        ("too many lines", ok(&"X: y\r\n".repeat(SIP_HEADERS_MAX)).into()),
        ("keep-alives without end", b"\r\n".repeat(100_000)),
        ("another protocol", b"GET / HTTP/1.1\r\nHost: h\r\n\r\n".to_vec()),
        ("TLS where none is spoken", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec()),
        ("noise", {
            let mut mutator = Mutator::new(1);
            (0..50_000).map(|_| mutator.below(256) as u8).collect()
        }),
    ];
    for (what, bytes) in streams {
        let mut peer = Peer::connect(server.sip);
        peer.send(&bytes);
        let answers = peer.until_closed();
        assert!(answers.iter().all(|status| *status == 400), "{what}: {answers:?}");
        bystanders.talk(1);
    }
    until_refused(&server, "frame", 10.0);
    server.assert_alive();
}

#[test]
fn nothing_can_follow_an_ambiguity() {
    let (_server, mut bystanders) = start();
    let (server, victim) = (&_server, "victim");
    // What a careless reader would take for the victim's sign-off, hidden in a body.
    let hidden = Names::fresh(victim).request("INVITE", 1, &[], b"");
    let outer = Names::fresh("villain");
    let text = outer.request("OPTIONS", 1, &[("Content-Length", "0")], &hidden);
    let mut peer = Peer::connect(server.sip);
    peer.send(&text);
    assert_eq!(peer.until_closed(), [400], "one refusal, and nothing of the hidden message");
    bystanders.talk(2);
}

#[test]
fn bytes_that_dribble_in_are_read_and_links_that_stall_are_closed() {
    let (mut server, mut bystanders) = start();
    let mut silent = Peer::connect(server.sip);
    let mut stuck = Peer::connect(server.sip);
    stuck.send(b"INVITE sip:x SIP/2.0\r\nVia: SIP/2.0/TCP ");
    let mut tls = Peer::connect(server.sips);
    tls.send(b"\x16\x03\x01");

    let names = Names::fresh("dribble");
    let mut peer = Peer::connect(server.sip);
    for byte in names.request("INVITE", 1, &[], b"") {
        peer.send(&[byte]);
    }
    let mut dialog = Dialog::confirm(peer, names);
    assert_eq!(dialog.info(&command("requri", "")), 200);
    let reply = String::from_utf8(dialog.told()).expect("documents are UTF-8");
    assert!(reply.contains("rpl:requri") && reply.contains(&service()), "{reply}");
    bystanders.talk(5);

    // The server's own deadlines: five seconds for a handshake, ten for a first message.
    assert_eq!(tls.until_closed(), [0; 0]);
    bystanders.talk(1);
    assert_eq!(silent.until_closed(), [0; 0]);
    assert_eq!(stuck.until_closed(), [0; 0]);
    bystanders.talk(1);
    until_refused(&server, "too_slow", 1.0);
    server.assert_alive();
}

#[test]
fn documents_that_attack_the_reader_cost_their_command_only() {
    let (mut server, mut bystanders) = start();
    let mut dialog = Dialog::open(server.sip, "villain");
    let bomb = b"<!DOCTYPE x [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;\">]>".to_vec();
    let deep = |depth: usize| document(&("<a>".repeat(depth) + &"</a>".repeat(depth)));
    let attributes: String = (0..5_000).map(|n| format!(" a{n}=\"1\"")).collect();
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("an entity bomb", [bomb, command("requri", "&b;")].concat()),
        ("an external entity", b"<!DOCTYPE x SYSTEM \"file:///etc/passwd\"><x/>".to_vec()),
        ("an instruction", [b"<?php x?>".to_vec(), command("requri", "")].concat()),
        ("deep nesting", deep(XML_DEPTH_MAX)),
        ("very deep nesting", deep(30_000)),
        ("many elements", command("requri", &"<a/>".repeat(XML_ELEMENTS_MAX))),
        ("many attributes", document(&format!("<cmd{attributes}/>"))),
        ("a long value", command("requri", &format!("<a b=\"{}\"/>", "x".repeat(100_000)))),
        ("an unknown entity", command("requri", "&nbsp;")),
        ("another encoding", b"\xff\xfe<\0x\0/\0>\0".to_vec()),
        ("no UTF-8", command("requri", "").iter().map(|b| b | 0x80).collect()),
        ("half a document", command("requri", "")[..40].to_vec()),
        ("no document", b"hello".to_vec()),
        ("another namespace", b"<xccos ver=\"1\" envid=\"1\" xmlns=\"x\"><cmd/></xccos>".to_vec()),
        ("two messages", {
            let one = "<grpchat id=\"grpchat\" seqid=\"1\" chanUri=\"x\" author=\"y\"/>";
            document(&one.repeat(2))
        }),
        ("many commands", document(&"<cmd id=\"cmd:requri\" seqid=\"1\"/>".repeat(17))),
    ];
    for (what, body) in cases {
        assert_eq!(dialog.info(&body), 400, "{what}");
        bystanders.talk(1);
    }
    assert_eq!(dialog.ask("INFO", &[("Content-Type", "image/gif")], b""), 415);
    assert_eq!(dialog.info(&command("requri", "")), 200, "the dialog is as good as before");
    until_refused(&server, "document", 15.0);
    server.assert_alive();
}

#[test]
fn nobody_speaks_for_another_or_where_they_are_not() {
    let (mut server, mut bystanders) = start();
    let mut villain = Dialog::open(server.sip, "villain");
    let me = villain.names.uri();
    let (theirs, ours) = (theirs().uri(), ours().uri());
    let bystander = "sip:u900001@example.test";
    for (what, body, expect) in [
        ("another author", post(&theirs, bystander, "x"), 403),
        ("a room not joined", post(&theirs, &me, "x"), 403),
        ("a room that is not", post("ma-chan://example.test/nothing", &me, "x"), 404),
        ("a room elsewhere", post(&theirs.replace("example", "other"), &me, "x"), 404),
        ("no text", post(&ours, &me, ""), 400),
        ("a text beyond the bound", post(&ours, &me, &"x".repeat(9_000)), 413),
        ("an unknown command", command("frobnicate", ""), 200),
        ("an unknown room to join", command("join", "<chanid domain=\"d\" value=\"v\"/>"), 200),
    ] {
        assert_eq!(villain.info(&body), expect, "{what}");
        bystanders.talk(1);
    }
    let replies = [villain.told(), villain.told()].concat();
    let replies = String::from_utf8(replies).expect("documents are UTF-8");
    assert!(replies.contains("code=\"501\"") && replies.contains("code=\"404\""), "{replies}");

    let asserted = [("P-Asserted-Identity", "<sip:u900001@example.test>")];
    assert_eq!(villain.ask("INFO", &asserted, &command("requri", "")), 403);
    assert_eq!(villain.ask("INFO", &[("Require", "x-everything")], b""), 420);
    assert_eq!(villain.ask("INFO", &[("Max-Forwards", "0")], b""), 400, "it stands twice");
    for cause in ["spoofed", "not_joined", "unknown_room", "message_size", "bad_extension"] {
        until_refused(&server, cause, 0.0);
    }
    server.assert_alive();
}

#[test]
fn a_dialog_belongs_to_its_link() {
    let (mut server, mut bystanders) = start();
    let mut victim = Dialog::open(server.sip, "victim");
    let data = format!("<chanid key=\"0\" domain=\"example.test\" value=\"{}\"/>", ours().id);
    assert_eq!(victim.info(&command("join", &data)), 200);
    victim.told();

    // A spy who has seen everything still speaks on another link.
    let mut spy = Peer::connect(server.sip);
    let mut mutator = Mutator::new(2);
    let mut known = victim.names.clone();
    for number in 0..2_000 {
        let method = *mutator.pick(&["INFO", "BYE", "UPDATE", "INVITE"]);
        spy.send(&known.request(method, 100 + number, &[], b""));
        let answer = spy.receive().expect("a request is answered");
        assert_eq!(answer.status(), Some(481), "{method} with tag {}", known.to_tag);
        // From the second on it guesses; the first half of a tag is no secret.
        known.to_tag = victim.names.to_tag.clone();
        let at = mutator.below(known.to_tag.len());
        known.to_tag.replace_range(at..=at, ["0", "7", "f"][mutator.below(3)]);
    }
    bystanders.talk(2);

    // Said again, a request does nothing.
    let uri = victim.names.uri();
    assert_eq!(victim.info(&post(&ours().uri(), &uri, "once")), 200);
    let replayed = victim.names.request("INFO", victim.cseq, &[], &post(&ours().uri(), &uri, "x"));
    victim.peer.send(&replayed);
    assert_eq!(victim.answer(), 500);
    assert_eq!(victim.ask("BYE", &[], b""), 200, "the victim's dialog was there all the time");
    until_refused(&server, "no_dialog", 0.0);
    until_refused(&server, "stale_cseq", 0.0);
    server.assert_alive();
}

#[test]
fn a_reader_that_pauses_delays_nobody_and_misses_nothing() {
    const TURNS: usize = 150;
    let (mut server, mut bystanders) = start();
    let mut slow = Dialog::open(server.sip, "slow");
    let data = format!("<chanid key=\"0\" domain=\"example.test\" value=\"{}\"/>", theirs().id);
    assert_eq!(slow.info(&command("join", &data)), 200);
    slow.told();
    // Far more than a window of unanswered messages.
    bystanders.talk(TURNS);
    let mut next = 1;
    while next <= 2 * TURNS as u64 {
        if let Ok(FromServer::Delivery(delivery)) = decode_server(&slow.told()) {
            assert_eq!(delivery.chat_id, next, "caught up in order");
            next += 1;
        }
    }
    bystanders.talk(1);
    until_counted(&server, "parlance_lags_total", "", 0.0);
    server.assert_alive();
}

#[test]
fn thousands_of_dialogs_on_one_link_harm_nobody() {
    const DIALOGS: u32 = 3_000;
    let (mut server, mut bystanders) = start();
    let mut peer = Peer::connect(server.sip);
    let mut opened = 0;
    for batch in 0..DIALOGS / 100 {
        for number in 0..100 {
            let names = Names::fresh(&format!("crowd{}", batch * 100 + number));
            peer.send(&names.request("INVITE", 1, &[], b""));
        }
        for _ in 0..100 {
            let answer = peer.receive().expect("an INVITE is answered");
            match answer.status() {
                Some(200) => opened += 1,
                status => assert_eq!(status, Some(503), "too many at once are put off"),
            }
        }
        bystanders.talk(1);
    }
    assert!(opened >= DIALOGS / 2, "only {opened} dialogs were opened");
    // They go as a broken link goes: all at once and without a word.
    drop(peer);
    bystanders.talk(5);
    server.assert_alive();
}

/// Messages of an honest client, in order, for a dialog that is not open yet.
fn honest_messages(names: &Names) -> Vec<Vec<u8>> {
    let (room, uri) = (ours(), names.uri());
    let join = format!("<chanid key=\"0\" domain=\"example.test\" value=\"{}\"/>", room.id);
    let context = format!("<chanib uri=\"{}\"/><bcq><last cnt=\"25\"/></bcq>", room.uri());
    let search = "<qib qtype=\"BYNAME\" criteria=\"\" extended=\"false\"/>";
    let preference = "<pref label=\"l\" seqid=\"0\" createdefault=\"true\" content=\"YQ==\"/>";
    let bodies = [
        command("requri", ""),
        command("getserverinfo", "<sib domain=\"example.test\" infoType=\"123\"/>"),
        command("bjoin", &join),
        command("getinv", "<inv inviteId=\"1\" domain=\"example.test\"/>"),
        command("bccontext", &context),
        post(&room.uri(), &uri, "hello &amp; goodbye"),
        command("chansrch", search),
        command("setpref", preference),
        command("part", &format!("<chanib uri=\"{}\"/>", room.uri())),
    ];
    let mut messages = vec![names.request("ACK", 1, &[], b"")];
    let infos = (2..).zip(&bodies).map(|(cseq, body)| names.request("INFO", cseq, &[], body));
    messages.extend(infos);
    messages.push(names.request("UPDATE", 20, &[("Supported", "timer")], b""));
    messages.push(names.request("BYE", 21, &[], b""));
    messages
}

/// Sends one damaged sequence on a link of its own; every fourth inside a dialog that really
/// exists.
fn attack(server: &Server, mutator: &mut Mutator, number: usize) -> Peer {
    let mut names = Names::fresh(&format!("mutant{}", number % 50));
    let mut messages = Vec::new();
    let mut peer = if number.is_multiple_of(4) {
        let dialog = Dialog::open(server.sip, &names.user);
        names = dialog.names;
        dialog.peer
    } else {
        let event = [("Event", "vnd-microsoft-provisioning-v2"), ("Expires", "0")];
        messages.push(names.request("REGISTER", 1, &[("Expires", "600")], b""));
        messages.push(names.request("SUBSCRIBE", 1, &event, b""));
        messages.push(names.request("INVITE", 1, &[("Supported", "timer")], b"v=0\r\n"));
        Peer::connect(server.sip)
    };
    messages.extend(honest_messages(&names));
    let other = mutator.pick(&messages).clone();
    let damaged = mutator.below(messages.len());
    mutator.mutate(&mut messages[damaged], &other);
    peer.send(&messages.concat());
    peer.finish();
    peer
}

#[test]
fn ten_thousand_damaged_inputs_harm_nobody() {
    const INPUTS: usize = 10_000;
    const BATCH: usize = 250;
    /// Caches of the server fill up until then: what they hold is no leak.
    const WARM_UP: usize = 2_500;
    const GROWTH_KIB_MAX: u64 = 16 * 1024;

    let (mut server, mut bystanders) = start();
    let mut mutator = Mutator::new(20_260_101);
    let mut resident_kib = 0;
    for batch in 0..INPUTS / BATCH {
        let numbers = batch * BATCH..(batch + 1) * BATCH;
        let peers: Vec<Peer> = numbers.map(|n| attack(&server, &mut mutator, n)).collect();
        for mut peer in peers {
            peer.until_closed();
        }
        server.assert_alive();
        bystanders.talk(5);
        if (batch + 1) * BATCH == WARM_UP {
            resident_kib = server.resident_kib();
        }
    }
    let grown_kib = server.resident_kib().saturating_sub(resident_kib);
    assert!(grown_kib <= GROWTH_KIB_MAX, "{grown_kib} KiB more than after the warm-up");
    for cause in ["frame", "message", "document", "no_dialog", "unknown_room"] {
        until_refused(&server, cause, 0.0);
    }
}
