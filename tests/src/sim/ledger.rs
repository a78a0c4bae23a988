//! What the clients were told, and whether it was right.
//!
//! Order, gaps, ghosts and acknowledged posts are judged by the load generator's own checker. What
//! it cannot see is judged here: the seam between history and live messages, rosters, refusals of
//! those who are joined, and texts to the last byte.

use super::marks::Marks;
use super::plan::Plan;
use parlance_loadgen::history::Checker;
use parlance_loadgen::{ClientEvent, PostId, RoomId, SessionId};
use parlance_wire::xccos::{Notice, Participant, Reply, ReplyData, RoomInfo};
use std::collections::{BTreeMap, BTreeSet};

/// A room one session is in.
#[derive(Debug, Default)]
pub struct Seat {
    /// Number of the next message, once one was seen live or in history.
    pub next: Option<u64>,
    /// Users the client believes to be in the room. `None`: never told, as in a large room.
    pub known: Option<BTreeSet<String>>,
}

/// One dialog as its client sees it.
#[derive(Debug)]
pub struct Session {
    id: SessionId,
    /// Rooms it is in for certain.
    pub seats: BTreeMap<usize, Seat>,
    /// Rooms the server may have restored without a word.
    pub maybe: BTreeSet<usize>,
    /// `part` commands without reply, by room.
    parting: BTreeMap<usize, u32>,
    is_decided: bool,
    /// Replies to a document with many commands: only the first is recognised.
    strays: u32,
}

impl Session {
    /// Its number in the run.
    pub fn id(&self) -> SessionId {
        self.id
    }
}

/// What a command was about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// `join` or `bjoin`.
    Join,
    /// `part` of a room.
    Part(usize),
    /// `bccontext`: room, and how many messages; at rest when nothing is under way.
    History(usize, u32, bool),
    /// Something else.
    Other,
}

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
    asked: BTreeMap<(usize, u64), Asked>,
    posts: BTreeMap<PostId, Posted>,
    sessions: u64,
    /// Everybody knows of everybody, always.
    rooms_stay_small: bool,
    grace_us: u64,
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
    pub fn new(users: Vec<String>, rooms: Vec<String>, plan: &Plan) -> Ledger {
        let desk = |uri| Desk { uri, ..Desk::default() };
        Ledger {
            checker: Checker::new(),
            desks: users.into_iter().map(desk).collect(),
            large: vec![false; rooms.len()],
            rooms: rooms.into_iter().zip(0..).collect(),
            asked: BTreeMap::new(),
            posts: BTreeMap::new(),
            sessions: 0,
            rooms_stay_small: plan.rooms_stay_small(),
            grace_us: plan.limits.rejoin_grace_ms * 1_000,
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
        self.asked.insert((client, envid), asked);
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
        let is_safe = session.is_some_and(|s| {
            s.seats.contains_key(&room) && s.parting.get(&room).is_none_or(|count| *count == 0)
        });
        self.posts.insert(post, Posted { text, is_safe, status: None });
        self.checker.posted(post, RoomId(room as u32));
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
            ClientEvent::CommandRefused { status, .. } => {
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
            ClientEvent::Updated { .. }
            | ClientEvent::Joined { .. }
            | ClientEvent::JoinFailed { .. }
            | ClientEvent::Parted { .. }
            | ClientEvent::History { .. } => {}
        }
    }

    fn opened(&mut self, client: usize) {
        self.sessions += 1;
        self.desks[client].session = Some(Session {
            id: SessionId(self.sessions),
            seats: BTreeMap::new(),
            maybe: BTreeSet::new(),
            parting: BTreeMap::new(),
            is_decided: false,
            strays: 0,
        });
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

    fn posted(&mut self, post: PostId, status: u16) {
        self.marks.hit(&format!("post_{status}"));
        if let Some(posted) = self.posts.get_mut(&post) {
            posted.status = Some(status);
        }
        if status == 200 {
            return self.checker.accepted(post);
        }
        self.checker.refused(post, status);
        let is_safe = self.posts.get(&post).is_some_and(|posted| posted.is_safe);
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
        let mut wrong = Vec::new();
        if let Some((_, seat)) = self.seat(client, room) {
            if seat.next.is_some_and(|next| next != chat_id) {
                wrong.push(format!("message {chat_id}, expected {:?}", seat.next));
            }
            seat.next = Some(chat_id + 1);
            if is_small && seat.known.as_ref().is_some_and(|known| !known.contains(author)) {
                wrong.push(format!("message {chat_id} of {author}, who is not in the roster"));
            }
        }
        self.complain(client, room, wrong);
        self.checker.delivered(session, RoomId(room as u32), chat_id, post);
    }

    fn complain(&mut self, client: usize, room: usize, wrong: Vec<String>) {
        for what in wrong {
            self.violate(format!("client {client}, room {room}: {what}"));
        }
    }

    fn noticed(&mut self, client: usize, notice: &Notice) {
        let (uri, joins, parts) = match notice {
            Notice::Join { domain, room, users } => {
                let uris: Vec<&str> = users.iter().map(|user| user.uri.as_str()).collect();
                (parlance_wire::xccos::room_uri(domain, *room), uris, Vec::new())
            }
            Notice::Part { room_uri, users } => {
                (room_uri.clone(), Vec::new(), users.iter().map(String::as_str).collect())
            }
            Notice::Other { name } => return self.violate(format!("notice {name}")),
        };
        let Some(room) = self.room(&uri) else { return };
        let has_session = self.session(client).is_some();
        let mut wrong = Vec::new();
        match self.seat(client, room) {
            Some((_, Seat { known: Some(known), .. })) => {
                wrong.extend(joins.iter().filter(|u| !known.insert((**u).to_owned())));
                wrong.extend(parts.iter().filter(|u| !known.remove(**u)));
            }
            None if has_session => wrong.push("anybody: not in the room"),
            _ => {}
        }
        let wrong = wrong.into_iter().map(|user| format!("surprising notice of {user}")).collect();
        self.complain(client, room, wrong);
        self.marks.add("notice_join", joins.len() as u64);
        self.marks.add("notice_part", parts.len() as u64);
    }

    fn replied(&mut self, client: usize, envid: Option<u64>, name: &str, code: u16, reply: &Reply) {
        let asked = envid.and_then(|envid| self.asked.remove(&(client, envid)));
        let Some(asked) = asked else {
            if let Some(session) = self.desks[client].session.as_mut().filter(|s| s.strays > 0) {
                session.strays -= 1;
                return;
            }
            return self.violate(format!("client {client}: rpl:{name} to nothing"));
        };
        self.marks.hit(&format!("reply_{name}_{code}"));
        if let (Asked::Part(room), Some(session)) = (asked, &mut self.desks[client].session) {
            *session.parting.entry(room).or_default() -= 1;
        }
        match &reply.data {
            ReplyData::Joined { users, rooms, .. } if code == 200 => {
                rooms.iter().for_each(|(room, who)| self.joined(client, room, users, who));
            }
            ReplyData::Parted { room_uri } if code == 200 => {
                let Some(room) = self.room(room_uri) else { return };
                let Some(session) = self.desks[client].session.as_mut() else { return };
                session.seats.remove(&room);
                session.maybe.remove(&room);
                self.checker.parted(session.id, RoomId(room as u32));
            }
            ReplyData::History { .. } if code == 200 => self.history(client, asked, reply),
            _ => {}
        }
    }

    fn joined(&mut self, client: usize, room: &RoomInfo, users: &[Participant], who: &[u32]) {
        let Some(room) = self.room(&room.uri) else { return };
        let known: BTreeSet<String> =
            who.iter().map(|index| users[*index as usize].uri.clone()).collect();
        self.note_joined(client, room, known.is_empty());
        let desk = &mut self.desks[client];
        let Some(session) = desk.session.as_mut() else { return };
        session.maybe.remove(&room);
        self.checker.session_joined(session.id, RoomId(room as u32));
        let seat = session.seats.entry(room).or_default();
        let has_self = known.contains(&desk.uri);
        seat.known = (!known.is_empty()).then_some(known);
        if seat.known.is_some() && !has_self {
            self.violate(format!("client {client} is not in the roster of room {room}"));
        }
    }

    /// Coverage of the roster's ways.
    fn note_joined(&mut self, client: usize, room: usize, is_large: bool) {
        self.marks.hit(if is_large { "joined_large" } else { "joined" });
        if std::mem::replace(&mut self.large[room], is_large) != is_large {
            self.marks.hit(if is_large { "became_large" } else { "became_small" });
        }
        let desk = &self.desks[client];
        let is_back = desk.lost_at.is_some_and(|at| self.now < at + self.grace_us);
        let is_still_known = self.desks.iter().any(|other| {
            let seat = other.session.as_ref().and_then(|session| session.seats.get(&room));
            let known = seat.and_then(|seat| seat.known.as_ref());
            other.uri != desk.uri && known.is_some_and(|known| known.contains(&desk.uri))
        });
        if is_back && is_still_known {
            self.marks.hit("back_within_grace");
        }
    }

    fn history(&mut self, client: usize, asked: Asked, reply: &Reply) {
        let ReplyData::History { room_uri, messages } = &reply.data else { return };
        let Asked::History(room, count, is_at_rest) = asked else {
            return self.violate("history that nobody asked for".to_owned());
        };
        let mut wrong = Vec::new();
        if self.room(room_uri) != Some(room) || messages.len() > count as usize {
            wrong.push(format!("{} messages of {count}, {room_uri}", messages.len()));
        }
        if messages.windows(2).any(|pair| pair[0].ts > pair[1].ts) {
            wrong.push("times in history go back".to_owned());
        }
        let marks: Vec<_> = messages.iter().map(|m| (m.chat_id, PostId::parse(&m.chat))).collect();
        if is_at_rest {
            self.checker.history_read_at_rest(RoomId(room as u32), &marks);
        } else {
            self.checker.history_read(RoomId(room as u32), &marks);
        }
        let next = marks.last().map_or(1, |(last, _)| last + 1);
        // Who asked to leave gets nothing live any more, but what was asked before is answered.
        let session = self.desks[client].session.as_mut();
        let session = session.filter(|s| s.parting.get(&room).is_none_or(|count| *count == 0));
        let seat = session.and_then(|session| session.seats.get_mut(&room));
        if let Some(seat) = seat.filter(|_| count > 0) {
            if seat.next.is_some_and(|expected| expected != next) {
                wrong.push(format!("history up to {next}, live up to {:?}", seat.next));
            }
            seat.next = Some(next);
        }
        self.complain(client, room, wrong);
    }

    /// At rest: everybody in a room has been told everything of it, and knows who else is in.
    pub fn check_rest(&mut self, participants_max: usize) {
        for room in 0..self.rooms.len() {
            let seats = || {
                self.desks.iter().enumerate().filter_map(|(client, desk)| {
                    let seat = desk.session.as_ref()?.seats.get(&room)?;
                    Some((client, desk, seat))
                })
            };
            let newest = seats().filter_map(|(_, _, seat)| seat.next).max();
            let truth: BTreeSet<String> = seats().map(|(_, desk, _)| desk.uri.clone()).collect();
            let is_unsure = self.desks.iter().any(|desk| {
                desk.session.as_ref().is_some_and(|session| session.maybe.contains(&room))
            });
            let is_large = !self.rooms_stay_small && truth.len() >= participants_max;
            let mut wrong = Vec::new();
            for (client, _, seat) in seats() {
                if seat.next.is_some() && seat.next != newest {
                    wrong.push((client, format!("told up to {:?} of {newest:?}", seat.next)));
                }
                let known = seat.known.as_ref().filter(|_| !is_unsure && !is_large);
                if let Some(known) = known.filter(|known| **known != truth) {
                    wrong.push((client, format!("believes {known:?}, true is {truth:?}")));
                }
            }
            for (client, what) in wrong {
                self.violate(format!("client {client}, room {room}, at rest: {what}"));
            }
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
