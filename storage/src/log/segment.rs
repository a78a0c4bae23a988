//! A segment file: its name and its header.
//!
//! ```text
//!  0 magic           8
//!  8 version         4
//! 12 reserved        4
//! 16 first position  8   as in the name
//! 24 previous bytes  8   length of the segment before; 0 in the first one
//! 32 previous crc    4   checksum of the last record before; 0 in the first one
//! 36 reserved       24
//! 60 checksum        4   CRC32C of all before it; the seed of the records' checksums
//! ```
//!
//! Two things follow from the seed: a record of another segment is not taken for one of this, and
//! segments are a chain in which no link can be exchanged.

use super::Position;
use super::fault::HeaderFault;
use super::record::array;

/// Bytes before the first record.
pub(super) const HEADER_BYTES: usize = 64;
/// The format's version, written into every segment.
pub const VERSION: u32 = 1;

pub(super) const MAGIC: [u8; 8] = *b"PARLANC\xFF";
const PREFIX: &str = "log-";
const SUFFIX: &str = ".seg";
const DIGITS: usize = 20;

/// A segment's file name. Names sort as positions do.
pub fn name(first: Position) -> String {
    assert!(first > Position(0), "positions count from 1");
    format!("{PREFIX}{:0DIGITS$}{SUFFIX}", first.0)
}

/// What a file in the log's folder is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Name {
    Segment(Position),
    /// Looks like a segment, but no segment is called so.
    Strange,
    Foreign,
}

pub(super) fn read_name(text: &str) -> Name {
    if !text.ends_with(SUFFIX) {
        return Name::Foreign;
    }
    let digits = text.strip_prefix(PREFIX).and_then(|rest| rest.strip_suffix(SUFFIX));
    let first = digits
        .filter(|digits| digits.len() == DIGITS && digits.bytes().all(|b| b.is_ascii_digit()))
        .and_then(|digits| digits.parse().ok())
        .filter(|first| *first > 0);
    first.map_or(Name::Strange, |first| Name::Segment(Position(first)))
}

/// What a segment says of itself and of the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub first: Position,
    pub previous_bytes: u64,
    pub previous_crc: u32,
}

impl Header {
    /// The header's bytes, and the seed of its records.
    pub fn encode(&self) -> ([u8; HEADER_BYTES], u32) {
        assert!(self.first.0 > 0, "positions count from 1");
        assert_eq!(self.first.0 == 1, self.previous_bytes == 0, "only the first has none before");
        let mut bytes = [0; HEADER_BYTES];
        bytes[0..8].copy_from_slice(&MAGIC);
        bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.first.0.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.previous_bytes.to_le_bytes());
        bytes[32..36].copy_from_slice(&self.previous_crc.to_le_bytes());
        let seed = crc32c::crc32c(&bytes[..60]);
        bytes[60..64].copy_from_slice(&seed.to_le_bytes());
        (bytes, seed)
    }

    /// Reads a header and the seed; `first` is the position in the file's name.
    pub fn decode(bytes: &[u8], first: Position) -> Result<(Header, u32), HeaderFault> {
        let Some(bytes) = bytes.get(..HEADER_BYTES) else {
            return Err(HeaderFault::Short { found_bytes: bytes.len() });
        };
        if bytes[0..8] != MAGIC {
            return Err(HeaderFault::Magic { found: array(bytes, 0) });
        }
        let (expected, found) =
            (u32::from_le_bytes(array(bytes, 60)), crc32c::crc32c(&bytes[..60]));
        if expected != found {
            return Err(HeaderFault::Checksum { expected, found });
        }
        let version = u32::from_le_bytes(array(bytes, 8));
        if version != VERSION {
            return Err(HeaderFault::Version { found: version });
        }
        let header = Header {
            first: Position(u64::from_le_bytes(array(bytes, 16))),
            previous_bytes: u64::from_le_bytes(array(bytes, 24)),
            previous_crc: u32::from_le_bytes(array(bytes, 32)),
        };
        if header.first != first {
            return Err(HeaderFault::First { expected: first, found: header.first });
        }
        Ok((header, found))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back_and_sort_as_positions() {
        assert_eq!(name(Position(17)), "log-00000000000000000017.seg");
        assert_eq!(read_name(&name(Position(17))), Name::Segment(Position(17)));
        assert_eq!(read_name(&name(Position(u64::MAX))), Name::Segment(Position(u64::MAX)));
        assert!(name(Position(9)) < name(Position(10)));
    }

    #[test]
    fn other_files_are_told_apart() {
        for text in ["lock", "store.sqlite", "log-1.seg.bak"] {
            assert_eq!(read_name(text), Name::Foreign, "{text}");
        }
        for text in [
            "log-1.seg",
            "log-00000000000000000000.seg",
            "log-99999999999999999999.seg",
            "log-+0000000000000000001.seg",
            "old-00000000000000000001.seg",
        ] {
            assert_eq!(read_name(text), Name::Strange, "{text}");
        }
    }

    #[test]
    fn every_flipped_byte_of_a_header_is_noticed() {
        let header = Header { first: Position(9), previous_bytes: 640, previous_crc: 7 };
        let (bytes, seed) = header.encode();
        assert_eq!(Header::decode(&bytes, Position(9)), Ok((header, seed)));
        for at in 0..bytes.len() {
            for mask in [1, 0x80, 0xFF] {
                let mut flipped = bytes;
                flipped[at] ^= mask;
                assert!(Header::decode(&flipped, Position(9)).is_err(), "byte {at}");
            }
        }
        let found = Header::decode(&bytes, Position(8));
        let (expected, first) = (Position(8), Position(9));
        assert_eq!(found, Err(HeaderFault::First { expected, found: first }));
        let short = Header::decode(&bytes[..63], Position(9));
        assert_eq!(short, Err(HeaderFault::Short { found_bytes: 63 }));
    }
}
