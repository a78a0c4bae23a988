//! Searches history step by step, in one read-only transaction whose statements are bounded in time
//! by the server.

use super::{OPERATION_TIME_MAX, PostgresStore, Session, read};
use crate::sql::error::{signed, unsigned};
use crate::sql::search::{Scan, Scanner, Span, search};
use crate::sql::{Error, Found, Order, Place, Query, Row, SEARCH_TIME_MAX};
use parlance_wire::xccos::{Guid, Timestamp};
use std::time::Instant;
use tokio::runtime::Runtime;
use tokio_postgres::types::ToSql;

/// Sets the transaction's time limit to [`SEARCH_TIME_MAX`].
const BEGIN: &str = "
    BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
    SET LOCAL statement_timeout = 2000";
const _: () = assert!(SEARCH_TIME_MAX.as_millis() == 2_000);

/// Answers a query.
pub(super) fn run(store: &mut PostgresStore, query: &Query) -> Result<Found, Error> {
    store.run(async |session| Ok(session.client.batch_execute(BEGIN).await?))?;
    let deadline = Instant::now() + SEARCH_TIME_MAX;
    let session = store.session.as_mut().expect("the transaction was begun on it");
    let mut engine = Search { runtime: &store.runtime, session, deadline };
    let found = search(&mut engine, query);
    let ended = engine.step(async |session| Ok(session.client.batch_execute("ROLLBACK").await?));
    let is_lost = ended.is_err() || matches!(&found, Err(error) if error.is_retryable());
    if let Some(session) = store.session.take_if(|_| is_lost) {
        store.runtime.block_on(session.close());
    }
    found
}

struct Search<'a> {
    runtime: &'a Runtime,
    session: &'a mut Session,
    deadline: Instant,
}

impl Search<'_> {
    fn step<T>(
        &mut self,
        mut operation: impl AsyncFnMut(&mut Session) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let session = &mut *self.session;
        self.runtime.block_on(async {
            let answer = tokio::time::timeout(OPERATION_TIME_MAX, operation(session)).await;
            answer.unwrap_or_else(|_| Err(Error::Unavailable("no answer in time".into())))
        })
    }

    fn query(
        &mut self,
        sql: &'static str,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<tokio_postgres::Row>, Error> {
        self.step(async |session| {
            let statement = session.statement(sql).await?;
            Ok(session.client.query(&statement, values).await?)
        })
    }

    fn place(
        &mut self,
        room: Guid,
        sql: &'static str,
        ts: Timestamp,
    ) -> Result<Option<Place>, Error> {
        let found = self.query(sql, &[&room.to_string(), &ts.0])?;
        found.first().map(|row| Ok(read::key(row)?.place)).transpose()
    }
}

const FORWARDS: &str = "
    SELECT uuid_send(room), term, number, ts, author, author_name, alert, chat, rtf
    FROM message WHERE room = $1::text::uuid AND term = $2 AND number BETWEEN $3 AND $4
        AND ts BETWEEN $5 AND $6
    ORDER BY number LIMIT $7";
const BACKWARDS: &str = "
    SELECT uuid_send(room), term, number, ts, author, author_name, alert, chat, rtf
    FROM message WHERE room = $1::text::uuid AND term = $2 AND number BETWEEN $3 AND $4
        AND ts BETWEEN $5 AND $6
    ORDER BY number DESC LIMIT $7";
const WORDS_FORWARDS: &str = "
    SELECT uuid_send(room), term, number, ts, author, author_name, alert, chat, rtf
    FROM message WHERE room = $1::text::uuid AND term = $2 AND number BETWEEN $3 AND $4
        AND ts BETWEEN $5 AND $6 AND words @@ $8::text::tsquery
    ORDER BY number LIMIT $7";
const WORDS_BACKWARDS: &str = "
    SELECT uuid_send(room), term, number, ts, author, author_name, alert, chat, rtf
    FROM message WHERE room = $1::text::uuid AND term = $2 AND number BETWEEN $3 AND $4
        AND ts BETWEEN $5 AND $6 AND words @@ $8::text::tsquery
    ORDER BY number DESC LIMIT $7";

impl Scanner for Search<'_> {
    fn spans(&mut self, room: Guid) -> Result<Vec<Span>, Error> {
        const SQL: &str = "
            SELECT term, first_number, last_number FROM span
            WHERE room = $1::text::uuid ORDER BY term";
        let found = self.query(SQL, &[&room.to_string()])?;
        let read = |row: &tokio_postgres::Row| {
            let (term, first) = (unsigned(row.try_get(0)?)?, unsigned(row.try_get(1)?)?);
            Ok(Span { key: 0, term, first, last: unsigned(row.try_get(2)?)? })
        };
        found.iter().map(read).collect()
    }

    fn first_since(&mut self, room: Guid, ts: Timestamp) -> Result<Option<Place>, Error> {
        const SQL: &str = "
            SELECT uuid_send(room), term, number FROM message
            WHERE room = $1::text::uuid AND ts >= $2 ORDER BY ts, term, number LIMIT 1";
        self.place(room, SQL, ts)
    }

    fn last_until(&mut self, room: Guid, ts: Timestamp) -> Result<Option<Place>, Error> {
        const SQL: &str = "
            SELECT uuid_send(room), term, number FROM message
            WHERE room = $1::text::uuid AND ts <= $2
            ORDER BY ts DESC, term DESC, number DESC LIMIT 1";
        self.place(room, SQL, ts)
    }

    fn scan(&mut self, scan: &Scan<'_>) -> Result<Vec<Row>, Error> {
        let (room, term) = (scan.room.to_string(), signed(scan.span.term)?);
        let (first, last) = (signed(scan.numbers.0)?, signed(scan.numbers.1)?);
        let (from, to) = (scan.times.0.0, scan.times.1.0);
        let count = scan.count as i64;
        let values: [&(dyn ToSql + Sync); 7] = [&room, &term, &first, &last, &from, &to, &count];
        let is_forwards = scan.order == Order::OldestFirst;
        let found = if let Some(matcher) = scan.matcher {
            let sql = if is_forwards { WORDS_FORWARDS } else { WORDS_BACKWARDS };
            let words = matcher.tsquery(scan.room);
            let values: Vec<_> =
                values.into_iter().chain([&words as &(dyn ToSql + Sync)]).collect();
            self.query(sql, &values)?
        } else {
            self.query(if is_forwards { FORWARDS } else { BACKWARDS }, &values)?
        };
        read::rows(&found)
    }

    fn is_late(&self) -> bool {
        Instant::now() >= self.deadline
    }
}
