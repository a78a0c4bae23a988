//! Commands beside the server: they look at its log and its database, and move messages.
//!
//! What they answer goes to the standard output, everything else to the standard error. Texts that
//! came from clients are shown without control characters: a message must not steer a terminal.

pub mod admin;
mod database;
pub mod export;
pub mod history;
pub mod import;
pub mod log;
mod message;
pub mod original;
mod sample;
pub mod store;
mod tail;

pub use database::refuse_left_behind;

use crate::config::Config;
use crate::{Exit, refuse};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::Path;

/// Why a command did not do what it was asked for.
#[derive(Debug)]
pub enum Fault {
    /// Cause, effect, next step.
    Told(String),
    /// The answer cannot be written.
    Output(io::Error),
}

impl From<String> for Fault {
    fn from(text: String) -> Fault {
        Fault::Told(text)
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Fault {
        Fault::Output(error)
    }
}

/// What a command comes to.
pub type Answer = Result<Exit, Fault>;

/// Runs a command with the configuration in `file` and the standard output.
pub fn run(file: Option<&Path>, command: impl FnOnce(&Config, &mut dyn Write) -> Answer) -> Exit {
    let config = match Config::load(file) {
        Ok(config) => config,
        Err(error) => return refuse(&error, Exit::Usage),
    };
    let mut out = BufWriter::new(io::stdout().lock());
    let answer = command(&config, &mut out);
    let flushed = out.flush().map_err(Fault::from);
    match answer.and_then(|exit| flushed.map(|()| exit)) {
        Ok(exit) => exit,
        Err(Fault::Told(text)) => refuse(&text, Exit::Failed),
        // Whoever reads has enough, like `head`.
        Err(Fault::Output(error)) if error.kind() == ErrorKind::BrokenPipe => Exit::Done,
        Err(Fault::Output(error)) => refuse(
            &format!("the output cannot be written ({error}), so the answer is incomplete"),
            Exit::Failed,
        ),
    }
}

/// Something to know that is not the answer.
fn note(text: &str) {
    // If stderr is gone, nobody wants to know.
    let _ = writeln!(io::stderr(), "parlance: {text}");
}

/// A bar on the standard error, if that is a terminal; nothing otherwise.
fn bar(what: &'static str, length: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{prefix:>9} [{bar:32}] {percent} % {eta}")
        .expect("the template is well-formed")
        .progress_chars("=> ");
    ProgressBar::new(length).with_style(style).with_prefix(what)
}

/// A text of a client on one line, without control characters.
fn shown(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c.is_control() {
            true => shown.extend(c.escape_default()),
            false => shown.push(c),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_cannot_steer_a_terminal() {
        assert_eq!(shown("grüße\n\u{1b}[2J \u{9b}x"), "grüße\\n\\u{1b}[2J \\u{9b}x");
    }
}
