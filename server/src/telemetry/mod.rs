//! What an operator sees: log lines on stderr, numbers and health over HTTP.
//!
//! Nothing here ever makes a shard wait, and nothing here ever contains the text of a message.

mod events;
mod http;
mod log;
mod metrics;
mod snapshot;

pub use events::Reporter;
pub use http::{Health, serve};
pub use log::{Format, LogGuard, start};
pub use metrics::Metrics;
pub use snapshot::{Publisher, ShellState, Snapshot};
