//! The replica beside the log, from which a server starts while its database is away: kept up to
//! date by whoever brings something to the database, built anew by a thread of its own.
//!
//! ```text
//! administration ─ batch taken by the database ──┐
//! feeder ── messages taken by the database ──────┼─> replica
//! endpoints ─────────────────────────────────────┘
//! ```
//!
//! Each of them tells the replica before it tells anybody else that something is done. What cannot
//! be written there makes the replica void: it is removed at once, for a server that starts from
//! an old one would let in who has been shut out.
//!
//! Only for a database that can be away: SQLite's file is as near as the replica would be.

use super::background::Background;
use parlance_core::Endpoint;
use parlance_core::directory::{Change, Revision};
use parlance_storage::sql::sqlite::{Building, Replica};
use parlance_storage::sql::{AnyStore, Cursor, Error, Row, Store};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The replica's file below the data directory.
const FILE: &str = "replica.sqlite";
/// How often it is looked whether there is a replica.
const PERIOD: Duration = Duration::from_secs(10);
/// Batches that may wait while a replica is built: minutes of an administrator's program.
const WAITING_MAX: usize = 10_000;

/// See the module's text.
pub struct Replication {
    path: PathBuf,
    url: String,
    /// Under which name the database keeps how far it has got with the log.
    cursor: String,
    state: Mutex<State>,
}

enum State {
    /// There is no file.
    Absent,
    /// There is none yet. These batches came since.
    Building(Vec<(Revision, Vec<Change>)>),
    /// It has whatever anybody has been told.
    Whole(Replica),
}

/// Where the replica of a data directory is, if its database can be away.
pub fn replica_path(data: &Path, url: &str) -> Option<PathBuf> {
    (!url.starts_with("sqlite:")).then(|| data.join(FILE))
}

impl Replication {
    /// Of a database that is there: a replica that is not its own is removed. `None` for one that
    /// cannot be away.
    ///
    /// # Errors
    /// Why the server must not start.
    pub fn of(
        data: &Path,
        url: &str,
        cursor: &str,
        database: &mut dyn Store,
    ) -> Result<Option<Arc<Replication>>, String> {
        let Some(path) = replica_path(data, url) else { return Ok(None) };
        let replication = Replication::new(path, url, cursor, State::Absent);
        let known = Replica::open(&replication.path).and_then(|replica| match replica {
            Some(mut replica) => Ok(replica.verify(database, cursor)?.then_some(replica)),
            None => Ok(None),
        });
        let replica = known.unwrap_or_else(|error| {
            tracing::warn!(cause = %error, effect = "it is made anew", "the replica is unusable");
            None
        });
        match replica {
            Some(replica) => *replication.lock() = State::Whole(replica),
            None => Replica::remove(&replication.path).map_err(|error| {
                format!(
                    "an old replica of the database cannot be removed ({error}), and a server that \
                     starts from it one day would let in who may not enter any more; remove it"
                )
            })?,
        }
        Ok(Some(Arc::new(replication)))
    }

    /// Of a database that is away: from the replica that is there.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub fn without(
        path: PathBuf,
        url: &str,
        cursor: &str,
    ) -> Result<Option<Arc<Replication>>, Error> {
        let replica = Replica::open(&path)?;
        let new = |replica| Replication::new(path, url, cursor, State::Whole(replica));
        Ok(replica.map(|replica| Arc::new(new(replica))))
    }

    fn new(path: PathBuf, url: &str, cursor: &str, state: State) -> Replication {
        let (url, cursor, state) = (url.to_owned(), cursor.to_owned(), state.into());
        Replication { path, url, cursor, state }
    }

    /// Could a server start without the database now?
    pub fn is_whole(&self) -> bool {
        matches!(*self.lock(), State::Whole(_))
    }

    /// The database has taken a batch at revision `base`.
    pub fn changed(&self, base: Revision, changes: &[Change]) {
        let mut state = self.lock();
        match &mut *state {
            State::Absent => {}
            State::Building(waiting) if waiting.len() < WAITING_MAX => {
                waiting.push((base, changes.to_vec()));
            }
            // The one that is built will not fit.
            State::Building(_) => *state = State::Absent,
            State::Whole(replica) => {
                let outcome = replica.apply(base, changes);
                self.judge(&mut state, outcome);
            }
        }
    }

    /// The directory was read from the database, and is of this revision.
    pub fn is_at(&self, revision: Revision) {
        let mut state = self.lock();
        match &mut *state {
            State::Absent => {}
            // What is read for it may be older.
            State::Building(_) => *state = State::Absent,
            State::Whole(replica) => {
                let outcome = replica.revision().and_then(|known| match known == revision {
                    true => Ok(()),
                    false => Err(Error::Permanent("others have changed the directory".into())),
                });
                self.judge(&mut state, outcome);
            }
        }
    }

    /// The database has taken these messages, and is so far with the log.
    pub fn stored(&self, rows: &[Row], cursor: &Cursor) {
        let mut state = self.lock();
        if let State::Whole(replica) = &mut *state {
            let outcome = replica.note(rows, cursor);
            self.judge(&mut state, outcome);
        }
    }

    /// Endpoints are in these rooms.
    pub fn remembered(&self, endpoints: &[Endpoint]) {
        let mut state = self.lock();
        if let State::Whole(replica) = &mut *state {
            // Who joined in a moment that is not written down, joins again: it is not worth the
            // replica.
            if let Err(error) = replica.endpoints_write(endpoints) {
                tracing::debug!(cause = %error, "endpoints are not in the replica");
            }
        }
    }

    /// Starts the thread that builds it when it is absent.
    ///
    /// # Errors
    /// Why the server must not start.
    pub fn start(self: &Arc<Replication>) -> Result<Background, String> {
        let this = self.clone();
        Background::start("replica", move |is_closing| this.run(is_closing))
    }

    fn run(&self, is_closing: &AtomicBool) {
        let mut told = None;
        while !is_closing.load(Ordering::Acquire) {
            if !self.is_whole() {
                match self.build() {
                    Ok(()) => told = None,
                    Err(error) if told.as_ref() != Some(&error) => {
                        tracing::warn!(
                            cause = %error,
                            effect = "the server could not start again without the database",
                            next_step = "none if this passes; it is tried again",
                            "no replica of the database"
                        );
                        told = Some(error);
                    }
                    Err(_) => {}
                }
            }
            std::thread::park_timeout(PERIOD);
        }
    }

    fn build(&self) -> Result<(), Error> {
        let begin = Instant::now();
        *self.lock() = State::Building(Vec::new());
        let copied = AnyStore::open(&self.url).and_then(|mut source| {
            let building = Building::begin(&self.path, &mut source)?;
            Ok((source, building))
        });
        // Held until it is whole: whoever has something to tell it waits.
        let mut state = self.lock();
        let State::Building(waiting) = std::mem::replace(&mut *state, State::Absent) else {
            return Err(Error::Unavailable(
                "more was changed than a new replica can follow".into(),
            ));
        };
        let (mut source, building) = copied?;
        *state = State::Whole(building.finish(&mut source, &self.cursor, &waiting)?);
        tracing::info!(took = ?begin.elapsed(), "the server can start without its database now");
        Ok(())
    }

    /// A replica that lacks something goes.
    fn judge(&self, state: &mut State, outcome: Result<(), Error>) {
        let Err(error) = outcome else { return };
        *state = State::Absent;
        tracing::warn!(
            cause = %error,
            effect = "it is removed and made anew; until then a server cannot start without the \
                      database",
            next_step = "none if this passes; else see whether the disk is full",
            "the replica of the database could not follow"
        );
        if let Err(error) = Replica::remove(&self.path) {
            tracing::error!(
                cause = %error,
                effect = "a server that starts from it lets in who may not enter any more",
                next_step = "remove the file",
                "an old replica of the database is left"
            );
        }
    }

    /// Held while something is written there; nobody panics with it.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
