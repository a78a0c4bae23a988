//! Keeps what was acknowledged.
//!
//! [`sql`] keeps messages for ever, in SQLite or PostgreSQL.
#![deny(unsafe_code)]

pub mod sql;
