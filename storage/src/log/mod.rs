//! The commit log: one order over all rooms of the server, durable before it is acknowledged.
//!
//! Records are appended to a batch in memory; a commit writes the batch with one write and makes it
//! durable with one sync. What queues up while the sync runs is the next batch, so that the number
//! of syncs follows the disk and not the load. Files are segments of some 64 MiB, removed as a
//! whole when every reader has taken what is in them.
//!
//! A write or sync that fails is the end: the log refuses everything from then on, and the process
//! must be started anew. Systems forget what a failed sync did not write, and let the next one
//! succeed.

pub(crate) mod cursor;
mod cut;
mod error;
mod fault;
pub(crate) mod quota;
mod reader;
pub(crate) mod record;
mod recovery;
mod segment;
#[cfg(test)]
mod tests;
mod window;
mod writer;

pub use cursor::{CURSORS_MAX, CursorId};
pub use cut::cut;
pub use error::{AttachError, Fatal, OpenError, Place, ReadError, Refused};
pub use fault::{Fault, HeaderFault};
pub use reader::{Batch, Reader};
pub use record::{Entry, PAYLOAD_BYTES_MAX};
pub use recovery::{Recovered, TornTail};
pub use segment::{VERSION, name as segment_name};
pub use writer::Log;

use crate::disk::Disk;
use std::fmt;

/// A place in the log: 1 for the first record, rising by one; 0 for "nothing yet".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Position(pub u64);

impl Position {
    /// The one after it.
    pub fn next(self) -> Position {
        Position(self.0.checked_add(1).expect("no log gets that long"))
    }

    /// The one before it; of 0, 0.
    pub fn previous(self) -> Position {
        Position(self.0.saturating_sub(1))
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// How a log is kept. It can be opened with other options than it was written with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// A segment that has reached this length gets a successor. It is longer by one commit at most.
    pub segment_bytes: u64,
    /// All segments together; beyond it messages are refused.
    pub quota_bytes: u64,
    /// What can wait for one commit.
    pub batch_bytes: usize,
}

impl Default for Options {
    /// Segments of 64 MiB, 20 GiB in all, 8 MiB in one commit.
    fn default() -> Options {
        Options { segment_bytes: 64 << 20, quota_bytes: 20 << 30, batch_bytes: 8 << 20 }
    }
}

/// How far what has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watermarks {
    /// The oldest record that is kept; one beyond `appended` if there is none.
    pub oldest: Position,
    /// The last record taken in.
    pub appended: Position,
    /// The last record that survives power loss. What may be acknowledged.
    pub durable: Position,
    /// How far each reader has taken, by its name.
    pub cursors: Vec<(&'static str, Position)>,
    /// Bytes of all segments and of what waits for the next commit.
    pub used_bytes: u64,
    /// Bytes from which on messages are refused: the quota, or what the disk has room for.
    pub limit_bytes: u64,
    /// At least four fifths of the limit are used.
    pub is_alarm: bool,
}

/// One file of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Segment {
    first: Position,
    bytes: u64,
}

/// Looks through a log as opening it would, and changes nothing. What it says would be cut is still
/// there afterwards.
///
/// # Errors
/// Those of [`Log::open`].
pub fn verify<D: Disk>(disk: &mut D) -> Result<Recovered, OpenError> {
    recovery::survey(disk).map(|survey| survey.recovered)
}
