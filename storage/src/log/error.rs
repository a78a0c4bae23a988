//! What can go wrong, each with what an operator can do.

use super::fault::{Fault, HeaderFault};
use super::segment::VERSION;
use super::{PAYLOAD_BYTES_MAX, Position};
use crate::disk::DiskError;
use std::fmt;

/// A place in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// File name of the segment.
    pub segment: String,
    /// Bytes from its start.
    pub offset: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.segment, self.offset)
    }
}

/// Why a log cannot be opened. Nothing was changed, unless it is [`OpenError::Disk`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OpenError {
    /// The disk failed.
    Disk(DiskError),
    /// Something that was durable is not readable any more.
    Damaged {
        /// Where the damage begins.
        place: Place,
        /// The first record that is gone.
        position: Position,
        /// What is there instead.
        fault: Fault,
        /// Up to where records are known to have been durable.
        known_durable: Position,
    },
    /// A segment's header is damaged or not the expected one.
    Header {
        /// File name of the segment.
        segment: String,
        /// What is wrong.
        fault: HeaderFault,
    },
    /// A segment is not there.
    Missing {
        /// File name of the segment.
        segment: String,
        /// File name of the next one that is there, if any.
        next: Option<String>,
    },
    /// Records do not follow each other.
    Order {
        /// Where.
        place: Place,
        /// What should be there.
        expected: Position,
        /// What is there.
        found: Position,
    },
    /// A record says other things of what was durable than the records before it.
    Watermark {
        /// Where.
        place: Place,
        /// Last position known to be durable by the records before it.
        expected: Position,
        /// What the record says.
        found: Position,
    },
    /// A record of a kind, or with flags, that this version does not know.
    Unknown {
        /// Where.
        place: Place,
        /// Its kind.
        kind: u8,
        /// Its flags.
        flags: u8,
    },
    /// The checksum is right, the contents make no sense.
    Payload {
        /// Where.
        place: Place,
        /// Which record.
        position: Position,
    },
    /// A file that looks like a segment and cannot be one.
    Strange {
        /// Its name.
        file: String,
    },
}

impl OpenError {
    /// What an operator can do.
    pub fn advice(&self) -> &'static str {
        match self {
            OpenError::Disk(_) => "look after the disk and the folder's rights, then start again",
            OpenError::Damaged { .. } | OpenError::Payload { .. } | OpenError::Watermark { .. } => {
                "stop, keep a copy of the folder, restore the segment from a copy that \
                 `parlance log verify` accepts; if there is none, cut the log there deliberately: \
                 everything from that record on is given up"
            }
            OpenError::Header { fault: HeaderFault::Version { .. }, .. }
            | OpenError::Unknown { .. } => "start the version that wrote it, or a newer one",
            OpenError::Header { .. } | OpenError::Order { .. } => {
                "stop, keep a copy of the folder, put the right segment back under its name and \
                 run `parlance log verify`; or cut the log before it deliberately"
            }
            OpenError::Missing { .. } => {
                "put the segment back and run `parlance log verify`; if it is lost, cut the log \
                 before the gap deliberately, or take the older segments away if everything in \
                 them is in the database"
            }
            OpenError::Strange { .. } => "move the file out of the log's folder",
        }
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OpenError::Disk(error) => write!(f, "{error}")?,
            OpenError::Damaged { place, position, fault, known_durable } => write!(
                f,
                "{place}: record {position} is damaged, and records up to {known_durable} were \
                 durable: {fault}"
            )?,
            OpenError::Header { segment, fault } => write!(f, "{segment}: bad header: {fault}")?,
            OpenError::Missing { segment, next: Some(next) } => {
                write!(f, "{segment} is missing; the next segment is {next}")?;
            }
            OpenError::Missing { segment, next: None } => {
                write!(f, "{segment} is missing; it was the last one")?;
            }
            OpenError::Order { place, expected, found } => {
                write!(f, "{place}: expected record {expected}, found record {found}")?;
            }
            OpenError::Watermark { place, expected, found } => write!(
                f,
                "{place}: expected a record written when {expected} was durable, found {found}"
            )?,
            OpenError::Unknown { place, kind, flags } => write!(
                f,
                "{place}: a record of kind {kind} with flags {flags:#x}, which format version \
                 {VERSION} as this program knows it does not have"
            )?,
            OpenError::Payload { place, position } => {
                write!(f, "{place}: record {position} has the right checksum but makes no sense")?;
            }
            OpenError::Strange { file } => write!(f, "{file} is no segment's name")?,
        }
        write!(f, ". What to do: {}.", self.advice())
    }
}

impl std::error::Error for OpenError {}

impl From<DiskError> for OpenError {
    fn from(error: DiskError) -> OpenError {
        OpenError::Disk(error)
    }
}

/// Why a record is not taken. Nothing is lost: it was not acknowledged, and is not in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// The quota or the disk is full; trim the log, or make room.
    Full,
    /// As much as one commit may hold is waiting: commit, then append again.
    BatchFull,
    /// Longer than [`PAYLOAD_BYTES_MAX`].
    TooLong,
    /// A write or a sync failed: the process must end and recover.
    Poisoned,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::Full => f.write_str("the log is full"),
            Refused::BatchFull => f.write_str("too much waits for the next commit"),
            Refused::TooLong => write!(f, "longer than {PAYLOAD_BYTES_MAX} bytes"),
            Refused::Poisoned => f.write_str("the log's disk failed"),
        }
    }
}

impl std::error::Error for Refused {}

/// A write or sync that failed. What the disk holds is unknown from then on, also if a later sync
/// were to succeed; so the log does nothing any more, and the process must end and recover.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fatal(pub DiskError);

impl fmt::Display for Fatal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the log's disk failed and cannot be trusted until a restart: {}", self.0)
    }
}

impl std::error::Error for Fatal {}

/// Why a reader cannot read on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadError {
    /// The disk failed; may be tried again.
    Disk(DiskError),
    /// What was asked for has been removed.
    Trimmed {
        /// What was asked for.
        wanted: Position,
        /// The oldest record that is there.
        oldest: Position,
    },
    /// A durable record is not readable. The process must end: recovery will say more.
    Damaged {
        /// Where.
        place: Place,
        /// Which record.
        position: Position,
        /// What is there, as text.
        found: String,
    },
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReadError::Disk(error) => write!(f, "{error}"),
            ReadError::Trimmed { wanted, oldest } => {
                write!(f, "record {wanted} is not kept any more; the oldest is {oldest}")
            }
            ReadError::Damaged { place, position, found } => {
                write!(f, "{place}: record {position} is damaged: {found}")
            }
        }
    }
}

impl std::error::Error for ReadError {}

impl From<DiskError> for ReadError {
    fn from(error: DiskError) -> ReadError {
        ReadError::Disk(error)
    }
}

/// Why a reader's position does not fit the log: one of the two is not the one it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttachError {
    /// The reader has taken what the log does not have: acknowledged records are gone from the log,
    /// or the reader belongs to another one.
    Ahead {
        /// Up to where the reader has taken.
        reader: Position,
        /// The log's last record.
        durable: Position,
    },
    /// Records that the reader has not taken are removed.
    Behind {
        /// Up to where the reader has taken.
        reader: Position,
        /// The log's oldest record.
        oldest: Position,
    },
}

impl fmt::Display for AttachError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AttachError::Ahead { reader, durable } => write!(
                f,
                "the reader has taken records up to {reader}, the log ends at {durable}: records \
                 are gone from the log, or it belongs to another store"
            ),
            AttachError::Behind { reader, oldest } => write!(
                f,
                "the reader has taken records up to {reader}, the log begins at {oldest}: it \
                 misses what lies between"
            ),
        }
    }
}

impl std::error::Error for AttachError {}
