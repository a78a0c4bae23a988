//! Time as an argument: the shell reads clocks, the core never does.

pub use parlance_wire::xccos::Timestamp;
use std::ops::Add;

/// Monotonic time in microseconds since an arbitrary start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Instant(pub u64);

impl Instant {
    /// Later by `ms` milliseconds; saturates.
    pub fn plus_ms(self, ms: u64) -> Instant {
        Instant(self.0.saturating_add(ms.saturating_mul(1000)))
    }

    /// Milliseconds since `earlier`; 0 if that is later.
    pub fn ms_since(self, earlier: Instant) -> u64 {
        self.0.saturating_sub(earlier.0) / 1000
    }
}

impl Add<u64> for Instant {
    type Output = Instant;

    /// Later by `us` microseconds.
    fn add(self, us: u64) -> Instant {
        Instant(self.0 + us)
    }
}

/// The moment at which an input is handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// Monotonic: for timers. Never goes back between two calls of one shard.
    pub instant: Instant,
    /// Wall clock: for `ts` only; may jump.
    pub wall: Timestamp,
}
