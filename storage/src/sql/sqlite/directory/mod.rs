//! The directory: batches of changes go in, the sum of them comes out.

mod load;
mod write;

pub(super) use load::load;

use super::admin;
use crate::sql::error::{signed, unsigned};
use crate::sql::{AdminRecord, Conflict, Error};
use parlance_core::directory::{Change, Revision};
use rusqlite::{Connection, ErrorCode, Transaction};

/// See [`crate::sql::Store::directory_revision`].
pub(super) fn revision(connection: &Connection) -> Result<Revision, Error> {
    let mut statement = connection.prepare_cached("SELECT revision FROM directory")?;
    Ok(Revision(unsigned(statement.query_row([], |row| row.get(0))?)?))
}

/// See [`crate::sql::Store::directory_commit`]. The transaction has the write lock.
pub(super) fn commit(
    transaction: Transaction<'_>,
    base: Revision,
    changes: &[Change],
    audit: &AdminRecord,
) -> Result<Revision, Error> {
    if let Some(known) = admin::by_id(&transaction, audit.id)? {
        return Ok(known.revision);
    }
    let next = next(&transaction, base)?;
    admin::insert(&transaction, next, audit)?;
    put(transaction, changes, next)?;
    Ok(next)
}

/// Applies a batch that another database has taken at revision `base`.
pub(super) fn replicate(
    transaction: Transaction<'_>,
    base: Revision,
    changes: &[Change],
) -> Result<(), Error> {
    let next = next(&transaction, base)?;
    put(transaction, changes, next)
}

/// The revision after `base`, if the directory has that one.
fn next(connection: &Connection, base: Revision) -> Result<Revision, Error> {
    let found = revision(connection)?;
    match found == base {
        true => Ok(Revision(found.0 + 1)),
        false => Err(Conflict::Directory { found }.into()),
    }
}

/// Writes a batch, or part of what another database has, and says of which revision this is.
pub(super) fn put(
    transaction: Transaction<'_>,
    changes: &[Change],
    revision: Revision,
) -> Result<(), Error> {
    let mut writer = write::Writer::new(&transaction);
    changes.iter().try_for_each(|change| writer.apply(change))?;
    drop(writer);
    let sql = "UPDATE directory SET revision = ?1";
    transaction.prepare_cached(sql)?.execute([signed(revision.0)?])?;
    // All else has been looked at when it was written: what is left is a room's add-in.
    transaction.commit().map_err(|error| match error.sqlite_error_code() {
        Some(ErrorCode::ConstraintViolation) => Conflict::NoAddin.into(),
        _ => Error::from(error),
    })
}
