//! The kill -9 loop: the real server under the load generator is killed at random moments and
//! started again on the same data, over and over; at the end the checker has the whole history, as
//! read through the protocol, and knows whether each acknowledged post is in it once, in order.
//!
//! | module | subject |
//! |---|---|
//! | [`load`] | the load generator as a process, and what it reports |
//! | [`outcome`] | what a loop found |
//! | [`port`] | a port to which clients can come back |

pub mod load;
pub mod outcome;
pub mod port;

pub use outcome::Outcome;

use crate::postgres::Cluster;
use crate::server::{DOMAIN, Options, Room, Server};
use crate::sim::dice::Dice;
use crate::tool::tool;
use load::Load;
use parlance_loadgen::rooms::{room_guid, room_uri};
use std::ops::RangeInclusive;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long it may take until posts are accepted after a restart. Nobody comes back later than a
/// few seconds, so that more is a hang.
const FLOW_TIMEOUT: Duration = Duration::from_secs(60);
/// How often the server is asked whether posts are accepted.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// In so many of a hundred cycles the server is killed in the middle of its start first.
const STARTUP_PERCENT: u64 = 20;

/// What the server keeps its messages in.
pub enum Store {
    /// A file.
    Sqlite,
    /// A server of our own, which is not killed.
    Postgresql(Cluster),
}

impl Store {
    /// Starts a PostgreSQL server with a database.
    ///
    /// # Errors
    /// Why that cannot be done here.
    pub fn postgresql() -> Result<Store, String> {
        let cluster = Cluster::start()?;
        cluster.execute("postgres", "CREATE DATABASE chat");
        Ok(Store::Postgresql(cluster))
    }

    /// As `[store] sql` has it.
    pub fn url(&self) -> String {
        match self {
            Store::Sqlite => "sqlite".to_owned(),
            Store::Postgresql(cluster) => cluster.url("chat"),
        }
    }
}

/// What is to be done.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Kills of a server that was ready.
    pub cycles: u32,
    /// `ack` of `[log]`.
    pub ack: &'static str,
    /// Posts a second over all rooms.
    pub rate: f64,
    /// Users, each on a link of its own.
    pub users: u32,
    /// Rooms they are spread over.
    pub rooms: u32,
    /// Members of each room.
    pub room_size: u32,
    /// Bytes of text in each post. Long ones fill the log's segments, so that some are closed and
    /// removed while the server is killed.
    pub message_bytes: u32,
    /// In so many of a hundred cycles the kill waits until load flows again; in the others it may
    /// hit clients that are coming back.
    pub flow_percent: u64,
    /// Milliseconds from the time the server is ready, or load flows again, to the kill.
    pub kill_after_ms: RangeInclusive<u64>,
    /// Chooses the moments, and everything the load generator chooses.
    pub seed: u64,
}

/// How far a loop is.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// Kills of a server that was ready.
    pub cycle: u32,
    /// Kills in the middle of a start.
    pub startup_kills: u32,
    /// How long the last start took.
    pub restart: Duration,
}

/// Runs the plan. `between` is called while the server is dead, with the number of the cycle and
/// the server's data folder; `show` after each cycle.
///
/// # Errors
/// What kept the loop from its end: a server that does not start or ends by itself, no load, a
/// load generator that does not come to an end. What the checker found is no error but part of the
/// outcome.
pub fn run(
    plan: &Plan,
    store: &Store,
    between: &mut dyn FnMut(u32, &Path),
    show: &mut dyn FnMut(Progress),
) -> Result<Outcome, String> {
    let room = |index| Room { name: format!("Load {index}"), id: room_guid(index).to_string() };
    let options = Options {
        rooms: (0..plan.rooms).map(room).collect(),
        ack: plan.ack,
        sql: store.url(),
        sip_port: port::outside_of_the_ephemeral()?,
        ..Options::default()
    };
    debug_assert!(options.rooms[0].uri() == room_uri(DOMAIN, 0), "both know the same rooms");
    let mut server = Server::start(&options);
    let data = server.folder().join("data");
    // The first start may have had to build the program.
    let start = Instant::now();
    let mut load = Load::start(plan, server.sip, server.folder())?;
    let mut dice = Dice::new(plan.seed, 0);
    let mut restarts = Vec::new();
    let mut startup_kills = 0;
    until_load_flows(&mut server, &mut load)?;
    for cycle in 1..=plan.cycles {
        pass(dice.between(*plan.kill_after_ms.start(), *plan.kill_after_ms.end()));
        check(&mut server, &mut load)?;
        server.kill();
        between(cycle, &data);
        // A start takes about as long as the last one did.
        let usual = restarts.last().copied().unwrap_or(Duration::from_millis(100));
        while dice.percent(STARTUP_PERCENT) {
            server.begin();
            pass(dice.between(0, usual.as_millis() as u64));
            startup_kills += u32::from(server.kill_while_starting());
        }
        let restart = Instant::now();
        server.begin();
        server.until_ready()?;
        let restart = restart.elapsed();
        restarts.push(restart);
        if dice.percent(plan.flow_percent) {
            until_load_flows(&mut server, &mut load)?;
        }
        show(Progress { cycle, startup_kills, restart });
    }
    until_load_flows(&mut server, &mut load)?;
    let report = load.finish()?;
    if let Some(status) = server.ended() {
        return Err(died(&server, status));
    }
    let status = server.stop();
    if !status.success() {
        return Err(died(&server, status));
    }
    examine(server.folder())?;
    Ok(Outcome { cycles: plan.cycles, startup_kills, restarts, total: start.elapsed(), report })
}

/// The tools find nothing wrong with what all the kills have left.
fn examine(folder: &Path) -> Result<(), String> {
    for words in [["log", "verify"], ["store", "check"]] {
        let said = tool(folder, &words);
        if said.code != Some(0) {
            return Err(format!("{words:?} says\n{}{}", said.out, said.err));
        }
    }
    Ok(())
}

/// Lets time pass: the moment of a kill is the subject here.
fn pass(milliseconds: u64) {
    // tidy: paces
    std::thread::sleep(Duration::from_millis(milliseconds));
}

fn died(server: &Server, status: std::process::ExitStatus) -> String {
    format!("the server ended by itself with {status} and said\n{}", server.stderr())
}

/// Both processes are alive.
fn check(server: &mut Server, load: &mut Load) -> Result<(), String> {
    match server.ended() {
        Some(status) => Err(died(server, status)),
        None => load.check(),
    }
}

/// Waits until this run of the server has accepted posts.
fn until_load_flows(server: &mut Server, load: &mut Load) -> Result<(), String> {
    let deadline = Instant::now() + FLOW_TIMEOUT;
    while server.metric_if_there("parlance_posts_total").is_none_or(|posts| posts == 0.0) {
        check(server, load)?;
        if Instant::now() > deadline {
            return Err(format!("no post was accepted within {FLOW_TIMEOUT:?}"));
        }
        // tidy: paces
        std::thread::sleep(LOOK_EVERY);
    }
    Ok(())
}
