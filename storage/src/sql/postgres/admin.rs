//! Records of administrative acts, and invitations.

use super::Session;
use super::read::guid;
use super::work::Work;
use crate::sql::error::{signed, unsigned};
use crate::sql::{AdminRecord, Conflict, Error, StoredInvitation, StoredRecord};
use parlance_core::directory::Revision;
use parlance_wire::xccos::{Guid, Timestamp};
use tokio_postgres::types::ToSql;

const INSERT: &str = "
    INSERT INTO admin_record (id, revision, at, actor, surface, act, target, detail, reason,
        request_key, outcome)
    VALUES ($1::text::uuid, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
    ON CONFLICT DO NOTHING";

const BY_ID: &str = "
    SELECT key, revision, uuid_send(id), at, actor, surface, act, target, detail, reason,
        request_key, outcome
    FROM admin_record WHERE id = $1::text::uuid";
const BY_REQUEST: &str = "
    SELECT key, revision, uuid_send(id), at, actor, surface, act, target, detail, reason,
        request_key, outcome
    FROM admin_record WHERE request_key = $1";
const NEWEST: &str = "
    SELECT key, revision, uuid_send(id), at, actor, surface, act, target, detail, reason,
        request_key, outcome
    FROM admin_record WHERE key < $1 ORDER BY key DESC LIMIT $2";

/// Keeps a record that is new.
pub(super) async fn insert(
    work: &mut Work<'_>,
    revision: Revision,
    record: &AdminRecord,
) -> Result<(), Error> {
    let (id, revision) = (record.id.to_string(), signed(revision.0)?);
    let values: [&(dyn ToSql + Sync); 11] = [
        &id,
        &revision,
        &record.at.0,
        &record.actor,
        &record.surface,
        &record.act,
        &record.target,
        &record.detail,
        &record.reason,
        &record.request_key,
        &record.outcome,
    ];
    if work.execute(INSERT, &values).await? == 1 {
        return Ok(());
    }
    let known = match &record.request_key {
        Some(key) => work.query(BY_REQUEST, &[key]).await?,
        None => Vec::new(),
    };
    match records(&known)?.first() {
        Some(known) => Err(Conflict::Request { revision: known.revision }.into()),
        // Somebody kept one with the same id just now: asked again, it will be found.
        None => Err(Error::Unavailable("the record is being kept by somebody else".into())),
    }
}

/// The record with this id.
pub(super) async fn by_id(work: &mut Work<'_>, id: Guid) -> Result<Option<StoredRecord>, Error> {
    Ok(records(&work.query(BY_ID, &[&id.to_string()]).await?)?.pop())
}

/// See [`crate::sql::Store::admin_note`].
pub(super) async fn note(session: &mut Session, record: &AdminRecord) -> Result<(), Error> {
    let mut work = Work::begin(session).await?;
    if by_id(&mut work, record.id).await?.is_none() {
        let rows = work.query("SELECT revision FROM directory", &[]).await?;
        let row = rows.first().ok_or_else(|| Error::Corrupt("there is no revision".into()))?;
        insert(&mut work, Revision(unsigned(row.try_get(0)?)?), record).await?;
    }
    Ok(work.commit().await?)
}

/// See [`crate::sql::Store::admin_request`].
pub(super) async fn by_request(
    session: &mut Session,
    key: &str,
) -> Result<Option<StoredRecord>, Error> {
    let statement = session.statement(BY_REQUEST).await?;
    Ok(records(&session.client.query(&statement, &[&key]).await?)?.pop())
}

/// See [`crate::sql::Store::admin_records`].
pub(super) async fn newest(
    session: &mut Session,
    before: i64,
    count: usize,
) -> Result<Vec<StoredRecord>, Error> {
    let statement = session.statement(NEWEST).await?;
    records(&session.client.query(&statement, &[&before, &(count as i64)]).await?)
}

fn records(found: &[tokio_postgres::Row]) -> Result<Vec<StoredRecord>, Error> {
    let read = |row: &tokio_postgres::Row| {
        let (key, revision) = (unsigned(row.try_get(0)?)?, unsigned(row.try_get(1)?)?);
        let record = AdminRecord {
            id: guid(row.try_get(2)?)?,
            at: Timestamp(row.try_get(3)?),
            actor: row.try_get(4)?,
            surface: row.try_get(5)?,
            act: row.try_get(6)?,
            target: row.try_get(7)?,
            detail: row.try_get(8)?,
            reason: row.try_get(9)?,
            request_key: row.try_get(10)?,
            outcome: row.try_get(11)?,
        };
        Ok(StoredRecord { row: key, revision: Revision(revision), record })
    };
    found.iter().map(read).collect()
}

/// See [`crate::sql::Store::invitations`].
pub(super) async fn invitations(
    session: &mut Session,
    user: Guid,
    after: u64,
    count: usize,
) -> Result<Vec<StoredInvitation>, Error> {
    // As many as asked for, and the rest of the last one's act.
    const SQL: &str = "
        WITH mine AS (
            SELECT number, (SELECT id FROM node WHERE node.key = invitation.room) AS room,
                created_on, rank() OVER (ORDER BY number) AS place
            FROM invitation
            WHERE principal = (SELECT key FROM principal WHERE id = $1::text::uuid)
                AND number > $2
        )
        SELECT number, uuid_send(room), created_on FROM mine WHERE place <= $3
        ORDER BY number, room";
    let statement = session.statement(SQL).await?;
    let after = i64::try_from(after).unwrap_or(i64::MAX);
    let values: [&(dyn ToSql + Sync); 3] = [&user.to_string(), &after, &(count as i64)];
    let found = session.client.query(&statement, &values).await?;
    let read = |row: &tokio_postgres::Row| {
        let (number, room) = (unsigned(row.try_get(0)?)?, guid(row.try_get(1)?)?);
        Ok(StoredInvitation { number, room, created_on: Timestamp(row.try_get(2)?) })
    };
    found.iter().map(read).collect()
}

/// See [`crate::sql::Store::invitations_total`].
pub(super) async fn invitations_total(session: &mut Session) -> Result<u64, Error> {
    let statement = session.statement("SELECT count(*) FROM invitation").await?;
    unsigned(session.client.query_one(&statement, &[]).await?.try_get(0)?)
}
