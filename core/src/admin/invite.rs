//! Who is told of a room by an act (`product.md` §1.11; ADR 0009, choice 6).

use super::lists::{Draft, Fence};
use super::plan::Planner;
use super::room::scope;
use crate::directory::model::{Invitations, PrincipalKind, Room};
use crate::directory::{CategoryEntry, Change, Person, PrincipalId};
use parlance_wire::xccos::Guid;
use std::collections::BTreeSet;

impl Planner<'_> {
    /// The invitations that come with new entries among the members, if the room invites at all.
    pub(super) fn invited(
        &self,
        room: &Room,
        members: &Draft<'_>,
        category: &CategoryEntry,
    ) -> Option<Change> {
        let invites = category.category.invites && room.invitations == Invitations::Inherit;
        let added: BTreeSet<PrincipalId> = members.added().collect();
        if !invites || added.is_empty() {
            return None;
        }
        let people = self.directory.people();
        let (allowed, denied) = scope(category);
        let name = &category.category.name;
        let fence = Fence { category: name, allowed: &allowed, denied: &denied };
        let is_new = |id: PrincipalId, person: &Person| {
            person.principal.kind == PrincipalKind::User
                && person.is_active()
                && !members.covered_before(people, id)
                && fence.admits(people, id)
        };
        let users: Vec<Guid> = self
            .covered_by(&added)
            .into_iter()
            .filter(|(id, person)| is_new(*id, person))
            .map(|(_, person)| person.principal.id)
            .collect();
        let number = self.directory.pool.last_invitation.saturating_add(1);
        let (room, on) = (room.id, self.context.now);
        (!users.is_empty()).then_some(Change::Invited { room, number, on, users })
    }

    /// Entries, and who belongs to them now. Everybody is looked at only for the sake of groups.
    fn covered_by(&self, entries: &BTreeSet<PrincipalId>) -> Vec<(PrincipalId, &Person)> {
        let people = self.directory.people();
        let is_user = |id: &PrincipalId| {
            people.get(*id).is_some_and(|person| person.principal.kind == PrincipalKind::User)
        };
        if entries.iter().all(is_user) {
            return entries.iter().filter_map(|id| Some((*id, people.get(*id)?))).collect();
        }
        let is_covered = |(id, person): &(PrincipalId, &Person)| {
            entries.contains(id) || person.affiliations().ids().iter().any(|a| entries.contains(a))
        };
        people.iter().filter(is_covered).collect()
    }
}
