//! Principals of the original as principals here.
//!
//! The original takes a principal's identifier from Active Directory, and so does the
//! synchronisation here: it finds again whoever was imported. Where it is set up, it is in charge
//! of whoever is known already, and of them an import changes nothing but that they stand in what
//! is new; elsewhere people follow the tables.

use super::rows::{Principal, Tables, Who};
use hashbrown::{HashMap, HashSet};
use parlance_core::Directory;
use parlance_core::directory::model::{
    NAME_BYTES_MAX, PATH_BYTES_MAX, Principal as Known, PrincipalKind, PrincipalState,
};
use parlance_core::directory::{Change, display_name, domain_principal, user_principal};
use parlance_people::Findings;
use parlance_people::ldap::dn::Dn;
use parlance_people::ldap::known::is_made_here;
use parlance_people::ldap::person::{canonical, uri_of};
use parlance_wire::xccos::Guid;

/// Who is who.
#[derive(Default)]
pub struct People {
    by_number: HashMap<Who, Person>,
    /// Users without an address. They cannot come, so that no list misses them.
    without_address: HashSet<Who>,
}

/// A principal of the tables.
pub struct Person {
    /// Who it is here.
    pub id: Guid,
    pub kind: PrincipalKind,
    /// As the tables have it, whatever it is here by now: what was said, was said by it.
    pub uri: String,
    /// Likewise; never empty.
    pub display_name: String,
    /// Somebody else has the address here, and must not get the rights of this one.
    pub is_somebody_else: bool,
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

    /// Can a wall do without naming this one?
    pub fn is_harmless(&self, number: Who) -> bool {
        self.without_address.contains(&number)
    }
}

/// Who is who, and the changes that make those who are new; what stands together stays so.
pub fn plan(
    tables: &Tables,
    directory: &Directory,
    is_synchronised: bool,
    findings: &mut Findings,
) -> (People, Vec<Vec<Change>>) {
    let mut plan = Plan {
        tables,
        directory,
        is_synchronised,
        findings,
        people: People::default(),
        new: New::default(),
        known: Vec::new(),
        known_by_uri: HashMap::new(),
        claimed: HashSet::new(),
        by_address: HashMap::new(),
    };
    // Of two with one address, the one in use is it.
    let mut order: Vec<&Principal> = tables.principals.iter().collect();
    order.sort_by_key(|principal| principal.state as u8);
    order.into_iter().for_each(|principal| plan.principal(principal));
    let changes = plan.changes();
    plan.tell_domains();
    (plan.people, changes)
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
    fn add(&mut self, principal: Known, number: Option<Who>) {
        self.by_id.insert(principal.id, self.all.len());
        self.by_uri.insert(principal.uri.clone(), self.all.len());
        self.all.push((principal, number));
    }
}

struct Plan<'a> {
    tables: &'a Tables,
    directory: &'a Directory,
    is_synchronised: bool,
    people: People,
    new: New,
    /// Those who are here, as they are to be, with their numbers.
    known: Vec<(Known, Who)>,
    known_by_uri: HashMap<String, usize>,
    /// Of those who are here, whom somebody in the tables is already.
    claimed: HashSet<Guid>,
    findings: &'a mut Findings,
    /// Users who stand in a domain by their address, and not by the tables.
    by_address: HashMap<Guid, usize>,
}

impl Plan<'_> {
    fn principal(&mut self, of: &Principal) {
        let Some(kind) = of.kind else { return };
        let uri = match uri(kind, of) {
            Ok(uri) => uri,
            Err(reason) => {
                if kind == PrincipalKind::User {
                    self.people.without_address.insert(of.number);
                }
                let reason = format!("{reason}, so it is left out, and in no list");
                return self.findings.add(&told(of), reason);
            }
        };
        // A domain is known by its name, here and in LDAP.
        let id = match kind {
            PrincipalKind::Domain => domain_principal(uri.trim_start_matches("ma-dom:")).id,
            _ => of.id,
        };
        let name = of.shown_name();
        let name = if name.is_empty() { display_name(&uri) } else { name };
        let name = plain(name, NAME_BYTES_MAX);
        let person = |id, is_somebody_else| {
            let (uri, display_name) = (uri.clone(), name.clone());
            Person { id, kind, uri, display_name, is_somebody_else }
        };
        let all = self.directory.people();
        let by_id = all.find(id).and_then(|id| all.get(id)).map(|known| &known.principal);
        let by_uri = all.find_uri(&uri).and_then(|id| all.get(id)).map(|known| &known.principal);
        let by_uri = by_uri.or_else(|| {
            let at = self.new.by_uri.get(&uri).or_else(|| self.new.by_id.get(&id));
            let new = at.map(|at| &self.new.all[*at].0);
            new.or_else(|| Some(&self.known[*self.known_by_uri.get(&uri)?].0))
        });
        let is_same = |known: &&Known| known.kind == kind && known.state != PrincipalState::Deleted;
        match (by_id, by_uri) {
            (Some(known), _) if known.kind != kind => {
                let reason = format!("{} has its identifier here, so it is left out", known.uri);
                self.findings.add(&told(of), reason);
            }
            (Some(known), holder) => {
                self.claimed.insert(known.id);
                self.people.by_number.insert(of.number, person(known.id, false));
                let is_free = holder.is_none_or(|holder| holder.id == known.id);
                if !is_free {
                    let reason = format!("keeps {}: {uri} is somebody else's here", known.uri);
                    self.findings.add(&told(of), reason);
                }
                let uri = if is_free { uri.clone() } else { known.uri.clone() };
                self.update(of, known.clone(), uri);
            }
            // Known by the address alone, such as a manager from the configuration.
            (None, Some(known))
                if is_made_here(known.id) && is_same(&known) && self.claimed.insert(known.id) =>
            {
                self.people.by_number.insert(of.number, person(known.id, false));
                if !self.new.by_id.contains_key(&known.id) {
                    self.update(of, known.clone(), uri.clone());
                }
            }
            (None, Some(known)) => {
                let reason = format!(
                    "{} is somebody else's address here ({}): what this one said is kept as said \
                     by it, but lists that name this one do not name it",
                    known.uri, known.id
                );
                self.findings.add(&told(of), reason);
                self.people.by_number.insert(of.number, person(known.id, true));
            }
            (None, None) => {
                if of.is_federated {
                    let reason = "belongs to another organisation, and is kept, but disabled";
                    self.findings.add(&uri, reason);
                }
                self.people.by_number.insert(of.number, person(id, false));
                self.new.add(made(of, kind, id, uri), Some(of.number));
            }
        }
    }

    /// Somebody who is here already, as the tables have them.
    fn update(&mut self, of: &Principal, known: Known, uri: String) {
        let Known { id, kind, policy, .. } = known.clone();
        let wanted = match kind {
            PrincipalKind::Domain => known.clone(),
            _ => Known { policy, ..made(of, kind, id, uri) },
        };
        if !self.is_synchronised {
            self.known_by_uri.insert(wanted.uri.clone(), self.known.len());
            return self.known.push((wanted, of.number));
        }
        if known.state == PrincipalState::Active && wanted.state != PrincipalState::Active {
            let reason = "is not in use there any more, but is here; LDAP is in charge";
            self.findings.add(&known.uri, reason);
        }
        self.known.push((known, of.number));
    }

    /// Groups and what they stand in come before those who stand in them, so that nobody's rights
    /// are worked out more than once, and a user in one piece with what they stand in: no wall is
    /// open if the import stops in between.
    fn changes(&mut self) -> Vec<Vec<Change>> {
        // Domains of addresses are made on the way, and stand in nothing.
        let mut stand: HashMap<Guid, Vec<Guid>> = HashMap::new();
        for (principal, number) in self.new.all.clone() {
            stand.insert(principal.id, self.parents(&principal, number));
        }
        let told: HashSet<Guid> = self.people.by_number.values().map(|person| person.id).collect();
        let mut known = std::mem::take(&mut self.known);
        known.sort_by_key(|(principal, _)| principal.kind == PrincipalKind::User);
        let changed = known.into_iter().map(|(wanted, number)| self.changed(wanted, number, &told));
        let changed: Vec<Vec<Change>> = changed.collect();

        let stands = |child: Guid| {
            let parents = stand.get(&child).filter(|parents| !parents.is_empty())?.clone();
            Some(Change::Parents { child, parents })
        };
        let new = self.new.all.iter().map(|(principal, _)| principal);
        let (users, groups): (Vec<&Known>, Vec<&Known>) =
            new.partition(|principal| principal.kind == PrincipalKind::User);
        let make = |principal: &Known| Change::Principal(principal.clone());
        let mut units: Vec<Vec<Change>> = groups.iter().map(|group| vec![make(group)]).collect();
        units.extend(groups.iter().filter_map(|group| Some(vec![stands(group.id)?])));
        units.extend(
            users.iter().map(|user| [make(user)].into_iter().chain(stands(user.id)).collect()),
        );
        units.extend(changed.into_iter().filter(|unit| !unit.is_empty()));
        units
    }

    /// What changes of somebody who is here. What the tables do not know, they do not take away.
    fn changed(&mut self, wanted: Known, number: Who, told: &HashSet<Guid>) -> Vec<Change> {
        let people = self.directory.people();
        let known = people.find(wanted.id).and_then(|id| people.get(id)).expect("it was found");
        let held = known.parents().iter().filter_map(|id| people.get(*id));
        let mut held: Vec<Guid> = held.map(|parent| parent.principal.id).collect();
        held.sort_unstable();
        let mut changes = Vec::new();
        if known.principal != wanted {
            changes.push(Change::Principal(wanted.clone()));
        }
        if self.tables.missing.contains(&"PrincipalAffiliations") {
            return changes;
        }
        let (child, mut parents) = (wanted.id, self.parents(&wanted, Some(number)));
        if self.is_synchronised {
            parents.retain(|parent| self.new.by_id.contains_key(parent));
        }
        let keeps = |id: &&Guid| self.is_synchronised || !told.contains(*id);
        parents.extend(held.iter().filter(keeps));
        parents.sort_unstable();
        parents.dedup();
        if parents != held {
            changes.push(Change::Parents { child, parents });
        }
        changes
    }

    /// What a principal stands in directly, sorted: by the tables, and the domain of the address,
    /// without which nobody may chat.
    fn parents(&mut self, of: &Known, number: Option<Who>) -> Vec<Guid> {
        let mut parents = number.map(|number| self.stands_in(of, number)).unwrap_or_default();
        let domain = of.uri.rsplit_once('@').filter(|_| of.kind == PrincipalKind::User);
        if let Some((_, domain)) = domain {
            let id = self.domain(domain_principal(domain));
            let mut belongs = number.into_iter().flat_map(|number| self.belongs(number));
            if !belongs.any(|(_, person)| person.id == id) {
                drop(belongs);
                *self.by_address.entry(id).or_default() += 1;
            }
            parents.push(id);
        }
        parents.sort_unstable();
        parents.dedup();
        parents
    }

    /// What the tables say that somebody belongs to.
    fn belongs(&self, number: Who) -> impl Iterator<Item = (Who, &Person)> {
        let all = self.tables.affiliations.get(&number).into_iter().flatten();
        let persons = all.filter_map(|what| Some((*what, self.people.get(*what)?)));
        persons.filter(|(_, what)| what.kind != PrincipalKind::User && !what.is_somebody_else)
    }

    /// The tables name everything that somebody belongs to, be it by way of something else: of
    /// that, what nothing else of it gives already.
    fn stands_in(&self, of: &Known, number: Who) -> Vec<Guid> {
        let above = self.belongs(number).filter(|(_, p)| p.id != of.id && holds(p.kind, of.kind));
        let above: Vec<(Who, &Person)> = above.collect();
        let mut given: HashSet<Guid> = HashSet::new();
        for (other, by) in &above {
            let further = self.belongs(*other).filter(|(_, p)| holds(p.kind, by.kind));
            given.extend(further.map(|(_, person)| person.id));
        }
        let is_given = |(number, person): &&(Who, &Person)| {
            given.contains(&person.id) && !self.is_in_circle(*number)
        };
        above.iter().filter(|one| !is_given(one)).map(|(_, person)| person.id).collect()
    }

    /// Groups may stand in each other in a circle: then none of them is left out for another.
    fn is_in_circle(&self, number: Who) -> bool {
        let of = |number: Who| self.tables.affiliations.get(&number).into_iter().flatten();
        of(number).any(|above| of(*above).any(|further| *further == number))
    }

    /// The identifier of a domain that is there, or is made.
    fn domain(&mut self, domain: Known) -> Guid {
        let people = self.directory.people();
        if let Some(known) = people.find_uri(&domain.uri).and_then(|id| people.get(id)) {
            return known.principal.id;
        }
        let id = domain.id;
        if !self.new.by_id.contains_key(&id) {
            self.new.add(domain, None);
        }
        id
    }

    /// A domain is that of the directory in the tables, and that of addresses here.
    fn tell_domains(&mut self) {
        let lists = self.tables.scopes.values().chain(self.tables.roles.values()).flatten();
        let listed: HashSet<Who> = lists.map(|(_, who)| *who).collect();
        for number in listed {
            let Some(domain) = self.people.get(number) else { continue };
            let count = self.by_address.get(&domain.id).copied().unwrap_or_default();
            if domain.kind == PrincipalKind::Domain && count > 0 {
                let reason = format!(
                    "is in lists, and {count} users belong to it by their address alone: here they \
                     are in it, in the tables they were not"
                );
                self.findings.add(&domain.uri, reason);
            }
        }
    }
}

/// Does one give what it belongs to to what stands in it? A group gives no folder: else its members
/// would stand where the group is kept (as with LDAP).
fn holds(what: PrincipalKind, child: PrincipalKind) -> bool {
    child == PrincipalKind::User || what == child || what == PrincipalKind::Domain
}

fn made(of: &Principal, kind: PrincipalKind, id: Guid, uri: String) -> Known {
    let name = of.shown_name();
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
        id,
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
pub fn stranger(number: Who, domain: &str) -> (String, String) {
    let Known { uri, display_name, .. } =
        user_principal(&format!("sip:principal-{number}@{domain}"));
    (uri, display_name)
}
