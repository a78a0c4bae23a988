//! The loop of the log's thread.

use super::lane::Desk;
use super::numbers::LogNumbers;
use super::waiting::{ACK_PATIENCE, Commit, Verdict, Waiting};
use parlance_core::Record;
use parlance_storage::log::{CursorId, Fatal, Refused};
use parlance_storage::{Engine, Position};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::Thread;
use std::time::{Duration, Instant};

#[cfg(test)]
mod tests;

/// After this long without a record, the log writes down that all is durable, so that later damage
/// to its end is noticed.
const QUIET: Duration = Duration::from_secs(1);
/// How long to wait before a full log is asked for room again, when nobody calls.
const ROOM: Duration = Duration::from_millis(100);
/// A commit that takes this long is told to the operator.
const SLOW: Duration = Duration::from_secs(1);
/// Part of the log's limit that is kept for posts under way when shards are told that it is full.
const MARGIN_PERCENT: u64 = 1;

/// The database, where authors wait for it.
#[derive(Debug)]
struct Awaited {
    waiting: Waiting,
    /// The thread that feeds it.
    feeder: Thread,
}

/// The log and everybody it serves.
pub struct Service {
    log: Box<dyn Engine>,
    desk: Arc<Desk>,
    numbers: Arc<LogNumbers>,
    stored: CursorId,
    /// Taken from its lane, but there was no room: goes first next time.
    held: Option<(usize, Record)>,
    /// There was no room for it in the log.
    is_refused: bool,
    /// Highest ticket appended of each shard, in the commit being gathered.
    tickets: Vec<Option<u64>>,
    /// `None` where a commit of the log is enough to answer.
    awaited: Option<Awaited>,
    /// See [`QUIET`].
    quiet: Duration,
}

impl Service {
    /// A service that has not begun. `stored` is the store's place in the log. What is durable in
    /// the log is answered.
    pub fn new(log: Box<dyn Engine>, stored: CursorId, desk: Arc<Desk>) -> Service {
        let (tickets, numbers) = (vec![None; desk.lanes()], desk.numbers());
        let (held, is_refused, awaited, quiet) = (None, false, None, QUIET);
        Service { log, desk, numbers, stored, held, is_refused, tickets, awaited, quiet }
    }

    /// The same, but nothing is answered and fanned out before the database has it: `feeder`, the
    /// thread that brings it there, is woken after each commit, and calls at the desk when
    /// [`LogNumbers::stored`] has moved.
    ///
    /// No wake-up is lost. The feeder looks at what is durable before it parks, and an unpark that
    /// comes in between lets it through; the log's thread hears calls before it looks at what is
    /// stored, and a call after that keeps it from parking.
    pub fn awaiting(mut self, feeder: Thread) -> Service {
        self.awaited = Some(Awaited { waiting: Waiting::default(), feeder });
        self
    }

    /// Serves until the desk is closed. Posts that wait for the database then are not answered:
    /// they are in the log, and the next start brings them there.
    ///
    /// # Errors
    /// The disk failed: the process must end.
    pub fn run(mut self) -> Result<(), Fatal> {
        self.desk.attend(std::thread::current());
        loop {
            if self.round()? {
                continue;
            }
            if self.desk.is_closing() {
                self.log.mark()?;
                self.publish(Instant::now());
                return Ok(());
            }
            // The mark is a write and a sync of its own: only when nobody waits for one.
            if self.wait() {
                self.log.mark()?;
                self.publish(Instant::now());
            }
        }
    }

    /// Waits for a call. True when none came.
    fn wait(&mut self) -> bool {
        let patience = if self.held.is_some() { ROOM } else { self.quiet };
        if !self.desk.is_called() {
            std::thread::park_timeout(patience);
        }
        !self.desk.is_called() && self.held.is_none()
    }

    /// Answers what the database has, gathers what waits and makes it durable. False when there was
    /// nothing to be made durable.
    ///
    /// # Errors
    /// The disk failed.
    pub fn round(&mut self) -> Result<bool, Fatal> {
        self.round_at(Instant::now())
    }

    fn round_at(&mut self, now: Instant) -> Result<bool, Fatal> {
        self.desk.hear();
        self.answer_stored();
        let count = self.gather();
        if count == 0 {
            self.trim()?;
            self.publish(now);
            return Ok(false);
        }
        let begin = Instant::now();
        let last = self.log.commit()?;
        // Before the shards: who asks the database next must not be told less than they know.
        self.numbers.durable.store(last.0, Ordering::Release);
        self.note_time(begin.elapsed());
        self.numbers.commits.fetch_add(1, Ordering::Relaxed);
        self.numbers.records.fetch_add(count, Ordering::Relaxed);
        match &mut self.awaited {
            None => answer(&self.desk, &self.tickets),
            Some(awaited) => {
                let tickets = self.tickets.clone();
                awaited.waiting.push(Commit { last, since: now, posts: count, tickets });
                awaited.feeder.unpark();
            }
        }
        self.tickets.fill(None);
        self.trim()?;
        self.publish(now);
        Ok(true)
    }

    /// Answers the posts that the database has.
    fn answer_stored(&mut self) {
        let Some(awaited) = &mut self.awaited else { return };
        let stored = Position(self.numbers.stored.load(Ordering::Acquire));
        while let Some(commit) = awaited.waiting.pop(stored) {
            answer(&self.desk, &commit.tickets);
        }
    }

    /// Looks whether the database is late, and tells the operator when that changes.
    fn judge_store(&mut self, now: Instant) -> bool {
        let Some(Awaited { waiting, .. }) = &mut self.awaited else { return false };
        match waiting.judge(now) {
            Verdict::Same => {}
            Verdict::Late => tracing::warn!(
                cause = "it is away, or slower than posts come",
                patience = ?ACK_PATIENCE,
                posts = waiting.posts(),
                effect = "new posts are refused with 503, those under way wait for the database",
                next_step = "look after the database; see the lines about it, and [log] ack",
                "a post has waited too long for the database"
            ),
            Verdict::CaughtUp => tracing::info!(
                effect = "all that waited is answered, posts are taken again",
                "the database has caught up"
            ),
        }
        self.numbers.ack_waiting.store(waiting.posts(), Ordering::Relaxed);
        self.numbers.ack_late.store(u64::from(waiting.is_late()), Ordering::Relaxed);
        waiting.is_late()
    }

    fn note_time(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.numbers.commit_micros.fetch_add(micros, Ordering::Relaxed);
        if took >= SLOW {
            tracing::warn!(
                ?took,
                effect = "all posts of that time waited",
                next_step = "see what else writes to the disk of the data directory",
                "a commit of the log was slow"
            );
        }
    }

    /// Appends what the lanes hold, until a commit is full; the shards in turn.
    fn gather(&mut self) -> u64 {
        let mut count = 0;
        self.is_refused = false;
        loop {
            let before = count;
            for lane in 0..self.desk.lanes() {
                let next = match self.held.take() {
                    Some(held) => Some(held),
                    None => self.desk.take(lane).map(|record| (lane, record)),
                };
                let Some((lane, record)) = next else { continue };
                match self.log.append(0, &record) {
                    Ok(_) => {
                        self.tickets[lane] = Some(record.ticket);
                        count += 1;
                    }
                    Err(refused @ (Refused::Full | Refused::BatchFull)) => {
                        self.is_refused = refused == Refused::Full;
                        self.held = Some((lane, record));
                        return count;
                    }
                    Err(refused @ (Refused::TooLong | Refused::Poisoned)) => {
                        unreachable!("limits are far below, and a failed log ends: {refused}")
                    }
                }
            }
            if count == before {
                return count;
            }
        }
    }

    /// Removes what the store has.
    fn trim(&mut self) -> Result<(), Fatal> {
        let stored = Position(self.numbers.stored.load(Ordering::Acquire));
        self.log.advance(self.stored, stored);
        self.log.trim().map(|_| ())
    }

    fn publish(&mut self, now: Instant) {
        let is_late = self.judge_store(now);
        let marks = self.log.watermarks();
        let margin = marks.limit_bytes / 100 * MARGIN_PERCENT;
        let is_full = marks.used_bytes + margin >= marks.limit_bytes;
        self.desk.tell_full(is_full || is_late || self.is_refused);
        let numbers = &self.numbers;
        numbers.durable.store(marks.durable.0, Ordering::Release);
        numbers.used_bytes.store(marks.used_bytes, Ordering::Relaxed);
        numbers.limit_bytes.store(marks.limit_bytes, Ordering::Relaxed);
        numbers.alarm.store(u64::from(marks.is_alarm), Ordering::Relaxed);
    }
}

/// Tells the shards with posts in a commit that they may answer them.
fn answer(desk: &Desk, tickets: &[Option<u64>]) {
    for (lane, ticket) in tickets.iter().enumerate() {
        if let Some(ticket) = ticket {
            desk.tell(lane, *ticket);
        }
    }
}
