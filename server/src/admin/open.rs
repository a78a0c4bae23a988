//! What a directory begins with, and the start of the thread.

use super::fresh::now;
use super::ledger::{Ledger, LedgerError};
use super::numbers::AdminNumbers;
use super::record;
use super::rooms::Rooms;
use super::service::{Admin, REQUESTS_MAX, Shared, Surface};
use super::store::Database;
use super::worker::{Publish, Worker};
use crate::commit::Replication;
use crate::config::Config;
use crate::files::write_whole;
use crossbeam::channel::bounded;
use parlance_core::directory::{Change, Revision};
use parlance_core::{Directory, RoomConfig};
use parlance_storage::sql::Store;
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

/// Opens the directory of a configuration. A replica is told what is changed.
///
/// # Errors
/// As [`open`].
pub fn open_configured(
    config: &Config,
    replication: Option<Arc<Replication>>,
) -> Result<Loaded, String> {
    let (database, of) = (Database::open(&config.store, replication)?, &config.directory);
    let loaded = open(Box::new(database), &of.domain, config.seeds.clone(), of.admits_unknown)?;
    Ok(loaded.with_defaults_of(config))
}

/// The directory of a configuration whose database is away, from its `replica`.
///
/// # Errors
/// Why the server must not start: cause, effect, next step.
pub fn open_replica(
    config: &Config,
    replica: &mut dyn Store,
    replication: Option<Arc<Replication>>,
) -> Result<Loaded, String> {
    let (database, of) = (Database::open(&config.store, replication)?, &config.directory);
    let read = |take: &mut dyn FnMut(Change)| Ok(replica.directory_load(take)?);
    let directory = load(read, &of.domain, of.admits_unknown)?;
    let seeded = directory.seed_rooms(config.seeds.clone(), "configuration", now());
    if seeded.is_ok_and(|seeded| !seeded.is_empty()) {
        tracing::warn!(
            cause = "the database is away",
            effect = "they are not there until the server starts with it",
            "[[room]]s of the configuration could not be made"
        );
    }
    let (ledger, directory) = (Box::new(database), Arc::new(directory));
    Ok(Loaded { ledger, directory, is_in_doubt: true }.with_defaults_of(config))
}

/// A directory that is ready; nobody changes it yet.
pub struct Loaded {
    ledger: Box<dyn Ledger>,
    directory: Arc<Directory>,
    /// The database may have another.
    is_in_doubt: bool,
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
    let mut directory = load(|take| ledger.load(take), domain, admits_unknown)?;
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
    Ok(Loaded { ledger, directory: Arc::new(directory), is_in_doubt: false })
}

/// The directory that `read` hands over as changes to an empty one.
///
/// # Errors
/// Cause and next step.
pub fn load(
    read: impl FnOnce(&mut dyn FnMut(Change)) -> Result<Revision, LedgerError>,
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
    let revision = read(&mut |change| {
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
    let record =
        record::of_load("configuration", Surface::Start, changes, directory.revision, reason);
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
    fn with_defaults_of(self, config: &Config) -> Loaded {
        let directory = Arc::unwrap_or_clone(self.directory);
        let directory = directory.with_defaults(config.directory.defaults().clone());
        Loaded { directory: Arc::new(directory), ..self }
    }

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
        let (is_in_doubt, of) = (self.is_in_doubt, shared.clone());
        let worker = Worker::new(self.ledger, self.directory, is_in_doubt, of, publish, rooms);
        let thread = std::thread::Builder::new().name("admin".into());
        let thread = thread.spawn(move || worker.run(&jobs));
        thread.map_err(|e| format!("no thread for administration: {e}"))?;
        Ok(Admin::new(sender, shared))
    }
}
