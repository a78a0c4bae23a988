//! The loop of the log's thread.

use super::lane::Desk;
use parlance_core::Record;
use parlance_storage::log::{CursorId, Fatal, Refused};
use parlance_storage::{Disk, Log, Position};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// After this long without a record, the log writes down that all is durable, so that later damage to
/// its end is noticed.
const QUIET: Duration = Duration::from_secs(1);
/// How long to wait before a full log is asked for room again, when nobody calls.
const ROOM: Duration = Duration::from_millis(100);
/// Part of the log's limit that is kept for posts under way when shards are told that it is full.
const MARGIN_PERCENT: u64 = 1;

/// What others may know of the log, and the one thing it must know of them. Bytes and positions.
#[derive(Debug, Default)]
pub struct LogNumbers {
    /// Last record that survives power loss.
    pub durable: AtomicU64,
    /// Last record that the store has taken; written by the flusher.
    pub stored: AtomicU64,
    /// Bytes of all segments.
    pub used_bytes: AtomicU64,
    /// Bytes from which on posts are refused.
    pub limit_bytes: AtomicU64,
    /// Commits: writes with a sync.
    pub commits: AtomicU64,
    /// Records in them.
    pub records: AtomicU64,
    /// 1 from four fifths of the limit on.
    pub alarm: AtomicU64,
}

/// The log and everybody it serves.
#[derive(Debug)]
pub struct Service<D> {
    log: Log<D>,
    desk: Arc<Desk>,
    numbers: Arc<LogNumbers>,
    stored: CursorId,
    /// Taken from its lane, but there was no room: goes first next time.
    held: Option<(usize, Record)>,
    /// Highest ticket appended of each shard, in the commit being gathered.
    tickets: Vec<Option<u64>>,
}

impl<D: Disk> Service<D> {
    /// A service that has not begun. `stored` is the store's place in the log.
    pub fn new(
        log: Log<D>,
        stored: CursorId,
        desk: Arc<Desk>,
        numbers: Arc<LogNumbers>,
    ) -> Service<D> {
        let tickets = vec![None; desk.lanes()];
        Service { log, desk, numbers, stored, held: None, tickets }
    }

    /// Serves until the disk fails.
    pub fn run(mut self) -> Fatal {
        self.desk.attend(std::thread::current());
        loop {
            let worked = match self.round() {
                Ok(true) => Ok(()),
                // The mark is a write and a sync of its own: only when nobody waits for one.
                Ok(false) if self.wait() => self.log.mark().map(|_| ()),
                Ok(false) => Ok(()),
                Err(fatal) => Err(fatal),
            };
            if let Err(fatal) = worked {
                return fatal;
            }
        }
    }

    /// Waits for a call. True when none came.
    fn wait(&mut self) -> bool {
        let patience = if self.held.is_some() { ROOM } else { QUIET };
        if !self.desk.is_called() {
            std::thread::park_timeout(patience);
        }
        !self.desk.is_called() && self.held.is_none()
    }

    /// Gathers what waits and makes it durable. False when there was nothing to do.
    ///
    /// # Errors
    /// The disk failed.
    pub fn round(&mut self) -> Result<bool, Fatal> {
        self.desk.hear();
        let count = self.gather();
        if count == 0 {
            self.trim()?;
            self.publish();
            return Ok(false);
        }
        self.log.commit()?;
        self.numbers.commits.fetch_add(1, Ordering::Relaxed);
        self.numbers.records.fetch_add(count, Ordering::Relaxed);
        for (lane, ticket) in self.tickets.iter_mut().enumerate() {
            if let Some(ticket) = ticket.take() {
                self.desk.tell(lane, ticket);
            }
        }
        self.trim()?;
        self.publish();
        Ok(true)
    }

    /// Appends what the lanes hold, until a commit is full; the shards in turn.
    fn gather(&mut self) -> u64 {
        let mut count = 0;
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
                    Err(Refused::Full | Refused::BatchFull) => {
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

    fn publish(&self) {
        let marks = self.log.watermarks();
        let margin = marks.limit_bytes / 100 * MARGIN_PERCENT;
        self.desk.tell_full(marks.used_bytes + margin >= marks.limit_bytes);
        let numbers = &self.numbers;
        numbers.durable.store(marks.durable.0, Ordering::Release);
        numbers.used_bytes.store(marks.used_bytes, Ordering::Relaxed);
        numbers.limit_bytes.store(marks.limit_bytes, Ordering::Relaxed);
        numbers.alarm.store(u64::from(marks.is_alarm), Ordering::Relaxed);
    }
}
