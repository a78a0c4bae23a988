//! A table of the original's database as a CSV file (RFC 4180, UTF-8). The first line names the
//! columns, in any order and case; columns that nobody asks for are ignored.

use crate::tools::Fault;
use csv::{Reader, ReaderBuilder, StringRecord};
use hashbrown::HashMap;
use indicatif::ProgressBar;
use parlance_people::csv::cause_of;
use parlance_wire::xccos::{Guid, Timestamp};
use std::cell::Cell;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// Longest record: a message's texts, and room to spare. A quotation mark that is missing makes one
/// record of all the rest.
const RECORD_BYTES_MAX: usize = 8 * 1024 * 1024;
/// When our time begins, in the ticks of the original: 100 ns each, since the year 1.
const TICKS_IN_1970: i64 = 621_355_968_000_000_000;

/// The file of a table, if there is one.
///
/// # Errors
/// If there are two, or the folder cannot be read.
pub fn find(folder: &Path, name: &str) -> Result<Option<PathBuf>, Fault> {
    let place = folder.display();
    let unread =
        |e: io::Error| Fault::Told(format!("{place} cannot be read ({e}): nothing was imported"));
    // The tables of Group Chat 2010 lack the prefix.
    let names = [format!("tbl{name}.csv"), format!("{name}.csv")].map(|n| n.to_lowercase());
    let mut found: Option<PathBuf> = None;
    for entry in std::fs::read_dir(folder).map_err(unread)? {
        let path = entry.map_err(unread)?.path();
        let file = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        if !names.contains(&file) {
            continue;
        }
        if let Some(other) = found.replace(path) {
            let other = other.display();
            return Err(Fault::Told(format!(
                "{other} and {} are one table, and only one of them can be right; nothing was \
                 imported",
                found.expect("it was put there").display()
            )));
        }
    }
    Ok(found)
}

/// Reads a table that has these columns, and gives each record to `take`; the first fault ends it.
///
/// # Errors
/// File and line, cause, effect and next step.
pub fn each(
    path: &Path,
    columns: &[&str],
    progress: &ProgressBar,
    mut take: impl FnMut(&Fields<'_>) -> Result<(), String>,
) -> Result<(), Fault> {
    let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let told = |line: u64, cause: String| {
        Fault::Told(format!(
            "{file}, line {line}: {cause}. Mend the file, or write it again, and import once more, \
             which does no harm"
        ))
    };
    let opened = File::open(path).map_err(|e| told(0, format!("it cannot be read ({e})")))?;
    let read = Rc::<Cell<usize>>::default();
    let input = Bounded { inner: opened, read: read.clone(), progress: progress.clone() };
    let mut reader: Reader<Bounded> = ReaderBuilder::new().from_reader(input);
    let header = reader.headers().map(Header::read).map_err(|e| told(1, cause_of(&e)))?;
    if let Some(column) = columns.iter().find(|column| !header.has(column)) {
        return Err(told(1, format!("there is no column {column}")));
    }
    let mut record = StringRecord::new();
    loop {
        read.set(0);
        let line = reader.position().line();
        match reader.read_record(&mut record) {
            Ok(false) => return Ok(()),
            Ok(true) => {}
            Err(error) => return Err(told(line, cause_of(&error))),
        }
        take(&Fields { header: &header, record: &record }).map_err(|cause| told(line, cause))?;
    }
}

/// A file that gives no more than a record may have until somebody has looked.
struct Bounded {
    inner: File,
    read: Rc<Cell<usize>>,
    progress: ProgressBar,
}

impl Read for Bounded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.read.get() > RECORD_BYTES_MAX {
            let text = format!(
                "the record is longer than {RECORD_BYTES_MAX} bytes; is a quotation mark missing?"
            );
            return Err(io::Error::other(text));
        }
        let count = self.inner.read(buffer)?;
        self.read.set(self.read.get() + count);
        self.progress.inc(count as u64);
        Ok(count)
    }
}

/// Where the columns are.
struct Header(HashMap<String, usize>);

impl Header {
    fn read(names: &StringRecord) -> Header {
        // A byte order mark is no part of the first name.
        let plain = |name: &str| name.trim_start_matches('\u{feff}').trim().to_lowercase();
        Header(names.iter().enumerate().map(|(at, name)| (plain(name), at)).collect())
    }

    fn has(&self, column: &str) -> bool {
        self.0.contains_key(&column.to_lowercase())
    }
}

/// A record.
pub struct Fields<'r> {
    header: &'r Header,
    record: &'r StringRecord,
}

impl Fields<'_> {
    /// Is there such a column?
    pub fn has(&self, column: &str) -> bool {
        self.header.has(column)
    }

    /// A text that cannot be NULL.
    pub fn text(&self, column: &str) -> Result<&str, String> {
        let at = self.header.0.get(&column.to_lowercase());
        let at = at.ok_or_else(|| format!("there is no column {column}"))?;
        Ok(self.record.get(*at).unwrap_or_default())
    }

    /// A text of a column that may be missing, or NULL: some programs write that as a word.
    pub fn text_or_null(&self, column: &str) -> &str {
        self.text(column).ok().filter(|text| *text != "NULL").unwrap_or_default()
    }

    /// What is not NULL, read by `read`.
    fn value<T>(
        &self,
        column: &str,
        what: &str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, String> {
        let text = self.text(column)?.trim();
        if text.is_empty() || text.eq_ignore_ascii_case("null") {
            return Ok(None);
        }
        let value = read(text).ok_or_else(|| format!("{column} {text:?} is no {what}"))?;
        Ok(Some(value))
    }

    /// A number, or NULL. What is a bit in one version is a number in another.
    pub fn number_or_null(&self, column: &str) -> Result<Option<i64>, String> {
        self.value(column, "number", |text| {
            let bit = || text.to_ascii_lowercase().parse().ok().map(bool::into);
            text.parse().ok().or_else(bit)
        })
    }

    /// A number.
    pub fn number(&self, column: &str) -> Result<i64, String> {
        self.number_or_null(column)?.ok_or_else(|| format!("{column} is empty"))
    }

    /// A bit, or NULL.
    pub fn flag(&self, column: &str) -> Result<Option<bool>, String> {
        self.value(column, "bit, which is 0 or 1", |text| match text {
            "1" => Some(true),
            "0" => Some(false),
            text => text.to_ascii_lowercase().parse().ok(),
        })
    }

    /// A GUID, or NULL.
    pub fn guid_or_null(&self, column: &str) -> Result<Option<Guid>, String> {
        self.value(column, "GUID", |text| Guid::parse(text.trim_matches(['{', '}'])))
    }

    /// A GUID.
    pub fn guid(&self, column: &str) -> Result<Guid, String> {
        self.guid_or_null(column)?.ok_or_else(|| format!("{column} is empty"))
    }

    /// The same, where it is of little use: 1970 if it cannot be shown.
    pub fn time_or_none(&self, column: &str) -> Timestamp {
        self.time(column).unwrap_or_default()
    }

    /// A time: ticks since the year 1, as the tables have them, or ISO 8601.
    pub fn time(&self, column: &str) -> Result<Timestamp, String> {
        let time = self.value(column, "time, in ticks or as 2016-03-08T07:16:05", time_of)?;
        time.ok_or_else(|| format!("{column} is empty"))
    }
}

fn time_of(text: &str) -> Option<Timestamp> {
    match text.parse::<i64>() {
        Ok(ticks) => {
            let time = Timestamp(ticks.checked_sub(TICKS_IN_1970)?);
            // What cannot be shown in four digits is none of these ticks.
            (Timestamp::parse(&time.to_string()) == Some(time)).then_some(time)
        }
        // A datetime as most programs print it has a blank where ISO 8601 has a T.
        Err(_) => Timestamp::parse(&text.replacen(' ', "T", 1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_ticks_since_the_year_1_or_texts() {
        let shown = |text: &str| time_of(text).map(|time| time.to_string());
        // 2016-03-08T07:16:05.25Z, by the calendar of another program.
        let expected = Some("2016-03-08T07:16:05.2500000Z".to_owned());
        assert_eq!(shown("635930181652500000"), expected);
        assert_eq!(shown("2016-03-08 07:16:05.250"), expected);
        assert_eq!(shown("621355967999999999"), None, "before 1970");
        assert_eq!(shown("9223372036854775807"), None, "after 9999");
        assert_eq!(shown("yesterday"), None);
    }
}
