//! What goes into the store and comes out of it.

use super::{
    BATCH_ROWS_MAX, ENDPOINTS_BATCH_MAX, Error, LABEL_BYTES_MAX, LAST_ROWS_MAX, NUMBER_MAX,
    PREFERENCE_BYTES_MAX, RECENT_ROOMS_MAX, RECENT_ROWS_MAX,
};
use parlance_core::Endpoint;
use parlance_wire::xccos::{Guid, Timestamp};

/// One message as the store keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Which room.
    pub room: Guid,
    /// Place in the room.
    pub place: Place,
    /// Server's receive time, from 1970 on. Within a room it never falls from one place to the
    /// next; searches by date rely on it.
    pub ts: Timestamp,
    /// `sip:` URI of the author in canonical spelling.
    pub author: String,
    /// The author's display name at that time.
    pub author_name: String,
    /// High importance.
    pub alert: bool,
    /// Plain text.
    pub chat: String,
    /// RTF source.
    pub rtf: Option<String>,
    /// Is it to be kept? Of one that is no history only its place and time are: the room goes on
    /// behind it. What is read is history.
    pub is_history: bool,
}

impl Row {
    /// Can both engines keep it?
    pub(super) fn verify(&self) -> Result<(), Error> {
        let is_numbered = (1..=NUMBER_MAX).contains(&self.place.number);
        if !is_numbered || i64::try_from(self.place.term).is_err() || self.ts.0 < 0 {
            return Err(Error::Invalid("a message's term, number or time is out of bounds"));
        }
        // PostgreSQL has no NUL in texts, and XML neither: it cannot come from a client.
        let texts = [Some(&self.author), Some(&self.author_name), Some(&self.chat)];
        let mut texts = texts.into_iter().chain([self.rtf.as_ref()]).flatten();
        match texts.any(|text| text.contains('\0')) {
            true => Err(Error::Invalid("a message contains the character NUL")),
            false => Ok(()),
        }
    }

    /// Where it stands in the whole store.
    pub fn key(&self) -> RowKey {
        RowKey { room: self.room, place: self.place }
    }
}

/// A message's place in its room. Numbers go on rising when the term changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Ownership period, from 0 to `i64::MAX`.
    pub term: u64,
    /// From 1 to [`NUMBER_MAX`].
    pub number: u64,
}

/// A message's place in the whole store, in the order of [`super::Store::page`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowKey {
    /// Which room.
    pub room: Guid,
    /// Where in it.
    pub place: Place,
}

/// A place between two records of the commit log: how many records lie before it. In a log that
/// numbers its records from 1 it is the number of the last record dealt with. At most `i64::MAX`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct LogPosition(pub u64);

/// How far a reader of the log has got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// Which reader of which log: the position means nothing for another log, so a server puts its
    /// log's identity into the name.
    pub name: String,
    /// Everything before it has been dealt with.
    pub position: LogPosition,
}

/// What an append has done; what is no history is in neither number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Appended {
    /// Messages that are new.
    pub inserted: usize,
    /// Messages that were there already, unchanged, or that have been erased or replaced since.
    pub repeated: usize,
}

/// Where a room ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoomEnd {
    /// Which room.
    pub room: Guid,
    /// Highest term and highest number.
    pub place: Place,
    /// Latest time of a message.
    pub ts: Timestamp,
}

/// A user's numbered text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preference {
    /// Counts the writes, from 1.
    pub seqid: u64,
    /// Opaque.
    pub content: String,
}

/// From which end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// From the oldest to the newest.
    #[default]
    OldestFirst,
    /// From the newest to the oldest.
    NewestFirst,
}

/// Which words a message must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Words {
    /// At least one of those between blanks.
    #[default]
    Any,
    /// All of those between blanks, in any order.
    All,
    /// The whole text, word after word.
    Phrase,
}

/// A search in history (`xccos.md` §3.8). Whether the asker may read the rooms is the caller's to
/// decide.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Query {
    /// In which rooms; none finds nothing. Twice the same is once.
    pub rooms: Vec<Guid>,
    /// What to look for; without any letter or symbol all messages match.
    pub text: String,
    /// How to read it.
    pub words: Words,
    /// Must upper and lower case agree?
    pub case_sensitive: bool,
    /// Only these authors' messages; empty for all. Canonical `sip:` URIs, compared exactly.
    pub authors: Vec<String>,
    /// Not before, inclusively.
    pub from: Option<Timestamp>,
    /// Not after, inclusively.
    pub to: Option<Timestamp>,
    /// From this number on, inclusively and in the direction of the search; overrides the dates.
    pub start: Option<u64>,
    /// Goes on behind an earlier answer to the same query.
    pub after: Continuation,
    /// Most messages wanted; [`super::SEARCH_ROWS_MAX`] at most.
    pub limit: usize,
    /// Which messages are taken when there are more than the limit.
    pub search: Order,
    /// In which order they are given.
    pub sort: Order,
}

/// Where a search that found too much goes on: behind this place of each room.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Continuation(pub Vec<RowKey>);

/// What a search found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    /// Over all rooms by time; within a room by place.
    pub rows: Vec<Row>,
    /// There is more than was shown.
    pub exceeded: bool,
    /// For [`Query::after`] of the next page.
    pub next: Continuation,
}

/// What [`super::Store::check`] saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaState {
    /// Version of the database; 0 if it is empty.
    pub version: u32,
    /// Version of the program.
    pub known: u32,
    /// Settings that break what the store promises, as sentences for an operator.
    pub warnings: Vec<String>,
}

/// What [`super::Store::migrate`] has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Migrated {
    /// Version before.
    pub from: u32,
    /// Version now.
    pub to: u32,
}

/// What [`super::Store::health`] saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// `sqlite` or `postgresql` and its version.
    pub engine: String,
    /// Size of the database on disk.
    pub size_bytes: u64,
}

/// Checks what is asked of [`super::Store::recent`].
pub(super) fn verify_recent(rooms: &[Guid], count: usize) -> Result<(), Error> {
    let is_bounded = rooms.len() <= RECENT_ROOMS_MAX && count <= LAST_ROWS_MAX;
    match is_bounded && rooms.len() * count <= RECENT_ROWS_MAX {
        true => Ok(()),
        false => Err(Error::Invalid("too many recent messages asked for at once")),
    }
}

/// Checks which messages are to be deleted.
pub(super) fn verify_places(places: &[Place]) -> Result<(), Error> {
    if places.len() > BATCH_ROWS_MAX {
        return Err(Error::Invalid("too many messages at once"));
    }
    let is_fine = |place: &Place| place.number <= NUMBER_MAX && i64::try_from(place.term).is_ok();
    match places.iter().all(is_fine) {
        true => Ok(()),
        false => Err(Error::Invalid("a message's term or number is out of bounds")),
    }
}

/// Checks which messages are to be replaced, and by what.
pub(super) fn verify_replacement(places: &[Place], text: &str) -> Result<(), Error> {
    verify_places(places)?;
    match text.contains('\0') {
        true => Err(Error::Invalid("a message contains the character NUL")),
        false => Ok(()),
    }
}

/// Checks what is to be kept as a preference.
pub(super) fn verify_preference(label: &str, content: &str) -> Result<(), Error> {
    let is_bounded = label.len() <= LABEL_BYTES_MAX && content.len() <= PREFERENCE_BYTES_MAX;
    match is_bounded && !label.contains('\0') && !content.contains('\0') {
        true => Ok(()),
        false => Err(Error::Invalid("a preference's label or content is too long or has NUL")),
    }
}

/// Checks what is to be kept of endpoints: how many, and none twice.
pub(super) fn verify_endpoints(endpoints: &[Endpoint]) -> Result<(), Error> {
    if endpoints.len() > ENDPOINTS_BATCH_MAX {
        return Err(Error::Invalid("too many endpoints in one batch"));
    }
    let is_nul =
        |endpoint: &Endpoint| endpoint.owner.contains('\0') || endpoint.epid.contains('\0');
    if endpoints.iter().any(is_nul) {
        return Err(Error::Invalid("an endpoint's name contains the character NUL"));
    }
    let mut keys: Vec<(&str, &str)> = endpoints.iter().map(|e| (&*e.owner, &*e.epid)).collect();
    keys.sort_unstable();
    match keys.windows(2).any(|pair| pair[0] == pair[1]) {
        true => Err(Error::Invalid("an endpoint stands in one batch twice")),
        false => Ok(()),
    }
}

/// Rooms as one text.
pub(super) fn join_rooms(rooms: &[Guid]) -> String {
    rooms.iter().map(Guid::to_string).collect::<Vec<_>>().join(" ")
}

/// Reads [`join_rooms`]; what is no GUID is passed over.
pub(super) fn split_rooms(text: &str) -> Vec<Guid> {
    text.split(' ').filter_map(Guid::parse).collect()
}

/// Checks a batch: each row, how many, and none twice.
pub(super) fn verify_batch(rows: &[Row]) -> Result<(), Error> {
    if rows.len() > BATCH_ROWS_MAX {
        return Err(Error::Invalid("too many messages in one batch"));
    }
    rows.iter().try_for_each(Row::verify)?;
    let mut keys: Vec<RowKey> = rows.iter().map(Row::key).collect();
    keys.sort_unstable();
    match keys.windows(2).any(|pair| pair[0] == pair[1]) {
        true => Err(Error::Invalid("a message stands in one batch twice")),
        false => Ok(()),
    }
}

/// What a batch adds to one room and term.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Addition {
    /// Which room.
    pub room: Guid,
    /// Which term.
    pub term: u64,
    /// Lowest number.
    pub first: u64,
    /// Highest number.
    pub last: u64,
    /// Latest time.
    pub ts: Timestamp,
}

/// What a batch adds, by room and term: in one order, so that two writers never wait for each other
/// crosswise.
pub(super) fn additions(rows: &[Row]) -> Vec<Addition> {
    let mut rows: Vec<&Row> = rows.iter().collect();
    rows.sort_unstable_by_key(|row| row.key());
    let parts = rows.chunk_by(|a, b| (a.room, a.place.term) == (b.room, b.place.term));
    let addition = |part: &[&Row]| Addition {
        room: part[0].room,
        term: part[0].place.term,
        first: part[0].place.number,
        last: part[part.len() - 1].place.number,
        ts: part.iter().map(|row| row.ts).max().expect("a part has a row"),
    };
    parts.map(addition).collect()
}
