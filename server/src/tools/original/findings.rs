//! What could not be taken over as it is.

use crate::files::write_whole;
use crate::tools::{Fault, note, shown};
use std::path::Path;

/// Findings that are kept; the rest is counted. Who has more has one fault many times.
const FINDINGS_MAX: usize = 100_000;
/// Findings shown on the standard error; a report has all that are kept.
const SHOWN_MAX: usize = 20;

/// Findings in the order in which they were made: people, categories, rooms, messages.
#[derive(Default)]
pub struct Findings {
    /// What it is about, and what was done.
    list: Vec<(String, String)>,
    more: usize,
}

impl Findings {
    /// One more.
    pub fn add(&mut self, what: &str, finding: impl Into<String>) {
        if self.list.len() == FINDINGS_MAX {
            self.more += 1;
            return;
        }
        self.list.push((what.to_owned(), finding.into()));
    }

    /// Shows the first ones, and writes the report.
    ///
    /// # Errors
    /// If the report cannot be written.
    pub fn tell(&self, report: Option<&Path>) -> Result<(), Fault> {
        for (what, finding) in self.list.iter().take(SHOWN_MAX) {
            note(&shown(&format!("{what}: {finding}")));
        }
        let more = (self.list.len() + self.more).saturating_sub(SHOWN_MAX);
        if more > 0 {
            note(&format!("{more} more findings; --report FILE has them"));
        }
        let Some(path) = report else { return Ok(()) };
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        write_whole(&path, &self.table(), 0o600).map_err(|e| {
            Fault::Told(format!("the report {} cannot be written ({e})", path.display()))
        })
    }

    fn table(&self) -> String {
        let mut writer = csv::Writer::from_writer(Vec::new());
        let mut write = |fields: [&str; 2]| writer.write_record(fields).expect("memory takes all");
        write(["what", "finding"]);
        self.list.iter().for_each(|(what, finding)| write([what, finding]));
        if self.more > 0 {
            write([&format!("{} more", self.more), "like these"]);
        }
        let text = String::from_utf8(writer.into_inner().expect("memory takes all"));
        text.expect("it was made of text")
    }
}
