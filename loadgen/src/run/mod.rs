//! One load run: sign in, join, load, drain, read back, leave, check.

mod backoff;
mod connection;
mod crew;
mod gauges;
mod laggards;
mod life;
mod link;
mod links;
mod meeting;
mod mix;
mod owed;
mod pace;
mod phases;
mod plan;
mod posts;
mod process;
mod profile;
mod progress;
mod read_back;
mod readers;
mod rooms;
mod share;
mod sizes;
mod summary;
mod watch;
mod world;

pub use plan::Plan;
pub use profile::{SERVERS_MAX, server_config};
pub use share::{LINKS_PER_ADDRESS, Share};
pub use sizes::MessageBytes;

use meeting::{Found, Word};
use parlance_loadgen::results::{Measured, Summary, Verdict};
use std::io;
use std::time::{Duration, Instant};
use summary::Publication;
use world::Outcome;

/// Entries of the completion queue: a read and a write of each link may complete in one turn.
const COMPLETIONS: u32 = 65_536;

/// How long a ring is asked for while there is no memory for it, and how often.
const RING_PATIENCE: Duration = Duration::from_secs(2);
const RING_AGAIN_EVERY: Duration = Duration::from_millis(10);

/// Runs the plan, in this process or in several others; prints and writes what it found.
pub fn run(mut plan: Plan) -> Result<Summary, String> {
    plan.about.server_version = plan.metrics.and_then(gauges::fetch_version);
    let publication = Publication::of(&plan);
    let measured = match plan.workers {
        1 => alone(plan)?,
        workers => crew::run(&plan, workers)?,
    };
    publication.publish(measured)
}

fn alone(plan: Plan) -> Result<Measured, String> {
    let Outcome { mut measured, checker, missing } = on_ring(plan)?;
    measured.verdict = Verdict::from(&checker.finish());
    measured.counts.missing = missing.iter().map(|(_, count)| u64::from(*count)).sum();
    Ok(measured)
}

/// Does this process's share of a run, and hands over what it found.
pub fn share(plan: Plan) -> Result<(), String> {
    let Outcome { measured, checker, missing } = on_ring(plan)?;
    meeting::tell(&Word::Found(Box::new(Found { measured, part: checker.into_part(), missing })));
    Ok(())
}

fn on_ring(plan: Plan) -> Result<Outcome, String> {
    process::raise_descriptor_limit(plan.own_links().into())?;
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
