//! All entries of a run as records: whose address it is, who stands in what, who is gone.
//!
//! Pure: what was read and the directory in force go in, what differs from it comes out. A run that
//! read only what has changed takes the rest from the directory.

use super::circles;
use super::dn::Dn;
use super::known::{Known, differs, record_of};
use super::person::{Found, Member};
use super::{DEPARTURES_FREE, GROUP_MEMBERS_MAX};
use crate::Findings;
use hashbrown::{HashMap, HashSet};
use parlance_core::admin::PersonRecord;
use parlance_core::directory::domain_principal;
use parlance_core::directory::model::{PrincipalKind, PrincipalState};
use parlance_wire::xccos::Guid;

/// What a run knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// Everything that is there was read.
    Full,
    /// Only what has changed; of these people, though, all groups are among it or looked up.
    Changes,
}

/// Groups that some people, new or moved, were looked up to stand in.
pub type Lookups = HashMap<Guid, Vec<Guid>>;

/// The differences, and what could not be taken over.
#[derive(Debug, Default)]
pub struct Records {
    /// To be handed over.
    pub records: Vec<PersonRecord>,
    /// Of these, how many are gone.
    pub departed: usize,
    /// What was left out.
    pub findings: Findings,
}

/// What was read, without those whose address is not theirs to have.
pub fn admit(mut all: Vec<Found>, known: &Known<'_>, findings: &mut Findings) -> Vec<Found> {
    // Of two with one address the one who has it keeps it, else the first by name has it: the same
    // in each run.
    all.sort_by_cached_key(|found| {
        let holder = known.by_uri(&found.record.uri);
        (holder.is_none_or(|holder| holder.id != found.record.id), found.dn.clone())
    });
    let (mut ids, mut uris) = (HashSet::new(), HashMap::<String, String>::new());
    all.retain_mut(|found| match refusal(found, known, &ids, &uris) {
        Some(reason) => {
            findings.add(&found.record.path, reason);
            false
        }
        None => {
            ids.insert(found.record.id);
            uris.insert(found.record.uri.clone(), found.record.path.clone());
            true
        }
    });
    all
}

/// Why an entry cannot be taken over beside those that were; adopts the identifier of somebody who
/// was known by the address alone.
fn refusal(
    found: &mut Found,
    known: &Known<'_>,
    ids: &HashSet<Guid>,
    uris: &HashMap<String, String>,
) -> Option<String> {
    let record = &mut found.record;
    if let Some(other) = uris.get(&record.uri) {
        return Some(format!(
            "its address {} is that of {other}, too; give it another",
            record.uri
        ));
    }
    if known.is_endpoint(&record.uri) {
        return Some(format!("its address {} is one of the service", record.uri));
    }
    if let Some(id) = known.adoptable(record, &found.dn) {
        record.id = id;
    }
    if let Some(holder) = known.by_uri(&record.uri).filter(|holder| holder.id != record.id) {
        let (uri, path) = (&record.uri, &holder.path);
        return Some(match holder.state {
            PrincipalState::Deleted => format!(
                "its address {uri} was that of somebody who is gone ({path}), whose rights it \
                 would get; remove {uri} first"
            ),
            _ => format!("its address {uri} is still that of {path}; the next run tries again"),
        });
    }
    if ids.contains(&record.id) {
        return Some(format!("its identifier {} is not its alone", record.id));
    }
    let kind = known.principal(record.id).map(|principal| principal.kind);
    kind.filter(|kind| *kind != record.kind)
        .map(|kind| format!("it was a {kind:?} and is a {:?} now; that cannot change", record.kind))
}

/// Who is who, in this run and before it.
struct Names<'f> {
    by_dn: HashMap<&'f Dn, Guid>,
    by_account: HashMap<String, Guid>,
    /// Folders among them.
    folders: HashSet<Guid>,
}

impl<'f> Names<'f> {
    fn new(found: &'f [Found], known: &'f Known<'_>, extent: Extent) -> Names<'f> {
        let mut names =
            Names { by_dn: HashMap::new(), by_account: HashMap::new(), folders: HashSet::new() };
        if extent == Extent::Changes {
            let moved: HashSet<Guid> = found.iter().map(|found| found.record.id).collect();
            for (id, dn) in known.present().filter(|(id, _)| !moved.contains(id)) {
                let Some(principal) = known.principal(id) else { continue };
                names.add(dn, id, principal.kind, &principal.account);
            }
        }
        for Found { dn, record, .. } in found {
            names.add(dn, record.id, record.kind, &record.account);
        }
        names
    }

    fn add(&mut self, dn: &'f Dn, id: Guid, kind: PrincipalKind, account: &str) {
        self.by_dn.insert(dn, id);
        match kind {
            PrincipalKind::Folder => {
                self.folders.insert(id);
            }
            PrincipalKind::User if !account.is_empty() => {
                self.by_account.insert(account.to_lowercase(), id);
            }
            _ => {}
        }
    }

    fn member(&self, member: &Member) -> Option<Guid> {
        match member {
            Member::Dn(dn) => self.by_dn.get(dn).copied(),
            Member::Account(account) => self.by_account.get(account).copied(),
        }
    }

    /// The nearest folder above.
    fn folder_of(&self, dn: &Dn) -> Option<Guid> {
        std::iter::successors(dn.parent(), Dn::parent)
            .find_map(|above| self.by_dn.get(&above).filter(|id| self.folders.contains(*id)))
            .copied()
    }
}

/// Members of the groups that were read, turned round: who stands in which of them.
struct Memberships {
    groups_of: HashMap<Guid, Vec<Guid>>,
    /// Groups whose members are known from this run.
    read: HashSet<Guid>,
    /// Groups with too many members: these stay.
    unread: HashSet<Guid>,
}

impl Memberships {
    fn new(found: &[Found], names: &Names<'_>, findings: &mut Findings) -> Memberships {
        let mut groups_of: HashMap<Guid, Vec<Guid>> = HashMap::new();
        let (mut read, mut unread) = (HashSet::new(), HashSet::new());
        for group in found.iter().filter(|found| found.record.kind == PrincipalKind::Group) {
            let (id, path) = (group.record.id, &group.record.path);
            let Some(members) = &group.members else {
                let reason =
                    format!("more than {GROUP_MEMBERS_MAX} members; they stay as they are");
                findings.add(path, reason);
                unread.insert(id);
                continue;
            };
            read.insert(id);
            let mut strangers = 0;
            for member in members {
                match names.member(member) {
                    Some(member) if member == id => findings.add(path, "it is its own member"),
                    Some(member) => groups_of.entry(member).or_default().push(id),
                    None => strangers += 1,
                }
            }
            if strangers > 0 {
                let reason =
                    format!("{strangers} of {} members are no people we read", members.len());
                findings.add(path, reason);
            }
        }
        Memberships { groups_of, read, unread }
    }
}

/// Turns what was read into records: those that differ from what is known.
pub fn records(
    found: &[Found],
    known: &Known<'_>,
    extent: Extent,
    lookups: &Lookups,
    mut findings: Findings,
) -> Records {
    let names = Names::new(found, known, extent);
    let memberships = Memberships::new(found, &names, &mut findings);
    let mut records: Vec<PersonRecord> = Vec::with_capacity(found.len());
    let place = Place { known, names: &names, memberships: &memberships, lookups, extent };
    let mut domains = HashSet::new();
    for Found { dn, record, .. } in found {
        records.push(place.put(record.clone(), dn, &mut domains));
    }
    if extent == Extent::Changes {
        let seen: HashSet<Guid> = found.iter().map(|found| found.record.id).collect();
        for id in touched(known, &memberships).into_iter().filter(|id| !seen.contains(id)) {
            let (Some(principal), Some(dn)) = (known.principal(id), known.dn(id)) else { continue };
            records.push(place.put(record_of(principal), dn, &mut domains));
        }
    } else {
        circles::report(&memberships.groups_of, found, &mut findings);
    }
    records.extend(domains.into_iter().map(|domain| record_of(&domain_principal(&domain))));
    records.retain(|record| differs(record, known));
    Records { records, departed: 0, findings }
}

/// All that decides what somebody stands in.
struct Place<'p> {
    known: &'p Known<'p>,
    names: &'p Names<'p>,
    memberships: &'p Memberships,
    lookups: &'p Lookups,
    extent: Extent,
}

impl Place<'_> {
    /// A record with its parents: groups, the folder, and domains. That of the address always,
    /// because nobody may chat who is not in a domain; that of the name for what has no folder.
    fn put(
        &self,
        mut record: PersonRecord,
        dn: &Dn,
        domains: &mut HashSet<String>,
    ) -> PersonRecord {
        // A group stands in no folder: its members would stand there, too, wherever they are.
        let is_group = record.kind == PrincipalKind::Group;
        let folder = self.names.folder_of(dn).filter(|_| !is_group);
        let mut parents = self.groups(record.id);
        parents.extend(folder);
        let address = record.uri.rsplit_once('@').map(|(_, domain)| domain.to_owned());
        let address = address.filter(|_| record.kind == PrincipalKind::User);
        let top = dn.domain().filter(|_| folder.is_none());
        for domain in address.into_iter().chain(top) {
            parents.push(domain_principal(&domain).id);
            domains.insert(domain);
        }
        parents.retain(|parent| *parent != record.id);
        parents.sort_unstable();
        parents.dedup();
        record.parents = Some(parents);
        record
    }

    /// Groups that were read, groups that were not but are known, and what is not ours to take
    /// away.
    fn groups(&self, id: Guid) -> Vec<Guid> {
        let (known, memberships) = (self.known, self.memberships);
        let mut groups = memberships.groups_of.get(&id).cloned().unwrap_or_default();
        let looked_up = self.lookups.get(&id);
        groups.extend(looked_up.into_iter().flatten().filter(|group| known.dn(**group).is_some()));
        groups.extend(known.parents(id).into_iter().filter(|parent| {
            let Some(principal) = known.principal(*parent) else { return false };
            match principal.kind {
                PrincipalKind::Domain => false,
                _ if !known.is_ours(*parent) => true,
                PrincipalKind::Group if memberships.unread.contains(parent) => true,
                PrincipalKind::Group if memberships.read.contains(parent) => false,
                PrincipalKind::Group => self.extent == Extent::Changes && looked_up.is_none(),
                _ => false,
            }
        }));
        groups
    }
}

/// People whose groups may differ because a group was read: its members, and those it had.
fn touched(known: &Known<'_>, memberships: &Memberships) -> HashSet<Guid> {
    let mut touched: HashSet<Guid> = memberships.groups_of.keys().copied().collect();
    if !memberships.read.is_empty() {
        let had = known.present().map(|(id, _)| id);
        touched.extend(had.filter(|id| {
            known.parents(*id).iter().any(|parent| memberships.read.contains(parent))
        }));
    }
    touched
}

/// Takes those of ours for gone who were not seen, unless they are suspiciously many.
pub fn depart(
    out: &mut Records,
    known: &Known<'_>,
    percent_max: u8,
    is_seen: impl Fn(Guid, &Dn) -> bool,
) {
    let present: Vec<(Guid, &Dn)> = known.present().collect();
    let gone = present.iter().filter(|(id, dn)| !is_seen(*id, dn));
    let gone: Vec<Guid> = gone.map(|(id, _)| *id).collect();
    let bound = (present.len() * usize::from(percent_max) / 100).max(DEPARTURES_FREE);
    if gone.len() > bound {
        let reason = format!(
            "{} of {} entries are missing, more than people.ldap.departures_percent_max = \
             {percent_max} allows, so nobody is taken for gone; check base, filters and the rights \
             of bind_dn, or raise it",
            gone.len(),
            present.len()
        );
        out.findings.add("people.ldap", reason);
        return;
    }
    out.departed = gone.len();
    let mut gone: HashSet<Guid> = gone.into_iter().collect();
    // Somebody may be in the records because of a group that they were taken out of as they left.
    for record in out.records.iter_mut().filter(|record| gone.remove(&record.id)) {
        record.state = PrincipalState::Deleted;
    }
    let gone = gone.into_iter().filter_map(|id| known.principal(id));
    let gone = gone.map(|p| PersonRecord { state: PrincipalState::Deleted, ..record_of(p) });
    out.records.extend(gone);
}
