//! The broker as a deterministic state machine.
//!
//! A [`Shard`] is everything one core does: its links, the sessions on them, the rooms it owns. It
//! touches no clock, socket, file, thread or randomness; the shell feeds it [`Input`] and carries
//! out its [`Output`], in production (`server`) as in the simulator (`tests`).
//!
//! ```text
//! bytes -> link -> session (SIP dialog) -> Mail -> room (owner shard) -> Append -> log
//!                                                   Committed -> Mail::Deliver -> feed -> sessions
//! ```
//!
//! It cannot fail, only refuse: a peer's fault is an [`Event`] and a counter; a broken invariant is
//! a panic. Every table and queue has a bound in [`Limits`].
#![forbid(unsafe_code)]

pub mod admin;
pub mod archive;
mod bucket;
pub mod counters;
pub mod directory;
pub mod limits;
pub mod log;
pub mod mail;
pub mod outbox;
pub mod policy;
pub mod shard;
pub mod time;

pub use archive::{Answer, Endpoint, MemoryArchive, Query, QueryKey};
pub use counters::{Counters, Gauges, Refusal};
pub use directory::{Directory, RoomConfig};
pub use limits::Limits;
pub use log::{MemoryLog, Record, RoomEnd};
pub use mail::{Mail, ShardId};
pub use outbox::Body;
pub use shard::{Close, Event, Input, LinkId, LinkInfo, Output, Setup, Shard, Transport};
pub use time::{Instant, Now};
