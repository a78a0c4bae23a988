//! What a session is owed and has not got: replies in the order of its commands, and items of rooms
//! it is behind with.
//!
//! A command keeps a place in the backlog while its question is open. So replies never overtake
//! each other, whatever owners they come from: a client that joins, leaves and joins again sees
//! just that. A reply that speaks of a room says what is true at one position of the room's feed:
//! it goes out after the items before that position and before those behind it.

use super::Shard;
use super::feed::{Next, Subscriber};
use super::session::{End, Seat, Session};
use crate::mail::{AskKey, SessionKey};
use crate::outbox::Body;
use parlance_wire::xccos::Guid;

/// A reply that is not out yet.
#[derive(Debug)]
pub(super) struct Waiting {
    /// `None` while its question is open.
    body: Option<Body>,
    /// The question; `None` for a reply that needed none.
    ask: Option<AskKey>,
    /// It must follow the items of these rooms before these positions, and no others.
    after: Vec<(Guid, u64)>,
}

/// A room's items from a position on wait for the reply to a question, a join or one for history.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hold {
    pub(super) ask: AskKey,
    pub(super) room: Guid,
    pub(super) position: u64,
}

/// What a session that is behind gets next.
#[derive(Debug, Clone, Copy)]
enum Step {
    Item(Seat),
    Reply,
}

impl Session {
    /// Positions in a room's feed mean nothing any more once the seat in it is gone.
    pub(super) fn forget_positions(&mut self, room: Guid) {
        self.dialog.holds.retain(|hold| hold.room != room);
        for waiting in &mut self.dialog.backlog {
            waiting.after.retain(|(after, _)| *after != room);
        }
    }

    /// What is owed next is an answer of our own: the client is not the one who is slow.
    pub(super) fn waits_for_answer(&self) -> bool {
        self.dialog.backlog.front().is_some_and(|front| front.body.is_none())
    }

    /// Where a room's items must stop for a reply that comes first.
    fn barrier(&self, room: Guid) -> u64 {
        let after = self.dialog.backlog.iter().flat_map(|waiting| &waiting.after);
        let positions = after.filter(|(after, _)| *after == room).map(|(_, position)| *position);
        positions.min().unwrap_or(u64::MAX)
    }
}

impl Shard {
    /// Keeps the place of a reply that needs an answer first.
    pub(super) fn keep_place(&mut self, key: SessionKey, ask: AskKey) {
        let waiting = Waiting { body: None, ask: Some(ask), after: Vec::new() };
        self.sessions[key].dialog.backlog.push_back(waiting);
    }

    /// Sends a reply that needs no answer of anybody, or lets it wait for its turn.
    pub(super) fn reply(&mut self, key: SessionKey, body: Body) {
        let Some(session) = self.sessions.get_mut(key) else { return };
        session.dialog.backlog_bytes += body.len();
        session.dialog.backlog.push_back(Waiting {
            body: Some(body),
            ask: None,
            after: Vec::new(),
        });
        self.flush(key);
    }

    /// Sends what must not wait for the answers to earlier commands: they may say something newer.
    pub(super) fn tell_first(&mut self, key: SessionKey, body: Body) {
        let Some(session) = self.sessions.get_mut(key) else { return };
        session.dialog.backlog_bytes += body.len();
        let waiting = Waiting { body: Some(body), ask: None, after: Vec::new() };
        session.dialog.backlog.push_front(waiting);
        self.flush(key);
    }

    /// Puts replies, each with the positions it must follow, into the place kept for them.
    pub(super) fn fill_place(
        &mut self,
        key: SessionKey,
        ask: AskKey,
        replies: Vec<(Body, Vec<(Guid, u64)>)>,
    ) {
        let Some(session) = self.sessions.get_mut(key) else { return };
        let is_kept = |waiting: &Waiting| waiting.body.is_none() && waiting.ask == Some(ask);
        let at = session.dialog.backlog.iter().position(is_kept).expect("its place was kept");
        session.dialog.backlog.remove(at);
        if at == 0 && session.lagging_since.is_some() {
            // From now on it is the client's time.
            session.lagging_since = Some(self.now.instant);
        }
        for (n, (body, after)) in replies.into_iter().enumerate() {
            session.dialog.backlog_bytes += body.len();
            session
                .dialog
                .backlog
                .insert(at + n, Waiting { body: Some(body), ask: Some(ask), after });
        }
        self.flush(key);
    }

    /// Sends what has its turn now. What is left makes the session lagging, unless it waits for an
    /// answer: then live items go on, as far as no reply comes first, which its hold sees to.
    fn flush(&mut self, key: SessionKey) {
        while let Some(session) = self.sessions.get(key)
            && session.lagging_since.is_none()
            && session.dialog.backlog.front().is_some_and(|front| front.body.is_some())
        {
            if self.can_send(session) && matches!(self.next_step(key), Some(Step::Reply)) {
                self.send_waiting(key);
            } else {
                self.note_lagging(key);
            }
        }
        self.pump(key);
        let left = self.sessions.get(key).map_or(0, |session| session.dialog.backlog_bytes);
        if left > self.setup.limits.backlog_bytes_max {
            self.end_session(key, End::Dropped("backlog"));
        }
    }

    fn subscriber(&self, seat: Seat) -> &Subscriber {
        &self.feeds.table[seat.feed].subscribers[seat.at as usize]
    }

    /// Holds back what comes from now on in a room, until the reply to a join is out.
    pub(super) fn hold(&mut self, key: SessionKey, ask: AskKey, room: Guid) {
        let seat = self.sessions[key].seat(room).expect("the caller has seated it");
        let position = self.feeds.table[seat.feed].end();
        self.sessions[key].dialog.holds.push(Hold { ask, room, position });
        self.set_hold(key, seat);
    }

    /// The earliest of a room's holds counts.
    fn set_hold(&mut self, key: SessionKey, seat: Seat) {
        let holds = self.sessions[key].dialog.holds.iter().filter(|hold| hold.room == seat.room);
        let earliest = holds.map(|hold| hold.position).min().unwrap_or(u64::MAX);
        self.feeds.table[seat.feed].subscribers[seat.at as usize].hold = earliest;
    }

    /// A reply to a join that told of these rooms is out.
    fn release(&mut self, key: SessionKey, ask: AskKey, told: &[(Guid, u64)]) {
        for &(room, _) in told {
            let session = &mut self.sessions[key];
            session.dialog.holds.retain(|hold| (hold.ask, hold.room) != (ask, room));
            let Some(seat) = session.seat(room) else { continue };
            self.set_hold(key, seat);
            if self.subscriber(seat).next < self.feeds.table[seat.feed].end() {
                self.note_lagging(key);
            }
        }
    }

    /// Sends a lagging session what it is owed, in order, as far as window and link allow.
    pub(super) fn pump(&mut self, key: SessionKey) {
        while let Some(session) = self.sessions.get(key) {
            if session.lagging_since.is_none() {
                return;
            }
            if !self.can_send(session) {
                self.wait_for_link(key);
                return;
            }
            match self.next_step(key) {
                Some(Step::Item(seat)) => self.send_next(key, seat),
                Some(Step::Reply) => self.send_waiting(key),
                None => return self.note_caught_up(key),
            }
        }
    }

    /// The first reply, or an item that it must follow; while its answer is not there, items that
    /// no reply must come before.
    fn next_step(&mut self, key: SessionKey) -> Option<Step> {
        let session = &self.sessions[key];
        if let Some(front) = session.dialog.backlog.front().filter(|front| front.body.is_some()) {
            let missing = front.after.iter().find_map(|(room, position)| {
                let seat = session.seat(*room).expect("positions go with the seat");
                (self.subscriber(seat).next < *position).then_some(seat)
            });
            return Some(missing.map_or(Step::Reply, Step::Item));
        }
        self.seat_behind(key).map(Step::Item)
    }

    fn send_waiting(&mut self, key: SessionKey) {
        let session = &mut self.sessions[key];
        let front = session.dialog.backlog.pop_front().expect("looked at by the caller");
        let body = front.body.expect("looked at by the caller");
        session.dialog.backlog_bytes -= body.len();
        self.send(key, &body);
        if let Some(ask) = front.ask {
            self.release(key, ask, &front.after);
        }
    }

    /// Sends the next item of one seat; ends the session if it is no longer kept.
    fn send_next(&mut self, key: SessionKey, seat: Seat) {
        let feed = &mut self.feeds.table[seat.feed];
        let subscriber = &mut feed.subscribers[seat.at as usize];
        assert!(subscriber.next < subscriber.hold, "replies to earlier joins are out");
        let next = subscriber.next;
        match feed.at(next) {
            Next::Item(item) => {
                let item = item.clone();
                feed.subscribers[seat.at as usize].next += 1;
                self.send_item(key, &item);
            }
            Next::Gap => self.end_session(key, End::Dropped("gap")),
            Next::UpToDate => unreachable!("the seat was found behind"),
        }
    }

    /// A seat that is behind and may go on, fairly in turn.
    fn seat_behind(&mut self, key: SessionKey) -> Option<Seat> {
        let session = &self.sessions[key];
        let count = session.dialog.seats.len();
        let found =
            (0..count).map(|step| (session.dialog.seat_turn + step) % count).find(|turn| {
                let seat = session.dialog.seats[*turn];
                let subscriber = self.subscriber(seat);
                let end = self.feeds.table[seat.feed].end();
                subscriber.next < end.min(subscriber.hold).min(session.barrier(seat.room))
            })?;
        let session = &mut self.sessions[key];
        session.dialog.seat_turn = (found + 1) % count;
        Some(session.dialog.seats[found])
    }

    pub(super) fn note_caught_up(&mut self, key: SessionKey) {
        if self.sessions[key].lagging_since.take().is_some() {
            self.lagging -= 1;
        }
    }
}
