//! One run seen by several checkers, each with some of its clients, and judged as one.
//!
//! What one session was told in which order each part judges by itself. What can only be seen
//! together goes over in a [`Part`]: which post has which number, which posts there were and what
//! became of them, and where each session was in the end: a few numbers per post and per (room,
//! session), never per delivery.

use super::{Checker, Membership, Outcome, PostState, RoomId, SessionId, Violation};
use crate::payload::PostId;
use serde::{Deserialize, Serialize};

/// What one part of a run saw, as far as it must be judged together with the others.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Part {
    deliveries: u64,
    posts: Vec<(PostId, RoomId, Outcome, u64)>,
    rooms: Vec<RoomPart>,
    seats: Vec<Seat>,
    violations: Vec<Violation>,
    counts: Vec<(String, u64)>,
}

#[derive(Debug, Serialize, Deserialize)]
struct RoomPart {
    room: RoomId,
    before: u64,
    read_to: Vec<Option<u64>>,
    seen: Vec<(u64, PostId)>,
}

/// A session that is in a room at rest.
#[derive(Debug, Serialize, Deserialize)]
struct Seat {
    session: SessionId,
    room: RoomId,
    joined_at: u64,
    told: Option<(u64, u64)>,
}

impl Part {
    /// Posts whose authors got 200.
    pub fn accepted(&self) -> impl Iterator<Item = PostId> {
        let accepted = self.posts.iter().filter(|post| post.2 == Outcome::Accepted);
        accepted.map(|(post, ..)| *post)
    }
}

impl Checker {
    /// Hands over what this checker [`of_part`](Checker::of_part) saw.
    pub fn into_part(self) -> Part {
        let ours = self.posts.iter().filter(|(_, state)| state.outcome != Outcome::Elsewhere);
        let posts = ours.map(|(id, state)| (*id, state.room, state.outcome, state.posted_at));
        let seats = self.memberships().filter_map(|(session, room, membership)| {
            let Membership::Joined { joined_at, told } = membership else { return None };
            Some(Seat { session, room, joined_at, told })
        });
        let (posts, seats) = (posts.collect(), seats.collect());
        let rooms = self.rooms.into_iter().map(|(room, state)| RoomPart {
            room,
            before: state.before,
            read_to: state.read_to,
            seen: state.by_number.into_iter().collect(),
        });
        Part {
            deliveries: self.deliveries,
            posts,
            rooms: rooms.collect(),
            seats,
            violations: self.violations,
            counts: self.counts.into_iter().map(|(kind, n)| (kind.to_owned(), n)).collect(),
        }
    }

    /// A checker that knows what all parts of a run know; [`Checker::finish`] judges it. Sessions
    /// and posts of different parts are different ones.
    pub fn of_parts(mut parts: Vec<Part>) -> Checker {
        let mut whole = Checker::new();
        // All posts before all that was seen: who saw a message of another part must find its post.
        for part in &mut parts {
            whole.take_facts(part);
        }
        for room in parts.iter_mut().flat_map(|part| &mut part.rooms) {
            // In one order, so that the report of one run is the same each time.
            room.seen.sort_unstable();
            for (chat_id, post) in &room.seen {
                whole.see(room.room, *chat_id, Some(*post), None);
            }
        }
        for room in parts.iter().flat_map(|part| &part.rooms) {
            room.read_to.iter().for_each(|last| whole.judge_end(room.room, *last));
        }
        whole
    }

    fn take_facts(&mut self, part: &mut Part) {
        self.deliveries += part.deliveries;
        for (id, room, outcome, posted_at) in part.posts.drain(..) {
            let state = PostState { room, outcome, posted_at, chat_id: None };
            let before = self.posts.insert(id, state);
            assert!(before.is_none(), "{id} was posted by two parts");
        }
        for Seat { session, room, joined_at, told } in part.seats.drain(..) {
            let state = self.rooms.entry(room).or_default();
            state.members.insert(session, Membership::Joined { joined_at, told });
            self.session_rooms.entry(session).or_default().push(room);
        }
        for room in &part.rooms {
            let state = self.rooms.entry(room.room).or_default();
            state.before = state.before.max(room.before);
        }
        part.violations.drain(..).for_each(|violation| self.keep(violation));
        for (kind, count) in part.counts.drain(..) {
            let known = Violation::KINDS.iter().find(|known| **known == kind);
            *self.counts.entry(known.copied().unwrap_or("other")).or_default() += count;
        }
    }
}
