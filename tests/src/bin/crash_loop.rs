//! `crash-loop`: kills the real server under load at random moments, over and over, and checks that
//! each acknowledged post is in the history afterwards, once and in order.

use clap::{Parser, ValueEnum};
use parlance_tests::crash::{self, Plan, Progress, Store};
use std::process::ExitCode;

/// Kills the real server under load at random moments, over and over, and checks that each
/// acknowledged post is in the history afterwards, once and in order.
///
/// Exit code: 0 clean, 1 otherwise.
#[derive(Debug, Parser)]
struct Args {
    /// Kills of a server that was ready; kills in the middle of a start come on top.
    #[arg(long, default_value_t = 200)]
    cycles: u32,
    /// The database behind the log. PostgreSQL is started for the loop.
    #[arg(long, value_enum, default_value_t = Database::Sqlite)]
    store: Database,
    /// What an author's 200 means.
    #[arg(long, value_enum, default_value_t = Ack::Log)]
    ack: Ack,
    /// Posts per second over all rooms.
    #[arg(long, default_value_t = 500.0)]
    rate: f64,
    /// Users, each on a link of its own.
    #[arg(long, default_value_t = 200)]
    users: u32,
    /// Rooms.
    #[arg(long, default_value_t = 3)]
    rooms: u32,
    /// Members of each room; users are spread over the rooms evenly.
    #[arg(long, default_value_t = 100)]
    room_size: u32,
    /// Bytes of text in each post, mark included. Long ones fill segments of the log, so that some
    /// are removed while the server is killed.
    #[arg(long, default_value_t = 256)]
    message_bytes: u32,
    /// Chooses the moments, the authors and the rooms.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Database {
    Sqlite,
    Postgresql,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Ack {
    Log,
    Sql,
}

/// In half of the cycles the kill waits for load; in the others it may hit those who come back.
const FLOW_PERCENT: u64 = 50;
/// Milliseconds from the time the server is ready, or load flows again, to the kill.
const KILL_AFTER_MS: std::ops::RangeInclusive<u64> = 50..=1_500;
/// Cycles between two lines that tell how far it is.
const SHOW_EVERY: u32 = 10;

fn main() -> ExitCode {
    let args = Args::parse();
    match run(&args) {
        Ok(outcome) => {
            println!("{outcome}");
            if outcome.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("crash-loop: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<crash::Outcome, String> {
    let plan = Plan {
        cycles: args.cycles,
        ack: match args.ack {
            Ack::Log => "log",
            Ack::Sql => "sql",
        },
        rate: args.rate,
        users: args.users,
        rooms: args.rooms,
        room_size: args.room_size,
        message_bytes: args.message_bytes,
        flow_percent: FLOW_PERCENT,
        kill_after_ms: KILL_AFTER_MS,
        seed: args.seed,
    };
    let store = match args.store {
        Database::Sqlite => Store::Sqlite,
        Database::Postgresql => Store::postgresql()?,
    };
    let mut show = |progress: Progress| {
        let Progress { cycle, startup_kills, restart } = progress;
        if cycle == 1 || cycle % SHOW_EVERY == 0 {
            let (cycles, milliseconds) = (args.cycles, restart.as_millis());
            eprintln!(
                "cycle {cycle} of {cycles}, {startup_kills} kills in the middle of a start, last \
                 start {milliseconds} ms"
            );
        }
    };
    crash::run(&plan, &store, &mut |_, _| {}, &mut show)
}
