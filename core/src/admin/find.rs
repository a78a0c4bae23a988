//! Who or what a text names.
//!
//! Identifiers come before names, so that nobody can call a room by the identifier of another and
//! be taken for it.

use super::plan::Planner;
use super::{Act, Actor, Cause, ListEdit, Refusal};
use crate::directory::model::Addin;
use crate::directory::{
    CategoryEntry, Change, Directory, Node, PrincipalId, RoomEntry, domain_principal,
    user_principal,
};
use crate::policy::Right;
use hashbrown::HashMap;
use parlance_wire::sip::Uri;
use parlance_wire::xccos::Guid;
use std::collections::BTreeSet;
use std::sync::Arc;

/// A room by GUID, `ma-chan://` URI, `pool\name` or name.
pub fn find_room<'a>(directory: &'a Directory, text: &str) -> Option<&'a Arc<RoomEntry>> {
    if let Some(room) = guid(directory, text, "ma-chan://").and_then(|id| directory.room(id)) {
        return Some(room);
    }
    names(directory, text).find_map(|name| match directory.named(name) {
        Some(Node::Room(id)) => directory.room(id),
        _ => None,
    })
}

/// A category by GUID, `ma-cat://` URI, `pool\name` or name.
pub fn find_category<'a>(directory: &'a Directory, text: &str) -> Option<&'a Arc<CategoryEntry>> {
    let id = guid(directory, text, CATEGORY_SCHEME);
    if let Some(category) = id.and_then(|id| directory.category(id)) {
        return Some(category);
    }
    names(directory, text).find_map(|name| match directory.named(name) {
        Some(Node::Category(id)) => directory.category(id),
        _ => None,
    })
}

/// An add-in by GUID, `pool\name` or name.
pub fn find_addin<'a>(directory: &'a Directory, text: &str) -> Option<&'a Addin> {
    let by_id = Guid::parse(text.trim()).and_then(|id| directory.addin(id));
    by_id.or_else(|| names(directory, text).find_map(|name| addin_called(directory, name)))
}

/// The add-in of that name, in any case.
pub(super) fn addin_called<'a>(directory: &'a Directory, name: &str) -> Option<&'a Addin> {
    let wanted = name.trim().to_lowercase();
    directory.addins().find(|addin| addin.name.trim().to_lowercase() == wanted)
}

const CATEGORY_SCHEME: &str = "ma-cat://";

/// Is it the root, in which nothing may stand and which nobody changes (`product.md` §1.2)?
fn is_root(directory: &Directory, text: &str) -> bool {
    guid(directory, text, CATEGORY_SCHEME) == Some(directory.pool.root_category)
}

fn guid(directory: &Directory, text: &str, scheme: &str) -> Option<Guid> {
    let text = text.trim();
    let has_scheme = |(head, _): &(&str, &str)| head.eq_ignore_ascii_case(scheme);
    let Some((_, rest)) = text.split_at_checked(scheme.len()).filter(has_scheme) else {
        return Guid::parse(text);
    };
    let (domain, value) = rest.split_once('/')?;
    domain.eq_ignore_ascii_case(&directory.domain).then(|| Guid::parse(value))?
}

/// What a text may mean as a name: without the pool in front, then as it is.
fn names<'a>(directory: &Directory, text: &'a str) -> impl Iterator<Item = &'a str> {
    let of_pool = text
        .split_once('\\')
        .filter(|(pool, _)| pool.trim().eq_ignore_ascii_case(&directory.pool.fqdn));
    of_pool.map(|(_, name)| name).into_iter().chain([text])
}

impl<'a> Planner<'a> {
    /// A category that the actor may know of.
    pub(super) fn category_named(&self, text: &str) -> Result<&'a Arc<CategoryEntry>, Refusal> {
        if is_root(self.directory, text) {
            let message = "the root category holds no rooms and cannot be changed; name another";
            return Err(Refusal::new(Cause::NodeHierarchyViolation, "category", message));
        }
        let asker = self.asker()?;
        let may_know = |category: &&Arc<CategoryEntry>| {
            asker.is_none_or(|asker| self.directory.is_in_scope(&asker, category.category.id))
        };
        find_category(self.directory, text).filter(may_know).ok_or_else(|| {
            let message = format!("there is no category {text:?}");
            Refusal::new(Cause::NoSuchNode, "category", message)
        })
    }

    /// A room that the actor may know of.
    pub(super) fn room_named(&self, text: &str) -> Result<&'a Arc<RoomEntry>, Refusal> {
        let asker = self.asker()?;
        let may_know = |room: &&Arc<RoomEntry>| {
            asker.is_none_or(|asker| self.directory.may(&asker, room, Right::See))
        };
        find_room(self.directory, text).filter(may_know).ok_or_else(|| no_such_room(text))
    }

    /// An add-in by GUID, `pool\name` or name.
    pub(super) fn addin_named(&self, text: &str) -> Result<&'a Addin, Refusal> {
        find_addin(self.directory, text).ok_or_else(|| {
            let message = format!("there is no add-in {text:?}");
            Refusal::new(Cause::NoSuchNode, "addin", message)
        })
    }

    /// One principal.
    pub(super) fn principal_named(
        &self,
        text: &str,
        field: &'static str,
    ) -> Result<PrincipalId, Refusal> {
        let found = find_principals(self.directory, &[text.to_owned()], field)?;
        Ok(found[0])
    }
}

pub(super) fn no_such_room(text: &str) -> Refusal {
    Refusal::new(Cause::NoSuchNode, "room", format!("there is no room {text:?}"))
}

/// Principals, in the order of the texts: each by GUID, URI, or else by an account name, e-mail
/// address, display name or path that only one has.
pub(super) fn find_principals(
    directory: &Directory,
    texts: &[String],
    field: &'static str,
) -> Result<Vec<PrincipalId>, Refusal> {
    let direct: Vec<_> = texts.iter().map(|text| by_identifier(directory, text.trim())).collect();
    let others = texts.iter().zip(&direct).filter(|(_, found)| found.is_none());
    let wanted: HashMap<String, Hits> =
        others.map(|(text, _)| (text.trim().to_lowercase(), Hits::default())).collect();
    let hits = by_name(directory, wanted);
    let all = texts.iter().zip(direct);
    all.map(|(text, direct)| match direct {
        Some(id) => Ok(id),
        None => hits[&text.trim().to_lowercase()].only(text, field),
    })
    .collect()
}

fn by_identifier(directory: &Directory, text: &str) -> Option<PrincipalId> {
    let people = directory.people();
    let by_id = || Guid::parse(text).and_then(|id| people.find(id));
    let by_sip = |uri: &str| Uri::parse(uri)?.identity().and_then(|uri| people.find_uri(&uri));
    let bare = || (!text.contains(':')).then(|| by_sip(&format!("sip:{text}")))?;
    let by_uri = || people.find_uri(text).or_else(|| people.find_uri(&text.to_lowercase()));
    by_id().or_else(by_uri).or_else(|| by_sip(text)).or_else(bare)
}

/// How many bear a name: those in use, and those that are not.
#[derive(Default)]
struct Hits {
    active: Vec<PrincipalId>,
    others: Vec<PrincipalId>,
}

impl Hits {
    /// Who is gone does not make a name ambiguous.
    fn only(&self, text: &str, field: &'static str) -> Result<PrincipalId, Refusal> {
        let hits = if self.active.is_empty() { &self.others } else { &self.active };
        let message = match hits.as_slice() {
            [only] => return Ok(*only),
            [] => format!("nobody is called {text:?}; give a SIP address"),
            several => {
                format!("{} principals are called {text:?}; give a SIP address", several.len())
            }
        };
        Err(Refusal::new(Cause::NoSuchPrincipal, field, message))
    }
}

/// One pass over everybody, however many names are asked for.
fn by_name(directory: &Directory, mut wanted: HashMap<String, Hits>) -> HashMap<String, Hits> {
    if wanted.is_empty() {
        return wanted;
    }
    for (id, person) in directory.people().iter() {
        let principal = &person.principal;
        let names =
            [&principal.account, &principal.email, &principal.display_name, &principal.path];
        for name in names.into_iter().filter(|name| !name.is_empty()) {
            let Some(hits) = wanted.get_mut(&name.to_lowercase()) else { continue };
            let hits = if person.is_active() { &mut hits.active } else { &mut hits.others };
            if hits.last() != Some(&id) {
                hits.push(id);
            }
        }
    }
    wanted
}

/// Changes that make principals of users whom an act names and the directory lets in unknown.
pub(super) fn newcomers(directory: &Directory, actor: &Actor, act: &Act) -> Vec<Change> {
    if !directory.admits_unknown {
        return Vec::new();
    }
    let mut named: Vec<&str> = match act {
        Act::NewCategory(new) => flat([&new.allowed, &new.denied, &new.creators]),
        Act::SetCategory { edit, .. } => edited([&edit.allowed, &edit.denied, &edit.creators]),
        Act::NewRoom(new) => flat([&new.members, &new.managers, &new.presenters]),
        Act::SetRoom { edit, .. } => edited([&edit.members, &edit.managers, &edit.presenters]),
        Act::GrantPolicy { user, .. } => vec![user],
        _ => Vec::new(),
    };
    if let (Actor::User { uri }, Act::NewRoom(_)) = (actor, act) {
        named.push(uri);
    }
    let uris: BTreeSet<String> =
        named.into_iter().filter_map(|text| ours(directory, text)).collect();
    uris.iter().flat_map(|uri| newcomer(directory, uri)).collect()
}

fn flat(lists: [&Vec<String>; 3]) -> Vec<&str> {
    lists.into_iter().flatten().map(String::as_str).collect()
}

fn edited(edits: [&ListEdit; 3]) -> Vec<&str> {
    let named = edits.into_iter().flat_map(|edit| edit.replace.iter().flatten().chain(&edit.add));
    named.map(String::as_str).collect()
}

/// The canonical URI of a user of the domain.
fn ours(directory: &Directory, text: &str) -> Option<String> {
    let uri = Uri::parse(text.trim())?;
    let is_ours = uri.host.eq_ignore_ascii_case(&directory.domain);
    let identity = uri.identity().filter(|_| is_ours)?;
    (identity.len() <= crate::directory::model::NAME_BYTES_MAX).then_some(identity)
}

fn newcomer(directory: &Directory, uri: &str) -> Vec<Change> {
    let (people, principal) = (directory.people(), user_principal(uri));
    if people.find_uri(uri).is_some() || people.find(principal.id).is_some() {
        return Vec::new();
    }
    let (child, domain) = (principal.id, domain_principal(&directory.domain));
    let domain = people.find_uri(&domain.uri).and_then(|id| people.get(id));
    let parents: Vec<Guid> = domain.map(|domain| domain.principal.id).into_iter().collect();
    vec![Change::Principal(principal), Change::Parents { child, parents }]
}
