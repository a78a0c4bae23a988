//! The directory: batches of changes go in, the sum of them comes out.

mod load;
mod plan;
mod put;
mod remove;

pub(super) use load::load;

use super::work::Work;
use super::{Session, admin};
use crate::sql::directory::folded;
use crate::sql::error::{signed, unsigned};
use crate::sql::{AdminRecord, Conflict, Error};
use parlance_core::directory::{Change, Inconsistent, Revision};
use parlance_wire::xccos::Guid;
use plan::Step;
use tokio_postgres::error::{DbError, SqlState};

/// See [`crate::sql::Store::directory_revision`].
pub(super) async fn revision(session: &mut Session) -> Result<Revision, Error> {
    let statement = session.statement("SELECT revision FROM directory").await?;
    Ok(Revision(unsigned(session.client.query_one(&statement, &[]).await?.try_get(0)?)?))
}

/// See [`crate::sql::Store::directory_commit`].
pub(super) async fn commit(
    session: &mut Session,
    base: Revision,
    changes: &[Change],
    audit: &AdminRecord,
) -> Result<Revision, Error> {
    let mut work = Work::begin(session).await?;
    // Whoever has this row is alone with the directory until the end of the transaction.
    let rows = work.query("SELECT revision FROM directory FOR UPDATE", &[]).await?;
    let row = rows.first().ok_or_else(|| Error::Corrupt("the directory has no revision".into()))?;
    let found = Revision(unsigned(row.try_get(0)?)?);
    if let Some(known) = admin::by_id(&mut work, audit.id).await? {
        return Ok(known.revision);
    }
    if found != base {
        return Err(Conflict::Directory { found }.into());
    }
    let next = Revision(found.0 + 1);
    admin::insert(&mut work, next, audit).await?;
    for step in plan::steps(changes) {
        match step {
            Step::Put(puts) => put::all(&mut work, &puts).await?,
            Step::Remove(removal) => remove::all(&mut work, &removal).await?,
        }
    }
    work.execute("UPDATE directory SET revision = $1", &[&signed(next.0)?]).await?;
    work.commit().await.map_err(|error| misfit(error, changes))?;
    Ok(next)
}

/// What a constraint that is looked at last says about the batch.
fn misfit(error: tokio_postgres::Error, changes: &[Change]) -> Error {
    let conflict = error.as_db_error().and_then(|fault| match *fault.code() {
        SqlState::UNIQUE_VIOLATION => {
            let id = holder(fault, changes)?;
            Some(Conflict::Inconsistent(Inconsistent::Duplicate(id)))
        }
        SqlState::FOREIGN_KEY_VIOLATION => {
            (fault.constraint() == Some("chat_room_addin_fkey")).then_some(Conflict::NoAddin)
        }
        _ => None,
    });
    conflict.map_or_else(|| Error::from(error), Error::from)
}

/// What was to get the name or URI that something else has.
fn holder(fault: &DbError, changes: &[Change]) -> Option<Guid> {
    // In whatever language: Key (column)=(value) already exists.
    let (_, rest) = fault.detail()?.split_once(")=(")?;
    let (value, _) = rest.rsplit_once(')')?;
    let constraint = fault.constraint()?;
    changes.iter().rev().find_map(|change| {
        let (id, is_it) = match (constraint, change) {
            ("node_folded_key", Change::Room(room)) => (room.id, folded(&room.name) == value),
            ("node_folded_key", Change::Category(category)) => {
                (category.id, folded(&category.name) == value)
            }
            ("principal_uri_key", Change::Principal(p)) => (p.id, p.uri == value),
            ("addin_name_key", Change::Addin(addin)) => (addin.id, addin.name == value),
            _ => return None,
        };
        is_it.then_some(id)
    })
}

fn inconsistent(fault: Inconsistent) -> Error {
    Conflict::Inconsistent(fault).into()
}

/// Ids as a column.
fn texts(ids: impl IntoIterator<Item = Guid>) -> Vec<String> {
    ids.into_iter().map(|id| id.to_string()).collect()
}
