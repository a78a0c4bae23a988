//! Where a directory begins: a domain whose users may all chat, and open rooms.

use super::model::{
    Audit, Behavior, Category, Invitations, NAME_BYTES_MAX, Policy, Pool, Principal, PrincipalKind,
    PrincipalState, Privacy, Role, Room, Scope,
};
use super::{Change, Directory};
use hashbrown::HashSet;
use parlance_wire::xccos::{Guid, Timestamp};

/// A room of the configuration: open to everybody in the domain.
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

/// Name of the category that rooms of the configuration stand in.
const CATEGORY: &str = "General";

impl Directory {
    /// The directory of `domain` (any case) in which every user of the domain may chat, with these
    /// rooms, open to all.
    ///
    /// # Errors
    /// When two rooms clash, or a text is too long.
    pub fn new(domain: &str, rooms: Vec<RoomConfig>) -> Result<Directory, DirectoryError> {
        let empty = Directory::empty(domain);
        let mut changes = empty.first_changes();
        changes.extend(empty.seed_rooms(rooms, "configuration", Timestamp::default())?);
        let (mut directory, _) = empty.apply(&changes).expect("seeds fit an empty directory");
        directory.admits_unknown = true;
        Ok(directory)
    }

    /// What a directory of this domain begins with: the domain as a principal, a category open to
    /// all of it, and a global policy that lets them chat.
    pub fn first_changes(&self) -> Vec<Change> {
        let domain = domain_principal(&self.domain);
        let category = Category {
            id: guid_of(&format!("category {CATEGORY} of {}", self.domain)),
            name: CATEGORY.to_owned(),
            chat_history: true,
            version: 1,
            ..Category::default()
        };
        let description = "Everybody may chat".to_owned();
        let policy = Policy { scope: Scope::Global, is_enabled: true, description };
        let (node, principal) = (category.id, domain.id);
        let entries = |role| Change::Entries { node, role, add: vec![principal], remove: vec![] };
        vec![
            Change::Pool(pool(&self.domain)),
            Change::Principal(domain),
            Change::Category(category),
            entries(Role::Allowed),
            Change::Policy(policy),
        ]
    }

    /// The changes that make open rooms in the first category, and principals of their managers
    /// where there are none. Rooms that are there already are left out.
    ///
    /// # Errors
    /// When two rooms clash, or a text is too long.
    pub fn seed_rooms(
        &self,
        rooms: Vec<RoomConfig>,
        by: &str,
        on: Timestamp,
    ) -> Result<Vec<Change>, DirectoryError> {
        let category = guid_of(&format!("category {CATEGORY} of {}", self.domain));
        let (mut ids, mut names, mut people) = (HashSet::new(), HashSet::new(), HashSet::new());
        let mut changes = Vec::new();
        for config in rooms {
            check_texts(&config)?;
            if !names.insert(config.name.trim().to_lowercase()) {
                return Err(DirectoryError::DuplicateName(config.name));
            }
            if !ids.insert(config.id) {
                return Err(DirectoryError::DuplicateId(config.id));
            }
            if self.room(config.id).is_some() {
                continue;
            }
            if self.named(&config.name).is_some() {
                return Err(DirectoryError::DuplicateName(config.name));
            }
            let managers = config.managers.iter().map(|uri| self.manager(uri));
            let managers: Vec<(Guid, Option<Principal>)> = managers.collect();
            let (node, add) = (config.id, managers.iter().map(|(id, _)| *id).collect::<Vec<_>>());
            let new = managers.into_iter().filter_map(|(_, principal)| principal);
            let new = new.filter(|principal| people.insert(principal.id));
            for principal in new {
                let (child, parents) = (principal.id, vec![domain_principal(&self.domain).id]);
                changes.push(Change::Principal(principal));
                changes.push(Change::Parents { child, parents });
            }
            changes.push(Change::Room(open_room(config, category, by, on)));
            if !add.is_empty() {
                changes.push(Change::Entries { node, role: Role::Manager, add, remove: vec![] });
            }
        }
        Ok(changes)
    }

    /// The id of a user by URI, and the principal to be made if there is none yet.
    fn manager(&self, uri: &str) -> (Guid, Option<Principal>) {
        match self.people().find_uri(uri).and_then(|id| self.people().get(id)) {
            Some(person) => (person.principal.id, None),
            None => {
                let principal = user_principal(uri);
                (principal.id, Some(principal))
            }
        }
    }
}

fn open_room(config: RoomConfig, category: Guid, by: &str, on: Timestamp) -> Room {
    let by = by.to_owned();
    Room {
        id: config.id,
        category,
        name: config.name,
        description: config.description,
        privacy: Privacy::Open,
        behavior: Behavior::Normal,
        invitations: Invitations::Inherit,
        addin: None,
        is_disabled: false,
        audit: Audit { created_by: by.clone(), created_on: on, updated_by: by, updated_on: on },
        version: 1,
    }
}

/// Settings of a pool nobody has set anything for.
pub(super) fn pool(domain: &str) -> Pool {
    Pool {
        fqdn: domain.to_owned(),
        display_name: format!("Persistent Chat of {domain}"),
        site: "default".to_owned(),
        root_category: Guid(0x6d61_2d63_6174_4000_8000_0000_0000_0001),
        db_version: Guid(0x7061_726c_616e_4365_8000_0000_0000_0001),
        last_invitation: 0,
    }
}

/// The principal that everybody of a domain belongs to.
pub fn domain_principal(domain: &str) -> Principal {
    let uri = format!("ma-dom:{domain}");
    let kind = PrincipalKind::Domain;
    Principal { kind, display_name: domain.to_owned(), ..principal(uri) }
}

/// A user nothing is known of but the URI.
pub fn user_principal(uri: &str) -> Principal {
    let name = display_name(uri).to_owned();
    Principal { display_name: name.clone(), account: name, ..principal(uri.to_owned()) }
}

fn principal(uri: String) -> Principal {
    Principal {
        id: guid_of(&uri),
        kind: PrincipalKind::User,
        uri,
        display_name: String::new(),
        account: String::new(),
        email: String::new(),
        company: String::new(),
        path: String::new(),
        state: PrincipalState::Active,
        policy: None,
    }
}

/// An identifier that follows from a name: for what has none of its own, so that making it twice
/// makes the same. FNV-1a of 128 bits, marked as a name-based GUID (RFC 9562, version 8).
pub fn guid_of(name: &str) -> Guid {
    let hash = name.bytes().fold(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d_u128, |hash, byte| {
        (hash ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b)
    });
    let version = hash & !(0xf << 76) | 0x8 << 76;
    Guid(version & !(0x3 << 62) | 0x2 << 62)
}

/// Name shown to others where the directory has none: the user part of the URI.
pub fn display_name(identity: &str) -> &str {
    let name = identity.strip_prefix("sip:").unwrap_or(identity);
    name.split('@').next().unwrap_or(name)
}

fn check_texts(config: &RoomConfig) -> Result<(), DirectoryError> {
    if config.name.trim().is_empty() || config.name.len() > NAME_BYTES_MAX {
        return Err(DirectoryError::BadName(config.name.clone()));
    }
    if config.description.len() > NAME_BYTES_MAX {
        return Err(DirectoryError::BadDescription(config.name.clone()));
    }
    Ok(())
}
