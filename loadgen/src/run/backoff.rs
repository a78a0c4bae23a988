//! How long to wait before the next try at a server that is away or has no room.

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use std::time::Duration;

/// The first wait, before it is spread.
const FIRST: Duration = Duration::from_millis(20);
/// Doublings: no wait is longer than 1.28 s.
const DOUBLINGS_MAX: u32 = 6;

/// The wait before try number `tries` (from 0) of somebody: doubled each time up to a bound, and
/// spread over the upper half of its length, so that those who lost their links together do not
/// all come back together. It follows from the run's seed.
pub fn wait(seed: u64, who: u32, tries: u32) -> Duration {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    // Stream 0 chooses authors and rooms.
    random.set_stream(u64::from(who) + 1);
    random.set_word_pos(u128::from(tries));
    let whole = FIRST * (1 << tries.min(DOUBLINGS_MAX));
    let part = f64::from(random.next_u32()) / f64::from(u32::MAX);
    whole.mul_f64((1.0 + part) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_bound_and_follow_from_the_seed() {
        let waits = |seed, who| (0..40).map(|n| wait(seed, who, n)).collect::<Vec<Duration>>();
        let some = waits(1, 0);
        let longest = FIRST * (1 << DOUBLINGS_MAX);
        assert!(some[0] >= FIRST / 2 && some[0] <= FIRST);
        assert!(some[10..].iter().all(|wait| *wait >= longest / 2 && *wait <= longest));
        assert_eq!(some, waits(1, 0));
        assert!(some != waits(1, 1) && some != waits(2, 0));
    }
}
