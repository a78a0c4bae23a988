//! Principals as another directory tells them, and things planned elsewhere (`product.md` §1.7).

use super::plan::{Planner, check_text, check_url, checked_name};
use super::{Cause, PersonRecord, Refusal};
use crate::directory::model::{
    ADDIN_NAME_BYTES_MAX, ADDIN_URL_BYTES_MAX, NAME_BYTES_MAX, PATH_BYTES_MAX, Principal,
    PrincipalKind,
};
use crate::directory::{Change, Inconsistent, Person};
use hashbrown::HashMap;
use parlance_wire::sip::Uri;
use parlance_wire::xccos::Guid;

impl Planner<'_> {
    /// One batch: principals first, then what they stand in, so that all of the batch can stand in
    /// all of it.
    pub(super) fn sync_people(&mut self, records: &[PersonRecord]) -> Result<(), Refusal> {
        records.iter().try_for_each(check_record)?;
        let by_id = self.check_identifiers(records)?;
        self.check_uris(records)?;
        let changed: Vec<Principal> =
            records.iter().filter_map(|record| self.changed(record)).collect();
        self.push_principals(changed);
        for record in records {
            self.sync_parents(record, &by_id)?;
        }
        Ok(())
    }

    /// A principal that is not as the record says.
    fn changed(&self, record: &PersonRecord) -> Option<Principal> {
        let old = self.known(record.id).map(|person| &person.principal);
        let new = Principal {
            id: record.id,
            kind: record.kind,
            uri: canonical(record)?,
            display_name: record.display_name.clone(),
            account: record.account.clone(),
            email: record.email.clone(),
            company: record.company.clone(),
            path: record.path.clone(),
            state: record.state,
            policy: old.and_then(|old| old.policy.clone()),
        };
        (old != Some(&new)).then_some(new)
    }

    fn known(&self, id: Guid) -> Option<&Person> {
        let people = self.directory.people();
        people.find(id).and_then(|id| people.get(id))
    }

    fn check_identifiers<'r>(
        &self,
        records: &'r [PersonRecord],
    ) -> Result<HashMap<Guid, &'r PersonRecord>, Refusal> {
        let mut by_id = HashMap::with_capacity(records.len());
        for record in records {
            if let Some(other) = by_id.insert(record.id, record) {
                let (a, b, id) = (&other.uri, &record.uri, record.id);
                let message = format!("{a} and {b} have one identifier, {id}");
                return Err(Refusal::invalid("id", message));
            }
            if let Some(old) = self.known(record.id)
                && old.principal.kind != record.kind
            {
                let (id, uri) = (record.id, &old.principal.uri);
                let message = format!("{id} is {uri} and cannot become another kind of principal");
                return Err(Refusal::invalid("kind", message));
            }
        }
        Ok(by_id)
    }

    /// After the batch no two have one URI.
    fn check_uris(&self, records: &[PersonRecord]) -> Result<(), Refusal> {
        let people = self.directory.people();
        let mut holders: HashMap<String, Guid> = HashMap::with_capacity(records.len());
        let renamed: HashMap<Guid, String> =
            records.iter().filter_map(|r| Some((r.id, canonical(r)?))).collect();
        for record in records {
            let uri = &renamed[&record.id];
            if let Some(other) = holders.insert(uri.clone(), record.id) {
                return Err(shared_uri(uri, record.id, other));
            }
            let old = people.find_uri(uri).and_then(|id| people.get(id)).map(|p| p.principal.id);
            let stays = |other: &Guid| *other != record.id && !renamed.contains_key(other);
            if let Some(other) = old.filter(stays) {
                return Err(shared_uri(uri, record.id, other));
            }
            if self.directory.endpoints().contains_key(uri) {
                let message = format!("{uri} is an endpoint of the service");
                return Err(Refusal::invalid("uri", message));
            }
        }
        Ok(())
    }

    /// Whoever gives up a URI comes before whoever takes it. Where they wait for each other in a
    /// circle, one of them has a URI of its own in between.
    fn push_principals(&mut self, changed: Vec<Principal>) {
        let people = self.directory.people();
        let held_by = |uri: &str| {
            people.find_uri(uri).and_then(|id| people.get(id)).map(|person| person.principal.id)
        };
        let mut waiting: HashMap<Guid, Principal> =
            changed.iter().map(|principal| (principal.id, principal.clone())).collect();
        for first in &changed {
            // Follows those who hold what is wanted, back to one whose wish is free.
            let mut chain: Vec<Principal> = Vec::new();
            let mut next = waiting.remove(&first.id);
            while let Some(principal) = next {
                let holder = held_by(&principal.uri).filter(|holder| *holder != principal.id);
                next = holder.and_then(|holder| waiting.remove(&holder));
                let start = chain.first().map_or(principal.id, |start| start.id);
                if holder == Some(start) && !chain.is_empty() {
                    let uri = format!("{}.moving", principal.id);
                    let old = people.find(start).and_then(|id| people.get(id));
                    let old = old.expect("it holds a URI").principal.clone();
                    self.push(Change::Principal(Principal { uri, ..old }));
                }
                chain.push(principal);
            }
            while let Some(principal) = chain.pop() {
                self.push(Change::Principal(principal));
            }
        }
    }

    fn sync_parents(
        &mut self,
        record: &PersonRecord,
        by_id: &HashMap<Guid, &PersonRecord>,
    ) -> Result<(), Refusal> {
        let Some(parents) = &record.parents else { return Ok(()) };
        let mut parents: Vec<Guid> =
            parents.iter().copied().filter(|parent| *parent != record.id).collect();
        parents.sort_unstable();
        parents.dedup();
        for parent in &parents {
            let kind = match by_id.get(parent) {
                Some(parent) => Some(parent.kind),
                None => self.known(*parent).map(|person| person.principal.kind),
            };
            let (uri, what) = (&record.uri, "stands in");
            match kind {
                Some(PrincipalKind::User) => {
                    let message = format!("{uri} {what} {parent}, which is a user");
                    return Err(Refusal::invalid("parents", message));
                }
                Some(_) => {}
                None => {
                    let message = format!("{uri} {what} {parent}, which nobody knows");
                    return Err(Refusal::new(Cause::NoSuchPrincipal, "parents", message));
                }
            }
        }
        let old = self.known(record.id).map(|person| self.parents_of(person)).unwrap_or_default();
        if parents != old {
            self.push(Change::Parents { child: record.id, parents });
        }
        Ok(())
    }

    /// What a principal stands in directly, sorted.
    fn parents_of(&self, person: &Person) -> Vec<Guid> {
        let people = self.directory.people();
        let parents = person.parents().iter().filter_map(|id| people.get(*id));
        let mut parents: Vec<Guid> = parents.map(|parent| parent.principal.id).collect();
        parents.sort_unstable();
        parents
    }

    pub(super) fn remove_person(&mut self, text: &str) -> Result<Guid, Refusal> {
        self.administrators_only("forgetting principals")?;
        let id = self.principal_named(text, "person")?;
        let directory = self.directory;
        let person = directory.people().get(id).expect("found by its name");
        if !person.listed().is_empty() {
            let (uri, count) = (&person.principal.uri, person.listed().len());
            let message =
                format!("{uri} is in lists of {count} rooms and categories; take it out first");
            return Err(Refusal::new(Cause::InUse, "person", message));
        }
        let guid = person.principal.id;
        // Nobody stands in what is gone.
        for (_, child) in directory.people().iter().filter(|(_, p)| p.parents().contains(&id)) {
            let mut parents = self.parents_of(child);
            parents.retain(|parent| *parent != guid);
            self.push(Change::Parents { child: child.principal.id, parents });
        }
        self.push(Change::PrincipalRemoved(guid));
        Ok(guid)
    }

    /// Whoever planned it elsewhere knew what they did; what does not fit is refused all the same.
    pub(super) fn load(&mut self, changes: &[Change]) -> Result<(), Refusal> {
        changes.iter().try_for_each(check_loaded)?;
        self.directory.apply(changes).map_err(|fault| {
            let cause = match fault {
                Inconsistent::NoPrincipal(_) => Cause::NoSuchPrincipal,
                Inconsistent::NoNode(_) => Cause::NoSuchNode,
                Inconsistent::Duplicate(_) => Cause::DuplicateRoomName,
                Inconsistent::NotEmpty(_) => Cause::NodeHierarchyViolation,
                Inconsistent::Kind(_) | Inconsistent::WrongList(_) => Cause::InvalidArgument,
            };
            Refusal::new(cause, "changes", format!("nothing is loaded: {fault}"))
        })?;
        self.plan.changes = changes.to_vec();
        Ok(())
    }
}

fn shared_uri(uri: &str, a: Guid, b: Guid) -> Refusal {
    Refusal::invalid("uri", format!("{uri} belongs to two principals, {a} and {b}"))
}

/// The URI in the one spelling that is kept; `None` when it does not suit the kind.
fn canonical(record: &PersonRecord) -> Option<String> {
    let prefix = match record.kind {
        PrincipalKind::User => {
            let uri = Uri::parse(record.uri.trim())?;
            return uri.identity();
        }
        PrincipalKind::Domain => "ma-dom:",
        PrincipalKind::Group => "ma-grp:",
        PrincipalKind::Folder => "ma-fld:",
    };
    let uri = record.uri.trim().to_lowercase();
    let is_whole = |name: &str| !name.is_empty() && !name.contains(char::is_whitespace);
    uri.strip_prefix(prefix).is_some_and(is_whole).then_some(uri)
}

fn check_record(record: &PersonRecord) -> Result<(), Refusal> {
    let about = |mut refusal: Refusal| {
        refusal.message = format!("{}: {}", record.uri.escape_debug(), refusal.message);
        refusal
    };
    check_principal_texts([
        ("uri", &record.uri, NAME_BYTES_MAX),
        ("display name", &record.display_name, NAME_BYTES_MAX),
        ("account", &record.account, NAME_BYTES_MAX),
        ("email", &record.email, NAME_BYTES_MAX),
        ("company", &record.company, NAME_BYTES_MAX),
        ("path", &record.path, PATH_BYTES_MAX),
    ])
    .map_err(about)?;
    match canonical(record) {
        Some(_) => Ok(()),
        None => {
            let message = "it is no SIP address of a user, nor ma-grp:, ma-fld: or ma-dom: and the \
                           kind that goes with it";
            Err(about(Refusal::invalid("uri", message)))
        }
    }
}

fn check_principal_texts(texts: [(&'static str, &String, usize); 6]) -> Result<(), Refusal> {
    texts.into_iter().try_for_each(|(field, text, bytes_max)| check_text(field, text, bytes_max))
}

/// Texts that nothing else in the server is prepared to find longer.
fn check_loaded(change: &Change) -> Result<(), Refusal> {
    let named = |name: &str, description: &str| {
        if name.trim().is_empty() {
            return Err(Refusal::invalid("name", "a name is missing"));
        }
        check_text("name", name, NAME_BYTES_MAX)?;
        check_text("description", description, NAME_BYTES_MAX)
    };
    match change {
        Change::Category(category) => named(&category.name, &category.description),
        Change::Room(room) => named(&room.name, &room.description),
        Change::Addin(addin) => {
            checked_name(&addin.name, ADDIN_NAME_BYTES_MAX)?;
            check_url("url", &addin.url, ADDIN_URL_BYTES_MAX)
        }
        Change::Principal(principal) => check_principal_texts([
            ("uri", &principal.uri, NAME_BYTES_MAX),
            ("display name", &principal.display_name, NAME_BYTES_MAX),
            ("account", &principal.account, NAME_BYTES_MAX),
            ("email", &principal.email, NAME_BYTES_MAX),
            ("company", &principal.company, NAME_BYTES_MAX),
            ("path", &principal.path, PATH_BYTES_MAX),
        ]),
        _ => Ok(()),
    }
}
