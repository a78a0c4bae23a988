//! Either engine, chosen by URL, and what is the same for both.

use super::{
    AdminRecord, Appended, Cursor, Error, Found, Health, LAST_ROWS_MAX, LogPosition, Migrated,
    Place, PostgresStore, Preference, Query, RoomEnd, Row, RowKey, SchemaState, SqliteStore, Store,
    StoredInvitation, StoredRecord,
};
use parlance_core::Endpoint;
use parlance_core::directory::{Change, Revision};
use parlance_wire::xccos::{Guid, Timestamp};
use std::path::Path;

/// One of the two engines.
pub enum AnyStore {
    /// `sqlite:<path>`.
    Sqlite(SqliteStore),
    /// `postgresql://…`.
    Postgres(Box<PostgresStore>),
}

impl AnyStore {
    /// Opens the store a URL names.
    ///
    /// SQLite's file is made where it is missing. PostgreSQL is connected to with the first
    /// operation, so that a server starts while its database is away. Tables are neither made nor
    /// looked at: see [`Store::migrate`]. Every other operation fails with [`Error::Schema`]
    /// unless they are those of this program.
    pub fn open(url: &str) -> Result<AnyStore, Error> {
        if let Some(path) = url.strip_prefix("sqlite:") {
            return Ok(AnyStore::Sqlite(SqliteStore::open(Path::new(path))?));
        }
        let is_postgres = ["postgresql://", "postgres://"].iter().any(|s| url.starts_with(s));
        if !is_postgres {
            return Err(Error::Invalid("a store is `sqlite:<path>` or `postgresql://…`"));
        }
        Ok(AnyStore::Postgres(Box::new(PostgresStore::open(url)?)))
    }

    fn store(&mut self) -> &mut dyn Store {
        match self {
            AnyStore::Sqlite(store) => store,
            AnyStore::Postgres(store) => store.as_mut(),
        }
    }
}

impl Store for AnyStore {
    fn check(&mut self) -> Result<SchemaState, Error> {
        self.store().check()
    }

    fn migrate_to(&mut self, version: u32) -> Result<Migrated, Error> {
        self.store().migrate_to(version)
    }

    fn version_known(&self) -> u32 {
        match self {
            AnyStore::Sqlite(store) => store.version_known(),
            AnyStore::Postgres(store) => store.version_known(),
        }
    }

    fn db_version(&mut self) -> Result<Guid, Error> {
        self.store().db_version()
    }

    fn append(&mut self, rows: &[Row], cursor: &Cursor) -> Result<Appended, Error> {
        self.store().append(rows, cursor)
    }

    fn import(&mut self, rows: &[Row]) -> Result<Appended, Error> {
        self.store().import(rows)
    }

    fn cursor(&mut self, name: &str) -> Result<Option<LogPosition>, Error> {
        self.store().cursor(name)
    }

    fn last(&mut self, room: Guid, count: usize, before: Option<Place>) -> Result<Vec<Row>, Error> {
        self.store().last(room, count, before)
    }

    fn by_date(&mut self, query: &Query) -> Result<Found, Error> {
        self.store().by_date(query)
    }

    fn rooms(&mut self) -> Result<Vec<RoomEnd>, Error> {
        self.store().rooms()
    }

    fn recent(&mut self, rooms: &[Guid], count: usize) -> Result<Vec<Row>, Error> {
        self.store().recent(rooms, count)
    }

    fn preference_read(&mut self, owner: &str, label: &str) -> Result<Option<Preference>, Error> {
        self.store().preference_read(owner, label)
    }

    fn preference_write(
        &mut self,
        owner: &str,
        label: &str,
        seqid: u64,
        content: &str,
    ) -> Result<u64, Error> {
        self.store().preference_write(owner, label, seqid, content)
    }

    fn endpoints_write(&mut self, endpoints: &[Endpoint]) -> Result<(), Error> {
        self.store().endpoints_write(endpoints)
    }

    fn endpoints(&mut self) -> Result<Vec<Endpoint>, Error> {
        self.store().endpoints()
    }

    fn page(&mut self, after: Option<&RowKey>, count: usize) -> Result<Vec<Row>, Error> {
        self.store().page(after, count)
    }

    fn directory_revision(&mut self) -> Result<Revision, Error> {
        self.store().directory_revision()
    }

    fn directory_load(&mut self, each: &mut dyn FnMut(Change)) -> Result<Revision, Error> {
        self.store().directory_load(each)
    }

    fn directory_commit(
        &mut self,
        base: Revision,
        changes: &[Change],
        audit: &AdminRecord,
    ) -> Result<Revision, Error> {
        self.store().directory_commit(base, changes, audit)
    }

    fn admin_note(&mut self, record: &AdminRecord) -> Result<(), Error> {
        self.store().admin_note(record)
    }

    fn admin_records(
        &mut self,
        before: Option<u64>,
        count: usize,
    ) -> Result<Vec<StoredRecord>, Error> {
        self.store().admin_records(before, count)
    }

    fn admin_request(&mut self, key: &str) -> Result<Option<StoredRecord>, Error> {
        self.store().admin_request(key)
    }

    fn invitations(
        &mut self,
        user: Guid,
        after: u64,
        count: usize,
    ) -> Result<Vec<StoredInvitation>, Error> {
        self.store().invitations(user, after, count)
    }

    fn invitations_total(&mut self) -> Result<u64, Error> {
        self.store().invitations_total()
    }

    fn messages_clear(&mut self, room: Guid, until: Timestamp) -> Result<u64, Error> {
        self.store().messages_clear(room, until)
    }

    fn messages_delete(&mut self, room: Guid, places: &[Place]) -> Result<u64, Error> {
        self.store().messages_delete(room, places)
    }

    fn messages_replace(&mut self, room: Guid, places: &[Place], text: &str) -> Result<u64, Error> {
        self.store().messages_replace(room, places, text)
    }

    fn room_bytes(&mut self) -> Result<Vec<(Guid, u64)>, Error> {
        self.store().room_bytes()
    }

    fn health(&mut self) -> Result<Health, Error> {
        self.store().health()
    }
}

/// Rows of a page of [`export`]: a message is at most a few hundred KiB.
const EXPORT_ROWS: usize = 200;
const _: () = assert!(EXPORT_ROWS <= LAST_ROWS_MAX);

/// Hands over every message behind `from`, room by room, each by place, page by page: memory stays
/// bounded, and after an error it goes on behind the last message handed over. What is appended
/// meanwhile may or may not be in it. Gives the number of messages; `sink`'s error ends it.
pub fn export<E: From<Error>>(
    store: &mut dyn Store,
    from: Option<RowKey>,
    mut sink: impl FnMut(Row) -> Result<(), E>,
) -> Result<u64, E> {
    let mut after = from;
    let mut count = 0;
    loop {
        let page = store.page(after.as_ref(), EXPORT_ROWS)?;
        let Some(last) = page.last() else { return Ok(count) };
        assert!(after.is_none_or(|after| last.key() > after), "an export moves on");
        after = Some(last.key());
        count += page.len() as u64;
        page.into_iter().try_for_each(&mut sink)?;
    }
}
