//! People kept up to date with another directory, beside a running server.

use crate::admin::{Admin, AdminNumbers, Options, Surface};
use parlance_core::admin::{Act, Actor, PersonRecord};
use parlance_people::ldap::{Settings, Sync};
use parlance_people::runner::{Hooks, Runner, Told};
use std::sync::atomic::Ordering;

/// Starts the thread that reads people and has administration take over what is new.
///
/// # Errors
/// If there is no thread.
pub fn start(settings: Settings, administration: Admin) -> Result<Runner, String> {
    let (known, numbers) = (administration.clone(), administration.numbers().clone());
    let submit = move |records: Vec<PersonRecord>| {
        let actor = Actor::Administrator { name: "people.ldap".to_owned() };
        let (act, options) = (Act::SyncPeople(records), Options::default());
        let outcome = administration.submit(actor, act, Surface::Sync, options);
        outcome.map(drop).map_err(|error| error.to_string())
    };
    let told = move |told: &Told| match told {
        Told::Done { report, .. } => {
            AdminNumbers::count(&numbers.people_runs);
            let findings = report.findings.len() as u64;
            numbers.people_findings.store(findings, Ordering::Relaxed);
            tracing::info!("{told}");
            for finding in &report.findings.list {
                tracing::warn!("people: {finding}");
            }
        }
        Told::Unread(_) | Told::Untaken(_) => {
            AdminNumbers::count(&numbers.people_runs_failed);
            tracing::warn!(
                effect = "people stay as they were",
                next_step = "see [people.ldap] of the configuration; it is tried again",
                "{told}"
            );
        }
    };
    Runner::start(
        Sync::new(settings),
        None,
        Hooks { known: move || known.directory(), submit, told },
    )
}
