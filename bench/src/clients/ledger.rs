//! What came and went: who has what, how late, and that nobody misses anything.

use super::cast::{Cast, Group, Latency};
use hdrhistogram::Histogram;
use parlance_loadgen::{ClientEvent, PostId};
use std::collections::VecDeque;
use std::time::Instant;

/// A post that somebody has not got.
#[derive(Debug)]
struct Open {
    stream: usize,
    due: Instant,
    left: u64,
}

/// Sums since the start.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tally {
    /// Pairs of session and room.
    pub joined: u64,
    /// Chat messages.
    pub deliveries: u64,
    /// Posts made.
    pub posts: u64,
    /// Posts answered with 200.
    pub accepted: u64,
    /// Reads that brought something.
    pub reads: u64,
    /// Bytes read.
    pub bytes_in: u64,
    /// Bytes of answers.
    pub bytes_out: u64,
}

/// See the module's text.
#[derive(Debug)]
pub struct Ledger {
    rooms: Vec<String>,
    /// Sessions of each group in each room.
    members: Vec<Vec<u64>>,
    /// Number of the last message that each session has, room after room.
    last: Vec<u64>,
    /// Posts that somebody has not got, and maybe some that everybody has; the first has the number
    /// `first`.
    open: VecDeque<Open>,
    first: u32,
    /// Deliveries each group has to get.
    owed: Vec<u64>,
    /// Lateness of deliveries, by group, microseconds.
    late_us: Vec<Histogram<u64>>,
    /// Of each stream, how long each post took until everybody had it, milliseconds.
    pub last_ms: Vec<Vec<f64>>,
    pub tally: Tally,
    /// The first thing that should not be.
    pub fault: Option<String>,
}

/// The longest time a histogram tells apart, microseconds; longer ones count as this.
const LATE_US_MAX: u64 = 600_000_000;

impl Ledger {
    /// Of nobody yet.
    pub fn new(cast: &Cast) -> Ledger {
        let of_group = |group: &Group| {
            let sessions = |room| if group.rooms.contains(&room) { group.sessions() } else { 0 };
            (0..cast.rooms.len()).map(sessions).collect()
        };
        let histogram = || Histogram::new_with_max(LATE_US_MAX, 3).expect("constants that fit");
        let sessions: u64 = cast.groups.iter().map(Group::sessions).sum();
        Ledger {
            rooms: cast.rooms.clone(),
            members: cast.groups.iter().map(of_group).collect(),
            last: vec![0; sessions as usize * cast.rooms.len()],
            open: VecDeque::new(),
            first: 1,
            owed: vec![0; cast.groups.len()],
            late_us: cast.groups.iter().map(|_| histogram()).collect(),
            last_ms: Vec::new(),
            tally: Tally::default(),
            fault: None,
        }
    }

    /// Begins anew with measuring, of so many streams.
    pub fn begin(&mut self, streams: usize) {
        self.last_ms = vec![Vec::new(); streams];
        self.late_us.iter_mut().for_each(Histogram::reset);
    }

    /// A post that is due now, or was at `due`; its number.
    pub fn post(&mut self, stream: usize, room: usize, due: Instant) -> PostId {
        let seq = self.first + self.open.len() as u32;
        let mut left = 0;
        for (owed, members) in self.owed.iter_mut().zip(&self.members) {
            *owed += members[room];
            left += members[room];
        }
        self.open.push_back(Open { stream, due, left });
        self.tally.posts += 1;
        PostId { client: 0, seq }
    }

    /// Nobody waits for this post.
    pub fn is_with_everybody(&self, post: PostId) -> bool {
        let place = post.seq.checked_sub(self.first);
        place.and_then(|place| self.open.get(place as usize)).is_none_or(|open| open.left == 0)
    }

    /// Deliveries this group has to get.
    pub fn owed(&self, group: usize) -> u64 {
        self.owed[group]
    }

    /// How late a group's deliveries were.
    pub fn latency(&self, group: usize) -> Latency {
        let late_us = &self.late_us[group];
        Latency {
            deliveries: late_us.len(),
            owed: self.owed[group],
            p50_us: late_us.value_at_quantile(0.5) as f64,
            p99_us: late_us.value_at_quantile(0.99) as f64,
            max_us: late_us.max() as f64,
        }
    }

    /// Notes an event of a session, of which the news came at `now`.
    pub fn note(&mut self, group: usize, session: usize, now: Instant, event: &ClientEvent<'_>) {
        match event {
            ClientEvent::Delivered { post: Some(post), room_uri, chat_id, .. } => {
                self.tally.deliveries += 1;
                self.delivered(group, session, now, *post, room_uri, *chat_id);
            }
            ClientEvent::Joined { .. } => self.tally.joined += 1,
            ClientEvent::Posted { status: 200, .. } => self.tally.accepted += 1,
            ClientEvent::Replied { code: 200, .. } | ClientEvent::Noticed { .. } => {}
            fault => self.fail(format!("session {session}: {fault:?}")),
        }
    }

    fn fail(&mut self, fault: String) {
        self.fault.get_or_insert(fault);
    }

    fn delivered(
        &mut self,
        group: usize,
        session: usize,
        now: Instant,
        post: PostId,
        room_uri: &str,
        chat_id: u64,
    ) {
        let Some(room) = self.rooms.iter().position(|uri| uri == room_uri) else {
            return self.fail(format!("session {session}: a message of {room_uri}"));
        };
        let last = &mut self.last[session * self.rooms.len() + room];
        let before = std::mem::replace(last, chat_id);
        // What is first is not known: others may have posted before the session came.
        if before != 0 && chat_id != before + 1 {
            self.fail(format!("session {session}: {chat_id} after {before} in {room_uri}"));
        }
        let place = post.seq.checked_sub(self.first);
        let open = place.and_then(|place| self.open.get_mut(place as usize));
        let Some(open) = open.filter(|open| open.left > 0 && self.owed[group] > 0) else {
            return self.fail(format!("session {session}: {post} came once more"));
        };
        open.left -= 1;
        self.owed[group] -= 1;
        let late = now.saturating_duration_since(open.due);
        self.late_us[group].saturating_record(late.as_micros() as u64);
        if open.left == 0 {
            let stream = self.last_ms.get_mut(open.stream);
            stream.into_iter().for_each(|times| times.push(late.as_secs_f64() * 1e3));
            while self.open.front().is_some_and(|open| open.left == 0) {
                self.open.pop_front();
                self.first += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ledger() -> Ledger {
        let group =
            |links| Group { links, sessions_per_link: 1, rooms: vec![0], ..Group::default() };
        Ledger::new(&Cast {
            server: ([127, 0, 0, 1], 1).into(),
            server_pid: 0,
            rooms: vec!["ma-chan://a/b".into()],
            groups: vec![group(1), group(2)],
            read_bytes: 1,
        })
    }

    fn deliver(ledger: &mut Ledger, group: usize, session: usize, post: PostId, chat_id: u64) {
        let (author, text, post) = ("sip:a@b", "", Some(post));
        let room_uri = "ma-chan://a/b";
        let event = ClientEvent::Delivered { room_uri, chat_id, author, text, post };
        ledger.note(group, session, Instant::now(), &event);
    }

    #[test]
    fn a_post_is_with_everybody_after_the_last_delivery() {
        let mut ledger = ledger();
        ledger.begin(1);
        let one = ledger.post(0, 0, Instant::now());
        let two = ledger.post(0, 0, Instant::now());
        for (group, session) in [(0, 0), (1, 1), (1, 2)] {
            assert!(!ledger.is_with_everybody(one));
            deliver(&mut ledger, group, session, one, 7);
        }
        assert!(ledger.is_with_everybody(one) && !ledger.is_with_everybody(two));
        assert_eq!((ledger.owed(0), ledger.owed(1), ledger.last_ms[0].len()), (1, 2, 1));
        assert_eq!(ledger.latency(1).deliveries, 2);
        assert_eq!(ledger.fault, None);
    }

    #[test]
    fn a_gap_and_a_repetition_are_faults() {
        for (chat_id, fault) in [(9, "9 after 7"), (7, "7 after 7"), (8, "p:0:1 came once more")] {
            let mut ledger = ledger();
            let post = ledger.post(0, 0, Instant::now());
            deliver(&mut ledger, 0, 0, post, 7);
            let post = if chat_id == 8 { post } else { ledger.post(0, 0, Instant::now()) };
            deliver(&mut ledger, 0, 0, post, chat_id);
            assert!(ledger.fault.as_ref().is_some_and(|f| f.contains(fault)), "{ledger:?}");
        }
    }
}
