//! Wakes a shard from another thread: one cheap ring however often it is rung before it is heard.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};

/// A bell that one task waits at and any thread may ring.
///
/// What was written before [`Doorbell::ring`] is seen after the [`Doorbell::poll_rung`] that
/// returns because of it, and no ring is lost: the listener leaves its waker first and looks at the
/// flag second, the ringer raises the flag first and takes the waker second.
#[derive(Debug, Default)]
pub struct Doorbell {
    rung: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

impl Doorbell {
    /// Rings. Only the first ring since the last hearing costs more than one atomic operation.
    pub fn ring(&self) {
        if self.rung.swap(true, Ordering::SeqCst) {
            return;
        }
        let waker = self.waker.lock().expect("nobody panics while holding it").take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Ready once for any number of rings since the last time it was ready.
    pub fn poll_rung(&self, cx: &mut Context<'_>) -> Poll<()> {
        {
            let mut waker = self.waker.lock().expect("nobody panics while holding it");
            if !waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
                *waker = Some(cx.waker().clone());
            }
        }
        match self.rung.swap(false, Ordering::SeqCst) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_lite::future::{block_on, poll_fn};
    use std::sync::Arc;
    use std::sync::atomic::AtomicU64;

    #[test]
    fn many_rings_are_heard_once() {
        let bell = Doorbell::default();
        bell.ring();
        bell.ring();
        block_on(poll_fn(|cx| bell.poll_rung(cx)));
        let mut cx = Context::from_waker(Waker::noop());
        assert!(bell.poll_rung(&mut cx).is_pending());
        bell.ring();
        assert!(bell.poll_rung(&mut cx).is_ready());
    }

    /// The listener counts what it sees after each ring; if a ring were lost it would sleep for
    /// ever.
    #[test]
    fn no_ring_is_lost_between_threads() {
        const ROUNDS: u64 = 20_000;
        let bell = Arc::new(Doorbell::default());
        let written = Arc::new(AtomicU64::new(0));
        let ringer = std::thread::spawn({
            let (bell, written) = (bell.clone(), written.clone());
            move || {
                for round in 1..=ROUNDS {
                    written.store(round, Ordering::Relaxed);
                    bell.ring();
                }
            }
        });
        let mut seen = 0;
        while seen < ROUNDS {
            block_on(poll_fn(|cx| bell.poll_rung(cx)));
            seen = written.load(Ordering::Relaxed);
        }
        ringer.join().unwrap();
    }
}
