//! A run: what is asked of the server, and when everything is read again.

use super::client::Client;
use super::cookie::{Clock, Cookie};
use super::dn::Dn;
use super::entry::{Entry, guid};
use super::error::LdapError;
use super::known::Known;
use super::person::Found;
use super::reading::Reading;
use super::records::{Extent, Lookups, admit, depart, records};
use super::schema::{Changes, Members};
use super::{NEWCOMERS_MAX, Settings};
use crate::Findings;
use hashbrown::HashSet;
use parlance_core::Directory;
use parlance_core::admin::PersonRecord;
use parlance_core::directory::guid_of;
use parlance_core::directory::model::PrincipalKind;
use parlance_wire::xccos::Guid;

/// How far a search reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// The base itself.
    Base,
    /// The base and everything below it, in pages.
    Subtree,
}

/// A search.
#[derive(Debug, Clone, Copy)]
pub struct Search<'a> {
    #[allow(missing_docs)]
    pub base: &'a str,
    #[allow(missing_docs)]
    pub reach: Reach,
    /// RFC 4515.
    pub filter: &'a str,
    /// What to tell of each entry.
    pub attributes: &'a [String],
}

/// Something that can be searched: a server, or plain data in tests.
pub trait Source {
    /// Hands over each entry that fits.
    ///
    /// # Errors
    /// What the server said, or what `take` did.
    fn search(
        &mut self,
        search: &Search<'_>,
        take: &mut dyn FnMut(Entry) -> Result<(), LdapError>,
    ) -> Result<(), LdapError>;
}

/// What a run read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunKind {
    /// Everything.
    Full,
    /// What has changed since the last run.
    Changes,
    /// The same, and who is there at all.
    Sweep,
}

/// How a run went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// What was read.
    pub kind: RunKind,
    /// Users read.
    pub users: usize,
    /// Groups read.
    pub groups: usize,
    /// Folders read.
    pub folders: usize,
    /// Records handed over: those that differ from the directory in force.
    pub changed: usize,
    /// Of these, how many are gone.
    pub departed: usize,
    /// What was left out.
    pub findings: Findings,
    /// For the next run; `None` where the server has no clock we know.
    pub cookie: Option<Cookie>,
}

/// What a run found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// For `Act::SyncPeople`.
    pub records: Vec<PersonRecord>,
    /// How it went.
    pub report: Report,
}

/// Reads one directory again and again.
#[derive(Debug)]
pub struct Sync {
    settings: Settings,
    runs_since_full: u32,
    runs_since_sweep: u32,
}

impl Sync {
    /// Of these settings. Nothing is read yet.
    pub fn new(settings: Settings) -> Sync {
        Sync { settings, runs_since_full: 0, runs_since_sweep: 0 }
    }

    /// What it was made with.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// In the next run it is looked who is gone, too.
    pub fn sweep_next(&mut self) {
        self.runs_since_sweep = self.settings.sweep_every;
    }

    /// Connects and reads what has changed since `cookie`, or everything without one. Whoever calls
    /// keeps the new cookie once the records are taken.
    ///
    /// # Errors
    /// Why nothing could be read; `known` stays in force.
    pub fn run_once(
        &mut self,
        known: &Directory,
        cookie: Option<&Cookie>,
    ) -> Result<Outcome, LdapError> {
        let settings = self.settings.clone();
        self.run_on(&mut Client::connect(&settings)?, known, cookie)
    }

    /// The same on a source that is open already.
    ///
    /// # Errors
    /// As [`Sync::run_once`].
    pub fn run_on(
        &mut self,
        source: &mut dyn Source,
        known: &Directory,
        cookie: Option<&Cookie>,
    ) -> Result<Outcome, LdapError> {
        let known = Known::new(known, &self.settings.base_dn);
        let usn = match self.settings.schema.changes {
            Changes::Usn => usn(source)?,
            Changes::Stamp => None,
        };
        let is_full_due = self.runs_since_full + 1 >= self.settings.full_every;
        if let Some(cookie) = cookie.filter(|cookie| !is_full_due && self.fits(cookie, &usn))
            && let Some(outcome) = self.changes(source, &known, cookie, usn.as_ref())?
        {
            self.runs_since_full += 1;
            return Ok(outcome);
        }
        let outcome = self.full(source, &known, usn)?;
        (self.runs_since_full, self.runs_since_sweep) = (0, 0);
        Ok(outcome)
    }

    /// Other settings find other entries: what they have not changed since was not read.
    fn fingerprint(&self) -> Guid {
        guid_of(&format!("{} {:?}", self.settings.base_dn, self.settings.schema))
    }

    fn fits(&self, cookie: &Cookie, usn: &Option<(Guid, String)>) -> bool {
        let is_clock = match (&cookie.clock, usn) {
            (Clock::Usn(server), Some((now, _))) => server == now,
            (Clock::Usn(_), None) => false,
            _ => self.settings.schema.changes == Changes::Stamp,
        };
        is_clock && cookie.source == self.fingerprint()
    }

    fn full(
        &self,
        source: &mut dyn Source,
        known: &Known<'_>,
        usn: Option<(Guid, String)>,
    ) -> Result<Outcome, LdapError> {
        let mut reading = Reading::read(source, &self.settings, None)?;
        let mark = match usn {
            Some((server, highest)) => Some((Clock::Usn(server), highest)),
            None => reading.mark(),
        };
        let source = self.fingerprint();
        let cookie = mark.map(|(clock, mark)| Cookie { source, clock, before: mark.clone(), mark });
        let mut findings = std::mem::take(&mut reading.findings);
        let found = admit(std::mem::take(&mut reading.found), known, &mut findings);
        let mut out = records(&found, known, Extent::Full, &Lookups::default(), findings);
        let percent = self.settings.departures_percent_max;
        let adopted: HashSet<Guid> = found.iter().map(|f| f.record.id).collect();
        depart(&mut out, known, percent, |id, dn| adopted.contains(&id) || reading.saw(id, dn));
        Ok(reading.outcome(RunKind::Full, out, cookie))
    }

    /// `None` when so much is different that everything must be read.
    fn changes(
        &mut self,
        source: &mut dyn Source,
        known: &Known<'_>,
        cookie: &Cookie,
        usn: Option<&(Guid, String)>,
    ) -> Result<Option<Outcome>, LdapError> {
        let mut reading = Reading::read(source, &self.settings, Some(&cookie.filter()))?;
        let mark = usn.map(|(_, highest)| highest.clone());
        let mark = mark.or_else(|| reading.mark_of(&cookie.clock)).unwrap_or_default();
        let cookie = cookie.moved_to(later(&mark, &cookie.mark, usn.is_some()));
        let mut findings = std::mem::take(&mut reading.findings);
        let found = admit(std::mem::take(&mut reading.found), known, &mut findings);
        let is_elsewhere = |found: &&Found| known.dn(found.record.id) != Some(&found.dn);
        let newcomers: Vec<&Found> = found.iter().filter(is_elsewhere).collect();
        // Everything below a folder that moves has another name, and no new stamp.
        let has_folder = newcomers.iter().any(|f| f.record.kind == PrincipalKind::Folder);
        if has_folder || newcomers.len() > NEWCOMERS_MAX {
            return Ok(None);
        }
        let mut lookups = Lookups::default();
        for newcomer in newcomers {
            lookups.insert(newcomer.record.id, self.groups_of(source, newcomer)?);
        }
        let mut out = records(&found, known, Extent::Changes, &lookups, findings);
        let is_sweep_due = self.runs_since_sweep + 1 >= self.settings.sweep_every;
        if !is_sweep_due {
            self.runs_since_sweep += 1;
            return Ok(Some(reading.outcome(RunKind::Changes, out, Some(cookie))));
        }
        let there = Reading::sweep(source, &self.settings)?;
        let percent = self.settings.departures_percent_max;
        let found: HashSet<Guid> = found.iter().map(|f| f.record.id).collect();
        depart(&mut out, known, percent, |id, dn| found.contains(&id) || there.saw(id, dn));
        self.runs_since_sweep = 0;
        Ok(Some(reading.outcome(RunKind::Sweep, out, Some(cookie))))
    }

    /// Groups that name somebody who is new or has moved: they need not have changed.
    fn groups_of(&self, source: &mut dyn Source, of: &Found) -> Result<Vec<Guid>, LdapError> {
        let schema = &self.settings.schema;
        let value = match schema.members {
            Members::ByDn => ldap3::ldap_escape(of.record.path.as_str()),
            Members::ByAccount if of.record.kind == PrincipalKind::User => {
                ldap3::ldap_escape(of.record.account.as_str())
            }
            Members::ByAccount => return Ok(Vec::new()),
        };
        let any = schema.member.iter().map(|name| format!("({name}={value})"));
        let filter = format!("(&{}(|{}))", schema.group_filter, any.collect::<String>());
        let (base, attributes) = (&self.settings.base, [schema.id.clone()]);
        let search =
            Search { base, reach: Reach::Subtree, filter: &filter, attributes: &attributes };
        let mut groups = Vec::new();
        source.search(&search, &mut |entry| {
            groups.extend(id_of(&entry, &schema.id));
            Ok(())
        })?;
        Ok(groups)
    }
}

/// The identifier of an entry; `None` when it has not even a name that can be read.
pub(super) fn id_of(entry: &Entry, attribute: &str) -> Option<Guid> {
    let own = entry.values(attribute).next().and_then(guid);
    own.or_else(|| Some(guid_of(Dn::parse(&entry.dn)?.as_str())))
}

/// The later of two marks.
fn later<'m>(a: &'m str, b: &'m str, is_number: bool) -> &'m str {
    // Numbers have no leading zeros; stamps are of one length.
    let key = |text: &str| if is_number { text.len() } else { 0 };
    if (key(a), a) > (key(b), b) { a } else { b }
}

/// Which server of Active Directory this is, and its newest number; asked for before anything is
/// read, so that what is written meanwhile counts as new the next time.
fn usn(source: &mut dyn Source) -> Result<Option<(Guid, String)>, LdapError> {
    let wanted = ["highestCommittedUSN".to_owned(), "dsServiceName".to_owned()];
    let Some(root) = base(source, "", &wanted)? else { return Ok(None) };
    let (Some(highest), Some(service)) = (root.text(&wanted[0]), root.text(&wanted[1])) else {
        return Ok(None);
    };
    let wanted = ["invocationId".to_owned()];
    let Some(service) = base(source, service, &wanted)? else { return Ok(None) };
    let server = service.values(&wanted[0]).next().and_then(guid);
    Ok(server.zip(highest.parse::<u64>().ok()).map(|(server, usn)| (server, usn.to_string())))
}

/// One entry.
pub(super) fn base(
    source: &mut dyn Source,
    base: &str,
    attributes: &[String],
) -> Result<Option<Entry>, LdapError> {
    let search = Search { base, reach: Reach::Base, filter: "(objectClass=*)", attributes };
    let mut found = None;
    source.search(&search, &mut |entry| {
        found = Some(entry);
        Ok(())
    })?;
    Ok(found)
}
