//! The database as the commands see it, and how far it is behind the log.

use super::{Fault, tail};
use crate::commit;
use crate::config::{Config, Engine};
use crate::files::create_data_directory;
use parlance_storage::Position;
use parlance_storage::disk::Cause;
use parlance_storage::disk::real::RealDisk;
use parlance_storage::log::Entry;
use parlance_storage::sql::sqlite::Replica;
use parlance_storage::sql::{AnyStore, Error, Store};
use std::ops::ControlFlow;
use std::path::Path;

impl From<Error> for Fault {
    fn from(error: Error) -> Fault {
        let next = match &error {
            Error::TimedOut | Error::Conflict(_) | Error::Schema(_) | Error::Invalid(_) => "",
            _ => "; see [store] of the configuration and `parlance store check`",
        };
        Fault::Told(format!("{error}{next}"))
    }
}

/// Opens the database; SQLite's file is not made where there is none.
///
/// # Errors
/// Cause, effect, next step.
pub fn open(config: &Config) -> Result<AnyStore, Fault> {
    if let Some(path) = config.store.strip_prefix("sqlite:")
        && !Path::new(path).is_file()
    {
        return Err(Fault::Told(format!(
            "there is no database {path} yet; the server makes it at its start, and so does \
             `parlance store migrate`"
        )));
    }
    Ok(AnyStore::open(&config.store)?)
}

/// Keeps servers away as long as it lives: they would not notice what a command brings into the
/// database.
///
/// # Errors
/// Cause, effect, next step.
pub fn lock(data: &Path) -> Result<RealDisk, Fault> {
    let place = data.display();
    create_data_directory(data)
        .map_err(|e| format!("{place} cannot be made ({e}), so nothing was done"))?;
    lock_log(data, || {
        format!(
            "a server runs on {place}, so nothing was done: it would not notice; stop it and do \
             this again"
        )
    })
}

/// Locks the log of a data directory that is there; `locked` says what it means if it is already.
///
/// # Errors
/// Cause, effect, next step.
pub fn lock_log(data: &Path, locked: impl FnOnce() -> String) -> Result<RealDisk, Fault> {
    RealDisk::open(commit::folder(data)).map_err(|e| {
        let place = data.display();
        Fault::Told(match e.cause {
            Cause::Locked => locked(),
            _ => format!("the log below {place} cannot be locked ({e}), so nothing was done"),
        })
    })
}

/// What a command brings into the database past the server, the replica does not know: it is made
/// anew by the next server.
///
/// # Errors
/// Cause, effect, next step.
pub fn remove_replica(config: &Config) -> Result<(), Fault> {
    match commit::replica_path(&config.data, &config.store) {
        Some(path) => Ok(Replica::remove(&path).map_err(|e| format!("{e}, so nothing was done"))?),
        None => Ok(()),
    }
}

/// The database, for messages that go into it past the log; it is made where there is none. What is
/// on its way into it must be there first, or it may find its place taken. The lock keeps servers
/// away.
///
/// # Errors
/// Cause, effect, next step.
pub fn open_for_import(config: &Config) -> Result<(RealDisk, AnyStore), Fault> {
    let lock = lock(&config.data)?;
    let mut store = AnyStore::open(&config.store)?;
    store.migrate()?;
    if let Some(because) = obstacle(config, &mut store)? {
        return Err(Fault::Told(format!("nothing was imported: {because}, then import again")));
    }
    remove_replica(config)?;
    Ok((lock, store))
}

/// What the log has and the database lacks.
#[derive(Debug)]
pub struct Lag {
    /// The last record of the log that the database has dealt with.
    pub stored: Position,
    /// The last record of the log.
    pub last: Position,
    /// Messages between them.
    pub messages: u64,
    /// Why that may not be all.
    pub trouble: Option<String>,
}

impl Lag {
    /// Why nothing may go past the log into the database, with what to do about it; `None` when the
    /// database has everything.
    fn obstacle(self) -> Option<String> {
        match (self.trouble, self.messages) {
            (Some(trouble), _) => Some(trouble),
            (None, 0) => None,
            (None, messages) => Some(format!(
                "the log has {messages} message(s) that the database lacks; start the server with \
                 engine = \"segment\", wait until `parlance store check` says that the database \
                 has all, stop it"
            )),
        }
    }
}

/// Said of a log that nobody but its server can read.
const SLED_UNREAD: &str = "a log of sled is read by its server only; one that is stopped in good \
                           order has brought everything into the database";
const MEMORY_UNREAD: &str = "a server keeps its log in memory, where nobody else can read it; what \
                             it has is in the database a moment later";

/// Why what the log has cannot be looked at, where that is so.
///
/// # Errors
/// Those of looking for the server.
pub fn unread(config: &Config) -> Result<Option<&'static str>, Fault> {
    let folder = commit::folder(&config.data);
    Ok(match config.log.engine {
        Engine::Segment => None,
        Engine::Memory => {
            let is_served = folder.is_dir() && tail::is_served(&folder)?;
            is_served.then_some(MEMORY_UNREAD)
        }
        Engine::Sled => Some(SLED_UNREAD),
    })
}

/// Compares log and database; `None` where there is no log. Only messages that `is_counted` are
/// counted.
///
/// # Errors
/// Cause, effect, next step.
pub fn lag(
    config: &Config,
    store: &mut AnyStore,
    is_counted: impl Fn(&Entry<'_>) -> bool,
) -> Result<Option<Lag>, Fault> {
    match unread(config)? {
        Some(trouble) => {
            let (nowhere, trouble) = (Position(0), Some(trouble.to_owned()));
            Ok(Some(Lag { stored: nowhere, last: nowhere, messages: 0, trouble }))
        }
        None => segments_lag(config, store, is_counted),
    }
}

/// What keeps messages from going into the database past the log: rooms would give away numbers
/// that are taken. The caller holds the lock of the data directory.
///
/// # Errors
/// As [`lag`].
pub fn obstacle(config: &Config, store: &mut AnyStore) -> Result<Option<String>, Fault> {
    match config.log.engine {
        Engine::Sled => Ok(Some(SLED_UNREAD.to_owned())),
        Engine::Segment | Engine::Memory => {
            Ok(segments_lag(config, store, |_| true)?.and_then(Lag::obstacle))
        }
    }
}

/// The log of segments, whatever the configured engine.
fn segments_lag(
    config: &Config,
    store: &mut AnyStore,
    is_counted: impl Fn(&Entry<'_>) -> bool,
) -> Result<Option<Lag>, Fault> {
    let Some(identity) = commit::identity_known(&config.data, Engine::Segment)? else {
        return Ok(None);
    };
    let cursor = store.cursor(&commit::cursor_name(&identity))?.unwrap_or_default();
    let stored = Position(cursor.0);
    let mut messages = 0;
    let end = tail::read(&commit::folder(&config.data), stored, |entry| {
        messages += u64::from(is_counted(entry));
        Ok(ControlFlow::Continue(()))
    })?;
    let trouble = match end.stopped {
        _ if end.last < stored => Some(format!(
            "the database has records up to {stored} of a log that ends with {}: they do not \
             belong together, and no server starts on them; put the right log or database back",
            end.last
        )),
        Some(error) => Some(format!("{error}; see `parlance log verify`")),
        None => None,
    };
    Ok(Some(Lag { stored, last: end.last, messages, trouble }))
}

/// Refuses to serve with the configured engine while a log of another one in the data directory may
/// have messages that the database lacks. The caller holds the lock of the data directory.
///
/// # Errors
/// Cause, effect, next step.
pub fn refuse_left_behind(config: &Config) -> Result<(), String> {
    match left_behind(config) {
        Ok(None) => Ok(()),
        Ok(Some(because)) | Err(Fault::Told(because)) => {
            let name = config.log.engine.name();
            Err(format!("the server does not start with engine = \"{name}\": {because}"))
        }
        Err(Fault::Output(error)) => Err(error.to_string()),
    }
}

fn left_behind(config: &Config) -> Result<Option<String>, Fault> {
    let (engine, sled) = (config.log.engine, commit::sled_folder(&config.data));
    if engine != Engine::Sled && sled.exists() {
        return Ok(Some(format!(
            "{} may hold messages that the database lacks; start the server with \"sled\", stop \
             it in good order, which brings everything into the database, and move the folder away",
            sled.display()
        )));
    }
    let has_segments = commit::identity_known(&config.data, Engine::Segment)?.is_some();
    if engine == Engine::Segment || !has_segments {
        return Ok(None);
    }
    Ok(segments_lag(config, &mut open(config)?, |_| true)?.and_then(Lag::obstacle))
}
