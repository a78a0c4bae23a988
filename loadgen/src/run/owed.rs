//! Which deliveries are to come: counted when a post is sent, one for everybody who is in its room
//! then, and no longer counted when it comes, when the post is not accepted, or when the session it
//! was to come to is over.

use super::plan::Plan;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::time::Instant;

/// A post on its way.
struct Flight {
    due: Instant,
    room: u32,
    is_answered: bool,
    /// Its number in the room, once somebody was told.
    chat_id: Option<u64>,
    /// Deliveries that are to come.
    missing: u32,
}

/// An endpoint's session in a room.
#[derive(Clone, Copy)]
struct Seat {
    /// Posts from this one on were sent when it was in the room already.
    since: u32,
    /// The highest number it was told.
    told: u64,
}

impl Seat {
    /// Is a delivery of this post counted that this seat has not had yet?
    fn awaits(&self, seq: u32, chat_id: Option<u64>) -> bool {
        seq >= self.since && chat_id.is_none_or(|chat_id| chat_id > self.told)
    }
}

#[derive(Default)]
struct Room {
    /// Who is in it, by endpoint: a post to a large room comes in about this order, and finds each
    /// next one in memory beside the one before.
    seats: BTreeMap<u32, Seat>,
    /// Posts of which deliveries may be to come, oldest first.
    open: VecDeque<u32>,
}

/// See the module's text.
pub struct Owed {
    plan: Rc<Plan>,
    rooms: Vec<Room>,
    flights: Vec<Flight>,
    seated: u64,
    outstanding: u64,
}

impl Owed {
    pub fn new(plan: Rc<Plan>) -> Owed {
        Owed {
            rooms: plan.rooms.iter().map(|_| Room::default()).collect(),
            flights: Vec::new(),
            seated: 0,
            outstanding: 0,
            plan,
        }
    }

    /// Deliveries that are to come, of all posts not refused.
    pub fn outstanding(&self) -> u64 {
        self.outstanding
    }

    /// Memberships that stand now.
    pub fn seated(&self) -> u64 {
        self.seated
    }

    /// The endpoint is in the room from here on; false when it was already or has no business
    /// there.
    pub fn sit(&mut self, endpoint: u32, room: u32) -> bool {
        if self.plan.rooms_of(endpoint).binary_search(&room).is_err() {
            return false;
        }
        let since = next_number(&self.flights);
        let Entry::Vacant(place) = self.rooms[room as usize].seats.entry(endpoint) else {
            return false;
        };
        place.insert(Seat { since, told: 0 });
        self.seated += 1;
        true
    }

    pub fn is_seated(&self, endpoint: u32, room: u32) -> bool {
        self.rooms[room as usize].seats.contains_key(&endpoint)
    }

    /// The endpoint is in all its rooms.
    pub fn is_in_all(&self, endpoint: u32) -> bool {
        self.plan.rooms_of(endpoint).iter().all(|room| self.is_seated(endpoint, *room))
    }

    /// Endpoints to which something is to come.
    pub fn behind(&self) -> Vec<u32> {
        let is_owed = |seat: &Seat, seq: u32| {
            let flight = &self.flights[seq as usize];
            flight.missing > 0 && seat.awaits(seq, flight.chat_id)
        };
        let is_behind = |endpoint: &u32| {
            self.plan.rooms_of(*endpoint).iter().any(|room| {
                let Room { seats, open } = &self.rooms[*room as usize];
                let seat = seats.get(endpoint);
                seat.is_some_and(|seat| open.iter().any(|seq| is_owed(seat, *seq)))
            })
        };
        (0..self.plan.endpoints).filter(is_behind).collect()
    }

    /// The endpoint's session is over: nothing more is owed to it.
    pub fn leave(&mut self, endpoint: u32) {
        for &room in self.plan.rooms_of(endpoint) {
            let Room { seats, open } = &mut self.rooms[room as usize];
            let Some(seat) = seats.remove(&endpoint) else { continue };
            self.seated -= 1;
            let first = open.partition_point(|seq| *seq < seat.since);
            for &seq in open.range(first..) {
                let flight = &mut self.flights[seq as usize];
                if flight.missing > 0 && seat.awaits(seq, flight.chat_id) {
                    flight.missing -= 1;
                    self.outstanding -= 1;
                }
            }
        }
    }

    /// A post is due, here or in another process; its number: they are told in the order in which
    /// they are due.
    pub fn post(&mut self, room: u32, due: Instant) -> u32 {
        let seq = next_number(&self.flights);
        let of_room = &mut self.rooms[room as usize];
        let missing = u32::try_from(of_room.seats.len()).expect("endpoints are counted in 32 bits");
        while of_room.open.front().is_some_and(|seq| self.flights[*seq as usize].missing == 0) {
            of_room.open.pop_front();
        }
        of_room.open.push_back(seq);
        self.flights.push(Flight { due, room, is_answered: false, chat_id: None, missing });
        self.outstanding += u64::from(missing);
        seq
    }

    /// The endpoint was shown the post as message `chat_id` of the room; when it was due. `None`
    /// for a post that was not sent to this room.
    pub fn delivered(
        &mut self,
        endpoint: u32,
        room: u32,
        chat_id: u64,
        seq: u32,
    ) -> Option<Instant> {
        let flight = self.flights.get_mut(seq as usize).filter(|flight| flight.room == room)?;
        flight.chat_id.get_or_insert(chat_id);
        if let Some(seat) = self.rooms[room as usize].seats.get_mut(&endpoint) {
            if flight.missing > 0 && seat.awaits(seq, Some(chat_id)) {
                flight.missing -= 1;
                self.outstanding -= 1;
            }
            seat.told = seat.told.max(chat_id);
        }
        Some(flight.due)
    }

    /// Posts of which deliveries are to come, and how many.
    pub fn missing(&self) -> Vec<(u32, u32)> {
        let missing = self.flights.iter().map(|flight| flight.missing).zip(0..);
        missing.filter(|(missing, _)| *missing > 0).map(|(missing, seq)| (seq, missing)).collect()
    }

    /// Has this post been noted?
    pub fn knows(&self, seq: u32) -> bool {
        (seq as usize) < self.flights.len()
    }

    /// The post's room, and when it was due.
    pub fn sent(&self, seq: u32) -> (u32, Instant) {
        let flight = &self.flights[seq as usize];
        (flight.room, flight.due)
    }

    /// The post has its answer, or will never have one; false when that was told before.
    pub fn answered(&mut self, seq: u32) -> bool {
        !std::mem::replace(&mut self.flights[seq as usize].is_answered, true)
    }

    /// Nobody owes the deliveries of a post that was not accepted.
    pub fn write_off(&mut self, seq: u32) {
        let missing = std::mem::take(&mut self.flights[seq as usize].missing);
        self.outstanding -= u64::from(missing);
    }
}

fn next_number(flights: &[Flight]) -> u32 {
    u32::try_from(flights.len()).expect("a run has fewer than 2^32 posts")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Cli;
    use clap::Parser;

    /// Three users in one room.
    fn owed() -> Owed {
        let words = ["loadgen", "--users", "3", "--rooms", "1", "--room-size", "3"];
        let plan = Plan::new(Cli::parse_from(words).run).expect("good arguments");
        let mut owed = Owed::new(Rc::new(plan));
        (0..3).for_each(|endpoint| assert!(owed.sit(endpoint, 0)));
        owed
    }

    #[test]
    fn what_comes_is_no_longer_owed() {
        let mut owed = owed();
        let seq = owed.post(0, Instant::now());
        assert_eq!(owed.outstanding(), 3);
        (0..3).for_each(|endpoint| assert!(owed.delivered(endpoint, 0, 1, seq).is_some()));
        owed.delivered(1, 0, 1, seq);
        assert_eq!(owed.outstanding(), 0);
        assert_eq!(owed.delivered(0, 0, 2, 77), None);
    }

    #[test]
    fn a_session_that_is_over_is_owed_nothing() {
        let mut owed = owed();
        let first = owed.post(0, Instant::now());
        let second = owed.post(0, Instant::now());
        // Endpoint 0 has had the first, of the second nobody knows the number yet.
        owed.delivered(0, 0, 1, first);
        assert_eq!(owed.outstanding(), 5);
        owed.leave(0);
        assert_eq!((owed.outstanding(), owed.seated()), (4, 2));
        owed.delivered(1, 0, 1, first);
        owed.leave(1);
        assert_eq!((owed.outstanding(), owed.seated()), (2, 1));
        assert_eq!(owed.behind(), [2]);
        owed.delivered(2, 0, 1, first);
        owed.delivered(2, 0, 2, second);
        assert_eq!(owed.outstanding(), 0);
        assert!(owed.behind().is_empty());
    }

    #[test]
    fn who_comes_back_is_owed_what_is_sent_from_then_on() {
        let mut owed = owed();
        let before = owed.post(0, Instant::now());
        owed.leave(0);
        assert!(!owed.is_in_all(0));
        assert!(owed.sit(0, 0) && owed.is_seated(0, 0) && owed.is_in_all(0));
        // Shown all the same, because the server numbered it behind the join: not counted.
        owed.delivered(0, 0, 1, before);
        assert_eq!(owed.outstanding(), 2);
        let after = owed.post(0, Instant::now());
        assert_eq!(owed.outstanding(), 5);
        owed.leave(0);
        assert_eq!(owed.outstanding(), 4);
        owed.write_off(before);
        owed.write_off(after);
        assert_eq!(owed.outstanding(), 0);
    }

    #[test]
    fn answers_count_once() {
        let mut owed = owed();
        let seq = owed.post(0, Instant::now());
        assert!(owed.answered(seq));
        assert!(!owed.answered(seq));
    }
}
