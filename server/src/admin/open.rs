//! What a directory begins with, and the start of the thread.

use super::fresh::{fresh_guid, now};
use super::ledger::{AdminRecord, Ledger, LedgerError};
use super::numbers::AdminNumbers;
use super::record;
use super::rooms::Rooms;
use super::service::{Admin, REQUESTS_MAX, Shared, Surface};
use super::worker::{Publish, Worker};
use crate::config::Config;
use crate::files::write_whole;
use crossbeam::channel::bounded;
use parlance_core::directory::{Change, Revision};
use parlance_core::{Directory, RoomConfig};
use parlance_storage::sql::AnyStore;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, RwLock};

/// Changes that are applied at once while the directory is loaded: it is copied for each batch.
const LOAD_BATCH: usize = 100_000;

/// File below the data directory with the address of the API, for commands on this machine.
const ADDRESS: &str = "http-address";

/// Says where the API of the server on this data directory is; `None` if it has none.
///
/// # Errors
/// If the file cannot be written.
pub fn tell_address(data: &Path, address: Option<SocketAddr>) -> Result<(), String> {
    let path = data.join(ADDRESS);
    let text = address.map_or_else(String::new, |address| format!("{address}\n"));
    write_whole(&path, &text, 0o600)
        .map_err(|e| format!("{} cannot be written ({e}); see its folder's rights", path.display()))
}

/// Where the API of the server on this data directory is; `None` if it has none.
pub fn address(data: &Path) -> Option<SocketAddr> {
    std::fs::read_to_string(data.join(ADDRESS)).ok()?.trim().parse().ok()
}

/// Opens the directory of a configuration.
///
/// # Errors
/// As [`open`].
pub fn open_configured(config: &Config) -> Result<Loaded, String> {
    let store = AnyStore::open(&config.store).map_err(|e| format!("the database: {e}"))?;
    let of = &config.directory;
    let mut loaded = open(Box::new(store), &of.domain, config.seeds.clone(), of.admits_unknown)?;
    let directory = Arc::unwrap_or_clone(loaded.directory);
    loaded.directory = Arc::new(directory.with_defaults(of.defaults().clone()));
    Ok(loaded)
}

/// A directory that is ready; nobody changes it yet.
pub struct Loaded {
    ledger: Box<dyn Ledger>,
    directory: Arc<Directory>,
}

/// Loads the directory of a database; an empty one gets what a directory begins with. Rooms of the
/// configuration that it lacks are made.
///
/// # Errors
/// Why the server must not start: cause, effect, next step.
pub fn open(
    mut ledger: Box<dyn Ledger>,
    domain: &str,
    seeds: Vec<RoomConfig>,
    admits_unknown: bool,
) -> Result<Loaded, String> {
    let mut directory = load(&mut *ledger, domain, admits_unknown)?;
    if directory.revision == Revision(0) {
        let changes = directory.first_changes();
        directory = begin(&mut *ledger, &directory, &changes, "first contents")?;
    }
    let seeded = directory.seed_rooms(seeds, "configuration", now()).map_err(|error| {
        format!(
            "{error}, among the [[room]]s of the configuration or with a room or category that \
             was made since; rename one of them (`parlance admin room set`), or take the [[room]] \
             out of the configuration"
        )
    })?;
    if !seeded.is_empty() {
        directory = begin(&mut *ledger, &directory, &seeded, "[[room]]s of the configuration")?;
    }
    Ok(Loaded { ledger, directory: Arc::new(directory) })
}

/// The directory of the database.
///
/// # Errors
/// Cause and next step.
pub fn load(
    ledger: &mut dyn Ledger,
    domain: &str,
    admits_unknown: bool,
) -> Result<Directory, String> {
    let mut directory = Directory::empty(domain);
    let (mut batch, mut fault) = (Vec::new(), None);
    let mut apply = |directory: &mut Directory, batch: &mut Vec<Change>| {
        match directory.apply(batch) {
            Ok((next, _)) => *directory = next,
            Err(error) => fault = fault.take().or(Some(error)),
        }
        batch.clear();
    };
    let revision = ledger.load(&mut |change| {
        batch.push(change);
        if batch.len() == LOAD_BATCH {
            apply(&mut directory, &mut batch);
        }
    });
    apply(&mut directory, &mut batch);
    let revision = revision.map_err(|error| match error {
        LedgerError::Database(cause) => cause,
        LedgerError::Collision | LedgerError::KeyTaken => "the directory changed meanwhile".into(),
    })?;
    if let Some(fault) = fault {
        return Err(format!("the directory in the database contradicts itself: {fault}"));
    }
    directory.revision = revision;
    directory.admits_unknown = admits_unknown;
    Ok(directory)
}

/// Commits what the server itself adds at its start.
fn begin(
    ledger: &mut dyn Ledger,
    directory: &Directory,
    changes: &[Change],
    reason: &str,
) -> Result<Directory, String> {
    let (mut next, _) = directory.apply(changes).map_err(|e| format!("{reason}: {e}"))?;
    let record = AdminRecord {
        id: fresh_guid(),
        at: now(),
        actor: "configuration".into(),
        surface: Surface::Start.name().into(),
        act: "load".into(),
        detail: format!("{{\"changes\":{}}}", changes.len()),
        reason: reason.into(),
        outcome: record::outcome_of_changes(Revision(directory.revision.0 + 1)),
        ..AdminRecord::default()
    };
    next.revision =
        ledger.commit(directory.revision, changes, &record).map_err(|error| match error {
            LedgerError::Database(cause) => format!("{cause}, so {reason} cannot be written"),
            LedgerError::Collision | LedgerError::KeyTaken => {
                "another server changed the directory at this moment; start again".into()
            }
        })?;
    Ok(next)
}

impl Loaded {
    /// The directory that was loaded.
    #[cfg(test)]
    pub fn directory(&self) -> &Arc<Directory> {
        &self.directory
    }

    /// Starts the thread. `publish` gets each new directory and what is touched, on that thread.
    ///
    /// # Errors
    /// If there is no thread.
    pub fn start(self, publish: Publish, rooms: Box<dyn Rooms>) -> Result<Admin, String> {
        let (sender, jobs) = bounded(REQUESTS_MAX);
        let directory = RwLock::new(self.directory.clone());
        let numbers = Arc::<AdminNumbers>::default();
        let shared = Arc::new(Shared { directory, numbers });
        let worker = Worker::new(self.ledger, self.directory, shared.clone(), publish, rooms);
        let thread = std::thread::Builder::new().name("admin".into());
        let thread = thread.spawn(move || worker.run(&jobs));
        thread.map_err(|e| format!("no thread for administration: {e}"))?;
        Ok(Admin::new(sender, shared))
    }
}
