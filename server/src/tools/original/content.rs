//! Messages of the original (`tblChat`), read and written batch by batch.
//!
//! A message keeps its number and its time. Files (`ma-filelink:`), stories (`[STORY]`) and links
//! stand in its text as the original's clients wrote them, and are left so (`xccos.md` §4.6).

use super::people::{People, stranger};
use super::rows::{NodeNumber, Who};
use super::table::{Fields, each};
use crate::tools::import::{BATCH_BYTES, BATCH_ROWS};
use crate::tools::message::is_legal;
use crate::tools::{Fault, bar};
use hashbrown::{HashMap, HashSet};
use parlance_core::directory::model::PrincipalKind;
use parlance_people::Findings;
use parlance_storage::sql::{AnyStore, Conflict, Error, NUMBER_MAX, Place, RoomEnd, Row, Store};
use parlance_wire::limits::XCCOS_REQUEST_BYTES_MAX;
use parlance_wire::xccos::{Guid, Timestamp};
use std::path::Path;

/// Longest message, plain text and RTF together as XML: what a client could have posted. A history
/// that shows a longer one would end with it.
const TEXT_BYTES_MAX: usize = XCCOS_REQUEST_BYTES_MAX;
/// What is read of a message.
const COLUMNS: [&str; 6] = ["channelId", "chatId", "chatDate", "userId", "isAlert", "content"];

/// What to bring, and where it belongs.
pub struct Content<'a> {
    pub people: &'a People,
    pub domain: &'a str,
    /// Rooms that take messages.
    pub rooms: &'a HashMap<NodeNumber, Guid>,
    /// Rooms that the import has made.
    pub new: &'a HashSet<Guid>,
    /// Rooms that were left out on purpose.
    pub skipped: &'a HashSet<NodeNumber>,
    pub since: Option<Timestamp>,
}

/// What came of it so far.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Brought {
    pub imported: u64,
    pub repeated: u64,
    /// Before the date that was asked for, or in rooms that were left out.
    pub left: u64,
}

/// Reads all messages; writes them into the database, if there is one.
///
/// # Errors
/// File and line, cause, effect and next step.
pub fn bring(
    path: &Path,
    content: &Content<'_>,
    mut store: Option<&mut AnyStore>,
    findings: &mut Findings,
    brought: &mut Brought,
) -> Result<(), Fault> {
    if let Some(store) = &mut store {
        tell_erased(content, &store.rooms()?, findings);
    }
    let (batch, bytes, ends, strangers, given_up) = Default::default();
    let mut bringing =
        Bringing { content, store, findings, batch, bytes, ends, strangers, given_up, brought };
    let progress = bar("importing", path.metadata().map_or(0, |file| file.len()));
    each(path, &COLUMNS, &progress, |row| bringing.message(row))?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    bringing.flush().map_err(|cause| format!("{name}, at its end: {cause}"))?;
    progress.finish_and_clear();
    Ok(())
}

/// A room that was here before and was removed goes on behind its end: what was said before stays
/// erased.
fn tell_erased(content: &Content<'_>, ends: &[RoomEnd], findings: &mut Findings) {
    for end in ends.iter().filter(|end| content.new.contains(&end.room)) {
        let reason = format!(
            "was here before and was removed; what was said in it up to number {} stays erased",
            end.place.number
        );
        findings.add(&format!("room {}", end.room), reason);
    }
}

struct Bringing<'a> {
    content: &'a Content<'a>,
    store: Option<&'a mut AnyStore>,
    findings: &'a mut Findings,
    batch: Vec<Row>,
    bytes: usize,
    /// Number and time of the last message of each room.
    ends: HashMap<NodeNumber, (u64, Timestamp)>,
    strangers: HashSet<Who>,
    /// Rooms where something else was said under the numbers of the tables.
    given_up: HashSet<Guid>,
    brought: &'a mut Brought,
}

impl Bringing<'_> {
    fn message(&mut self, row: &Fields<'_>) -> Result<(), String> {
        let node = row.number("channelId")?;
        let Some(room) = self.content.rooms.get(&node).copied() else {
            self.brought.left += 1;
            if !self.content.skipped.contains(&node)
                && self.ends.insert(node, Default::default()).is_none()
            {
                let reason = "is no room here, so its messages are left out";
                self.findings.add(&format!("node {node}"), reason);
            }
            return Ok(());
        };
        let number = row.number("chatId")?;
        let number = u64::try_from(number).ok().filter(|n| (1..=NUMBER_MAX).contains(n));
        let number = number.ok_or_else(|| format!("chatId is not from 1 to {NUMBER_MAX}"))?;
        let (last, ts) = self.place(node, number, row.time("chatDate")?)?;
        self.ends.insert(node, (last, ts));
        let is_early = self.content.since.is_some_and(|since| ts < since);
        if is_early || self.given_up.contains(&room) {
            self.brought.left += 1;
            return Ok(());
        }
        let (author, author_name) = self.author(row.number("userId")?);
        let what = || format!("message {number} of room {room}");
        let chat = self.text(row.text("content")?, &what);
        let rtf = Some(self.text(row.text_or_null("rtf"), &what)).filter(|rtf| !rtf.is_empty());
        let (chat, rtf) = self.bounded(chat, rtf, &what);
        let alert = row.flag("isAlert")? == Some(true);
        self.bytes += chat.len() + rtf.as_ref().map_or(0, String::len);
        let place = Place { term: 0, number };
        let is_history = true;
        self.batch.push(Row { room, place, ts, author, author_name, alert, chat, rtf, is_history });
        if self.batch.len() == BATCH_ROWS || self.bytes >= BATCH_BYTES {
            self.flush()?;
        }
        Ok(())
    }

    /// Its number, which must rise, and its time, which must not fall.
    fn place(
        &mut self,
        node: NodeNumber,
        number: u64,
        ts: Timestamp,
    ) -> Result<(u64, Timestamp), String> {
        let Some((last, before)) = self.ends.get(&node) else { return Ok((number, ts)) };
        if number <= *last {
            return Err(format!(
                "message {number} of channel {node} comes after {last}; the messages must be in \
                 the order of channelId and chatId"
            ));
        }
        if ts < *before {
            let reason = "its time is before that of the message before, whose time it gets";
            self.findings.add(&format!("message {number} of node {node}"), reason);
        }
        Ok((number, ts.max(*before)))
    }

    fn author(&mut self, who: Who) -> (String, String) {
        let known = self.content.people.get(who);
        if let Some(person) = known.filter(|person| person.kind == PrincipalKind::User) {
            return (person.uri.clone(), person.display_name.clone());
        }
        let (uri, name) = stranger(who, self.content.domain);
        if self.strangers.insert(who) {
            let reason = format!("is no user here; what they said is kept as from {uri}");
            self.findings.add(&format!("principal {who}"), reason);
        }
        (uri, name)
    }

    /// What clients can be told in XML.
    fn text(&mut self, text: &str, what: &dyn Fn() -> String) -> String {
        let kept: String = text.chars().filter(|c| is_legal(*c)).collect();
        if kept.len() != text.len() {
            self.findings.add(&what(), "has characters that XML does not allow; they are left out");
        }
        kept
    }

    /// No more than a message may have.
    fn bounded(
        &mut self,
        mut chat: String,
        mut rtf: Option<String>,
        what: &dyn Fn() -> String,
    ) -> (String, Option<String>) {
        let chat_bytes = xml_bytes(&chat);
        let room = TEXT_BYTES_MAX.saturating_sub(chat_bytes);
        if rtf.as_ref().is_some_and(|rtf| xml_bytes(rtf) > room) {
            rtf = None;
            let reason = "its RTF is longer than a message may be; its plain text is kept";
            self.findings.add(&what(), reason);
        }
        if chat_bytes > TEXT_BYTES_MAX {
            let mut bytes = 0;
            let mut ends = chat.char_indices().map(|(at, c)| {
                bytes += xml_char_bytes(c);
                (at, bytes)
            });
            let end = ends.find(|(_, bytes)| *bytes > TEXT_BYTES_MAX).map(|(at, _)| at);
            chat.truncate(end.unwrap_or(chat.len()));
            let reason = format!("is longer than {TEXT_BYTES_MAX} bytes as XML, and is cut there");
            self.findings.add(&what(), reason);
        }
        (chat, rtf)
    }

    fn flush(&mut self) -> Result<(), String> {
        self.bytes = 0;
        let batch = std::mem::take(&mut self.batch);
        match self.store {
            Some(_) => self.keep(batch),
            None => {
                self.brought.imported += batch.len() as u64;
                Ok(())
            }
        }
    }

    /// Keeps messages; where some are here already, but not as the tables have them, these are
    /// found by halving. What was removed or replaced here is no conflict, and stays so.
    fn keep(&mut self, mut rows: Vec<Row>) -> Result<(), String> {
        let count = rows.len();
        rows.retain(|row| !self.given_up.contains(&row.room));
        self.brought.left += (count - rows.len()) as u64;
        let store = self.store.as_mut().expect("there is a database to keep them");
        match store.import(&rows) {
            Ok(done) => {
                self.brought.imported += done.inserted as u64;
                self.brought.repeated += done.repeated as u64;
                Ok(())
            }
            Err(Error::Conflict(Conflict::Message(_))) if rows.len() == 1 => {
                self.agree(&rows.remove(0))
            }
            Err(Error::Conflict(Conflict::Message(_))) => {
                let rest = rows.split_off(rows.len() / 2);
                self.keep(rows)?;
                self.keep(rest)
            }
            Err(error) => Err(format!("up to here: {error}")),
        }
    }

    /// A message is here, but not as the tables have it. A name and an address may have changed
    /// since, and what an administrator has replaced there is replaced here; what was said here
    /// under a number of the tables stays, and ends the room's import.
    fn agree(&mut self, row: &Row) -> Result<(), String> {
        let store = self.store.as_mut().expect("only a database can disagree");
        let (room, place) = (row.room, row.place);
        let after = Place { number: place.number + 1, ..place };
        let known = store.last(room, 1, Some(after)).map_err(|e| e.to_string())?;
        let known = known.into_iter().find(|known| known.place == place);
        let known = known.ok_or_else(|| {
            format!(
                "message {} of room {room} was removed at this \
                                                 moment; import again",
                place.number
            )
        })?;
        let is_same_text = known.chat == row.chat;
        if known.ts != row.ts && !(is_same_text && known.author == row.author) {
            let reason = format!(
                "something else was said here under number {}: the messages of the tables from \
                 there on are left out",
                place.number
            );
            self.findings.add(&format!("room {room}"), reason);
            self.given_up.insert(room);
            self.brought.left += 1;
            return Ok(());
        }
        if !is_same_text {
            let changed = store.messages_replace(room, &[place], &row.chat);
            changed.map_err(|e| e.to_string())?;
            let what = format!("message {} of room {room}", place.number);
            self.findings.add(&what, "had another text; it has that of the tables now");
        }
        self.brought.repeated += 1;
        Ok(())
    }
}

/// Most bytes that a text takes in an XML document.
fn xml_bytes(text: &str) -> usize {
    text.chars().map(xml_char_bytes).sum()
}

fn xml_char_bytes(c: char) -> usize {
    match c {
        '<' | '>' | '&' | '"' | '\'' | '\t' | '\n' | '\r' => "&quot;".len(),
        c => c.len_utf8(),
    }
}
