//! What a server needs of its database to start without it: the directory, where each room ends,
//! how far the database has got with the log, and which rooms endpoints are in.
//!
//! A file with the tables of this engine, in which there are no messages and no records. It is
//! whole or not there: it is built under another name ([`Building`]), and takes its own once it has
//! everything. From then on each change is told to it after the database has taken it and before
//! anybody is told, so that a server that starts from it knows whatever anybody has been told.

use super::{SqliteStore, directory, write};
use crate::sql::types::{Addition, additions};
use crate::sql::{Cursor, ENDPOINTS_BATCH_MAX, Error, RoomEnd, Row, Store};
use parlance_core::Endpoint;
use parlance_core::directory::{Change, Revision};
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Changes that are written in one transaction while it is built.
const BUILD_CHANGES: usize = 10_000;
/// What SQLite keeps beside a file, by the end of the name.
const BESIDE: [&str; 3] = ["", "-wal", "-shm"];

/// See the module's text.
pub struct Replica {
    store: SqliteStore,
}

/// A replica that has not got everything yet.
pub struct Building {
    store: SqliteStore,
    path: PathBuf,
    unfinished: PathBuf,
}

impl Replica {
    /// Opens one that is whole; `None` if there is none.
    ///
    /// # Errors
    /// When it is damaged, or a newer program has written it: remove it.
    pub fn open(path: &Path) -> Result<Option<Replica>, Error> {
        if !path.exists() {
            return Ok(None);
        }
        let mut store = SqliteStore::open(path)?;
        store.migrate()?;
        Ok(Some(Replica { store }))
    }

    /// Removes it.
    ///
    /// # Errors
    /// When it is still there.
    pub fn remove(path: &Path) -> Result<(), Error> {
        for end in BESIDE {
            match fs::remove_file(beside(path, end)) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    return Err(not_done(path, "removed", &error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Has it the directory that `source` has, and is it of the same data? Where rooms end is
    /// brought up to date.
    ///
    /// # Errors
    /// When either cannot be read.
    pub fn verify(&mut self, source: &mut dyn Store, cursor: &str) -> Result<bool, Error> {
        let is_same = self.store.db_version()? == source.db_version()?
            && self.store.directory_revision()? == source.directory_revision()?;
        if is_same && self.store.cursor(cursor)? != source.cursor(cursor)? {
            copy_ends(&mut self.store, source, cursor)?;
        }
        Ok(is_same)
    }

    /// The directory's revision.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn revision(&mut self) -> Result<Revision, Error> {
        self.store.directory_revision()
    }

    /// Applies a batch that the database has taken.
    ///
    /// # Errors
    /// [`crate::sql::Conflict::Directory`] unless it is of the revision `base`.
    pub fn apply(&mut self, base: Revision, changes: &[Change]) -> Result<(), Error> {
        directory::replicate(self.store.writing()?, base, changes)
    }

    /// Keeps where rooms end since the database has these messages, and how far it is.
    ///
    /// # Errors
    /// When that cannot be written.
    pub fn note(&mut self, rows: &[Row], cursor: &Cursor) -> Result<(), Error> {
        put_ends(&mut self.store, &additions(rows), cursor)
    }

    /// Keeps which rooms endpoints are in; see [`Store::endpoints_write`].
    ///
    /// # Errors
    /// When that cannot be written.
    pub fn endpoints_write(&mut self, endpoints: &[Endpoint]) -> Result<(), Error> {
        self.store.endpoints_write(endpoints)
    }
}

impl Building {
    /// Copies the directory of a database, and all else that changes seldom. There must be no
    /// replica of that name.
    ///
    /// # Errors
    /// When the database cannot be read, or the file not be written.
    pub fn begin(path: &Path, source: &mut dyn Store) -> Result<Building, Error> {
        let unfinished = beside(path, "-unfinished");
        Replica::remove(&unfinished)?;
        let mut store = SqliteStore::open(&unfinished)?;
        // A file that is not finished is not looked at again.
        store.connection.pragma_update(None, "synchronous", "off")?;
        store.migrate()?;
        let (mut batch, mut failed) = (Vec::with_capacity(BUILD_CHANGES), None);
        let revision = source.directory_load(&mut |change| {
            batch.push(change);
            if batch.len() == BUILD_CHANGES {
                if failed.is_none() {
                    failed = put(&mut store, &batch, Revision(0)).err();
                }
                batch.clear();
            }
        })?;
        failed.map_or(Ok(()), Err)?;
        put(&mut store, &batch, revision)?;
        let version = source.db_version()?.0.to_be_bytes();
        let sql = "UPDATE meta SET value = ?1 WHERE name = 'db_version'";
        store.connection.execute(sql, [version])?;
        for endpoints in source.endpoints()?.chunks(ENDPOINTS_BATCH_MAX) {
            store.endpoints_write(endpoints)?;
        }
        Ok(Building { store, path: path.to_owned(), unfinished })
    }

    /// Applies what was changed while it was built, and makes it a replica. What it has of rooms'
    /// ends is as new as this call; whoever tells of newer ones waits for it.
    ///
    /// # Errors
    /// When the batches do not fit what was read, or it cannot be written.
    pub fn finish(
        mut self,
        source: &mut dyn Store,
        cursor: &str,
        batches: &[(Revision, Vec<Change>)],
    ) -> Result<Replica, Error> {
        let begin = self.store.directory_revision()?;
        for (base, changes) in batches.iter().filter(|(base, _)| *base >= begin) {
            directory::replicate(self.store.writing()?, *base, changes)?;
        }
        copy_ends(&mut self.store, source, cursor)?;
        let Building { store, path, unfinished } = self;
        // The last to close it moves everything into the one file.
        store.connection.close().map_err(|(_, error)| error)?;
        let done = |error: std::io::Error| not_done(&path, "written", &error);
        File::open(&unfinished).and_then(|file| file.sync_all()).map_err(done)?;
        fs::rename(&unfinished, &path).map_err(done)?;
        let folder = path.parent().expect("it is in a folder");
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(done)?;
        Replica::open(&path)?.ok_or_else(|| Error::Permanent("it is gone again".into()))
    }
}

fn put(store: &mut SqliteStore, changes: &[Change], revision: Revision) -> Result<(), Error> {
    directory::put(store.writing()?, changes, revision)
}

/// The cursor is read first: what the ends are, is never older.
fn copy_ends(store: &mut SqliteStore, source: &mut dyn Store, cursor: &str) -> Result<(), Error> {
    let position = source.cursor(cursor)?.unwrap_or_default();
    let ends = source.rooms()?;
    let addition = |end: &RoomEnd| {
        let (room, term, number, ts) = (end.room, end.place.term, end.place.number, end.ts);
        Addition { room, term, first: number, last: number, ts }
    };
    let ends: Vec<Addition> = ends.iter().map(addition).collect();
    put_ends(store, &ends, &Cursor { name: cursor.to_owned(), position })
}

fn put_ends(store: &mut SqliteStore, ends: &[Addition], cursor: &Cursor) -> Result<(), Error> {
    let transaction = store.writing()?;
    for end in ends {
        write::span(&transaction, end)?;
    }
    write::cursor(&transaction, cursor)?;
    Ok(transaction.commit()?)
}

fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

fn not_done(path: &Path, what: &str, error: &std::io::Error) -> Error {
    Error::Permanent(format!("{} cannot be {what}: {error}", path.display()))
}
