//! The commands that read reports.

use crate::cli::{CompareArgs, ReportArgs};
use parlance_loadgen::page;
use parlance_loadgen::results::{Comparison, Document};
use std::path::Path;

/// Prints the table of a report, and makes its page again.
///
/// # Errors
/// If the file is no report, or the page cannot be written.
pub fn report(args: &ReportArgs) -> Result<(), String> {
    let document = read(&args.json)?;
    println!("{}", document.summary());
    match &args.output {
        Some(path) => write(path, &page::report(&document)),
        None => Ok(()),
    }
}

/// Prints two reports side by side, and makes a page of both.
///
/// # Errors
/// If a file is no report, or the page cannot be written.
pub fn compare(args: &CompareArgs) -> Result<(), String> {
    let (a, b) = (read(&args.a)?, read(&args.b)?);
    println!("{}", Comparison::new(&a, &b));
    let Some(path) = &args.html else { return Ok(()) };
    let name = |path: &Path| {
        path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
    };
    write(path, &page::comparison((&name(&args.a), &a), (&name(&args.b), &b)))
}

fn read(path: &Path) -> Result<Document, String> {
    let told = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let text = std::fs::read_to_string(path).map_err(|error| told(&error))?;
    Document::from_json(&text).map_err(|error| told(&error))
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    std::fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}
