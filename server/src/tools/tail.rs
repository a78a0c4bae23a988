//! Reading the log beside the server that may be writing it.

use super::Fault;
use crate::commit;
use parlance_storage::disk::real::RealDisk;
use parlance_storage::log::{Entry, ReadError, Reader};
use parlance_storage::{Disk, Position};
use std::fs::{File, TryLockError};
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

/// Where a reading ended.
#[derive(Debug)]
pub struct End {
    /// The last record that was read; where the log ends, if that is before the wanted ones.
    pub last: Position,
    /// Why not more; `None` at the end of the log, or where it was enough.
    pub stopped: Option<ReadError>,
}

/// The log's folder below `data`.
///
/// # Errors
/// When there is none.
pub fn folder(data: &Path) -> Result<PathBuf, Fault> {
    let folder = commit::folder(data);
    match folder.is_dir() {
        true => Ok(folder),
        false => Err(Fault::Told(format!(
            "there is no log in {}: no server has run with this data directory; see [server] data \
             of the configuration",
            folder.display()
        ))),
    }
}

/// Does a server have the log open? Asks for its lock and gives it back at once.
pub fn is_served(folder: &Path) -> io::Result<bool> {
    match File::open(folder)?.try_lock_shared() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// The log's folder, to be read only.
///
/// # Errors
/// Cause, effect, next step.
pub fn disk(folder: &Path) -> Result<RealDisk, Fault> {
    RealDisk::open_for_reading(folder).map_err(|e| {
        let place = folder.display();
        let next = "run this as the user of the server";
        Fault::Told(format!("the log in {place} cannot be read ({e}); {next}"))
    })
}

/// Hands over the messages behind `from`, up to the end of the log or the first record that cannot
/// be read, as long as `act` wants more.
///
/// # Errors
/// Those of opening the folder and of `act`.
pub fn read(
    folder: &Path,
    from: Position,
    mut act: impl FnMut(&Entry<'_>) -> Result<ControlFlow<()>, Fault>,
) -> Result<End, Fault> {
    if is_empty(folder)? {
        return Ok(End { last: Position(0), stopped: None });
    }
    let mut reader = Reader::new(disk(folder)?, from);
    let mut until = Position(u64::MAX);
    let mut stopped = None;
    loop {
        let before = reader.taken();
        match reader.read(until) {
            Ok(batch) if batch.last == before => break,
            Ok(batch) => {
                for entry in &batch.entries {
                    if act(entry)?.is_break() {
                        return Ok(End { last: entry.position, stopped: None });
                    }
                }
            }
            // A batch is given whole or not at all: the part before the fault is asked for again.
            Err(ReadError::Damaged { place, position, found }) if position < until => {
                until = position.previous();
                stopped = Some(ReadError::Damaged { place, position, found });
            }
            Err(error) => {
                stopped = Some(error);
                break;
            }
        }
    }
    let last = reader.taken().min(until);
    Ok(End { last, stopped: stopped.filter(|error| !is_end(folder, error)) })
}

/// Has nothing been written yet?
fn is_empty(folder: &Path) -> Result<bool, Fault> {
    if !folder.is_dir() {
        return Ok(true);
    }
    let names = disk(folder)?.list().map_err(|e| format!("the log cannot be listed: {e}"))?;
    Ok(!names.iter().any(|name| name.ends_with(".seg")))
}

/// Is it only that the file ends where a record could begin?
fn is_end(folder: &Path, error: &ReadError) -> bool {
    let ReadError::Damaged { place, .. } = error else { return false };
    let length = disk(folder).ok().and_then(|mut disk| disk.length(&place.segment).ok());
    length == Some(place.offset)
}
