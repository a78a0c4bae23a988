//! Opening the log, and what the rooms are rebuilt from.

use super::engine::{self, Pair};
use crate::config;
use parlance_core::{Directory, Record, RoomEnd};
use parlance_storage::log::CursorId;
use parlance_storage::{Engine, EngineReader, Position};
use parlance_wire::xccos::Guid;
use std::collections::{HashMap, VecDeque};
use std::path::Path;

/// A log that is ready, and what was said before.
pub struct Opened {
    /// To be served.
    pub log: Box<dyn Engine>,
    /// The store's place in it.
    pub stored: CursorId,
    /// Reads it beside its writer, from the store's place on.
    pub reader: Box<dyn EngineReader>,
    /// What each shard's rooms go on from.
    pub restored: Vec<Restored>,
}

/// What one shard's rooms go on from.
#[derive(Debug, Default)]
pub struct Restored {
    /// Messages, each room's in order.
    pub records: Vec<Record>,
    /// Where rooms ended, whatever is left of them.
    pub ends: Vec<RoomEnd>,
}

/// The newest messages of each room, and where it ends.
#[derive(Debug)]
pub struct Recollection {
    rooms: HashMap<Guid, VecDeque<Record>>,
    ends: Vec<RoomEnd>,
    per_room_max: usize,
}

impl Recollection {
    /// Keeps the newest `per_room_max` of each room, at least one. `ends` is where the store says
    /// that rooms end: what is left of their messages may end before.
    pub fn new(per_room_max: usize, ends: Vec<RoomEnd>) -> Recollection {
        Recollection { rooms: HashMap::new(), ends, per_room_max: per_room_max.max(1) }
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
    fn deal(self, shards: usize) -> Vec<Restored> {
        let mut dealt: Vec<Restored> = (0..shards).map(|_| Restored::default()).collect();
        let owner = |room| Directory::owner(room, shards).0 as usize;
        for (room, records) in self.rooms {
            dealt[owner(room)].records.extend(records);
        }
        for end in self.ends {
            dealt[owner(end.room)].ends.push(end);
        }
        dealt
    }
}

/// Opens the log in `data`, or begins one, and reads what the store does not have yet: everything
/// behind `stored`. `known` is what the store knows of the rooms.
///
/// # Errors
/// Why the server must not start: cause, effect, next step.
pub fn open(
    data: &Path,
    config: &config::Log,
    stored: Position,
    mut known: Recollection,
    shards: usize,
) -> Result<Opened, String> {
    let place = data.display();
    let Pair { mut log, reader } = engine::open(data, config, stored)?;
    let cursor = log.attach("stored", stored).map_err(|e| {
        format!(
            "the log in {place} and the database do not belong together: {e}. Nothing is served"
        )
    })?;
    log.read_all(stored, &mut |entry| known.take(entry.to_record(0)))
        .map_err(|e| format!("the log in {place} cannot be read: {e}"))?;
    let not_stored = log.watermarks().durable.0 - stored.0;
    tracing::info!(records = not_stored, "read from the log what the database lacks");
    Ok(Opened { log, stored: cursor, reader, restored: known.deal(shards) })
}
