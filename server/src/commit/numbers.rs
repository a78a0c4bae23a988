//! What the log's thread, the feeder and the metrics tell each other.

use parlance_storage::Position;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Instant;

/// What others may know of the log, and the one thing it must know of them. Bytes and positions.
#[derive(Debug, Default)]
pub struct LogNumbers {
    /// Last record that survives power loss.
    pub durable: AtomicU64,
    /// Last record that the store has taken; see [`LogNumbers::note_stored`].
    pub stored: AtomicU64,
    /// Rung when `stored` moves, under its lock.
    moved: (Mutex<()>, Condvar),
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
    /// Posts whose authors wait for the database; always 0 with `ack = "log"`.
    pub ack_waiting: AtomicU64,
    /// 1 while new posts are refused because the database is late.
    pub ack_late: AtomicU64,
}

impl LogNumbers {
    /// The store has taken everything up to a record.
    pub fn note_stored(&self, position: Position) {
        let (lock, moved) = &self.moved;
        let held = lock.lock().unwrap_or_else(PoisonError::into_inner);
        self.stored.store(position.0, Ordering::Release);
        drop(held);
        moved.notify_all();
    }

    /// Waits until the store has a record. False when that was not before `deadline`.
    pub fn await_stored(&self, wanted: Position, deadline: Instant) -> bool {
        let is_there = || self.stored.load(Ordering::Acquire) >= wanted.0;
        if is_there() {
            return true;
        }
        let (lock, moved) = &self.moved;
        let held = lock.lock().unwrap_or_else(PoisonError::into_inner);
        let patience = deadline.saturating_duration_since(Instant::now());
        let waited = moved.wait_timeout_while(held, patience, |()| !is_there());
        drop(waited.unwrap_or_else(PoisonError::into_inner));
        is_there()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::time::Duration;

    #[test]
    fn who_waits_for_the_store_is_woken_or_told_that_it_is_late() {
        let numbers = Arc::<LogNumbers>::default();
        assert!(!numbers.await_stored(Position(1), Instant::now()));
        let never = Instant::now() + Duration::from_secs(3600);
        let waiting = numbers.clone();
        let waiter = std::thread::spawn(move || waiting.await_stored(Position(2), never));
        // A wake-up that is lost hangs the test.
        numbers.note_stored(Position(1));
        numbers.note_stored(Position(2));
        assert!(waiter.join().unwrap());
        assert!(numbers.await_stored(Position(2), Instant::now()));
    }
}
