//! Tells what could not be taken over as it is.

use crate::files::write_whole;
use crate::tools::{Fault, note, shown};
use parlance_people::Findings;
use std::path::Path;

/// Findings that are kept; the rest is counted. Who has more has one fault many times.
pub const FINDINGS_MAX: usize = 100_000;
/// Findings shown on the standard error; a report has all that are kept.
const SHOWN_MAX: usize = 20;

/// Shows the first ones, and writes the report.
///
/// # Errors
/// If the report cannot be written.
pub fn tell(findings: &Findings, report: Option<&Path>) -> Result<(), Fault> {
    for finding in findings.list.iter().take(SHOWN_MAX) {
        note(&shown(&finding.to_string()));
    }
    let more = findings.len().saturating_sub(SHOWN_MAX);
    if more > 0 {
        note(&format!("{more} more findings; --report FILE has them"));
    }
    let Some(path) = report else { return Ok(()) };
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    write_whole(&path, &table(findings), 0o600)
        .map_err(|e| Fault::Told(format!("the report {} cannot be written ({e})", path.display())))
}

fn table(findings: &Findings) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut write = |fields: [&str; 2]| writer.write_record(fields).expect("memory takes all");
    write(["what", "finding"]);
    findings.list.iter().for_each(|finding| write([&finding.what, &finding.reason]));
    if findings.more > 0 {
        write([&format!("{} more", findings.more), "like these"]);
    }
    let text = String::from_utf8(writer.into_inner().expect("memory takes all"));
    text.expect("it was made of text")
}
