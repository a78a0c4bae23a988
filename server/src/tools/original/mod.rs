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

mod content;
mod nodes;
mod people;
mod rows;
mod table;

use super::{Answer, Fault, database, note};
use crate::Exit;
use crate::admin::{Admin, Options, Rooms, Surface, load, open_configured};
use crate::config::Config;
use crate::files::write_whole;
use clap::{Args, ValueEnum};
use content::{Brought, Content};
use nodes::Nodes;
use parlance_core::Directory;
use parlance_core::admin::{Act, Actor};
use parlance_core::directory::{Change, Revision};
use parlance_people::Findings;
use parlance_storage::disk::real::RealDisk;
use parlance_storage::sql::{AnyStore, Store};
use parlance_wire::xccos::{Guid, Timestamp};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Rows of the database that one transaction writes.
const BATCH_ROWS: usize = 50_000;
/// Findings shown on the standard error; a report has more.
const SHOWN_MAX: usize = 20;

/// How much is brought (`product.md` §3.10).
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Level {
    /// Users, groups, folders, domains, and what they stand in
    User,
    /// Add-ins and categories
    Category,
    /// Rooms and invitations
    RoomDirectory,
    /// Messages
    Content,
}

/// What of the original is wanted.
#[derive(Debug, Clone, Args)]
pub struct Wanted {
    /// Of the original's tables: only say what would come of it
    #[arg(long)]
    dry_run: bool,
    /// Of the original's tables: only these parts, separated by commas; everything without it
    #[arg(long, value_delimiter = ',', value_name = "LEVELS")]
    level: Vec<Level>,
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
        !dry_run && level.is_empty() && since.is_none() && !skip_disabled && report.is_none()
    }

    fn has(&self, level: Level) -> bool {
        self.level.is_empty() || self.level.contains(&level)
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
    let tables = rows::read(folder)?;
    let mut findings = Findings::default();
    for missing in &tables.missing {
        let file = format!("tbl{missing}.csv");
        findings.add(&file, "is not there; what it would tell is not imported");
    }
    let mut target = Target::open(config, wanted.dry_run)?;
    let directory = target.directory.clone();
    let (people, persons) = people::plan(&tables, &directory, &mut findings);
    let nodes = nodes::plan(&tables, &people, &directory, wanted.skip_disabled, &mut findings);
    let Nodes { categories, rooms, ids, skipped } = nodes;
    let parts =
        [(Level::User, persons), (Level::Category, categories), (Level::RoomDirectory, rooms)];
    let mut counts = Counts::default();
    for (_, changes) in parts.into_iter().filter(|(level, _)| wanted.has(*level)) {
        changes.iter().for_each(|change| counts.add(change));
        target.load(changes)?;
    }
    // Rooms that are not here, as they were not asked for, take no messages.
    let ids = ids.into_iter().filter(|(_, id)| target.directory.room(*id).is_some()).collect();
    let (people, domain) = (&people, &*directory.domain);
    let content = Content { people, domain, rooms: &ids, skipped: &skipped, since };
    let store = target.writing.as_mut().map(|writing| &mut writing.store);
    let brought = match tables.chat.as_deref().filter(|_| wanted.has(Level::Content)) {
        Some(path) => content::bring(path, &content, store, &mut findings)?,
        None => Brought::default(),
    };
    counts.print(&brought, wanted.dry_run, out)?;
    tell(&findings, wanted.report.as_deref())?;
    Ok(Exit::Done)
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
        let lock = database::lock(&config.data)?;
        let mut store = AnyStore::open(&config.store)?;
        store.migrate()?;
        if let Some(because) = database::obstacle(config, &mut store)? {
            let text = format!("nothing was imported: {because}, then import again");
            return Err(Fault::Told(text));
        }
        database::remove_replica(config)?;
        let admin = open_configured(config, None)?.start(Box::new(|_, _| ()), Box::new(NoRooms))?;
        let directory = admin.directory();
        Ok(Target { directory, writing: Some(Writing { admin, store, _lock: lock }) })
    }

    /// Applies changes, in transactions of bearable size.
    fn load(&mut self, changes: Vec<Change>) -> Result<(), Fault> {
        for batch in batches(changes) {
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

/// In parts that one transaction can take; a change stands behind what it needs, in any of them.
fn batches(changes: Vec<Change>) -> Vec<Vec<Change>> {
    let (mut batches, mut rows) = (vec![Vec::new()], 0);
    for change in changes {
        let weight = 1 + match &change {
            Change::Parents { parents, .. } => parents.len(),
            Change::Entries { add, remove, .. } => add.len() + remove.len(),
            Change::Invited { users, .. } => users.len(),
            _ => 0,
        };
        if rows > 0 && rows + weight > BATCH_ROWS {
            batches.push(Vec::new());
            rows = 0;
        }
        rows += weight;
        batches.last_mut().expect("never empty").push(change);
    }
    batches.retain(|batch| !batch.is_empty());
    batches
}

/// How many of each are made or changed.
#[derive(Default)]
struct Counts {
    principals: usize,
    categories: usize,
    rooms: usize,
    addins: usize,
    entries: usize,
    invitations: usize,
}

impl Counts {
    fn add(&mut self, change: &Change) {
        match change {
            Change::Principal(_) => self.principals += 1,
            Change::Category(_) => self.categories += 1,
            Change::Room(_) => self.rooms += 1,
            Change::Addin(_) => self.addins += 1,
            Change::Entries { add, remove, .. } => self.entries += add.len() + remove.len(),
            Change::Invited { users, .. } => self.invitations += users.len(),
            _ => {}
        }
    }

    fn print(&self, brought: &Brought, dry_run: bool, out: &mut dyn Write) -> std::io::Result<()> {
        let Counts { principals, categories, rooms, addins, entries, invitations } = self;
        let Brought { imported, repeated, left } = brought;
        let head = if dry_run { "would be made or changed" } else { "made or changed" };
        writeln!(out, "{head}: {principals} principals, {categories} categories, {rooms} rooms,")?;
        writeln!(out, "{addins} add-ins, {entries} entries of lists, {invitations} invitations")?;
        let head = if dry_run { "messages in the tables" } else { "messages imported" };
        writeln!(out, "{head}: {imported}; there already: {repeated}; left out: {left}")
    }
}

/// Tells what was found, all of it in the report.
fn tell(findings: &Findings, report: Option<&Path>) -> Result<(), Fault> {
    for finding in findings.list.iter().take(SHOWN_MAX) {
        note(&super::shown(&finding.to_string()));
    }
    let more = findings.len().saturating_sub(SHOWN_MAX);
    if more > 0 {
        note(&format!("{more} more findings; --report FILE has them"));
    }
    let Some(path) = report else { return Ok(()) };
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut write = |fields: [&str; 2]| writer.write_record(fields).expect("memory takes all");
    write(["what", "finding"]);
    findings.list.iter().for_each(|finding| write([&finding.what, &finding.reason]));
    if findings.more > 0 {
        write([&format!("{} more", findings.more), "like these"]);
    }
    let text = String::from_utf8(writer.into_inner().expect("memory takes all"));
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    write_whole(&path, &text.expect("it was made of text"), 0o600)
        .map_err(|e| Fault::Told(format!("the report {} cannot be written ({e})", path.display())))
}
