//! Time: a sleeper finer than a millisecond, and the schedule of arrivals.

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
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

/// Arrivals at a fixed rate, whatever the server does: number n is due at `start + n / rate`. A
/// late arrival does not move the ones behind it, so a slow server cannot slow its own test down.
#[derive(Debug, Clone, Copy)]
pub struct Schedule {
    start: Instant,
    per_second: f64,
    next: u64,
    count: u64,
}

impl Schedule {
    /// As many arrivals as fall into `duration`.
    pub fn lasting(start: Instant, per_second: f64, duration: Duration) -> Schedule {
        let count = (per_second * duration.as_secs_f64()).floor() as u64;
        Schedule { start, per_second, next: 0, count }
    }

    /// `count` arrivals.
    pub fn counting(start: Instant, per_second: f64, count: u64) -> Schedule {
        Schedule { start, per_second, next: 0, count }
    }

    /// When the next arrival is due; `None` after the last.
    pub fn due(&self) -> Option<Instant> {
        let offset = || Duration::from_secs_f64(self.next as f64 / self.per_second);
        (self.next < self.count).then(|| self.start + offset())
    }

    /// Takes the next arrival if it is due at `now`: when it was due.
    pub fn take(&mut self, now: Instant) -> Option<Instant> {
        let due = self.due().filter(|due| *due <= now)?;
        self.next += 1;
        Some(due)
    }
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
    fn no_rate_is_no_arrival() {
        let start = Instant::now();
        assert_eq!(Schedule::lasting(start, 0.0, Duration::from_secs(9)).due(), None);
    }
}
