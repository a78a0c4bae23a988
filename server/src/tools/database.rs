//! The database as the commands see it, and how far it is behind the log.

use super::{Fault, tail};
use crate::commit;
use crate::config::Config;
use parlance_storage::Position;
use parlance_storage::log::Entry;
use parlance_storage::sql::{AnyStore, Error, Store};
use std::ops::ControlFlow;
use std::path::Path;

impl From<Error> for Fault {
    fn from(error: Error) -> Fault {
        let next = match &error {
            Error::TimedOut | Error::Conflict(_) | Error::Schema(_) | Error::Invalid(_) => "",
            _ => "; see [store] of the configuration and `parlance store check`",
        };
        Fault::Told(format!("{error}{next}"))
    }
}

/// Opens the database; SQLite's file is not made where there is none.
///
/// # Errors
/// Cause, effect, next step.
pub fn open(config: &Config) -> Result<AnyStore, Fault> {
    if let Some(path) = config.store.strip_prefix("sqlite:")
        && !Path::new(path).is_file()
    {
        return Err(Fault::Told(format!(
            "there is no database {path} yet; the server makes it at its start, and so does \
             `parlance store migrate`"
        )));
    }
    Ok(AnyStore::open(&config.store)?)
}

/// What the log has and the database lacks.
#[derive(Debug)]
pub struct Lag {
    /// The last record of the log that the database has dealt with.
    pub stored: Position,
    /// The last record of the log.
    pub last: Position,
    /// Messages between them.
    pub messages: u64,
    /// Why that may not be all.
    pub trouble: Option<String>,
}

/// Compares log and database; `None` where there is no log. Only messages that `is_counted` are
/// counted.
///
/// # Errors
/// Cause, effect, next step.
pub fn lag(
    config: &Config,
    store: &mut AnyStore,
    is_counted: impl Fn(&Entry<'_>) -> bool,
) -> Result<Option<Lag>, Fault> {
    let Some(identity) = commit::identity_known(&config.data)? else { return Ok(None) };
    let cursor = store.cursor(&commit::cursor_name(&identity))?.unwrap_or_default();
    let stored = Position(cursor.0);
    let mut messages = 0;
    let end = tail::read(&config.data.join("log"), stored, |entry| {
        messages += u64::from(is_counted(entry));
        Ok(ControlFlow::Continue(()))
    })?;
    let trouble = match end.stopped {
        _ if end.last < stored => Some(format!(
            "the database has records up to {stored} of a log that ends with {}: they do not \
             belong together, and no server starts on them; put the right log or database back",
            end.last
        )),
        Some(error) => Some(format!("{error}; see `parlance log verify`")),
        None => None,
    };
    Ok(Some(Lag { stored, last: end.last, messages, trouble }))
}
