//! One user: a thread, a link, a dialog.

use crate::server::{DOMAIN, Room};
use parlance_loadgen::history::Checker;
use parlance_loadgen::{Client, ClientConfig, ClientEvent, RoomId, SessionId};
use parlance_wire::limits::XCCOS_REPLY_BYTES_MAX;
use parlance_wire::sip::{Frame, Framer};
use parlance_wire::xccos::{Notice, RoomRef};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex};
use std::time::{Duration, Instant};

/// A user looks up from its link so often.
const TICK: Duration = Duration::from_millis(20);
/// Pause between two tries to get into a room.
const JOIN_PAUSE: Duration = Duration::from_millis(300);
/// Nobody waits for longer than this for the answer to its last message.
const ANSWER_PATIENCE: Duration = Duration::from_secs(10);
/// Nobody waits for longer than this until all are in.
const JOIN_PATIENCE: Duration = Duration::from_secs(60);

/// What all users share.
#[derive(Debug)]
pub struct Shared {
    checker: Mutex<Checker>,
    rooms: Vec<Room>,
    post_pause: Duration,
    is_over: AtomicBool,
    sessions: AtomicU64,
    joined: Mutex<usize>,
    has_joined: Condvar,
    posting: AtomicUsize,
}

impl Shared {
    /// For users of these rooms.
    pub fn new(checker: Checker, rooms: Vec<Room>, post_pause: Duration) -> Shared {
        Shared {
            checker: Mutex::new(checker),
            rooms,
            post_pause,
            is_over: AtomicBool::new(false),
            sessions: AtomicU64::new(0),
            joined: Mutex::new(0),
            has_joined: Condvar::new(),
            posting: AtomicUsize::new(0),
        }
    }

    /// Waits for so many joins.
    ///
    /// # Panics
    /// If they do not come.
    pub fn await_joined(&self, count: usize) {
        let joined = self.joined.lock().expect("no user panics");
        let waited = self.has_joined.wait_timeout_while(joined, JOIN_PATIENCE, |n| *n < count);
        let (joined, timeout) = waited.expect("no user panics");
        assert!(!timeout.timed_out(), "{} of {count} joins", *joined);
    }

    /// Tells the users to end.
    pub fn stop(&self) {
        self.is_over.store(true, Ordering::SeqCst);
    }

    /// The checker, for its verdict.
    pub fn into_checker(self) -> Checker {
        self.checker.into_inner().expect("no user panics")
    }

    fn checker(&self, use_it: impl FnOnce(&mut Checker)) {
        use_it(&mut self.checker.lock().expect("no user panics"));
    }
}

/// What a user heard.
#[derive(Debug, Default)]
pub struct Heard {
    /// Room and moment of each message.
    pub deliveries: Vec<(usize, Instant)>,
    /// Messages of its own that were accepted.
    pub accepted: u64,
    /// Joins that were refused.
    pub joins_refused: u64,
    /// What was wrong.
    pub violations: Vec<String>,
}

/// See the module's text.
#[derive(Debug)]
pub struct User {
    shared: std::sync::Arc<Shared>,
    client: Client,
    stream: TcpStream,
    framer: Framer,
    unread: Vec<u8>,
    state: State,
}

#[derive(Debug, Default)]
struct State {
    session: Option<SessionId>,
    /// Rooms it is in.
    seats: BTreeSet<usize>,
    /// Joins under way: their room and when they were sent.
    joins: BTreeMap<u64, usize>,
    tried: BTreeMap<usize, Instant>,
    heard: Heard,
}

impl User {
    /// Connects.
    ///
    /// # Panics
    /// If it cannot.
    pub fn new(number: usize, sip: SocketAddr, shared: std::sync::Arc<Shared>) -> User {
        let stream = TcpStream::connect(sip).expect("the server accepts links");
        stream.set_nodelay(true).expect("a socket option");
        stream.set_read_timeout(Some(TICK)).expect("a socket option");
        let sent_by = stream.local_addr().expect("a connected socket").to_string();
        let config = ClientConfig::numbered(number as u32, DOMAIN, &sent_by, 1);
        User {
            shared,
            client: Client::new(config),
            stream,
            framer: Framer::with_body_bytes_max(XCCOS_REPLY_BYTES_MAX),
            unread: Vec::new(),
            state: State::default(),
        }
    }

    /// Chats until it is told to end.
    pub fn run(mut self) -> Heard {
        let shared = self.shared.clone();
        let number = self.client.config().number;
        // Users do not post in step.
        let mut next_post = Instant::now() + shared.post_pause * (number % 97) / 97;
        while !shared.is_over.load(Ordering::SeqCst) {
            let mut out = Vec::new();
            if self.client.is_idle() {
                self.state =
                    State { heard: std::mem::take(&mut self.state.heard), ..State::default() };
                self.client.open(&mut out);
            } else if self.client.is_open() && self.state.session.is_some() {
                self.join_missing(&mut out);
                if Instant::now() >= next_post {
                    next_post += shared.post_pause;
                    self.post(&mut out);
                }
            }
            self.send(&out);
            self.receive();
        }
        // What was posted last is answered still.
        let end = Instant::now() + ANSWER_PATIENCE;
        while self.client.unanswered() > 0 && Instant::now() < end {
            self.receive();
        }
        if let Some(session) = self.state.session {
            shared.checker(|checker| checker.session_ended(session));
        }
        self.state.heard
    }

    fn join_missing(&mut self, out: &mut Vec<u8>) {
        for room in 0..self.shared.rooms.len() {
            let is_due =
                self.state.tried.get(&room).is_none_or(|tried| tried.elapsed() > JOIN_PAUSE);
            let is_under_way = self.state.joins.values().any(|joining| *joining == room);
            if is_due && !is_under_way && !self.state.seats.contains(&room) {
                self.state.tried.insert(room, Instant::now());
                let reference = RoomRef::parse(&self.shared.rooms[room].uri()).expect("a room");
                let envid = self.client.join(&[reference], out);
                self.state.joins.insert(envid, room);
            }
        }
    }

    fn post(&mut self, out: &mut Vec<u8>) {
        let turn = self.shared.posting.fetch_add(1, Ordering::Relaxed);
        let seats = &self.state.seats;
        let Some(room) = seats.iter().nth(turn % seats.len().max(1)).copied() else { return };
        let reference = RoomRef::parse(&self.shared.rooms[room].uri()).expect("a room");
        let mut message = Vec::new();
        let post = self.client.post(&reference, 40, &mut message);
        self.shared.checker(|checker| checker.posted(post, RoomId(room as u32)));
        out.extend_from_slice(&message);
    }

    fn send(&mut self, out: &[u8]) {
        if let Err(error) = self.stream.write_all(out) {
            self.state.heard.violations.push(format!("cannot send: {error}"));
        }
    }

    fn receive(&mut self) {
        let mut buffer = [0; 16 * 1024];
        match self.stream.read(&mut buffer) {
            Ok(0) => return self.state.heard.violations.push("the link was closed".to_owned()),
            Ok(count) => self.unread.extend_from_slice(&buffer[..count]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(error) => return self.state.heard.violations.push(format!("{error}")),
        }
        let mut at = 0;
        let mut out = Vec::new();
        while let Some(frame) =
            self.framer.next(&self.unread[at..]).expect("the server frames its messages")
        {
            match frame {
                Frame::KeepAlive { len } => at += len,
                Frame::Message { head_len, len } => {
                    let (state, shared) = (&mut self.state, &*self.shared);
                    let uri = self.client.config().user_uri();
                    let bytes = &self.unread[at..at + len];
                    self.client.handle_bytes(bytes, head_len, &mut out, &mut |event| {
                        state.on_event(shared, &uri, &event);
                    });
                    at += len;
                }
            }
        }
        self.unread.drain(..at);
        self.send(&out);
    }
}

impl State {
    fn on_event(&mut self, shared: &Shared, uri: &str, event: &ClientEvent<'_>) {
        match event {
            ClientEvent::Opened { .. } => {
                self.session = Some(SessionId(shared.sessions.fetch_add(1, Ordering::Relaxed) + 1));
            }
            ClientEvent::Replied { envid: Some(envid), name: "join" | "bjoin", code, .. } => {
                let was_asked = self.joins.remove(envid).is_some();
                self.heard.joins_refused += u64::from(was_asked && *code != 200);
            }
            ClientEvent::JoinFailed { .. } => self.heard.joins_refused += 1,
            ClientEvent::Joined { room, .. } => self.joined(shared, &room.uri),
            ClientEvent::Delivered { room_uri, chat_id, post, .. } => {
                let Some(room) = room_of(shared, room_uri) else { return };
                self.heard.deliveries.push((room, Instant::now()));
                if let Some(session) = self.session {
                    let id = RoomId(room as u32);
                    shared.checker(|checker| checker.delivered(session, id, *chat_id, *post));
                }
            }
            ClientEvent::Noticed { notice: Notice::Part { room_uri, users } }
                if *users == [uri] =>
            {
                self.left(shared, room_uri);
            }
            ClientEvent::Posted { post, status } => {
                shared.checker(|checker| match status {
                    200 => checker.accepted(*post),
                    504 => checker.unknown(*post),
                    _ => checker.refused(*post, *status),
                });
                self.heard.accepted += u64::from(*status == 200);
            }
            ClientEvent::Unanswered { post } => shared.checker(|checker| checker.unknown(*post)),
            ClientEvent::Gone { .. } | ClientEvent::Closed { .. } => {
                if let Some(session) = self.session.take() {
                    shared.checker(|checker| checker.session_ended(session));
                }
            }
            ClientEvent::Unreadable { what } => self.heard.violations.push(what.to_string()),
            _ => {}
        }
    }

    fn joined(&mut self, shared: &Shared, uri: &str) {
        let (Some(room), Some(session)) = (room_of(shared, uri), self.session) else { return };
        shared.checker(|checker| checker.session_joined(session, RoomId(room as u32)));
        if self.seats.insert(room) {
            *shared.joined.lock().expect("no user panics") += 1;
            shared.has_joined.notify_all();
        }
    }

    /// The server took the user out.
    fn left(&mut self, shared: &Shared, uri: &str) {
        let (Some(room), Some(session)) = (room_of(shared, uri), self.session) else { return };
        shared.checker(|checker| checker.parted(session, RoomId(room as u32)));
        self.seats.remove(&room);
    }
}

fn room_of(shared: &Shared, uri: &str) -> Option<usize> {
    shared.rooms.iter().position(|room| room.uri() == uri)
}
