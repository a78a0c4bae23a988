//! Where the processes of a run wait for each other, seen from one of them.
//!
//! A run of several processes has a parent ([`super::crew`]) that neither signs in nor posts. Each
//! of the others says on its standard output where it has arrived; when all are there, the parent
//! tells all of them the moment at which they go on. At the end they hand over what they found.

use super::pace::moment;
use super::share::Share;
use parlance_loadgen::Part;
use parlance_loadgen::results::{Counts, Measured, Recent};
use serde::{Deserialize, Serialize};
use std::io::{BufRead, Write};
use std::process::exit;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// How often the parent is told how it goes.
const STATUS_EVERY: Duration = Duration::from_millis(500);
/// Exit code of a process that lost its parent.
const ORPHANED: i32 = 2;

/// Where processes wait for each other, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Place {
    /// Knows the plan; nobody has begun to sign in.
    Ready,
    /// Everybody is in all rooms; the load may begin.
    SignedIn,
    /// All its posts are sent.
    Loaded,
    /// All that is owed has come, or will not come any more.
    Drained,
    /// The histories are read.
    Read,
}

/// What the parent says, a line each.
#[derive(Debug, Serialize, Deserialize)]
pub enum Order {
    /// Go on at this moment of the shared clock.
    Go {
        /// As [`super::pace::shared_now_ns`] counts.
        at_ns: u64,
    },
    /// End the load before its time.
    Stop,
}

/// How a process is doing.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct Status {
    pub counts: Counts,
    pub errors: u64,
    /// Deliveries that are to come.
    pub outstanding: u64,
    pub recent: Recent,
    /// Processor it uses, cores.
    pub own_cores: f64,
}

impl Status {
    /// With how another process is doing.
    pub fn beside(mut self, other: Status) -> Status {
        self.counts.merge(&other.counts);
        Status {
            counts: self.counts,
            errors: self.errors + other.errors,
            outstanding: self.outstanding + other.outstanding,
            recent: self.recent.beside(other.recent),
            own_cores: self.own_cores + other.own_cores,
        }
    }
}

/// All that a process found.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Found {
    pub measured: Measured,
    pub part: Part,
    /// Deliveries that did not come, by number of post.
    pub missing: Vec<(u32, u32)>,
}

/// What a process tells its parent, a line each.
#[derive(Debug, Serialize, Deserialize)]
pub enum Word {
    Arrived(Place),
    Status(Box<Status>),
    Found(Box<Found>),
}

/// Says it to the parent.
pub fn tell(word: &Word) {
    let line = serde_json::to_string(word).expect("numbers and texts can be written");
    let mut out = std::io::stdout().lock();
    if writeln!(out, "{line}").and_then(|()| out.flush()).is_err() {
        exit(ORPHANED);
    }
}

/// The meeting, for one who takes part.
pub enum Meeting {
    /// Nobody else is there.
    Alone {
        /// The start of the run.
        start: Instant,
        /// Has arrived and goes on at once.
        is_called: bool,
    },
    Crew {
        start: Instant,
        calls: Receiver<u64>,
        status_at: Instant,
    },
}

impl Meeting {
    /// A meeting of as many as share the run. `is_stopped` is set when the load shall end.
    pub fn new(share: Share, is_stopped: &Arc<AtomicBool>) -> Meeting {
        let now = Instant::now();
        if share.count == 1 {
            return Meeting::Alone { start: now, is_called: false };
        }
        let (sender, calls) = channel();
        let is_stopped = Arc::clone(is_stopped);
        std::thread::spawn(move || {
            for line in std::io::stdin().lock().lines() {
                match line.ok().and_then(|line| serde_json::from_str(&line).ok()) {
                    Some(Order::Go { at_ns }) if sender.send(at_ns).is_ok() => {}
                    Some(Order::Stop) => is_stopped.store(true, Ordering::Relaxed),
                    _ => break,
                }
            }
            // The parent keeps it open to the end.
            exit(ORPHANED);
        });
        Meeting::Crew { start: moment(share.start_ns), calls, status_at: now }
    }

    /// The start of the run: the same moment for all.
    pub fn run_start(&self) -> Instant {
        match self {
            Meeting::Alone { start, .. } | Meeting::Crew { start, .. } => *start,
        }
    }

    /// Is at a place where all wait.
    pub fn arrive(&mut self, place: Place) {
        match self {
            Meeting::Alone { is_called, .. } => *is_called = true,
            Meeting::Crew { .. } => tell(&Word::Arrived(place)),
        }
    }

    /// When to go on, once all are there.
    pub fn called(&mut self) -> Option<Instant> {
        match self {
            Meeting::Alone { is_called, .. } => std::mem::take(is_called).then(Instant::now),
            Meeting::Crew { calls, .. } => calls.try_recv().ok().map(moment),
        }
    }

    /// Tells now and then how it goes.
    pub fn show(&mut self, status: impl FnOnce() -> Status) {
        let Meeting::Crew { status_at, .. } = self else { return };
        let now = Instant::now();
        if now >= *status_at {
            *status_at = now + STATUS_EVERY;
            tell(&Word::Status(Box::new(status())));
        }
    }
}
