//! The history checker: was the contract kept? (`reliability.md` §1, lines 1 to 4)
//!
//! Whoever drives clients (simulator, load run, crash loop) tells it facts in the order in which
//! the clients learn them; [`Checker::finish`] is called at rest, when everything owed has arrived.
//! Work is linear in the facts; memory is a few words per post and per (room, session), never per
//! delivery, because a room's posts are totally ordered: where a session is, is one number.
//!
//! What it can and cannot see: it compares sessions with each other and with what their authors
//! were told. A post that was accepted but that nobody was in the room to see is only counted
//! ([`Report::unwitnessed`]) unless the whole history was read.

mod part;
mod report;
#[cfg(test)]
mod tests;
mod violation;

pub use part::Part;
pub use report::Report;
pub use violation::Violation;

use crate::payload::PostId;
use hashbrown::HashMap;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// A room in the caller's numbering.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RoomId(pub u32);

/// One dialog of one endpoint in the caller's numbering. A dialog opened anew is another session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SessionId(pub u64);

/// Violations kept in full; the rest is counted.
pub const VIOLATIONS_KEPT_MAX: usize = 100;

/// What the author was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Outcome {
    /// Nobody here posted it: another part of the run may have.
    Elsewhere,
    Pending,
    Accepted,
    Refused(u16),
    Unknown,
}

#[derive(Debug)]
struct PostState {
    room: RoomId,
    outcome: Outcome,
    /// Number of the fact that it was posted.
    posted_at: u64,
    /// Its number in the room, once somebody saw it.
    chat_id: Option<u64>,
}

/// Where a session is in a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Membership {
    Joined {
        /// Number of the fact that it joined.
        joined_at: u64,
        /// First and last number it was told.
        told: Option<(u64, u64)>,
    },
    Parted,
}

#[derive(Debug, Default)]
struct Room {
    /// Sessions that were ever in it and are not over. By room and in the order of their numbers,
    /// as a post comes to them: whoever goes through a large room goes through memory in order.
    members: BTreeMap<SessionId, Membership>,
    /// At most one number per post: a post that shows up under a second one is not entered.
    by_number: HashMap<u64, PostId>,
    accepted_highest: Option<u64>,
    /// The last number it had before anybody posted.
    before: u64,
    /// Histories that were read while at rest: the last number of each.
    read_to: Vec<Option<u64>>,
    /// Its history was read while at rest, and every number behind `before` was seen to its end.
    is_known_whole: bool,
}

/// See the module's text.
#[derive(Debug, Default)]
pub struct Checker {
    /// It sees a part of a run only, and judges no more than that allows.
    is_part: bool,
    /// Number of the last fact that time is measured by.
    clock: u64,
    deliveries: u64,
    posts: HashMap<PostId, PostState>,
    rooms: HashMap<RoomId, Room>,
    /// Rooms a session was ever in, so that its end needs no search.
    session_rooms: HashMap<SessionId, Vec<RoomId>>,
    violations: Vec<Violation>,
    counts: BTreeMap<&'static str, u64>,
}

impl Checker {
    /// Knows nothing yet.
    pub fn new() -> Checker {
        Checker::default()
    }

    /// Knows nothing yet, and sees one part of a run: some of the clients. Posts that it does not
    /// know may be those of other parts. At the end [`Checker::into_part`] hands over what must be
    /// judged together. Each part must say when things happen ([`Checker::at`]).
    pub fn of_part() -> Checker {
        Checker { is_part: true, ..Checker::default() }
    }

    /// The following happens at this time by a clock that all parts of the run share: nanoseconds
    /// from any start. Without it the order of telling is the time.
    pub fn at(&mut self, time_ns: u64) {
        self.clock = self.clock.max(time_ns);
    }

    /// The room has messages up to number `before` already, of which nothing else is told. Without
    /// this it is a new room.
    pub fn room_had(&mut self, room: RoomId, before: u64) {
        self.rooms.entry(room).or_default().before = before;
    }

    /// The reply that lets `session` into `room` came. Joining while joined changes nothing.
    pub fn session_joined(&mut self, session: SessionId, room: RoomId) {
        self.clock += 1;
        let fresh = Membership::Joined { joined_at: self.clock, told: None };
        match self.rooms.entry(room).or_default().members.entry(session) {
            Entry::Occupied(entry) if matches!(entry.get(), Membership::Joined { .. }) => {}
            Entry::Occupied(mut parted) => *parted.get_mut() = fresh,
            Entry::Vacant(entry) => {
                entry.insert(fresh);
                self.session_rooms.entry(session).or_default().push(room);
            }
        }
    }

    /// The reply that lets `session` out of `room` came: nothing more of that room may come.
    pub fn parted(&mut self, session: SessionId, room: RoomId) {
        if let Some(membership) = self.membership(session, room) {
            *membership = Membership::Parted;
        }
    }

    fn membership(&mut self, session: SessionId, room: RoomId) -> Option<&mut Membership> {
        self.rooms.get_mut(&room)?.members.get_mut(&session)
    }

    /// The session's dialog is over, however that came: nothing more is owed to it.
    pub fn session_ended(&mut self, session: SessionId) {
        for room in self.session_rooms.remove(&session).unwrap_or_default() {
            self.rooms.entry(room).or_default().members.remove(&session);
        }
    }

    /// Somebody sends a post to a room. Each post is told once.
    pub fn posted(&mut self, post: PostId, room: RoomId) {
        self.clock += 1;
        let posted_at = self.clock;
        let state = PostState { room, outcome: Outcome::Pending, posted_at, chat_id: None };
        let before = self.posts.insert(post, state);
        assert!(before.is_none(), "{post} was posted twice by the driver");
    }

    /// The author's INFO got its final answer.
    pub fn answered(&mut self, post: PostId, status: u16) {
        match status {
            200 => self.accepted(post),
            // What a server says that does not know what became of a request.
            408 | 500 | 504 => self.unknown(post),
            status => self.refused(post, status),
        }
    }

    /// The author got 200.
    pub fn accepted(&mut self, post: PostId) {
        let state = self.outcome(post, Outcome::Accepted);
        let (room, chat_id) = (state.room, state.chat_id);
        if let Some(chat_id) = chat_id {
            self.raise_accepted(room, chat_id);
        }
    }

    /// The author was told that the post failed, with this SIP status.
    pub fn refused(&mut self, post: PostId, status: u16) {
        let state = self.outcome(post, Outcome::Refused(status));
        if let Some(chat_id) = state.chat_id {
            self.violate(Violation::RefusedYetKept { post, status, chat_id });
        }
    }

    /// The author was told that the outcome is unknown, or lost its dialog before the answer.
    pub fn unknown(&mut self, post: PostId) {
        self.outcome(post, Outcome::Unknown);
    }

    fn outcome(&mut self, post: PostId, outcome: Outcome) -> &PostState {
        let state = self.posts.get_mut(&post).expect("an outcome belongs to a post told before");
        state.outcome = outcome;
        state
    }

    fn raise_accepted(&mut self, room: RoomId, chat_id: u64) {
        let room = self.rooms.entry(room).or_default();
        room.accepted_highest = room.accepted_highest.max(Some(chat_id));
    }

    /// `session` was shown message `chat_id` of `room`, whose text carries the mark `post`.
    pub fn delivered(
        &mut self,
        session: SessionId,
        room: RoomId,
        chat_id: u64,
        post: Option<PostId>,
    ) {
        self.deliveries += 1;
        match self.membership(session, room) {
            Some(Membership::Joined { told, .. }) => {
                let expected = told.map_or(chat_id, |(_, last)| last + 1);
                let first = told.map_or(chat_id, |(first, _)| first);
                // After a gap the session counts on from there: one gap is one violation.
                *told = Some((first, chat_id.max(expected.saturating_sub(1))));
                if chat_id > expected {
                    self.violate(Violation::Gap { room, session, expected, found: chat_id });
                } else if chat_id < expected {
                    self.violate(Violation::Repeated { room, session, expected, found: chat_id });
                }
            }
            other => {
                let has_parted = other.is_some();
                self.violate(Violation::NotJoined { room, session, chat_id, has_parted });
            }
        }
        self.see(room, chat_id, post, Some(session));
    }

    /// History of `room` was read, oldest first: numbers and marks.
    pub fn history_read(&mut self, room: RoomId, messages: &[(u64, Option<PostId>)]) {
        for (at, (chat_id, post)) in messages.iter().enumerate() {
            let previous = at.checked_sub(1).map(|at| messages[at].0);
            if let Some(previous) = previous.filter(|previous| previous + 1 != *chat_id) {
                self.violate(Violation::HistoryDisorder { room, previous, found: *chat_id });
            }
            self.see(room, *chat_id, *post, None);
        }
    }

    /// As [`Checker::history_read`], asked for when all outcomes were told: its end must be the
    /// room's last accepted post.
    pub fn history_read_at_rest(&mut self, room: RoomId, messages: &[(u64, Option<PostId>)]) {
        self.history_read(room, messages);
        let last = messages.last().map(|(chat_id, _)| *chat_id);
        match self.is_part {
            true => self.rooms.entry(room).or_default().read_to.push(last),
            false => self.judge_end(room, last),
        }
    }

    /// The history of a room at rest ends with number `last`.
    fn judge_end(&mut self, room: RoomId, last: Option<u64>) {
        let state = self.rooms.entry(room).or_default();
        // Each number stands for a post: nothing accepted can hide before the part that was read.
        let count = last.unwrap_or(0).saturating_sub(state.before);
        state.is_known_whole |= state.by_number.len() as u64 == count;
        let highest = state.accepted_highest;
        if let Some(highest) = highest.filter(|_| last < highest) {
            self.violate(Violation::HistoryShort { room, last, highest });
        }
    }

    /// Message `chat_id` of `room` is `post`, somebody says: does everybody say so?
    fn see(
        &mut self,
        room: RoomId,
        chat_id: u64,
        post: Option<PostId>,
        session: Option<SessionId>,
    ) {
        let known = self.rooms.entry(room).or_default().by_number.get(&chat_id).copied();
        if known.is_some() && known == post {
            return; // As nearly always: everybody but the first who sees a message.
        }
        if let Some(post) = post.filter(|_| self.is_part) {
            let posted_at = 0;
            let state = PostState { room, outcome: Outcome::Elsewhere, posted_at, chat_id: None };
            self.posts.entry(post).or_insert(state);
        }
        let violation = match (post, post.and_then(|post| self.posts.get(&post)), known) {
            (Some(post), Some(state), _) if state.room != room => {
                Violation::WrongRoom { post, posted_in: state.room, found_in: room }
            }
            (Some(second), Some(_), Some(first)) => {
                Violation::OrderDiffers { room, chat_id, first, second }
            }
            (Some(post), Some(&PostState { chat_id: Some(first), .. }), None) => {
                Violation::PostTwice { post, first, second: chat_id }
            }
            (Some(post), Some(_), None) => return self.see_first(room, chat_id, post),
            _ => Violation::Ghost { room, session, chat_id, post },
        };
        self.violate(violation);
    }

    fn see_first(&mut self, room: RoomId, chat_id: u64, post: PostId) {
        self.rooms.entry(room).or_default().by_number.insert(chat_id, post);
        let state = self.posts.get_mut(&post).expect("the caller found it");
        state.chat_id = Some(chat_id);
        match state.outcome {
            Outcome::Accepted => self.raise_accepted(room, chat_id),
            Outcome::Refused(status) => {
                self.violate(Violation::RefusedYetKept { post, status, chat_id });
            }
            Outcome::Elsewhere | Outcome::Pending | Outcome::Unknown => {}
        }
    }

    fn violate(&mut self, violation: Violation) {
        *self.counts.entry(violation.kind()).or_default() += 1;
        self.keep(violation);
    }

    fn keep(&mut self, violation: Violation) {
        if self.violations.len() < VIOLATIONS_KEPT_MAX {
            self.violations.push(violation);
        }
    }

    /// Violations found so far.
    pub fn violations(&self) -> &[Violation] {
        &self.violations
    }

    /// Facts of the kind that never stops: deliveries so far.
    pub fn deliveries(&self) -> u64 {
        self.deliveries
    }
}
