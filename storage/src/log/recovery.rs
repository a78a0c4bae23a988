//! What a log finds of itself when it is opened.
//!
//! # What is cut, what is refused, what nobody can tell
//!
//! A commit is one write and one sync, and the next one begins only when the sync is over. So after
//! a crash at most the last commit is incomplete, and any part of it may be missing, not only its
//! end: pages are written back in any order. Each record says in `durable` up to where the log was
//! durable when it was written. With that, damage is judged:
//!
//! - A good record behind the damage, or a later segment, says that the damaged one was durable:
//!   it was acknowledged, and has been lost since. **Refused.**
//! - No such witness: **cut** at the last good record and reported, together with how many good
//!   records behind the gap went with it. They are of the same, unfinished commit.
//!
//! The second case has a remainder that no log can tell from a torn write: the *last* commit was
//! acknowledged, nothing was committed after it, and its bytes went bad. A mark written in a quiet
//! moment ([`super::Log::mark`]) is a witness and makes this remainder small: what was written
//! since the last mark or commit. A log that loses its end at the boundary of a commit, or all its
//! files, looks like an older log; then the readers are witnesses: see [`super::Log::attach`].
//!
//! # What is in doubt
//!
//! What can be read need not be on the disk: the process may have ended before its sync, or because
//! of a failed sync, after which the system takes the pages for clean. So what recovery keeps of
//! the last commit is written once more, in place, and synced, before anybody hears of it.

use super::error::{OpenError, Place};
use super::fault::{Fault, HeaderFault};
use super::record::{self, HEAD_BYTES, Head, Kind, Raw};
use super::segment::{self, HEADER_BYTES, Header, Name};
use super::window::{CHUNK_BYTES, Window};
use super::{Position, Segment};
use crate::disk::{Disk, DiskError};
use std::fmt;
use std::ops::Range;

mod walk;

use walk::Walk;

/// Most bytes of a cut that are reported.
const FIRST_BYTES_MAX: usize = 32;

/// The incomplete end of a commit that was never acknowledged, as far as the log can know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TornTail {
    /// File name of the segment.
    pub segment: String,
    /// Where it was cut: the end of the last good record, in bytes.
    pub offset: u64,
    /// The first record that is not there.
    pub position: Position,
    /// What was there instead.
    pub fault: Fault,
    /// Bytes cut. 0 when the file ended between two records of one commit.
    pub bytes_cut: u64,
    /// Good records behind the gap that were cut with it.
    pub records_cut: u64,
    /// The first of the bytes cut, at most 32.
    pub first_bytes: Vec<u8>,
}

impl fmt::Display for TornTail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TornTail { segment, offset, position, fault, bytes_cut, records_cut, .. } = self;
        write!(
            f,
            "{segment} at byte {offset}: record {position} was not written completely ({fault}); \
             {bytes_cut} bytes cut, with {records_cut} good records of the same commit"
        )
    }
}

/// What a log found when it was opened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recovered {
    /// The oldest record; one beyond `last` if there is none.
    pub oldest: Position,
    /// The last record; 0 if there is none.
    pub last: Position,
    /// Messages between them. The log's own records take positions too.
    pub messages: u64,
    /// Segments.
    pub segments: usize,
    /// Their bytes together.
    pub bytes: u64,
    /// What was cut from the end.
    pub torn: Option<TornTail>,
    /// A segment without records, whose making was interrupted, and that was removed.
    pub abandoned: Option<String>,
}

/// Everything that a log needs to know to go on.
#[derive(Debug)]
pub(super) struct Survey {
    /// Oldest first. The last one is written next; none in a new log.
    pub segments: Vec<Segment>,
    /// Seed of the last one's records.
    pub seed: u32,
    /// Digest of the last one's records.
    pub digest: u32,
    /// Is the last record a mark?
    pub is_marked: bool,
    /// The first position that the last trim kept.
    pub kept_from: Position,
    /// Where the last commit lies.
    doubt: Option<(Position, Range<u64>)>,
    pub recovered: Recovered,
}

/// Looks through the whole log; changes nothing.
pub(super) fn survey<D: Disk>(disk: &mut D) -> Result<Survey, OpenError> {
    let firsts = list(disk)?;
    let mut walk = Walk::new(firsts.first().copied().unwrap_or(Position(1)));
    let Some(last) = firsts.last().copied() else { return walk.end() };
    // A segment gets its header before its predecessor gets its seal, and is used only after that.
    let is_last_bare = disk.length(&segment::name(last))? <= HEADER_BYTES as u64;
    let with_records = firsts.len() - usize::from(is_last_bare);
    for (index, first) in firsts[..with_records].iter().enumerate() {
        let successor = firsts[..with_records].get(index + 1).copied();
        walk.segment(disk, *first, successor)?;
    }
    if is_last_bare {
        walk.bare(disk, last)?;
    }
    walk.end()
}

/// First positions of all segments, rising.
fn list<D: Disk>(disk: &mut D) -> Result<Vec<Position>, OpenError> {
    let mut firsts = Vec::new();
    for file in disk.list()? {
        match segment::read_name(&file) {
            Name::Segment(first) => firsts.push(first),
            Name::Strange => return Err(OpenError::Strange { file }),
            Name::Foreign => {}
        }
    }
    firsts.sort_unstable();
    Ok(firsts)
}

/// Cuts what is torn and makes durable what is kept. Repeating it does no harm.
pub(super) fn repair<D: Disk>(disk: &mut D, survey: &Survey) -> Result<(), DiskError> {
    if let Some(torn) = &survey.recovered.torn
        && torn.bytes_cut > 0
    {
        assert!(torn.offset >= HEADER_BYTES as u64, "a header is not cut");
        disk.truncate(&torn.segment, torn.offset)?;
        disk.sync(&torn.segment)?;
    }
    if let Some((first, range)) = &survey.doubt {
        let is_last = survey.segments.iter().rev().take(2).any(|segment| segment.first == *first);
        assert!(is_last, "the last commit is in the last segment, or in the one before a new one");
        write_again(disk, &segment::name(*first), range.clone())?;
    }
    if let Some(abandoned) = &survey.recovered.abandoned {
        disk.remove(abandoned)?;
    }
    disk.sync_directory()
}

/// Writes what is there to where it is.
fn write_again<D: Disk>(disk: &mut D, name: &str, range: Range<u64>) -> Result<(), DiskError> {
    let mut window = Window::new(CHUNK_BYTES);
    window.turn_to(name);
    let mut offset = range.start;
    while offset < range.end {
        let bytes = window.at(disk, offset, 1)?;
        assert!(!bytes.is_empty(), "the survey has read it");
        let count = (range.end - offset).min(bytes.len() as u64);
        disk.write(name, offset, &bytes[..count as usize])?;
        offset += count;
    }
    disk.sync(name)
}
