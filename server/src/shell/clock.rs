//! The one place that reads clocks for the core.

use parlance_core::{Instant, Now};
use parlance_wire::xccos::Timestamp;
use std::time::SystemTime;

/// Makes [`Now`] from CLOCK_MONOTONIC and the wall clock. All shards share one start, so that their
/// instants can be compared.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    start: std::time::Instant,
}

impl Clock {
    /// A clock that starts now.
    pub fn start() -> Clock {
        Clock { start: std::time::Instant::now() }
    }

    /// The same clock, `ms` milliseconds later: for tests of deadlines.
    #[cfg(test)]
    pub fn later_by_ms(&self, ms: u64) -> Clock {
        Clock { start: self.start - std::time::Duration::from_millis(ms) }
    }

    /// This moment.
    pub fn now(&self) -> Now {
        let micros = self.start.elapsed().as_micros();
        let instant = Instant(u64::try_from(micros).expect("584,000 years of microseconds fit"));
        // A wall clock before 1970 is a broken machine; showing 1970 harms nobody.
        let since_1970 =
            SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let ticks = i64::try_from(since_1970.as_nanos() / 100).unwrap_or(i64::MAX);
        Now { instant, wall: Timestamp(ticks) }
    }

    /// Seconds since the start.
    pub fn uptime_s(&self) -> f64 {
        self.start.elapsed().as_secs_f64()
    }
}
