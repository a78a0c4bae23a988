//! `organisation-bench`: how long the real server takes to start with the product's whole
//! organisation in PostgreSQL, and without PostgreSQL from its replica.

use clap::Parser;
use parlance_core::directory::sample::USERS;
use parlance_tests::postgres::Cluster;
use parlance_tests::server::{Options, Server};
use parlance_tests::tool::tool;
use std::error::Error;
use std::time::{Duration, Instant};

/// Starts the real server on a made-up organisation: with its database, and without it.
#[derive(Debug, Parser)]
struct Args {
    /// Users of the organisation.
    #[arg(long, default_value_t = USERS)]
    users: u32,
    /// Entries in lists, if more than follow from the users.
    #[arg(long)]
    entries: Option<u32>,
    /// Starts of each kind.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
}

/// A replica of the whole organisation is built in the background.
const PATIENCE: Duration = Duration::from_secs(600);

fn main() -> Result<(), Box<dyn Error>> {
    let args = Args::parse();
    let mut cluster = Cluster::start()?;
    cluster.execute("postgres", "CREATE DATABASE chat");
    let options = Options { sql: cluster.url("chat"), ..Options::default() };
    let mut server = Server::start(&options);
    assert!(server.stop().success(), "an empty server ends at once");
    let begin = Instant::now();
    let users = args.users.to_string();
    let entries = args.entries.map(|entries| format!("--entries={entries}"));
    let sample = ["store", "sample", "--users", &users].into_iter().chain(entries.as_deref());
    tool(server.folder(), &sample.collect::<Vec<_>>()).done();
    println!("written       {:.1} s, {users} users", begin.elapsed().as_secs_f64());
    server.restart();
    let begin = Instant::now();
    while server.metric("parlance_replica_whole", "") == 0.0 {
        assert!(begin.elapsed() < PATIENCE, "the replica is not built");
        // Each look costs the server some work.
        std::thread::sleep(Duration::from_millis(100)); // tidy: paces
    }
    println!("replica       built within {:.1} s", begin.elapsed().as_secs_f64());
    let size = std::fs::metadata(server.folder().join("data/replica.sqlite"))?.len();
    println!("replica       {} MiB", size >> 20);
    starts(&mut server, "with its database", args.rounds)?;
    cluster.stop();
    starts(&mut server, "without it", args.rounds)
}

fn starts(server: &mut Server, how: &str, rounds: usize) -> Result<(), Box<dyn Error>> {
    for _ in 0..rounds {
        assert!(server.stop().success(), "the server ends");
        let begin = Instant::now();
        server.begin();
        server.until_ready()?;
        let (ready, resident) = (begin.elapsed().as_secs_f64(), server.resident_kib() / 1024);
        println!("start         {how}: ready after {ready:.2} s, {resident} MiB resident");
    }
    Ok(())
}
