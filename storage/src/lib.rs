//! Keeps what was acknowledged.
//!
//! [`log`] is the commit log: the truth between the acknowledgement and the database. Its logic
//! names no file, clock, thread or randomness; it works on a [`Disk`], of which there are two:
//! [`disk::real`], the only module here that reaches the operating system, and [`disk::fake`], a
//! disk in memory that loses, tears, reorders, fills up and fails on demand.
//!
//! ```text
//! append ─> batch ─ commit: one write, one sync ─> segment files
//!                                                    │ up to the durable watermark
//!                                                    └─> readers, each at its own position
//! ```
#![deny(unsafe_code)]

pub mod disk;
pub mod engine;
pub mod log;

pub use disk::{Disk, DiskError};
pub use engine::Engine;
pub use log::{Log, Options, Position, Reader, Recovered};
