//! What is written down of an act, and what its outcome looks like when it is asked for again.

use super::cause::{cause_named, of_cause};
use super::detail;
use super::error::AdminError;
use super::fresh::{fresh_guid, now};
use super::ledger::AdminRecord;
use super::service::{Done, Request, Surface};
use parlance_core::Directory;
use parlance_core::admin::Refusal;
use parlance_core::directory::{Change, Revision};
use parlance_storage::sql::ADMIN_TEXT_BYTES_MAX;
use parlance_wire::xccos::{Guid, Timestamp};
use serde::{Deserialize, Serialize};

/// Steps told of one act; the rest is counted.
const STEPS_MAX: usize = 100;

/// Properties that refusals speak of: a repeated refusal finds its property here again.
const FIELDS: [&str; 33] = [
    "account",
    "addin",
    "allowed",
    "category",
    "changes",
    "creators",
    "default_chat_history",
    "denied",
    "description",
    "disabled",
    "display_name",
    "fqdn",
    "identity",
    "invitations",
    "kind",
    "managers",
    "members",
    "name",
    "parents",
    "person",
    "policy",
    "presenters",
    "privacy",
    "room",
    "room_management_url",
    "scope",
    "site",
    "text",
    "type",
    "uri",
    "url",
    "user",
    "version",
];

/// An outcome as it is kept.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Outcome {
    Done {
        revision: u64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        subject: Option<String>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        notes: Vec<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        messages: Option<u64>,
    },
    Refused {
        cause: String,
        field: String,
        message: String,
    },
}

/// The record of a request, without its outcome.
pub(super) fn of(request: &Request, id: Guid, at: Timestamp) -> AdminRecord {
    let (target, detail) = detail::of(&request.wanted);
    AdminRecord {
        id,
        at,
        actor: request.actor.name().to_owned(),
        surface: request.surface.name().to_owned(),
        act: request.wanted.name().to_owned(),
        target,
        detail,
        reason: request.options.reason.clone(),
        request_key: request.options.request_key.clone(),
        outcome: String::new(),
    }
}

/// An outcome as JSON.
pub(super) fn outcome(outcome: &Result<Done, AdminError>) -> String {
    let outcome = match outcome {
        Ok(done) => Outcome::Done {
            revision: done.revision.0,
            subject: done.subject.map(|id| id.to_string()),
            notes: done.notes.clone(),
            messages: done.messages,
        },
        Err(AdminError::Refused(refusal)) => Outcome::Refused {
            cause: of_cause(refusal.cause).name.to_owned(),
            field: refusal.field.to_owned(),
            message: refusal.message.clone(),
        },
        Err(error) => unreachable!("{error} is not an outcome that is kept"),
    };
    let json =
        |outcome: &Outcome| serde_json::to_string(outcome).expect("texts and numbers are JSON");
    let text = json(&outcome);
    if text.len() <= ADMIN_TEXT_BYTES_MAX {
        return text;
    }
    json(&shortened(outcome))
}

/// Without what makes it too long to be kept.
fn shortened(outcome: Outcome) -> Outcome {
    match outcome {
        Outcome::Done { revision, subject, notes, messages } => {
            let notes = vec![format!("{} notes, too long to be kept", notes.len())];
            Outcome::Done { revision, subject, notes, messages }
        }
        Outcome::Refused { cause, field, message } => {
            // A control character takes six bytes, once it is escaped.
            let end = message.floor_char_boundary(ADMIN_TEXT_BYTES_MAX / 8);
            Outcome::Refused { cause, field, message: format!("{}…", &message[..end]) }
        }
    }
}

/// The record of a batch that nobody asked for thing by thing, on the revision `base`.
pub fn of_load(
    actor: &str,
    surface: Surface,
    changes: &[Change],
    base: Revision,
    reason: &str,
) -> AdminRecord {
    let done = Done { revision: Revision(base.0 + 1), ..Done::default() };
    AdminRecord {
        id: fresh_guid(),
        at: now(),
        actor: actor.into(),
        surface: surface.name().into(),
        act: "load".into(),
        detail: format!("{{\"changes\":{}}}", changes.len()),
        reason: reason.into(),
        outcome: outcome(&Ok(done)),
        ..AdminRecord::default()
    }
}

/// What the same request came to before; an error if that was another one.
pub(super) fn replay(first: &AdminRecord, again: &AdminRecord) -> Result<Done, AdminError> {
    let wanted = |record: &AdminRecord| {
        let AdminRecord { actor, act, target, detail, .. } = record.clone();
        (actor, act, target, detail)
    };
    if wanted(first) != wanted(again) {
        return Err(AdminError::KeyReused);
    }
    match serde_json::from_str(&first.outcome) {
        Ok(Outcome::Done { revision, subject, notes, messages }) => Ok(Done {
            revision: Revision(revision),
            subject: subject.as_deref().and_then(Guid::parse),
            notes,
            changes: Vec::new(),
            is_repeated: true,
            messages,
        }),
        Ok(Outcome::Refused { cause, field, message }) => match cause_named(&cause) {
            Some(cause) => {
                let field = FIELDS.into_iter().find(|known| *known == field).unwrap_or("");
                Err(Refusal { cause, field, message }.into())
            }
            None => Err(AdminError::Broken(format!("the refusal {cause:?} is unknown"))),
        },
        Err(error) => Err(AdminError::Broken(format!("a record cannot be read ({error})"))),
    }
}

/// What changes do, for a person.
pub(super) fn steps(old: &Directory, new: &Directory, changes: &[Change]) -> Vec<String> {
    let names = Names { old, new };
    let told = changes.iter().take(STEPS_MAX).map(|change| names.step(change));
    let mut steps: Vec<String> = told.collect();
    if changes.len() > STEPS_MAX {
        steps.push(format!("and {} more", changes.len() - STEPS_MAX));
    }
    steps
}

/// Knows the names of things that are, will be or were.
struct Names<'a> {
    old: &'a Directory,
    new: &'a Directory,
}

impl Names<'_> {
    fn step(&self, change: &Change) -> String {
        match change {
            Change::Pool(pool) => format!("pool {} set", pool.fqdn),
            Change::Category(category) => {
                let is_there = self.old.category(category.id).is_some();
                format!("category {:?} {}", category.name, made(is_there))
            }
            Change::CategoryRemoved(id) => format!("category {:?} removed", self.node(*id)),
            Change::Room(room) => {
                format!("room {:?} {}", room.name, made(self.old.room(room.id).is_some()))
            }
            Change::RoomRemoved(id) => format!("room {:?} removed", self.node(*id)),
            Change::Addin(addin) => {
                format!("add-in {:?} {}", addin.name, made(self.old.addin(addin.id).is_some()))
            }
            Change::AddinRemoved(id) => format!("add-in {id} removed"),
            Change::Principal(principal) => {
                let is_there = self.old.people().find(principal.id).is_some();
                format!("{} {}", principal.uri, made(is_there))
            }
            Change::PrincipalRemoved(id) => format!("{} removed", self.person(*id)),
            Change::Parents { child, parents } => {
                format!("{} stands in {} now", self.person(*child), self.people(parents))
            }
            Change::Entries { node, role, add, remove } => {
                let role = format!("{role:?}").to_lowercase();
                let list = format!("{role} list of {:?}", self.node(*node));
                let parts = [("added", add), ("removed", remove)];
                let parts = parts.into_iter().filter(|(_, ids)| !ids.is_empty());
                let told = parts.map(|(verb, ids)| format!("{} {verb}", self.people(ids)));
                format!("{list}: {}", told.collect::<Vec<_>>().join(", "))
            }
            Change::Policy(policy) => format!("policy {} set", policy.scope),
            Change::PolicyRemoved(scope) => format!("policy {scope} removed"),
            Change::Configuration(of) => format!("configuration {} set", of.scope),
            Change::ConfigurationRemoved(scope) => format!("configuration {scope} removed"),
            Change::Endpoint(endpoint) => format!("endpoint {} set", endpoint.uri),
            Change::EndpointRemoved(uri) => format!("endpoint {uri} removed"),
            Change::Invited { room, users, .. } => {
                format!("{} invited to {:?}", self.people(users), self.node(*room))
            }
        }
    }

    fn node(&self, id: Guid) -> String {
        let named = |directory: &Directory| {
            let room = directory.room(id).map(|room| room.room.name.clone());
            room.or_else(|| Some(directory.category(id)?.category.name.clone()))
        };
        named(self.new).or_else(|| named(self.old)).unwrap_or_else(|| id.to_string())
    }

    fn person(&self, id: Guid) -> String {
        let named = |directory: &Directory| {
            let people = directory.people();
            let person = people.find(id).and_then(|id| people.get(id))?;
            Some(person.principal.uri.clone())
        };
        named(self.new).or_else(|| named(self.old)).unwrap_or_else(|| id.to_string())
    }

    /// A few names, or their number.
    fn people(&self, ids: &[Guid]) -> String {
        match ids {
            [] => "nobody".into(),
            [_, _, _, _, ..] => format!("{} principals", ids.len()),
            few => few.iter().map(|id| self.person(*id)).collect::<Vec<_>>().join(" and "),
        }
    }
}

fn made(is_there: bool) -> &'static str {
    if is_there { "changed" } else { "made" }
}
