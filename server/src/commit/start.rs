//! Opening the log, and what the rooms are rebuilt from.

use parlance_core::{Directory, Record};
use parlance_storage::disk::real::RealDisk;
use parlance_storage::log::{CursorId, Options, Reader};
use parlance_storage::{Log, Position};
use parlance_wire::xccos::Guid;
use std::collections::{HashMap, VecDeque};
use std::fs;
use std::io::Write;
use std::path::Path;

/// A log that is ready, and what was said before.
#[derive(Debug)]
pub struct Opened {
    /// To be served.
    pub log: Log<RealDisk>,
    /// The store's place in it.
    pub stored: CursorId,
    /// Reads it beside its writer, from the store's place on.
    pub reader: Reader<RealDisk>,
    /// Messages for each shard's rooms, each room's in order.
    pub restored: Vec<Vec<Record>>,
}

/// The newest messages of each room.
#[derive(Debug)]
pub struct Recollection {
    rooms: HashMap<Guid, VecDeque<Record>>,
    per_room_max: usize,
}

impl Recollection {
    /// Keeps the newest `per_room_max` of each room, at least one: it carries the room's number.
    pub fn new(per_room_max: usize) -> Recollection {
        Recollection { rooms: HashMap::new(), per_room_max: per_room_max.max(1) }
    }

    /// Takes the next message of a room; one that is known already is passed over.
    pub fn take(&mut self, record: Record) {
        let room = self.rooms.entry(record.room).or_default();
        if room.back().is_some_and(|last| last.number >= record.number) {
            return;
        }
        if room.len() == self.per_room_max {
            room.pop_front();
        }
        room.push_back(record);
    }

    /// Deals everything out to the shards that own the rooms.
    fn deal(self, shards: usize) -> Vec<Vec<Record>> {
        let mut dealt: Vec<Vec<Record>> = (0..shards).map(|_| Vec::new()).collect();
        for (room, records) in self.rooms {
            dealt[Directory::owner(room, shards).0 as usize].extend(records);
        }
        dealt
    }
}

/// File in the data directory that holds the identity of its log.
const IDENTITY: &str = "log-identity";

/// The identity of the log in `data`, if it has one.
///
/// # Errors
/// Why nobody can know.
pub fn identity_known(data: &Path) -> Result<Option<String>, String> {
    let file = data.join(IDENTITY);
    match fs::read_to_string(&file) {
        Ok(text) => match Guid::parse(text.trim()) {
            Some(guid) => Ok(Some(guid.to_string())),
            None => Err(no_identity(&file, &"it holds no GUID; restore it from a copy")),
        },
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(no_identity(&file, &e)),
    }
}

fn no_identity(file: &Path, cause: &dyn std::fmt::Display) -> String {
    format!("{} tells whose log this is, and it cannot be used ({cause})", file.display())
}

/// The identity of the log in `data`: made once, so that a database knows one log from another.
///
/// # Errors
/// Why the server must not start.
pub fn identity(data: &Path, fresh: Guid) -> Result<String, String> {
    if let Some(known) = identity_known(data)? {
        return Ok(known);
    }
    let file = data.join(IDENTITY);
    let fault = |e: std::io::Error| no_identity(&file, &e);
    fs::create_dir_all(data).map_err(fault)?;
    let begun = file.with_extension("new");
    let mut new = fs::File::create(&begun).map_err(fault)?;
    writeln!(new, "{fresh}").and_then(|()| new.sync_all()).map_err(fault)?;
    fs::rename(&begun, &file).map_err(fault)?;
    fs::File::open(data).and_then(|folder| folder.sync_all()).map_err(fault)?;
    Ok(fresh.to_string())
}

/// Opens the log in `folder`, or begins one, and reads what the store does not have yet: everything
/// behind `stored`. `known` is what the store knows of the rooms.
///
/// # Errors
/// Why the server must not start: cause, effect, next step.
pub fn open(
    folder: &Path,
    options: Options,
    stored: Position,
    mut known: Recollection,
    shards: usize,
) -> Result<Opened, String> {
    let place = folder.display();
    let disk = RealDisk::open(folder)
        .map_err(|e| format!("the log in {place} cannot be opened ({e}); see `parlance check`"))?;
    let (mut log, recovered) = Log::open(disk, options).map_err(|e| {
        let advice = e.advice();
        format!("the log in {place} is not as it was left, so nothing is served: {e}. {advice}")
    })?;
    if let Some(torn) = &recovered.torn {
        tracing::warn!(
            %torn,
            effect = "an unfinished commit was cut; nothing in it was acknowledged",
            "the log ended in the middle of a write"
        );
    }
    let cursor = log.attach("stored", stored).map_err(|e| {
        format!(
            "the log in {place} and the database do not belong together: {e}. Nothing is served"
        )
    })?;
    let beside = |e: &dyn std::fmt::Display| format!("the log in {place} cannot be read: {e}");
    let reading = RealDisk::open_for_reading(folder).map_err(|e| beside(&e))?;
    let mut reader = Reader::new(reading, stored);
    reader
        .read_all(log.durable(), |entry| known.take(entry.to_record(0)))
        .map_err(|e| beside(&e))?;
    reader.seek(stored);
    tracing::info!(
        folder = %place,
        records = recovered.last.0,
        segments = recovered.segments,
        bytes = recovered.bytes,
        not_stored = log.durable().0 - stored.0,
        "log opened"
    );
    Ok(Opened { log, stored: cursor, reader, restored: known.deal(shards) })
}
