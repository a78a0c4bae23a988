//! The operator's last resort.

use super::Position;
use super::error::{OpenError, Place};
use super::record::{ALIGNMENT, HEAD_BYTES};
use super::segment::{self, HEADER_BYTES, Name};
use crate::disk::Disk;

/// Gives up everything from `place` on, so that a damaged log can be opened again: what
/// [`OpenError`] names, or something before it. For [`OpenError::Missing`], the next segment at
/// byte 0. Returns how many bytes were given up.
///
/// Acknowledged messages are lost by this, and positions will be used again: a reader that has
/// taken more will be refused by [`super::Log::attach`]. Can be repeated when it was interrupted.
///
/// # Errors
/// Those of the disk; [`OpenError::Strange`] when `place` is in no segment.
///
/// # Panics
/// When the offset is none at which a record can begin (a multiple of 16).
pub fn cut<D: Disk>(disk: &mut D, place: &Place) -> Result<u64, OpenError> {
    assert_eq!(place.offset % ALIGNMENT as u64, 0, "records begin at multiples of 16");
    let Name::Segment(first) = segment::read_name(&place.segment) else {
        return Err(OpenError::Strange { file: place.segment.clone() });
    };
    let names = disk.list()?.into_iter();
    let mut firsts: Vec<Position> = names
        .filter_map(|name| match segment::read_name(&name) {
            Name::Segment(first) => Some(first),
            Name::Strange | Name::Foreign => None,
        })
        .collect();
    firsts.sort_unstable();
    let mut cut_bytes = 0;
    // Newest first: what is left is always the beginning of the log.
    let is_all_of_it = place.offset <= HEADER_BYTES as u64;
    while let Some(last) = firsts.pop_if(|last| *last > first || is_all_of_it && *last == first) {
        let name = segment::name(last);
        cut_bytes += disk.length(&name)?;
        disk.remove(&name)?;
        disk.sync_directory()?;
    }
    let Some(last) = firsts.last() else { return Ok(cut_bytes) };
    let name = segment::name(*last);
    let length = disk.length(&name)?;
    // The one before a segment that is gone must not expect it: its seal goes too.
    let kept_bytes =
        if is_all_of_it { length.saturating_sub(HEAD_BYTES as u64) } else { place.offset };
    assert!(kept_bytes <= length, "a segment is not made longer");
    disk.truncate(&name, kept_bytes)?;
    disk.sync(&name)?;
    Ok(cut_bytes + length - kept_bytes)
}
