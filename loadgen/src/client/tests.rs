use super::*;
use crate::fake::FakeServer;
use crate::mux::LinkMux;
use crate::rooms::room_uri;
use parlance_wire::xccos::HistorySearch;

/// A link with clients on one side and the fake on the other.
struct World {
    mux: LinkMux,
    server: FakeServer,
    to_server: Vec<u8>,
    to_clients: Vec<u8>,
    /// Place of the client and the event in short.
    events: Vec<(usize, String)>,
}

fn short(event: &ClientEvent<'_>) -> String {
    match event {
        ClientEvent::Opened { session_expires_s } => format!("opened {session_expires_s:?}"),
        ClientEvent::Replied { name, code, envid, .. } => {
            format!("replied {name} {code} {}", if envid.is_some() { "due" } else { "stray" })
        }
        ClientEvent::Joined { room, listed } => format!("joined {} {listed}", room.uri),
        ClientEvent::JoinFailed { failure } => format!("failed {}", failure.value),
        ClientEvent::Parted { room_uri } => format!("parted {room_uri}"),
        ClientEvent::History { messages, .. } => format!("history {}", messages.len()),
        ClientEvent::Found { found } => {
            format!("found {}, {}", found.count(), if found.is_exceeded { "more" } else { "all" })
        }
        ClientEvent::Delivered { chat_id, post: Some(post), author, .. } => {
            format!("delivered {chat_id} {post} {author}")
        }
        other => format!("{other:?}"),
    }
}

impl World {
    fn new(clients: u32, sign_in: SignIn) -> World {
        let mut mux = LinkMux::new();
        for number in 0..clients {
            let mut config = ClientConfig::numbered(number, "example.test", "127.0.0.1:4000", 1);
            config.sign_in = sign_in;
            mux.add(Client::new(config));
        }
        let server = FakeServer::default();
        World { mux, server, to_server: vec![], to_clients: vec![], events: vec![] }
    }

    /// Exchanges bytes until nobody has more to say, `step` bytes at a time towards the clients.
    fn settle_by(&mut self, step: usize) -> Vec<(usize, String)> {
        for _ in 0..100 {
            self.server.turn(&mut self.to_server, &mut self.to_clients);
            let bytes = std::mem::take(&mut self.to_clients);
            let mut buffer = Vec::new();
            for piece in bytes.chunks(step) {
                buffer.extend_from_slice(piece);
                let events = &mut self.events;
                let mut note = |place, event: ClientEvent<'_>| events.push((place, short(&event)));
                let used = self.mux.receive(&buffer, &mut self.to_server, &mut note).unwrap();
                buffer.drain(..used);
            }
            if self.to_server.is_empty() {
                return std::mem::take(&mut self.events);
            }
        }
        panic!("client and server never come to rest");
    }

    fn settle(&mut self) -> Vec<(usize, String)> {
        self.settle_by(usize::MAX)
    }

    fn open_all(&mut self) {
        for place in 0..self.mux.clients().len() {
            self.mux.client(place).open(&mut self.to_server);
        }
        self.settle();
        assert!(self.mux.clients().iter().all(Client::is_open));
    }

    fn join_all(&mut self) {
        for place in 0..self.mux.clients().len() {
            self.mux.client(place).join(&[room(0)], &mut self.to_server);
        }
        self.settle();
    }
}

fn room(index: u32) -> RoomRef {
    RoomRef::parse(&room_uri("example.test", index)).expect("our own URIs are well-formed")
}

fn own(texts: &[&str]) -> Vec<(usize, String)> {
    texts.iter().map(|text| (0, (*text).to_owned())).collect()
}

#[test]
fn opens_directly() {
    let mut world = World::new(1, SignIn::DIRECT);
    world.mux.client(0).open(&mut world.to_server);
    assert_eq!(world.settle(), own(&["opened Some(600)"]));
    assert_eq!(world.server.seen, ["INVITE", "ACK"]);
}

#[test]
fn opens_with_everything_sipe_does() {
    let mut world = World::new(1, SignIn::FULL);
    world.mux.client(0).open(&mut world.to_server);
    assert_eq!(world.settle(), own(&["opened Some(600)"]));
    let expect = "REGISTER SUBSCRIBE INVITE ACK INFO 200 BYE INVITE ACK";
    assert_eq!(world.server.seen.join(" "), expect);
}

#[test]
fn any_step_may_be_refused() {
    for method in ["REGISTER", "SUBSCRIBE", "INVITE", "INFO"] {
        let mut world = World::new(1, SignIn::FULL);
        world.server.refuse = Some((method, 403));
        world.mux.client(0).open(&mut world.to_server);
        assert_eq!(world.settle(), own(&["OpenFailed { status: 403 }"]), "{method}");
        world.server.refuse = None;
        world.open_all();
    }
}

#[test]
fn joins_posts_reads_and_leaves() {
    let mut world = World::new(1, SignIn::DIRECT);
    world.open_all();
    world.server.closed = vec![room_uri("example.test", 1)];
    world.mux.client(0).join(&[room(0), room(1)], &mut world.to_server);
    let uri = room_uri("example.test", 0);
    let value = room(1).value.clone();
    let expect = ["replied bjoin 200 due", &format!("joined {uri} 1"), &format!("failed {value}")];
    assert_eq!(world.settle(), own(&expect));

    let first = world.mux.client(0).post(&room(0), 64, &mut world.to_server);
    world.mux.client(0).post(&room(1), 64, &mut world.to_server);
    assert_eq!(world.mux.client(0).unanswered(), 2);
    let expect = [
        "Posted { post: PostId { client: 0, seq: 1 }, status: 200 }",
        "delivered 1 p:0:1 sip:u0@example.test",
        "Posted { post: PostId { client: 0, seq: 2 }, status: 403 }",
    ];
    assert_eq!(world.settle(), own(&expect));
    assert_eq!(world.server.texts(&uri), [first.text(64)]);

    world.mux.client(0).history(&room(0), 25, &mut world.to_server);
    assert_eq!(world.settle(), own(&["replied bccontext 200 due", "history 1"]));
    for (start, expect) in [(1, "found 1, all"), (2, "found 0, all")] {
        let rooms = vec![room(0)];
        let search = HistorySearch { rooms, start: Some(start), ..HistorySearch::default() };
        world.mux.client(0).command(&Command::BcByDate(Box::new(search)), &mut world.to_server);
        assert_eq!(world.settle(), own(&["replied bcbydate 200 due", expect]));
    }
    world.mux.client(0).part(&room(0), &mut world.to_server);
    let expect = ["replied part 200 due", &format!("parted {uri}")];
    assert_eq!(world.settle(), own(&expect));
    world.mux.client(0).update(&mut world.to_server);
    assert_eq!(world.settle(), own(&["Updated { status: 200 }"]));
    world.mux.client(0).bye(&mut world.to_server);
    assert_eq!(world.settle(), own(&["Closed { status: 200 }"]));
    assert!(world.mux.client(0).is_idle());
}

#[test]
fn both_ways_through_a_delivery_say_the_same() {
    // The name of the author needs escaping, which the short way does not mind; the text of the
    // second post does, so it takes the long way.
    let mut world = World::new(1, SignIn::DIRECT);
    world.open_all();
    world.join_all();
    let id = PostId { client: 5, seq: 9 };
    world.mux.client(0).post_as(id, &room(0), "p:5:9 plain", &mut world.to_server);
    world.mux.client(0).post_as(id, &room(0), "p:5:9 <&> \"q\"", &mut world.to_server);
    let delivered: Vec<String> = world
        .settle()
        .into_iter()
        .map(|(_, event)| event)
        .filter(|event| event.starts_with("delivered"))
        .collect();
    let expect = [1, 2].map(|n| format!("delivered {n} p:5:9 sip:u0@example.test"));
    assert_eq!(delivered, expect);
    assert_eq!(world.server.answered.len(), 3);
}

#[test]
fn our_servers_deliveries_take_the_short_way() {
    let delivery = parlance_wire::xccos::Delivery {
        room_uri: room_uri("example.test", 3),
        author: "sip:kay@example.test".to_owned(),
        author_name: "Kay & \"co\"".to_owned(),
        ts: parlance_wire::xccos::Timestamp(0),
        alert: false,
        chat_id: 77,
        chat: PostId { client: 1, seq: 2 }.text(300),
        rtf: None,
    };
    let mut body = Vec::new();
    parlance_wire::xccos::encode_delivery(&mut body, 12, &delivery);
    let found = fast::delivery(&body).expect("written as the short way expects");
    assert_eq!(found.room_uri, delivery.room_uri);
    assert_eq!((found.chat_id, found.text), (77, delivery.chat.as_str()));
}

#[test]
fn many_clients_share_a_link_however_it_is_cut() {
    for step in [1, 7, 1_000, usize::MAX] {
        let mut world = World::new(5, SignIn::DIRECT);
        world.open_all();
        world.join_all();
        world.mux.client(3).post(&room(0), 100, &mut world.to_server);
        let events = world.settle_by(step);
        let mut places: Vec<usize> = events
            .iter()
            .filter(|(_, event)| event == "delivered 1 p:3:1 sip:u3@example.test")
            .map(|(place, _)| *place)
            .collect();
        places.sort_unstable();
        assert_eq!(places, [0, 1, 2, 3, 4]);
        // Each answer went to the dialog it belongs to: one for the join, one for the delivery.
        world.server.answered.sort_unstable();
        world.server.answered.dedup();
        assert_eq!(world.server.answered.len(), 5);
    }
}

#[test]
fn answers_are_held_and_released_in_order() {
    let mut world = World::new(1, SignIn::DIRECT);
    world.open_all();
    world.join_all();
    world.server.seen.clear();
    world.mux.client(0).hold_answers(true);
    for _ in 0..3 {
        world.mux.client(0).post(&room(0), 10, &mut world.to_server);
    }
    let delivered = world.settle().iter().filter(|(_, e)| e.starts_with("delivered")).count();
    assert_eq!(delivered, 3);
    assert_eq!(world.mux.client(0).held_answers(), 3);
    assert_eq!(world.server.seen, ["INFO", "INFO", "INFO"]);
    assert_eq!(world.mux.client(0).release_answers(2, &mut world.to_server), 2);
    world.settle();
    assert_eq!(world.server.seen[3..], ["200", "200"]);
    assert_eq!(world.mux.client(0).release_answers(9, &mut world.to_server), 1);
}

#[test]
fn a_dialog_the_server_forgot_is_gone() {
    let mut world = World::new(1, SignIn::DIRECT);
    world.open_all();
    world.join_all();
    world.server.restart();
    world.mux.client(0).post(&room(0), 10, &mut world.to_server);
    world.mux.client(0).post(&room(0), 10, &mut world.to_server);
    let expect = [
        "Posted { post: PostId { client: 0, seq: 1 }, status: 481 }",
        "Unanswered { post: PostId { client: 0, seq: 2 } }",
        "Gone { reason: Answer(481) }",
    ];
    assert_eq!(world.settle(), own(&expect));
    world.open_all();
}

#[test]
fn a_bye_of_the_server_ends_the_dialog() {
    let mut world = World::new(2, SignIn::DIRECT);
    world.open_all();
    world.server.hang_up(&mut world.to_clients);
    let gone = "Gone { reason: ServerBye }".to_owned();
    assert_eq!(world.settle(), [(0, gone.clone()), (1, gone)]);
    assert_eq!(world.server.seen[4..], ["200", "200"]);
}

#[test]
fn a_lost_link_ends_everything() {
    let mut world = World::new(2, SignIn::DIRECT);
    world.open_all();
    world.join_all();
    world.mux.client(1).post(&room(0), 10, &mut world.to_server);
    let mut events = Vec::new();
    world.mux.lost(&mut |place, event| events.push((place, short(&event))));
    let gone = "Gone { reason: LinkLost }".to_owned();
    let unanswered = "Unanswered { post: PostId { client: 1, seq: 1 } }".to_owned();
    assert_eq!(events, [(0, gone.clone()), (1, unanswered), (1, gone)]);

    // On another link, to a server that knows nothing, they are themselves again.
    world.to_server.clear();
    world.server.restart();
    (0..2).for_each(|place| world.mux.client(place).move_to("127.0.0.1:4001"));
    (0..2).for_each(|place| world.mux.client(place).open(&mut world.to_server));
    let vias = |bytes: &[u8]| String::from_utf8_lossy(bytes).matches("TCP 127.0.0.1:4001;").count();
    assert_eq!(vias(&world.to_server), 2);
    assert_eq!(world.settle(), [0, 1].map(|place| (place, "opened Some(600)".to_owned())));
}

#[test]
fn strangers_and_old_dialogs_are_refused() {
    let mut world = World::new(1, SignIn::DIRECT);
    world.open_all();
    world.join_all();
    let mut copy = world.mux.client(0).config().clone();
    copy.number = 9;
    // A delivery for a client that is not on this link.
    let mut other = World::new(1, SignIn::DIRECT);
    other.mux = LinkMux::new();
    other.mux.add(Client::new(copy));
    std::mem::swap(&mut other.server, &mut world.server);
    other.open_all();
    other.join_all();
    other.mux.client(0).post(&room(0), 10, &mut other.to_server);
    other.server.seen.clear();
    other.server.turn(&mut other.to_server, &mut other.to_clients);
    let posted = other.to_clients.clone();
    let mut refused = Vec::new();
    let used = LinkMux::new().receive(&posted, &mut refused, &mut |_, _| panic!("nobody"));
    assert_eq!(used, Ok(posted.len()));
    let text = String::from_utf8(refused).unwrap();
    assert_eq!(text.matches("SIP/2.0 481").count(), 2);
    // The same client number, but a dialog of an earlier attempt.
    let mut refused = Vec::new();
    let mut fresh = LinkMux::new();
    let config = ClientConfig::numbered(9, "example.test", "127.0.0.1:4000", 2);
    fresh.add(Client::new(config));
    fresh.receive(&posted, &mut refused, &mut |_, _| {}).unwrap();
    assert_eq!(String::from_utf8(refused).unwrap().matches("SIP/2.0 487").count(), 1);
}

#[test]
fn the_status_of_answers_can_be_chosen() {
    let mut world = World::new(1, SignIn::DIRECT);
    world.open_all();
    world.join_all();
    world.server.seen.clear();
    world.mux.client(0).answer_with(487);
    world.mux.client(0).post(&room(0), 10, &mut world.to_server);
    let expect = ["Posted { post: PostId { client: 0, seq: 1 }, status: 200 }"];
    assert_eq!(world.settle(), own(&expect));
    assert_eq!(world.server.seen, ["INFO", "487"]);
}
