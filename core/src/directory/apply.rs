//! How a batch of changes makes the next directory.

use super::lists::{List, Lists};
use super::model::{Category, Pool, Principal, PrincipalKind, Role, Room};
use super::people::PrincipalId;
use super::{CategoryEntry, Change, Directory, Node, Revision};
use hashbrown::HashSet;
use parlance_wire::xccos::{Guid, Timestamp};
use std::sync::Arc;

/// Why a batch cannot be applied: whoever planned it did not know this directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inconsistent {
    /// No such principal.
    NoPrincipal(Guid),
    /// No such room or category.
    NoNode(Guid),
    /// Its identifier, name or URI belongs to something else.
    Duplicate(Guid),
    /// A user cannot become a group, nor the reverse, and nothing stands in a user.
    Kind(Guid),
    /// A category that has rooms cannot go.
    NotEmpty(Guid),
    /// Rooms have members, managers and presenters; categories the other lists.
    WrongList(Guid),
}

impl std::fmt::Display for Inconsistent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Inconsistent::NoPrincipal(id) => write!(f, "no principal has the id {id}"),
            Inconsistent::NoNode(id) => write!(f, "no room or category has the id {id}"),
            Inconsistent::Duplicate(id) => write!(f, "{id}, its name or URI belongs to another"),
            Inconsistent::Kind(id) => write!(f, "the principal {id} is of another kind"),
            Inconsistent::NotEmpty(id) => write!(f, "the category {id} has rooms"),
            Inconsistent::WrongList(id) => write!(f, "{id} has no such list"),
        }
    }
}

impl std::error::Error for Inconsistent {}

/// What a batch touches: whose rights may be others than before.
#[derive(Debug, Clone, Default)]
pub struct Touched {
    /// Everybody and everything: a policy or the pool changed.
    pub everything: bool,
    /// Rooms that changed, that are gone or new, or whose category changed.
    pub rooms: HashSet<Guid>,
    /// Principals that changed or belong to something else now.
    pub people: HashSet<PrincipalId>,
    /// Rooms with something among their managers or presenters that somebody belongs to now and did
    /// not before, or the reverse.
    pub roles: HashSet<Guid>,
    /// Invitations made.
    pub invited: Vec<Invited>,
}

/// An invitation of one user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Invited {
    /// Whom.
    pub user: PrincipalId,
    /// Where to.
    pub room: Guid,
    /// Rises for every user.
    pub number: u64,
    /// When.
    pub on: Timestamp,
}

impl Touched {
    /// Adds what a later batch touches.
    pub fn extend(&mut self, other: Touched) {
        self.everything |= other.everything;
        self.rooms.extend(other.rooms);
        self.people.extend(other.people);
        self.roles.extend(other.roles);
        self.invited.extend(other.invited);
    }
}

/// A batch being applied.
struct Batch {
    next: Directory,
    touched: Touched,
    categories: HashSet<Guid>,
    /// Whose parents, or whose own state, changed.
    dirty: HashSet<PrincipalId>,
}

impl Directory {
    /// The directory after a batch, one revision on, and what the batch touches.
    ///
    /// # Errors
    /// The first change that does not fit; nothing has changed then.
    pub fn apply(&self, changes: &[Change]) -> Result<(Directory, Touched), Inconsistent> {
        let next = self.clone();
        let (touched, categories, dirty) = Default::default();
        let mut batch = Batch { next, touched, categories, dirty };
        changes.iter().try_for_each(|change| batch.apply(change))?;
        batch.finish();
        batch.next.revision = Revision(self.revision.0 + 1);
        Ok((batch.next, batch.touched))
    }
}

impl Batch {
    fn apply(&mut self, change: &Change) -> Result<(), Inconsistent> {
        let next = &mut self.next;
        match change {
            Change::Pool(pool) => self.pool(pool),
            Change::Category(category) => return self.category(category),
            Change::CategoryRemoved(id) => return self.category_removed(*id),
            Change::Room(room) => return self.room(room),
            Change::RoomRemoved(id) => return self.room_removed(*id),
            Change::Addin(addin) => {
                Arc::make_mut(&mut next.addins).insert(addin.id, addin.clone());
                let users = next.rooms.values().filter(|r| r.room.addin == Some(addin.id));
                self.touched.rooms.extend(users.map(|room| room.room.id));
            }
            Change::AddinRemoved(id) => drop(Arc::make_mut(&mut next.addins).remove(id)),
            Change::Principal(principal) => return self.principal(principal),
            Change::PrincipalRemoved(id) => return self.principal_removed(*id),
            Change::Parents { child, parents } => {
                let id = Arc::make_mut(&mut next.people).set_parents(*child, parents)?;
                self.dirty.insert(id);
            }
            Change::Entries { node, role, add, remove } => {
                return self.entries(*node, *role, add, remove);
            }
            Change::Policy(policy) => {
                let policies = Arc::make_mut(&mut next.policies);
                policies.insert(policy.scope.clone(), policy.clone());
                self.touched.everything = true;
            }
            Change::PolicyRemoved(scope) => {
                Arc::make_mut(&mut next.policies).remove(scope);
                self.touched.everything = true;
            }
            Change::Configuration(configuration) => {
                let scope = configuration.scope.clone();
                Arc::make_mut(&mut next.configurations).insert(scope, configuration.clone());
            }
            Change::ConfigurationRemoved(scope) => {
                Arc::make_mut(&mut next.configurations).remove(scope);
            }
            Change::Endpoint(endpoint) => {
                let endpoints = Arc::make_mut(&mut next.endpoints);
                endpoints.insert(endpoint.uri.clone(), endpoint.clone());
            }
            Change::EndpointRemoved(uri) => drop(Arc::make_mut(&mut next.endpoints).remove(uri)),
            Change::Invited { room, number, on, users } => {
                self.invited(*room, *number, *on, users);
            }
        }
        Ok(())
    }

    fn pool(&mut self, pool: &Pool) {
        let old = std::mem::replace(&mut self.next.pool, pool.clone());
        self.touched.everything |= (&old.fqdn, &old.site) != (&pool.fqdn, &pool.site);
    }

    /// Takes a name, or takes over one's own.
    fn name(&mut self, old: Option<&str>, name: &str, node: Node) -> Result<(), Inconsistent> {
        let key = name.trim().to_lowercase();
        let names = Arc::make_mut(&mut self.next.names);
        match names.get(&*key) {
            Some(holder) if *holder != node => return Err(Inconsistent::Duplicate(node.id())),
            Some(_) => {}
            None => {
                if let Some(old) = old {
                    names.remove(&*old.trim().to_lowercase());
                }
                names.insert(key.into(), node);
            }
        }
        Ok(())
    }

    fn category(&mut self, category: &Category) -> Result<(), Inconsistent> {
        if self.next.rooms.contains_key(&category.id) {
            return Err(Inconsistent::Duplicate(category.id));
        }
        let old = self.next.categories.get(&category.id).cloned();
        let old_name = old.as_ref().map(|entry| &*entry.category.name);
        if old_name != Some(&*category.name) {
            self.name(old_name, &category.name, Node::Category(category.id))?;
        }
        let categories = Arc::make_mut(&mut self.next.categories);
        match categories.get_mut(&category.id) {
            Some(entry) => Arc::make_mut(entry).category = category.clone(),
            None => {
                let category = category.clone();
                let entry = CategoryEntry { lists: Lists::default(), category };
                categories.insert(entry.category.id, Arc::new(entry));
            }
        }
        self.categories.insert(category.id);
        Ok(())
    }

    fn category_removed(&mut self, id: Guid) -> Result<(), Inconsistent> {
        if self.next.rooms.values().any(|room| room.room.category == id) {
            return Err(Inconsistent::NotEmpty(id));
        }
        let categories = Arc::make_mut(&mut self.next.categories);
        let entry = categories.remove(&id).ok_or(Inconsistent::NoNode(id))?;
        let name = entry.category.name.trim().to_lowercase();
        Arc::make_mut(&mut self.next.names).remove(&*name);
        for list in entry.lists.all() {
            self.unlist(list, id);
        }
        Ok(())
    }

    fn room(&mut self, room: &Room) -> Result<(), Inconsistent> {
        if !self.next.categories.contains_key(&room.category) {
            return Err(Inconsistent::NoNode(room.category));
        }
        if self.next.categories.contains_key(&room.id) {
            return Err(Inconsistent::Duplicate(room.id));
        }
        let old = self.next.rooms.get(&room.id).cloned();
        let old_name = old.as_ref().map(|entry| &*entry.room.name);
        if old_name != Some(&*room.name) {
            self.name(old_name, &room.name, Node::Room(room.id))?;
        }
        let entry = self.next.room_entry(room.clone());
        let rooms = Arc::make_mut(&mut self.next.rooms);
        match rooms.get_mut(&room.id) {
            Some(entry) => Arc::make_mut(entry).room = room.clone(),
            None => drop(rooms.insert(room.id, Arc::new(entry))),
        }
        self.touched.rooms.insert(room.id);
        Ok(())
    }

    fn room_removed(&mut self, id: Guid) -> Result<(), Inconsistent> {
        let rooms = Arc::make_mut(&mut self.next.rooms);
        let entry = rooms.remove(&id).ok_or(Inconsistent::NoNode(id))?;
        let name = entry.room.name.trim().to_lowercase();
        Arc::make_mut(&mut self.next.names).remove(&*name);
        for list in entry.lists.all() {
            self.unlist(list, id);
        }
        self.touched.rooms.insert(id);
        Ok(())
    }

    /// Principals of a list do not know any more that the node names them.
    fn unlist(&mut self, list: List<'_>, node: Guid) {
        let people = Arc::make_mut(&mut self.next.people);
        for id in list.iter() {
            if people.get(id).is_some_and(|person| person.listed.binary_search(&node).is_ok()) {
                people.person_mut(id).listed.retain(|listed| *listed != node);
            }
        }
    }

    fn principal(&mut self, principal: &Principal) -> Result<(), Inconsistent> {
        let people = Arc::make_mut(&mut self.next.people);
        let old_state = people
            .find(principal.id)
            .and_then(|id| people.get(id))
            .map(|person| person.principal.state);
        let id = people.put(principal.clone())?;
        let is_group = principal.kind != PrincipalKind::User;
        if is_group && old_state.is_some_and(|state| state != principal.state) {
            self.dirty.insert(id);
        }
        self.touched.people.insert(id);
        Ok(())
    }

    fn principal_removed(&mut self, guid: Guid) -> Result<(), Inconsistent> {
        let people = Arc::make_mut(&mut self.next.people);
        let id = people.find(guid).ok_or(Inconsistent::NoPrincipal(guid))?;
        let person = people.get(id).expect("found by its id");
        let (listed, kind) = (person.listed.clone(), person.principal.kind);
        for node in listed {
            for role in Role::of_node(self.next.rooms.contains_key(&node)) {
                let list = self.next.list(node, role);
                if list.is_some_and(|list| list.names(id)) {
                    self.entries(node, role, &[], &[guid])?;
                }
            }
        }
        if kind != PrincipalKind::User {
            self.dirty.insert(id);
        }
        Arc::make_mut(&mut self.next.people).remove(id);
        self.touched.people.insert(id);
        Ok(())
    }

    fn entries(
        &mut self,
        node: Guid,
        role: Role,
        add: &[Guid],
        remove: &[Guid],
    ) -> Result<(), Inconsistent> {
        let people = &self.next.people;
        let find = |id: &Guid| people.find(*id).ok_or(Inconsistent::NoPrincipal(*id));
        let add = add.iter().map(find).collect::<Result<Vec<_>, _>>()?;
        let remove = remove.iter().map(find).collect::<Result<Vec<_>, _>>()?;
        let is_room = self.next.rooms.contains_key(&node);
        if !is_room && !self.next.categories.contains_key(&node) {
            return Err(Inconsistent::NoNode(node));
        }
        if role.is_of_room() != is_room {
            return Err(Inconsistent::WrongList(node));
        }
        if is_room {
            let rooms = Arc::make_mut(&mut self.next.rooms);
            let room = Arc::make_mut(rooms.get_mut(&node).expect("looked at above"));
            room.lists.edit(role, people, &add, &remove);
            self.touched.rooms.insert(node);
        } else {
            let categories = Arc::make_mut(&mut self.next.categories);
            let category = Arc::make_mut(categories.get_mut(&node).expect("looked at above"));
            category.lists.edit(role, people, &add, &remove);
            self.categories.insert(node);
        }
        self.note_listed(node, &add, &remove);
        Ok(())
    }

    /// Principals know which nodes name them in any list.
    fn note_listed(&mut self, node: Guid, add: &[PrincipalId], remove: &[PrincipalId]) {
        let is_room = self.next.rooms.contains_key(&node);
        for id in add {
            let people = Arc::make_mut(&mut self.next.people);
            let listed = &mut people.person_mut(*id).listed;
            if let Err(at) = listed.binary_search(&node) {
                listed.insert(at, node);
            }
        }
        for id in remove {
            let names = |role| self.next.list(node, role).is_some_and(|list| list.names(*id));
            if !Role::of_node(is_room).into_iter().any(names) {
                let people = Arc::make_mut(&mut self.next.people);
                people.person_mut(*id).listed.retain(|listed| *listed != node);
            }
        }
    }

    fn invited(&mut self, room: Guid, number: u64, on: Timestamp, users: &[Guid]) {
        self.next.pool.last_invitation = self.next.pool.last_invitation.max(number);
        let people = &self.next.people;
        let users = users.iter().filter_map(|user| people.find(*user));
        self.touched.invited.extend(users.map(|user| Invited { user, room, number, on }));
    }

    /// What follows from all changes together.
    fn finish(&mut self) {
        let next = &mut self.next;
        if !self.dirty.is_empty() {
            let settled = Arc::make_mut(&mut next.people).settle(&self.dirty);
            for principal in settled.gained_or_lost {
                let listed = next.people.get(principal).map(|person| person.listed());
                let gives_role = |node: &&Guid| {
                    let has = |role| next.list(**node, role).is_some_and(|l| l.names(principal));
                    has(Role::Manager) || has(Role::Presenter)
                };
                let rooms = listed.unwrap_or_default().iter().filter(gives_role);
                self.touched.roles.extend(rooms);
            }
            self.touched.people.extend(settled.people);
        }
        if !self.categories.is_empty() {
            let of_category =
                |room: &&Arc<super::RoomEntry>| self.categories.contains(&room.room.category);
            let rooms = next.rooms.values().filter(of_category);
            self.touched.rooms.extend(rooms.map(|room| room.room.id));
        }
        let domain = format!("ma-dom:{}", next.domain);
        let domain: Vec<PrincipalId> = next.people.find_uri(&domain).into_iter().collect();
        next.unknown = next.people.ancestors(&domain);
        next.choose_configuration();
        next.is_enabled_by_default = next.policy_for(None).is_some_and(|policy| policy.is_enabled);
    }
}
