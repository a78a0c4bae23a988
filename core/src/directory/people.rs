//! Principals, and what each of them belongs to.
//!
//! Each has a place in a table, an index that is never given to another, so that lists are sorted
//! numbers. What somebody belongs to, transitively, is worked out when it changes and not when it
//! is asked for: a decision asks for some numbers ([`Affiliations`]).

use super::Inconsistent;
use super::affiliations::Affiliations;
use super::model::{Principal, PrincipalKind, PrincipalState};
use hashbrown::{DefaultHashBuilder, HashMap, HashSet, HashTable};
use parlance_wire::xccos::Guid;
use std::hash::BuildHasher;
use std::sync::Arc;

/// A principal's place in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PrincipalId(pub(super) u32);

/// A principal and what it belongs to.
#[derive(Debug, Clone)]
pub struct Person {
    /// Shared by those who stand in the same.
    affiliations: Arc<Affiliations>,
    /// As it is kept.
    pub principal: Principal,
    /// What it stands in directly.
    parents: Box<[PrincipalId]>,
    /// Rooms and categories that name it in a list, sorted, none twice.
    pub(super) listed: Vec<Guid>,
}

impl Person {
    /// What it stands in at all.
    pub fn affiliations(&self) -> &Affiliations {
        &self.affiliations
    }

    /// What it stands in directly.
    pub fn parents(&self) -> &[PrincipalId] {
        &self.parents
    }

    /// Rooms and categories that name it in a list, sorted, none twice.
    pub fn listed(&self) -> &[Guid] {
        &self.listed
    }

    /// Is it a user who may use the service at all, policies apart?
    pub fn is_active(&self) -> bool {
        self.principal.state == PrincipalState::Active
    }
}

/// Somebody who asks: what a decision needs to know of a user.
#[derive(Debug, Clone, Copy)]
pub struct Asker<'a> {
    /// `None` for a user who is not in the directory and is let in all the same.
    pub id: Option<PrincipalId>,
    /// What they belong to.
    pub affiliations: &'a Affiliations,
}

/// What came of [`People::settle`].
pub(super) struct Settled {
    /// Those whose belonging was worked out again.
    pub(super) people: Vec<PrincipalId>,
    /// What any of them belongs to now and did not before, or the reverse.
    pub(super) gained_or_lost: Vec<PrincipalId>,
}

/// All principals.
#[derive(Debug, Clone, Default)]
pub struct People {
    table: Vec<Option<Arc<Person>>>,
    by_id: HashMap<Guid, PrincipalId>,
    /// Places in the table, by the URI of what stands there.
    by_uri: HashTable<PrincipalId>,
    hasher: DefaultHashBuilder,
}

impl People {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Nobody.
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// The principal at a place; `None` when it has been forgotten.
    pub fn get(&self, id: PrincipalId) -> Option<&Person> {
        self.table[id.0 as usize].as_deref()
    }

    /// Finds by permanent identifier.
    pub fn find(&self, id: Guid) -> Option<PrincipalId> {
        self.by_id.get(&id).copied()
    }

    /// Finds by URI in canonical spelling.
    pub fn find_uri(&self, uri: &str) -> Option<PrincipalId> {
        let hash = self.hasher.hash_one(uri);
        self.by_uri.find(hash, |id| self.uri_of(*id) == uri).copied()
    }

    /// All of them, in the order in which they came.
    pub fn iter(&self) -> impl Iterator<Item = (PrincipalId, &Person)> {
        let numbered = (0..).map(PrincipalId).zip(&self.table);
        numbered.filter_map(|(id, person)| Some((id, person.as_deref()?)))
    }

    pub(super) fn kind(&self, id: PrincipalId) -> PrincipalKind {
        self.get(id).map_or(PrincipalKind::User, |person| person.principal.kind)
    }

    fn uri_of(&self, id: PrincipalId) -> &str {
        self.get(id).map_or("", |person| &person.principal.uri)
    }

    pub(super) fn person_mut(&mut self, id: PrincipalId) -> &mut Person {
        let slot = self.table[id.0 as usize].as_mut().expect("the caller found it");
        Arc::make_mut(slot)
    }

    /// A principal is made or changed.
    pub(super) fn put(&mut self, principal: Principal) -> Result<PrincipalId, Inconsistent> {
        let uri = principal.uri.clone();
        let holder = self.find_uri(&uri);
        let id = match self.find(principal.id) {
            Some(id) => {
                if holder.is_some_and(|other| other != id) {
                    return Err(Inconsistent::Duplicate(principal.id));
                }
                let old = self.get(id).expect("found by its id").principal.clone();
                if old.kind != principal.kind {
                    return Err(Inconsistent::Kind(principal.id));
                }
                if old.uri != uri {
                    self.forget_uri(&old.uri);
                }
                self.person_mut(id).principal = principal;
                if old.uri == uri {
                    return Ok(id);
                }
                id
            }
            None => {
                if holder.is_some() {
                    return Err(Inconsistent::Duplicate(principal.id));
                }
                let id = PrincipalId(u32::try_from(self.table.len()).expect("fewer than 2^32"));
                self.by_id.insert(principal.id, id);
                let (parents, affiliations) = (Box::default(), Arc::default());
                let person = Person { principal, parents, affiliations, listed: Vec::new() };
                self.table.push(Some(Arc::new(person)));
                id
            }
        };
        let (table, hasher) = (&self.table, &self.hasher);
        let uri_at = |id: &PrincipalId| {
            table[id.0 as usize].as_deref().map_or("", |person| &*person.principal.uri)
        };
        let hash = hasher.hash_one(&*uri);
        self.by_uri.insert_unique(hash, id, |id| hasher.hash_one(uri_at(id)));
        Ok(id)
    }

    fn forget_uri(&mut self, uri: &str) {
        let hash = self.hasher.hash_one(uri);
        let table = &self.table;
        let is_it = |id: &PrincipalId| {
            table[id.0 as usize].as_deref().is_some_and(|person| person.principal.uri == uri)
        };
        if let Ok(entry) = self.by_uri.find_entry(hash, is_it) {
            entry.remove();
        }
    }

    /// A principal is forgotten. Its place stays empty.
    pub(super) fn remove(&mut self, id: PrincipalId) {
        let Some(person) = self.get(id) else { return };
        let (guid, uri) = (person.principal.id, person.principal.uri.clone());
        self.forget_uri(&uri);
        self.by_id.remove(&guid);
        self.table[id.0 as usize] = None;
    }

    pub(super) fn set_parents(
        &mut self,
        child: Guid,
        parents: &[Guid],
    ) -> Result<PrincipalId, Inconsistent> {
        let find = |id: &Guid| self.find(*id).ok_or(Inconsistent::NoPrincipal(*id));
        let id = find(&child)?;
        let mut places = parents.iter().map(find).collect::<Result<Vec<_>, _>>()?;
        if let Some(user) = places.iter().position(|id| self.kind(*id) == PrincipalKind::User) {
            return Err(Inconsistent::Kind(parents[user]));
        }
        places.sort_unstable();
        places.dedup();
        self.person_mut(id).parents = places.into();
        Ok(id)
    }

    /// Works out again what everybody belongs to who is `dirty` or belongs to something that is.
    pub(super) fn settle(&mut self, dirty: &HashSet<PrincipalId>) -> Settled {
        let affected = self.below(dirty);
        // By place in the table: millions are noted when a whole organisation comes at once.
        let mut is_moved = vec![false; self.table.len()];
        // Those who stand in the same, belong to the same.
        let mut known: HashMap<Box<[PrincipalId]>, Arc<Affiliations>> = HashMap::new();
        for id in &affected {
            let person = self.get(*id).expect("collected above");
            let affiliations = match known.get(&person.parents) {
                Some(affiliations) => affiliations.clone(),
                None => {
                    let affiliations = self.ancestors(&person.parents);
                    known.insert(person.parents.clone(), affiliations.clone());
                    affiliations
                }
            };
            let person = self.person_mut(*id);
            let before = std::mem::replace(&mut person.affiliations, affiliations);
            let after = &person.affiliations;
            for id in before.except(after).chain(after.except(&before)) {
                is_moved[id.0 as usize] = true;
            }
        }
        let numbered = (0..).map(PrincipalId).zip(is_moved);
        let gained_or_lost = numbered.filter(|(_, is_moved)| *is_moved).map(|(id, _)| id).collect();
        Settled { people: affected, gained_or_lost }
    }

    /// The dirty themselves, and whoever stands in them or in something that does. It follows what
    /// things stand in, and not what they belonged to so far: a group that comes back into use
    /// gives again what nobody remembers.
    fn below(&self, dirty: &HashSet<PrincipalId>) -> Vec<PrincipalId> {
        // What is gone may have been a group.
        let may_hold = |id: &PrincipalId| {
            self.get(*id).is_none_or(|person| person.principal.kind != PrincipalKind::User)
        };
        if !dirty.iter().any(may_hold) {
            return dirty.iter().copied().collect();
        }
        let is_group = |person: &Person| person.principal.kind != PrincipalKind::User;
        let mut held: HashMap<PrincipalId, Vec<PrincipalId>> = HashMap::new();
        for (id, group) in self.iter().filter(|(_, person)| is_group(person)) {
            group.parents.iter().for_each(|parent| held.entry(*parent).or_default().push(id));
        }
        let mut below = dirty.clone();
        let mut next: Vec<PrincipalId> = dirty.iter().copied().collect();
        while let Some(id) = next.pop() {
            let new = held.get(&id).into_iter().flatten().copied().filter(|id| below.insert(*id));
            next.extend(new);
        }
        // Nothing stands in a user, so that users are looked at once.
        let is_hit = |id: &PrincipalId, person: &Person| {
            below.contains(id) || person.parents.iter().any(|parent| below.contains(parent))
        };
        self.iter().filter(|(id, person)| is_hit(id, person)).map(|(id, _)| id).collect()
    }

    /// Everything above, each once; groups may stand in each other in a circle.
    pub(super) fn ancestors(&self, parents: &[PrincipalId]) -> Arc<Affiliations> {
        let mut seen: HashSet<PrincipalId> = HashSet::new();
        let mut next: Vec<PrincipalId> = parents.to_vec();
        while let Some(id) = next.pop() {
            // What is gone, or not in use, gives nobody anything.
            let Some(person) = self.get(id).filter(|person| person.is_active()) else { continue };
            if seen.insert(id) {
                next.extend_from_slice(&person.parents);
            }
        }
        Arc::new(Affiliations::new(seen.into_iter().collect()))
    }
}
