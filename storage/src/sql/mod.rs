//! The SQL store: messages for ever, cursors, preferences; SQLite built in, PostgreSQL beside it.
//!
//! [`Store`] is one blocking trait with two implementations that pass the same tests. A store is
//! used by one thread at a time and never by a shard; whoever wants to read history while the
//! flusher writes opens a second store on the same URL.
//!
//! # Laws
//!
//! - [`Store::append`] may be repeated at will: a message is known by (room, term, number), and the
//!   reader's cursor moves in the same transaction, forwards only. A commit whose outcome is not
//!   known is therefore answered by doing it again.
//! - Every value goes to the engine as a parameter. The texts of all statements are constants.
//! - Every answer is bounded by a constant of this module; history searches also by
//!   [`SEARCH_TIME_MAX`].
//! - A database that a newer program has migrated is refused ([`SchemaFault::Newer`]).
//!
//! # Full text
//!
//! Both engines index the words that the same code cuts out of the plain text, see [`words`]: FTS5
//! in SQLite, a `tsvector` under a GIN index in PostgreSQL, without an extension. Their own rules
//! for what a word is differ, and find neither the two characters of a Chinese word nor an emoji.
//! What an index finds is checked again by that code, so that both engines answer alike.
//!
//! Not found: words beyond the first 16,000 of a message and, in PostgreSQL, sequences with a word
//! that the message has more than 255 times, from the 256th on.

mod any;
mod error;
pub mod postgres;
mod search;
pub mod sqlite;
mod types;
pub mod words;

pub use any::{AnyStore, export};
pub use error::{Conflict, Error, SchemaFault};
pub use postgres::PostgresStore;
pub use sqlite::SqliteStore;
pub use types::{
    Appended, Continuation, Cursor, Found, Health, LogPosition, Migrated, Order, Place, Preference,
    Query, RoomEnd, Row, RowKey, SchemaState, Words,
};

use parlance_core::Endpoint;
use parlance_wire::xccos::Guid;
use std::time::Duration;

/// Most rows in one [`Store::append`] or [`Store::import`].
pub const BATCH_ROWS_MAX: usize = 10_000;
/// Most rows in one answer of [`Store::last`] or [`Store::page`].
pub const LAST_ROWS_MAX: usize = 1_000;
/// Most rooms in one [`Store::recent`].
pub const RECENT_ROOMS_MAX: usize = 1_000;
/// Most rows in one answer of [`Store::recent`].
pub const RECENT_ROWS_MAX: usize = 50_000;
/// Most rows in one page of [`Store::by_date`], whatever limit it asks for.
pub const SEARCH_ROWS_MAX: usize = 1_000;
/// Most rooms in one [`Store::by_date`].
pub const SEARCH_ROOMS_MAX: usize = 500;
/// Most authors in one [`Store::by_date`].
pub const SEARCH_AUTHORS_MAX: usize = 64;
/// Longest search text, in bytes.
pub const SEARCH_TEXT_BYTES_MAX: usize = 1_024;
/// A statement of a search runs no longer; the search gives up before its next one.
pub const SEARCH_TIME_MAX: Duration = Duration::from_secs(2);
/// Highest number of a message in its room.
pub const NUMBER_MAX: u64 = u32::MAX as u64;
/// Most preferences of one user; writers at the same moment may pass it by one each.
pub const OWNER_PREFERENCES_MAX: usize = 256;
/// Most endpoints in one [`Store::endpoints_write`].
pub const ENDPOINTS_BATCH_MAX: usize = 1_000;
/// Most endpoints that [`Store::endpoints`] gives.
pub const ENDPOINTS_MAX: usize = 200_000;
/// Longest label of a preference, in bytes.
pub const LABEL_BYTES_MAX: usize = 255;
/// Longest content of a preference, in bytes; the broker's own bound is lower.
pub const PREFERENCE_BYTES_MAX: usize = 1024 * 1024;

/// A database that keeps what the log has committed.
///
/// All operations block. After [`Error::Unavailable`] the same operation may simply be called
/// again: a lost connection is opened anew.
pub trait Store: Send {
    /// Reads the schema's version and what an operator should know of the database's settings.
    /// Changes nothing; says so where there is no schema yet.
    fn check(&mut self) -> Result<SchemaState, Error>;

    /// Brings the schema forward to version `version`, each step a transaction of its own, under a
    /// lock so that of several servers starting at once one does it. Never goes back.
    ///
    /// [`Error::Schema`] when the database is newer than this program, or is not one of ours.
    fn migrate_to(&mut self, version: u32) -> Result<Migrated, Error>;

    /// The newest version of the schema that this program knows.
    fn version_known(&self) -> u32;

    /// Brings the schema forward to the version of this program.
    fn migrate(&mut self) -> Result<Migrated, Error> {
        self.migrate_to(self.version_known())
    }

    /// Identifies the data; made once when the database was empty.
    fn db_version(&mut self) -> Result<Guid, Error>;

    /// Keeps messages and moves the reader's cursor, in one transaction.
    ///
    /// Messages that are there already are left as they are; [`Conflict::Message`] if one of them
    /// differs from what is given, and then nothing is kept. A cursor that is further than the
    /// given one stays. No more than [`BATCH_ROWS_MAX`] rows, no message twice.
    fn append(&mut self, rows: &[Row], cursor: &Cursor) -> Result<Appended, Error>;

    /// Like [`Store::append`] without a cursor: messages from an export.
    fn import(&mut self, rows: &[Row]) -> Result<Appended, Error>;

    /// Where a reader of the log has got to; `None` if it never was here.
    fn cursor(&mut self, name: &str) -> Result<Option<LogPosition>, Error>;

    /// The newest `count` messages of a room before a place, or at all; oldest first. At most
    /// [`LAST_ROWS_MAX`].
    fn last(&mut self, room: Guid, count: usize, before: Option<Place>) -> Result<Vec<Row>, Error>;

    /// Searches history by room, time, author and words.
    ///
    /// [`Error::Invalid`] beyond a bound of this module, [`Error::TimedOut`] when the answer would
    /// take longer than [`SEARCH_TIME_MAX`].
    fn by_date(&mut self, query: &Query) -> Result<Found, Error>;

    /// Every room that has messages, with where it ends: rooms go on numbering from there.
    fn rooms(&mut self) -> Result<Vec<RoomEnd>, Error>;

    /// The newest `count` messages of each room, room by room in the order asked for, each oldest
    /// first. At most [`RECENT_ROOMS_MAX`] rooms and [`RECENT_ROWS_MAX`] rows may be asked for.
    fn recent(&mut self, rooms: &[Guid], count: usize) -> Result<Vec<Row>, Error>;

    /// A user's preference; `None` if it was never written.
    fn preference_read(&mut self, owner: &str, label: &str) -> Result<Option<Preference>, Error>;

    /// Writes a preference and gives its new number: one above what is stored.
    ///
    /// [`Conflict::Preference`] when `seqid` is lower than the stored number, unless what is stored
    /// is this very write, whose answer got lost. [`Conflict::PreferencesFull`] when it would be
    /// more than [`OWNER_PREFERENCES_MAX`].
    fn preference_write(
        &mut self,
        owner: &str,
        label: &str,
        seqid: u64,
        content: &str,
    ) -> Result<u64, Error>;

    /// Keeps which rooms endpoints are in, in place of what was kept of them before; those without
    /// rooms are forgotten. No more than [`ENDPOINTS_BATCH_MAX`], none twice.
    fn endpoints_write(&mut self, endpoints: &[Endpoint]) -> Result<(), Error>;

    /// What is kept of endpoints, in no particular order. At most [`ENDPOINTS_MAX`].
    fn endpoints(&mut self) -> Result<Vec<Endpoint>, Error>;

    /// Messages behind `after` in the order of rooms and places, at most `count` and at most
    /// [`LAST_ROWS_MAX`]; empty at the end. See [`export`].
    fn page(&mut self, after: Option<&RowKey>, count: usize) -> Result<Vec<Row>, Error>;

    /// One round trip to the database.
    fn health(&mut self) -> Result<Health, Error>;
}
