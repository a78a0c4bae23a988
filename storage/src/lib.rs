//! Keeps what was acknowledged.
//!
//! [`sql`] keeps messages for ever, in SQLite or PostgreSQL; [`flusher`] decides when what the log
//! has committed goes there.
#![deny(unsafe_code)]

pub mod flusher;
pub mod sql;
