//! Things by what people call them: GUID, URI, name, or `pool\name`. For reading; acts are given
//! the texts, and the core looks them up likewise.

use parlance_core::Directory;
use parlance_core::directory::model::{Addin, PrincipalKind};
use parlance_core::directory::{CategoryEntry, Node, Person, RoomEntry};
use parlance_wire::xccos::Guid;
use std::sync::Arc;

/// A room.
pub fn room<'a>(directory: &'a Directory, text: &str) -> Option<&'a Arc<RoomEntry>> {
    if let Some(room) = identifier(text, "ma-chan://").and_then(|id| directory.room(id)) {
        return Some(room);
    }
    match directory.named(plain(directory, text))? {
        Node::Room(id) => directory.room(id),
        Node::Category(_) => None,
    }
}

/// A category.
pub fn category<'a>(directory: &'a Directory, text: &str) -> Option<&'a Arc<CategoryEntry>> {
    if let Some(category) = identifier(text, "ma-cat://").and_then(|id| directory.category(id)) {
        return Some(category);
    }
    match directory.named(plain(directory, text))? {
        Node::Category(id) => directory.category(id),
        Node::Room(_) => None,
    }
}

/// An add-in.
pub fn addin<'a>(directory: &'a Directory, text: &str) -> Option<&'a Addin> {
    if let Some(addin) = Guid::parse(text).and_then(|id| directory.addin(id)) {
        return Some(addin);
    }
    let name = plain(directory, text).trim().to_lowercase();
    directory.addins().find(|addin| addin.name.trim().to_lowercase() == name)
}

/// A principal: by GUID, URI, or an account name, e-mail address or display name that only one has.
pub fn person<'a>(directory: &'a Directory, text: &str) -> Option<&'a Person> {
    let people = directory.people();
    if let Some(id) = Guid::parse(text).and_then(|id| people.find(id)) {
        return people.get(id);
    }
    let lower = text.trim().to_lowercase();
    if let Some(id) = people.find_uri(&lower).or_else(|| people.find_uri(text.trim())) {
        return people.get(id);
    }
    let is_called = |person: &&Person| {
        let of = &person.principal;
        let names = [&of.account, &of.email, &of.display_name];
        names.into_iter().any(|name| name.to_lowercase() == lower)
    };
    let mut fitting = people.iter().map(|(_, person)| person).filter(is_called);
    let found = fitting.next()?;
    fitting.next().is_none().then_some(found)
}

/// A user, by the `sip:` URI or as [`person`].
pub fn user<'a>(directory: &'a Directory, text: &str) -> Option<&'a Person> {
    person(directory, text).filter(|person| person.principal.kind == PrincipalKind::User)
}

fn identifier(text: &str, scheme: &str) -> Option<Guid> {
    let text = text.trim();
    let addressed = || Guid::parse(text.strip_prefix(scheme)?.rsplit_once('/')?.1);
    Guid::parse(text).or_else(addressed)
}

/// A name without the pool in front of it.
fn plain<'a>(directory: &Directory, text: &'a str) -> &'a str {
    match text.split_once('\\') {
        Some((pool, name)) if pool.eq_ignore_ascii_case(&directory.pool.fqdn) => name,
        _ => text,
    }
}
