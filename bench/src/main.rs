//! `parlance-bench`: what the broker's hot paths cost, beside what they cannot cost less than.
//!
//! | module | subject |
//! |---|---|
//! | [`fanout`] | the comparison: both sides in turn, one round after the other |
//! | [`bare`] | the limit: the same bytes to the same sockets, without a broker |
//! | [`clients`] | who signs in, posts, reads, answers and counts; the same for both sides |
//! | [`cpu`] | processor time of a process, by the kernel's accounting |
#![forbid(unsafe_code)]

mod bare;
mod clients;
mod cpu;
mod fanout;
mod socket;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

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
    /// The bare limit; started by `fanout`.
    #[command(hide = true)]
    Bare(bare::Args),
    /// The clients; started by `fanout`.
    #[command(hide = true)]
    Clients(clients::Args),
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Fanout(args) => fanout::run(&args),
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

/// What any part of the program fails with.
type Outcome<T> = Result<T, Box<dyn std::error::Error>>;
