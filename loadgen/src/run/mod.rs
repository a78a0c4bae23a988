//! One load run: sign in, join, load, drain, read back, leave, check.

mod backoff;
mod connection;
mod gauges;
mod link;
mod mix;
mod owed;
mod pace;
mod phases;
mod plan;
mod process;
mod profile;
mod progress;
mod read_back;
mod readers;
mod summary;
mod watch;
mod world;

pub use plan::{LINKS_PER_ADDRESS, Plan};
pub use profile::server_config;

use parlance_loadgen::results::Summary;
use std::io;
use std::time::{Duration, Instant};

/// Entries of the completion queue: a read and a write of each link may complete in one turn.
const COMPLETIONS: u32 = 65_536;

/// How long a ring is asked for while there is no memory for it, and how often.
const RING_PATIENCE: Duration = Duration::from_secs(2);
const RING_AGAIN_EVERY: Duration = Duration::from_millis(10);

/// Runs the plan on this thread; prints and writes what it found.
pub fn run(plan: Plan) -> Result<Summary, String> {
    process::raise_descriptor_limit(plan.links.count().into())?;
    let runtime = runtime().map_err(|error| format!("no io_uring here: {error}"))?;
    runtime.block_on(phases::run(plan))
}

/// A ring and what drives it. While the page cache has nearly all memory, the kernel may refuse the
/// pages of a ring that it could give a moment later.
fn runtime() -> io::Result<tokio_uring::Runtime> {
    let mut ring = tokio_uring::uring_builder();
    ring.setup_cqsize(COMPLETIONS);
    let mut builder = tokio_uring::builder();
    builder.uring_builder(&ring);
    let end = Instant::now() + RING_PATIENCE;
    loop {
        match tokio_uring::Runtime::new(&builder) {
            Err(error) if error.kind() == io::ErrorKind::OutOfMemory && Instant::now() < end => {
                std::thread::sleep(RING_AGAIN_EVERY);
            }
            outcome => return outcome,
        }
    }
}
