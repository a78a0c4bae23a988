//! The task that ends turns and keeps time.

use super::Shared;
use futures_lite::FutureExt;
use futures_lite::future::poll_fn;
use glommio::timer::Timer;
use parlance_core::Instant;
use std::task::Poll;
use std::time::Duration;

/// How long the executor is left alone between two slices of the core's work. It must not be over
/// when the timer is looked at first: a timer that is due then lets nobody in between.
const BREATH: Duration = Duration::from_micros(1);

/// Ends each turn and does what is due, for ever.
///
/// Whatever happens in the executor wakes this task through the driver. A woken task goes to the
/// end of glommio's queue, so all that was ready before it is handled first and written together.
pub async fn run(driver: Shared) {
    let mut alarm = Alarm { timer: Timer::new(Duration::ZERO), at: None };
    loop {
        poll_fn(|cx| {
            if driver.borrow_mut().poll_turn(cx).is_ready() || alarm.timer.poll(cx).is_ready() {
                return Poll::Ready(());
            }
            Poll::Pending
        })
        .await;
        driver.borrow_mut().end_turn();
        if is_due(&driver) {
            // Work that the core put off so that others get their turn. A timer lets the executor
            // ask the kernel for news first; being woken at once would not.
            Timer::new(BREATH).await;
            driver.borrow_mut().on_deadline();
        }
        alarm.set(&driver);
    }
}

fn is_due(driver: &Shared) -> bool {
    let driver = driver.borrow();
    driver.deadline().is_some_and(|deadline| driver.micros_until(deadline) == 0)
}

/// A timer that is set anew only when that is needed.
struct Alarm {
    timer: Timer,
    at: Option<Instant>,
}

impl Alarm {
    /// Makes the timer go off at the driver's deadline.
    fn set(&mut self, driver: &Shared) {
        let driver = driver.borrow();
        let deadline = driver.deadline();
        if deadline != self.at
            && let Some(at) = deadline
        {
            self.timer = Timer::new(Duration::from_micros(driver.micros_until(at)));
        }
        self.at = deadline;
    }
}
