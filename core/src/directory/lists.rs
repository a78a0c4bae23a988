//! The lists of rooms and categories: who may what.

use super::affiliations::Affiliations;
use super::model::{PrincipalKind, Role};
use super::people::{Asker, People, PrincipalId};
use hashbrown::HashSet;

/// The three lists of a room or category, in one piece of memory: a decision looks into most of
/// them, and each further piece may be a miss of the processor's caches.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lists {
    /// List by list in the order of [`Role::of_node`], the users of each before the rest, which is
    /// sorted apart: a list of 16,000 users is searched for one, and a list of ten groups for any
    /// of two hundred.
    ids: Box<[PrincipalId]>,
    /// Where the parts end.
    ends: [u32; 6],
}

/// One of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct List<'a> {
    users: &'a [PrincipalId],
    others: &'a [PrincipalId],
}

impl Lists {
    /// The list of a role; that of another kind of node is taken for the one in its place.
    pub fn of(&self, role: Role) -> List<'_> {
        self.at(role as usize % 3)
    }

    /// All three.
    pub fn all(&self) -> [List<'_>; 3] {
        [self.at(0), self.at(1), self.at(2)]
    }

    fn at(&self, n: usize) -> List<'_> {
        let begin = if n == 0 { 0 } else { self.ends[2 * n - 1] as usize };
        let (middle, end) = (self.ends[2 * n] as usize, self.ends[2 * n + 1] as usize);
        List { users: &self.ids[begin..middle], others: &self.ids[middle..end] }
    }

    pub(super) fn edit(
        &mut self,
        role: Role,
        people: &People,
        add: &[PrincipalId],
        remove: &[PrincipalId],
    ) {
        let gone: HashSet<PrincipalId> = remove.iter().copied().collect();
        let is_user = |id: &PrincipalId| people.kind(*id) == PrincipalKind::User;
        let (mut ids, mut ends) = (Vec::with_capacity(self.ids.len() + add.len()), [0; 6]);
        for (n, list) in self.all().into_iter().enumerate() {
            for (part, old) in [list.users, list.others].into_iter().enumerate() {
                let begin = ids.len();
                ids.extend_from_slice(old);
                if n == role as usize % 3 {
                    ids.extend(add.iter().filter(|id| is_user(id) == (part == 0)));
                    let mut edited = ids.split_off(begin);
                    edited.retain(|id| !gone.contains(id) || add.contains(id));
                    edited.sort_unstable();
                    edited.dedup();
                    ids.append(&mut edited);
                }
                ends[2 * n + part] = u32::try_from(ids.len()).expect("fewer than 2^32");
            }
        }
        *self = Lists { ids: ids.into(), ends };
    }
}

impl<'a> List<'a> {
    /// Is it the asker, or something the asker belongs to?
    pub fn has(self, asker: &Asker<'_>) -> bool {
        asker.id.is_some_and(|id| self.users.binary_search(&id).is_ok())
            || self.meets(asker.affiliations)
    }

    /// The shorter of the two is gone through.
    fn meets(self, affiliations: &Affiliations) -> bool {
        if self.others.len() <= affiliations.ids().len() {
            return self.others.iter().any(|id| affiliations.includes(*id));
        }
        affiliations.ids().iter().any(|id| self.others.binary_search(id).is_ok())
    }

    /// Is it named itself?
    pub fn names(self, id: PrincipalId) -> bool {
        self.users.binary_search(&id).is_ok() || self.others.binary_search(&id).is_ok()
    }

    /// All of it: users first, each part in the order of the table.
    pub fn iter(self) -> impl Iterator<Item = PrincipalId> + 'a {
        self.users.iter().chain(self.others).copied()
    }

    /// How many.
    pub fn len(self) -> usize {
        self.users.len() + self.others.len()
    }

    /// Nobody.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }
}
