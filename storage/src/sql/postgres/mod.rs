//! PostgreSQL: the store of production and of every pool.
//!
//! A blocking shell around an asynchronous client: the store owns a runtime that runs only while an
//! operation does. A connection that broke is made anew by the next operation; one that broke while
//! nobody looked costs no error, since every operation may be repeated.
//!
//! The store wants a session of its own: a pooler in front must not share sessions between
//! transactions.

mod admin;
mod connect;
mod directory;
mod endpoints;
mod erase;
mod error;
mod read;
mod schema;
mod search;
mod work;
mod write;

use crate::sql::error::unsigned;
use crate::sql::{
    ADMIN_RECORDS_MAX, AdminRecord, Appended, CLEAR_ROWS, Cursor, ENDPOINTS_MAX, Error, Found,
    Health, INVITATIONS_MAX, LogPosition, Migrated, Place, Preference, Query, RoomEnd, Row, RowKey,
    SchemaState, Store, StoredInvitation, StoredRecord, types,
};
use connect::Target;
use parlance_core::Endpoint;
use parlance_core::directory::{Change, Revision};
use parlance_wire::xccos::{Guid, Timestamp};
use std::collections::HashMap;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio_postgres::{Client, Statement};

/// An operation that has no answer by then is given up, with its outcome unknown.
const OPERATION_TIME_MAX: Duration = Duration::from_secs(30);
/// The same for what may touch a million rows: a directory, a room's messages, all messages.
const LARGE_TIME_MAX: Duration = Duration::from_secs(600);
/// A migration may rewrite tables.
const MIGRATION_TIME_MAX: Duration = Duration::from_secs(3_600);

/// A store in a PostgreSQL database.
pub struct PostgresStore {
    runtime: Runtime,
    target: Target,
    session: Option<Session>,
}

/// A connection and what has been prepared on it.
struct Session {
    client: Client,
    connection: JoinHandle<()>,
    statements: HashMap<&'static str, Statement>,
    /// The schema has been looked at and is this program's.
    is_ready: bool,
}

impl Session {
    async fn open(target: &Target) -> Result<Session, Error> {
        let (client, connection) = target.connect().await?;
        Ok(Session { client, connection, statements: HashMap::new(), is_ready: false })
    }

    /// A statement, parsed by the server once in a session.
    async fn statement(&mut self, sql: &'static str) -> Result<Statement, Error> {
        if let Some(statement) = self.statements.get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.client.prepare(sql).await?;
        self.statements.insert(sql, statement.clone());
        Ok(statement)
    }

    /// Looks at the schema, once in a session: a newer program may have come by meanwhile.
    async fn ready(&mut self) -> Result<(), Error> {
        if !self.is_ready {
            schema::verify(&self.client).await?;
            self.is_ready = true;
        }
        Ok(())
    }

    /// Lets go of the connection now, and with it of an open transaction's locks.
    async fn close(self) {
        drop(self.client);
        self.connection.abort();
        let _ = self.connection.await;
    }
}

impl PostgresStore {
    /// Understands a URL; connects with the first operation. See [`crate::sql::AnyStore::open`]
    /// and, for TLS, the guide: `sslmode=disable|require`, `sslrootcert=<file>`.
    pub fn open(url: &str) -> Result<PostgresStore, Error> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Error::Unavailable(error.to_string()))?;
        Ok(PostgresStore { runtime, target: Target::parse(url)?, session: None })
    }

    /// Runs an operation on tables that are this program's.
    fn run<T>(
        &mut self,
        operation: impl AsyncFnMut(&mut Session) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.run_for(OPERATION_TIME_MAX, operation)
    }

    /// The same with another bound.
    fn run_for<T>(
        &mut self,
        time_max: Duration,
        mut operation: impl AsyncFnMut(&mut Session) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.attempt(time_max, async |session| {
            session.ready().await?;
            // Outside of searches nothing has a time limit of ours: somebody has cancelled it, or
            // the role has a limit, and neither must look like a search that asks for too much.
            operation(session).await.map_err(|error| match error {
                Error::TimedOut => Error::Unavailable("the statement was cancelled".into()),
                error => error,
            })
        })
    }

    /// Runs an operation, on a new connection if there is none or if the one there is turns out to
    /// have broken since it was last used.
    fn attempt<T>(
        &mut self,
        time_max: Duration,
        mut operation: impl AsyncFnMut(&mut Session) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let PostgresStore { runtime, target, session } = self;
        runtime.block_on(async {
            let mut was_used = session.is_some();
            loop {
                if session.is_none() {
                    *session = Some(Session::open(target).await?);
                }
                let open = session.as_mut().expect("opened above");
                let result = tokio::time::timeout(time_max, operation(open)).await;
                let late = || Err(Error::Unavailable("no answer in time".into()));
                let result = result.unwrap_or_else(|_| late());
                let broke = open.client.is_closed();
                // After any failure that may pass, a new connection: the old one may be to a
                // server that is now a standby, or be in the middle of something.
                if broke || matches!(&result, Err(error) if error.is_retryable()) {
                    session.take().expect("opened above").close().await;
                }
                if result.is_ok() || !(was_used && broke) {
                    return result;
                }
                was_used = false;
            }
        })
    }
}

impl Drop for PostgresStore {
    fn drop(&mut self) {
        if let Some(session) = self.session.take() {
            self.runtime.block_on(session.close());
        }
    }
}

impl Store for PostgresStore {
    fn check(&mut self) -> Result<SchemaState, Error> {
        self.attempt(OPERATION_TIME_MAX, async |session| schema::check(&session.client).await)
    }

    fn migrate_to(&mut self, version: u32) -> Result<Migrated, Error> {
        self.attempt(MIGRATION_TIME_MAX, async |session| {
            session.is_ready = false;
            schema::migrate(&mut session.client, version).await
        })
    }

    fn version_known(&self) -> u32 {
        schema::VERSION
    }

    fn db_version(&mut self) -> Result<Guid, Error> {
        self.run(read::db_version)
    }

    fn append(&mut self, rows: &[Row], cursor: &Cursor) -> Result<Appended, Error> {
        let batch = write::Batch::new(rows)?;
        self.run(async |session| write::keep(session, &batch, Some(cursor)).await)
    }

    fn import(&mut self, rows: &[Row]) -> Result<Appended, Error> {
        let batch = write::Batch::new(rows)?;
        self.run(async |session| write::keep(session, &batch, None).await)
    }

    fn cursor(&mut self, name: &str) -> Result<Option<LogPosition>, Error> {
        self.run(async |session| read::cursor(session, name).await)
    }

    fn last(&mut self, room: Guid, count: usize, before: Option<Place>) -> Result<Vec<Row>, Error> {
        self.run(async |session| read::last(session, room, count, before).await)
    }

    fn by_date(&mut self, query: &Query) -> Result<Found, Error> {
        crate::sql::search::verify(query)?;
        // The search asks step by step, and each step is an operation of its own.
        search::run(self, query)
    }

    fn rooms(&mut self) -> Result<Vec<RoomEnd>, Error> {
        self.run(read::rooms)
    }

    fn recent(&mut self, rooms: &[Guid], count: usize) -> Result<Vec<Row>, Error> {
        types::verify_recent(rooms, count)?;
        self.run(async |session| read::recent(session, rooms, count).await)
    }

    fn preference_read(&mut self, owner: &str, label: &str) -> Result<Option<Preference>, Error> {
        self.run(async |session| read::preference(session, owner, label).await)
    }

    fn preference_write(
        &mut self,
        owner: &str,
        label: &str,
        seqid: u64,
        content: &str,
    ) -> Result<u64, Error> {
        types::verify_preference(label, content)?;
        self.run(async |session| write::preference(session, owner, label, seqid, content).await)
    }

    fn endpoints_write(&mut self, all: &[Endpoint]) -> Result<(), Error> {
        types::verify_endpoints(all)?;
        self.run(async |session| endpoints::write(session, all).await)
    }

    fn endpoints(&mut self) -> Result<Vec<Endpoint>, Error> {
        self.run(async |session| endpoints::read(session, ENDPOINTS_MAX).await)
    }

    fn page(&mut self, after: Option<&RowKey>, count: usize) -> Result<Vec<Row>, Error> {
        self.run(async |session| read::page(session, after, count).await)
    }

    fn directory_revision(&mut self) -> Result<Revision, Error> {
        self.run(directory::revision)
    }

    fn directory_load(&mut self, each: &mut dyn FnMut(Change)) -> Result<Revision, Error> {
        // Makes sure of the connection: what has been handed over cannot be taken back.
        self.run(directory::revision)?;
        let mut has_begun = false;
        self.run_for(LARGE_TIME_MAX, async |session| {
            if std::mem::replace(&mut has_begun, true) {
                return Err(Error::Unavailable("the connection broke while loading".into()));
            }
            directory::load(session, each).await
        })
    }

    fn directory_commit(
        &mut self,
        base: Revision,
        changes: &[Change],
        audit: &AdminRecord,
    ) -> Result<Revision, Error> {
        crate::sql::directory::verify_changes(changes)?;
        audit.verify()?;
        self.run_for(LARGE_TIME_MAX, async |session| {
            directory::commit(session, base, changes, audit).await
        })
    }

    fn admin_note(&mut self, record: &AdminRecord) -> Result<(), Error> {
        record.verify()?;
        self.run(async |session| admin::note(session, record).await)
    }

    fn admin_records(
        &mut self,
        before: Option<u64>,
        count: usize,
    ) -> Result<Vec<StoredRecord>, Error> {
        let before = before.map_or(i64::MAX, |row| i64::try_from(row).unwrap_or(i64::MAX));
        let count = count.min(ADMIN_RECORDS_MAX);
        self.run(async |session| admin::newest(session, before, count).await)
    }

    fn admin_request(&mut self, key: &str) -> Result<Option<StoredRecord>, Error> {
        self.run(async |session| admin::by_request(session, key).await)
    }

    fn invitations(
        &mut self,
        user: Guid,
        after: u64,
        count: usize,
    ) -> Result<Vec<StoredInvitation>, Error> {
        let count = count.min(INVITATIONS_MAX);
        self.run(async |session| admin::invitations(session, user, after, count).await)
    }

    fn invitations_total(&mut self) -> Result<u64, Error> {
        self.run(admin::invitations_total)
    }

    fn messages_clear(&mut self, room: Guid, until: Timestamp) -> Result<u64, Error> {
        let mut total = 0;
        loop {
            let step =
                async |session: &mut Session| erase::clear(session, room, until, CLEAR_ROWS).await;
            let count = self.run(step)?;
            total += count;
            if count < CLEAR_ROWS as u64 {
                return Ok(total);
            }
        }
    }

    fn messages_delete(&mut self, room: Guid, places: &[Place]) -> Result<u64, Error> {
        types::verify_places(places)?;
        self.run(async |session| erase::delete(session, room, places).await)
    }

    fn messages_replace(&mut self, room: Guid, places: &[Place], text: &str) -> Result<u64, Error> {
        types::verify_replacement(places, text)?;
        self.run(async |session| erase::replace(session, room, places, text).await)
    }

    fn room_bytes(&mut self) -> Result<Vec<(Guid, u64)>, Error> {
        self.run_for(LARGE_TIME_MAX, erase::room_bytes)
    }

    fn health(&mut self) -> Result<Health, Error> {
        const SQL: &str =
            "SELECT current_setting('server_version'), pg_database_size(current_database())";
        self.attempt(OPERATION_TIME_MAX, async |session| {
            let row = session.client.query_one(SQL, &[]).await?;
            let version: &str = row.try_get(0)?;
            let engine = format!("postgresql {version}");
            Ok(Health { engine, size_bytes: unsigned(row.try_get(1)?)? })
        })
    }
}
