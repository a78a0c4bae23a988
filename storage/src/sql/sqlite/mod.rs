//! SQLite, built in: the store of a server that needs nothing beside it.
//!
//! Write-ahead log with a sync at every commit. A second store on the same file reads while this
//! one writes; two that write wait for each other.

mod admin;
mod directory;
mod endpoints;
mod erase;
mod error;
mod read;
mod replica;
mod schema;
mod write;

pub use replica::{Building, Replica};

use super::search;
use super::{
    ADMIN_RECORDS_MAX, AdminRecord, Appended, CLEAR_ROWS, Conflict, Cursor, ENDPOINTS_MAX, Error,
    Found, Health, INVITATIONS_MAX, LogPosition, Migrated, OWNER_PREFERENCES_MAX, Place,
    Preference, Query, RoomEnd, Row, RowKey, SEARCH_TIME_MAX, SchemaState, Store, StoredInvitation,
    StoredRecord,
};
use crate::sql::error::{signed, unsigned};
use parlance_core::Endpoint;
use parlance_core::directory::{Change, Revision};
use parlance_wire::xccos::{Guid, Timestamp};
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use std::path::Path;
use std::time::{Duration, Instant};

/// How long to wait for another writer on the same file.
const BUSY_TIME_MAX: Duration = Duration::from_secs(5);

/// Page cache in KiB.
const CACHE_KIB: i64 = 64 * 1024;

/// Pages in the write-ahead log before they are moved into the file: fewer moves of the same page
/// than with the default of 1,000.
const CHECKPOINT_PAGES: i64 = 4_000;

/// Statements kept parsed: all there are.
const STATEMENTS_MAX: usize = 128;

/// A store in one file.
pub struct SqliteStore {
    connection: Connection,
    /// The schema has been looked at and is this program's.
    is_ready: bool,
}

impl SqliteStore {
    /// Opens a file, or makes it. The folder must be there.
    pub fn open(path: &Path) -> Result<SqliteStore, Error> {
        let connection = Connection::open(path)?;
        connection.busy_timeout(BUSY_TIME_MAX)?;
        connection.pragma_update(None, "synchronous", "full")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "trusted_schema", false)?;
        connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
        connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
        Ok(SqliteStore { connection, is_ready: false })
    }

    /// The connection, once the schema is known to be this program's.
    fn ready(&mut self) -> Result<&mut Connection, Error> {
        if !self.is_ready {
            schema::verify(&self.connection)?;
            self.is_ready = true;
        }
        Ok(&mut self.connection)
    }

    /// A transaction that has the write lock.
    fn writing(&mut self) -> Result<Transaction<'_>, Error> {
        Ok(self.ready()?.transaction_with_behavior(TransactionBehavior::Immediate)?)
    }

    fn keep(&mut self, rows: &[Row], cursor: Option<&Cursor>) -> Result<Appended, Error> {
        let transaction = self.writing()?;
        let appended = write::rows(&transaction, rows)?;
        if let Some(cursor) = cursor {
            write::cursor(&transaction, cursor)?;
        }
        transaction.commit()?;
        Ok(appended)
    }
}

impl Store for SqliteStore {
    fn check(&mut self) -> Result<SchemaState, Error> {
        schema::check(&self.connection)
    }

    fn migrate_to(&mut self, version: u32) -> Result<Migrated, Error> {
        self.is_ready = false;
        schema::migrate(&mut self.connection, version)
    }

    fn version_known(&self) -> u32 {
        schema::VERSION
    }

    fn db_version(&mut self) -> Result<Guid, Error> {
        const SQL: &str = "SELECT value FROM meta WHERE name = 'db_version'";
        let bytes: [u8; 16] = self.ready()?.query_row(SQL, [], |row| row.get(0))?;
        Ok(Guid(u128::from_be_bytes(bytes)))
    }

    fn append(&mut self, rows: &[Row], cursor: &Cursor) -> Result<Appended, Error> {
        self.keep(rows, Some(cursor))
    }

    fn import(&mut self, rows: &[Row]) -> Result<Appended, Error> {
        self.keep(rows, None)
    }

    fn cursor(&mut self, name: &str) -> Result<Option<LogPosition>, Error> {
        const SQL: &str = "SELECT position FROM log_cursor WHERE name = ?1";
        let mut statement = self.ready()?.prepare_cached(SQL)?;
        let position: Option<i64> = statement.query_row([name], |row| row.get(0)).optional()?;
        position.map(|position| Ok(LogPosition(unsigned(position)?))).transpose()
    }

    fn last(&mut self, room: Guid, count: usize, before: Option<Place>) -> Result<Vec<Row>, Error> {
        let transaction = self.ready()?.transaction()?;
        read::last(&transaction, room, count, before)
    }

    fn by_date(&mut self, query: &Query) -> Result<Found, Error> {
        search::verify(query)?;
        let connection = self.ready()?;
        let deadline = Instant::now() + SEARCH_TIME_MAX;
        // Every few thousand steps of SQLite's machine, so some thousand times a second.
        connection.progress_handler(4_096, Some(move || Instant::now() >= deadline))?;
        let found = connection.transaction().map_err(Error::from).and_then(|transaction| {
            search::search(&mut read::Search { connection: &transaction, deadline }, query)
        });
        connection.progress_handler(0, None::<fn() -> bool>)?;
        found
    }

    fn rooms(&mut self) -> Result<Vec<RoomEnd>, Error> {
        read::rooms(self.ready()?)
    }

    fn recent(&mut self, rooms: &[Guid], count: usize) -> Result<Vec<Row>, Error> {
        super::types::verify_recent(rooms, count)?;
        let transaction = self.ready()?.transaction()?;
        let mut rows = Vec::new();
        for room in rooms {
            rows.extend(read::last(&transaction, *room, count, None)?);
        }
        Ok(rows)
    }

    fn preference_read(&mut self, owner: &str, label: &str) -> Result<Option<Preference>, Error> {
        read::preference(self.ready()?, owner, label)
    }

    fn preference_write(
        &mut self,
        owner: &str,
        label: &str,
        seqid: u64,
        content: &str,
    ) -> Result<u64, Error> {
        super::types::verify_preference(label, content)?;
        let transaction = self.writing()?;
        let stored = read::preference(&transaction, owner, label)?;
        if let Some(stored) = &stored
            && seqid < stored.seqid
        {
            let is_this_write = stored.seqid == seqid + 1 && stored.content == content;
            let collision = Conflict::Preference { seqid: stored.seqid };
            return if is_this_write { Ok(stored.seqid) } else { Err(collision.into()) };
        }
        if stored.is_none() && read::preferences(&transaction, owner)? >= OWNER_PREFERENCES_MAX {
            return Err(Conflict::PreferencesFull.into());
        }
        let seqid = stored.map_or(0, |stored| stored.seqid) + 1;
        transaction
            .prepare_cached(
                "INSERT INTO preference (owner, label, seqid, content) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (owner, label)
                 DO UPDATE SET seqid = excluded.seqid, content = excluded.content",
            )?
            .execute(params![owner, label, signed(seqid)?, content])?;
        transaction.commit()?;
        Ok(seqid)
    }

    fn endpoints_write(&mut self, all: &[Endpoint]) -> Result<(), Error> {
        super::types::verify_endpoints(all)?;
        let transaction = self.writing()?;
        endpoints::write(&transaction, all)?;
        Ok(transaction.commit()?)
    }

    fn endpoints(&mut self) -> Result<Vec<Endpoint>, Error> {
        endpoints::read(self.ready()?, ENDPOINTS_MAX)
    }

    fn page(&mut self, after: Option<&RowKey>, count: usize) -> Result<Vec<Row>, Error> {
        let transaction = self.ready()?.transaction()?;
        read::page(&transaction, after, count)
    }

    fn directory_revision(&mut self) -> Result<Revision, Error> {
        directory::revision(self.ready()?)
    }

    fn directory_load(&mut self, each: &mut dyn FnMut(Change)) -> Result<Revision, Error> {
        let transaction = self.ready()?.transaction()?;
        directory::load(&transaction, each)
    }

    fn directory_commit(
        &mut self,
        base: Revision,
        changes: &[Change],
        audit: &AdminRecord,
    ) -> Result<Revision, Error> {
        super::directory::verify_changes(changes)?;
        audit.verify()?;
        directory::commit(self.writing()?, base, changes, audit)
    }

    fn admin_note(&mut self, record: &AdminRecord) -> Result<(), Error> {
        record.verify()?;
        let transaction = self.writing()?;
        if admin::by_id(&transaction, record.id)?.is_none() {
            let revision = directory::revision(&transaction)?;
            admin::insert(&transaction, revision, record)?;
        }
        Ok(transaction.commit()?)
    }

    fn admin_records(
        &mut self,
        before: Option<u64>,
        count: usize,
    ) -> Result<Vec<StoredRecord>, Error> {
        let before = before.map_or(i64::MAX, |row| i64::try_from(row).unwrap_or(i64::MAX));
        admin::newest(self.ready()?, before, count.min(ADMIN_RECORDS_MAX) as i64)
    }

    fn admin_request(&mut self, key: &str) -> Result<Option<StoredRecord>, Error> {
        admin::by_request(self.ready()?, key)
    }

    fn invitations(
        &mut self,
        user: Guid,
        after: u64,
        count: usize,
    ) -> Result<Vec<StoredInvitation>, Error> {
        admin::invitations(self.ready()?, user, after, count.min(INVITATIONS_MAX))
    }

    fn invitations_total(&mut self) -> Result<u64, Error> {
        admin::invitations_total(self.ready()?)
    }

    fn messages_clear(&mut self, room: Guid, until: Timestamp) -> Result<u64, Error> {
        let mut total = 0;
        loop {
            let transaction = self.writing()?;
            let count = erase::clear(&transaction, room, until, CLEAR_ROWS)?;
            transaction.commit()?;
            total += count;
            if count < CLEAR_ROWS as u64 {
                return Ok(total);
            }
        }
    }

    fn messages_delete(&mut self, room: Guid, places: &[Place]) -> Result<u64, Error> {
        super::types::verify_places(places)?;
        let transaction = self.writing()?;
        let count = erase::amend(&transaction, room, places, None)?;
        transaction.commit()?;
        Ok(count)
    }

    fn messages_replace(&mut self, room: Guid, places: &[Place], text: &str) -> Result<u64, Error> {
        super::types::verify_replacement(places, text)?;
        let transaction = self.writing()?;
        let count = erase::amend(&transaction, room, places, Some(text))?;
        transaction.commit()?;
        Ok(count)
    }

    fn room_bytes(&mut self) -> Result<Vec<(Guid, u64)>, Error> {
        erase::room_bytes(self.ready()?)
    }

    fn health(&mut self) -> Result<Health, Error> {
        const SQL: &str = "SELECT page_count * page_size, sqlite_version()
             FROM pragma_page_count(), pragma_page_size()";
        let (size, version): (i64, String) =
            self.connection.query_row(SQL, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(Health { engine: format!("sqlite {version}"), size_bytes: unsigned(size)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_commit_is_synced() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("parlance.db");
        SqliteStore::open(&path).and_then(|mut store| store.migrate()).expect("an empty file");
        let store = SqliteStore::open(&path).expect("our own file");
        let setting = |name: &str| -> String {
            let value = |row: &rusqlite::Row<'_>| row.get::<_, rusqlite::types::Value>(0);
            let value = store.connection.pragma_query_value(None, name, value);
            format!("{:?}", value.expect("a setting"))
        };
        assert_eq!(setting("journal_mode"), "Text(\"wal\")");
        assert_eq!(setting("synchronous"), "Integer(2)");
        assert_eq!(setting("foreign_keys"), "Integer(1)");
    }
}
