//! Messages of the original (`tblChat`), read and written batch by batch.
//!
//! A message keeps its number and its time. Files (`ma-filelink:`), stories (`[STORY]`) and links
//! stand in its text as the original's clients wrote them, and are left so (`xccos.md` §4.6).

use super::people::{People, stranger};
use super::rows::{NodeNumber, Who};
use super::table::{Fields, each};
use crate::tools::message::is_legal;
use crate::tools::{Fault, bar};
use hashbrown::{HashMap, HashSet};
use parlance_core::directory::model::PrincipalKind;
use parlance_people::Findings;
use parlance_storage::sql::{AnyStore, Conflict, Error, Place, Row, Store};
use parlance_wire::limits::XCCOS_REQUEST_BYTES_MAX;
use parlance_wire::xccos::{Guid, Timestamp};
use std::path::Path;

/// What goes into the database at once.
const BATCH_ROWS: usize = 1_000;
const BATCH_BYTES: usize = 4 * 1024 * 1024;
/// Longest text that a client could have posted, and so longest that is kept.
const TEXT_BYTES_MAX: usize = XCCOS_REQUEST_BYTES_MAX;

/// What to bring, and where it belongs.
pub struct Content<'a> {
    pub people: &'a People,
    pub domain: &'a str,
    /// Rooms that take messages.
    pub rooms: &'a HashMap<NodeNumber, Guid>,
    /// Rooms that were left out on purpose.
    pub skipped: &'a HashSet<NodeNumber>,
    pub since: Option<Timestamp>,
}

/// What came of it.
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
    store: Option<&mut AnyStore>,
    findings: &mut Findings,
) -> Result<Brought, Fault> {
    let (batch, bytes, ends, strangers) = Default::default();
    let brought = Brought::default();
    let mut bringing =
        Bringing { content, store, findings, batch, bytes, ends, strangers, brought };
    let progress = bar("importing", path.metadata().map_or(0, |file| file.len()));
    each(path, &progress, |row| bringing.message(row))?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    bringing.flush().map_err(|cause| format!("{name}, at its end: {cause}"))?;
    progress.finish_and_clear();
    Ok(bringing.brought)
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
    brought: Brought,
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
        let number = u64::try_from(row.number("chatId")?).map_err(|_| "chatId is below 0")?;
        let (last, ts) = self.place(node, number, row.time("chatDate")?)?;
        self.ends.insert(node, (last, ts));
        if self.content.since.is_some_and(|since| ts < since) {
            self.brought.left += 1;
            return Ok(());
        }
        let (author, author_name) = self.author(row.number("userId")?);
        let what = || format!("message {number} of room {room}");
        let chat = self.text(row.text("content")?, &what);
        let rtf = row.text_if_any("rtf");
        let rtf = match rtf.len() {
            0 => None,
            1..=TEXT_BYTES_MAX => Some(self.text(rtf, &what)),
            _ => {
                let reason = "its RTF is longer than a message may be; its plain text is kept";
                self.findings.add(&what(), reason);
                None
            }
        };
        let alert = row.flag("isAlert")? == Some(true);
        self.bytes += chat.len() + rtf.as_ref().map_or(0, String::len);
        let place = Place { term: 0, number };
        self.batch.push(Row { room, place, ts, author, author_name, alert, chat, rtf });
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
        let stranger = stranger(who, self.content.domain);
        if self.strangers.insert(who) {
            let reason =
                format!("is no user here; what they said is kept as from {}", stranger.uri);
            self.findings.add(&format!("principal {who}"), reason);
        }
        (stranger.uri, stranger.display_name)
    }

    /// What clients can be told in XML, and no more than a message may have.
    fn text(&mut self, text: &str, what: &dyn Fn() -> String) -> String {
        let mut kept: String = text.chars().filter(|c| is_legal(*c)).collect();
        if kept.len() != text.len() {
            self.findings.add(&what(), "has characters that XML does not allow; they are left out");
        }
        if kept.len() > TEXT_BYTES_MAX {
            kept.truncate(kept.floor_char_boundary(TEXT_BYTES_MAX));
            let reason = format!("is longer than {TEXT_BYTES_MAX} bytes, and is cut there");
            self.findings.add(&what(), reason);
        }
        kept
    }

    fn flush(&mut self) -> Result<(), String> {
        let count = self.batch.len() as u64;
        match &mut self.store {
            Some(store) => {
                let done = match store.import(&self.batch) {
                    Err(Error::Conflict(Conflict::Message(_))) => {
                        take_names(store, &mut self.batch)?;
                        store.import(&self.batch)
                    }
                    done => done,
                };
                let done = done.map_err(|e| format!("up to here: {e}"))?;
                self.brought.imported += done.inserted as u64;
                self.brought.repeated += done.repeated as u64;
            }
            None => self.brought.imported += count,
        }
        self.batch.clear();
        self.bytes = 0;
        Ok(())
    }
}

/// Messages that are here already keep the name that their author had when they were imported:
/// the tables know only the one of today.
fn take_names(store: &mut AnyStore, batch: &mut [Row]) -> Result<(), String> {
    for row in batch {
        let after = Place { number: row.place.number + 1, ..row.place };
        let known = store.last(row.room, 1, Some(after)).map_err(|e| e.to_string())?;
        if let Some(known) = known.into_iter().find(|known| known.place == row.place) {
            row.author_name = known.author_name;
        }
    }
    Ok(())
}
