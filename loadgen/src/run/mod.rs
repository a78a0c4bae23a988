//! One load run: sign in, join, load, drain, read back, leave, check.

mod backoff;
mod connection;
mod link;
mod owed;
mod pace;
mod phases;
mod plan;
mod process;
mod progress;
mod read_back;
mod summary;
mod world;

pub use plan::Plan;
pub use summary::Summary;

/// Entries of the completion queue: a read and a write of each link may complete in one turn.
const COMPLETIONS: u32 = 65_536;

/// Runs the plan on this thread; prints and writes what it found.
pub fn run(plan: Plan) -> Result<Summary, String> {
    process::raise_descriptor_limit(plan.links.into())?;
    let mut ring = tokio_uring::uring_builder();
    ring.setup_cqsize(COMPLETIONS);
    let mut builder = tokio_uring::builder();
    builder.uring_builder(&ring);
    let runtime = tokio_uring::Runtime::new(&builder)
        .map_err(|error| format!("no io_uring here: {error}"))?;
    runtime.block_on(phases::run(plan))
}
