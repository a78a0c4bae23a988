//! What a batch comes to, so that a statement takes many rows at once.
//!
//! Between two removals the order of different things does not matter: names are compared when the
//! batch is through, and of one and the same thing the last word counts. But for invitations: they
//! pass over users who are not there yet.

use crate::sql::directory::{ROLES, code};
use parlance_core::directory::Change;
use parlance_core::directory::model::{
    Addin, Category, Configuration, LegacyEndpoint, Policy, Pool, Principal, Room, Scope,
};
use parlance_wire::xccos::{Guid, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// One after the other.
pub(super) enum Step<'a> {
    Put(Box<Puts<'a>>),
    Remove(Removal<'a>),
}

/// A row of a list: node, list, principal.
pub(super) type Entry = (Guid, i16, Guid);

/// What is made, changed or listed. In the order of ids, so that rows of one thing are neighbours.
#[derive(Default)]
pub(super) struct Puts<'a> {
    pub pool: Option<&'a Pool>,
    /// The number of the newest invitation is at least this.
    pub invitation_floor: u64,
    pub principals: BTreeMap<Guid, &'a Principal>,
    pub parents: BTreeMap<Guid, &'a [Guid]>,
    pub categories: BTreeMap<Guid, &'a Category>,
    pub addins: BTreeMap<Guid, &'a Addin>,
    pub rooms: BTreeMap<Guid, &'a Room>,
    /// Is the list told of at all? It must be there, even if nothing is added to it.
    pub lists: BTreeSet<(Guid, i16)>,
    /// Is it in the list at the end?
    pub entries: BTreeMap<Entry, bool>,
    pub policies: BTreeMap<&'a Scope, &'a Policy>,
    pub configurations: BTreeMap<&'a Scope, &'a Configuration>,
    pub endpoints: BTreeMap<&'a str, &'a LegacyEndpoint>,
    /// By user and room.
    pub invited: BTreeMap<(Guid, Guid), (u64, Timestamp)>,
    /// Rooms that somebody is invited to.
    pub inviting: BTreeSet<Guid>,
}

/// Things of one kind that are removed one after the other, none twice.
pub(super) enum Removal<'a> {
    Categories(BTreeSet<Guid>),
    Rooms(BTreeSet<Guid>),
    Addins(BTreeSet<Guid>),
    Principals(BTreeSet<Guid>),
    Policies(BTreeSet<&'a Scope>),
    Configurations(BTreeSet<&'a Scope>),
    Endpoints(BTreeSet<&'a str>),
}

/// The steps of a batch.
pub(super) fn steps(changes: &[Change]) -> Vec<Step<'_>> {
    let mut steps = Vec::new();
    for change in changes {
        match removal(change) {
            Some(one) => {
                let is_taken = match steps.last_mut() {
                    Some(Step::Remove(many)) => many.takes(&one),
                    _ => false,
                };
                if !is_taken {
                    steps.push(Step::Remove(one));
                }
            }
            None => {
                if !matches!(steps.last(), Some(Step::Put(puts)) if !puts.ends_before(change)) {
                    steps.push(Step::Put(Box::default()));
                }
                let Some(Step::Put(puts)) = steps.last_mut() else { unreachable!("pushed above") };
                puts.put(change);
            }
        }
    }
    steps
}

fn removal(change: &Change) -> Option<Removal<'_>> {
    Some(match change {
        Change::CategoryRemoved(id) => Removal::Categories([*id].into()),
        Change::RoomRemoved(id) => Removal::Rooms([*id].into()),
        Change::AddinRemoved(id) => Removal::Addins([*id].into()),
        Change::PrincipalRemoved(id) => Removal::Principals([*id].into()),
        Change::PolicyRemoved(scope) => Removal::Policies([scope].into()),
        Change::ConfigurationRemoved(scope) => Removal::Configurations([scope].into()),
        Change::EndpointRemoved(uri) => Removal::Endpoints([uri.as_str()].into()),
        _ => return None,
    })
}

impl<'a> Removal<'a> {
    /// Takes one more of the same kind, unless it has it already.
    fn takes(&mut self, one: &Removal<'a>) -> bool {
        fn add<T: Ord + Copy>(many: &mut BTreeSet<T>, one: &BTreeSet<T>) -> bool {
            one.iter().all(|one| many.insert(*one))
        }
        match (self, one) {
            (Removal::Categories(many), Removal::Categories(one))
            | (Removal::Rooms(many), Removal::Rooms(one))
            | (Removal::Addins(many), Removal::Addins(one))
            | (Removal::Principals(many), Removal::Principals(one)) => add(many, one),
            (Removal::Policies(many), Removal::Policies(one))
            | (Removal::Configurations(many), Removal::Configurations(one)) => add(many, one),
            (Removal::Endpoints(many), Removal::Endpoints(one)) => add(many, one),
            _ => false,
        }
    }
}

impl<'a> Puts<'a> {
    /// Whoever was invited before they were made is invited by nothing that came before.
    fn ends_before(&self, change: &Change) -> bool {
        let Change::Principal(Principal { id, .. }) = change else { return false };
        self.invited.range((*id, Guid(0))..=(*id, Guid(u128::MAX))).next().is_some()
    }

    fn put(&mut self, change: &'a Change) {
        match change {
            Change::Pool(pool) => {
                self.pool = Some(pool);
                self.invitation_floor = 0;
            }
            Change::Category(category) => drop(self.categories.insert(category.id, category)),
            Change::Room(room) => drop(self.rooms.insert(room.id, room)),
            Change::Addin(addin) => drop(self.addins.insert(addin.id, addin)),
            Change::Principal(principal) => {
                self.principals.insert(principal.id, principal);
            }
            Change::Parents { child, parents } => {
                self.parents.insert(*child, parents);
            }
            Change::Entries { node, role, add, remove } => {
                let role = code(&ROLES, *role);
                self.lists.insert((*node, role));
                self.entries.extend(remove.iter().map(|id| ((*node, role, *id), false)));
                self.entries.extend(add.iter().map(|id| ((*node, role, *id), true)));
            }
            Change::Policy(policy) => drop(self.policies.insert(&policy.scope, policy)),
            Change::Configuration(configuration) => {
                self.configurations.insert(&configuration.scope, configuration);
            }
            Change::Endpoint(endpoint) => {
                self.endpoints.insert(&endpoint.uri, endpoint);
            }
            Change::Invited { room, number, on, users } => {
                self.invitation_floor = self.invitation_floor.max(*number);
                self.inviting.insert(*room);
                for user in users {
                    self.invited.entry((*user, *room)).or_insert((*number, *on));
                }
            }
            Change::CategoryRemoved(_)
            | Change::RoomRemoved(_)
            | Change::AddinRemoved(_)
            | Change::PrincipalRemoved(_)
            | Change::PolicyRemoved(_)
            | Change::ConfigurationRemoved(_)
            | Change::EndpointRemoved(_) => unreachable!("removals are steps of their own"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use parlance_core::directory::model::Role;

    #[test]
    fn removals_part_what_is_put() {
        let (a, b) = (Guid(1), Guid(2));
        let entries = |add: &[Guid], remove: &[Guid]| Change::Entries {
            node: Guid(9),
            role: Role::Member,
            add: add.to_vec(),
            remove: remove.to_vec(),
        };
        let changes = [
            entries(&[a, b], &[]),
            entries(&[], &[a]),
            Change::RoomRemoved(a),
            Change::RoomRemoved(b),
            Change::RoomRemoved(b),
            Change::PrincipalRemoved(b),
            entries(&[b], &[]),
        ];
        let steps = steps(&changes);
        assert_eq!(steps.len(), 5);
        let Step::Put(first) = &steps[0] else { panic!("puts come first") };
        let role = code(&ROLES, Role::Member);
        let entries = [((Guid(9), role, a), false), ((Guid(9), role, b), true)];
        assert_eq!(first.entries, entries.into());
        let rooms =
            |step: &Step<'_>| matches!(step, Step::Remove(Removal::Rooms(r)) if r.contains(&b));
        assert!(rooms(&steps[1]) && rooms(&steps[2]), "twice the same is an error of its own");
        assert!(matches!(&steps[3], Step::Remove(Removal::Principals(_))));
        assert!(matches!(&steps[4], Step::Put(_)));
    }
}
