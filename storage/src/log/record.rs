//! A record as bytes: a fixed head, a payload, padding.
//!
//! All numbers are little-endian. Records start at multiples of 16 bytes in their file, so that a
//! payload can be read where it lies.
//!
//! ```text
//!  0 magic     4   FE 50 52 FF: two of the bytes occur in no UTF-8 text
//!  4 checksum  4   CRC32C of all that follows, padding included, begun from the segment's seed
//!  8 length    4   of the payload, without padding
//! 12 kind      1   \
//! 13 flags     1    > not known: written by a newer version (flags: 1 last of its commit,
//! 14 reserved  2   /  2 a message that is no history)
//! 16 room     16
//! 32 term      8
//! 40 number    8   place in the room; of a trim: the first position that is kept; of a seal:
//!                  the digest of the segment's checksums
//! 48 time      8   ticks of 100 ns since 1970
//! 56 position  8   place in the log, from 1, without holes
//! 64 durable   8   last position known to be durable when this was written
//! 72 reserved  8
//! 80 payload, then zeros up to a multiple of 16
//! ```
//!
//! `durable` is what tells a torn write from the loss of something acknowledged: see `recovery`.

use super::Position;
use super::fault::Fault;
use parlance_core::Record;
use parlance_core::time::Timestamp;
use parlance_wire::xccos::Guid;
use rkyv::api::low;
use rkyv::rancor::Error;
use rkyv::ser::allocator::SubAllocator;
use rkyv::util::AlignedVec;
use rkyv::with::{AsOwned, Map};
use rkyv::{Archive, Serialize};
use std::borrow::Cow;

/// Alignment of records in a file and of buffers that hold them, in bytes.
pub(crate) const ALIGNMENT: usize = 16;
/// Bytes before the payload.
pub(crate) const HEAD_BYTES: usize = 80;
/// Longest payload, in bytes: what a client may send in one document, four times over.
pub const PAYLOAD_BYTES_MAX: usize = 4 * parlance_wire::limits::XCCOS_REQUEST_BYTES_MAX;
/// Longest record, in bytes.
pub(crate) const RECORD_BYTES_MAX: usize = HEAD_BYTES + PAYLOAD_BYTES_MAX;
/// What a payload takes beside its text, at most, in bytes.
const BODY_BYTES_MAX: usize = 64;

pub(crate) const MAGIC: [u8; 4] = [0xFE, b'P', b'R', 0xFF];
/// The last record of a commit.
const END_OF_BATCH: u8 = 1;
/// A message that is no history: whoever keeps messages for being read leaves it out.
const NO_HISTORY: u8 = 2;

/// Memory that records can be read from in place.
pub(crate) type Buffer = AlignedVec<ALIGNMENT>;

/// What a record is. Other numbers are refused: a newer version wrote them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A message of a room.
    Message = 1,
    /// Nothing but proof that everything before it is durable.
    Mark = 2,
    /// The end of a segment that has a successor.
    Seal = 3,
    /// Segments before the position in `number` are about to be removed.
    Trim = 4,
}

impl Kind {
    fn of(byte: u8) -> Option<Kind> {
        [Kind::Message, Kind::Mark, Kind::Seal, Kind::Trim].into_iter().find(|k| *k as u8 == byte)
    }

    /// Is everything known to be durable when this follows? A seal brings nothing that could be
    /// lost.
    pub fn leaves_marked(self, was_marked: bool) -> bool {
        match self {
            Kind::Mark => true,
            Kind::Seal => was_marked,
            Kind::Message | Kind::Trim => false,
        }
    }
}

/// The fields of a record's head that have a meaning of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    pub kind: Kind,
    pub room: Guid,
    pub term: u64,
    pub number: u64,
    pub time: Timestamp,
    pub position: Position,
    pub durable: Position,
    pub is_end_of_batch: bool,
    /// False of nothing but messages.
    pub is_history: bool,
}

impl Head {
    /// Of a record that concerns no room.
    pub fn control(kind: Kind, number: u64, position: Position, durable: Position) -> Head {
        assert!(kind != Kind::Message, "a message has a room");
        Head {
            kind,
            room: Guid(0),
            term: 0,
            number,
            time: Timestamp(0),
            position,
            durable,
            is_end_of_batch: false,
            is_history: true,
        }
    }

    /// Of a message.
    pub fn message(term: u64, record: &Record, position: Position, durable: Position) -> Head {
        Head {
            kind: Kind::Message,
            room: record.room,
            term,
            number: record.number,
            time: record.ts,
            position,
            durable,
            is_end_of_batch: false,
            is_history: record.is_history,
        }
    }
}

/// What a message says. The archived form is the payload.
#[derive(Archive, Serialize)]
pub(crate) struct Body<'a> {
    #[rkyv(with = AsOwned)]
    author: Cow<'a, str>,
    alert: bool,
    #[rkyv(with = AsOwned)]
    chat: Cow<'a, str>,
    #[rkyv(with = Map<AsOwned>)]
    rtf: Option<Cow<'a, str>>,
}

/// A record whose checksum is right. Its payload is not looked at yet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Raw<'a> {
    bytes: &'a [u8],
    payload_bytes: usize,
}

/// A good record that this version does not understand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unknown {
    pub kind: u8,
    pub flags: u8,
}

/// Writes a record at the end of `batch`, unchecked until [`finish`].
pub(crate) fn encode(batch: &mut Buffer, head: &Head, record: Option<&Record>) {
    let start = batch.len();
    assert_eq!(start % ALIGNMENT, 0, "records start aligned");
    assert_eq!(record.is_some(), head.kind == Kind::Message, "a message has a body");
    assert!(head.durable < head.position, "what is being written is not durable yet");
    batch.resize(start + HEAD_BYTES, 0);
    if let Some(record) = record {
        encode_body(batch, record);
    }
    let payload_bytes = batch.len() - start - HEAD_BYTES;
    assert!(payload_bytes <= PAYLOAD_BYTES_MAX, "the caller looked at the size");
    batch.resize(padded(batch.len()), 0);
    let bytes = &mut batch[start..start + HEAD_BYTES];
    bytes[0..4].copy_from_slice(&MAGIC);
    bytes[8..12].copy_from_slice(&(payload_bytes as u32).to_le_bytes());
    bytes[12] = head.kind as u8;
    let flag = |is_set: bool, flag: u8| if is_set { flag } else { 0 };
    bytes[13] = flag(head.is_end_of_batch, END_OF_BATCH) | flag(!head.is_history, NO_HISTORY);
    bytes[16..32].copy_from_slice(&head.room.0.to_le_bytes());
    bytes[32..40].copy_from_slice(&head.term.to_le_bytes());
    bytes[40..48].copy_from_slice(&head.number.to_le_bytes());
    bytes[48..56].copy_from_slice(&head.time.0.to_le_bytes());
    bytes[56..64].copy_from_slice(&head.position.0.to_le_bytes());
    bytes[64..72].copy_from_slice(&head.durable.0.to_le_bytes());
}

fn encode_body(batch: &mut Buffer, record: &Record) {
    let body = Body {
        author: Cow::Borrowed(&record.author),
        alert: record.alert,
        chat: Cow::Borrowed(&record.chat),
        rtf: record.rtf.as_deref().map(Cow::Borrowed),
    };
    let scratch = SubAllocator::new(&mut []);
    low::to_bytes_in_with_alloc::<_, _, Error>(&body, batch, scratch)
        .expect("strings need no scratch space, and a vector takes everything");
}

/// Puts the checksum into the record that `bytes` is, and returns it.
pub(crate) fn finish(bytes: &mut [u8], seed: u32, is_end_of_batch: bool) -> u32 {
    assert_eq!(extent(bytes), Ok(bytes.len()), "this is one record");
    if is_end_of_batch {
        bytes[13] |= END_OF_BATCH;
    }
    let checksum = crc32c::crc32c_append(seed, &bytes[8..]);
    bytes[4..8].copy_from_slice(&checksum.to_le_bytes());
    checksum
}

/// The digest of a segment's records, with one more.
pub(crate) fn digest(digest: u32, checksum: u32) -> u32 {
    crc32c::crc32c_append(digest, &checksum.to_le_bytes())
}

/// How much a message takes in the log, at most, in bytes.
pub(crate) fn bytes_bound(record: &Record) -> usize {
    let text = record.author.len() + record.chat.len() + record.rtf.as_ref().map_or(0, String::len);
    padded(HEAD_BYTES + BODY_BYTES_MAX + text)
}

/// Is it too long for the log?
pub(crate) fn is_too_long(record: &Record) -> bool {
    bytes_bound(record) > RECORD_BYTES_MAX
}

/// Could a record start here?
pub(crate) fn may_start(bytes: &[u8]) -> bool {
    bytes.starts_with(&MAGIC)
}

/// How long the record is that starts with `head`, in bytes with padding.
pub(crate) fn extent(head: &[u8]) -> Result<usize, Fault> {
    if head.len() < HEAD_BYTES {
        let (expected_bytes, found_bytes) = (HEAD_BYTES as u64, head.len() as u64);
        return Err(Fault::Short { expected_bytes, found_bytes });
    }
    if head[0..4] != MAGIC {
        return Err(Fault::Magic { found: array(head, 0) });
    }
    let length = u32::from_le_bytes(array(head, 8));
    if length as usize > PAYLOAD_BYTES_MAX {
        return Err(Fault::Length { found_bytes: length });
    }
    Ok(padded(HEAD_BYTES + length as usize))
}

/// Reads the record at the start of `bytes`.
pub(crate) fn parse(bytes: &[u8], seed: u32) -> Result<Raw<'_>, Fault> {
    let extent = extent(bytes)?;
    let Some(bytes) = bytes.get(..extent) else {
        let (expected_bytes, found_bytes) = (extent as u64, bytes.len() as u64);
        return Err(Fault::Short { expected_bytes, found_bytes });
    };
    let expected = u32::from_le_bytes(array(bytes, 4));
    let found = crc32c::crc32c_append(seed, &bytes[8..]);
    if expected != found {
        return Err(Fault::Checksum { expected, found });
    }
    let payload_bytes = u32::from_le_bytes(array(bytes, 8)) as usize;
    assert!(HEAD_BYTES + payload_bytes <= bytes.len(), "the payload lies within");
    Ok(Raw { bytes, payload_bytes })
}

impl<'a> Raw<'a> {
    /// The fields of the head.
    pub fn head(&self) -> Result<Head, Unknown> {
        let (kind, flags) = (self.bytes[12], self.bytes[13]);
        let reserved = self.bytes[14..16].iter().chain(&self.bytes[72..80]);
        let flags_known = match Kind::of(kind) {
            Some(Kind::Message) => END_OF_BATCH | NO_HISTORY,
            _ => END_OF_BATCH,
        };
        let known = Kind::of(kind).filter(|_| flags & !flags_known == 0);
        let is_plain = reserved.copied().all(|byte| byte == 0);
        let Some(kind) = known.filter(|_| is_plain) else { return Err(Unknown { kind, flags }) };
        Ok(Head {
            kind,
            room: Guid(u128::from_le_bytes(array(self.bytes, 16))),
            term: u64::from_le_bytes(array(self.bytes, 32)),
            number: u64::from_le_bytes(array(self.bytes, 40)),
            time: Timestamp(i64::from_le_bytes(array(self.bytes, 48))),
            position: self.position(),
            durable: self.durable(),
            is_end_of_batch: flags & END_OF_BATCH != 0,
            is_history: flags & NO_HISTORY == 0,
        })
    }

    /// Its place; has the same meaning in all versions.
    pub fn position(&self) -> Position {
        Position(u64::from_le_bytes(array(self.bytes, 56)))
    }

    /// What was durable when it was written; has the same meaning in all versions.
    pub fn durable(&self) -> Position {
        Position(u64::from_le_bytes(array(self.bytes, 64)))
    }

    /// Its checksum.
    pub fn checksum(&self) -> u32 {
        u32::from_le_bytes(array(self.bytes, 4))
    }

    /// Its length with head and padding, in bytes.
    pub fn extent(&self) -> usize {
        self.bytes.len()
    }

    /// The message in it, read in place. `None` if the payload is none, though its checksum is
    /// right: then somebody else wrote it, or memory was bad when it was written.
    pub fn message(&self, head: &Head) -> Option<Entry<'a>> {
        assert_eq!(head.kind, Kind::Message, "other records say nothing");
        let payload = &self.bytes[HEAD_BYTES..HEAD_BYTES + self.payload_bytes];
        let body = low::access::<ArchivedBody<'_>, Error>(payload).ok()?;
        Some(Entry {
            position: head.position,
            room: head.room,
            term: head.term,
            number: head.number,
            time: head.time,
            author: body.author.as_str(),
            alert: body.alert,
            chat: body.chat.as_str(),
            rtf: body.rtf.as_ref().map(|rtf| rtf.as_str()),
            is_history: head.is_history,
        })
    }
}

/// A message as it stands in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Its place in the log.
    pub position: Position,
    /// Which room.
    pub room: Guid,
    /// Ownership period of the room; 0 on a single server.
    pub term: u64,
    /// Place in the room, from 1.
    pub number: u64,
    /// Server's receive time.
    pub time: Timestamp,
    /// `sip:` URI of the author.
    pub author: &'a str,
    /// High importance.
    pub alert: bool,
    /// Plain text.
    pub chat: &'a str,
    /// RTF source.
    pub rtf: Option<&'a str>,
    /// Will it be history? See [`Record::is_history`].
    pub is_history: bool,
}

impl Entry<'_> {
    /// The record that was appended. Tickets are not kept: the caller says which one.
    pub fn to_record(&self, ticket: u64) -> Record {
        Record {
            ticket,
            room: self.room,
            number: self.number,
            ts: self.time,
            author: self.author.to_owned(),
            alert: self.alert,
            chat: self.chat.to_owned(),
            rtf: self.rtf.map(str::to_owned),
            is_history: self.is_history,
        }
    }
}

fn padded(bytes: usize) -> usize {
    bytes.next_multiple_of(ALIGNMENT)
}

/// `N` bytes from `at` on.
pub(crate) fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes[at..at + N].try_into().expect("the range has that length")
}
