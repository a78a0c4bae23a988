//! Records of administrative acts, and invitations.

use crate::sql::error::{signed, unsigned};
use crate::sql::{AdminRecord, Conflict, Error, StoredInvitation, StoredRecord};
use parlance_core::directory::Revision;
use parlance_wire::xccos::{Guid, Timestamp};
use rusqlite::{Connection, Params, params};

/// Keeps a record. Inside the caller's transaction; that its id is new is known.
pub(super) fn insert(
    connection: &Connection,
    revision: Revision,
    record: &AdminRecord,
) -> Result<(), Error> {
    if let Some(key) = &record.request_key
        && let Some(known) = by_request(connection, key)?
    {
        return Err(Conflict::Request { revision: known.revision }.into());
    }
    let AdminRecord { id, at, actor, surface, act, target, .. } = record;
    connection
        .prepare_cached(
            "INSERT INTO admin_record (id, revision, at, actor, surface, act, target, detail,
                 reason, request_key, outcome)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        )?
        .execute(params![
            id.0.to_be_bytes(),
            signed(revision.0)?,
            at.0,
            actor,
            surface,
            act,
            target,
            record.detail,
            record.reason,
            record.request_key,
            record.outcome
        ])?;
    Ok(())
}

/// The record with this id.
pub(super) fn by_id(connection: &Connection, id: Guid) -> Result<Option<StoredRecord>, Error> {
    const SQL: &str = "SELECT key, revision, id, at, actor, surface, act, target, detail, reason,
             request_key, outcome
         FROM admin_record WHERE id = ?1";
    Ok(records(connection, SQL, [id.0.to_be_bytes()])?.pop())
}

/// See [`crate::sql::Store::admin_request`].
pub(super) fn by_request(
    connection: &Connection,
    key: &str,
) -> Result<Option<StoredRecord>, Error> {
    const SQL: &str = "SELECT key, revision, id, at, actor, surface, act, target, detail, reason,
             request_key, outcome
         FROM admin_record WHERE request_key = ?1";
    Ok(records(connection, SQL, [key])?.pop())
}

/// See [`crate::sql::Store::admin_records`].
pub(super) fn newest(
    connection: &Connection,
    before: i64,
    count: i64,
) -> Result<Vec<StoredRecord>, Error> {
    const SQL: &str = "SELECT key, revision, id, at, actor, surface, act, target, detail, reason,
             request_key, outcome
         FROM admin_record WHERE key < ?1 ORDER BY key DESC LIMIT ?2";
    records(connection, SQL, [before, count])
}

fn records(
    connection: &Connection,
    sql: &'static str,
    params: impl Params,
) -> Result<Vec<StoredRecord>, Error> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let (key, revision) = (unsigned(row.get(0)?)?, Revision(unsigned(row.get(1)?)?));
        let record = AdminRecord {
            id: Guid(u128::from_be_bytes(row.get(2)?)),
            at: Timestamp(row.get(3)?),
            actor: row.get(4)?,
            surface: row.get(5)?,
            act: row.get(6)?,
            target: row.get(7)?,
            detail: row.get(8)?,
            reason: row.get(9)?,
            request_key: row.get(10)?,
            outcome: row.get(11)?,
        };
        found.push(StoredRecord { row: key, revision, record });
    }
    Ok(found)
}

/// See [`crate::sql::Store::invitations`].
pub(super) fn invitations(
    connection: &Connection,
    user: Guid,
    after: u64,
    count: usize,
) -> Result<Vec<StoredInvitation>, Error> {
    // As many as asked for, and the rest of the last one's act.
    let mut statement = connection.prepare_cached(
        "WITH mine AS (
             SELECT number, node.id AS room, created_on, rank() OVER (ORDER BY number) AS place
             FROM invitation JOIN node ON node.key = invitation.room
             WHERE principal = (SELECT key FROM principal WHERE id = ?1) AND number > ?2
         )
         SELECT number, room, created_on FROM mine WHERE place <= ?3 ORDER BY number, room",
    )?;
    let after = i64::try_from(after).unwrap_or(i64::MAX);
    let mut rows = statement.query(params![user.0.to_be_bytes(), after, count as i64])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let room = Guid(u128::from_be_bytes(row.get(1)?));
        let (number, created_on) = (unsigned(row.get(0)?)?, Timestamp(row.get(2)?));
        found.push(StoredInvitation { number, room, created_on });
    }
    Ok(found)
}

/// See [`crate::sql::Store::invitations_total`].
pub(super) fn invitations_total(connection: &Connection) -> Result<u64, Error> {
    let mut statement = connection.prepare_cached("SELECT count(*) FROM invitation")?;
    unsigned(statement.query_row([], |row| row.get(0))?)
}
