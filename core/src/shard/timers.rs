//! What falls due when. One heap; entries are looked at again when they come up, so that a deadline
//! that moved back costs nothing.

use super::LinkId;
use crate::mail::SessionKey;
use crate::time::Instant;
use parlance_wire::xccos::Guid;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Something to look at. Whoever it names may be gone by then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Due {
    Link(LinkId),
    Session(SessionKey),
    /// Notices that have waited long enough for company.
    Notices(LinkId),
    Room(Guid),
    Posts,
    Drain,
}

/// At most one entry per link and session, a few per room, one per second and link for notices.
#[derive(Debug, Default)]
pub(super) struct Timers {
    heap: BinaryHeap<Reverse<(Instant, Due)>>,
}

impl Timers {
    pub(super) fn at(&mut self, when: Instant, due: Due) {
        self.heap.push(Reverse((when, due)));
    }

    pub(super) fn next(&self) -> Option<Instant> {
        self.heap.peek().map(|Reverse((when, _))| *when)
    }

    /// Takes the earliest entry that is due at `now`.
    pub(super) fn pop(&mut self, now: Instant) -> Option<Due> {
        if self.next()? > now {
            return None;
        }
        self.heap.pop().map(|Reverse((_, due))| due)
    }
}
