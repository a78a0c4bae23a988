//! A thread beside the shards that has something to finish when the server ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread::Thread;
use std::time::Duration;

/// The end of the thread that the main thread holds.
pub struct Background {
    thread: Thread,
    is_closing: Arc<AtomicBool>,
    /// Closed when the thread has ended.
    ended: Receiver<()>,
}

impl Background {
    /// Starts it. Once the flag is raised `work` does what is left and returns; it is unparked
    /// then.
    ///
    /// # Errors
    /// Why the server must not start.
    pub fn start(
        name: &str,
        work: impl FnOnce(&AtomicBool) + Send + 'static,
    ) -> Result<Background, String> {
        let is_closing = Arc::<AtomicBool>::default();
        let (flag, (end, ended)) = (is_closing.clone(), channel());
        let thread = std::thread::Builder::new().name(name.into()).spawn(move || {
            work(&flag);
            drop(end);
        });
        let thread = thread.map_err(|e| format!("no thread {name:?}: {e}"))?;
        Ok(Background { thread: thread.thread().clone(), is_closing, ended })
    }

    /// To be woken by others.
    pub fn thread(&self) -> &Thread {
        &self.thread
    }

    /// Lets it finish, for as long as `patience` lasts.
    pub fn finish(self, patience: Duration) {
        self.is_closing.store(true, Ordering::Release);
        self.thread.unpark();
        let _ = self.ended.recv_timeout(patience);
    }
}
