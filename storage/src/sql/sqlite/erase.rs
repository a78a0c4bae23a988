//! Messages that are deleted or replaced, and rooms that are gone, so that a repeated append does
//! not bring them back. What writes works inside the caller's transaction.

use super::{read, write};
use crate::sql::error::{signed, unsigned};
use crate::sql::{Error, Place, words};
use parlance_wire::xccos::{Guid, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::{BTreeSet, HashSet};

/// What must not come back in a room and term.
#[derive(Default)]
pub(super) struct Gone {
    up_to: u64,
    amended: HashSet<u64>,
}

impl Gone {
    pub(super) fn has(&self, number: u64) -> bool {
        number <= self.up_to || self.amended.contains(&number)
    }

    /// Of a room's numbers between two.
    pub(super) fn read(
        connection: &Connection,
        room: i64,
        term: u64,
        numbers: (u64, u64),
    ) -> Result<Gone, Error> {
        let mut statement = connection
            .prepare_cached("SELECT term, number, is_removed FROM erased WHERE room = ?1")?;
        let erased: Option<(i64, i64, bool)> = statement
            .query_row([room], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .optional()?;
        let up_to = match erased {
            Some((_, _, true)) => u64::MAX,
            Some((last, _, _)) if unsigned(last)? > term => u64::MAX,
            Some((last, number, _)) if unsigned(last)? == term => unsigned(number)?,
            _ => 0,
        };
        let mut statement = connection.prepare_cached(
            "SELECT number FROM amended
             WHERE room = ?1 AND term = ?2 AND number BETWEEN ?3 AND ?4",
        )?;
        let values = params![room, signed(term)?, signed(numbers.0)?, signed(numbers.1)?];
        let amended = statement.query_map(values, |row| row.get::<_, i64>(0))?;
        let amended = amended.map(|number| unsigned(number?)).collect::<Result<_, Error>>()?;
        Ok(Gone { up_to, amended })
    }
}

/// Deletes the oldest `count` of a room's messages that are not after a time; gives how many.
pub(super) fn clear(
    connection: &Connection,
    room: Guid,
    until: Timestamp,
    count: usize,
) -> Result<u64, Error> {
    let Some(key) = read::room_key(connection, room)? else { return Ok(0) };
    let mut statement = connection.prepare_cached(
        "SELECT id, term FROM message CROSS JOIN span ON span.key = id >> 32
         WHERE message.room = ?1 AND ts <= ?2 ORDER BY ts, id LIMIT ?3",
    )?;
    let found = statement.query_map(params![key, until.0, count as i64], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))
    })?;
    let found = found.collect::<Result<Vec<_>, _>>()?;
    let places = found.iter().map(|(id, term)| (*term, read::number(*id) as i64));
    let Some((term, number)) = places.max() else { return Ok(0) };
    for (id, _) in &found {
        delete_message(connection, *id)?;
    }
    connection
        .prepare_cached(
            "INSERT INTO erased (room, term, number, is_removed) VALUES (?1, ?2, ?3, 0)
             ON CONFLICT (room) DO UPDATE SET term = excluded.term, number = excluded.number
             WHERE (excluded.term, excluded.number) > (erased.term, erased.number)",
        )?
        .execute([key, term, number])?;
    connection
        .prepare_cached("DELETE FROM amended WHERE room = ?1 AND (term, number) <= (?2, ?3)")?
        .execute([key, term, number])?;
    Ok(found.len() as u64)
}

fn delete_message(connection: &Connection, id: i64) -> Result<(), Error> {
    connection.prepare_cached("DELETE FROM message_words WHERE rowid = ?1")?.execute([id])?;
    connection.prepare_cached("DELETE FROM message WHERE id = ?1")?.execute([id])?;
    Ok(())
}

/// Deletes messages, or gives them another text; passes over those that are not there.
pub(super) fn amend(
    connection: &Connection,
    room: Guid,
    places: &[Place],
    text: Option<&str>,
) -> Result<u64, Error> {
    let Some(key) = read::room_key(connection, room)? else { return Ok(0) };
    let mut count = 0;
    for place in places.iter().collect::<BTreeSet<_>>() {
        let Some(id) = message_id(connection, key, place)? else { continue };
        let Some(mut row) = read::one(connection, room, place.term, id)? else { continue };
        match text {
            None => delete_message(connection, id)?,
            Some(text) => {
                row.chat = text.to_owned();
                let sql = "UPDATE message SET chat = ?2, rtf = NULL WHERE id = ?1";
                connection.prepare_cached(sql)?.execute(params![id, text])?;
                let sql = "DELETE FROM message_words WHERE rowid = ?1";
                connection.prepare_cached(sql)?.execute([id])?;
                let words = words::fts5_document(&words::of_row(&row));
                let sql = "INSERT INTO message_words (rowid, words) VALUES (?1, ?2)";
                connection.prepare_cached(sql)?.execute(params![id, words])?;
            }
        }
        connection
            .prepare_cached(
                "INSERT INTO amended (room, term, number) VALUES (?1, ?2, ?3)
                 ON CONFLICT DO NOTHING",
            )?
            .execute([key, signed(place.term)?, signed(place.number)?])?;
        count += 1;
    }
    Ok(count)
}

fn message_id(connection: &Connection, room: i64, place: &Place) -> Result<Option<i64>, Error> {
    let mut statement =
        connection.prepare_cached("SELECT key FROM span WHERE room = ?1 AND term = ?2")?;
    let span: Option<i64> =
        statement.query_row(params![room, signed(place.term)?], |row| row.get(0)).optional()?;
    Ok(match span {
        Some(span) => Some(span << write::NUMBER_BITS | signed(place.number)?),
        None => None,
    })
}

/// Deletes all messages of a room that is removed, and keeps where it ended.
pub(super) fn room(connection: &Connection, room: Guid) -> Result<(), Error> {
    let key = write::room(connection, room)?;
    let words = "DELETE FROM message_words WHERE rowid IN (SELECT id FROM message WHERE room = ?1)";
    for sql in [
        words,
        "DELETE FROM message WHERE room = ?1",
        "DELETE FROM amended WHERE room = ?1",
        "INSERT INTO erased (room, term, number, is_removed) VALUES (?1, 0, 0, 1)
         ON CONFLICT (room) DO UPDATE SET is_removed = 1",
    ] {
        connection.prepare_cached(sql)?.execute([key])?;
    }
    Ok(())
}

/// A room is there: if it had been removed, it goes on where it ended.
pub(super) fn room_again(connection: &Connection, room: Guid) -> Result<(), Error> {
    connection
        .prepare_cached(
            "UPDATE erased SET is_removed = 0,
                 term = coalesce((SELECT max(term) FROM span WHERE span.room = erased.room), 0),
                 number = coalesce(
                     (SELECT max(last_number) FROM span WHERE span.room = erased.room), 0)
             WHERE room = (SELECT key FROM room WHERE id = ?1) AND is_removed",
        )?
        .execute([room.0.to_be_bytes()])?;
    Ok(())
}

/// See [`crate::sql::Store::room_bytes`].
pub(super) fn room_bytes(connection: &Connection) -> Result<Vec<(Guid, u64)>, Error> {
    let mut statement = connection.prepare_cached(
        "SELECT room.id, sum(bytes) FROM room JOIN (
             SELECT span.room, (
                 SELECT sum(octet_length(chat) + coalesce(octet_length(rtf), 0)) FROM message
                 WHERE message.id BETWEEN span.key << 32 AND span.key << 32 | 0xffffffff
             ) AS bytes FROM span
         ) AS part ON part.room = room.key
         WHERE bytes IS NOT NULL GROUP BY room.id ORDER BY room.id",
    )?;
    let found = statement.query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?)))?;
    found
        .map(|found| {
            let (room, bytes) = found?;
            Ok((Guid(u128::from_be_bytes(room)), unsigned(bytes)?))
        })
        .collect()
}
