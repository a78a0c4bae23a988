//! Why somebody may do what with a room, and who could be in a list (`product.md` §3.8).

use super::find::{find_category, find_principals, find_room, no_such_room};
use super::lists::{Draft, Fence};
use super::room::scope;
use super::{Cause, Refusal};
use crate::directory::model::{Behavior, Principal, Privacy, Role, Scope};
use crate::directory::{Asker, CategoryEntry, Directory, List, NotServed, PrincipalId, RoomEntry};
use crate::policy::{Rights, Standing};
use hashbrown::HashMap;
use parlance_wire::sip::Uri;
use parlance_wire::xccos::Guid;
use std::collections::VecDeque;

/// How a user comes to their rights to a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// `sip:` URI.
    pub user: String,
    /// Which room.
    pub room: Guid,
    /// The policy that decides whether the service is for them; `None` where none was set, which
    /// leaves it off.
    pub policy: Option<Scope>,
    /// Why the service is not for them at all; nothing else matters then.
    pub refused: Option<NotServed>,
    /// Entries that name the user or something they belong to, the category's first: each list in
    /// the order of [`Role::of_node`], each entry with the shortest way to it.
    pub reasons: Vec<Reason>,
    /// What the entries come to.
    pub standing: Standing,
    /// What they may do.
    pub rights: Rights,
}

impl Explanation {
    /// The denied entries: one is enough, whatever else is said.
    pub fn denied(&self) -> impl Iterator<Item = &Reason> {
        self.reasons.iter().filter(|reason| reason.role == Role::Denied)
    }
}

/// An entry of a list that concerns a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// Which list.
    pub role: Role,
    /// URIs from the user to the entry, both included: `sip:kay@…`, `ma-grp:a`, `ma-grp:b` for an
    /// entry `b` that has `a` in it. One alone when the user is named.
    pub path: Vec<String>,
}

/// Why a user may do what they may, or not, with a room.
///
/// # Errors
/// When there is no such room, or the text names nobody and is no SIP address.
pub fn explain(directory: &Directory, user: &str, room: &str) -> Result<Explanation, Refusal> {
    let entry = find_room(directory, room).ok_or_else(|| no_such_room(room))?;
    let user = user_uri(directory, user)?;
    let people = directory.people();
    let person = people.find_uri(&user).and_then(|id| people.get(id));
    let granted = person.and_then(|person| person.principal.policy.as_deref());
    let policy = directory.policy_for(granted).map(|policy| policy.scope.clone());
    let served = directory.serve(&user);
    let (reasons, standing, rights) = match &served {
        Ok(asker) => (
            reasons(directory, &user, asker, entry),
            directory.standing(asker, entry),
            directory.rights(asker, entry),
        ),
        Err(_) => Default::default(),
    };
    let (room, refused) = (entry.room.id, served.err());
    Ok(Explanation { user, room, policy, refused, reasons, standing, rights })
}

fn user_uri(directory: &Directory, text: &str) -> Result<String, Refusal> {
    match find_principals(directory, &[text.to_owned()], "user") {
        Ok(found) => {
            let person = directory.people().get(found[0]).expect("found by its name");
            Ok(person.principal.uri.clone())
        }
        Err(refusal) => {
            let uri = Uri::parse(text.trim()).and_then(|uri| uri.identity());
            uri.ok_or(refusal)
        }
    }
}

fn reasons(directory: &Directory, user: &str, asker: &Asker<'_>, room: &RoomEntry) -> Vec<Reason> {
    let ways = Ways::of(directory, user, asker);
    let of_category = Role::of_node(false).map(|role| (room.room.category, role));
    let of_room = Role::of_node(true).map(|role| (room.room.id, role));
    let lists = of_category.into_iter().chain(of_room);
    let lists = lists.filter_map(|(node, role)| Some((role, directory.list(node, role)?)));
    lists
        .flat_map(|(role, list)| ways.to(directory, list).map(move |path| Reason { role, path }))
        .collect()
}

/// The shortest way from a user to everything they belong to.
struct Ways<'a> {
    user: &'a str,
    own: Option<PrincipalId>,
    /// What a principal was come to from; `None` where the user stands in it directly.
    from: HashMap<PrincipalId, Option<PrincipalId>>,
}

impl<'a> Ways<'a> {
    fn of(directory: &Directory, user: &'a str, asker: &Asker<'_>) -> Ways<'a> {
        let people = directory.people();
        // Whoever is not in the directory stands in all they belong to, that is in the domain.
        let first = match asker.id.and_then(|id| people.get(id)) {
            Some(person) => person.parents(),
            None => asker.affiliations.ids(),
        };
        let mut ways = Ways { user, own: asker.id, from: HashMap::new() };
        let mut next: VecDeque<_> = first.iter().map(|id| (*id, None)).collect();
        while let Some((id, from)) = next.pop_front() {
            let Some(person) = people.get(id).filter(|person| person.is_active()) else { continue };
            if !ways.from.contains_key(&id) {
                ways.from.insert(id, from);
                next.extend(person.parents().iter().map(|parent| (*parent, Some(id))));
            }
        }
        ways
    }

    /// Ways to the entries of a list.
    fn to<'b>(
        &'b self,
        directory: &'b Directory,
        list: List<'b>,
    ) -> impl Iterator<Item = Vec<String>> + 'b {
        list.iter().filter_map(move |entry| match self.own == Some(entry) {
            true => Some(vec![self.user.to_owned()]),
            false => self.from.contains_key(&entry).then(|| self.path(directory, entry)),
        })
    }

    fn path(&self, directory: &Directory, entry: PrincipalId) -> Vec<String> {
        let mut path = Vec::new();
        let mut at = Some(entry);
        while let Some(id) = at {
            let person = directory.people().get(id).expect("it was on the way");
            path.push(person.principal.uri.clone());
            at = self.from[&id];
        }
        path.push(self.user.to_owned());
        path.reverse();
        path
    }
}

/// What principals are to be eligible for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Eligible<'a> {
    /// Creators of a category, by name, GUID or URI.
    Category(&'a str),
    /// Members and managers of a room, or its presenters.
    Room {
        /// By name, GUID or URI.
        room: &'a str,
        /// Those of an auditorium, who must be members as well.
        presenters: bool,
    },
}

/// Principals that could be put into a list, by URI: those whose URI the filter fits, `*` and `?`
/// being wildcards, case left aside; all when it is empty. At most `limit` of them.
///
/// # Errors
/// When there is no such room or category, or the room is no auditorium and has no presenters.
pub fn eligible<'a>(
    directory: &'a Directory,
    scope: Eligible<'_>,
    filter: &str,
    limit: usize,
) -> Result<Vec<&'a Principal>, Refusal> {
    let (category, members) = place(directory, scope)?;
    let people = directory.people();
    let (allowed, denied) = self::scope(category);
    let name = &category.category.name;
    let fence = Fence { category: name, allowed: &allowed, denied: &denied };
    let filter = filter.trim().to_lowercase();
    let fits = |uri: &str| filter.is_empty() || is_like(filter.as_bytes(), uri.as_bytes());
    let mut found: Vec<&Principal> = people
        .iter()
        .filter(|(_, person)| person.is_active() && fits(&person.principal.uri))
        .filter(|(id, _)| fence.admits(people, *id))
        .filter(|(id, _)| members.as_ref().is_none_or(|list| list.covers(people, *id)))
        .map(|(_, person)| &person.principal)
        .collect();
    found.sort_unstable_by(|a, b| a.uri.cmp(&b.uri));
    found.truncate(limit);
    Ok(found)
}

/// The category whose scope counts, and the members that presenters must be among.
fn place<'a>(
    directory: &'a Directory,
    scope: Eligible<'_>,
) -> Result<(&'a CategoryEntry, Option<Draft<'a>>), Refusal> {
    let (room, presenters) = match scope {
        Eligible::Category(text) => {
            let category = find_category(directory, text).ok_or_else(|| {
                let message = format!("there is no category {text:?}");
                Refusal::new(Cause::NoSuchNode, "category", message)
            })?;
            return Ok((category, None));
        }
        Eligible::Room { room, presenters } => (room, presenters),
    };
    let entry = find_room(directory, room).ok_or_else(|| no_such_room(room))?;
    if presenters && entry.room.behavior != Behavior::Auditorium {
        let message = format!("{:?} is no auditorium and has no presenters", entry.room.name);
        return Err(Refusal::invalid("presenters", message));
    }
    let category = directory.category(entry.room.category).expect("a room's category is there");
    let takes_members_only = presenters && entry.room.privacy != Privacy::Open;
    let members = takes_members_only.then(|| Draft::of(Role::Member, Some(entry.members())));
    Ok((category, members))
}

/// Wildcards, in time that grows with the product of the lengths at worst.
fn is_like(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    // Where the last star stands, and how much of the text it has taken.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(byte) if *byte == b'?' || *byte == text[t] => (p, t) = (p + 1, t + 1),
            _ => match star {
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    (p, t) = (at + 1, taken + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::is_like;

    #[test]
    fn wildcards() {
        let check = |pattern: &str, text: &str, expect: bool| {
            assert_eq!(is_like(pattern.as_bytes(), text.as_bytes()), expect, "{pattern} {text}");
        };
        check("*", "", true);
        check("sip:k*@x", "sip:kay@x", true);
        check("sip:k*@x", "sip:kay@xy", false);
        check("*a*b*", "xxaxxbxx", true);
        check("*a?b", "aaab", true);
        check("*a?b", "aaaab", true);
        check("a?b", "ab", false);
        check("**", "x", true);
        check("", "x", false);
        check("x", "", false);
    }
}
