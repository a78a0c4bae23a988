//! `outage-bench`: takes PostgreSQL away from the real server under load, and tells how long the
//! database takes to catch up, and whether anybody's message was lost.

use clap::Parser;
use parlance_loadgen::rooms::room_guid;
use parlance_tests::crash::load::Load;
use parlance_tests::crash::{Plan, Store};
use parlance_tests::server::{Options, Room, Server};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Takes PostgreSQL away from the real server under load, gives it back, and tells how long the
/// database takes to catch up; at the end the load generator checks that every acknowledged message
/// is in the history once. PostgreSQL is started for it.
///
/// Exit code: 0 nothing was lost or doubled, 1 otherwise.
#[derive(Debug, Parser)]
struct Args {
    /// Seconds PostgreSQL is away.
    #[arg(long, default_value_t = 60)]
    away: u64,
    /// Seconds of load before and after that.
    #[arg(long, default_value_t = 10)]
    around: u64,
    /// `[log] ack`: with `sql` posts wait, and are refused after a while.
    #[arg(long, default_value = "log", value_parser = ["log", "sql"])]
    ack: String,
    /// Posts per second over all rooms.
    #[arg(long, default_value_t = 500.0)]
    rate: f64,
    /// Users, each on a link of its own.
    #[arg(long, default_value_t = 200)]
    users: u32,
    /// Rooms.
    #[arg(long, default_value_t = 20)]
    rooms: u32,
    /// Members of each room; users are spread over the rooms evenly.
    #[arg(long, default_value_t = 10)]
    room_size: u32,
    /// Bytes of text in each post, mark included.
    #[arg(long, default_value_t = 256)]
    message_bytes: u32,
    /// Chooses authors and rooms.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Catching up is given up after this long.
const PATIENCE: Duration = Duration::from_secs(1_800);
/// How often the server is asked how far the database is.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Less than so many seconds of posts: what the database lags behind in ordinary times.
const ORDINARY_LAG_S: f64 = 0.5;

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("outage-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<bool, String> {
    let mut store = Store::postgresql()?;
    let room = |index| Room { name: format!("Load {index}"), id: room_guid(index).to_string() };
    let ack = if args.ack == "sql" { "sql" } else { "log" };
    let rooms = (0..args.rooms).map(room).collect();
    let sql = store.url();
    let mut server = Server::start(&Options { rooms, ack, sql, ..Options::default() });
    let mut load = Load::start(&plan(args, ack), server.sip, server.folder())?;
    while server.metric("parlance_posts_total", "") == 0.0 {
        load.check()?;
        pass(LOOK_EVERY);
    }
    pass(Duration::from_secs(args.around));

    let Store::Postgresql(cluster) = &mut store else { unreachable!("started above") };
    let (posts, stored) = (accepted(&server), Lag::of(&server).stored);
    cluster.stop();
    pass(Duration::from_secs(args.away));
    cluster.run();
    let (begin, lag, rows) = (Instant::now(), Lag::of(&server), stored_rows(&server));
    let seconds = args.away;
    println!("ack          \"{ack}\", {} posts/s asked for", args.rate);
    println!("away         {seconds} s; {:.0} posts taken meanwhile", accepted(&server) - posts);
    println!("lacking      {:.0} records when PostgreSQL was back", lag.durable - stored);
    until(&server, |now| now.stored >= lag.durable)?;
    println!("those stored {:.2} s after that", begin.elapsed().as_secs_f64());
    until(&server, |now| now.durable - now.stored <= args.rate * ORDINARY_LAG_S)?;
    let took = begin.elapsed().as_secs_f64();
    let speed = (stored_rows(&server) - rows) / took;
    println!("caught up    {took:.2} s after that, {speed:.0} messages/s");

    pass(Duration::from_secs(args.around));
    load.check()?;
    let report = load.finish()?;
    println!("{}", report.table.trim_end());
    if !server.stop().success() {
        return Err(format!("the server did not end well and said\n{}", server.stderr()));
    }
    Ok(report.violations() == 0)
}

/// The load of a plan without kills.
fn plan(args: &Args, ack: &'static str) -> Plan {
    Plan {
        cycles: 0,
        ack,
        rate: args.rate,
        users: args.users,
        rooms: args.rooms,
        room_size: args.room_size,
        message_bytes: args.message_bytes,
        flow_percent: 0,
        kill_after_ms: 0..=0,
        seed: args.seed,
    }
}

/// How far log and database are, as positions in the log.
struct Lag {
    durable: f64,
    stored: f64,
}

impl Lag {
    fn of(server: &Server) -> Lag {
        let metric = |name| server.metric(name, "");
        // The database first: it may get further in between, and is not ahead of the log.
        let stored = metric("parlance_log_stored");
        Lag { durable: metric("parlance_log_durable"), stored }
    }
}

fn accepted(server: &Server) -> f64 {
    server.metric("parlance_posts_total", "")
}

fn stored_rows(server: &Server) -> f64 {
    server.metric("parlance_store_rows_total", "")
}

fn until(server: &Server, is_so: impl Fn(&Lag) -> bool) -> Result<(), String> {
    let begin = Instant::now();
    while !is_so(&Lag::of(server)) {
        if begin.elapsed() > PATIENCE {
            return Err("the database does not catch up".into());
        }
        pass(LOOK_EVERY);
    }
    Ok(())
}

fn pass(time: Duration) {
    // tidy: paces
    std::thread::sleep(time);
}
