//! Time: a sleeper finer than a millisecond, and the schedule of arrivals.

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use rustix::time::{
    ClockId, Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, clock_gettime,
    timerfd_create, timerfd_settime,
};
use std::time::{Duration, Instant};
use tokio_uring::fs::File;

/// Shortest sleep: many arrivals a second then share one turn of the loop.
const SLEEP_MIN: Duration = Duration::from_micros(100);

/// Sleeps by a timer descriptor read through the ring. The runtime's own timers count in
/// milliseconds, which is as long as a delivery takes.
pub struct Sleeper {
    timer: std::os::fd::OwnedFd,
    reader: File,
    buffer: Vec<u8>,
}

impl Sleeper {
    /// Makes the timer.
    pub fn new() -> Result<Sleeper, String> {
        let fail = |error: &dyn std::fmt::Display| format!("no timer: {error}");
        let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::CLOEXEC)
            .map_err(|error| fail(&error))?;
        let copy = timer.try_clone().map_err(|error| fail(&error))?;
        let reader = File::from_std(std::fs::File::from(copy));
        Ok(Sleeper { timer, reader, buffer: Vec::with_capacity(8) })
    }

    /// Sleeps until `wake`, at least a tenth of a millisecond.
    pub async fn until(&mut self, wake: Instant) {
        let wait = wake.saturating_duration_since(Instant::now()).max(SLEEP_MIN);
        let it_value =
            Timespec { tv_sec: wait.as_secs() as i64, tv_nsec: i64::from(wait.subsec_nanos()) };
        let it_interval = Timespec { tv_sec: 0, tv_nsec: 0 };
        let once = Itimerspec { it_interval, it_value };
        timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &once)
            .expect("a timer of our own can be set");
        let buffer = std::mem::take(&mut self.buffer);
        let (result, buffer) = self.reader.read_at(buffer, 0).await;
        self.buffer = buffer;
        self.buffer.clear();
        result.expect("a timer of our own can be read");
    }

    /// Sleeps for `wait`.
    pub async fn pause(&mut self, wait: Duration) {
        self.until(Instant::now() + wait).await;
    }
}

/// Now, by the clock that all processes of the machine share: nanoseconds from some start.
pub fn shared_now_ns() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

/// The moment that [`shared_now_ns`] calls so.
pub fn moment(shared_ns: u64) -> Instant {
    let (now, now_ns) = (Instant::now(), shared_now_ns());
    match shared_ns.checked_sub(now_ns) {
        Some(ahead) => now + Duration::from_nanos(ahead),
        None => now - Duration::from_nanos(now_ns - shared_ns),
    }
}

/// Arrivals at a rate, whatever the server does. A late arrival does not move the ones behind it,
/// so a slow server cannot slow its own test down. When they are due is the same in each process
/// that has the same start, rate and seed.
#[derive(Debug, Clone)]
pub struct Schedule {
    start: Instant,
    per_second: f64,
    taken: u64,
    count_max: u64,
    /// Arrivals are due before.
    lasts_s: f64,
    /// When the next is due, from the start.
    offset_s: f64,
    /// Chooses the gaps, where they are not all the same.
    gaps: Option<ChaCha8Rng>,
}

impl Schedule {
    /// As many arrivals as fall into `duration`: number n at `start + n / rate`.
    pub fn lasting(start: Instant, per_second: f64, duration: Duration) -> Schedule {
        let count = (per_second * duration.as_secs_f64()).floor() as u64;
        let lasts_s = duration.as_secs_f64();
        Schedule { lasts_s, ..Schedule::counting(start, per_second, count) }
    }

    /// `count` arrivals.
    pub fn counting(start: Instant, per_second: f64, count: u64) -> Schedule {
        let (count_max, lasts_s) = (count, f64::INFINITY);
        Schedule { start, per_second, taken: 0, count_max, lasts_s, offset_s: 0.0, gaps: None }
    }

    /// The same rate, but each arrival by itself, as people do (a Poisson process): gaps are
    /// exponentially distributed. How many fall into a duration is chance, then.
    pub fn poisson(mut self, seed: u64, stream: u64) -> Schedule {
        let mut gaps = ChaCha8Rng::seed_from_u64(seed);
        gaps.set_stream(stream);
        self.offset_s = gap(&mut gaps, self.per_second);
        if self.lasts_s.is_finite() {
            self.count_max = u64::MAX;
        }
        self.gaps = Some(gaps);
        self
    }

    /// When the next arrival is due; `None` after the last.
    pub fn due(&self) -> Option<Instant> {
        let is_left = self.taken < self.count_max && self.offset_s < self.lasts_s;
        is_left.then(|| self.start + Duration::from_secs_f64(self.offset_s))
    }

    /// Takes the next arrival if it is due at `now`: when it was due.
    pub fn take(&mut self, now: Instant) -> Option<Instant> {
        let due = self.due().filter(|due| *due <= now)?;
        self.taken += 1;
        self.offset_s = match &mut self.gaps {
            None => self.taken as f64 / self.per_second,
            Some(gaps) => self.offset_s + gap(gaps, self.per_second),
        };
        Some(due)
    }
}

/// Seconds to the next arrival; none comes at rate 0.
fn gap(random: &mut ChaCha8Rng, per_second: f64) -> f64 {
    let part = (random.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
    -(1.0 - part).ln() / per_second
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn late_arrivals_do_not_move_the_others() {
        let start = Instant::now();
        let mut schedule = Schedule::lasting(start, 10.0, Duration::from_secs(1));
        assert_eq!(schedule.take(start), Some(start));
        assert_eq!(schedule.take(start), None);
        let late = start + Duration::from_secs(5);
        let offsets: Vec<u128> = std::iter::from_fn(|| schedule.take(late))
            .map(|due| (due - start).as_millis())
            .collect();
        assert_eq!(offsets, [100, 200, 300, 400, 500, 600, 700, 800, 900]);
        assert_eq!(schedule.due(), None);
    }

    #[test]
    fn poisson_arrivals_keep_the_rate_and_the_seed_repeats_them() {
        let start = Instant::now();
        let offsets = |seed| {
            let even = Schedule::lasting(start, 1_000.0, Duration::from_secs(10));
            let mut schedule = even.poisson(seed, 7);
            let late = start + Duration::from_secs(60);
            let dues = std::iter::from_fn(|| schedule.take(late));
            dues.map(|due| due - start).collect::<Vec<Duration>>()
        };
        let some = offsets(1);
        // Ten thousand, give or take five standard deviations.
        assert!((9_500..10_500).contains(&some.len()), "{}", some.len());
        assert!(some.is_sorted() && some.last() < Some(&Duration::from_secs(10)));
        let short = some.windows(2).filter(|two| two[1] - two[0] < Duration::from_micros(693));
        // Half of all gaps are below ln 2 of the mean one.
        let part = short.count() as f64 / some.len() as f64;
        assert!((0.47..0.53).contains(&part), "{part}");
        assert_eq!(some, offsets(1));
        assert!(some != offsets(2));
    }

    #[test]
    fn a_moment_is_the_same_by_both_clocks() {
        let (before, shared_ns) = (Instant::now(), shared_now_ns());
        let after = Instant::now();
        let slack = Duration::from_millis(1);
        let there = moment(shared_ns);
        assert!(there + slack >= before && there <= after + slack);
        assert!(moment(shared_ns + 5_000_000_000) >= there + Duration::from_secs(4));
    }

    #[test]
    fn no_rate_is_no_arrival() {
        let start = Instant::now();
        let none = Schedule::lasting(start, 0.0, Duration::from_secs(9));
        assert_eq!(none.poisson(1, 1).due(), None);
        assert_eq!(Schedule::lasting(start, 0.0, Duration::from_secs(9)).due(), None);
    }
}
