//! The io_uring shell: one glommio executor per shard.
//!
//! Its tasks: one per link ([`link`]), one per listening socket ([`accept`]), one that takes in
//! mail, and one that ends turns and keeps time ([`turn`]). They share the driver; none holds it
//! across an `await`, so borrowing it cannot fail.

mod accept;
mod link;
mod turn;

use super::driver::Driver;
use super::{Control, Report, Seat};
use crate::rings;
use futures_lite::future::{poll_fn, yield_now};
use glommio::{LocalExecutor, LocalExecutorBuilder, Placement, spawn_local};
use link::UringStream;
use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::thread::JoinHandle;
use std::time::Duration;

/// Entries of each submission ring. More may be asked for: glommio keeps the rest until there is
/// room.
const RING_DEPTH: usize = 1024;
/// Memory for storage I/O, bytes: the least possible, shards do none.
const IO_MEMORY_BYTES: usize = 64 * 1024;
/// While tasks are ready all the time, the kernel is asked for news at least this often.
const NEWS_EVERY: Duration = Duration::from_millis(2);

/// The driver as the tasks of one executor share it.
type Shared = Rc<RefCell<Driver<UringStream>>>;

/// Starts the thread of one shard. What becomes of it is told to the seat's supervisor.
///
/// # Errors
/// If there is no thread to be had.
pub fn start(seat: Seat) -> io::Result<JoinHandle<()>> {
    let name = format!("shard-{}", seat.setup.id.0);
    std::thread::Builder::new().name(name).spawn(move || {
        let (id, supervisor) = (seat.setup.id, seat.supervisor.clone());
        match executor(seat.cpu) {
            Ok(executor) => executor.run(serve(seat)),
            // If nobody listens any more, the process is ending anyway.
            Err(error) => _ = supervisor.send(Report::Failed(id, error)),
        }
    })
}

fn executor(cpu: Option<usize>) -> Result<LocalExecutor, String> {
    rings::executor(|| {
        LocalExecutorBuilder::new(cpu.map_or(Placement::Unbound, Placement::Fixed))
            .ring_depth(RING_DEPTH)
            .io_memory(IO_MEMORY_BYTES)
            .preempt_timer(NEWS_EVERY)
    })
}

/// Runs the shard; never ends.
async fn serve(seat: Seat) {
    let Seat { setup, parts, past, listeners, bell, control, supervisor, .. } = seat;
    let id = setup.id;
    let shard = super::furnish(setup, past, parts.clock);
    let driver: Shared = Rc::new(RefCell::new(Driver::new(shard, parts)));
    for (listener, transport) in listeners {
        spawn_local(accept::run(driver.clone(), listener, transport)).detach();
    }
    spawn_local(take_in_mail(driver.clone(), bell, control)).detach();
    // If nobody listens any more, the process is ending anyway.
    let _ = supervisor.send(Report::Started(id));
    turn::run(driver).await;
}

/// Waits at the bell: for letters, for room in full queues, for orders.
async fn take_in_mail(driver: Shared, bell: std::sync::Arc<super::doorbell::Doorbell>, c: Control) {
    loop {
        poll_fn(|cx| bell.poll_rung(cx)).await;
        if c.take_drain() {
            driver.borrow_mut().drain();
        }
        while driver.borrow_mut().receive_mail() {
            yield_now().await;
        }
    }
}
