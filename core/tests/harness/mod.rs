//! Shards without a machine: bytes in, messages out, time by hand. For tests of single behaviours;
//! the simulator does the same at random and with faults.
#![allow(dead_code, clippy::unwrap_used)]

use parlance_core::archive::Fault;
use parlance_core::directory::Change;
use parlance_core::{
    Answer, Directory, Event, Input, Instant, Limits, LinkId, LinkInfo, MemoryArchive, MemoryLog,
    Now, Output, Query, QueryKey, RoomConfig, Setup, Shard, ShardId, Transport,
};
use parlance_wire::limits::XCCOS_REPLY_BYTES_MAX;
use parlance_wire::sip::message::{HeaderName, StartLine};
use parlance_wire::sip::{Frame, Framer, Message, Request, Response};
use parlance_wire::xccos::{
    self, Command, FromServer, Guid, Post, ResponseCode, RoomRef, Timestamp, room_uri,
};
use std::collections::HashMap;
use std::sync::Arc;

pub const DOMAIN: &str = "example.test";
pub const SERVICE: &str = "sip:ocschat@example.test";

/// A link of one of the shards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Wire {
    pub shard: usize,
    pub link: LinkId,
}

/// Shards, their logs and what came out of them.
pub struct World {
    pub shards: Vec<Shard>,
    logs: Vec<MemoryLog>,
    pub now: Now,
    received: HashMap<Wire, Vec<u8>>,
    pub closed: Vec<Wire>,
    pub events: Vec<Event>,
    /// Records wait for `commit` instead of being durable at once.
    pub hold_log: bool,
    /// What the shards ask when they ask the database.
    pub archive: MemoryArchive,
    /// Questions wait for `answer_queries` instead of being answered at once.
    pub hold_queries: bool,
    pub asked: Vec<(usize, QueryKey, Query)>,
    /// The one in force.
    pub directory: Arc<Directory>,
}

pub fn room(n: u64) -> Guid {
    Guid(0x5b0c_7a52_3d1e_4f7c_9a44_0000_0000_0000 + u128::from(n))
}

pub fn reference(n: u64) -> RoomRef {
    RoomRef::parse(&room_uri(DOMAIN, room(n))).unwrap()
}

impl World {
    pub fn new(shards: usize, limits: Limits) -> World {
        let rooms = (1..=8)
            .map(|n| RoomConfig {
                id: room(n),
                name: format!("Room {n}"),
                description: String::new(),
                managers: vec![format!("sip:boss@{DOMAIN}")],
            })
            .collect();
        let directory = Arc::new(Directory::new(DOMAIN, rooms).unwrap());
        let now = Now { instant: Instant(1_000_000), wall: Timestamp(17_000_000_000_000_000) };
        let make = |index: usize| {
            let setup = Setup {
                id: ShardId(index as u16),
                shards,
                directory: directory.clone(),
                limits: limits.clone(),
                seed: [index as u8 + 1; 32],
            };
            Shard::new(setup, now)
        };
        World {
            shards: (0..shards).map(make).collect(),
            logs: (0..shards).map(|_| MemoryLog::default()).collect(),
            now,
            received: HashMap::new(),
            closed: Vec::new(),
            events: Vec::new(),
            hold_log: false,
            archive: MemoryArchive::default(),
            hold_queries: false,
            asked: Vec::new(),
            directory,
        }
    }

    /// Puts changes of the directory in force, on all shards.
    pub fn administer(&mut self, changes: &[Change]) {
        let (next, touched) = self.directory.apply(changes).unwrap();
        let touched = Arc::new(touched);
        self.directory = Arc::new(next);
        for index in 0..self.shards.len() {
            let (directory, touched) = (self.directory.clone(), touched.clone());
            let input = Input::Directory { directory, touched };
            self.shards[index].handle(self.now, input);
        }
        self.run();
    }

    /// An administrator changed messages of a room in the database.
    pub fn revise(&mut self, n: u64, through: u64) {
        for shard in &mut self.shards {
            shard.handle(self.now, Input::Revised { room: room(n), through });
        }
        self.run();
    }

    pub fn link(&mut self, shard: usize) -> Wire {
        let info = LinkInfo {
            peer: "127.0.0.1:40000".parse().unwrap(),
            local: "127.0.0.1:5060".parse().unwrap(),
            transport: Transport::Tcp,
            is_front_end: false,
        };
        let link = self.shards[shard].link_up(self.now, info).unwrap();
        Wire { shard, link }
    }

    /// Hands bytes to a link and lets everything happen that follows.
    pub fn send(&mut self, wire: Wire, bytes: &[u8]) {
        let input = Input::Bytes { link: wire.link, bytes };
        self.shards[wire.shard].handle(self.now, input);
        self.run();
    }

    pub fn link_down(&mut self, wire: Wire) {
        self.shards[wire.shard].handle(self.now, Input::LinkDown { link: wire.link });
        self.run();
    }

    /// Lets time pass, timers included.
    pub fn advance(&mut self, ms: u64) {
        let end = self.now.instant.plus_ms(ms);
        while self.now.instant < end {
            let due = self.shards.iter().filter_map(Shard::poll_timeout).min().unwrap_or(end);
            let next = due.clamp(self.now.instant, end);
            let passed = next.0 - self.now.instant.0;
            self.now.wall.0 += passed as i64 * 10;
            self.now.instant = next;
            for index in 0..self.shards.len() {
                if self.shards[index].poll_timeout().is_some_and(|due| due <= next) {
                    self.shards[index].handle(self.now, Input::Timeout);
                }
            }
            self.run();
        }
    }

    /// Makes all waiting records durable.
    pub fn commit(&mut self) {
        for index in 0..self.shards.len() {
            if self.keep(index) {
                let ticket = self.logs[index].committed();
                self.shards[index].handle(self.now, Input::Committed { ticket });
            }
        }
        self.run();
    }

    /// Answers all open questions to the database, with a fault if one is given.
    pub fn answer_queries(&mut self, fault: Option<Fault>) {
        for (index, key, query) in std::mem::take(&mut self.asked) {
            let answer = match fault {
                Some(fault) => Answer::Failed(fault),
                None => self.archive.answer(query),
            };
            self.shards[index].handle(self.now, Input::Answered { key, answer });
        }
        self.run();
    }

    fn run(&mut self) {
        loop {
            let mut is_quiet = true;
            for index in 0..self.shards.len() {
                while let Some(output) = self.shards[index].poll_output() {
                    is_quiet = false;
                    self.carry_out(index, output);
                }
            }
            if is_quiet {
                return;
            }
        }
    }

    fn carry_out(&mut self, index: usize, output: Output) {
        match output {
            Output::Write { link } => {
                let shard = &mut self.shards[index];
                let into = self.received.entry(Wire { shard: index, link }).or_default();
                let before = into.len();
                shard.outgoing(link).for_each(|slice| into.extend_from_slice(slice));
                let written = into.len() - before;
                shard.handle(self.now, Input::Drained { link, written });
            }
            Output::Close { link, .. } => {
                self.closed.push(Wire { shard: index, link });
                self.shards[index].handle(self.now, Input::LinkDown { link });
            }
            Output::Mail { to, mail } => {
                let from = ShardId(index as u16);
                self.shards[to.0 as usize].handle(self.now, Input::Mail { from, mail });
            }
            Output::Append { record } => {
                self.logs[index].append(record);
                if !self.hold_log {
                    self.keep(index);
                    let ticket = self.logs[index].committed();
                    self.shards[index].handle(self.now, Input::Committed { ticket });
                }
            }
            Output::Ask { key, query } => {
                self.asked.push((index, key, query));
                if !self.hold_queries {
                    self.answer_queries(None);
                }
            }
            Output::Remember { endpoint } => self.archive.remember(endpoint),
            Output::Event(event) => self.events.push(event),
        }
    }

    /// Commits what waits in a shard's log. False when there was nothing.
    fn keep(&mut self, index: usize) -> bool {
        let records = self.logs[index].commit(usize::MAX);
        let is_something = !records.is_empty();
        records.into_iter().for_each(|record| self.archive.keep(record));
        is_something
    }

    /// Bytes that came out on a link since the last call.
    pub fn take(&mut self, wire: Wire) -> Vec<u8> {
        self.received.remove(&wire).unwrap_or_default()
    }
}

/// Cuts bytes into messages.
pub fn each_message(bytes: &[u8], mut each: impl FnMut(&Message<'_>)) {
    let mut framer = Framer::with_body_bytes_max(XCCOS_REPLY_BYTES_MAX);
    let mut at = 0;
    while at < bytes.len() {
        match framer.next(&bytes[at..]).unwrap() {
            Some(Frame::Message { head_len, len }) => {
                each(&Message::parse(&bytes[at..at + len], head_len).unwrap());
                at += len;
            }
            Some(Frame::KeepAlive { len }) => at += len,
            None => panic!("the server wrote half a message"),
        }
    }
}

/// What a client saw.
#[derive(Debug, Clone, PartialEq)]
pub enum Seen {
    /// A final answer to its request.
    Status { method: String, status: u16 },
    /// A document in an INFO.
    Document(FromServer),
}

/// One dialog, driven by hand.
#[derive(Debug)]
pub struct Client {
    pub wire: Wire,
    pub user: String,
    pub call_id: String,
    pub epid: String,
    pub to_tag: String,
    pub cseq: u32,
    envid: u64,
    /// Answers INFOs at once.
    pub answers: bool,
    pub held_answers: Vec<u8>,
}

impl Client {
    /// Opens a dialog and confirms it.
    pub fn open(world: &mut World, wire: Wire, user: &str) -> Client {
        let call_id = format!("call-{user}-{}", world.shards[wire.shard].counters().requests);
        let mut client = Client {
            wire,
            user: format!("sip:{user}@{DOMAIN}"),
            call_id,
            epid: format!("epid{user}"),
            to_tag: String::new(),
            cseq: 1,
            envid: 100,
            answers: true,
            held_answers: Vec::new(),
        };
        let mut out = Vec::new();
        client.request(&mut out, "INVITE", 1).empty();
        world.send(wire, &out);
        let bytes = world.take(wire);
        each_message(&bytes, |message| {
            assert_eq!(message.start(), StartLine::Response { status: 200, reason: "OK" });
            assert!(message.header(HeaderName::SessionExpires).is_some());
            client.to_tag = message.to().tag().unwrap().to_owned();
        });
        let mut out = Vec::new();
        client.request(&mut out, "ACK", 1).empty();
        world.send(wire, &out);
        client
    }

    pub fn request<'o>(&self, out: &'o mut Vec<u8>, method: &str, cseq: u32) -> Request<'o> {
        let to = match &*self.to_tag {
            "" => format!("<{SERVICE}>"),
            tag => format!("<{SERVICE}>;tag={tag}"),
        };
        Request::new(out, method, SERVICE)
            .header("Via", "SIP/2.0/TCP 127.0.0.1:40000")
            .header("From", format_args!("<{}>;tag=7;epid={}", self.user, self.epid))
            .header("To", to)
            .header("Max-Forwards", 70)
            .header("Call-ID", &self.call_id)
            .header("CSeq", format_args!("{cseq} {method}"))
            .header("Contact", format_args!("<{};opaque=user:epid:x;gruu>", self.user))
    }

    /// Sends a request with the next number.
    pub fn say(&mut self, world: &mut World, method: &str, body: &[u8]) {
        self.cseq += 1;
        let mut out = Vec::new();
        let request = self.request(&mut out, method, self.cseq);
        if body.is_empty() {
            request.empty()
        } else {
            request.body("text/plain", body)
        }
        world.send(self.wire, &out);
    }

    pub fn command(&mut self, world: &mut World, command: &Command) {
        self.envid += 1;
        let mut body = Vec::new();
        xccos::encode_command(&mut body, self.envid, command);
        self.say(world, "INFO", &body);
    }

    pub fn join(&mut self, world: &mut World, n: u64) {
        self.command(world, &Command::Join(reference(n)));
    }

    pub fn post(&mut self, world: &mut World, n: u64, chat: &str) {
        let request = self.post_request(n, chat);
        world.send(self.wire, &request);
    }

    /// The bytes of a post, for a test that hands them to the shard itself.
    pub fn post_request(&mut self, n: u64, chat: &str) -> Vec<u8> {
        self.envid += 1;
        let post = Post {
            room: reference(n),
            author: self.user.clone(),
            ts: None,
            alert: false,
            chat: chat.into(),
            rtf: None,
        };
        let mut body = Vec::new();
        xccos::encode_post(&mut body, self.envid, &post);
        self.cseq += 1;
        let mut out = Vec::new();
        self.request(&mut out, "INFO", self.cseq).body("text/plain", &body);
        out
    }

    /// Everything that came in since the last call; INFOs are answered (or the answers held).
    pub fn seen(&mut self, world: &mut World) -> Vec<Seen> {
        let mut seen = Vec::new();
        loop {
            let bytes = world.take(self.wire);
            if bytes.is_empty() {
                return seen;
            }
            let mut answers = Vec::new();
            each_message(&bytes, |message| match message.start() {
                StartLine::Request { .. } => {
                    seen.push(Seen::Document(xccos::decode_server(message.body()).unwrap()));
                    Response::to(message, &mut answers, 200, None).empty();
                }
                StartLine::Response { status, .. } => seen
                    .push(Seen::Status { method: message.cseq().method.as_str().into(), status }),
            });
            if self.answers {
                if !answers.is_empty() {
                    world.send(self.wire, &answers);
                }
            } else {
                self.held_answers.extend_from_slice(&answers);
            }
        }
    }

    /// Sends the answers held back.
    pub fn release(&mut self, world: &mut World) {
        self.answers = true;
        let answers = std::mem::take(&mut self.held_answers);
        world.send(self.wire, &answers);
    }

    /// Texts of the chat messages that came in.
    pub fn chats(&mut self, world: &mut World) -> Vec<String> {
        let seen = self.seen(world).into_iter();
        seen.filter_map(|seen| match seen {
            Seen::Document(FromServer::Delivery(delivery)) => Some(delivery.chat),
            _ => None,
        })
        .collect()
    }

    /// Statuses that came in.
    pub fn statuses(&mut self, world: &mut World) -> Vec<u16> {
        let seen = self.seen(world).into_iter();
        seen.filter_map(|seen| match seen {
            Seen::Status { status, .. } => Some(status),
            Seen::Document(_) => None,
        })
        .collect()
    }
}

/// The documents among what a client saw.
pub fn documents(seen: Vec<Seen>) -> Vec<FromServer> {
    seen.into_iter()
        .filter_map(|seen| match seen {
            Seen::Document(document) => Some(document),
            Seen::Status { .. } => None,
        })
        .collect()
}

/// A client on a link of its own.
pub fn client(world: &mut World, shard: usize, user: &str) -> Client {
    let wire = world.link(shard);
    Client::open(world, wire, user)
}

/// A client that is in room `n` and has seen the reply.
pub fn member(world: &mut World, shard: usize, user: &str, n: u64) -> Client {
    let mut client = client(world, shard, user);
    client.join(world, n);
    world.advance(3_000);
    let replies = documents(client.seen(world));
    assert!(matches!(&replies[..], [FromServer::Replies(r)] if r[0].code == ResponseCode::Success));
    client
}
