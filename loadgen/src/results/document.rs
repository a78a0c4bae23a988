//! A run's report as JSON, with everything that is needed to make the page again.

use super::{Measured, Setup, Summary};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Version of the JSON. It rises when a reader of the one before would misunderstand it.
pub const SCHEMA: u32 = 1;

/// An argument of the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Argument {
    /// Its name, without dashes.
    pub name: String,
    /// What it was.
    pub value: String,
    /// Nobody said so: it is what the program does by itself.
    pub is_default: bool,
}

/// The machine both ran on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// Model of its processor.
    pub processor: String,
    /// Cores that the load generator was allowed to use.
    pub cores: u32,
    /// Memory, bytes.
    pub memory_bytes: u64,
    /// Name and release of the kernel.
    pub kernel: String,
}

/// What was run, when, where and with what.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// When it began: ISO 8601, UTC.
    pub started: String,
    /// Version of the load generator.
    pub version: String,
    /// Version of the server, if it told.
    pub server_version: Option<String>,
    /// All arguments.
    pub arguments: Vec<Argument>,
    /// Where.
    pub machine: Machine,
}

/// A report.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Document {
    /// What was run, in words.
    pub about: About,
    /// What was run, in numbers.
    pub setup: Setup,
    /// What came of it.
    pub measured: Measured,
}

/// As it is written. The summary is there for other programs; it follows from the rest.
#[derive(Serialize)]
struct Written<'a> {
    schema: u32,
    summary: Summary,
    about: &'a About,
    setup: &'a Setup,
    measured: &'a Measured,
}

/// Why a text is no report that this program reads.
#[derive(Debug, PartialEq, Eq)]
pub enum ReadError {
    /// It is no JSON, or not that of a report.
    Unreadable(String),
    /// It is the report of another version.
    OtherSchema(u32),
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReadError::Unreadable(why) => write!(
                f,
                "no report of a load run ({why}): nothing can be made of it; give a file that \
                 --json wrote"
            ),
            ReadError::OtherSchema(schema) => write!(
                f,
                "a report of schema {schema}, and this program reads schema {SCHEMA} only: its \
                 figures might mean something else; make both reports with the same version"
            ),
        }
    }
}

impl std::error::Error for ReadError {}

impl Document {
    /// The numbers.
    pub fn summary(&self) -> Summary {
        Summary::new(&self.setup, &self.measured)
    }

    /// As JSON.
    pub fn to_json(&self) -> String {
        let Document { about, setup, measured } = self;
        let summary = self.summary();
        let written = Written { schema: SCHEMA, summary, about, setup, measured };
        serde_json::to_string_pretty(&written).expect("numbers and texts can be written") + "\n"
    }

    /// From JSON.
    ///
    /// # Errors
    /// If it is something else, or of another version.
    pub fn from_json(text: &str) -> Result<Document, ReadError> {
        #[derive(Deserialize)]
        struct Head {
            schema: u32,
        }
        let unreadable = |error: serde_json::Error| ReadError::Unreadable(error.to_string());
        let Head { schema } = serde_json::from_str(text).map_err(unreadable)?;
        if schema != SCHEMA {
            return Err(ReadError::OtherSchema(schema));
        }
        serde_json::from_str(text).map_err(unreadable)
    }
}
