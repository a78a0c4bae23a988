//! What the directory costs at full size: memory, decisions, and how soon a change is in force.
//!
//! The product's sample organisation (`parlance_core::directory::sample`) in this process and
//! nothing else. The allocator is the standard one, not the server's.

mod changes;
mod decisions;

use crate::Outcome;
use crate::spread::Spread;
use parlance_core::directory::sample::{Sample, USERS};
use parlance_core::directory::{Change, Directory};
use serde::Serialize;
use std::path::PathBuf;
use std::time::Instant;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Users of the organisation.
    #[arg(long, default_value_t = USERS)]
    users: u32,
    /// Entries in lists, if more than follow from the users: the product allows 2,000,000.
    #[arg(long)]
    entries: Option<u32>,
    /// Another seed makes another organisation.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How often each thing is measured.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Decisions of each kind in a round.
    #[arg(long, default_value_t = 1_000_000)]
    decisions: usize,
    /// Write the report here, too.
    #[arg(long)]
    json: Option<PathBuf>,
}

/// Everything measured.
#[derive(Debug, Serialize)]
struct Report {
    users: u32,
    principals: usize,
    rooms: usize,
    entries: usize,
    apply_batches_ms: f64,
    apply_at_once_ms: f64,
    snapshot_mib: f64,
    second_snapshot_mib: f64,
    decisions: Vec<decisions::Row>,
    changes: Vec<changes::Row>,
}

/// Measures and prints.
pub fn run(args: &Args) -> Outcome<()> {
    let sample =
        Sample { entries: args.entries, ..Sample::new(args.users, args.seed, "example.test") };
    // First, while nothing that was freed hides what is taken.
    let before = resident_mib()?;
    let (directory, apply_batches_ms) = build(&sample)?;
    let snapshot_mib = resident_mib()? - before;
    let second_snapshot_mib = changes::memory(&sample, &directory)?;
    let report = Report {
        users: args.users,
        principals: directory.people().len(),
        rooms: directory.rooms().count(),
        entries: entries(&directory),
        apply_batches_ms,
        apply_at_once_ms: at_once(&sample)?,
        snapshot_mib,
        second_snapshot_mib,
        decisions: decisions::measure(&sample, &directory, args.rounds, args.decisions),
        changes: changes::measure(&sample, &directory, args.rounds)?,
    };
    report.print();
    crate::save(args.json.as_deref(), &report)
}

/// Applies batch by batch, and says how long that took, what made the changes left out.
fn build(sample: &Sample) -> Outcome<(Directory, f64)> {
    let mut directory = Directory::empty(&sample.domain);
    let mut spent_ms = 0.0;
    for batch in sample.batches() {
        let begin = Instant::now();
        (directory, _) = directory.apply(&batch)?;
        spent_ms += ms_since(begin);
    }
    Ok((directory, spent_ms))
}

/// Applies everything as one batch, as a server does when it starts.
fn at_once(sample: &Sample) -> Outcome<f64> {
    let changes: Vec<Change> = sample.batches().flatten().collect();
    let begin = Instant::now();
    let made = Directory::empty(&sample.domain).apply(&changes)?;
    let spent_ms = ms_since(begin);
    drop(made);
    Ok(spent_ms)
}

fn entries(directory: &Directory) -> usize {
    let rooms = directory.rooms();
    rooms.map(|room| room.members().len() + room.managers().len() + room.presenters().len()).sum()
}

fn ms_since(begin: Instant) -> f64 {
    begin.elapsed().as_secs_f64() * 1e3
}

/// What the process has of the machine's memory now.
fn resident_mib() -> Outcome<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib: f64 =
        line.and_then(|line| line.trim().strip_suffix(" kB")).ok_or("no VmRSS")?.parse()?;
    Ok(kib / 1024.0)
}

impl Report {
    fn print(&self) {
        let Report { users, principals, rooms, entries, .. } = self;
        println!("{users} users, {principals} principals, {rooms} rooms, {entries} entries");
        println!("{:44}{:>12.0} ms", "all changes in batches", self.apply_batches_ms);
        println!("{:44}{:>12.0} ms", "all changes at once", self.apply_at_once_ms);
        println!("{:44}{:>12.1} MiB", "snapshot", self.snapshot_mib);
        println!("{:44}{:>12.1} MiB", "the next one, beside it", self.second_snapshot_mib);
        println!("\n{:44}{:>24}", "decision", "ns");
        for row in &self.decisions {
            println!("{:44}{:>24}", row.name, row.nanoseconds);
        }
        println!("\n{:36}{:>26}{:>22}{:>9}{:>9}", "change", "ms", "drop, ms", "rooms", "people");
        for row in &self.changes {
            let (apply, drop) = (row.apply_ms, row.drop_ms);
            let (rooms, people) = (row.rooms, row.people);
            println!("{:36}{apply:>26.2}{drop:>22.2}{rooms:>9}{people:>9}", row.name);
        }
    }
}
