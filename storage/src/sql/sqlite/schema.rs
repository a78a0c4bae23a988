//! The tables and their versions.

use super::BUSY_TIME_MAX;
use crate::sql::{Error, Migrated, SchemaFault, SchemaState};
use rusqlite::{Connection, ErrorCode, TransactionBehavior};
use std::time::{Duration, Instant};

/// Steps from an empty file to this program's tables, the first being version 1. A step that has
/// been released is never changed.
const STEPS: [(&str, &str); 4] = [
    ("messages", include_str!("0001_messages.sql")),
    ("preferences", include_str!("0002_preferences.sql")),
    ("endpoints", include_str!("0003_endpoints.sql")),
    ("directory", include_str!("0004_directory.sql")),
];

/// Version of this program.
pub(super) const VERSION: u32 = STEPS.len() as u32;

/// Marks the file as ours: "PRLC".
const APPLICATION_ID: i64 = 0x5052_4c43;

/// How long to leave another program alone before the mode is tried again.
const BUSY_PAUSE: Duration = Duration::from_millis(5);

/// The file's version; 0 if it is empty.
fn version(connection: &Connection) -> Result<u32, Error> {
    let tables = "SELECT count(*), count(*) FILTER (WHERE name = 'schema_version')
         FROM sqlite_schema WHERE type = 'table'";
    let (tables, ours): (i64, i64) =
        connection.query_row(tables, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    if tables == 0 {
        return Ok(0);
    }
    let id: i64 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    if ours == 0 || id != APPLICATION_ID {
        return Err(SchemaFault::Foreign.into());
    }
    let newest = "SELECT coalesce(max(version), 0) FROM schema_version";
    Ok(connection.query_row(newest, [], |row| row.get(0))?)
}

/// Refuses a file that is not this program's.
pub(super) fn verify(connection: &Connection) -> Result<(), Error> {
    match version(connection)? {
        found if found > VERSION => Err(SchemaFault::Newer { found, known: VERSION }.into()),
        found if found < VERSION => Err(SchemaFault::Older { found, known: VERSION }.into()),
        _ => Ok(()),
    }
}

/// See [`crate::sql::Store::check`].
pub(super) fn check(connection: &Connection) -> Result<SchemaState, Error> {
    let mode: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
    let mut warnings = Vec::new();
    if mode != "wal" {
        warnings.push(format!("journal mode is {mode}: readers and the writer block each other"));
    }
    Ok(SchemaState { version: version(connection)?, known: VERSION, warnings })
}

/// Has the file keep a write-ahead log. While another program is at its first transaction SQLite
/// refuses that at once, and does not wait as for anything else.
fn keep_write_ahead(connection: &Connection) -> Result<(), Error> {
    let deadline = Instant::now() + BUSY_TIME_MAX;
    loop {
        match connection.pragma_update(None, "journal_mode", "wal") {
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
                    && Instant::now() < deadline =>
            {
                std::thread::sleep(BUSY_PAUSE);
            }
            outcome => return Ok(outcome?),
        }
    }
}

/// See [`crate::sql::Store::migrate_to`].
pub(super) fn migrate(connection: &mut Connection, to: u32) -> Result<Migrated, Error> {
    let to = to.min(VERSION);
    let mut from = None;
    // Kept in the file, and not to be changed inside a transaction; but not in a stranger's file.
    version(connection)?;
    keep_write_ahead(connection)?;
    loop {
        // Takes the write lock first, so that of two programs one waits and then finds it done.
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let found = version(&transaction)?;
        if found > VERSION {
            return Err(SchemaFault::Newer { found, known: VERSION }.into());
        }
        let from = *from.get_or_insert(found);
        if found >= to {
            return Ok(Migrated { from, to: found });
        }
        if found == 0 {
            transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
            transaction.execute_batch(
                "CREATE TABLE schema_version (
                     version    INTEGER PRIMARY KEY,
                     name       TEXT NOT NULL,
                     applied_at TEXT NOT NULL DEFAULT (datetime('now'))
                 ) STRICT",
            )?;
        }
        let (name, step) = STEPS[found as usize];
        transaction.execute_batch(step)?;
        let done = "INSERT INTO schema_version (version, name) VALUES (?1, ?2)";
        transaction.execute(done, (found + 1, name))?;
        transaction.commit()?;
    }
}
