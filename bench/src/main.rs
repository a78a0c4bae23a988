//! `parlance-bench`: what the broker's hot paths cost, beside what they cannot cost less than.
//!
//! | module | subject |
//! |---|---|
//! | [`fanout`] | deliveries per CPU-second, beside the limit |
//! | [`large_room`] | one post to thousands, and what it does to a small room beside |
//! | [`slow_readers`] | what readers that are slow or dead cost others and the memory |
//! | [`scaling`] | the cost of a delivery as sessions become more |
//! | [`bare`] | the limit: the same bytes to the same sockets, without a broker |
//! | [`clients`] | who signs in, posts, reads, answers and counts; the same for both sides |
//! | [`directory`] | memory, decisions and changes of an organisation of 80,000 |
//! | [`tls`] | what TLS costs beside TCP |
//! | [`sides`] | the processes of an experiment |
//! | [`cpu`], [`counters`] | processor time by the kernel's accounting, instructions |
#![forbid(unsafe_code)]

mod bare;
mod clients;
mod counters;
mod cpu;
mod directory;
mod fanout;
mod large_room;
mod scaling;
mod sides;
mod slow_readers;
mod socket;
mod spread;
mod tls;

use clap::{Parser, Subcommand};
use parlance_bench::budgets;
use std::path::Path;
use std::process::ExitCode;

/// The server's own, so that the directory lies in memory here as it does there.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures what the broker's hot paths cost.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Deliveries per CPU-second of the broker and of the bare limit, in alternating rounds.
    Fanout(fanout::Args),
    /// When the last of 16,000 members has a post, and how a small room fares meanwhile.
    LargeRoom(large_room::Args),
    /// What slow and dead readers cost others and the memory, and that slow ones miss nothing.
    SlowReaders(slow_readers::Args),
    /// The cost of a delivery as sessions become more, with a drawing.
    Scaling(scaling::Args),
    /// Instructions of the hot steps beside their budgets.
    Budgets {
        /// Make what is counted now the budgets.
        #[arg(long)]
        update: bool,
    },
    /// Memory, handshakes and deliveries of TLS beside TCP.
    Tls(tls::Args),
    /// Memory, decisions and changes of an organisation of 80,000 users.
    Directory(directory::Args),
    /// The bare limit; started by the experiments.
    #[command(hide = true)]
    Bare(bare::Args),
    /// The clients; started by the experiments.
    #[command(hide = true)]
    Clients(clients::Args),
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Fanout(args) => fanout::run(&args),
        Command::LargeRoom(args) => large_room::run(&args),
        Command::SlowReaders(args) => slow_readers::run(&args),
        Command::Scaling(args) => scaling::run(&args),
        Command::Budgets { update } => count(update),
        Command::Tls(args) => tls::run(&args),
        Command::Directory(args) => directory::run(&args),
        Command::Bare(args) => bare::run(&args),
        Command::Clients(args) => clients::run(&args),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("parlance-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Counts and prints.
fn count(update: bool) -> Outcome<()> {
    let counts = budgets::count_all()?;
    println!("{:24}{:>12}{:>12}{:>9}", "instructions", "counted", "budget", "");
    for count in &counts {
        let (name, budget) = (count.name, count.budget.unwrap_or(f64::NAN));
        let excess = 100.0 * count.excess();
        println!("{name:24}{:>12.1}{budget:>12.1}{excess:>+8.1} %", count.counted);
    }
    match update {
        true => Ok(std::fs::write(
            budgets::path(),
            budgets::to_toml(&counts, &budgets::environment()?),
        )?),
        false => Ok(()),
    }
}

/// Writes a report as JSON, if that is wanted.
fn save(path: Option<&Path>, report: &impl serde::Serialize) -> Outcome<()> {
    match path {
        Some(path) => Ok(std::fs::write(path, serde_json::to_vec_pretty(report)?)?),
        None => Ok(()),
    }
}

/// What any part of the program fails with.
type Outcome<T> = Result<T, Box<dyn std::error::Error>>;
