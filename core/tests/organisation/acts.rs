//! A ship to administer, short ways to say what is wanted, and what comes of it as a line of text.

use super::{Organisation, ids, principal, short, uris};
use parlance_core::admin::{
    Act, Actor, CategoryEdit, ListEdit, NewCategory, NewRoom, PersonRecord, RoomEdit,
};
use parlance_core::directory::model::{Behavior, Role};
use parlance_core::directory::{Change, Directory};
use parlance_wire::xccos::Guid;

/// A crew of two and three others in the domain; `Deck` (crew, and ann, without bob) with the
/// auditorium `Bridge` and the room `Mess`; `Hold` for all, with `Cargo`. Ann manages and creates.
pub fn ship() -> Organisation {
    let mut org = Organisation::new();
    org.users(&["ann", "bob", "cat", "dan"]);
    org.person("eve", &["g:crew", "d:"]);
    org.person("fay", &["g:crew", "d:"]);
    org.person("g:crew", &["g:all"]);
    org.category("Deck", &["g:all", "ann", "cat"]);
    org.list("Deck", Role::Denied, &["bob", "fay"]);
    org.list("Deck", Role::Creator, &["ann"]);
    org.category("Hold", &["d:"]);
    org.list("Hold", Role::Creator, &["ann"]);
    org.room("Bridge", "Deck");
    org.edit_room("Bridge", |room| room.behavior = Behavior::Auditorium);
    org.list("Bridge", Role::Member, &["g:crew", "cat"]);
    org.list("Bridge", Role::Presenter, &["eve", "cat"]);
    org.room("Mess", "Deck");
    org.room("Cargo", "Hold");
    for room in ["Bridge", "Mess", "Cargo"] {
        org.list(room, Role::Manager, &["ann"]);
    }
    org
}

pub fn add(names: &[&str]) -> ListEdit {
    ListEdit { add: uris(names), ..ListEdit::default() }
}

pub fn remove(names: &[&str]) -> ListEdit {
    ListEdit { remove: uris(names), ..ListEdit::default() }
}

pub fn replace(names: &[&str]) -> ListEdit {
    ListEdit { replace: Some(uris(names)), ..ListEdit::default() }
}

pub fn room(name: &str, edit: impl FnOnce(&mut RoomEdit)) -> Act {
    let mut with = RoomEdit::default();
    edit(&mut with);
    Act::SetRoom { room: name.to_owned(), edit: with }
}

pub fn new_room(category: &str, edit: impl FnOnce(&mut NewRoom)) -> Act {
    let mut new = NewRoom::named("New", category);
    edit(&mut new);
    Act::NewRoom(new)
}

pub fn category(name: &str, edit: impl FnOnce(&mut CategoryEdit)) -> Act {
    let mut with = CategoryEdit::default();
    edit(&mut with);
    Act::SetCategory { category: name.to_owned(), edit: with }
}

pub fn new_category(edit: impl FnOnce(&mut NewCategory)) -> Act {
    let mut new = NewCategory::named("New");
    edit(&mut new);
    Act::NewCategory(new)
}

/// A list's change as `members +kay -lee`, an invitation as `#1 kay`, anything else by its name.
pub fn tell(directory: &Directory, plan: &[Change]) -> String {
    let people = |ids: &[Guid], sign: &str| -> String {
        let name = |id: &Guid| {
            let made = plan.iter().find_map(|change| match change {
                Change::Principal(principal) if principal.id == *id => Some(principal.uri.clone()),
                _ => None,
            });
            let known = || directory.people().find(*id).and_then(|id| directory.people().get(id));
            short(&made.unwrap_or_else(|| known().expect("a principal").principal.uri.clone()))
        };
        let mut names: Vec<String> = ids.iter().map(name).collect();
        names.sort();
        names.iter().map(|name| format!(" {sign}{name}")).collect()
    };
    let one = |change: &Change| match change {
        Change::Entries { role, add, remove, .. } => {
            let role = format!("{role:?}").to_lowercase();
            format!("{role}{}{}", people(add, "+"), people(remove, "-"))
        }
        Change::Invited { number, users, .. } => format!("#{number}{}", people(users, "")),
        Change::Room(room) => format!("room v{}", room.version),
        Change::Category(category) => format!("category v{}", category.version),
        Change::Addin(addin) => format!("addin v{}", addin.version),
        Change::Principal(principal) => format!("person {}", short(&principal.uri)),
        Change::Parents { child, parents } => {
            format!("parents{} in{}", people(&[*child], ""), people(parents, ""))
        }
        Change::Policy(policy) => format!("policy {} {}", policy.scope, policy.is_enabled),
        other => format!("{other:?}").split(['(', ' ']).next().expect("a name").to_owned(),
    };
    plan.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// One act on a ship: its changes, or the cause and field of its refusal.
pub fn outcome(org: &Organisation, actor: &Actor, act: &Act) -> String {
    match org.plan(actor, act) {
        Ok(plan) => {
            let notes = if plan.notes.is_empty() { "" } else { "; noted" };
            format!("{}{notes}", tell(&org.directory, &plan.changes))
        }
        Err(refusal) => {
            assert!(!refusal.message.is_empty());
            format!("{} {}", refusal.cause.as_str(), refusal.field).trim_end().to_owned()
        }
    }
}

pub fn check_all(org: &Organisation, actor: &Actor, acts: Vec<(Act, &str)>) {
    for (act, expect) in acts {
        assert_eq!(outcome(org, actor, &act), expect, "{act:?}");
    }
}

/// A record that says of a principal what is known already.
pub fn record(name: &str) -> PersonRecord {
    let known = principal(name);
    PersonRecord {
        id: known.id,
        kind: known.kind,
        uri: known.uri,
        display_name: known.display_name,
        account: known.account,
        email: known.email,
        company: known.company,
        path: known.path,
        state: known.state,
        parents: None,
    }
}

pub fn standing_in(name: &str, parents: &[&str]) -> PersonRecord {
    PersonRecord { parents: Some(ids(parents)), ..record(name) }
}
