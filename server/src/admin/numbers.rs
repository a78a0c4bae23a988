//! Numbers of administration, for the metrics.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counted since the start.
#[derive(Debug, Default)]
pub struct AdminNumbers {
    /// Acts carried out.
    pub done: AtomicU64,
    /// Acts refused.
    pub refused: AtomicU64,
    /// Acts that failed for want of the database, or of room in the queue.
    pub failed: AtomicU64,
    /// Times an act was planned again because somebody else was first.
    pub collisions: AtomicU64,
    /// Requests to the API.
    pub requests: AtomicU64,
    /// Requests to the API without a valid token.
    pub denied: AtomicU64,
    /// Times people were read from the directory that is followed.
    pub people_runs: AtomicU64,
    /// Times that nothing could be read, or that it was not taken over.
    pub people_runs_failed: AtomicU64,
    /// Entries that could not be taken over as they are in the last run; not a count since the
    /// start.
    pub people_findings: AtomicU64,
}

impl AdminNumbers {
    /// One more.
    pub fn count(number: &AtomicU64) {
        number.fetch_add(1, Ordering::Relaxed);
    }
}
