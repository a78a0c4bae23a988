//! The commit log's thread: makes durable what the shards append, together and in one order.
//!
//! ```text
//! shard ─ LogEnd ─> lane ─┐                       ┌─> durable ticket ─> bell ─> shard
//! shard ─ LogEnd ─> lane ─┼─> append … one commit ┤
//! shard ─ LogEnd ─> lane ─┘                       └─> store's watermark
//! ```
//!
//! While a commit's sync runs, records gather in the lanes; they are the next commit. So the number
//! of syncs follows the disk, and the time a post waits is one sync, two at most.
//!
//! With `ack = "sql"` the way back begins at the database: the log's thread wakes the feeder after
//! each commit, keeps in mind what was in it ([`waiting`]), and tells the shards when the feeder
//! has brought it there.
//!
//! A failed write or sync ends the process: what the disk holds is unknown then, and only a new
//! start finds out. Nothing that was acknowledged can be lost by it.

mod background;
mod endpoints;
mod engine;
mod identity;
mod lane;
mod numbers;
pub mod people;
mod query;
mod replication;
mod rooms;
mod service;
mod start;
mod store;
mod waiting;

pub use background::Background;
pub use endpoints::{Endpoints, start_writer};
pub use engine::{folder, lock, sled_folder};
pub use identity::{identity, identity_known};
pub use lane::{Desk, LogEnd, News};
pub use numbers::LogNumbers;
pub use query::{Queries, QueryEnd};
pub use replication::{Replication, replica_path};
pub use rooms::LiveRooms;
pub use service::Service;
pub use start::{Opened, Restored, open};
pub use store::{Archive, Feeder, cursor_name, unusable};
