//! Writes messages, cursors and preferences.

use super::{Session, read};
use crate::sql::error::signed;
use crate::sql::types::{Addition, additions, verify_batch};
use crate::sql::{Appended, Conflict, Cursor, Error, OWNER_PREFERENCES_MAX, Row, words};
use tokio_postgres::types::ToSql;

/// A batch as columns: one statement takes it whole, however many rows it has.
pub(super) struct Batch<'a> {
    /// Rows that are history.
    count: usize,
    rooms: Vec<String>,
    terms: Vec<i64>,
    numbers: Vec<i64>,
    times: Vec<i64>,
    authors: Vec<&'a str>,
    author_names: Vec<&'a str>,
    alerts: Vec<bool>,
    chats: Vec<&'a str>,
    rtfs: Vec<Option<&'a str>>,
    words: Vec<String>,
    additions: Vec<Addition>,
}

impl<'a> Batch<'a> {
    pub(super) fn new(all: &'a [Row]) -> Result<Batch<'a>, Error> {
        verify_batch(all)?;
        let rows: Vec<&Row> = all.iter().filter(|row| row.is_history).collect();
        Ok(Batch {
            count: rows.len(),
            rooms: rows.iter().map(|row| row.room.to_string()).collect(),
            terms: rows.iter().map(|row| signed(row.place.term)).collect::<Result<_, _>>()?,
            numbers: rows.iter().map(|row| signed(row.place.number)).collect::<Result<_, _>>()?,
            times: rows.iter().map(|row| row.ts.0).collect(),
            authors: rows.iter().map(|row| row.author.as_str()).collect(),
            author_names: rows.iter().map(|row| row.author_name.as_str()).collect(),
            alerts: rows.iter().map(|row| row.alert).collect(),
            chats: rows.iter().map(|row| row.chat.as_str()).collect(),
            rtfs: rows.iter().map(|row| row.rtf.as_deref()).collect(),
            words: rows.iter().map(|row| words::tsvector(&words::of_row(row))).collect(),
            additions: additions(all),
        })
    }

    /// In the order of [`INSERT`].
    fn columns(&self) -> [&(dyn ToSql + Sync); 10] {
        [
            &self.rooms,
            &self.terms,
            &self.numbers,
            &self.times,
            &self.authors,
            &self.author_names,
            &self.alerts,
            &self.chats,
            &self.rtfs,
            &self.words,
        ]
    }
}

const INSERT: &str = "
    INSERT INTO message
        (room, term, number, ts, author, author_name, alert, chat, rtf, words)
    SELECT room::uuid, term, number, ts, author, author_name, alert, chat, rtf, words::tsvector
    FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[], $6::text[],
        $7::boolean[], $8::text[], $9::text[], $10::text[])
        AS row (room, term, number, ts, author, author_name, alert, chat, rtf, words)
    WHERE NOT EXISTS (
        SELECT FROM erased WHERE erased.room = row.room::uuid
            AND (is_removed OR (row.term, row.number) <= (erased.term, erased.number))
    ) AND NOT EXISTS (
        SELECT FROM amended WHERE amended.room = row.room::uuid
            AND amended.term = row.term AND amended.number = row.number
    )
    ON CONFLICT (room, term, number) DO NOTHING";

/// The first message of a batch that differs from what is stored, unless it was amended.
const DIFFERENCE: &str = "
    SELECT uuid_send(stored.room), stored.term, stored.number
    FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[], $6::text[],
        $7::boolean[], $8::text[], $9::text[])
        AS row (room, term, number, ts, author, author_name, alert, chat, rtf)
    JOIN message AS stored ON stored.room = row.room::uuid
        AND stored.term = row.term AND stored.number = row.number
    WHERE (stored.ts, stored.author, stored.author_name, stored.alert, stored.chat, stored.rtf)
        IS DISTINCT FROM (row.ts, row.author, row.author_name, row.alert, row.chat, row.rtf)
        AND NOT EXISTS (
            SELECT FROM amended WHERE amended.room = stored.room
                AND amended.term = stored.term AND amended.number = stored.number
        )
    LIMIT 1";

const EXTEND: &str = "
    INSERT INTO span (room, term, first_number, last_number, last_ts)
    SELECT room::uuid, term, first, last, ts
    FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[])
        AS row (room, term, first, last, ts)
    ON CONFLICT (room, term) DO UPDATE SET
        first_number = least(span.first_number, excluded.first_number),
        last_number = greatest(span.last_number, excluded.last_number),
        last_ts = greatest(span.last_ts, excluded.last_ts)";

const MOVE: &str = "
    INSERT INTO log_cursor (name, position) VALUES ($1, $2)
    ON CONFLICT (name) DO UPDATE SET position = greatest(log_cursor.position, excluded.position)";

/// Keeps messages and moves a cursor, in one transaction.
pub(super) async fn keep(
    session: &mut Session,
    batch: &Batch<'_>,
    cursor: Option<&Cursor>,
) -> Result<Appended, Error> {
    let insert = session.statement(INSERT).await?;
    let difference = session.statement(DIFFERENCE).await?;
    let extend = session.statement(EXTEND).await?;
    let forward = session.statement(MOVE).await?;
    let transaction = session.client.transaction().await?;
    // First, since these rows' locks keep out whoever erases messages of the same rooms: what was
    // erased before is seen by the next statement.
    let additions = Columns::new(&batch.additions)?;
    let Columns { rooms, terms, firsts, lasts, times } = &additions;
    transaction.execute(&extend, &[rooms, terms, firsts, lasts, times]).await?;
    let columns = batch.columns();
    let inserted = transaction.execute(&insert, &columns).await? as usize;
    if inserted < batch.count {
        // All columns but the last, which follows from the others.
        let columns = &columns[..columns.len() - 1];
        if let Some(other) = transaction.query_opt(&difference, columns).await? {
            return Err(Conflict::Message(read::key(&other)?).into());
        }
    }
    if let Some(cursor) = cursor {
        transaction.execute(&forward, &[&cursor.name, &signed(cursor.position.0)?]).await?;
    }
    transaction.commit().await?;
    Ok(Appended { inserted, repeated: batch.count - inserted })
}

/// What a batch adds to its rooms, as columns.
struct Columns {
    rooms: Vec<String>,
    terms: Vec<i64>,
    firsts: Vec<i64>,
    lasts: Vec<i64>,
    times: Vec<i64>,
}

impl Columns {
    fn new(additions: &[Addition]) -> Result<Columns, Error> {
        let column = |value: fn(&Addition) -> u64| -> Result<Vec<i64>, Error> {
            additions.iter().map(|addition| signed(value(addition))).collect()
        };
        Ok(Columns {
            rooms: additions.iter().map(|addition| addition.room.to_string()).collect(),
            terms: column(|addition| addition.term)?,
            firsts: column(|addition| addition.first)?,
            lasts: column(|addition| addition.last)?,
            times: additions.iter().map(|addition| addition.ts.0).collect(),
        })
    }
}

/// Writes where there is nothing yet and the owner has few enough, or something not newer than the
/// writer knows.
const WRITE: &str = "
    INSERT INTO preference AS stored (owner, label, seqid, content)
    SELECT $1::text, $2::text, 1, $3::text
        WHERE EXISTS (SELECT FROM preference WHERE owner = $1 AND label = $2)
            OR (SELECT count(*) FROM preference WHERE owner = $1) < $5
    ON CONFLICT (owner, label) DO UPDATE SET seqid = stored.seqid + 1, content = excluded.content
        WHERE stored.seqid <= $4
    RETURNING seqid";

/// See [`crate::sql::Store::preference_write`].
pub(super) async fn preference(
    session: &mut Session,
    owner: &str,
    label: &str,
    seqid: u64,
    content: &str,
) -> Result<u64, Error> {
    let write = session.statement(WRITE).await?;
    let known = signed(seqid)?;
    let most = OWNER_PREFERENCES_MAX as i64;
    let values: [&(dyn ToSql + Sync); 5] = [&owner, &label, &content, &known, &most];
    if let Some(row) = session.client.query_opt(&write, &values).await? {
        return crate::sql::error::unsigned(row.try_get(0)?);
    }
    match read::preference(session, owner, label).await? {
        Some(stored) if stored.seqid == seqid + 1 && stored.content == content => Ok(stored.seqid),
        Some(stored) => Err(Conflict::Preference { seqid: stored.seqid }.into()),
        None => Err(Conflict::PreferencesFull.into()),
    }
}
