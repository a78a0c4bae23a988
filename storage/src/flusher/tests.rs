//! The flusher over a log and a store in memory, with faults.

use super::*;
use proptest::prelude::*;
use std::collections::BTreeSet;

const SETTINGS: Settings = Settings {
    rows_max: 8,
    linger_ms: 50,
    backoff_ms_min: 100,
    backoff_ms_max: 1_000,
    origin: LogPosition(0),
};

fn ms(ms: u64) -> Instant {
    Instant(ms * 1_000)
}

fn away() -> Error {
    Error::Unavailable("away".into())
}

/// A flusher whose store is empty, asked.
fn fresh(end: u64) -> Flusher {
    let mut flusher = Flusher::new(SETTINGS, 1, LogPosition(0), LogPosition(end));
    assert_eq!(flusher.poll(ms(0)), Step::AskCursor);
    flusher.cursor_read(ms(0), None);
    flusher
}

fn flush(from: u64, to: u64) -> Step {
    Step::Flush { from: LogPosition(from), to: LogPosition(to), rows_max: 8 }
}

#[test]
fn records_wait_for_company_but_not_for_long() {
    let mut flusher = fresh(0);
    assert_eq!(flusher.poll(ms(10)), Step::Wait(None));
    flusher.committed(ms(100), LogPosition(1));
    assert_eq!(flusher.poll(ms(100)), Step::Wait(Some(ms(150))));
    flusher.committed(ms(120), LogPosition(2));
    assert_eq!(flusher.poll(ms(149)), Step::Wait(Some(ms(150))));
    assert_eq!(flusher.poll(ms(150)), flush(0, 2));
    assert_eq!(flusher.lag_rows(), 2);
    flusher.flushed(LogPosition(2));
    assert_eq!((flusher.stored(), flusher.lag_rows()), (Some(LogPosition(2)), 0));
    assert_eq!(flusher.state(), State::Idle);
}

#[test]
fn a_full_batch_does_not_wait() {
    let mut flusher = fresh(0);
    flusher.committed(ms(100), LogPosition(20));
    assert_eq!(flusher.poll(ms(100)), flush(0, 20));
    flusher.flushed(LogPosition(8));
    assert_eq!(flusher.poll(ms(101)), flush(8, 20));
}

#[test]
fn what_came_during_a_slow_flush_goes_at_once() {
    let mut flusher = fresh(8);
    assert_eq!(flusher.poll(ms(100)), flush(0, 8));
    flusher.committed(ms(110), LogPosition(9));
    flusher.flushed(LogPosition(8));
    assert_eq!(flusher.poll(ms(300)), flush(8, 9));
}

#[test]
fn retries_come_later_and_later_and_spread() {
    let mut flusher = fresh(8);
    let mut now = ms(100);
    for longest in [100, 200, 400, 800, 1_000, 1_000] {
        let step = flusher.poll(now);
        assert!(matches!(step, Step::Flush { .. } | Step::AskCursor), "{step:?}");
        flusher.failed(now, away());
        let Step::Wait(Some(until)) = flusher.poll(now) else { panic!("must wait") };
        let wait = until.ms_since(now);
        assert!((longest / 2..=longest).contains(&wait), "{wait} of {longest}");
        assert_eq!(flusher.state(), State::Waiting(until));
        now = until;
    }
    assert_eq!(flusher.trouble(), Some(&away()));
    assert_eq!(flusher.failures(), 6);
    assert_eq!(flusher.poll(now), Step::AskCursor);
    flusher.cursor_read(now, Some(LogPosition(8)));
    assert_eq!(flusher.lag_rows(), 0, "the commit had happened");
}

#[test]
fn what_will_not_pass_is_tried_rarely() {
    let mut flusher = fresh(8);
    assert_eq!(flusher.poll(ms(100)), flush(0, 8));
    flusher.failed(ms(100), Error::Permanent("no right".into()));
    let Step::Wait(Some(until)) = flusher.poll(ms(100)) else { panic!("must wait") };
    assert!((500..=1_000).contains(&until.ms_since(ms(100))));
}

#[test]
fn a_log_of_another_database_is_refused() {
    let check = |start, end, cursor: Option<u64>, expected| {
        let mut flusher = Flusher::new(SETTINGS, 1, LogPosition(start), LogPosition(end));
        assert_eq!(flusher.poll(ms(0)), Step::AskCursor);
        flusher.cursor_read(ms(0), cursor.map(LogPosition));
        assert_eq!(flusher.poll(ms(0)), Step::Refuse(expected), "{start} {end} {cursor:?}");
    };
    let ahead = |cursor, end| Refusal::Ahead { cursor: LogPosition(cursor), end: LogPosition(end) };
    let hole =
        |cursor, start| Refusal::Hole { cursor: LogPosition(cursor), start: LogPosition(start) };
    check(0, 5, Some(6), ahead(6, 5));
    check(3, 5, Some(2), hole(2, 3));
    check(3, 5, None, hole(0, 3));
}

/// What the world does next.
#[derive(Debug, Clone)]
enum Event {
    /// The log commits records.
    Commit(u64),
    /// Time passes, in milliseconds.
    Pass(u64),
    /// The flusher gets a turn, and its step ends so.
    Turn(Outcome, usize),
    /// The server dies and starts again.
    Restart,
}

#[derive(Debug, Clone, Copy)]
enum Outcome {
    Done,
    /// Nothing was committed.
    Lost,
    /// Committed, and the answer got lost.
    Unknown,
    /// Refused for a reason that does not pass by itself.
    Refused,
}

fn event() -> impl Strategy<Value = Event> {
    let outcome = prop_oneof![
        3 => Just(Outcome::Done),
        1 => Just(Outcome::Lost),
        2 => Just(Outcome::Unknown),
        1 => Just(Outcome::Refused),
    ];
    prop_oneof![
        3 => (1_u64..20).prop_map(Event::Commit),
        3 => (1_u64..700).prop_map(Event::Pass),
        8 => (outcome, 1_usize..=8).prop_map(|(outcome, rows)| Event::Turn(outcome, rows)),
        1 => Just(Event::Restart),
    ]
}

/// A store that keeps the laws of [`crate::sql::Store::append`].
#[derive(Debug, Default)]
struct Model {
    rows: BTreeSet<u64>,
    cursor: Option<LogPosition>,
    repeated: usize,
}

impl Model {
    fn append(&mut self, from: u64, to: u64) {
        for row in from..to {
            self.repeated += usize::from(!self.rows.insert(row));
        }
        self.cursor = self.cursor.max(Some(LogPosition(to)));
        // No hole below the cursor, ever.
        assert_eq!(self.rows.len() as u64, self.cursor.unwrap_or_default().0);
    }
}

/// The log, the store and the flusher between them.
struct World {
    flusher: Flusher,
    store: Model,
    end: u64,
    now: Instant,
    /// Highest watermark shown since the last start.
    shown: Option<LogPosition>,
}

impl World {
    fn handle(&mut self, event: Event) {
        match event {
            Event::Commit(count) => {
                self.end += count;
                self.flusher.committed(self.now, LogPosition(self.end));
            }
            Event::Pass(ms) => self.now = self.now.plus_ms(ms),
            Event::Turn(outcome, rows) => self.turn(outcome, rows),
            Event::Restart => {
                let (start, end) = (LogPosition(0), LogPosition(self.end));
                self.flusher = Flusher::new(SETTINGS, self.end, start, end);
                self.shown = None;
            }
        }
        let stored = self.flusher.stored();
        assert!(stored >= self.shown, "the watermark does not fall");
        assert!(stored.unwrap_or_default() <= self.store.cursor.unwrap_or_default());
        self.shown = stored;
    }

    /// One step of the shell; it may read fewer rows than it is allowed to.
    fn turn(&mut self, outcome: Outcome, rows: usize) {
        let error = match outcome {
            Outcome::Refused => Error::Permanent("no right".into()),
            _ => away(),
        };
        match (self.flusher.poll(self.now), outcome) {
            (Step::Wait(_), _) => {}
            (Step::AskCursor, Outcome::Done) => {
                self.flusher.cursor_read(self.now, self.store.cursor);
            }
            (Step::Flush { from, to, rows_max }, Outcome::Done | Outcome::Unknown) => {
                assert_eq!(to, LogPosition(self.end), "only what is committed, and all of it");
                let to = LogPosition(to.0.min(from.0 + rows.min(rows_max) as u64));
                self.store.append(from.0, to.0);
                match outcome {
                    Outcome::Done => self.flusher.flushed(to),
                    _ => self.flusher.failed(self.now, error),
                }
            }
            (Step::AskCursor | Step::Flush { .. }, _) => self.flusher.failed(self.now, error),
            (Step::Refuse(refusal), _) => panic!("{refusal}"),
        }
    }
}

proptest! {
    #[test]
    fn nothing_is_lost_and_nothing_doubled(events in prop::collection::vec(event(), 1..200)) {
        let mut world = World {
            flusher: Flusher::new(SETTINGS, 7, LogPosition(0), LogPosition(0)),
            store: Model::default(),
            end: 0,
            now: Instant(0),
            shown: None,
        };
        events.into_iter().for_each(|event| world.handle(event));
        // Once the faults stop, everything gets there.
        for _ in 0..2_000 {
            world.handle(Event::Pass(1_000));
            world.handle(Event::Turn(Outcome::Done, 8));
        }
        prop_assert_eq!(world.flusher.lag_rows(), 0);
        prop_assert_eq!(world.flusher.stored(), Some(LogPosition(world.end)));
        prop_assert_eq!(world.store.rows.len() as u64, world.end);
        // Asking for the cursor after each failure, nothing is ever sent twice.
        prop_assert_eq!(world.store.repeated, 0);
    }
}
