//! What the broker knows of the organisation: its domain, its service URI, its rooms.
//!
//! An immutable value shared by all shards. Until administration exists the rooms come from the
//! configuration and every user of the domain may enter all of them.

mod change;
pub mod model;

pub use change::{Change, Revision};

use crate::mail::ShardId;
use hashbrown::HashMap;
use parlance_wire::xccos::{Guid, room_uri};
use std::sync::Arc;

/// One room of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomConfig {
    /// Permanent identifier.
    pub id: Guid,
    /// Unique in the pool, 1 to 256 bytes.
    pub name: String,
    /// At most 256 bytes.
    pub description: String,
    /// `sip:` URIs shown as operators, canonical spelling.
    pub managers: Vec<String>,
}

/// A room as the broker uses it.
#[derive(Debug)]
pub struct RoomEntry {
    /// As configured.
    pub config: RoomConfig,
    /// `ma-chan://domain/guid`.
    pub uri: String,
}

/// The directory in force.
#[derive(Debug)]
pub struct Directory {
    /// SIP domain, lower case.
    pub domain: String,
    /// URI clients open their dialogs to, e.g. `sip:ocschat@example.test`.
    pub service_uri: String,
    /// Pool name shown to clients.
    pub display_name: String,
    /// Root category.
    pub root_category: Guid,
    /// Identifies the data; changes when it is restored from elsewhere.
    pub db_version: Guid,
    rooms: HashMap<Guid, Arc<RoomEntry>>,
}

/// Why a list of rooms is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DirectoryError {
    /// Two rooms have one id.
    DuplicateId(Guid),
    /// Two rooms have one name, compared without case.
    DuplicateName(String),
    /// Empty or longer than 256 bytes.
    BadName(String),
    /// Longer than 256 bytes.
    BadDescription(String),
}

impl std::fmt::Display for DirectoryError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            DirectoryError::DuplicateId(id) => write!(f, "two rooms have the id {id}"),
            DirectoryError::DuplicateName(name) => write!(f, "two rooms are called {name:?}"),
            DirectoryError::BadName(name) => {
                write!(f, "room name {name:?} is empty or longer than 256 bytes")
            }
            DirectoryError::BadDescription(name) => {
                write!(f, "the description of room {name:?} is longer than 256 bytes")
            }
        }
    }
}

impl std::error::Error for DirectoryError {}

impl Directory {
    /// Builds the directory of `domain` (any case); the service URI is `sip:ocschat@domain`, the
    /// name that every client tries first (`xccos.md` §1.1).
    pub fn new(domain: &str, rooms: Vec<RoomConfig>) -> Result<Directory, DirectoryError> {
        let domain = domain.to_ascii_lowercase();
        let mut table = HashMap::new();
        let mut names = hashbrown::HashSet::new();
        for config in rooms {
            check_texts(&config)?;
            if !names.insert(config.name.to_lowercase()) {
                return Err(DirectoryError::DuplicateName(config.name));
            }
            let (id, uri) = (config.id, room_uri(&domain, config.id));
            if table.insert(id, Arc::new(RoomEntry { config, uri })).is_some() {
                return Err(DirectoryError::DuplicateId(id));
            }
        }
        Ok(Directory {
            service_uri: format!("sip:ocschat@{domain}"),
            display_name: format!("Persistent Chat of {domain}"),
            root_category: Guid(0x6d61_2d63_6174_4000_8000_0000_0000_0001),
            db_version: Guid(0x7061_726c_616e_4365_8000_0000_0000_0001),
            domain,
            rooms: table,
        })
    }

    /// The room of that id.
    pub fn room(&self, id: Guid) -> Option<&Arc<RoomEntry>> {
        self.rooms.get(&id)
    }

    /// All rooms, in no particular order.
    pub fn rooms(&self) -> impl Iterator<Item = &Arc<RoomEntry>> {
        self.rooms.values()
    }

    /// Which of `shards` owns a room: its only sequencer. Depends on the id alone.
    pub fn owner(id: Guid, shards: usize) -> ShardId {
        // GUIDs need not be random in their low bits, so they are mixed first (Fibonacci hashing).
        let folded = (id.0 ^ (id.0 >> 64)) as u64;
        let mixed = folded.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        ShardId((mixed % shards as u64) as u16)
    }
}

/// Name shown to others: until there is a directory of people, the user part of the URI.
pub fn display_name(identity: &str) -> &str {
    let name = identity.strip_prefix("sip:").unwrap_or(identity);
    name.split('@').next().unwrap_or(name)
}

fn check_texts(config: &RoomConfig) -> Result<(), DirectoryError> {
    let name_max = parlance_wire::limits::XCCOS_NAME_BYTES_MAX;
    if config.name.trim().is_empty() || config.name.len() > name_max {
        return Err(DirectoryError::BadName(config.name.clone()));
    }
    if config.description.len() > name_max {
        return Err(DirectoryError::BadDescription(config.name.clone()));
    }
    Ok(())
}
