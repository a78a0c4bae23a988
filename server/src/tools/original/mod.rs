//! `parlance import` of a folder with the tables of the original's database, as CSV files.
//!
//! The archive that the original's export writes is described nowhere. Its database is, and has
//! more: [ADR 0011](../../../../docs/adr/0011-import-from-tables.md). Everything is planned on the
//! directory in force before anything is written; what cannot be taken over as it is, is told, and
//! stops nothing. Doing it again does no harm, and brings what is new.
//!
//! | module | subject |
//! |---|---|
//! | `table` | a table as a CSV file |
//! | `rows` | the tables that make up the directory |
//! | `people`, `nodes` | what they come to here |
//! | `content` | messages |
//! | `findings` | what could not be taken over as it is |

mod content;
mod findings;
mod nodes;
mod people;
mod rows;
mod table;

use super::{Answer, Fault, database};
use crate::Exit;
use crate::admin::{Admin, Options, Rooms, Surface, load, open_configured};
use crate::config::Config;
use clap::{Args, ValueEnum};
use content::{Brought, Content};
use findings::FINDINGS_MAX;
use hashbrown::{HashMap, HashSet};
use nodes::Nodes;
use parlance_core::Directory;
use parlance_core::admin::{Act, Actor};
use parlance_core::directory::{Change, Revision};
use parlance_people::Findings;
use parlance_storage::disk::real::RealDisk;
use parlance_storage::sql::{AnyStore, Store};
use parlance_wire::xccos::{Guid, Timestamp};
use rows::Tables;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Rows of the database that one transaction writes.
const BATCH_ROWS: usize = 50_000;

/// How much is brought (`product.md` §3.10).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Level {
    /// Everything
    #[default]
    All,
    /// Users, groups, folders, domains, and what they stand in
    User,
    /// These, and add-ins and categories
    Category,
    /// These, and rooms and invitations
    RoomDirectory,
    /// Messages alone
    Content,
}

/// What of the original is wanted.
#[derive(Debug, Clone, Args)]
pub struct Wanted {
    /// Of the original's tables: only say what would come of it
    #[arg(long)]
    dry_run: bool,
    /// Of the original's tables: only a part
    #[arg(long, value_enum, default_value_t)]
    level: Level,
    /// Of the original's tables: no messages before this time, such as 2020-01-01T00:00:00Z
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Of the original's tables: no disabled rooms
    #[arg(long)]
    skip_disabled: bool,
    /// Of the original's tables: write what was found into this file, as CSV
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

impl Wanted {
    /// Everything, in earnest.
    pub fn is_plain(&self) -> bool {
        let Wanted { dry_run, level, since, skip_disabled, report } = self;
        let is_all = *level == Level::All && since.is_none() && report.is_none();
        is_all && !dry_run && !skip_disabled
    }

    fn has(&self, part: Level) -> bool {
        let order = [Level::User, Level::Category, Level::RoomDirectory];
        let place = |level| order.iter().position(|known| *known == level);
        match (self.level, place(part)) {
            (Level::All, _) => true,
            (level, Some(part)) => place(level).is_some_and(|level| part <= level),
            (level, None) => level == part,
        }
    }
}

/// Reads the tables in `folder`.
///
/// # Errors
/// Cause, effect, next step.
pub fn run(folder: &Path, wanted: &Wanted, config: &Config, out: &mut dyn Write) -> Answer {
    let since = match &wanted.since {
        Some(text) => Some(Timestamp::parse(text).ok_or_else(|| {
            format!("--since {text:?} is no time; write it as 2020-01-01T00:00:00Z")
        })?),
        None => None,
    };
    let mut findings = Findings::at_most(FINDINGS_MAX);
    let tables = rows::read(folder, &mut findings)?;
    for missing in &tables.missing {
        let file = format!("tbl{missing}.csv");
        findings.add(&file, "is not there; what it would tell is not imported");
    }
    if config.directory.admits_unknown {
        let reason = "is \"admit\": whoever is in no table may chat, as a member of the domain; \
                      the original refused them; write \"refuse\"";
        findings.add("[people] unknown", reason);
    }
    let mut target = Target::open(config, wanted.dry_run)?;
    let mut done = Counts::default();
    let outcome = import(&tables, wanted, since, config, &mut target, &mut findings, &mut done);
    done.print(wanted.dry_run, out)?;
    findings::tell(&findings, wanted.report.as_deref())?;
    outcome.map(|()| Exit::Done)
}

fn import(
    tables: &Tables,
    wanted: &Wanted,
    since: Option<Timestamp>,
    config: &Config,
    target: &mut Target,
    findings: &mut Findings,
    done: &mut Counts,
) -> Result<(), Fault> {
    let directory = target.directory.clone();
    let (people, persons) =
        people::plan(tables, &directory, config.people.ldap.is_some(), findings);
    let nodes = nodes::plan(tables, &people, &directory, wanted.skip_disabled, findings);
    let Nodes { categories, rooms, ids, skipped } = nodes;
    let parts =
        [(Level::User, persons), (Level::Category, categories), (Level::RoomDirectory, rooms)];
    let invitations = target.invitations()?;
    for (_, changes) in parts.into_iter().filter(|(part, _)| wanted.has(*part)) {
        target.load(changes, done)?;
    }
    if let (Some(before), Some(after)) = (invitations, target.invitations()?) {
        done.invitations = after.saturating_sub(before);
    }
    // Rooms that are not here, as they were not asked for, take no messages.
    let ids = ids.into_iter().filter(|(_, id)| target.directory.room(*id).is_some());
    let ids: HashMap<_, _> = ids.collect();
    let is_new = |id: &Guid| directory.room(*id).is_none();
    let new = ids.values().copied().filter(is_new).collect();
    let (people, domain) = (&people, &*directory.domain);
    let content = Content { people, domain, rooms: &ids, new: &new, skipped: &skipped, since };
    let store = target.writing.as_mut().map(|writing| &mut writing.store);
    match tables.chat.as_deref().filter(|_| wanted.has(Level::Content)) {
        Some(path) => content::bring(path, &content, store, findings, &mut done.brought),
        None => Ok(()),
    }
}

/// What it goes into.
struct Target {
    /// As it is by now.
    directory: Arc<Directory>,
    /// Missing when nothing is to be written.
    writing: Option<Writing>,
}

struct Writing {
    admin: Admin,
    store: AnyStore,
    /// Keeps servers away.
    _lock: RealDisk,
}

impl Target {
    fn open(config: &Config, dry_run: bool) -> Result<Target, Fault> {
        if dry_run {
            return Ok(Target { directory: seen(config)?, writing: None });
        }
        let (lock, store) = database::open_for_import(config)?;
        let admin = open_configured(config, None)?.start(Box::new(|_, _| ()), Box::new(NoRooms))?;
        let directory = admin.directory();
        Ok(Target { directory, writing: Some(Writing { admin, store, _lock: lock }) })
    }

    /// Invitations in the database.
    fn invitations(&mut self) -> Result<Option<u64>, Fault> {
        let Some(writing) = &mut self.writing else { return Ok(None) };
        Ok(Some(writing.store.invitations_total()?))
    }

    /// Applies changes, in transactions of bearable size.
    fn load(&mut self, changes: Vec<Vec<Change>>, done: &mut Counts) -> Result<(), Fault> {
        for batch in batches(changes) {
            let counts = Counts::of(&batch);
            self.directory = match &self.writing {
                Some(Writing { admin, .. }) => {
                    let actor = Actor::Administrator { name: "import".into() };
                    let (act, options) = (Act::Load(batch), Options::default());
                    admin.submit(actor, act, Surface::Command, options).map_err(|error| {
                        format!(
                            "{error}. What came before it is imported; mend the cause and import \
                             again, which does no harm"
                        )
                    })?;
                    admin.directory()
                }
                None => {
                    let applied = self.directory.apply(&batch);
                    let (next, _) = applied.map_err(|e| format!("an import would fail: {e}"))?;
                    Arc::new(next)
                }
            };
            done.add(&counts);
        }
        Ok(())
    }
}

/// The directory in force, where there is one; else the one that a server would begin with.
fn seen(config: &Config) -> Result<Arc<Directory>, Fault> {
    let sqlite = config.store.strip_prefix("sqlite:");
    if sqlite.is_some_and(|path| !Path::new(path).is_file()) {
        return Ok(config.directory.clone());
    }
    let mut store = database::open(config)?;
    let is_fresh = store.check()?.version == 0 || store.directory_revision()? == Revision(0);
    if is_fresh {
        return Ok(config.directory.clone());
    }
    let of = &config.directory;
    let read = |take: &mut dyn FnMut(Change)| Ok(store.directory_load(take)?);
    Ok(Arc::new(load(read, &of.domain, of.admits_unknown)?))
}

/// Nobody is in any room while this runs.
struct NoRooms;

impl Rooms for NoRooms {
    fn settle(&self, _: Guid) -> Result<u64, String> {
        Ok(0)
    }

    fn forget(&self, _: Guid, _: u64) {}
}

/// In parts that one transaction can take; what stands together stays so, and stands behind what it
/// needs. One list that is longer than a part goes alone.
fn batches(units: Vec<Vec<Change>>) -> Vec<Vec<Change>> {
    let weight = |change: &Change| {
        1 + match change {
            Change::Parents { parents, .. } => parents.len(),
            Change::Entries { add, remove, .. } => add.len() + remove.len(),
            Change::Invited { users, .. } => users.len(),
            _ => 0,
        }
    };
    let (mut batches, mut rows) = (vec![Vec::new()], 0);
    for unit in units {
        let unit_rows: usize = unit.iter().map(weight).sum();
        if rows > 0 && rows + unit_rows > BATCH_ROWS {
            batches.push(Vec::new());
            rows = 0;
        }
        rows += unit_rows;
        batches.last_mut().expect("never empty").extend(unit);
    }
    batches.retain(|batch| !batch.is_empty());
    batches
}

/// How many of each are made or changed.
#[derive(Default)]
struct Counts {
    people: HashSet<Guid>,
    categories: usize,
    rooms: usize,
    addins: usize,
    entries: usize,
    /// In the tables; by an import, only those that were new.
    invitations: u64,
    brought: Brought,
}

impl Counts {
    fn of(changes: &[Change]) -> Counts {
        let mut counts = Counts::default();
        for change in changes {
            match change {
                Change::Principal(principal) => drop(counts.people.insert(principal.id)),
                Change::Parents { child, .. } => drop(counts.people.insert(*child)),
                Change::Category(_) => counts.categories += 1,
                Change::Room(_) => counts.rooms += 1,
                Change::Addin(_) => counts.addins += 1,
                Change::Entries { add, remove, .. } => counts.entries += add.len() + remove.len(),
                Change::Invited { users, .. } => counts.invitations += users.len() as u64,
                _ => {}
            }
        }
        counts
    }

    fn add(&mut self, other: &Counts) {
        self.people.extend(&other.people);
        self.categories += other.categories;
        self.rooms += other.rooms;
        self.addins += other.addins;
        self.entries += other.entries;
        self.invitations += other.invitations;
    }

    fn print(&self, dry_run: bool, out: &mut dyn Write) -> std::io::Result<()> {
        let Counts { people, categories, rooms, addins, entries, invitations, brought } = self;
        let (principals, Brought { imported, repeated, left }) = (people.len(), brought);
        let head = if dry_run { "would be made or changed" } else { "made or changed" };
        writeln!(out, "{head}: {principals} principals, {categories} categories, {rooms} rooms,")?;
        writeln!(out, "{addins} add-ins, {entries} entries of lists, {invitations} invitations")?;
        let head = if dry_run { "messages in the tables" } else { "messages imported" };
        writeln!(out, "{head}: {imported}; there already: {repeated}; left out: {left}")
    }
}
