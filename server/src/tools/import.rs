//! `parlance import`: brings what was exported into the database. Doing it again does no harm.

use super::export::{FORMAT, Header};
use super::message::Message;
use super::{Answer, Fault, bar, database, note, original};
use crate::Exit;
use crate::config::Config;
use indicatif::ProgressBar;
use parlance_storage::sql::{AnyStore, Appended, Row, RowKey, Store};
use parlance_wire::xccos::Timestamp;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;

/// Longest line: a message of the longest request, escaped.
const LINE_BYTES_MAX: u64 = 1024 * 1024;
/// What goes into the database at once: messages, and bytes.
pub const BATCH_ROWS: usize = 1_000;
/// See [`BATCH_ROWS`].
pub const BATCH_BYTES: usize = 4 * 1024 * 1024;

/// What a zip file begins with.
const ZIP: &[u8] = b"PK";
/// What is said of one.
const ARCHIVE: &str = "this is a zip file, like those of Export-CsPersistentChatData. What is in \
                       them is described nowhere; write the tables of its database instead, as \
                       docs/guide/migration.md says, and import their folder";

/// Reads everything from `source`, or from the standard input for `-`. A folder has the tables of
/// the original's database.
///
/// # Errors
/// Cause, effect, next step.
pub fn run(
    source: &Path,
    wanted: &original::Wanted,
    config: &Config,
    out: &mut dyn Write,
) -> Answer {
    if source.is_dir() {
        return original::run(source, wanted, config, out);
    }
    if !wanted.is_plain() {
        let text = "the options are for a folder with the original's tables, and this is none, so \
                    nothing was imported; leave them out";
        return Err(Fault::Told(text.to_owned()));
    }
    let (input, length) = open(source)?;
    let progress = bar("importing", length);
    let mut lines = Lines { input, number: 0, progress };
    let header = header(&mut lines)?;
    let (_lock, mut store) = database::open_for_import(config)?;
    let Appended { inserted, repeated } = all(&mut lines, &mut store)?;
    lines.progress.finish_and_clear();
    writeln!(out, "{inserted} message(s) imported, {repeated} were there already")?;
    tell_rooms(&header, config);
    Ok(Exit::Done)
}

fn open(source: &Path) -> Result<(Box<dyn BufRead>, u64), Fault> {
    if source == Path::new("-") {
        return Ok((Box::new(BufReader::new(io::stdin())), 0));
    }
    let opened = File::open(source).and_then(|file| Ok((file.metadata()?.len(), file)));
    let (length, file) = opened.map_err(|e| {
        format!("{} cannot be read ({e}), so nothing was imported", source.display())
    })?;
    Ok((Box::new(BufReader::new(file)), length))
}

/// Lines of bounded length, counted.
struct Lines {
    input: Box<dyn BufRead>,
    number: u64,
    progress: ProgressBar,
}

impl Lines {
    /// The next line; `None` at the end.
    fn next(&mut self) -> Result<Option<Vec<u8>>, Fault> {
        let mut line = Vec::new();
        self.number += 1;
        let mut input = (&mut self.input).take(LINE_BYTES_MAX);
        let count = input.read_until(b'\n', &mut line).map_err(|e| self.fault(&e))?;
        if count as u64 == LINE_BYTES_MAX && !line.ends_with(b"\n") {
            return Err(self.fault(&format!("longer than {LINE_BYTES_MAX} bytes")));
        }
        self.progress.inc(count as u64);
        Ok((count > 0).then_some(line))
    }

    fn fault(&self, cause: &dyn std::fmt::Display) -> Fault {
        Fault::Told(format!(
            "line {}: {cause}. Lines before it may be imported; mend the file and import it again, \
             which does no harm",
            self.number
        ))
    }
}

fn header(lines: &mut Lines) -> Result<Header, Fault> {
    let line = lines.next()?.unwrap_or_default();
    if line.starts_with(ZIP) {
        return Err(Fault::Told(ARCHIVE.to_owned()));
    }
    let header: Header = serde_json::from_slice(&line)
        .map_err(|e| lines.fault(&format!("not the header of an export of Parlance ({e})")))?;
    match header.parlance_export {
        FORMAT => Ok(header),
        other => Err(lines.fault(&format!(
            "format version {other}, this program reads {FORMAT}; use the program that wrote it"
        ))),
    }
}

/// Imports all messages, batch by batch.
fn all(lines: &mut Lines, store: &mut AnyStore) -> Result<Appended, Fault> {
    let mut sum = Appended::default();
    let (mut batch, mut bytes) = (Vec::new(), 0);
    let mut last: Option<(RowKey, Timestamp)> = None;
    loop {
        let line = lines.next()?;
        let is_end = line.is_none();
        if let Some(line) = line {
            let message = serde_json::from_slice(&line).map_err(|e| e.to_string());
            let row = message.and_then(Message::into_row).map_err(|e| lines.fault(&e))?;
            if last.is_some_and(|last| !follows(last, &row)) {
                return Err(lines.fault(&"not in the order of rooms, numbers and times"));
            }
            last = Some((row.key(), row.ts));
            batch.push(row);
            bytes += line.len();
        }
        if batch.len() == BATCH_ROWS || bytes >= BATCH_BYTES || is_end {
            let done =
                store.import(&batch).map_err(|e| lines.fault(&format!("up to here: {e}")))?;
            sum.inserted += done.inserted;
            sum.repeated += done.repeated;
            batch.clear();
            bytes = 0;
        }
        if is_end {
            return Ok(sum);
        }
    }
}

/// Searches by date rely on it that times of a room do not fall.
fn follows((key, ts): (RowKey, Timestamp), row: &Row) -> bool {
    row.key() > key && (row.room != key.room || row.ts >= ts)
}

/// Says which rooms nobody can enter.
fn tell_rooms(header: &Header, config: &Config) {
    let mut known: Vec<String> =
        config.directory.rooms().map(|room| room.room.id.to_string()).collect();
    known.sort_unstable();
    let unknown = header.rooms.iter().filter(|room| known.binary_search(&room.id).is_err());
    for room in unknown {
        let name = room.name.as_deref().unwrap_or("without a name");
        note(&format!(
            "room {} ({name:?}) is not in the configuration: nobody sees its messages until a \
             [[room]] has that id",
            room.id
        ));
    }
}
