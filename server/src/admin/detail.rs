//! What an act wants, as JSON: only what it sets.

use super::messages::{Filter, MessageAct};
use super::service::Wanted;
use parlance_core::admin::{
    Act, CategoryEdit, ConfigurationEdit, ListEdit, NewCategory, NewRoom, PolicyEdit, RoomEdit,
};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

/// Longest name kept of what an act is about.
const TARGET_BYTES_MAX: usize = 1024;
/// Longest detail kept of an act; a longer one is cut, with a checksum of the whole behind it.
const DETAIL_BYTES_MAX: usize = 8 * 1024;

/// What an act is about, and what it wants.
pub(super) fn of(wanted: &Wanted) -> (String, String) {
    let (target, map) = match wanted {
        Wanted::Act(act) => of_act(act),
        Wanted::Messages(act) => of_messages(act),
    };
    let text = if map.is_empty() { String::new() } else { Value::Object(map).to_string() };
    (shortened(&target), bounded(text))
}

/// What somebody called a thing, without what cannot be kept.
fn shortened(target: &str) -> String {
    let end = target.floor_char_boundary(TARGET_BYTES_MAX);
    target[..end].replace('\0', "\u{fffd}")
}

fn bounded(mut text: String) -> String {
    if text.len() > DETAIL_BYTES_MAX {
        let whole = Sha256::digest(text.as_bytes());
        text.truncate(text.floor_char_boundary(DETAIL_BYTES_MAX));
        text.push_str("… sha256:");
        text.push_str(&super::tokens::hex(&whole));
    }
    text
}

/// Collects what is set.
#[derive(Default)]
struct Set(Map<String, Value>);

impl Set {
    fn put(mut self, key: &str, value: impl Into<Value>) -> Set {
        self.0.insert(key.to_owned(), value.into());
        self
    }

    fn maybe(self, key: &str, value: Option<impl Into<Value>>) -> Set {
        match value {
            Some(value) => self.put(key, value),
            None => self,
        }
    }

    /// Texts that are not empty, flags that are on.
    fn text(self, key: &str, value: &str) -> Set {
        self.maybe(key, (!value.is_empty()).then_some(value))
    }

    fn flag(self, key: &str, value: bool) -> Set {
        self.maybe(key, value.then_some(true))
    }

    fn names(self, key: &str, names: &[String]) -> Set {
        self.maybe(key, (!names.is_empty()).then(|| json!(names)))
    }

    fn list(self, key: &str, edit: &ListEdit) -> Set {
        if edit.is_empty() {
            return self;
        }
        let replace = edit.replace.as_ref().map(|names| json!(names));
        let edits = Set::default().maybe("set", replace);
        let edits = edits.names("add", &edit.add).names("remove", &edit.remove);
        self.put(key, edits.0)
    }
}

fn of_act(act: &Act) -> (String, Map<String, Value>) {
    let nothing = Set::default;
    let (target, set) = match act {
        Act::NewCategory(new) => (new.name.clone(), new_category(new)),
        Act::SetCategory { category, edit } => (category.clone(), category_edit(edit)),
        Act::RemoveCategory { category, version } => {
            (category.clone(), nothing().maybe("version", *version))
        }
        Act::NewRoom(new) => (new.name.clone(), new_room(new)),
        Act::SetRoom { room, edit } => (room.clone(), room_edit(edit)),
        Act::RemoveRoom { room, version } => (room.clone(), nothing().maybe("version", *version)),
        Act::NewAddin { name, url } => (name.clone(), nothing().put("url", url.as_str())),
        Act::SetAddin { addin, version, name, url } => {
            let set = nothing().maybe("version", *version);
            let set = set.maybe("name", name.as_deref()).maybe("url", url.as_deref());
            (addin.clone(), set)
        }
        Act::RemoveAddin { addin, version, force } => {
            (addin.clone(), nothing().maybe("version", *version).flag("force", *force))
        }
        Act::NewPolicy { scope, edit } | Act::SetPolicy { scope, edit } => {
            (scope.to_string(), policy_edit(edit))
        }
        Act::GrantPolicy { user, policy } => {
            (user.clone(), nothing().put("policy", policy.as_deref()))
        }
        Act::RemovePolicy { scope, force } => (scope.to_string(), nothing().flag("force", *force)),
        Act::NewConfiguration { scope, edit } | Act::SetConfiguration { scope, edit } => {
            (scope.to_string(), configuration_edit(edit))
        }
        Act::RemoveConfiguration { scope } => (scope.to_string(), nothing()),
        Act::NewEndpoint { uri, display_name } => {
            (uri.clone(), nothing().text("display_name", display_name))
        }
        Act::RemoveEndpoint { uri } => (uri.clone(), nothing()),
        Act::SetPool(pool) => {
            let set = nothing().put("display_name", pool.display_name.as_str());
            (pool.fqdn.clone(), set.put("site", pool.site.as_str()))
        }
        Act::SyncPeople(people) => {
            let target = match &people[..] {
                [person] => person.uri.clone(),
                _ => format!("{} principals", people.len()),
            };
            (target, nothing().put("people", people.iter().map(person).collect::<Vec<_>>()))
        }
        Act::RemovePerson { person } => (person.clone(), nothing()),
        Act::Load(changes) => {
            // What they are is in the things they make.
            (String::new(), nothing().put("changes", changes.len()))
        }
    };
    (target, set.0)
}

fn new_category(new: &NewCategory) -> Set {
    Set::default()
        .text("description", &new.description)
        .flag("invites", new.invites)
        .flag("file_upload", new.file_upload)
        .maybe("chat_history", (!new.chat_history).then_some(false))
        .names("allowed", &new.allowed)
        .names("denied", &new.denied)
        .names("creators", &new.creators)
}

fn category_edit(edit: &CategoryEdit) -> Set {
    Set::default()
        .maybe("version", edit.version)
        .maybe("name", edit.name.as_deref())
        .maybe("description", edit.description.as_deref())
        .maybe("invites", edit.invites)
        .maybe("file_upload", edit.file_upload)
        .maybe("chat_history", edit.chat_history)
        .list("allowed", &edit.allowed)
        .list("denied", &edit.denied)
        .list("creators", &edit.creators)
}

fn new_room(new: &NewRoom) -> Set {
    Set::default()
        .put("category", new.category.as_str())
        .text("description", &new.description)
        .put("privacy", format!("{:?}", new.privacy).to_lowercase())
        .put("type", format!("{:?}", new.behavior).to_lowercase())
        .put("invitations", format!("{:?}", new.invitations).to_lowercase())
        .maybe("addin", new.addin.as_deref())
        .flag("disabled", new.is_disabled)
        .names("members", &new.members)
        .names("managers", &new.managers)
        .names("presenters", &new.presenters)
}

fn room_edit(edit: &RoomEdit) -> Set {
    let lower = |text: String| text.to_lowercase();
    Set::default()
        .maybe("version", edit.version)
        .maybe("name", edit.name.as_deref())
        .maybe("description", edit.description.as_deref())
        .maybe("category", edit.category.as_deref())
        .maybe("privacy", edit.privacy.map(|it| lower(format!("{it:?}"))))
        .maybe("type", edit.behavior.map(|it| lower(format!("{it:?}"))))
        .maybe("invitations", edit.invitations.map(|it| lower(format!("{it:?}"))))
        .maybe("addin", edit.addin.as_ref().map(Option::as_deref))
        .maybe("disabled", edit.is_disabled)
        .list("members", &edit.members)
        .list("managers", &edit.managers)
        .list("presenters", &edit.presenters)
        .flag("force", edit.force)
}

fn policy_edit(edit: &PolicyEdit) -> Set {
    let set = Set::default().maybe("enabled", edit.is_enabled);
    set.maybe("description", edit.description.as_deref())
}

fn configuration_edit(edit: &ConfigurationEdit) -> Set {
    Set::default()
        .maybe("default_chat_history", edit.default_chat_history)
        .maybe("max_file_size_kb", edit.max_file_size_kb)
        .maybe("participant_update_limit", edit.participant_update_limit)
        .maybe("room_management_url", edit.room_management_url.as_deref())
}

fn person(person: &parlance_core::admin::PersonRecord) -> Value {
    let parents = person.parents.as_ref();
    let parents = parents.map(|ids| ids.iter().map(|id| id.to_string()).collect::<Vec<_>>());
    let set = Set::default()
        .put("uri", person.uri.as_str())
        .put("state", format!("{:?}", person.state).to_lowercase())
        .text("display_name", &person.display_name)
        .text("account", &person.account)
        .text("email", &person.email)
        .text("company", &person.company)
        .text("path", &person.path);
    Value::Object(set.maybe("parents", parents).0)
}

fn of_messages(act: &MessageAct) -> (String, Map<String, Value>) {
    let (room, set) = match act {
        MessageAct::Clear { room, until } => (room, Set::default().put("until", until.to_string())),
        MessageAct::Remove { room, filter } => (room, of_filter(filter)),
        MessageAct::Replace { room, filter, text } => {
            (room, of_filter(filter).put("text", text.as_str()))
        }
    };
    (room.clone(), set.0)
}

fn of_filter(filter: &Filter) -> Set {
    Set::default()
        .text("text", &filter.text)
        .put("match", filter.words.name())
        .flag("case_sensitive", filter.case_sensitive)
        .maybe("from", filter.from.map(|at| at.to_string()))
        .maybe("to", filter.to.map(|at| at.to_string()))
        .maybe("author", filter.author.as_deref())
}
