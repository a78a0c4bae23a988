//! People from LDAP as plain data, from a real OpenLDAP, and from CSV files.

mod active_directory;
mod memory;
mod openldap;
mod people_csv;
mod slapd;

use crate::ldap::dn::Dn;
use crate::ldap::{Cookie, Outcome, Preset, Report, Schema, Security, Settings};
use parlance_core::Directory;
use parlance_core::admin::{Act, Actor, Context, PersonRecord, plan};
use parlance_core::directory::Person;
use parlance_core::directory::model::PrincipalState;
use parlance_wire::xccos::{Guid, Timestamp};
use std::time::Duration;

/// The directory in force, changed by the same act as in the server.
struct Org {
    directory: Directory,
    cookie: Option<Cookie>,
}

impl Org {
    fn new() -> Org {
        let directory = Directory::new("example.com", Vec::new()).expect("no rooms clash");
        Org { directory, cookie: None }
    }

    fn submit(&mut self, records: Vec<PersonRecord>) {
        let by = Actor::Administrator { name: "people".into() };
        let context = Context { now: Timestamp::default(), fresh: Guid(1) };
        let act = Act::SyncPeople(records);
        let plan = plan(&self.directory, &by, &act, &context).expect("records are never refused");
        let (next, _) = self.directory.apply(&plan.changes).expect("planned on it");
        self.directory = next;
    }

    fn take(&mut self, outcome: Outcome) -> Report {
        self.submit(outcome.records);
        self.cookie.clone_from(&outcome.report.cookie);
        outcome.report
    }

    fn person(&self, uri: &str) -> &Person {
        let people = self.directory.people();
        let id = people.find_uri(uri).unwrap_or_else(|| panic!("{uri} is known"));
        people.get(id).expect("found by its URI")
    }

    fn state(&self, user: &str) -> PrincipalState {
        self.person(&format!("sip:{user}@example.com")).principal.state
    }

    /// Names of what somebody stands in, at any distance, sorted.
    fn belongs(&self, user: &str) -> Vec<&str> {
        let person = self.person(&format!("sip:{user}@example.com"));
        let people = self.directory.people();
        let all = person.affiliations().ids().iter().filter_map(|id| people.get(*id));
        let mut names: Vec<&str> = all.map(|p| &*p.principal.display_name).collect();
        names.sort_unstable();
        names
    }
}

fn settings(preset: Preset, url: &str) -> Settings {
    let base = "dc=example,dc=com";
    Settings {
        url: url.into(),
        security: Security::Plain,
        ca_file: None,
        credentials: None,
        base: base.into(),
        base_dn: Dn::parse(base).expect("a name"),
        schema: Schema::new(preset, "example.com"),
        page_size: 500,
        timeout: Duration::from_secs(30),
        interval: Duration::from_secs(300),
        sweep_every: 1_000,
        full_every: 1_000,
        departures_percent_max: 25,
    }
}

/// What findings say of the entry whose name begins so.
fn finding<'r>(report: &'r Report, what: &str) -> &'r str {
    let found = report.findings.list.iter().find(|finding| finding.what.starts_with(what));
    &found.unwrap_or_else(|| panic!("a finding of {what} in {:#?}", report.findings)).reason
}
