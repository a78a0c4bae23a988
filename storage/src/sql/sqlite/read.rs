//! Reads messages, rooms and preferences.

use super::write::NUMBER_BITS;
use crate::sql::error::{signed, unsigned};
use crate::sql::search::{Scan, Scanner, Span};
use crate::sql::{
    Error, LAST_ROWS_MAX, NUMBER_MAX, Order, Place, Preference, RoomEnd, Row, RowKey,
};
use parlance_wire::xccos::{Guid, Timestamp};
use rusqlite::{Connection, OptionalExtension, Params, params};
use std::time::Instant;

/// Lowest and highest id of a span's messages between two numbers.
fn ids(span: i64, numbers: (u64, u64)) -> (i64, i64) {
    let number = |number: u64| number.min(NUMBER_MAX) as i64;
    (span << NUMBER_BITS | number(numbers.0), span << NUMBER_BITS | number(numbers.1))
}

pub(super) fn number(id: i64) -> u64 {
    id as u64 & NUMBER_MAX
}

/// Runs a statement whose columns are `id, ts, author, author_name, alert, chat, rtf`.
fn rows(
    connection: &Connection,
    sql: &'static str,
    params: impl Params,
    room: Guid,
    term: u64,
) -> Result<Vec<Row>, Error> {
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map(params, |row| {
        Ok(Row {
            room,
            place: Place { term, number: number(row.get(0)?) },
            ts: Timestamp(row.get(1)?),
            author: row.get(2)?,
            author_name: row.get(3)?,
            alert: row.get(4)?,
            chat: row.get(5)?,
            rtf: row.get(6)?,
            is_history: true,
        })
    })?;
    Ok(rows.collect::<Result<Vec<Row>, _>>()?)
}

pub(super) fn room_key(connection: &Connection, room: Guid) -> Result<Option<i64>, Error> {
    let mut statement = connection.prepare_cached("SELECT key FROM room WHERE id = ?1")?;
    Ok(statement.query_row([room.0.to_be_bytes()], |row| row.get(0)).optional()?)
}

/// One message.
pub(super) fn one(
    connection: &Connection,
    room: Guid,
    term: u64,
    id: i64,
) -> Result<Option<Row>, Error> {
    const SQL: &str =
        "SELECT id, ts, author, author_name, alert, chat, rtf FROM message WHERE id = ?1";
    Ok(rows(connection, SQL, [id], room, term)?.pop())
}

/// A room's spans by term.
fn spans(connection: &Connection, room: Guid) -> Result<Vec<Span>, Error> {
    let mut statement = connection.prepare_cached(
        "SELECT span.key, term, first_number, last_number
         FROM room JOIN span ON span.room = room.key WHERE room.id = ?1 ORDER BY term",
    )?;
    let spans = statement.query_map([room.0.to_be_bytes()], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
    })?;
    spans
        .map(|span| {
            let (key, term, first, last) = span?;
            let (term, first) = (unsigned(term)?, unsigned(first)?);
            Ok(Span { key, term, first, last: unsigned(last)? })
        })
        .collect()
}

const FORWARDS: &str = "SELECT id, ts, author, author_name, alert, chat, rtf FROM message
     WHERE id BETWEEN ?1 AND ?2 AND ts BETWEEN ?3 AND ?4 ORDER BY id LIMIT ?5";
const BACKWARDS: &str = "SELECT id, ts, author, author_name, alert, chat, rtf FROM message
     WHERE id BETWEEN ?1 AND ?2 AND ts BETWEEN ?3 AND ?4 ORDER BY id DESC LIMIT ?5";
// The cross join keeps the index of words in the outer loop, whose order is that of the ids.
const WORDS_FORWARDS: &str = "SELECT id, ts, author, author_name, alert, chat, rtf
     FROM message_words CROSS JOIN message ON id = message_words.rowid
     WHERE message_words MATCH ?6 AND message_words.rowid BETWEEN ?1 AND ?2
     AND ts BETWEEN ?3 AND ?4 ORDER BY message_words.rowid LIMIT ?5";
const WORDS_BACKWARDS: &str = "SELECT id, ts, author, author_name, alert, chat, rtf
     FROM message_words CROSS JOIN message ON id = message_words.rowid
     WHERE message_words MATCH ?6 AND message_words.rowid BETWEEN ?1 AND ?2
     AND ts BETWEEN ?3 AND ?4 ORDER BY message_words.rowid DESC LIMIT ?5";

/// See [`crate::sql::Store::last`].
pub(super) fn last(
    connection: &Connection,
    room: Guid,
    count: usize,
    before: Option<Place>,
) -> Result<Vec<Row>, Error> {
    let count = count.min(LAST_ROWS_MAX);
    let mut found = Vec::new();
    for span in spans(connection, room)?.into_iter().rev() {
        let last = match before {
            Some(before) if before.term < span.term => continue,
            Some(before) if before.term == span.term => before.number.saturating_sub(1),
            _ => NUMBER_MAX,
        };
        let (low, high) = ids(span.key, (0, last));
        let rest = (count - found.len()) as i64;
        let values = params![low, high, 0, i64::MAX, rest];
        found.extend(rows(connection, BACKWARDS, values, room, span.term)?);
        if found.len() == count {
            break;
        }
    }
    found.reverse();
    Ok(found)
}

/// See [`crate::sql::Store::page`].
pub(super) fn page(
    connection: &Connection,
    after: Option<&RowKey>,
    count: usize,
) -> Result<Vec<Row>, Error> {
    let count = count.min(LAST_ROWS_MAX);
    let mut found = Vec::new();
    let mut at = after.copied();
    loop {
        // Spans may be empty, so that a page may need more of them than it has messages.
        let spans = spans_from(connection, at.as_ref(), count + 1)?;
        let is_end = spans.len() <= count;
        for (room, span) in spans {
            let place = at.filter(|at| (at.room, at.place.term) == (room, span.term));
            let first = place.map_or(0, |at| at.place.number.saturating_add(1));
            let (low, high) = ids(span.key, (first, NUMBER_MAX));
            if first <= NUMBER_MAX {
                let rest = (count - found.len()) as i64;
                let values = params![low, high, 0, i64::MAX, rest];
                found.extend(rows(connection, FORWARDS, values, room, span.term)?);
            }
            if found.len() == count {
                return Ok(found);
            }
            at = Some(RowKey { room, place: Place { term: span.term, number: NUMBER_MAX } });
        }
        if is_end {
            return Ok(found);
        }
    }
}

/// Spans of all rooms from a place on, in the order of pages.
fn spans_from(
    connection: &Connection,
    from: Option<&RowKey>,
    count: usize,
) -> Result<Vec<(Guid, Span)>, Error> {
    let (room, term) = from.map_or((Guid(0), 0), |from| (from.room, from.place.term));
    let mut statement = connection.prepare_cached(
        "SELECT room.id, span.key, term, first_number, last_number
         FROM room JOIN span ON span.room = room.key
         WHERE (room.id, term) >= (?1, ?2) ORDER BY room.id, term LIMIT ?3",
    )?;
    let values = params![room.0.to_be_bytes(), signed(term)?, count as i64];
    let spans = statement.query_map(values, |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
    })?;
    spans
        .map(|span| {
            let (room, key, term, first, last): (_, i64, i64, i64, i64) = span?;
            let (term, first) = (unsigned(term)?, unsigned(first)?);
            let span = Span { key, term, first, last: unsigned(last)? };
            Ok((Guid(u128::from_be_bytes(room)), span))
        })
        .collect()
}

/// See [`crate::sql::Store::rooms`].
pub(super) fn rooms(connection: &Connection) -> Result<Vec<RoomEnd>, Error> {
    let mut statement = connection.prepare_cached(
        "SELECT room.id, max(term), max(last_number), max(last_ts)
         FROM room JOIN span ON span.room = room.key
         WHERE NOT EXISTS (SELECT 1 FROM erased WHERE erased.room = room.key AND is_removed)
         GROUP BY room.id ORDER BY room.id",
    )?;
    let ends =
        statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
    ends.map(|end| {
        let (room, term, number, ts) = end?;
        let place = Place { term: unsigned(term)?, number: unsigned(number)? };
        Ok(RoomEnd { room: Guid(u128::from_be_bytes(room)), place, ts: Timestamp(ts) })
    })
    .collect()
}

/// See [`crate::sql::Store::preference_read`].
pub(super) fn preference(
    connection: &Connection,
    owner: &str,
    label: &str,
) -> Result<Option<Preference>, Error> {
    const SQL: &str = "SELECT seqid, content FROM preference WHERE owner = ?1 AND label = ?2";
    let mut statement = connection.prepare_cached(SQL)?;
    let stored: Option<(i64, String)> =
        statement.query_row([owner, label], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    let read = |(seqid, content)| Ok(Preference { seqid: unsigned(seqid)?, content });
    stored.map(read).transpose()
}

/// How many preferences a user has.
pub(super) fn preferences(connection: &Connection, owner: &str) -> Result<usize, Error> {
    const SQL: &str = "SELECT count(*) FROM preference WHERE owner = ?1";
    let count: i64 = connection.prepare_cached(SQL)?.query_row([owner], |row| row.get(0))?;
    Ok(usize::try_from(count).expect("a count is no negative number"))
}

/// A search in progress.
pub(super) struct Search<'a> {
    pub connection: &'a Connection,
    pub deadline: Instant,
}

impl Search<'_> {
    fn place(&self, room: Guid, sql: &'static str, ts: Timestamp) -> Result<Option<Place>, Error> {
        let Some(key) = room_key(self.connection, room)? else { return Ok(None) };
        let mut statement = self.connection.prepare_cached(sql)?;
        let found: Option<(i64, i64)> = statement
            .query_row(params![key, ts.0], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let read = |(term, id)| Ok(Place { term: unsigned(term)?, number: number(id) });
        found.map(read).transpose()
    }
}

impl Scanner for Search<'_> {
    fn spans(&mut self, room: Guid) -> Result<Vec<Span>, Error> {
        spans(self.connection, room)
    }

    fn first_since(&mut self, room: Guid, ts: Timestamp) -> Result<Option<Place>, Error> {
        const SQL: &str = "SELECT term, id FROM message CROSS JOIN span ON span.key = id >> 32
             WHERE message.room = ?1 AND ts >= ?2 ORDER BY ts, id LIMIT 1";
        self.place(room, SQL, ts)
    }

    fn last_until(&mut self, room: Guid, ts: Timestamp) -> Result<Option<Place>, Error> {
        const SQL: &str = "SELECT term, id FROM message CROSS JOIN span ON span.key = id >> 32
             WHERE message.room = ?1 AND ts <= ?2 ORDER BY ts DESC, id DESC LIMIT 1";
        self.place(room, SQL, ts)
    }

    fn scan(&mut self, scan: &Scan<'_>) -> Result<Vec<Row>, Error> {
        let (low, high) = ids(scan.span.key, scan.numbers);
        let (from, to) = (scan.times.0.0, scan.times.1.0);
        let (room, term, count) = (scan.room, scan.span.term, scan.count as i64);
        let is_forwards = scan.order == Order::OldestFirst;
        if let Some(matcher) = scan.matcher {
            let sql = if is_forwards { WORDS_FORWARDS } else { WORDS_BACKWARDS };
            let values = params![low, high, from, to, count, matcher.fts5(room)];
            rows(self.connection, sql, values, room, term)
        } else {
            let sql = if is_forwards { FORWARDS } else { BACKWARDS };
            rows(self.connection, sql, params![low, high, from, to, count], room, term)
        }
    }

    fn is_late(&self) -> bool {
        Instant::now() >= self.deadline
    }
}
