//! Writes messages and cursors, inside the caller's transaction.

use super::{erase, read};
use crate::sql::error::signed;
use crate::sql::types::{Addition, additions, verify_batch};
use crate::sql::{Appended, Conflict, Cursor, Error, Row, words};
use parlance_wire::xccos::Guid;
use rusqlite::{Connection, params};
use std::collections::HashMap;

/// Bits of a message's id that are its number.
pub(super) const NUMBER_BITS: u32 = 32;

/// Keys of a room and of one of its spans.
#[derive(Clone, Copy)]
pub(super) struct Keys {
    room: i64,
    span: i64,
}

/// Keeps messages.
pub(super) fn rows(connection: &Connection, rows: &[Row]) -> Result<Appended, Error> {
    verify_batch(rows)?;
    let mut keys = HashMap::new();
    for addition in additions(rows) {
        let keys_of = span(connection, &addition)?;
        let numbers = (addition.first, addition.last);
        let gone = erase::Gone::read(connection, keys_of.room, addition.term, numbers)?;
        keys.insert((addition.room, addition.term), (keys_of, gone));
    }
    let mut insert = connection.prepare_cached(
        "INSERT INTO message (id, room, ts, author, author_name, alert, chat, rtf)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (id) DO NOTHING",
    )?;
    let mut index =
        connection.prepare_cached("INSERT INTO message_words (rowid, words) VALUES (?1, ?2)")?;
    let mut appended = Appended::default();
    for row in rows.iter().filter(|row| row.is_history) {
        let (Keys { room, span }, gone) = &keys[&(row.room, row.place.term)];
        if gone.has(row.place.number) {
            appended.repeated += 1;
            continue;
        }
        let id = span << NUMBER_BITS | signed(row.place.number)?;
        let (author, name) = (&row.author, &row.author_name);
        let values = params![id, room, row.ts.0, author, name, row.alert, row.chat, row.rtf];
        if insert.execute(values)? == 1 {
            index.execute(params![id, words::fts5_document(&words::of_row(row))])?;
            appended.inserted += 1;
        } else if read::one(connection, row.room, row.place.term, id)?.as_ref() == Some(row) {
            appended.repeated += 1;
        } else {
            return Err(Conflict::Message(row.key()).into());
        }
    }
    Ok(appended)
}

/// Finds or makes a span, and lets it reach as far as the batch does.
pub(super) fn span(connection: &Connection, addition: &Addition) -> Result<Keys, Error> {
    let room = room(connection, addition.room)?;
    let span = connection
        .prepare_cached(
            "INSERT INTO span (room, term, first_number, last_number, last_ts)
             VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (room, term) DO UPDATE SET
                 first_number = min(first_number, excluded.first_number),
                 last_number = max(last_number, excluded.last_number),
                 last_ts = max(last_ts, excluded.last_ts)
             RETURNING key",
        )?
        .query_row(
            params![
                room,
                signed(addition.term)?,
                signed(addition.first)?,
                signed(addition.last)?,
                addition.ts.0
            ],
            |row| row.get(0),
        )?;
    Ok(Keys { room, span })
}

/// Finds or makes a room's key.
pub(super) fn room(connection: &Connection, room: Guid) -> Result<i64, Error> {
    let id = room.0.to_be_bytes();
    if let Some(key) = read::room_key(connection, room)? {
        return Ok(key);
    }
    let mut insert =
        connection.prepare_cached("INSERT INTO room (id) VALUES (?1) RETURNING key")?;
    Ok(insert.query_row([id], |row| row.get(0))?)
}

/// Moves a cursor forwards.
pub(super) fn cursor(connection: &Connection, cursor: &Cursor) -> Result<(), Error> {
    connection
        .prepare_cached(
            "INSERT INTO log_cursor (name, position) VALUES (?1, ?2)
             ON CONFLICT (name) DO UPDATE SET position = max(position, excluded.position)",
        )?
        .execute(params![cursor.name, signed(cursor.position.0)?])?;
    Ok(())
}
