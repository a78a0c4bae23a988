//! What one run reads: entries as they come, and who was there.

use super::cookie::{Clock, Cookie};
use super::dn::Dn;
use super::entry::{Entry, Typed};
use super::error::LdapError;
use super::known::is_made_here;
use super::person::{Found, read};
use super::records::Records;
use super::sync::{Outcome, Reach, Report, RunKind, Search, Source, base, id_of};
use super::{ENTRIES_MAX, GROUP_MEMBERS_MAX, MEMBERS_MAX, Settings};
use crate::Findings;
use hashbrown::HashSet;
use parlance_core::directory::model::PrincipalKind;
use parlance_wire::xccos::Guid;

/// What was read so far.
#[derive(Debug, Default)]
pub struct Reading {
    /// Entries that could be understood.
    pub found: Vec<Found>,
    /// Those that could not.
    pub findings: Findings,
    /// All that were there, understood or not.
    ids: HashSet<Guid>,
    dns: HashSet<Dn>,
    users: usize,
    groups: usize,
    folders: usize,
    members: usize,
    csn: Option<String>,
    time: Option<String>,
}

impl Reading {
    /// Reads users, groups and folders; with `changed` only those that this filter fits.
    ///
    /// # Errors
    /// When the server fails, or there is too much.
    pub fn read(
        source: &mut dyn Source,
        settings: &Settings,
        changed: Option<&str>,
    ) -> Result<Reading, LdapError> {
        let mut reading = Reading::default();
        for (kind, filter) in filters(settings) {
            let filter = match changed {
                Some(changed) => format!("(&{filter}{changed})"),
                None => filter.clone(),
            };
            let attributes = settings.schema.attributes(kind == PrincipalKind::Group);
            // A search cannot be made while another's answers come in.
            let mut parts = Vec::new();
            let search = search(settings, &filter, &attributes);
            source.search(&search, &mut |mut entry| {
                match ranges(&mut entry, settings) {
                    Some(open) => parts.push((entry, open)),
                    None => reading.take(kind, entry, settings)?,
                }
                Ok(())
            })?;
            for (mut entry, open) in parts {
                complete(source, &mut entry, open)?;
                reading.take(kind, entry, settings)?;
            }
        }
        Ok(reading)
    }

    /// Reads who is there, and nothing about them.
    ///
    /// # Errors
    /// As [`Reading::read`].
    pub fn sweep(source: &mut dyn Source, settings: &Settings) -> Result<Reading, LdapError> {
        let mut reading = Reading::default();
        let attributes = [settings.schema.id.clone()];
        for (_, filter) in filters(settings) {
            let search = search(settings, filter, &attributes);
            source.search(&search, &mut |entry| reading.see(&entry, settings).map(drop))?;
        }
        Ok(reading)
    }

    /// Was somebody there? By the place, where the identifier is none of the directory's.
    pub fn saw(&self, id: Guid, dn: &Dn) -> bool {
        self.ids.contains(&id) || is_made_here(id) && self.dns.contains(dn)
    }

    /// The newest stamp among what was read, by the best clock there is.
    pub fn mark(&self) -> Option<(Clock, String)> {
        let csn = self.csn.clone().map(|mark| (Clock::Csn, mark));
        csn.or_else(|| Some((Clock::Time, self.time.clone()?)))
    }

    /// The newest stamp by this clock.
    pub fn mark_of(&self, clock: &Clock) -> Option<String> {
        match clock {
            Clock::Csn => self.csn.clone(),
            Clock::Time => self.time.clone(),
            Clock::Usn(_) => None,
        }
    }

    /// What is told of it in the end.
    pub fn outcome(&self, kind: RunKind, out: Records, cookie: Option<Cookie>) -> Outcome {
        let Records { records, departed, findings } = out;
        let changed = records.len();
        let (users, groups, folders) = (self.users, self.groups, self.folders);
        let report = Report { kind, users, groups, folders, changed, departed, findings, cookie };
        Outcome { records, report }
    }

    /// Notes that an entry is there; `false` if another filter has found it before.
    fn see(&mut self, entry: &Entry, settings: &Settings) -> Result<bool, LdapError> {
        if self.dns.len() >= ENTRIES_MAX {
            return Err(LdapError::TooMany { what: "entries", bound: ENTRIES_MAX });
        }
        self.ids.extend(id_of(entry, &settings.schema.id));
        Ok(Dn::parse(&entry.dn).is_none_or(|dn| self.dns.insert(dn)))
    }

    fn take(
        &mut self,
        kind: PrincipalKind,
        entry: Entry,
        settings: &Settings,
    ) -> Result<(), LdapError> {
        if !self.see(&entry, settings)? {
            return Ok(());
        }
        match kind {
            PrincipalKind::User => self.users += 1,
            PrincipalKind::Group => self.groups += 1,
            _ => self.folders += 1,
        }
        later(&mut self.csn, entry.text("entryCSN"));
        later(&mut self.time, entry.text("modifyTimestamp"));
        match read(&Typed { kind, entry }, &settings.schema) {
            Ok(found) => {
                self.members += found.members.as_ref().map_or(0, Vec::len);
                self.found.push(found);
            }
            Err((dn, reason)) => self.findings.add(&dn, reason),
        }
        if self.members > MEMBERS_MAX {
            return Err(LdapError::TooMany { what: "members of groups", bound: MEMBERS_MAX });
        }
        Ok(())
    }
}

fn later(mark: &mut Option<String>, stamp: Option<&str>) {
    let Some(stamp) = stamp else { return };
    if mark.as_deref().is_none_or(|mark| stamp > mark) {
        *mark = Some(stamp.to_owned());
    }
}

fn filters(settings: &Settings) -> impl Iterator<Item = (PrincipalKind, &String)> {
    let schema = &settings.schema;
    let all = [
        (PrincipalKind::User, &schema.user_filter),
        (PrincipalKind::Group, &schema.group_filter),
        (PrincipalKind::Folder, &schema.folder_filter),
    ];
    all.into_iter().filter(|(_, filter)| !filter.is_empty())
}

fn search<'a>(settings: &'a Settings, filter: &'a str, attributes: &'a [String]) -> Search<'a> {
    Search { base: &settings.base, reach: Reach::Subtree, filter, attributes }
}

/// An attribute of which only a part has come.
struct Open {
    name: String,
    values: Vec<Vec<u8>>,
    /// Number of the first value that is missing.
    next: usize,
}

/// Takes parts of member lists out of an entry; `None` when it is whole.
fn ranges(entry: &mut Entry, settings: &Settings) -> Option<Vec<Open>> {
    let mut open = Vec::new();
    for name in &settings.schema.member {
        match entry.take_range(name) {
            Some((values, Some(end))) => {
                open.push(Open { name: name.clone(), values, next: end + 1 });
            }
            Some((values, None)) => entry.set(name, values),
            None => {}
        }
    }
    (!open.is_empty()).then_some(open)
}

/// Asks for the rest, part by part ([MS-ADTS] §3.1.1.3.1.3.3). One member more than there may be
/// says that there are too many.
fn complete(source: &mut dyn Source, entry: &mut Entry, open: Vec<Open>) -> Result<(), LdapError> {
    for Open { name, mut values, mut next } in open {
        while values.len() <= GROUP_MEMBERS_MAX {
            let wanted = [format!("{name};range={next}-*")];
            let more = base(source, &entry.dn, &wanted)?;
            let Some((part, end)) = more.and_then(|mut more| more.take_range(&name)) else { break };
            values.extend(part);
            // An answer that does not lead on would be asked for again for ever.
            match end.filter(|end| *end >= next) {
                Some(end) => next = end + 1,
                None => break,
            }
        }
        entry.set(&name, values);
    }
    Ok(())
}
