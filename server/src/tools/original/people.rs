//! Principals of the original as principals here.
//!
//! Who is known here already stays as they are: what LDAP or an administrator says of people is
//! newer than what the original remembers. The original takes a principal's identifier from Active
//! Directory, and so does the synchronisation here: it finds again whoever was imported.

use super::rows::{Principal, Tables, Who};
use hashbrown::HashMap;
use parlance_core::Directory;
use parlance_core::directory::model::{
    NAME_BYTES_MAX, PATH_BYTES_MAX, Principal as Known, PrincipalKind, PrincipalState,
};
use parlance_core::directory::{Change, display_name, domain_principal, user_principal};
use parlance_people::Findings;
use parlance_people::ldap::dn::Dn;
use parlance_people::ldap::person::{canonical, uri_of};
use parlance_wire::xccos::Guid;

/// Who is who.
#[derive(Default)]
pub struct People {
    by_number: HashMap<Who, Person>,
}

/// A principal of the tables.
pub struct Person {
    /// Its identifier here, which is not always that of the tables.
    pub id: Guid,
    pub kind: PrincipalKind,
    /// As the tables have it, whatever it is here by now: what was said, was said by it.
    pub uri: String,
    /// Likewise; never empty.
    pub display_name: String,
}

impl People {
    /// A principal by its number.
    pub fn get(&self, number: Who) -> Option<&Person> {
        self.by_number.get(&number)
    }

    /// As an act of theirs is signed.
    pub fn name(&self, number: Option<Who>) -> String {
        let person = number.and_then(|number| self.get(number));
        person.map(|person| person.uri.clone()).unwrap_or_default()
    }
}

/// Who is who, and the changes that make those who are new.
pub fn plan(
    tables: &Tables,
    directory: &Directory,
    findings: &mut Findings,
) -> (People, Vec<Change>) {
    let mut plan = Plan { directory, findings, people: People::default(), new: New::default() };
    // Of two with one address, the one in use is it.
    let mut order: Vec<&Principal> = tables.principals.iter().collect();
    order.sort_by_key(|principal| principal.state as u8);
    order.into_iter().for_each(|principal| plan.principal(principal));
    let parents = plan.parents(tables);
    let changes = plan.new.all.into_iter().map(|(principal, _)| Change::Principal(principal));
    (plan.people, changes.chain(parents).collect())
}

/// Those who are made.
#[derive(Default)]
struct New {
    /// With their numbers, if they have any.
    all: Vec<(Known, Option<Who>)>,
    by_id: HashMap<Guid, usize>,
    by_uri: HashMap<String, usize>,
}

impl New {
    fn find(&self, id: Guid, uri: &str) -> Option<&Known> {
        let at = self.by_id.get(&id).or_else(|| self.by_uri.get(uri))?;
        Some(&self.all[*at].0)
    }

    fn add(&mut self, principal: Known, number: Option<Who>) {
        self.by_id.insert(principal.id, self.all.len());
        self.by_uri.insert(principal.uri.clone(), self.all.len());
        self.all.push((principal, number));
    }
}

struct Plan<'a> {
    directory: &'a Directory,
    people: People,
    new: New,
    findings: &'a mut Findings,
}

impl Plan<'_> {
    fn principal(&mut self, of: &Principal) {
        let Some(kind) = of.kind else { return };
        let uri = match uri(kind, of) {
            Ok(uri) => uri,
            Err(reason) => {
                let reason = format!("{reason}, so it is left out, and in no list");
                return self.findings.add(&told(of), reason);
            }
        };
        let person = |id| {
            let name = if of.display_name.is_empty() { &of.name } else { &of.display_name };
            let name = if name.is_empty() { display_name(&uri) } else { name };
            Person { id, kind, uri: uri.clone(), display_name: plain(name, NAME_BYTES_MAX) }
        };
        let people = self.directory.people();
        let known = people.find(of.id).or_else(|| people.find_uri(&uri));
        if let Some(known) = known.and_then(|id| people.get(id)).map(|person| &person.principal) {
            if known.kind == kind {
                self.people.by_number.insert(of.number, person(known.id));
                return;
            }
            let reason = format!("{} is something else here, so it is left out", known.uri);
            return self.findings.add(&told(of), reason);
        }
        if let Some(first) = self.new.find(of.id, &uri) {
            let reason =
                format!("another entry has this address or identifier; both are {}", first.uri);
            self.people.by_number.insert(of.number, person(first.id));
            return self.findings.add(&told(of), reason);
        }
        if of.is_federated {
            let reason = "belongs to another organisation, and is kept, but disabled";
            self.findings.add(&uri, reason);
        }
        self.people.by_number.insert(of.number, person(of.id));
        self.new.add(made(of, kind, uri), Some(of.number));
    }

    /// What those who are new stand in: what the original says, and the domain of their address,
    /// without which nobody may chat.
    fn parents(&mut self, tables: &Tables) -> Vec<Change> {
        let mut changes = Vec::new();
        for at in 0..self.new.all.len() {
            let (principal, number) = &self.new.all[at];
            let (child, uri) = (principal.id, principal.uri.clone());
            let is_user = principal.kind == PrincipalKind::User;
            let of = number.and_then(|number| tables.affiliations.get(&number));
            let of = of.into_iter().flatten().filter_map(|what| self.people.get(*what));
            let of = of.filter(|what| what.kind != PrincipalKind::User && what.id != child);
            let mut parents: Vec<Guid> = of.map(|what| what.id).collect();
            let domain = uri.rsplit_once('@').filter(|_| is_user);
            if let Some((_, domain)) = domain {
                parents.push(self.domain(domain_principal(domain)));
            }
            parents.sort_unstable();
            parents.dedup();
            if !parents.is_empty() {
                changes.push(Change::Parents { child, parents });
            }
        }
        changes
    }

    /// The identifier of a domain that is there, or is made.
    fn domain(&mut self, domain: Known) -> Guid {
        let people = self.directory.people();
        if let Some(known) = people.find_uri(&domain.uri).and_then(|id| people.get(id)) {
            return known.principal.id;
        }
        if let Some(known) = self.new.find(domain.id, &domain.uri) {
            return known.id;
        }
        let id = domain.id;
        self.new.add(domain, None);
        id
    }
}

fn made(of: &Principal, kind: PrincipalKind, uri: String) -> Known {
    let name = if of.display_name.is_empty() { &of.name } else { &of.display_name };
    let name = if name.is_empty() && kind != PrincipalKind::User { &of.path } else { name };
    let state = match of.state {
        PrincipalState::Active if of.is_federated => PrincipalState::Disabled,
        state => state,
    };
    // What is cut short names somebody else.
    let whole = |text: &str, bytes_max: usize| match text.len() <= bytes_max {
        true => plain(text, bytes_max),
        false => String::new(),
    };
    Known {
        id: of.id,
        kind,
        display_name: plain(name, NAME_BYTES_MAX),
        account: whole(&of.account, NAME_BYTES_MAX),
        email: whole(&of.email, NAME_BYTES_MAX),
        company: plain(&of.company, NAME_BYTES_MAX),
        path: whole(&of.path, PATH_BYTES_MAX),
        state,
        policy: None,
        uri,
    }
}

/// As an operator would look for it.
fn told(of: &Principal) -> String {
    let name = [&of.uri, &of.path, &of.name].into_iter().find(|text| !text.is_empty());
    format!("principal {} ({})", of.number, name.map_or("no name", |name| name))
}

fn uri(kind: PrincipalKind, of: &Principal) -> Result<String, String> {
    match kind {
        PrincipalKind::User => {
            canonical(&of.uri).ok_or_else(|| format!("{:?} is no SIP address", of.uri))
        }
        PrincipalKind::Domain => {
            let domain = Dn::parse(&of.path).and_then(|dn| dn.domain());
            let domain = domain.ok_or_else(|| format!("{:?} names no domain", of.path))?;
            Ok(domain_principal(&domain).uri)
        }
        kind => Ok(uri_of(kind, of.id)),
    }
}

/// On one line, and not too long.
pub fn plain(text: &str, bytes_max: usize) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    text[..text.floor_char_boundary(bytes_max)].trim().to_owned()
}

/// Somebody who said something, and is nobody any more whom a list could name.
pub fn stranger(number: Who, domain: &str) -> Person {
    let principal = user_principal(&format!("sip:principal-{number}@{domain}"));
    let Known { id, kind, uri, display_name, .. } = principal;
    Person { id, kind, uri, display_name }
}
