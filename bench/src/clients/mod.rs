//! The clients: the same program for the broker and for the bare limit.
//!
//! One process on a core of its own. Its sessions sign in, join their rooms, and answer every
//! delivery with the 200 that a client owes; some of them post. On its standard input it is told,
//! line by line, what to do and to measure ([`Order`]); it answers each with one line of JSON
//! ([`Window`]). Whatever it is told, it checks that each session gets each message of its rooms
//! once and in order.

mod cast;
mod crowd;
mod ledger;
mod link;
mod run;

use crate::{Outcome, cpu};
pub use cast::{Cast, Group, Order, Slow, Stream, Window};
use crowd::Crowd;
use std::io::{BufRead, Write};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Who takes part, as JSON.
    #[arg(long)]
    pub cast: String,
    /// Core to run on.
    #[arg(long)]
    pub core: usize,
}

/// What the clients say when all are in their rooms.
pub const READY: &str = "ready";

/// Signs in, then measures what it is told to until its standard input ends.
///
/// # Errors
/// If the server does not do what clients need.
pub fn run(args: &Args) -> Outcome<()> {
    cpu::bind(args.core)?;
    let mut crowd = Crowd::sign_in(serde_json::from_str(&args.cast)?)?;
    let mut out = std::io::stdout();
    writeln!(out, "{READY}")?;
    for line in std::io::stdin().lock().lines() {
        let order: Order = serde_json::from_str(&line?)?;
        let window = run::measure(&mut crowd, &order)?;
        writeln!(out, "{}", serde_json::to_string(&window)?)?;
    }
    Ok(())
}
