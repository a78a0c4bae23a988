//! Decides when what the log has committed goes into the SQL store.
//!
//! A state machine without store, log, clock or thread. A shell of one thread does what
//! [`Flusher::poll`] says and tells how it went:
//!
//! | step | the shell |
//! |---|---|
//! | [`Step::AskCursor`] | reads the cursor; [`Flusher::cursor_read`] or [`Flusher::failed`] |
//! | [`Step::Flush`] | reads the log, appends to the store; [`Flusher::flushed`] or `failed` |
//! | [`Step::Wait`] | sleeps until then, or until the log commits: [`Flusher::committed`] |
//! | [`Step::Refuse`] | tells an operator |
//!
//! After a failure the store is asked for its cursor first: whether the commit had happened is
//! known then. The watermark never falls, and is never ahead of what the store has confirmed.
//!
//! A failure that will not pass by itself is retried too, slowly: chat goes on meanwhile, and an
//! operator who repairs the database should not have to restart the server.

use crate::sql::{Error, LogPosition};
use parlance_core::time::Instant;
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

#[cfg(test)]
mod tests;

/// How a flusher goes about it. Times are milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Most records in one transaction.
    pub rows_max: usize,
    /// How long the first record waits for others; 0 where authors wait for the database.
    pub linger_ms: u64,
    /// Wait after the first failure.
    pub backoff_ms_min: u64,
    /// Longest wait; also the one after a failure that will not pass by itself.
    pub backoff_ms_max: u64,
    /// Where a log begins: the cursor of a reader that has none yet.
    pub origin: LogPosition,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            rows_max: 1_000,
            linger_ms: 50,
            backoff_ms_min: 100,
            backoff_ms_max: 10_000,
            origin: LogPosition(0),
        }
    }
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Read the cursor from the store.
    AskCursor,
    /// Append at most `rows_max` of the records between `from` and `to` to the store, with the
    /// cursor behind the last of them. Of a log that numbers from 1 these are `from + 1` to `to`.
    Flush {
        /// Begin of what is not stored.
        from: LogPosition,
        /// End of what is committed.
        to: LogPosition,
        /// Most records.
        rows_max: usize,
    },
    /// Nothing until then; without a time nothing until the log commits.
    Wait(Option<Instant>),
    /// Nothing any more: the log and the database do not belong together.
    Refuse(Refusal),
}

/// Why log and database do not belong together. Going on would leave out messages in silence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The database has more of this log than the log has: the log was lost or exchanged.
    Ahead {
        /// The database's cursor.
        cursor: LogPosition,
        /// Where the log ends.
        end: LogPosition,
    },
    /// The log no longer has what the database lacks: the database was exchanged or restored.
    Hole {
        /// The database's cursor.
        cursor: LogPosition,
        /// Where the log begins.
        start: LogPosition,
    },
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Refusal::Ahead { cursor, end } => write!(
                f,
                "the database has records of this log up to {}, the log ends at {}: is it an old \
                 copy?",
                cursor.0, end.0
            ),
            Refusal::Hole { cursor, start } => write!(
                f,
                "the database has records of this log up to {}, the log begins at {}: was the \
                 database exchanged or restored?",
                cursor.0, start.0
            ),
        }
    }
}

/// What the flusher is about, for operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Asks the store how far it has got.
    Asking,
    /// Everything is stored, or waits for company.
    Idle,
    /// An append is under way.
    Flushing,
    /// The last attempt failed; the next is due then.
    Waiting(Instant),
    /// See [`Step::Refuse`].
    Refused(Refusal),
}

/// Brings committed records into the store.
#[derive(Debug)]
pub struct Flusher {
    settings: Settings,
    random: ChaCha8Rng,
    state: State,
    /// Has a step been handed out whose end is not told yet?
    is_busy: bool,
    /// Where the log begins and ends.
    start: LogPosition,
    end: LogPosition,
    /// Everything below is in the store; unknown before the store has been asked.
    stored: Option<LogPosition>,
    /// Since when the oldest waiting record may have been waiting.
    since: Instant,
    failures: u32,
    trouble: Option<Error>,
}

impl Flusher {
    /// For a log that holds the records from `start` up to, exclusively, `end`. `seed` spreads the
    /// retries of several servers.
    pub fn new(settings: Settings, seed: u64, start: LogPosition, end: LogPosition) -> Flusher {
        assert!(settings.rows_max > 0, "a flush of no rows never ends");
        assert!(settings.backoff_ms_min <= settings.backoff_ms_max, "back-off has a range");
        assert!(settings.origin <= start && start <= end, "a log begins before it ends");
        Flusher {
            settings,
            random: ChaCha8Rng::seed_from_u64(seed),
            state: State::Asking,
            is_busy: false,
            start,
            end,
            stored: None,
            since: Instant::default(),
            failures: 0,
            trouble: None,
        }
    }

    /// The log has committed everything below `end`.
    pub fn committed(&mut self, now: Instant, end: LogPosition) {
        assert!(end >= self.end, "what is committed stays committed");
        if self.stored == Some(self.end) && !self.is_busy {
            self.since = now;
        }
        self.end = end;
    }

    /// What to do now. Each step but [`Step::Wait`] is handed out once, and its end must be told
    /// before the next.
    pub fn poll(&mut self, now: Instant) -> Step {
        assert!(!self.is_busy, "one step at a time");
        if let State::Waiting(until) = self.state {
            if now < until {
                return Step::Wait(Some(until));
            }
            self.state = State::Asking;
        }
        match (self.state, self.stored) {
            (State::Refused(refusal), _) => Step::Refuse(refusal),
            (State::Idle, Some(stored)) => self.flush(now, stored),
            _ => {
                self.is_busy = true;
                Step::AskCursor
            }
        }
    }

    fn flush(&mut self, now: Instant, stored: LogPosition) -> Step {
        let waiting = self.end.0 - stored.0;
        let due = self.since.plus_ms(self.settings.linger_ms);
        if waiting == 0 {
            return Step::Wait(None);
        }
        if waiting < self.settings.rows_max as u64 && now < due {
            return Step::Wait(Some(due));
        }
        self.is_busy = true;
        self.state = State::Flushing;
        // What is committed while this one runs waits from now on.
        self.since = now;
        Step::Flush { from: stored, to: self.end, rows_max: self.settings.rows_max }
    }

    /// The store's cursor; `None` if it has none.
    pub fn cursor_read(&mut self, now: Instant, cursor: Option<LogPosition>) {
        assert!(self.is_busy && self.state == State::Asking, "nobody asked");
        let cursor = cursor.unwrap_or(self.settings.origin);
        self.is_busy = false;
        self.state = if cursor > self.end {
            State::Refused(Refusal::Ahead { cursor, end: self.end })
        } else if cursor < self.start.max(self.stored.unwrap_or_default()) {
            // Truncated behind the confirmed watermark, so a lower cursor is a hole, too.
            let start = self.start.max(self.stored.unwrap_or_default());
            State::Refused(Refusal::Hole { cursor, start })
        } else {
            self.stored = Some(cursor);
            // Whatever is left has waited long enough.
            self.since = Instant(now.0.saturating_sub(self.settings.linger_ms * 1_000));
            State::Idle
        };
    }

    /// The store has committed everything below `to`.
    pub fn flushed(&mut self, to: LogPosition) {
        assert!(self.is_busy && self.state == State::Flushing, "nothing was to be flushed");
        assert!(Some(to) > self.stored && to <= self.end, "a flush moves on within the log");
        self.is_busy = false;
        self.state = State::Idle;
        self.stored = Some(to);
        self.failures = 0;
        self.trouble = None;
    }

    /// The step failed; what it did is not known.
    pub fn failed(&mut self, now: Instant, error: Error) {
        assert!(self.is_busy, "nothing was to be done");
        let Settings { backoff_ms_min, backoff_ms_max, .. } = self.settings;
        let doubled = backoff_ms_min.saturating_mul(1 << self.failures.min(20));
        let longest =
            if error.is_retryable() { doubled.min(backoff_ms_max) } else { backoff_ms_max };
        // From half of it up, so that servers do not come back all at once.
        let wait_ms = longest - self.random.next_u64() % (longest / 2 + 1);
        self.is_busy = false;
        self.state = State::Waiting(now.plus_ms(wait_ms));
        self.failures = self.failures.saturating_add(1);
        self.trouble = Some(error);
    }

    /// Everything below is in the store; `None` before the store has been asked.
    pub fn stored(&self) -> Option<LogPosition> {
        self.stored
    }

    /// Committed records that are not known to be in the store.
    pub fn lag_rows(&self) -> u64 {
        self.end.0 - self.stored.unwrap_or(self.start).0
    }

    /// What the flusher is about.
    pub fn state(&self) -> State {
        self.state
    }

    /// Why nothing gets through at the moment.
    pub fn trouble(&self) -> Option<&Error> {
        self.trouble.as_ref()
    }

    /// Failures since the last success.
    pub fn failures(&self) -> u32 {
        self.failures
    }
}
