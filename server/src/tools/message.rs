//! A message as JSON: what `history --json` shows and an export holds.

use parlance_storage::sql::Row;
use serde::Serialize;
use std::io::{self, Write};

/// One message.
#[derive(Debug, Serialize)]
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

/// Writes one line of JSON.
///
/// # Errors
/// Those of `out`.
pub fn line(out: &mut dyn Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    out.write_all(b"\n")
}
