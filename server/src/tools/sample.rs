//! `parlance store sample`: a made-up organisation for tests and trials.

use super::{Answer, Fault, bar, database};
use crate::Exit;
use crate::admin::{Surface, of_load};
use crate::config::Config;
use clap::{Args, value_parser};
use parlance_core::directory::Revision;
use parlance_core::directory::sample::{CLASSES, Sample as Organisation, USERS};
use parlance_storage::sql::{AnyStore, Store};
use std::io::Write;

/// Most users that a directory is sized for (`product.md` §4.1).
const USERS_MAX: i64 = 150_000;
/// Most entries in lists, likewise.
const ENTRIES_MAX: i64 = 2_000_000;

/// What to make up.
#[derive(Debug, Clone, Args)]
pub struct Sample {
    /// Users; rooms and groups follow from them
    #[arg(long, default_value_t = USERS, value_parser = value_parser!(u32).range(1..=USERS_MAX))]
    users: u32,
    /// Entries in the lists of all rooms, if more than follow from the users
    #[arg(long, value_parser = value_parser!(u32).range(1..=ENTRIES_MAX))]
    entries: Option<u32>,
    /// Another seed makes another organisation of the same size
    #[arg(long, default_value = "1")]
    seed: u64,
}

/// Writes it, batch by batch. Doing it again changes nothing.
///
/// # Errors
/// Cause, effect, next step.
pub fn run(sample: &Sample, config: &Config, out: &mut dyn Write) -> Answer {
    let _lock = database::lock(&config.data)?;
    let mut store = AnyStore::open(&config.store)?;
    store.migrate()?;
    database::remove_replica(config)?;
    let Sample { users, entries, seed } = *sample;
    let organisation =
        Organisation { entries, ..Organisation::new(users, seed, &config.directory.domain) };
    let mut revision = store.directory_revision()?;
    // The first batch is what every directory begins with.
    let skipped = usize::from(revision > Revision(0));
    let progress = bar("writing", organisation.batches().count() as u64);
    for batch in organisation.batches().skip(skipped) {
        let record = of_load("sample", Surface::Command, &batch, revision, "");
        revision = store.directory_commit(revision, &batch, &record).map_err(|error| {
            Fault::Told(format!(
                "{error}. What was written before stays; an empty database takes all of it"
            ))
        })?;
        progress.inc(1);
    }
    progress.finish_and_clear();
    let rooms: u32 = CLASSES.iter().map(|class| class.rooms(users)).sum();
    writeln!(out, "{users} users, from {} on, and {rooms} rooms", organisation.user_uri(0))?;
    Ok(Exit::Done)
}
