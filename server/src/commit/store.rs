//! The database behind the log: opened at start, fed by a thread of its own.
//!
//! With `ack = "log"` chat does not wait for it. What the database has, the log may forget; while
//! the database is away, the log carries everything, up to its quota. With `ack = "sql"` authors
//! wait for the database, so nothing here lingers.

use super::lane::Desk;
use super::numbers::LogNumbers;
use super::replication::Replication;
use super::start::Recollection;
use crate::config::Ack;
use crate::shell::Clock;
use parlance_core::directory::display_name;
use parlance_core::time::Instant;
use parlance_core::{Endpoint, Record, RoomEnd};
use parlance_storage::flusher::{Flusher, Settings, Step};
use parlance_storage::log::ReadError;
use parlance_storage::sql::{
    AnyStore, Cursor, Error, LogPosition, Place, RECENT_ROOMS_MAX, RECENT_ROWS_MAX, Row, Store,
};
use parlance_storage::{EngineReader, Position, log, sql};
use parlance_wire::xccos::Guid;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Longest sleep of the flusher's thread: how late it may notice a commit that it is not woken for.
const NAP: Duration = Duration::from_millis(200);
/// Longest wait after a failure where authors wait for the database, milliseconds: a connection
/// tried each second is no burden for a database that comes back.
const AWAITED_BACKOFF_MS_MAX: u64 = 1_000;
/// Messages read from the database at start, all rooms together. Beyond it rooms get their last one
/// only, which carries the number they go on from.
const RESTORED_ROWS_MAX: usize = 200_000;

/// The database of one log.
pub struct Archive {
    store: AnyStore,
    /// Names this log's place in it.
    cursor: String,
    /// Its tables have been brought forward since this program runs.
    is_migrated: bool,
}

impl Archive {
    /// The database at a URL, which may be away. `log_id` is the identity of the log.
    ///
    /// # Errors
    /// Why the server must not start: cause, effect, next step.
    pub fn new(url: &str, log_id: &str) -> Result<Archive, String> {
        let store = AnyStore::open(url).map_err(|e| unusable(&e))?;
        Ok(Archive { store, cursor: cursor_name(log_id), is_migrated: false })
    }

    /// Brings its tables forward, unless that has been done.
    ///
    /// # Errors
    /// When it is away or is not ours.
    pub fn migrate(&mut self) -> Result<(), Error> {
        if !self.is_migrated {
            let migrated = self.store.migrate()?;
            tracing::info!(?migrated, "database opened");
            self.is_migrated = true;
        }
        Ok(())
    }

    /// The database itself.
    pub fn store(&mut self) -> &mut AnyStore {
        &mut self.store
    }

    /// Under which name it keeps how far it has got with the log.
    pub fn cursor(&self) -> &str {
        &self.cursor
    }

    /// How far it has got with the log.
    ///
    /// # Errors
    /// As [`Archive::new`].
    pub fn stored(&mut self) -> Result<Position, String> {
        let cursor = self.store.cursor(&self.cursor).map_err(|e| unusable(&e))?;
        Ok(Position(cursor.unwrap_or_default().0))
    }

    /// Which rooms endpoints were in.
    ///
    /// # Errors
    /// As [`Archive::new`].
    pub fn endpoints(&mut self) -> Result<Vec<Endpoint>, String> {
        self.store.endpoints().map_err(|e| unusable(&e))
    }

    /// The newest messages of all rooms, `per_room_max` of each where that is not too much.
    ///
    /// # Errors
    /// As [`Archive::new`].
    pub fn recall(&mut self, per_room_max: usize) -> Result<Recollection, String> {
        let ends = self.store.rooms().map_err(|e| unusable(&e))?;
        let rooms: Vec<Guid> = ends.iter().map(|end| end.room).collect();
        let mut known = Recollection::new(per_room_max, ends.iter().map(end).collect());
        let is_much = rooms.len().saturating_mul(per_room_max) > RESTORED_ROWS_MAX;
        let count = if is_much { 1 } else { per_room_max.max(1) };
        for rooms in rooms.chunks((RECENT_ROWS_MAX / count).clamp(1, RECENT_ROOMS_MAX)) {
            let rows = self.store.recent(rooms, count).map_err(|e| unusable(&e))?;
            rows.into_iter().for_each(|row| known.take(record(row)));
        }
        Ok(known)
    }
}

/// Under which name the database keeps how far it has got with a log.
pub fn cursor_name(log_id: &str) -> String {
    format!("stored:{log_id}")
}

/// What is told when a server cannot start because of its database.
pub fn unusable(error: &Error) -> String {
    format!(
        "the database cannot be used, so nothing is served: {error}. Rooms would begin anew with \
         their numbers without it; see [store] of the configuration"
    )
}

/// Brings what is durable into the database.
pub struct Feeder {
    archive: Archive,
    reader: Box<dyn EngineReader>,
    flusher: Flusher,
    replication: Option<Arc<Replication>>,
    numbers: Arc<LogNumbers>,
    desk: Arc<Desk>,
    ack: Ack,
    clock: Clock,
    /// The trouble that was told last, so that it is told once.
    told: Option<String>,
}

impl Feeder {
    /// A feeder of a log whose records behind `stored` the database lacks. `seed` spreads the
    /// retries of several servers. Each time it has got further it calls at the desk.
    pub fn new(
        archive: Archive,
        reader: Box<dyn EngineReader>,
        marks: &log::Watermarks,
        desk: Arc<Desk>,
        ack: Ack,
        clock: Clock,
        seed: u64,
    ) -> Feeder {
        let (start, end) = (marks.oldest.previous(), marks.durable);
        let settings = match ack {
            Ack::Log => Settings::default(),
            Ack::Sql => Settings {
                linger_ms: 0,
                backoff_ms_max: AWAITED_BACKOFF_MS_MAX,
                ..Settings::default()
            },
        };
        let flusher = Flusher::new(settings, seed, LogPosition(start.0), LogPosition(end.0));
        let (numbers, told, replication) = (desk.numbers(), None, None);
        Feeder { archive, reader, flusher, replication, numbers, desk, ack, clock, told }
    }

    /// The same, and a replica is told where rooms end before the log forgets it.
    pub fn replicating(self, replication: Option<Arc<Replication>>) -> Feeder {
        Feeder { replication, ..self }
    }

    /// Brings all that the log has into the database before anybody is served, so that rooms do
    /// not begin with messages that it lacks. Looks between transactions whether `is_wanted`
    /// still; false if it was not, before all was there.
    ///
    /// # Errors
    /// Why the server must not start: cause, effect, next step.
    pub fn catch_up(&mut self, is_wanted: impl Fn() -> bool) -> Result<bool, String> {
        while is_wanted() {
            match self.step() {
                Step::AskCursor | Step::Flush { .. } => {}
                Step::Wait(_) => match self.flusher.trouble() {
                    Some(error) => return Err(unusable(error)),
                    None => {
                        let messages = self.numbers.stored_rows.load(Ordering::Relaxed);
                        tracing::info!(messages, "the database was brought up to the log");
                        return Ok(true);
                    }
                },
                Step::Refuse(refusal) => {
                    return Err(format!(
                        "log and database do not belong together: {refusal} Nothing is served; put \
                         the right one back"
                    ));
                }
            }
        }
        Ok(false)
    }

    /// Feeds until `is_closing` says that the log is closed, and then until the database has
    /// everything, or to the first trouble; or until log and database turn out not to belong
    /// together: then the log keeps everything, and fills up.
    pub fn run(mut self, is_closing: &AtomicBool) {
        loop {
            // Looked at first: what was durable before the log was closed is seen below.
            let is_closing = is_closing.load(Ordering::Acquire);
            match self.step() {
                Step::AskCursor | Step::Flush { .. } => {}
                Step::Wait(_) if is_closing && self.is_done() => return,
                Step::Wait(until) => {
                    let now = self.clock.now().instant;
                    std::thread::park_timeout(until.map_or(NAP, |until| {
                        NAP.min(Duration::from_micros(until.0.saturating_sub(now.0)))
                    }));
                }
                Step::Refuse(refusal) => {
                    tracing::error!(
                        cause = %refusal,
                        effect = match self.ack {
                            Ack::Log => "the log keeps all; when it is full, posts are refused",
                            Ack::Sql => "no post is answered; soon new ones are refused",
                        },
                        next_step = "put the right database back and start the server again",
                        "log and database do not belong together"
                    );
                    return;
                }
            }
        }
    }

    /// Does what the flusher wants next, except waiting.
    fn step(&mut self) -> Step {
        let now = self.clock.now().instant;
        let durable = self.numbers.durable.load(Ordering::Acquire);
        self.flusher.committed(now, LogPosition(durable));
        let step = self.flusher.poll(now);
        match step {
            Step::AskCursor => self.ask(now),
            Step::Flush { from, to, rows_max } => self.flush(now, from, to, rows_max),
            Step::Wait(_) | Step::Refuse(_) => {}
        }
        step
    }

    /// Nothing is left to be fed, or not now.
    fn is_done(&self) -> bool {
        self.flusher.lag_rows() == 0 || self.flusher.trouble().is_some()
    }

    fn ask(&mut self, now: Instant) {
        let archive = &mut self.archive;
        match archive.migrate().and_then(|()| archive.store.cursor(&archive.cursor)) {
            Ok(cursor) => {
                self.flusher.cursor_read(now, cursor);
                self.publish();
            }
            Err(error) => self.failed(now, error),
        }
    }

    fn flush(&mut self, now: Instant, from: LogPosition, to: LogPosition, rows_max: usize) {
        let outcome = self.read(from, to, rows_max).and_then(|(rows, position)| {
            let cursor = Cursor { name: self.archive.cursor.clone(), position };
            self.archive.store.append(&rows, &cursor)?;
            if let Some(replication) = &self.replication {
                replication.stored(&rows, &cursor);
            }
            Ok((rows.len(), position))
        });
        match outcome {
            Ok((rows, position)) => {
                self.flusher.flushed(position);
                self.numbers.stored_rows.fetch_add(rows as u64, Ordering::Relaxed);
                self.publish();
                if self.told.take().is_some() {
                    tracing::info!(position = position.0, "the database takes messages again");
                }
            }
            Err(error) => self.failed(now, error),
        }
    }

    /// The next messages of the log, and how far they reach.
    fn read(
        &mut self,
        from: LogPosition,
        to: LogPosition,
        rows_max: usize,
    ) -> Result<(Vec<Row>, LogPosition), Error> {
        if self.reader.taken() != Position(from.0) {
            self.reader.seek(Position(from.0));
        }
        let batch = self.reader.read(Position(to.0)).map_err(|e| unreadable(&e))?;
        let cut = batch.entries.get(rows_max).map(|next| next.position.previous());
        let rows: Vec<Row> = batch.entries.iter().take(rows_max).map(row).collect();
        Ok((rows, LogPosition(cut.unwrap_or(batch.last).0)))
    }

    fn publish(&self) {
        if let Some(stored) = self.flusher.stored() {
            self.numbers.note_stored(Position(stored.0));
            self.desk.call();
        }
    }

    fn failed(&mut self, now: Instant, error: Error) {
        let cause = error.to_string();
        if self.told.as_ref() != Some(&cause) {
            tracing::warn!(
                cause,
                effect = match self.ack {
                    Ack::Log => "chat goes on; the log keeps what the database lacks",
                    Ack::Sql => "posts wait for it and are not answered; soon new ones are refused",
                },
                next_step = "none if this passes; else look after the database",
                "the database does not take messages"
            );
            self.told = Some(cause);
        }
        self.numbers.store_failures.fetch_add(1, Ordering::Relaxed);
        self.flusher.failed(now, error);
    }
}

fn unreadable(error: &ReadError) -> Error {
    match error {
        ReadError::Disk(_) => Error::Unavailable(error.to_string()),
        ReadError::Trimmed { .. } | ReadError::Damaged { .. } => {
            Error::Permanent(format!("the log cannot be read: {error}"))
        }
    }
}

fn row(entry: &log::Entry<'_>) -> Row {
    Row {
        room: entry.room,
        place: Place { term: entry.term, number: entry.number },
        ts: entry.time,
        author: entry.author.to_owned(),
        author_name: display_name(entry.author).to_owned(),
        alert: entry.alert,
        chat: entry.chat.to_owned(),
        rtf: entry.rtf.map(str::to_owned),
        is_history: entry.is_history,
    }
}

fn end(end: &sql::RoomEnd) -> RoomEnd {
    RoomEnd { room: end.room, number: end.place.number, ts: end.ts }
}

pub(super) fn record(row: Row) -> Record {
    Record {
        ticket: 0,
        room: row.room,
        number: row.place.number,
        ts: row.ts,
        author: row.author,
        alert: row.alert,
        chat: row.chat,
        rtf: row.rtf,
        is_history: row.is_history,
    }
}
