//! A rate limit in eight bytes (the generic cell rate algorithm).

use crate::time::Instant;

/// Admits `rate` acts a second on average and `burst` at once.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Bucket {
    /// When the bucket would be full again if nothing more were taken.
    full_at: Instant,
}

impl Bucket {
    /// Takes one act; false when the bucket is empty, which changes nothing.
    pub(crate) fn take(&mut self, now: Instant, rate: u32, burst: u32) -> bool {
        let cost_us = 1_000_000 / u64::from(rate.max(1));
        let full_at = self.full_at.max(now) + cost_us;
        if full_at.0 - now.0 > cost_us * u64::from(burst.max(1)) {
            return false;
        }
        self.full_at = full_at;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_then_the_rate() {
        let mut bucket = Bucket::default();
        let start = Instant(5_000_000);
        let taken = (0..10).filter(|_| bucket.take(start, 10, 3)).count();
        assert_eq!(taken, 3, "the burst and no more");
        assert!(!bucket.take(start.plus_ms(99), 10, 3));
        assert!(bucket.take(start.plus_ms(100), 10, 3), "one more after a tenth of a second");
        assert!(!bucket.take(start.plus_ms(100), 10, 3));
        let later = (0..10).filter(|_| bucket.take(start.plus_ms(60_000), 10, 3)).count();
        assert_eq!(later, 3, "idle time is worth no more than the burst");
    }
}
