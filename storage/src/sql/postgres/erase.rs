//! Messages that are deleted or replaced, and rooms that are gone, so that a repeated append does
//! not bring them back.
//!
//! Whoever erases holds the locks of the room's spans, and whoever appends takes them first: an
//! append sees what was erased before it, or is erased itself.

use super::work::Work;
use super::{Session, read};
use crate::sql::error::{signed, unsigned};
use crate::sql::{Error, Place, Row, words};
use parlance_wire::xccos::{Guid, Timestamp};
use std::collections::BTreeSet;
use tokio_postgres::types::ToSql;

async fn lock(work: &mut Work<'_>, rooms: &[String]) -> Result<(), Error> {
    const SQL: &str = "
        SELECT FROM span WHERE room = ANY ($1::text[]::uuid[]) ORDER BY room, term FOR UPDATE";
    work.query(SQL, &[&rooms]).await.map(drop)
}

/// Deletes the oldest `count` of a room's messages that are not after a time; gives how many.
pub(super) async fn clear(
    session: &mut Session,
    room: Guid,
    until: Timestamp,
    count: usize,
) -> Result<u64, Error> {
    const DELETE: &str = "
        WITH gone AS (
            DELETE FROM message WHERE ctid = ANY (ARRAY (
                SELECT ctid FROM message WHERE room = $1::text::uuid AND ts <= $2
                ORDER BY ts, term, number LIMIT $3))
            RETURNING term, number
        )
        SELECT term, number, count(*) OVER () FROM gone ORDER BY term DESC, number DESC LIMIT 1";
    const NOTE: &str = "
        INSERT INTO erased (room, term, number, is_removed) VALUES ($1::text::uuid, $2, $3, false)
        ON CONFLICT (room) DO UPDATE SET term = excluded.term, number = excluded.number
            WHERE (excluded.term, excluded.number) > (erased.term, erased.number)";
    const FORGET: &str = "
        DELETE FROM amended WHERE room = $1::text::uuid AND (term, number) <= ($2, $3)";
    let mut work = Work::begin(session).await?;
    let name = room.to_string();
    lock(&mut work, std::slice::from_ref(&name)).await?;
    let found = work.query(DELETE, &[&name, &until.0, &(count as i64)]).await?;
    let Some(row) = found.first() else { return Ok(0) };
    let (term, number): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
    for sql in [NOTE, FORGET] {
        work.execute(sql, &[&name, &term, &number]).await?;
    }
    let deleted = unsigned(row.try_get(2)?)?;
    work.commit().await?;
    Ok(deleted)
}

/// Places as two columns.
fn columns(places: &[Place]) -> Result<(Vec<i64>, Vec<i64>), Error> {
    let terms = places.iter().map(|place| signed(place.term)).collect::<Result<_, _>>()?;
    let numbers = places.iter().map(|place| signed(place.number)).collect::<Result<_, _>>()?;
    Ok((terms, numbers))
}

/// See [`crate::sql::Store::messages_delete`].
pub(super) async fn delete(
    session: &mut Session,
    room: Guid,
    places: &[Place],
) -> Result<u64, Error> {
    const SQL: &str = "
        WITH gone AS (
            DELETE FROM message
            USING unnest($2::bigint[], $3::bigint[]) AS given (term, number)
            WHERE room = $1::text::uuid
                AND message.term = given.term AND message.number = given.number
            RETURNING message.room, message.term, message.number
        ), noted AS (
            INSERT INTO amended (room, term, number) SELECT * FROM gone ON CONFLICT DO NOTHING
        )
        SELECT count(*) FROM gone";
    let (terms, numbers) = columns(places)?;
    let mut work = Work::begin(session).await?;
    let name = room.to_string();
    lock(&mut work, std::slice::from_ref(&name)).await?;
    let found = work.query(SQL, &[&name, &terms, &numbers]).await?;
    let count = found.first().map_or(Ok(0), |row| row.try_get(0))?;
    work.commit().await?;
    unsigned(count)
}

/// See [`crate::sql::Store::messages_replace`].
pub(super) async fn replace(
    session: &mut Session,
    room: Guid,
    places: &[Place],
    text: &str,
) -> Result<u64, Error> {
    const FIND: &str = "
        SELECT uuid_send(room), term, number, ts, author, author_name, alert, chat, rtf
        FROM message JOIN unnest($2::bigint[], $3::bigint[]) AS given (term, number)
            USING (term, number)
        WHERE room = $1::text::uuid";
    const UPDATE: &str = "
        UPDATE message SET chat = $4, rtf = NULL, words = given.words::tsvector
        FROM unnest($2::bigint[], $3::bigint[], $5::text[]) AS given (term, number, words)
        WHERE room = $1::text::uuid
            AND message.term = given.term AND message.number = given.number";
    const NOTE: &str = "
        INSERT INTO amended (room, term, number)
        SELECT $1::text::uuid, term, number
        FROM unnest($2::bigint[], $3::bigint[]) AS given (term, number) ON CONFLICT DO NOTHING";
    let (terms, numbers) = columns(places)?;
    let mut work = Work::begin(session).await?;
    let name = room.to_string();
    lock(&mut work, std::slice::from_ref(&name)).await?;
    let mut found = read::rows(&work.query(FIND, &[&name, &terms, &numbers]).await?)?;
    found.sort_unstable_by_key(Row::key);
    found.dedup_by_key(|row| row.key());
    let places: Vec<Place> = found.iter().map(|row| row.place).collect();
    let (terms, numbers) = columns(&places)?;
    let words = |row: Row| words::tsvector(&words::of_row(&Row { chat: text.to_owned(), ..row }));
    let words: Vec<String> = found.into_iter().map(words).collect();
    let values: [&(dyn ToSql + Sync); 5] = [&name, &terms, &numbers, &text, &words];
    let count = work.execute(UPDATE, &values).await?;
    work.execute(NOTE, &[&name, &terms, &numbers]).await?;
    work.commit().await?;
    Ok(count)
}

/// Deletes all messages of rooms that are removed, and keeps where they ended.
pub(super) async fn rooms(work: &mut Work<'_>, rooms: &BTreeSet<Guid>) -> Result<(), Error> {
    const NOTE: &str = "
        INSERT INTO erased (room, term, number, is_removed)
        SELECT room::uuid, 0, 0, true FROM unnest($1::text[]) AS gone (room)
        ON CONFLICT (room) DO UPDATE SET is_removed = true";
    const MESSAGES: &str = "DELETE FROM message WHERE room = ANY ($1::text[]::uuid[])";
    const AMENDED: &str = "DELETE FROM amended WHERE room = ANY ($1::text[]::uuid[])";
    let names: Vec<String> = rooms.iter().map(Guid::to_string).collect();
    lock(work, &names).await?;
    for sql in [NOTE, MESSAGES, AMENDED] {
        work.execute(sql, &[&names]).await?;
    }
    Ok(())
}

/// Rooms are there: those that had been removed go on where they ended.
pub(super) async fn rooms_again(
    work: &mut Work<'_>,
    rooms: impl Iterator<Item = &Guid>,
) -> Result<(), Error> {
    const SQL: &str = "
        UPDATE erased SET is_removed = false,
            term = coalesce((SELECT max(term) FROM span WHERE span.room = erased.room), 0),
            number =
                coalesce((SELECT max(last_number) FROM span WHERE span.room = erased.room), 0)
        WHERE room = ANY ($1::text[]::uuid[]) AND is_removed";
    let names: Vec<String> = rooms.map(Guid::to_string).collect();
    match names.is_empty() {
        true => Ok(()),
        false => work.execute(SQL, &[&names]).await.map(drop),
    }
}

/// See [`crate::sql::Store::room_bytes`].
pub(super) async fn room_bytes(session: &mut Session) -> Result<Vec<(Guid, u64)>, Error> {
    const SQL: &str = "
        SELECT uuid_send(room),
            sum(octet_length(chat)::bigint + coalesce(octet_length(rtf), 0))::bigint
        FROM message GROUP BY room ORDER BY room";
    let statement = session.statement(SQL).await?;
    let found = session.client.query(&statement, &[]).await?;
    let read =
        |row: &tokio_postgres::Row| Ok((read::guid(row.try_get(0)?)?, unsigned(row.try_get(1)?)?));
    found.iter().map(read).collect()
}
