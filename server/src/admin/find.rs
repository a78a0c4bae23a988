//! Things by what people call them: GUID, URI, name, or `pool\name`. For reading; acts are given
//! the texts. Rooms, categories and add-ins are found as acts find them; people also when they are
//! not active any more.

use parlance_core::Directory;
use parlance_core::directory::Person;
use parlance_core::directory::model::PrincipalKind;
use parlance_wire::xccos::Guid;

pub use parlance_core::admin::{find_addin as addin, find_category as category, find_room as room};

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
