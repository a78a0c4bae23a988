//! The SQL store: messages for ever, the directory, cursors, preferences; SQLite built in,
//! PostgreSQL beside it.
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
//! - Of a row that is no history ([`Row::is_history`]) nothing is kept but that the room goes on
//!   behind it.
//! - What was deleted or replaced, and what a removed room said, stays away: appending it again
//!   does nothing and is no conflict. A room's numbers are never given away twice, not even when
//!   it is removed and made again under its old id: it goes on where it had ended.
//! - A directory is the sum of its batches. A batch is one transaction, which says which revision
//!   it was planned for, and is known by the id of its record.
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

mod admin;
mod any;
mod directory;
mod error;
pub mod postgres;
mod search;
pub mod sqlite;
mod types;
pub mod words;

pub use admin::{AdminRecord, StoredInvitation, StoredRecord};
pub use any::{AnyStore, export};
pub use error::{Conflict, Error, SchemaFault};
pub use postgres::PostgresStore;
pub use sqlite::SqliteStore;
pub use types::{
    Appended, Continuation, Cursor, Found, Health, LogPosition, Migrated, Order, Place, Preference,
    Query, RoomEnd, Row, RowKey, SchemaState, Words,
};

use parlance_core::Endpoint;
use parlance_core::directory::{Change, Revision};
use parlance_wire::xccos::{Guid, Timestamp};
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
/// Most rows that the changes of one [`Store::directory_commit`] may write, an entry of a list or
/// an invitation being one: a list of 150,000 that is replaced, with as many invitations.
pub const DIRECTORY_ROWS_MAX: usize = 500_000;
/// Most records in one answer of [`Store::admin_records`].
pub const ADMIN_RECORDS_MAX: usize = 1_000;
/// Longest detail of an administrative act, in bytes.
pub const ADMIN_DETAIL_BYTES_MAX: usize = 1024 * 1024;
/// Longest other text of an administrative act, in bytes.
pub const ADMIN_TEXT_BYTES_MAX: usize = 4_096;
/// Most invitations in one answer of [`Store::invitations`], those of the last one's act aside.
pub const INVITATIONS_MAX: usize = 1_000;
/// Messages that [`Store::messages_clear`] deletes in one transaction: whoever appends meanwhile
/// waits no longer than for these.
pub const CLEAR_ROWS: usize = 5_000;

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

    /// How many batches the directory is made of; 0 when there never was one.
    fn directory_revision(&mut self) -> Result<Revision, Error>;

    /// Hands over the whole directory as of one moment, as changes that can be applied in this
    /// order to an empty one; each list is one change. Without invitations. Gives its revision.
    ///
    /// What was handed over before an error is to be thrown away.
    fn directory_load(&mut self, each: &mut dyn FnMut(Change)) -> Result<Revision, Error>;

    /// Applies a batch that was planned for the revision `base`, and keeps the record of the act;
    /// gives the new revision. All or nothing.
    ///
    /// If a record with this id is kept already, nothing is done and its revision given: a commit
    /// whose outcome is not known is done again.
    ///
    /// [`Conflict::Directory`] when the directory is of another revision,
    /// [`Conflict::Inconsistent`] or [`Conflict::NoAddin`] when the batch does not fit,
    /// [`Conflict::Request`] when another record has the request's key, [`Error::Invalid`] beyond
    /// [`DIRECTORY_ROWS_MAX`].
    fn directory_commit(
        &mut self,
        base: Revision,
        changes: &[Change],
        audit: &AdminRecord,
    ) -> Result<Revision, Error>;

    /// Keeps the record of an act that changes nothing in the directory. If one with this id is
    /// kept already, nothing is done; [`Conflict::Request`] as with a batch.
    fn admin_note(&mut self, record: &AdminRecord) -> Result<(), Error>;

    /// Records before the row `before`, or at all; newest first. At most [`ADMIN_RECORDS_MAX`].
    fn admin_records(
        &mut self,
        before: Option<u64>,
        count: usize,
    ) -> Result<Vec<StoredRecord>, Error>;

    /// The record of the act that was asked for by this key.
    fn admin_request(&mut self, key: &str) -> Result<Option<StoredRecord>, Error>;

    /// A user's invitations with numbers above `after`, oldest first; none for a user nobody
    /// knows. At most `count` and [`INVITATIONS_MAX`], and those that share the last one's number,
    /// so that the next question can go on behind it.
    fn invitations(
        &mut self,
        user: Guid,
        after: u64,
        count: usize,
    ) -> Result<Vec<StoredInvitation>, Error>;

    /// How many invitations there are.
    fn invitations_total(&mut self) -> Result<u64, Error>;

    /// Deletes a room's messages up to a time, inclusively, and gives how many there were; the
    /// room's end stays where it is. What the log has not brought yet is not deleted: flush first.
    ///
    /// In steps of [`CLEAR_ROWS`], oldest first: after an error the rest is still there.
    fn messages_clear(&mut self, room: Guid, until: Timestamp) -> Result<u64, Error>;

    /// Deletes messages and gives how many of them were there. What the log has not brought yet is
    /// not deleted. At most [`BATCH_ROWS_MAX`].
    fn messages_delete(&mut self, room: Guid, places: &[Place]) -> Result<u64, Error>;

    /// Puts a plain text in place of what messages said, drops their RTF, and gives how many of
    /// them were there. At most [`BATCH_ROWS_MAX`].
    fn messages_replace(&mut self, room: Guid, places: &[Place], text: &str) -> Result<u64, Error>;

    /// Rooms that have messages, and the size of their texts, plain and RTF. Reads all messages.
    fn room_bytes(&mut self) -> Result<Vec<(Guid, u64)>, Error>;

    /// One round trip to the database.
    fn health(&mut self) -> Result<Health, Error>;
}
