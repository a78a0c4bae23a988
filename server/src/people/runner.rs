//! The thread that keeps the directory up to date: runs, pauses, and tries again with patience.

use crate::ldap::{Cookie, LdapError, Outcome, Report, Sync};
use parlance_core::Directory;
use parlance_core::admin::PersonRecord;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

/// First pause after a failure; each further one doubles it, up to the interval between runs.
pub const BACKOFF_MIN: Duration = Duration::from_secs(5);

/// What the runner needs of the server around it.
pub struct Hooks<K, S, T> {
    /// The directory in force.
    pub known: K,
    /// Commits `Act::SyncPeople` of these records, and returns when that is done.
    pub submit: S,
    /// Is told how each run went, for logs and metrics.
    pub told: T,
}

/// How a run went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// The records were taken, or there were none.
    Done {
        /// What was read and changed.
        report: Report,
        /// From beginning to end.
        took: Duration,
    },
    /// Nothing was read.
    Unread(LdapError),
    /// It was read, but not taken.
    Untaken(String),
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Told::Done { report: r, took } => write!(
                f,
                "people read ({:?}): {} users, {} groups, {} folders; {} changed, {} of them gone; \
                 {} findings; {} ms",
                r.kind,
                r.users,
                r.groups,
                r.folders,
                r.changed,
                r.departed,
                r.findings.len(),
                took.as_millis()
            ),
            Told::Unread(error) => write!(f, "people are not synchronised: {error}"),
            Told::Untaken(error) => write!(f, "people were read, but not taken over: {error}"),
        }
    }
}

/// Runs once, hands the records over, and moves the cookie on when they were taken.
pub fn run_and_submit(
    sync: &mut Sync,
    known: &Directory,
    cookie: &mut Option<Cookie>,
    submit: &mut impl FnMut(Vec<PersonRecord>) -> Result<(), String>,
) -> Told {
    let begin = Instant::now();
    let Outcome { records, report } = match sync.run_once(known, cookie.as_ref()) {
        Ok(outcome) => outcome,
        Err(error) => return Told::Unread(error),
    };
    if !records.is_empty()
        && let Err(error) = submit(records)
    {
        // What was refused is read again, all of it: the next change must not hide it.
        *cookie = None;
        return Told::Untaken(error);
    }
    cookie.clone_from(&report.cookie);
    Told::Done { report, took: begin.elapsed() }
}

/// The end of the thread that others hold.
#[derive(Debug)]
pub struct Runner {
    wake: Sender<Wake>,
    /// Closed when the thread has ended.
    ended: Receiver<()>,
}

#[derive(Debug)]
enum Wake {
    /// For somebody who waits to be told how it went.
    Now(Sender<Told>),
    Stop,
}

/// Has a [`Runner`] run at once. There may be many of them.
#[derive(Debug, Clone)]
pub struct Trigger(Sender<Wake>);

impl Trigger {
    /// Reads without waiting for the end of the pause, who is gone, too, and returns when that is
    /// done; `None` if the thread has ended. A run that is under way may have read too early: it is
    /// followed by another. All who ask meanwhile share that one.
    pub fn run(&self) -> Option<Told> {
        let (tell, told) = channel();
        self.0.send(Wake::Now(tell)).ok()?;
        told.recv().ok()
    }
}

impl Runner {
    /// Starts the thread; the first run begins at once, from `cookie` if there is one.
    ///
    /// # Errors
    /// When the system has no thread for it.
    pub fn start<K, S, T>(
        sync: Sync,
        cookie: Option<Cookie>,
        hooks: Hooks<K, S, T>,
    ) -> Result<Runner, String>
    where
        K: Fn() -> Arc<Directory> + Send + 'static,
        S: FnMut(Vec<PersonRecord>) -> Result<(), String> + Send + 'static,
        T: FnMut(&Told) + Send + 'static,
    {
        let (wake, woken) = channel();
        let (end, ended) = channel::<()>();
        let thread = std::thread::Builder::new().name("people".into());
        let thread = thread.spawn(move || {
            run(sync, cookie, hooks, &woken);
            drop(end);
        });
        thread.map_err(|error| format!("no thread \"people\": {error}"))?;
        Ok(Runner { wake, ended })
    }

    /// For those who do not want to wait for the end of a pause.
    pub fn trigger(&self) -> Trigger {
        Trigger(self.wake.clone())
    }

    /// Ends the thread; waits for a run under way no longer than `patience`. Nothing is lost by
    /// going without it.
    pub fn finish(self, patience: Duration) {
        let _ = self.wake.send(Wake::Stop);
        let _ = self.ended.recv_timeout(patience);
    }
}

fn run<K, S, T>(
    mut sync: Sync,
    mut cookie: Option<Cookie>,
    mut hooks: Hooks<K, S, T>,
    woken: &Receiver<Wake>,
) where
    K: Fn() -> Arc<Directory>,
    S: FnMut(Vec<PersonRecord>) -> Result<(), String>,
    T: FnMut(&Told),
{
    let interval = sync.settings().interval;
    let mut failures = 0;
    // No more than there are requests to the API.
    let mut askers: Vec<Sender<Told>> = Vec::new();
    loop {
        if !askers.is_empty() {
            sync.sweep_next();
        }
        let known = (hooks.known)();
        let told = run_and_submit(&mut sync, &known, &mut cookie, &mut hooks.submit);
        drop(known);
        failures = if matches!(told, Told::Done { .. }) { 0 } else { failures + 1 };
        (hooks.told)(&told);
        for asker in askers.drain(..) {
            // Who has gone away meanwhile need not be told.
            let _ = asker.send(told.clone());
        }
        let chance = RandomState::new().hash_one(failures);
        let first = match woken.recv_timeout(pause(interval, failures, chance)) {
            Ok(wake) => Some(wake),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => return,
        };
        for wake in first.into_iter().chain(woken.try_iter()) {
            match wake {
                Wake::Now(asker) => askers.push(asker),
                Wake::Stop => return,
            }
        }
    }
}

/// How long to wait: the interval, or after failures from [`BACKOFF_MIN`] on up to it; up to a
/// tenth less by chance, so that servers that started together do not ask together.
fn pause(interval: Duration, failures: u32, chance: u64) -> Duration {
    let whole = match failures {
        0 => interval,
        n => BACKOFF_MIN.saturating_mul(1 << (n - 1).min(16)).min(interval),
    };
    let tenths = (chance >> 32) as f64 / f64::from(u32::MAX);
    whole.mul_f64(1.0 - tenths / 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_the_interval_and_are_never_the_same() {
        let interval = Duration::from_secs(300);
        let seconds = |failures, chance| pause(interval, failures, chance).as_secs();
        let without_chance: Vec<u64> = (0..9).map(|failures| seconds(failures, 0)).collect();
        assert_eq!(without_chance, [300, 5, 10, 20, 40, 80, 160, 300, 300]);
        assert_eq!(seconds(0, u64::MAX), 270);
        assert_eq!(seconds(u32::MAX, 0), 300);
    }
}
