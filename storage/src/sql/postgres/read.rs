//! Reads messages, rooms and preferences.

use super::Session;
use crate::sql::error::{signed, unsigned};
use crate::sql::{Error, LAST_ROWS_MAX, LogPosition, Place, Preference, RoomEnd, Row, RowKey};
use parlance_wire::xccos::{Guid, Timestamp};
use tokio_postgres::types::ToSql;

/// Rows of the columns `room, term, number, ts, author, author_name, alert, chat, rtf`.
pub(super) fn rows(found: &[tokio_postgres::Row]) -> Result<Vec<Row>, Error> {
    let read = |row: &tokio_postgres::Row| {
        let RowKey { room, place } = key(row)?;
        Ok(Row {
            room,
            place,
            ts: Timestamp(row.try_get(3)?),
            author: row.try_get(4)?,
            author_name: row.try_get(5)?,
            alert: row.try_get(6)?,
            chat: row.try_get(7)?,
            rtf: row.try_get(8)?,
            is_history: true,
        })
    };
    found.iter().map(read).collect()
}

/// The columns `room, term, number`, the first as bytes.
pub(super) fn key(row: &tokio_postgres::Row) -> Result<RowKey, Error> {
    let (term, number) = (unsigned(row.try_get(1)?)?, unsigned(row.try_get(2)?)?);
    Ok(RowKey { room: guid(row.try_get(0)?)?, place: Place { term, number } })
}

pub(super) fn guid(bytes: &[u8]) -> Result<Guid, Error> {
    let bytes = bytes.try_into().map_err(|_| Error::Corrupt("a uuid is not 16 bytes".into()))?;
    Ok(Guid(u128::from_be_bytes(bytes)))
}

/// See [`crate::sql::Store::db_version`].
pub(super) async fn db_version(session: &mut Session) -> Result<Guid, Error> {
    const SQL: &str = "SELECT uuid_send(value) FROM meta WHERE name = 'db_version'";
    guid(session.client.query_one(SQL, &[]).await?.try_get(0)?)
}

/// See [`crate::sql::Store::cursor`].
pub(super) async fn cursor(
    session: &mut Session,
    name: &str,
) -> Result<Option<LogPosition>, Error> {
    const SQL: &str = "SELECT position FROM log_cursor WHERE name = $1";
    let statement = session.statement(SQL).await?;
    let row = session.client.query_opt(&statement, &[&name]).await?;
    row.map(|row| Ok(LogPosition(unsigned(row.try_get(0)?)?))).transpose()
}

/// See [`crate::sql::Store::last`].
pub(super) async fn last(
    session: &mut Session,
    room: Guid,
    count: usize,
    before: Option<Place>,
) -> Result<Vec<Row>, Error> {
    const SQL: &str = "
        SELECT uuid_send(room), term, number, ts, author, author_name, alert, chat, rtf
        FROM message WHERE room = $1::text::uuid AND (term, number) < ($2, $3)
        ORDER BY term DESC, number DESC LIMIT $4";
    let statement = session.statement(SQL).await?;
    let (term, number) = match before {
        Some(before) => (signed(before.term)?, signed(before.number)?),
        None => (i64::MAX, i64::MAX),
    };
    let count = count.min(LAST_ROWS_MAX) as i64;
    let values: [&(dyn ToSql + Sync); 4] = [&room.to_string(), &term, &number, &count];
    let mut rows = rows(&session.client.query(&statement, &values).await?)?;
    rows.reverse();
    Ok(rows)
}

/// See [`crate::sql::Store::recent`].
pub(super) async fn recent(
    session: &mut Session,
    rooms: &[Guid],
    count: usize,
) -> Result<Vec<Row>, Error> {
    const SQL: &str = "
        SELECT uuid_send(found.room), term, number, ts, author, author_name, alert, chat, rtf
        FROM unnest($1::text[]) WITH ORDINALITY AS asked (room, at) CROSS JOIN LATERAL (
            SELECT * FROM message WHERE message.room = asked.room::uuid
            ORDER BY term DESC, number DESC LIMIT $2
        ) AS found
        ORDER BY asked.at, term, number";
    let statement = session.statement(SQL).await?;
    let names: Vec<String> = rooms.iter().map(Guid::to_string).collect();
    rows(&session.client.query(&statement, &[&names, &(count as i64)]).await?)
}

/// See [`crate::sql::Store::page`].
pub(super) async fn page(
    session: &mut Session,
    after: Option<&RowKey>,
    count: usize,
) -> Result<Vec<Row>, Error> {
    const SQL: &str = "
        SELECT uuid_send(room), term, number, ts, author, author_name, alert, chat, rtf
        FROM message WHERE (room, term, number) > ($1::text::uuid, $2, $3)
        ORDER BY room, term, number LIMIT $4";
    let statement = session.statement(SQL).await?;
    let start = RowKey { room: Guid(0), place: Place { term: 0, number: 0 } };
    let RowKey { room, place } = *after.unwrap_or(&start);
    let (term, number) = (signed(place.term)?, signed(place.number)?);
    let count = count.min(LAST_ROWS_MAX) as i64;
    let values: [&(dyn ToSql + Sync); 4] = [&room.to_string(), &term, &number, &count];
    rows(&session.client.query(&statement, &values).await?)
}

/// See [`crate::sql::Store::rooms`].
pub(super) async fn rooms(session: &mut Session) -> Result<Vec<RoomEnd>, Error> {
    const SQL: &str = "
        SELECT uuid_send(room), max(term), max(last_number), max(last_ts)
        FROM span
        WHERE NOT EXISTS (SELECT FROM erased WHERE erased.room = span.room AND is_removed)
        GROUP BY room ORDER BY room";
    let statement = session.statement(SQL).await?;
    let found = session.client.query(&statement, &[]).await?;
    let read = |row: &tokio_postgres::Row| {
        let RowKey { room, place } = key(row)?;
        Ok(RoomEnd { room, place, ts: Timestamp(row.try_get(3)?) })
    };
    found.iter().map(read).collect()
}

/// See [`crate::sql::Store::preference_read`].
pub(super) async fn preference(
    session: &mut Session,
    owner: &str,
    label: &str,
) -> Result<Option<Preference>, Error> {
    const SQL: &str = "SELECT seqid, content FROM preference WHERE owner = $1 AND label = $2";
    let statement = session.statement(SQL).await?;
    let row = session.client.query_opt(&statement, &[&owner, &label]).await?;
    let read = |row: tokio_postgres::Row| {
        Ok(Preference { seqid: unsigned(row.try_get(0)?)?, content: row.try_get(1)? })
    };
    row.map(read).transpose()
}
