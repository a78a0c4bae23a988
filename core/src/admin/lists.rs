//! Lists of principals being edited, and the scope that they must lie in.

use super::find::find_principals;
use super::plan::Planner;
use super::{Actor, Cause, ListEdit, Refusal};
use crate::directory::model::{PrincipalKind, Role};
use crate::directory::{Change, List, People, PrincipalId};
use parlance_wire::xccos::Guid;
use std::collections::BTreeSet;

/// So many names stand in a message; the rest is a number.
const NAMES_TOLD: usize = 5;

/// A list as it was, and what is to become of it.
pub(super) struct Draft<'a> {
    role: Role,
    before: Option<List<'a>>,
    add: BTreeSet<PrincipalId>,
    remove: BTreeSet<PrincipalId>,
    /// Put in by the act, whatever happened to them before: these must be in scope.
    asked: BTreeSet<PrincipalId>,
}

impl<'a> Draft<'a> {
    /// Nothing is changed yet; a list that is not there is empty.
    pub(super) fn of(role: Role, before: Option<List<'a>>) -> Draft<'a> {
        let (add, remove, asked) = Default::default();
        Draft { role, before, add, remove, asked }
    }

    /// Is it in the list itself?
    pub(super) fn names(&self, id: PrincipalId) -> bool {
        self.add.contains(&id) || self.named_before(id) && !self.remove.contains(&id)
    }

    /// Is it in the list, itself or by something it belongs to?
    pub(super) fn covers(&self, people: &People, id: PrincipalId) -> bool {
        covered(people, id, |id| self.names(id))
    }

    /// Was it before the act?
    pub(super) fn covered_before(&self, people: &People, id: PrincipalId) -> bool {
        covered(people, id, |id| self.named_before(id))
    }

    /// All that are in it now.
    pub(super) fn iter(&self) -> impl Iterator<Item = PrincipalId> {
        let before = self.before.into_iter().flat_map(List::iter);
        before.filter(|id| !self.remove.contains(id)).chain(self.add.iter().copied())
    }

    /// Those that were not in it before.
    pub(super) fn added(&self) -> impl Iterator<Item = PrincipalId> {
        self.add.iter().copied()
    }

    pub(super) fn put(&mut self, id: PrincipalId) {
        if self.names(id) {
            return;
        }
        self.asked.insert(id);
        if !self.remove.remove(&id) {
            self.add.insert(id);
        }
    }

    pub(super) fn take(&mut self, id: PrincipalId) {
        if !self.add.remove(&id) && self.named_before(id) {
            self.remove.insert(id);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    pub(super) fn is_changed(&self) -> bool {
        !self.add.is_empty() || !self.remove.is_empty()
    }

    fn named_before(&self, id: PrincipalId) -> bool {
        self.before.is_some_and(|list| list.names(id))
    }

    /// The change it comes to, if any.
    pub(super) fn change(&self, people: &People, node: Guid) -> Option<Change> {
        let guids = |ids: &BTreeSet<PrincipalId>| -> Vec<Guid> {
            ids.iter().filter_map(|id| people.get(*id)).map(|p| p.principal.id).collect()
        };
        let (role, add, remove) = (self.role, guids(&self.add), guids(&self.remove));
        self.is_changed().then_some(Change::Entries { node, role, add, remove })
    }

    /// As surfaces call it.
    fn field(&self) -> &'static str {
        match self.role {
            Role::Allowed => "allowed",
            Role::Denied => "denied",
            Role::Creator => "creators",
            Role::Member => "members",
            Role::Manager => "managers",
            Role::Presenter => "presenters",
        }
    }
}

fn covered(people: &People, id: PrincipalId, names: impl Fn(PrincipalId) -> bool) -> bool {
    let belongs =
        || people.get(id).is_some_and(|p| p.affiliations().ids().iter().any(|a| names(*a)));
    names(id) || belongs()
}

/// Who may be in the lists of a category and its rooms: its scope (`product.md` §2.0).
pub(super) struct Fence<'a> {
    pub(super) category: &'a str,
    pub(super) allowed: &'a Draft<'a>,
    pub(super) denied: &'a Draft<'a>,
}

impl Fence<'_> {
    /// Inside, itself or by something it belongs to; and denied neither way.
    pub(super) fn admits(&self, people: &People, id: PrincipalId) -> bool {
        self.allowed.covers(people, id) && !self.denied.covers(people, id)
    }

    /// May it be put into a list now? Users out of use are in no scope (`product.md` §2.0); where
    /// they are in a list already they stay, for they may come back.
    fn takes(&self, people: &People, id: PrincipalId) -> bool {
        let is_idle_user = people.get(id).is_some_and(|person| {
            person.principal.kind == PrincipalKind::User && !person.is_active()
        });
        !is_idle_user && self.admits(people, id)
    }
}

impl Planner<'_> {
    /// Does to a list what is asked for.
    pub(super) fn edit(&self, draft: &mut Draft<'_>, edit: &ListEdit) -> Result<(), Refusal> {
        let (directory, field) = (self.directory, draft.field());
        if let Some(replace) = &edit.replace {
            let wanted = find_principals(directory, replace, field)?;
            let wanted: BTreeSet<PrincipalId> = wanted.into_iter().collect();
            let gone: Vec<_> = draft.iter().filter(|id| !wanted.contains(id)).collect();
            gone.into_iter().for_each(|id| draft.take(id));
            wanted.into_iter().for_each(|id| draft.put(id));
        }
        let add: BTreeSet<_> = find_principals(directory, &edit.add, field)?.into_iter().collect();
        let remove = find_principals(directory, &edit.remove, field)?;
        if let Some(id) = remove.iter().find(|id| add.contains(*id)) {
            let message = format!("{} is to be added and removed at once", self.name_of(*id));
            return Err(Refusal::invalid(field, message));
        }
        let twice: Vec<_> = add.iter().copied().filter(|id| draft.names(*id)).collect();
        if !twice.is_empty() {
            let message = format!("{} already among the {field}", self.they_are(&twice));
            return Err(Refusal::new(Cause::PrincipalsAlreadyDefined, field, message));
        }
        add.into_iter().for_each(|id| draft.put(id));
        remove.into_iter().for_each(|id| draft.take(id));
        Ok(())
    }

    /// What the act has put into a list must be in scope. An administrator may be anywhere
    /// (`product.md` §2.0, open question; ADR 0009).
    pub(super) fn check_scope(&self, draft: &Draft<'_>, fence: &Fence<'_>) -> Result<(), Refusal> {
        let people = self.directory.people();
        let asked = draft.asked.iter().copied().filter(|id| draft.names(*id));
        let mut out: Vec<_> = asked.filter(|id| !fence.takes(people, *id)).collect();
        if !out.is_empty() {
            let own = self.own_principal();
            out.retain(|id| Some(*id) != own);
        }
        if out.is_empty() {
            return Ok(());
        }
        let (field, category) = (draft.field(), fence.category);
        let message = format!(
            "{} not in the scope of the category {category:?} and so cannot be among the {field}; \
             allow them there first",
            self.they_are(&out)
        );
        Err(Refusal::new(Cause::PrincipalsNotInScope, field, message))
    }

    /// Entries that the scope does not admit go, and the operator is told.
    pub(super) fn drop_outside(&mut self, draft: &mut Draft<'_>, fence: &Fence<'_>) {
        let people = self.directory.people();
        let mut out: Vec<_> = draft.iter().filter(|id| !fence.admits(people, *id)).collect();
        if !out.is_empty() {
            let own = self.own_principal();
            out.retain(|id| Some(*id) != own);
        }
        let (field, category) = (draft.field(), fence.category);
        let why = format!("dropped from the {field}: not in the scope of {category:?}");
        self.drop_noted(draft, &out, &why);
    }

    /// Takes entries out and says so.
    pub(super) fn drop_noted(&mut self, draft: &mut Draft<'_>, out: &[PrincipalId], why: &str) {
        if !out.is_empty() {
            out.iter().for_each(|id| draft.take(*id));
            self.note(format!("{} {why}", self.names_of(out)));
        }
    }

    /// The administrator as a principal, if the name is one's.
    fn own_principal(&self) -> Option<PrincipalId> {
        let Actor::Administrator { name } = self.actor else { return None };
        let found = find_principals(self.directory, std::slice::from_ref(name), "").ok()?;
        found.first().copied()
    }

    pub(super) fn name_of(&self, id: PrincipalId) -> String {
        self.names_of(&[id])
    }

    /// Some principals for a message.
    pub(super) fn names_of(&self, ids: &[PrincipalId]) -> String {
        let people = self.directory.people();
        let name = |id: &PrincipalId| people.get(*id).map(|p| p.principal.uri.as_str());
        let told: Vec<&str> = ids.iter().take(NAMES_TOLD).filter_map(name).collect();
        match ids.len().saturating_sub(NAMES_TOLD) {
            0 => told.join(", "),
            more => format!("{} and {more} more", told.join(", ")),
        }
    }

    fn they_are(&self, ids: &[PrincipalId]) -> String {
        let verb = if ids.len() == 1 { "is" } else { "are" };
        format!("{} {verb}", self.names_of(ids))
    }
}
