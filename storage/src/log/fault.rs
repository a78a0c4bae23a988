//! What bytes that should be a record, or a segment's header, are instead.

use super::Position;
use super::record::{self, PAYLOAD_BYTES_MAX};
use super::segment::{self, HEADER_BYTES, VERSION};
use std::fmt;

/// Why bytes are not a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The file ends too early.
    Short {
        /// Bytes a record needs here.
        expected_bytes: u64,
        /// Bytes that are there.
        found_bytes: u64,
    },
    /// Records begin otherwise.
    Magic {
        /// The first four bytes.
        found: [u8; 4],
    },
    /// Longer than any record.
    Length {
        /// The length it states, in bytes.
        found_bytes: u32,
    },
    /// The contents are not what was written.
    Checksum {
        /// The one stored.
        expected: u32,
        /// That of the bytes.
        found: u32,
    },
    /// The file ends well, but in the middle of what was committed together.
    BatchCut,
    /// The file ends well, but without the seal that its successor needs.
    NoSeal,
    /// Something follows the seal.
    AfterSeal,
    /// The records are good, but not those that were sealed.
    Digest {
        /// What the seal says.
        expected: u64,
        /// What the records give.
        found: u64,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Short { expected_bytes, found_bytes } => {
                write!(f, "{expected_bytes} bytes expected, {found_bytes} found")
            }
            Fault::Magic { found } => {
                write!(f, "expected bytes {:02x?}, found {found:02x?}", record::MAGIC)
            }
            Fault::Length { found_bytes } => {
                write!(f, "expected a length of at most {PAYLOAD_BYTES_MAX}, found {found_bytes}")
            }
            Fault::Checksum { expected, found } => {
                write!(f, "expected checksum {expected:08x}, found {found:08x}")
            }
            Fault::BatchCut => f.write_str("expected the rest of a commit, found the end"),
            Fault::NoSeal => f.write_str("expected a seal, found the end"),
            Fault::AfterSeal => f.write_str("expected the end after the seal, found more"),
            Fault::Digest { expected, found } => {
                write!(f, "expected records of digest {expected:08x}, found {found:08x}")
            }
        }
    }
}

/// What is wrong with a segment's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeaderFault {
    /// The file is shorter than a header.
    Short {
        /// Its length, in bytes.
        found_bytes: usize,
    },
    /// Segments begin otherwise.
    Magic {
        /// The first eight bytes.
        found: [u8; 8],
    },
    /// The contents are not what was written.
    Checksum {
        /// The one stored.
        expected: u32,
        /// That of the bytes.
        found: u32,
    },
    /// Another version of the format.
    Version {
        /// Which.
        found: u32,
    },
    /// The file has the name of another one.
    First {
        /// By its name.
        expected: Position,
        /// By its header.
        found: Position,
    },
    /// It was begun behind another segment than the one that is there.
    Previous {
        /// Length in bytes and last checksum by the header.
        expected: (u64, u32),
        /// Those of the segment that is there.
        found: (u64, u32),
    },
}

impl fmt::Display for HeaderFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HeaderFault::Short { found_bytes } => {
                write!(f, "expected {HEADER_BYTES} bytes of header, found {found_bytes}")
            }
            HeaderFault::Magic { found } => {
                write!(f, "expected bytes {:02x?}, found {found:02x?}", segment::MAGIC)
            }
            HeaderFault::Checksum { expected, found } => {
                write!(f, "expected checksum {expected:08x}, found {found:08x}")
            }
            HeaderFault::Version { found } => {
                write!(f, "this program reads version {VERSION}, found version {found}")
            }
            HeaderFault::First { expected, found } => {
                write!(f, "expected the segment that begins at {expected}, found that of {found}")
            }
            HeaderFault::Previous { expected, found } => write!(
                f,
                "expected a segment before it of {} bytes that ends with checksum {:08x}, found \
                 one of {} bytes with {:08x}",
                expected.0, expected.1, found.0, found.1
            ),
        }
    }
}
