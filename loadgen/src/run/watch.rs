//! Looks at the server's process and our own once a second, on a thread of its own, so that neither
//! a busy ring delays it nor it the ring.

use super::gauges::{self, Gauges};
use super::process::{Threads, threads};
use parlance_loadgen::results::{CpuUse, OwnUse, Series, ServerUse};
use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How often it looks.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What to look at.
#[derive(Debug, Clone, Copy)]
pub struct Watched {
    /// The start of the run.
    pub start: Instant,
    /// The server's process.
    pub server_pid: Option<u32>,
    /// Where the server tells its metrics.
    pub metrics: Option<SocketAddr>,
}

/// The last second, for showing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Look {
    /// Our own process.
    pub own: Option<OwnUse>,
    /// The server; absent while there is no process.
    pub server: Option<ServerUse>,
}

#[derive(Default)]
struct Shared {
    series: Series,
    last: Look,
}

/// The thread that looks.
pub struct Watch {
    shared: Arc<Mutex<Shared>>,
    /// It ends when this does.
    end: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    /// Begins to look; an error when there is no room for a thread.
    pub fn start(watched: Watched) -> Result<Watch, String> {
        let shared = Arc::new(Mutex::new(Shared::default()));
        let (end, is_ended) = channel();
        let thread = std::thread::Builder::new().name("watch".into()).spawn({
            let shared = Arc::clone(&shared);
            move || look_until(watched, &is_ended, &shared)
        });
        let thread = thread.map_err(|error| format!("no thread to look at processes: {error}"))?;
        Ok(Watch { shared, end: Some(end), thread: Some(thread) })
    }

    /// The last second.
    pub fn last(&self) -> Look {
        lock(&self.shared).last
    }

    /// Ends it; all that was seen.
    pub fn finish(&mut self) -> Series {
        self.end = None;
        if let Some(thread) = self.thread.take() {
            thread.join().expect("it has nothing to fail at");
        }
        std::mem::take(&mut lock(&self.shared).series)
    }
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

fn look_until(watched: Watched, is_ended: &Receiver<()>, shared: &Mutex<Shared>) {
    let mut own = Process::new(std::process::id());
    let mut server = watched.server_pid.map(Process::new);
    let mut due = Instant::now() + LOOK_EVERY;
    let wait = |due: Instant| is_ended.recv_timeout(due.saturating_duration_since(Instant::now()));
    while wait(due) == Err(RecvTimeoutError::Timeout) {
        let gauges = watched.metrics.and_then(gauges::fetch);
        let look = Look {
            own: own.look().map(Ran::of_own),
            server: server.as_mut().and_then(Process::look).map(|ran| ran.of_server(gauges)),
        };
        let now = Instant::now();
        due = now.max(due) + LOOK_EVERY.saturating_sub(now.saturating_duration_since(due));
        // What was seen lies in the second behind us.
        let at = (now - LOOK_EVERY / 2).saturating_duration_since(watched.start);
        let mut shared = lock(shared);
        shared.last = look;
        shared.series.seen(at, look.own, look.server);
    }
}

/// What a process did since the look before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Ran {
    shards_us: u64,
    others_us: u64,
    span_us: u64,
    resident_bytes: u64,
}

impl Ran {
    fn of_own(self) -> OwnUse {
        let cpu_us = self.shards_us + self.others_us;
        OwnUse {
            cpu: CpuUse { cpu_us, span_us: self.span_us },
            resident_bytes: self.resident_bytes,
        }
    }

    fn of_server(self, gauges: Option<Gauges>) -> ServerUse {
        let Ran { span_us, .. } = self;
        ServerUse {
            shards: CpuUse { cpu_us: self.shards_us, span_us },
            others: CpuUse { cpu_us: self.others_us, span_us },
            resident_bytes: self.resident_bytes,
            sessions_lagging: gauges.map(|gauges| gauges.sessions_lagging),
            outbox_bytes: gauges.map(|gauges| gauges.outbox_bytes),
        }
    }
}

/// A process that is looked at again and again.
struct Process {
    pid: u32,
    before: Option<(Instant, Threads)>,
}

impl Process {
    fn new(pid: u32) -> Process {
        let before = threads(pid).map(|threads| (Instant::now(), threads));
        Process { pid, before }
    }

    /// What it did since the look before. `None` while it is not there, and the first time after.
    fn look(&mut self) -> Option<Ran> {
        let now = Instant::now();
        let after = threads(self.pid);
        let (since, before) = std::mem::replace(&mut self.before, after.map(|after| (now, after)))?;
        ran(&before, &after?, now - since)
    }
}

fn ran(before: &Threads, after: &Threads, span: Duration) -> Option<Ran> {
    (before.started_ticks == after.started_ticks).then(|| Ran {
        // Threads that ended meanwhile take their account with them.
        shards_us: after.shards_us.saturating_sub(before.shards_us),
        others_us: after.others_us.saturating_sub(before.others_us),
        span_us: span.as_micros() as u64,
        resident_bytes: after.resident_bytes,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_process_with_the_same_number_leaves_a_gap() {
        let before = Threads { started_ticks: 1, shards_us: 10, others_us: 5, resident_bytes: 9 };
        let after = Threads { shards_us: 30, others_us: 4, ..before };
        let span = Duration::from_millis(500);
        let expected = Ran { shards_us: 20, others_us: 0, span_us: 500_000, resident_bytes: 9 };
        assert_eq!(ran(&before, &after, span), Some(expected));
        assert_eq!(ran(&before, &Threads { started_ticks: 2, ..after }, span), None);
    }

    #[test]
    fn a_process_that_is_gone_is_no_end() {
        let mut process = Process::new(std::process::id());
        process.pid = 0;
        assert_eq!(process.look(), None);
        process.pid = std::process::id();
        assert_eq!(process.look(), None);
        assert!(process.look().is_some_and(|ran| ran.resident_bytes > 0));
    }
}
