//! The loop of the log's thread.

use super::lane::Desk;
use parlance_core::Record;
use parlance_storage::log::{CursorId, Fatal, Refused};
use parlance_storage::{Disk, Log, Position};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// After this long without a record, the log writes down that all is durable, so that later damage
/// to its end is noticed.
const QUIET: Duration = Duration::from_secs(1);
/// How long to wait before a full log is asked for room again, when nobody calls.
const ROOM: Duration = Duration::from_millis(100);
/// A commit that takes this long is told to the operator.
const SLOW: Duration = Duration::from_secs(1);
/// Part of the log's limit that is kept for posts under way when shards are told that it is full.
const MARGIN_PERCENT: u64 = 1;

/// What others may know of the log, and the one thing it must know of them. Bytes and positions.
#[derive(Debug, Default)]
pub struct LogNumbers {
    /// Last record that survives power loss.
    pub durable: AtomicU64,
    /// Last record that the store has taken; written by the flusher.
    pub stored: AtomicU64,
    /// Messages put into the store.
    pub stored_rows: AtomicU64,
    /// Attempts of that which failed.
    pub store_failures: AtomicU64,
    /// Bytes of all segments.
    pub used_bytes: AtomicU64,
    /// Bytes from which on posts are refused.
    pub limit_bytes: AtomicU64,
    /// Commits: writes with a sync.
    pub commits: AtomicU64,
    /// Time spent in them, microseconds.
    pub commit_micros: AtomicU64,
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
    /// There was no room for it in the log.
    is_refused: bool,
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
        Service { log, desk, numbers, stored, held: None, is_refused: false, tickets }
    }

    /// Serves until the desk is closed.
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
                self.publish();
                return Ok(());
            }
            // The mark is a write and a sync of its own: only when nobody waits for one.
            if self.wait() {
                self.log.mark()?;
                self.publish();
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
        let begin = Instant::now();
        let durable = self.log.commit()?;
        // Before the shards: who asks the database next must not be told less than they know.
        self.numbers.durable.store(durable.0, Ordering::Release);
        self.note_time(begin.elapsed());
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

    fn publish(&self) {
        let marks = self.log.watermarks();
        let margin = marks.limit_bytes / 100 * MARGIN_PERCENT;
        let is_full = marks.used_bytes + margin >= marks.limit_bytes;
        self.desk.tell_full(is_full || self.is_refused);
        let numbers = &self.numbers;
        numbers.durable.store(marks.durable.0, Ordering::Release);
        numbers.used_bytes.store(marks.used_bytes, Ordering::Relaxed);
        numbers.limit_bytes.store(marks.limit_bytes, Ordering::Relaxed);
        numbers.alarm.store(u64::from(marks.is_alarm), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::super::lane::News;
    use super::*;
    use crate::shell::doorbell::Doorbell;
    use parlance_core::time::Timestamp;
    use parlance_storage::disk::fake::FakeDisk;
    use parlance_storage::log::Options;
    use parlance_wire::xccos::Guid;

    fn record(ticket: u64) -> Record {
        Record {
            ticket,
            room: Guid(1),
            number: ticket,
            ts: Timestamp(1),
            author: "sip:kay@example.test".into(),
            alert: false,
            chat: "x".repeat(100),
            rtf: None,
        }
    }

    fn service(shards: usize, options: Options) -> (Service<FakeDisk>, Arc<Desk>, Arc<LogNumbers>) {
        let (mut log, _) = Log::open(FakeDisk::default(), options).unwrap();
        let stored = log.attach("stored", Position(0)).unwrap();
        let desk = Desk::new((0..shards).map(|_| Arc::<Doorbell>::default()).collect());
        let numbers = Arc::<LogNumbers>::default();
        (Service::new(log, stored, desk.clone(), numbers.clone()), desk, numbers)
    }

    #[test]
    fn what_several_shards_append_is_one_commit() {
        let (mut service, desk, numbers) = service(2, Options::default());
        let (mut a, mut b) = (desk.end(0), desk.end(1));
        (1..=3).for_each(|ticket| a.append(record(ticket)));
        b.append(record(1));
        a.flush();
        b.flush();
        assert_eq!(a.news(), None, "nothing is durable before the commit");
        assert!(service.round().unwrap());
        assert_eq!((a.news(), a.news()), (Some(News::Durable(3)), None));
        assert_eq!(b.news(), Some(News::Durable(1)));
        assert_eq!(numbers.commits.load(Ordering::Relaxed), 1);
        assert_eq!(numbers.durable.load(Ordering::Relaxed), 4);
        assert!(!service.round().unwrap(), "nothing is left to do");
    }

    #[test]
    fn a_full_log_keeps_what_waits_and_takes_it_when_there_is_room() {
        let options = Options { quota_bytes: 8_000, segment_bytes: 2_000, ..Options::default() };
        let (mut service, desk, numbers) = service(1, options);
        let mut end = desk.end(0);
        (1..=60).for_each(|ticket| end.append(record(ticket)));
        end.flush();
        while service.round().unwrap() {}
        let mut news = Vec::new();
        while let Some(piece) = end.news() {
            news.push(piece);
        }
        assert_eq!(news[0], News::Full(true));
        let News::Durable(durable) = news[1] else { panic!("some were taken") };
        assert!((10..60).contains(&durable), "{durable}");
        // The store has taken everything that is durable: room for more, and so on.
        while end.news() != Some(News::Durable(60)) {
            let taken = numbers.durable.load(Ordering::Relaxed);
            numbers.stored.store(taken, Ordering::Relaxed);
            service.round().unwrap();
        }
    }

    #[test]
    fn no_record_is_forgotten_between_threads() {
        let (service, desk, _) = service(2, Options::default());
        let log = std::thread::spawn(move || service.run());
        let shard = |index: usize| {
            let mut end = desk.end(index);
            let bell = desk.bell(index);
            std::thread::spawn(move || {
                let mut durable = 0;
                for ticket in 1..=2_000 {
                    end.append(record(ticket));
                    end.flush();
                    // As an author who waits for each answer: a call that is lost hangs the test.
                    while durable < ticket {
                        futures_lite::future::block_on(std::future::poll_fn(|cx| {
                            bell.poll_rung(cx)
                        }));
                        while let Some(News::Durable(ticket)) = end.news() {
                            durable = ticket;
                        }
                    }
                }
            })
        };
        let shards = [shard(0), shard(1)];
        shards.into_iter().for_each(|shard| shard.join().unwrap());
        desk.close();
        log.join().unwrap().unwrap();
    }
}
