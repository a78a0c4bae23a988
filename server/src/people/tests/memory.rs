//! A directory in memory that understands filters, numbers its changes and sends long lists in
//! parts as Active Directory does.

use crate::ldap::LdapError;
use crate::ldap::entry::Entry;
use crate::ldap::sync::{Reach, Search, Source};

/// Values of `member` that are sent at once.
const RANGE: usize = 3;

pub struct Memory {
    pub entries: Vec<Entry>,
    pub usn: u64,
    pub invocation: [u8; 16],
    /// Filters that were searched for below the base.
    pub asked: Vec<String>,
}

impl Memory {
    pub fn new() -> Memory {
        Memory { entries: Vec::new(), usn: 0, invocation: [7; 16], asked: Vec::new() }
    }

    /// Writes an entry, or writes it anew.
    pub fn put(&mut self, dn: &str, id: u8, attributes: &[(&str, &[&str])]) {
        self.usn += 1;
        let values = |values: &[&str]| values.iter().map(|v| v.as_bytes().to_vec()).collect();
        let all = attributes.iter().map(|(name, list)| (name.to_lowercase(), values(list)));
        let mut entry = Entry { dn: dn.into(), attributes: all.collect() };
        entry.set("objectguid", vec![vec![id; 16]]);
        entry.set("usnchanged", vec![self.usn.to_string().into_bytes()]);
        let is_same = |old: &Entry| old.all_values("objectguid") == Some(&[vec![id; 16]][..]);
        self.entries.retain(|old| !is_same(old));
        self.entries.push(entry);
    }

    pub fn user(&mut self, dn: &str, id: u8, sip: &str, more: &[(&str, &[&str])]) {
        let sip = [sip];
        let mut all: Vec<(&str, &[&str])> = vec![
            ("objectClass", &["top", "person", "user"]),
            ("objectCategory", &["person"]),
            ("msRTCSIP-PrimaryUserAddress", &sip),
        ];
        all.extend_from_slice(more);
        self.put(dn, id, &all);
    }

    pub fn group(&mut self, dn: &str, id: u8, name: &str, members: &[&str]) {
        self.put(dn, id, &[("objectClass", &["group"]), ("cn", &[name]), ("member", members)]);
    }

    fn root(&self, base: &str) -> Option<Entry> {
        let text = |name: &str, value: &[u8]| (name.to_owned(), vec![value.to_vec()]);
        let attributes = match base {
            "" => vec![
                text("highestcommittedusn", self.usn.to_string().as_bytes()),
                text("dsservicename", b"cn=ntds"),
            ],
            "cn=ntds" => vec![text("invocationid", &self.invocation)],
            _ => return None,
        };
        Some(Entry { dn: base.into(), attributes })
    }
}

impl Source for Memory {
    fn search(
        &mut self,
        search: &Search<'_>,
        take: &mut dyn FnMut(Entry) -> Result<(), LdapError>,
    ) -> Result<(), LdapError> {
        if search.reach == Reach::Base {
            let there = self.entries.iter().find(|entry| entry.dn == search.base).cloned();
            let found = self.root(search.base).or(there.map(|entry| part(entry, search)));
            return found.map_or(Ok(()), take);
        }
        self.asked.push(search.filter.to_owned());
        for entry in self.entries.iter().filter(|entry| fits(search.filter, entry)) {
            take(part(entry.clone(), search))?;
        }
        Ok(())
    }
}

/// The entry as it goes out: long lists of members in parts.
fn part(mut entry: Entry, search: &Search<'_>) -> Entry {
    let wanted = search.attributes.iter().find(|name| name.starts_with("member"));
    let Some(all) = entry.all_values("member").map(<[_]>::to_vec) else { return entry };
    let Some(wanted) = wanted.filter(|_| all.len() > RANGE) else { return entry };
    let from = wanted.strip_prefix("member;range=").and_then(|range| range.split('-').next());
    let from: usize = from.map_or(0, |from| from.parse().expect("a number"));
    let end = (from + RANGE).min(all.len());
    let last = if end == all.len() { "*".to_owned() } else { (end - 1).to_string() };
    entry.set("member", Vec::new());
    entry.attributes.push((format!("member;range={from}-{last}"), all[from..end].to_vec()));
    entry
}

/// Enough of RFC 4515 for the filters of the presets.
pub fn fits(filter: &str, entry: &Entry) -> bool {
    let (fits, rest) = eval(filter, entry);
    assert_eq!(rest, "", "in {filter}");
    fits
}

fn eval<'f>(filter: &'f str, entry: &Entry) -> (bool, &'f str) {
    let inner = filter.strip_prefix('(').unwrap_or_else(|| panic!("no filter: {filter}"));
    let operator = inner.chars().next().expect("a filter");
    if !"&|!".contains(operator) {
        let (assertion, rest) = inner.split_once(')').expect("closed");
        return (holds(assertion, entry), rest);
    }
    let (mut rest, mut all) = (&inner[1..], Vec::new());
    while rest.starts_with('(') {
        let (fits, behind) = eval(rest, entry);
        all.push(fits);
        rest = behind;
    }
    let fits = match operator {
        '&' => all.iter().all(|fits| *fits),
        '|' => all.iter().any(|fits| *fits),
        _ => !all[0],
    };
    (fits, rest.strip_prefix(')').expect("closed"))
}

fn holds(assertion: &str, entry: &Entry) -> bool {
    let (name, value) = assertion.split_once('=').expect("an assertion");
    if let Some(name) = name.strip_suffix('>') {
        let least: u64 = value.parse().expect("a number");
        return entry.text(name).is_some_and(|text| text.parse::<u64>().expect("one") >= least);
    }
    match value.strip_suffix('*') {
        Some(start) => entry.texts(name).any(|text| text.starts_with(start)),
        None => entry.texts(name).any(|text| text.eq_ignore_ascii_case(value)),
    }
}
