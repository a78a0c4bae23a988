//! What the clients were told, and whether it was right.
//!
//! Order, gaps, ghosts and acknowledged posts are judged by the load generator's own checker. What
//! it cannot see is judged here: the seam between history and live messages, rosters, refusals of
//! those who are joined, and texts to the last byte.

mod replies;
mod rest;
mod session;
mod silent;

pub use session::{Asked, Roles, Seat, Session};

use super::marks::Marks;
use super::plan::Plan;
use super::walls::Walls;
use super::world::DOMAIN;
use parlance_core::{Directory, Record};
use parlance_loadgen::history::Checker;
use parlance_loadgen::{ClientEvent, PostId, RoomId, SessionId};
use parlance_wire::xccos::{Guid, RoomRef, room_uri};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

#[derive(Debug, Default)]
struct Desk {
    uri: String,
    session: Option<Session>,
    /// Rooms the endpoint was ever in.
    ever: BTreeSet<usize>,
    /// When its link was last lost in the middle of a session.
    lost_at: Option<u64>,
}

#[derive(Debug)]
struct Posted {
    text: String,
    /// The author was in the room and had not asked to leave it.
    is_safe: bool,
    status: Option<u16>,
}

/// See the module's text.
#[derive(Debug)]
pub struct Ledger {
    checker: Checker,
    desks: Vec<Desk>,
    rooms: BTreeMap<String, usize>,
    /// Rooms whose roster was not shown the last time somebody joined.
    large: Vec<bool>,
    /// And when.
    asked: BTreeMap<(usize, u64), (u64, Asked)>,
    posts: BTreeMap<PostId, Posted>,
    /// What the log holds for good: room and number of each post.
    durable: BTreeMap<PostId, (usize, u64)>,
    /// Since when.
    durable_at: BTreeMap<PostId, u64>,
    /// Who may what, when.
    pub walls: Walls,
    /// Rights change during the run.
    has_walls: bool,
    sessions: u64,
    /// Everybody knows of everybody, always.
    rooms_stay_small: bool,
    grace_us: u64,
    history_max: usize,
    /// Messages that are no history, by room and number.
    silent: BTreeMap<(usize, u64), PostId>,
    /// Pages read so far of each room, at rest.
    pages: BTreeMap<usize, Vec<(u64, Option<PostId>)>>,
    /// Print what clients are told, for the replay of a seed.
    pub is_told: bool,
    /// Virtual time, for what is printed.
    pub now: u64,
    /// Sentences about what was wrong.
    pub violations: Vec<String>,
    /// Coverage.
    pub marks: Marks,
}

impl Ledger {
    /// For clients with these users, and rooms with these URIs.
    pub fn new(
        users: Vec<String>,
        rooms: Vec<String>,
        plan: &Plan,
        directory: Arc<Directory>,
    ) -> Ledger {
        let desk = |uri| Desk { uri, ..Desk::default() };
        Ledger {
            checker: Checker::new(),
            desks: users.into_iter().map(desk).collect(),
            large: vec![false; rooms.len()],
            rooms: rooms.into_iter().zip(0..).collect(),
            asked: BTreeMap::new(),
            posts: BTreeMap::new(),
            durable: BTreeMap::new(),
            durable_at: BTreeMap::new(),
            walls: Walls::new(directory.clone(), plan.publish_us + 1_000),
            has_walls: plan.walls_us > 0,
            sessions: 0,
            rooms_stay_small: plan.rooms_stay_small(),
            grace_us: plan.limits.rejoin_grace_ms * 1_000,
            history_max: plan
                .limits
                .history_max
                .min(usize::from(directory.configuration().default_chat_history)),
            silent: BTreeMap::new(),
            pages: BTreeMap::new(),
            is_told: false,
            now: 0,
            violations: Vec::new(),
            marks: Marks::default(),
        }
    }

    /// The client's session, while its dialog stands.
    pub fn session(&self, client: usize) -> Option<&Session> {
        self.desks[client].session.as_ref()
    }

    /// What the author of a post was told.
    pub fn status(&self, post: PostId) -> Option<u16> {
        self.posts.get(&post)?.status
    }

    /// Something is wrong.
    pub fn violate(&mut self, what: String) {
        if self.is_told {
            println!("{:>10}.{:03} WRONG: {what}", self.now / 1000, self.now % 1000);
        }
        self.violations.push(what);
    }

    /// A client sends a command.
    pub fn commanded(&mut self, client: usize, envid: u64, asked: Asked) {
        self.asked.insert((client, envid), (self.now, asked));
        self.decide(client, asked == Asked::Join);
        if let (Asked::Part(room), Some(session)) = (asked, &mut self.desks[client].session) {
            *session.parting.entry(room).or_default() += 1;
        }
    }

    /// A client asks for these rooms: from now on the server may know it to be in them.
    pub fn wants(&mut self, client: usize, rooms: &[usize]) {
        self.desks[client].ever.extend(rooms);
    }

    /// A client's first act in a dialog shows whether it believes to be in its rooms still.
    pub fn decide(&mut self, client: usize, is_join: bool) {
        let desk = &mut self.desks[client];
        if let Some(session) = desk.session.as_mut().filter(|session| !session.is_decided) {
            session.is_decided = true;
            if !is_join {
                session.maybe = desk.ever.clone();
            }
        }
    }

    /// A client will get so many replies that name no command of its own.
    pub fn expect_strays(&mut self, client: usize, count: u32) {
        if let Some(session) = self.desks[client].session.as_mut() {
            session.strays += count;
        }
    }

    /// A client sends a post.
    pub fn posting(&mut self, client: usize, post: PostId, room: usize, text: String) {
        self.decide(client, false);
        let session = self.desks[client].session.as_ref();
        let is_safe = session.is_some_and(|s| s.seats.contains_key(&room) && !s.is_parting(room));
        self.posts.insert(post, Posted { text, is_safe, status: None });
        self.checker.posted(post, RoomId(room as u32));
    }

    /// The log has a record for good.
    pub fn committed(&mut self, record: &Record) {
        let room = self.rooms.get(&room_uri(DOMAIN, record.room)).copied();
        let post = PostId::parse(&record.chat);
        let (Some(room), Some(post)) = (room, post) else {
            return self.violate(format!("a record that nobody posted: {record:?}"));
        };
        self.durable_at.insert(post, self.now);
        if !record.is_history {
            self.silent.insert((room, record.number), post);
            self.marks.hit("silent");
        }
        if self.durable.insert(post, (room, record.number)).is_some() {
            self.violate(format!("{post} is twice in the log"));
        }
    }

    /// The number behind the last page of a room that was read at rest; `None` when it was read to
    /// its end.
    pub fn page_end(&self, room: usize) -> Option<u64> {
        self.pages.get(&room)?.last().map(|(last, _)| last + 1)
    }

    /// What is wrong when a message is not in the log, or elsewhere.
    fn unlike_log(&self, room: usize, number: u64, post: Option<PostId>) -> Option<String> {
        let kept = post.and_then(|post| self.durable.get(&post));
        let is_same = kept == Some(&(room, number));
        (!is_same).then(|| format!("message {number} is {kept:?} in the log"))
    }

    /// A client was told something.
    pub fn on_event(&mut self, client: usize, event: &ClientEvent<'_>) {
        if self.is_told {
            let (ms, us) = (self.now / 1000, self.now % 1000);
            println!("{ms:>10}.{us:03} client {client} <- {:.300}", format!("{event:?}"));
        }
        match event {
            ClientEvent::Opened { session_expires_s } => {
                if session_expires_s.is_none() {
                    self.violate("a 200 without Session-Expires".to_owned());
                }
                self.opened(client);
            }
            ClientEvent::OpenFailed { status } => self.marks.hit(&format!("open_failed_{status}")),
            ClientEvent::CommandRefused { status, envid } => {
                self.asked.remove(&(client, *envid));
                self.marks.hit(&format!("command_{status}"));
                if !matches!(status, 481 | 503) {
                    self.violate(format!("client {client}: command refused with {status}"));
                }
            }
            ClientEvent::Replied { envid, name, code, reply } => {
                self.replied(client, *envid, name, *code, reply);
            }
            ClientEvent::Posted { post, status } => self.posted(*post, *status),
            ClientEvent::Unanswered { post } => self.checker.unknown(*post),
            ClientEvent::Delivered { room_uri, chat_id, author, text, post } => {
                self.delivered(client, room_uri, *chat_id, author, text, *post);
            }
            ClientEvent::Noticed { notice } => self.noticed(client, notice),
            ClientEvent::Closed { .. } | ClientEvent::Gone { .. } => self.ended(client, event),
            ClientEvent::Unreadable { what } => {
                self.violate(format!("client {client}: unreadable: {what}"));
            }
            // Links of the simulator read all that comes.
            ClientEvent::Counted { .. } => unreachable!("a link that does not count"),
            ClientEvent::Updated { .. }
            | ClientEvent::Joined { .. }
            | ClientEvent::JoinFailed { .. }
            | ClientEvent::Parted { .. }
            | ClientEvent::History { .. }
            | ClientEvent::Found { .. } => {}
        }
    }

    fn opened(&mut self, client: usize) {
        self.sessions += 1;
        self.desks[client].session = Some(Session::new(SessionId(self.sessions)));
    }

    fn ended(&mut self, client: usize, event: &ClientEvent<'_>) {
        if let ClientEvent::Gone { reason } = event {
            self.marks.hit(&format!("gone_{reason:?}"));
            self.desks[client].lost_at = Some(self.now);
        }
        if let Some(session) = self.desks[client].session.take() {
            self.checker.session_ended(session.id);
        }
        self.asked.retain(|(of, _), _| *of != client);
    }

    /// The server does not know the client's dialog any more, and the client does not know that:
    /// nothing is owed to it.
    pub fn forgotten(&mut self, client: usize) {
        if let Some(session) = self.session(client) {
            self.checker.session_ended(session.id);
            self.marks.hit("forgotten");
        }
    }

    fn posted(&mut self, post: PostId, status: u16) {
        self.marks.hit(&format!("post_{status}"));
        if let Some(posted) = self.posts.get_mut(&post) {
            posted.status = Some(status);
        }
        if status == 200 {
            if !self.durable.contains_key(&post) {
                self.violate(format!("{post} accepted before the log had it"));
            }
            return self.checker.accepted(post);
        }
        if status == 504 {
            return self.checker.unknown(post);
        }
        self.checker.refused(post, status);
        // Where rights change, somebody who is in may have lost the one to post.
        let is_safe = !self.has_walls && self.posts.get(&post).is_some_and(|posted| posted.is_safe);
        if !matches!(status, 403 | 413 | 481 | 503) || status == 403 && is_safe {
            self.violate(format!("{post} refused with {status}, joined: {is_safe}"));
        }
    }

    fn room(&mut self, uri: &str) -> Option<usize> {
        let room = self.rooms.get(uri).copied();
        if room.is_none() {
            self.violate(format!("a room that is none: {uri}"));
        }
        room
    }

    /// The seat that something of a room comes to: the server may have restored it silently.
    fn seat(&mut self, client: usize, room: usize) -> Option<(SessionId, &mut Seat)> {
        let desk = &mut self.desks[client];
        let session = desk.session.as_mut()?;
        if !session.seats.contains_key(&room) && session.maybe.remove(&room) {
            self.checker.session_joined(session.id, RoomId(room as u32));
            session.seats.insert(room, Seat::default());
            self.marks.hit("restored");
        }
        let id = session.id;
        session.seats.get_mut(&room).map(|seat| (id, seat))
    }

    fn delivered(
        &mut self,
        client: usize,
        room_uri: &str,
        chat_id: u64,
        author: &str,
        text: &str,
        post: Option<PostId>,
    ) {
        let Some(room) = self.room(room_uri) else { return };
        let sent = post.and_then(|post| self.posts.get(&post));
        if sent.is_none_or(|sent| sent.text != text) {
            self.violate(format!("message {chat_id} of room {room}: not what was posted: {text}"));
        }
        let is_small = self.rooms_stay_small;
        let Some(session) = self.session(client).map(|session| session.id) else {
            // The dialog is being closed, or the client crashed: it throws everything away.
            return;
        };
        let mut wrong: Vec<String> = self.unlike_log(room, chat_id, post).into_iter().collect();
        let released = post.and_then(|post| self.durable_at.get(&post).copied());
        if released.is_some_and(|at| self.is_denied(client, room_uri, at, at)) {
            wrong.push(format!("message {chat_id}, which the directory in force denied"));
        }
        // What history said last may have left out some that were no history.
        let next = self.seat(client, room).and_then(|(_, seat)| seat.next);
        let is_next = next.is_none_or(|next| (next..=self.heard(room, next)).contains(&chat_id));
        if let Some((_, seat)) = self.seat(client, room) {
            if !is_next {
                wrong.push(format!("message {chat_id}, expected {next:?}"));
            }
            seat.next = Some(chat_id + 1);
            if is_small && seat.known.as_ref().is_some_and(|known| !known.contains_key(author)) {
                wrong.push(format!("message {chat_id} of {author}, who is not in the roster"));
            }
        }
        self.complain(client, room, wrong);
        self.checker.delivered(session, RoomId(room as u32), chat_id, post);
    }

    /// Was the client's user denied the room all the time from one moment to another?
    pub(super) fn is_denied(&self, client: usize, room_uri: &str, from: u64, to: u64) -> bool {
        let room = RoomRef::parse(room_uri).and_then(|room| room.guid());
        let is_denied = |room: Guid| self.walls.is_denied(&self.desks[client].uri, room, from, to);
        self.has_walls && room.is_some_and(is_denied)
    }

    fn complain(&mut self, client: usize, room: usize, wrong: Vec<String>) {
        for what in wrong {
            self.violate(format!("client {client}, room {room}: {what}"));
        }
    }

    /// The verdict on everything: sentences about what was wrong.
    pub fn finish(mut self) -> (Vec<String>, Marks) {
        let report = std::mem::take(&mut self.checker).finish();
        self.marks.add("accepted", report.accepted);
        self.marks.add("refused", report.refused);
        self.marks.add("unknown", report.unknown);
        self.marks.add("deliveries", report.deliveries);
        self.violations.extend(report.violations.iter().map(ToString::to_string));
        (self.violations, self.marks)
    }
}
