//! A message as JSON: what `history --json` shows and an export holds.

use parlance_storage::sql::{Place, Row};
use parlance_wire::xccos::{Guid, Timestamp};
use serde::{Deserialize, Serialize};
use std::io::{self, Write};

/// One message.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Message {
    room: String,
    term: u64,
    number: u64,
    ts: String,
    author: String,
    author_name: String,
    alert: bool,
    chat: String,
    rtf: Option<String>,
}

impl From<Row> for Message {
    fn from(row: Row) -> Message {
        Message {
            room: row.room.to_string(),
            term: row.place.term,
            number: row.place.number,
            ts: row.ts.to_string(),
            author: row.author,
            author_name: row.author_name,
            alert: row.alert,
            chat: row.chat,
            rtf: row.rtf,
        }
    }
}

impl Message {
    /// The message as the database keeps it.
    ///
    /// # Errors
    /// What no server would have written.
    pub fn into_row(self) -> Result<Row, String> {
        let room = Guid::parse(&self.room).ok_or("`room` is no GUID")?;
        let ts = Timestamp::parse(&self.ts).ok_or("`ts` is no time like 2024-03-08T07:16:05Z")?;
        if !self.author.starts_with("sip:") {
            return Err("`author` is no sip: URI".into());
        }
        let texts = [&self.author, &self.author_name, &self.chat];
        if texts.into_iter().chain(&self.rtf).any(|text| !text.chars().all(is_legal)) {
            return Err("a text has a character that clients cannot be told in XML".into());
        }
        Ok(Row {
            room,
            place: Place { term: self.term, number: self.number },
            ts,
            author: self.author,
            author_name: self.author_name,
            alert: self.alert,
            chat: self.chat,
            rtf: self.rtf,
            is_history: true,
        })
    }
}

/// Characters that XML 1.0 allows.
pub fn is_legal(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..)
}

/// Writes one line of JSON.
///
/// # Errors
/// Those of `out`.
pub fn line(out: &mut dyn Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    out.write_all(b"\n")
}
