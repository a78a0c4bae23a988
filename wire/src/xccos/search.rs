//! `cmd:bcbydate` and its answer: a search in history.
//!
//! What can be asked is known (`xccos.md` §3.8), how it is written is our own choice (§6.8).

use super::command::encode_chanib;
use super::write::Writer;
use super::{Delivery, RoomRef, Timestamp, fields, post};
use crate::limits::{XCCOS_SEARCH_AUTHORS_MAX, XCCOS_SEARCH_TEXT_BYTES_MAX};
use crate::xml::Element;

/// What is looked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HistorySearch {
    /// In which rooms; at least one.
    pub rooms: Vec<RoomRef>,
    /// Words between blanks, any of which is enough; empty finds every message. At most
    /// [`XCCOS_SEARCH_TEXT_BYTES_MAX`] bytes.
    pub text: String,
    /// The words must follow each other as they stand.
    pub is_phrase: bool,
    /// Upper and lower case must agree.
    pub is_case_sensitive: bool,
    /// Only messages of these users, `sip:` URIs; empty for everybody. At most
    /// [`XCCOS_SEARCH_AUTHORS_MAX`].
    pub authors: Vec<String>,
    /// Not before.
    pub from: Option<Timestamp>,
    /// Not after.
    pub to: Option<Timestamp>,
    /// From this number on, in the direction of the search; then the times do not count.
    pub start: Option<u64>,
    /// Most messages wanted; the server's cap wins.
    pub count_max: Option<u32>,
    /// Search from the newest message to the oldest.
    pub is_backwards: bool,
    /// Show the newest message first.
    pub is_sorted_backwards: bool,
}

/// What was found in one room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundInRoom {
    /// `ma-chan://…`.
    pub room_uri: String,
    /// In the order asked for.
    pub messages: Vec<Delivery>,
}

/// What was found in all rooms.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    /// Each room asked for.
    pub rooms: Vec<FoundInRoom>,
    /// There is more than is shown.
    pub is_exceeded: bool,
}

impl Found {
    /// Messages in all rooms.
    pub fn count(&self) -> usize {
        self.rooms.iter().map(|room| room.messages.len()).sum()
    }
}

/// Reads `data` of the command.
pub(super) fn decode(data: &Element<'_>) -> Option<HistorySearch> {
    let rooms = data.children.iter().filter_map(fields::room_reference);
    let rooms = rooms.collect::<Option<Vec<_>>>().filter(|rooms| !rooms.is_empty())?;
    let bcq = data.child("bcq")?;
    let nothing = Element::default();
    let part = |name| bcq.child(name).unwrap_or(&nothing);
    let (date, text, sort) = (part("date"), part("text"), part("sort"));
    let authors = bcq.children_named("author").map(|author| fields::filled(author, "uri"));
    let authors = authors.collect::<Option<Vec<_>>>()?;
    let is_bounded =
        text.text.len() <= XCCOS_SEARCH_TEXT_BYTES_MAX && authors.len() <= XCCOS_SEARCH_AUTHORS_MAX;
    is_bounded.then_some(HistorySearch {
        rooms,
        text: text.text.clone().into_owned(),
        is_phrase: fields::flag(text, "matchexactphrase")?,
        is_case_sensitive: fields::flag(text, "matchcase")?,
        authors,
        from: fields::optional_time(date, "from")?,
        to: fields::optional_time(date, "to")?,
        start: fields::optional_number(part("msgid"), "start")?,
        count_max: fields::optional_number(part("limit"), "cnt")?,
        is_backwards: fields::flag(sort, "searchbkwds")?,
        is_sorted_backwards: fields::flag(sort, "sortbkwds")?,
    })
}

/// Writes `data` of the command.
pub(super) fn encode(w: &mut Writer<'_>, search: &HistorySearch) {
    search.rooms.iter().for_each(|room| encode_chanib(w, room));
    w.open("bcq").inside("bcq", |w| {
        if search.from.is_some() || search.to.is_some() {
            w.open("date");
            for (name, time) in [("from", search.from), ("to", search.to)] {
                if let Some(time) = time {
                    w.plain(name, time);
                }
            }
            w.empty();
        }
        w.open("text").plain("matchcase", search.is_case_sensitive);
        w.plain("matchexactphrase", search.is_phrase).inside_text("text", &search.text);
        for author in &search.authors {
            w.open("author").attribute("uri", author).empty();
        }
        if let Some(start) = search.start {
            w.open("msgid").plain("start", start).empty();
        }
        if let Some(count) = search.count_max {
            w.open("limit").plain("cnt", count).empty();
        }
        w.open("sort").plain("searchbkwds", search.is_backwards);
        w.plain("sortbkwds", search.is_sorted_backwards).empty();
    });
}

/// Writes `data` of the reply.
pub(super) fn encode_found(w: &mut Writer<'_>, found: &Found) {
    found.rooms.iter().for_each(|room| post::encode_history(w, &room.room_uri, &room.messages));
    w.open("limit").plain("exceeded", found.is_exceeded).plain("cnt", found.count()).empty();
}

/// Reads `data` of the reply.
pub(super) fn decode_found(data: &Element<'_>) -> Option<Found> {
    let room = |chanib: &Element<'_>| {
        let (room_uri, messages) = post::decode_history(chanib)?;
        Some(FoundInRoom { room_uri, messages })
    };
    let rooms = data.children_named("chanib").map(room).collect::<Option<_>>()?;
    Some(Found { rooms, is_exceeded: fields::flag(data.child("limit")?, "exceeded")? })
}
