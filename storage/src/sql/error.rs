//! Why an operation of the store failed, by what can be done about it.

use super::RowKey;
use parlance_core::directory::{Inconsistent, Revision};
use std::fmt;

/// Why an operation of the store failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// The database is away, busy, full or restarting. Whether a change was made is not known; do
    /// the same again later.
    Unavailable(String),
    /// A search took longer than it may. Ask for less.
    TimedOut,
    /// The database holds something else than the caller thinks.
    Conflict(Conflict),
    /// The tables are not those of this program.
    Schema(SchemaFault),
    /// The database is damaged: restore it.
    Corrupt(String),
    /// Will fail again until somebody changes a setting, a right or the program.
    Permanent(String),
    /// The caller asked for something beyond a bound of the store.
    Invalid(&'static str),
}

/// What disagrees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conflict {
    /// Another message stands at this place: two logs claim the same ownership period.
    Message(RowKey),
    /// Somebody wrote the preference in between.
    Preference {
        /// Its number now.
        seqid: u64,
    },
    /// The user has as many preferences as may be.
    PreferencesFull,
    /// Somebody has changed the directory in between: plan anew.
    Directory {
        /// Its revision now.
        found: Revision,
    },
    /// A batch does not fit the directory, though it is of the revision it was planned for.
    Inconsistent(Inconsistent),
    /// A room names an add-in that is not there.
    NoAddin,
    /// Another act was asked for by the same key.
    Request {
        /// The directory's revision after it.
        revision: Revision,
    },
}

/// What is wrong with the tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SchemaFault {
    /// A newer program has been here.
    Newer {
        /// Version of the database.
        found: u32,
        /// Version of this program.
        known: u32,
    },
    /// Not migrated yet; 0 for an empty database.
    Older {
        /// Version of the database.
        found: u32,
        /// Version of this program.
        known: u32,
    },
    /// The file is a database of some other program.
    Foreign,
    /// A PostgreSQL database that is not in UTF-8.
    Encoding,
}

impl Error {
    /// Is it worth doing the same again later?
    pub fn is_retryable(&self) -> bool {
        matches!(self, Error::Unavailable(_))
    }
}

impl From<Conflict> for Error {
    fn from(conflict: Conflict) -> Error {
        Error::Conflict(conflict)
    }
}

impl From<SchemaFault> for Error {
    fn from(fault: SchemaFault) -> Error {
        Error::Schema(fault)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Unavailable(cause) => write!(f, "the database is not available: {cause}"),
            Error::TimedOut => f.write_str("the search took too long: narrow it down"),
            Error::Conflict(conflict) => conflict.fmt(f),
            Error::Schema(fault) => fault.fmt(f),
            Error::Corrupt(cause) => write!(f, "the database is damaged: {cause}"),
            Error::Permanent(cause) => write!(f, "the database refuses: {cause}"),
            Error::Invalid(cause) => f.write_str(cause),
        }
    }
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Conflict::Message(RowKey { room, place }) => write!(
                f,
                "room {room} holds another message at term {}, number {}: is this an old log?",
                place.term, place.number
            ),
            Conflict::Directory { found } => {
                write!(f, "the directory was changed in between; its revision is {}", found.0)
            }
            Conflict::Inconsistent(fault) => write!(f, "the directory disagrees: {fault}"),
            Conflict::NoAddin => f.write_str("a room names an add-in that is not there"),
            Conflict::Request { revision } => {
                let revision = revision.0;
                write!(f, "this was asked for already and done at revision {revision}")
            }
            Conflict::PreferencesFull => f.write_str("the user has too many preferences"),
            Conflict::Preference { seqid } => {
                write!(f, "the preference was changed in between; its number is {seqid}")
            }
        }
    }
}

impl fmt::Display for SchemaFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SchemaFault::Newer { found, known } => write!(
                f,
                "the database has schema version {found} and this program knows {known} only: \
                 run the newer program"
            ),
            SchemaFault::Older { found: 0, .. } => {
                f.write_str("the database has no tables yet: run `parlance store migrate`")
            }
            SchemaFault::Older { found, known } => write!(
                f,
                "the database has schema version {found}, this program needs {known}: \
                 run `parlance store migrate`"
            ),
            SchemaFault::Foreign => f.write_str("the file is a database of another program"),
            SchemaFault::Encoding => {
                f.write_str("the database is not in UTF-8: create it with ENCODING 'UTF8'")
            }
        }
    }
}

impl std::error::Error for Error {}

/// A number for a signed column.
pub(super) fn signed(number: u64) -> Result<i64, Error> {
    i64::try_from(number).map_err(|_| Error::Invalid("a number is above 2^63 - 1"))
}

/// A number from a signed column that this program wrote.
pub(super) fn unsigned(number: i64) -> Result<u64, Error> {
    u64::try_from(number).map_err(|_| Error::Corrupt(format!("{number} where a count should be")))
}
