//! How a shard's numbers get to whoever asks, without the shard ever waiting.

use crate::shell::ShellCounters;
use parlance_core::{Counters, Gauges, Instant};
use std::sync::{Arc, Mutex, PoisonError};

/// A shard publishes its numbers this often, milliseconds.
const PUBLISH_MS: u64 = 500;

/// The shell's part of a shard's numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ShellState {
    /// Counters since the start.
    pub counters: ShellCounters,
    /// Connections in any stage, those in handshake and those closing included.
    pub connections: usize,
    /// Connections in TLS handshake.
    pub handshaking: usize,
    /// Letters from other shards that wait to be taken in.
    pub mail_waiting: usize,
    /// Letters to other shards that found their queue full.
    pub mail_overflowing: usize,
}

/// One shard's numbers at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// The core's counters.
    pub counters: Counters,
    /// The core's gauges.
    pub gauges: Gauges,
    /// The shell's.
    pub shell: ShellState,
}

/// A shard's end.
#[derive(Debug)]
pub struct Publisher {
    slot: Arc<Mutex<Snapshot>>,
    due: Instant,
}

impl Publisher {
    /// A publisher and the slot that a reader may look into at any time.
    pub fn new() -> (Publisher, Arc<Mutex<Snapshot>>) {
        let slot = Arc::<Mutex<Snapshot>>::default();
        (Publisher { slot: slot.clone(), due: Instant::default() }, slot)
    }

    /// When numbers are to be published next.
    pub fn due(&self) -> Instant {
        self.due
    }

    /// True when that moment has come.
    pub fn is_due(&self, now: Instant) -> bool {
        now >= self.due
    }

    /// Publishes. If a reader is looking this very moment, the next time must do.
    pub fn publish(
        &mut self,
        now: Instant,
        counters: &Counters,
        gauges: Gauges,
        shell: ShellState,
    ) {
        self.due = now.plus_ms(PUBLISH_MS);
        if let Ok(mut slot) = self.slot.try_lock() {
            slot.counters.clone_from(counters);
            slot.gauges = gauges;
            slot.shell = shell;
        }
    }
}

/// Looks into a slot.
pub fn read(slot: &Mutex<Snapshot>) -> Snapshot {
    slot.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_never_makes_the_shard_wait() {
        let (mut publisher, slot) = Publisher::new();
        let counters = Counters { posts: 7, ..Counters::default() };
        let now = Instant(1_000_000);
        assert!(publisher.is_due(now));
        let held = slot.lock().unwrap();
        publisher.publish(now, &counters, Gauges::default(), ShellState::default());
        drop(held);
        assert_eq!(read(&slot).counters.posts, 0);
        assert!(!publisher.is_due(now.plus_ms(499)));
        let next = now.plus_ms(500);
        assert!(publisher.is_due(next));
        publisher.publish(next, &counters, Gauges::default(), ShellState::default());
        assert_eq!(read(&slot).counters.posts, 7);
    }
}
