//! Clearing rooms, removing and replacing messages (`product.md` §3.2, §3.9).

use super::error::AdminError;
use super::ledger::{Ledger, LedgerError};
use super::rooms::Rooms;
use super::service::Done;
use parlance_core::Directory;
use parlance_core::admin::{Actor, Cause, Refusal};
use parlance_storage::sql::{Place, Query, SEARCH_ROWS_MAX, SEARCH_TEXT_BYTES_MAX, Words};
use parlance_wire::xccos::{Guid, Timestamp};

/// What is put in place of messages, where nothing else is said.
pub const REPLACEMENT: &str = "The administrator has replaced this message.";
/// Longest text in place of a message, bytes.
const REPLACEMENT_BYTES_MAX: usize = 8 * 1024;
/// Most messages that one act removes or replaces; a wider filter is refused, whole.
const MESSAGES_MAX: usize = 100_000;

/// How keywords are understood: `MatchClause`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Match {
    /// Each of them, in any order.
    #[default]
    All,
    /// One of them at least.
    Or,
    /// All of them, one after the other.
    Exact,
}

impl Match {
    /// As the product spells it, in lower case.
    pub fn name(self) -> &'static str {
        match self {
            Match::All => "all",
            Match::Or => "or",
            Match::Exact => "exact",
        }
    }
}

/// Which messages of a room.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    /// Keywords between blanks; empty for any text.
    pub text: String,
    /// How to read them.
    pub words: Match,
    /// Must upper and lower case agree?
    pub case_sensitive: bool,
    /// Inclusive.
    pub from: Option<Timestamp>,
    /// Inclusive.
    pub to: Option<Timestamp>,
    /// `sip:` URI.
    pub author: Option<String>,
}

/// What can be asked for of messages. Administrators only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MessageAct {
    /// `Clear-CsPersistentChatRoom`: everything up to a moment, inclusively.
    Clear {
        /// By name, GUID, `ma-chan://` URI, or `pool\name`.
        room: String,
        /// The moment.
        until: Timestamp,
    },
    /// `Remove-CsPersistentChatMessage -Remove`.
    Remove {
        /// As in `Clear`.
        room: String,
        /// Which.
        filter: Filter,
    },
    /// `Remove-CsPersistentChatMessage -ReplaceMessage`.
    Replace {
        /// As in `Clear`.
        room: String,
        /// Which.
        filter: Filter,
        /// What they say from now on.
        text: String,
    },
}

impl MessageAct {
    /// Short stable name.
    pub fn name(&self) -> &'static str {
        match self {
            MessageAct::Clear { .. } => "room.clear",
            MessageAct::Remove { .. } => "message.remove",
            MessageAct::Replace { .. } => "message.replace",
        }
    }

    fn room(&self) -> &str {
        match self {
            MessageAct::Clear { room, .. }
            | MessageAct::Remove { room, .. }
            | MessageAct::Replace { room, .. } => room,
        }
    }
}

/// Does it, or counts what would be done.
pub(super) fn run(
    ledger: &mut dyn Ledger,
    directory: &Directory,
    rooms: &dyn Rooms,
    actor: &Actor,
    act: &MessageAct,
    is_dry: bool,
) -> Result<Done, AdminError> {
    if !matches!(actor, Actor::Administrator { .. }) {
        let message = "only administrators clear rooms and remove or replace messages, so nothing \
                       was done; ask one of them";
        return Err(refuse(Cause::ErrorPermission, "", message.into()));
    }
    let room = super::find::room(directory, act.room()).ok_or_else(|| {
        let message = format!("there is no room {:?}, so nothing was done", act.room());
        refuse(Cause::NoSuchNode, "room", message)
    })?;
    let (id, name) = (room.room.id, room.room.name.clone());
    let through = rooms.settle(id).map_err(AdminError::Database)?;
    let outcome = carry_out(ledger, id, act, is_dry);
    if !is_dry {
        // Also after a fault: some of it may be done.
        rooms.forget(id, through);
    }
    let (count, what) = outcome?;
    let verb = if is_dry { "would be " } else { "" };
    let changes = vec![format!("{count} message(s) of {name:?} {verb}{what}")];
    let (subject, messages) = (Some(id), Some(count));
    Ok(Done { revision: directory.revision, subject, changes, messages, ..Done::default() })
}

fn carry_out(
    ledger: &mut dyn Ledger,
    room: Guid,
    act: &MessageAct,
    is_dry: bool,
) -> Result<(u64, &'static str), AdminError> {
    match act {
        MessageAct::Clear { until, .. } => {
            let count = match is_dry {
                true => {
                    let filter = Filter { to: Some(*until), ..Filter::default() };
                    search(ledger, room, &filter, usize::MAX)?.len() as u64
                }
                false => ledger.clear(room, *until).map_err(failed)?,
            };
            Ok((count, "removed"))
        }
        MessageAct::Remove { filter, .. } => {
            let places = wanted(ledger, room, filter)?;
            let count = match is_dry {
                true => places.len() as u64,
                false => in_parts(&places, |part| ledger.delete(room, part))?,
            };
            Ok((count, "removed"))
        }
        MessageAct::Replace { filter, text, .. } => {
            let text = replacement(text)?;
            let places = wanted(ledger, room, filter)?;
            let count = match is_dry {
                true => places.len() as u64,
                false => in_parts(&places, |part| ledger.replace(room, part, text))?,
            };
            Ok((count, "replaced"))
        }
    }
}

fn replacement(text: &str) -> Result<&str, AdminError> {
    if text.trim().is_empty() || text.len() > REPLACEMENT_BYTES_MAX || text.contains('\0') {
        let message = format!(
            "the text in place of the messages is empty or longer than {REPLACEMENT_BYTES_MAX} \
             bytes, so nothing was replaced; give a shorter one"
        );
        return Err(refuse(Cause::InvalidArgument, "text", message));
    }
    Ok(text)
}

/// Calls `act` for parts of a size that the database takes at once.
fn in_parts(
    places: &[Place],
    mut act: impl FnMut(&[Place]) -> Result<u64, LedgerError>,
) -> Result<u64, AdminError> {
    let parts = places.chunks(SEARCH_ROWS_MAX);
    parts.map(|part| act(part).map_err(failed)).sum()
}

/// Messages that an act is about. A filter that says nothing is refused: clearing is an act of its
/// own.
fn wanted(ledger: &mut dyn Ledger, room: Guid, filter: &Filter) -> Result<Vec<Place>, AdminError> {
    let is_empty = filter.text.trim().is_empty() && filter.author.is_none();
    if is_empty && filter.from.is_none() && filter.to.is_none() {
        let message = "neither words nor an author nor dates are given, so all messages would be \
                       meant and none was touched; to remove all, clear the room";
        return Err(refuse(Cause::InvalidArgument, "text", message.into()));
    }
    if filter.text.len() > SEARCH_TEXT_BYTES_MAX {
        let message = format!(
            "the keywords are longer than {SEARCH_TEXT_BYTES_MAX} bytes, so nothing was looked \
             for; give fewer"
        );
        return Err(refuse(Cause::LimitExceeded, "text", message));
    }
    let places = search(ledger, room, filter, MESSAGES_MAX + 1)?;
    if places.len() > MESSAGES_MAX {
        let message = format!(
            "more than {MESSAGES_MAX} messages fit, so none was touched; narrow the dates, and do \
             it in parts"
        );
        return Err(refuse(Cause::LimitExceeded, "text", message));
    }
    Ok(places)
}

fn search(
    ledger: &mut dyn Ledger,
    room: Guid,
    filter: &Filter,
    most: usize,
) -> Result<Vec<Place>, AdminError> {
    let mut query = Query {
        rooms: vec![room],
        text: filter.text.clone(),
        words: match filter.words {
            Match::All => Words::All,
            Match::Or => Words::Any,
            Match::Exact => Words::Phrase,
        },
        case_sensitive: filter.case_sensitive,
        authors: filter.author.iter().cloned().collect(),
        from: filter.from,
        to: filter.to,
        limit: SEARCH_ROWS_MAX,
        ..Query::default()
    };
    let mut places = Vec::new();
    loop {
        let found = ledger.search(&query).map_err(failed)?;
        places.extend(found.rows.iter().map(|row| row.place));
        if !found.exceeded || found.rows.is_empty() || places.len() >= most {
            return Ok(places);
        }
        query.after = found.next;
    }
}

fn failed(error: LedgerError) -> AdminError {
    match error {
        LedgerError::Database(cause) => AdminError::Database(cause),
        LedgerError::Collision => AdminError::Busy,
        LedgerError::KeyTaken => AdminError::KeyReused,
    }
}

fn refuse(cause: Cause, field: &'static str, message: String) -> AdminError {
    Refusal { cause, field, message }.into()
}
