//! What the log's thread, the feeder and the metrics tell each other.

use std::sync::atomic::AtomicU64;

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
    /// Posts whose authors wait for the database; always 0 with `ack = "log"`.
    pub ack_waiting: AtomicU64,
    /// 1 while new posts are refused because the database is late.
    pub ack_late: AtomicU64,
}
