//! Keeps what was acknowledged.
//!
//! [`log`] is the commit log: the truth between the acknowledgement and the database. Its logic
//! names no file, clock, thread or randomness; it works on a [`Disk`], of which there are three:
//! [`disk::real`], the only module here that reaches the operating system, [`disk::memory`], for a
//! log that need not survive, and [`disk::fake`], a disk in memory that loses, tears, reorders,
//! fills up and fails on demand.
//!
//! [`sql`] keeps messages for ever, in SQLite or PostgreSQL; [`flusher`] decides when what the log
//! has committed goes there.
//!
//! ```text
//! append ─> batch ─ commit: one write, one sync ─> segment files
//!                                                    │ up to the durable watermark
//!                                                    └─> readers, each at its own position ─> sql
//! ```
#![deny(unsafe_code)]

pub mod disk;
pub mod engine;
#[cfg(feature = "sql")]
pub mod flusher;
pub mod log;
#[cfg(feature = "sql")]
pub mod sql;

pub use disk::{Disk, DiskError};
pub use engine::{Engine, EngineReader};
pub use log::{Log, Options, Position, Reader, Recovered};
