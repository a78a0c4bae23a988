//! What is wrong with a configuration, told so that it can be mended without the source.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// One fault of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The file; `None` for defaults.
    pub file: Option<PathBuf>,
    /// Line, from 1, where it is known.
    pub line: Option<usize>,
    /// `section.key`; empty when the fault is not one key's.
    pub key: String,
    /// Cause, effect and next step, as sentences.
    pub message: String,
}

impl ConfigError {
    /// The file cannot be read at all.
    pub fn unreadable(path: &Path, error: &std::io::Error) -> ConfigError {
        ConfigError {
            file: Some(path.to_owned()),
            line: None,
            key: String::new(),
            message: format!(
                "cannot be read ({error}), so the server does not start; check the path given with \
                 --config and its permissions"
            ),
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.file {
            Some(file) => write!(f, "{}", file.display())?,
            None => write!(f, "configuration")?,
        }
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if !self.key.is_empty() {
            write!(f, ": {}", self.key)?;
        }
        write!(f, ": {}", self.message)
    }
}

impl std::error::Error for ConfigError {}

/// Makes errors of one file: knows its name and how to turn a byte range into a line.
#[derive(Debug, Clone, Copy)]
pub struct Faults<'a> {
    /// The file's name, for messages.
    pub path: Option<&'a Path>,
    /// Its text.
    pub text: &'a str,
}

impl Faults<'_> {
    /// A fault of `key` at `span`.
    pub fn at(&self, span: Option<Range<usize>>, key: &str, message: String) -> ConfigError {
        let line = span
            .and_then(|span| self.text.as_bytes().get(..span.start))
            .map(|before| before.iter().filter(|byte| **byte == b'\n').count() + 1);
        let file = self.path.map(Path::to_owned);
        ConfigError { file, line, key: key.to_owned(), message }
    }
}
