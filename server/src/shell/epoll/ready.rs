//! What is to be polled next, and waking the loop from other threads.

use crate::shell::driver::LinkKey;
use rustix::event::{EventfdFlags, eventfd};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Wake, Waker};
use std::thread::ThreadId;

/// Something to be polled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// Letters and orders.
    Mail,
    /// One link.
    Link(LinkKey),
}

/// The tasks that were woken, in order; a task may be there more than once.
#[derive(Debug)]
pub struct Ready {
    tasks: Mutex<Vec<Task>>,
    /// Ends the loop's waiting.
    event: OwnedFd,
    /// The loop's thread: while it runs it does not wait, so its own wakes need no event.
    owner: ThreadId,
}

impl Ready {
    /// An empty list of the calling thread's loop.
    ///
    /// # Errors
    /// If there is no descriptor to be had.
    pub fn new() -> io::Result<Arc<Ready>> {
        let event = eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC)?;
        let owner = std::thread::current().id();
        Ok(Arc::new(Ready { tasks: Mutex::default(), event, owner }))
    }

    /// What becomes readable when another thread wakes a task.
    pub fn event(&self) -> BorrowedFd<'_> {
        self.event.as_fd()
    }

    /// Notes that the loop has seen that.
    pub fn clear_event(&self) {
        // Nothing to read means somebody else's event was handled already.
        let _ = rustix::io::read(&self.event, &mut [0; 8]);
    }

    /// Puts a task at the end.
    pub fn push(&self, task: Task) {
        self.lock().push(task);
    }

    /// True when no task waits.
    pub fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// Takes all tasks into `into`, which must be empty: the two change places.
    pub fn take(&self, into: &mut Vec<Task>) {
        debug_assert!(into.is_empty());
        std::mem::swap(&mut *self.lock(), into);
    }

    /// A waker of `task`.
    pub fn waker(ready: &Arc<Ready>, task: Task) -> Waker {
        Arc::new(TaskWaker { task, ready: ready.clone() }).into()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Task>> {
        self.tasks.lock().expect("nobody panics while holding it")
    }
}

struct TaskWaker {
    task: Task,
    ready: Arc<Ready>,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.ready.push(self.task);
        if std::thread::current().id() != self.ready.owner {
            // It can only fail when the counter is full, and then the loop is woken anyway.
            let _ = rustix::io::write(&self.ready.event, &1u64.to_ne_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_other_threads_ring() {
        let ready = Ready::new().unwrap();
        let waker = Ready::waker(&ready, Task::Mail);
        let mut bytes = [0; 8];
        waker.wake_by_ref();
        assert!(rustix::io::read(&ready.event, &mut bytes).is_err());
        std::thread::spawn(move || waker.wake()).join().unwrap();
        assert_eq!(rustix::io::read(&ready.event, &mut bytes), Ok(8));
        let mut tasks = Vec::new();
        ready.take(&mut tasks);
        assert_eq!(tasks, [Task::Mail, Task::Mail]);
        assert!(ready.is_empty());
    }
}
