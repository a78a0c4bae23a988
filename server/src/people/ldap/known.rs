//! What the directory in force knows of the people below one base.

use super::dn::Dn;
use hashbrown::HashMap;
use parlance_core::Directory;
use parlance_core::admin::PersonRecord;
use parlance_core::directory::Person;
use parlance_core::directory::model::{Principal, PrincipalKind, PrincipalState};
use parlance_wire::xccos::Guid;

/// What the directory in force knows of this base.
pub struct Known<'d> {
    directory: &'d Directory,
    ours: HashMap<Guid, Dn>,
    /// Those of ours whose identifier was made here, by where they stand.
    adopted: HashMap<Dn, Guid>,
}

/// Was an identifier made of a name ([`parlance_core::directory::guid_of`]), and is not that of a
/// directory? It says so in its version (RFC 9562 §5.8).
pub fn is_made_here(id: Guid) -> bool {
    id.0 >> 76 & 0xf == 8
}

impl<'d> Known<'d> {
    /// Whoever came from below `base` is ours.
    pub fn new(directory: &'d Directory, base: &Dn) -> Known<'d> {
        let paths = directory.people().iter().filter(|(_, p)| !p.principal.path.is_empty());
        let ours = paths.filter_map(|(_, person)| {
            let dn = Dn::parse(&person.principal.path).filter(|dn| dn.is_under(base))?;
            Some((person.principal.id, dn))
        });
        let ours: HashMap<Guid, Dn> = ours.collect();
        let made = ours.iter().filter(|(id, _)| is_made_here(**id));
        let adopted = made.map(|(id, dn)| (dn.clone(), *id)).collect();
        Known { directory, ours, adopted }
    }

    /// Did somebody come from here, gone or not?
    pub fn is_ours(&self, id: Guid) -> bool {
        self.ours.contains_key(&id)
    }

    /// Is it an address of the service itself?
    pub fn is_endpoint(&self, uri: &str) -> bool {
        self.directory.service_uri == uri || self.directory.endpoints().contains_key(uri)
    }

    /// Somebody who was known before the directory was read, by the address or by an entry without
    /// an identifier, and whom this entry is: at the same place, or with the same address.
    pub fn adoptable(&self, record: &PersonRecord, dn: &Dn) -> Option<Guid> {
        if self.has(record.id) {
            return None;
        }
        let by_place = self.adopted.get(dn).and_then(|id| self.principal(*id));
        let fits = |known: &&Principal| {
            let is_here = known.state != PrincipalState::Deleted && known.kind == record.kind;
            is_here && is_made_here(known.id)
        };
        let known = by_place.filter(fits).or_else(|| self.by_uri(&record.uri).filter(fits));
        known.map(|known| known.id)
    }

    /// Is there somebody with this identifier?
    pub fn has(&self, id: Guid) -> bool {
        self.person(id).is_some()
    }

    fn person(&self, id: Guid) -> Option<&'d Person> {
        let people = self.directory.people();
        people.find(id).and_then(|place| people.get(place))
    }

    /// Somebody by identifier.
    pub fn principal(&self, id: Guid) -> Option<&'d Principal> {
        self.person(id).map(|person| &person.principal)
    }

    /// Somebody by URI.
    pub fn by_uri(&self, uri: &str) -> Option<&'d Principal> {
        let people = self.directory.people();
        people.find_uri(uri).and_then(|id| people.get(id)).map(|person| &person.principal)
    }

    /// Where somebody of ours stood, who is not gone.
    pub fn dn(&self, id: Guid) -> Option<&Dn> {
        let is_gone = self.principal(id)?.state == PrincipalState::Deleted;
        self.ours.get(&id).filter(|_| !is_gone)
    }

    /// What somebody stands in directly.
    pub fn parents(&self, id: Guid) -> Vec<Guid> {
        let people = self.directory.people();
        let parents = self.person(id).map(Person::parents).unwrap_or_default();
        let parents = parents.iter().filter_map(|parent| people.get(*parent));
        parents.map(|parent| parent.principal.id).collect()
    }

    /// Those of ours who are not gone.
    pub fn present(&self) -> impl Iterator<Item = (Guid, &Dn)> {
        self.ours.keys().filter_map(|id| Some((*id, self.dn(*id)?)))
    }
}

/// A principal as it is known, its parents left as they are.
pub fn record_of(principal: &Principal) -> PersonRecord {
    PersonRecord {
        id: principal.id,
        kind: principal.kind,
        uri: principal.uri.clone(),
        display_name: principal.display_name.clone(),
        account: principal.account.clone(),
        email: principal.email.clone(),
        company: principal.company.clone(),
        path: principal.path.clone(),
        state: principal.state,
        parents: None,
    }
}

/// Is a record worth handing over?
pub fn differs(record: &PersonRecord, known: &Known<'_>) -> bool {
    let Some(principal) = known.principal(record.id) else { return true };
    if record.kind == PrincipalKind::Domain {
        return false;
    }
    let mut parents = known.parents(record.id);
    parents.sort_unstable();
    let is_same = PersonRecord { parents: None, ..record.clone() } == record_of(principal);
    !is_same || record.parents.as_ref().is_some_and(|wanted| *wanted != parents)
}
