//! What a delivery costs as sessions become more: on direct links and on a few front ends, with one
//! shard and with two, and beside them the bare limit.
//!
//! The servers of all sizes stand at the same time and are measured one after the other, round by
//! round, so that whatever else the machine does meets all alike. A bend that the bare limit has,
//! too, is the system's: its system calls, its memory. What only the broker shows is its own.

mod plot;
mod report;

use crate::clients::{Group, Order, Stream};
use crate::sides::{Bare, Clients, Cores, Io, broker, cast, rooms};
use crate::{Outcome, save};
use parlance_tests::server::Server;
use report::{Kind, Point, Report};
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Sessions in the room, besides the author; each on a link of its own where links are direct.
    #[arg(long, value_delimiter = ',', default_value = "100,1000,10000,19900")]
    sessions: Vec<usize>,
    /// Links that carry them where they come through front ends.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..))]
    front_ends: u32,
    /// Shards of the brokers. With as many as there are cores, one shares its core with the
    /// clients: its time is counted right, but its caches are not its own.
    #[arg(long, value_delimiter = ',', default_value = "1,2")]
    shards: Vec<usize>,
    /// Text of each post, bytes.
    #[arg(long, default_value_t = 256)]
    text_bytes: usize,
    /// Measured windows of each server.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Length of each.
    #[arg(long, default_value_t = 0.5)]
    seconds: f64,
    /// `[cores] io` of the broker.
    #[arg(long, default_value = "epoll")]
    io: Io,
    /// Draw the figures here.
    #[arg(long)]
    svg: Option<PathBuf>,
    /// Write everything here as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
}

/// A server with everybody in its room. Dropped together.
struct Stand {
    sessions: usize,
    clients: Clients,
    _server: (Option<Bare>, Option<Server>),
}

/// Measures and prints.
///
/// # Errors
/// If a server does not start, or does not deliver what it should.
pub fn run(args: &Args) -> Outcome<()> {
    let cores = Cores::take()?;
    let brokers = args.shards.iter().map(|shards| Kind::Broker { shards: *shards });
    let kinds: Vec<Kind> = std::iter::once(Kind::Bare).chain(brokers).collect();
    let mut points = Vec::new();
    for front_ends in [None, Some(args.front_ends as usize)] {
        for kind in &kinds {
            points.extend(measure(args, cores, front_ends, *kind)?);
            eprintln!("{}, {}", report::layout(front_ends), kind.name());
        }
    }
    let report = Report { text_bytes: args.text_bytes, seconds: args.seconds, points };
    print!("{report}");
    if let Some(path) = &args.svg {
        plot::draw(&report, path)?;
    }
    save(args.json.as_deref(), &report)
}

/// All sizes of one kind of server, in turn.
fn measure(
    args: &Args,
    cores: Cores,
    front_ends: Option<usize>,
    kind: Kind,
) -> Outcome<Vec<Point>> {
    let stands: Outcome<Vec<Stand>> =
        args.sessions.iter().map(|n| start(args, cores, front_ends, kind, *n)).collect();
    let mut stands = stands?;
    let streams = vec![Stream { group: 0, room: 0, text_bytes: args.text_bytes, rate: None }];
    let order = Order { seconds: args.seconds, streams, slow: Vec::new() };
    let point =
        |stand: &Stand| Point { front_ends, kind, sessions: stand.sessions, windows: vec![] };
    let mut points: Vec<Point> = stands.iter().map(point).collect();
    for round in 0..=args.rounds {
        for (stand, point) in stands.iter_mut().zip(&mut points) {
            let window = stand.clients.measure(&order)?;
            // The first round grows memory to its size.
            if round > 0 {
                point.windows.push(window);
            }
        }
    }
    Ok(points)
}

fn start(
    args: &Args,
    cores: Cores,
    front_ends: Option<usize>,
    kind: Kind,
    sessions: usize,
) -> Outcome<Stand> {
    let group = |links, sessions_per_link| Group { links, sessions_per_link, ..Group::one_room() };
    let readers = match front_ends {
        None => group(sessions, 1),
        Some(links) => group(links, (sessions / links).max(1)),
    };
    let sessions = readers.links * readers.sessions_per_link;
    let groups = [group(1, 1), readers];
    let (address, pid, server) = match kind {
        Kind::Bare => {
            let bare = Bare::start(cores)?;
            (bare.address, bare.pid(), (Some(bare), None))
        }
        Kind::Broker { shards } => {
            let server = broker(shards, &rooms(&groups), args.io, &[]);
            (server.sip, server.pid(), (None, Some(server)))
        }
    };
    let clients = Clients::start(cores, &cast(address, pid, &groups))?;
    Ok(Stand { sessions, clients, _server: server })
}
