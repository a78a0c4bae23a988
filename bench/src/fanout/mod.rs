//! Fan-out of the broker beside the bare limit.
//!
//! Two servers, each a process on the first core: the broker and [`crate::bare`]. Two processes of
//! [`crate::clients`] on the second core, one for each server. All stand for the whole run; the
//! rounds alternate, so that whatever else the machine does meets both sides alike, and the side
//! that is not measured waits in the kernel. What counts is the servers' processor time, not the
//! time on the wall: so a busy second core makes a round longer, not dearer.

mod report;
mod side;

use crate::clients::{Order, Window};
use crate::{Outcome, cpu};
use parlance_tests::server::{Options, Room, Server};
use report::Report;
use side::Side;
use std::path::PathBuf;

/// Posts per second.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Rate {
    /// Each post when the one before is with everybody.
    Saturating,
    /// Half as many as the broker makes then.
    Half,
    /// So many.
    Fixed(f64),
}

fn rate(text: &str) -> Result<Rate, String> {
    match text {
        "max" => Ok(Rate::Saturating),
        "half" => Ok(Rate::Half),
        number => match number.parse() {
            Ok(rate) if rate > 0.0 => Ok(Rate::Fixed(rate)),
            _ => Err("neither \"max\" nor \"half\" nor a number of posts per second".into()),
        },
    }
}

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Links of those who only read; the author has one more.
    #[arg(long, default_value_t = 1_000)]
    links: usize,
    /// Sessions on each: 1 for direct clients, thousands for front ends.
    #[arg(long, default_value_t = 1)]
    sessions_per_link: usize,
    /// Text of each post, bytes.
    #[arg(long, default_value_t = 256)]
    text_bytes: usize,
    /// Measured windows of each side.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Length of each.
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// Posts per second; "max": each when the one before is with everybody; "half": half as many
    /// as the broker makes then.
    #[arg(long, default_value = "max", value_parser = rate)]
    rate: Rate,
    /// `[cores] io` of the broker.
    #[arg(long, default_value = "auto", value_parser = ["auto", "uring", "epoll"])]
    io: String,
    /// Write everything here as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
}

/// Bounds of the broker that a measurement would run into: one author posts as fast as it can, and
/// everybody signs in at once.
const LIMITS: [&str; 4] = [
    "session_requests_per_second = 1000000",
    "session_requests_burst = 1000000",
    "dialogs_per_second = 1000000",
    "dialogs_burst = 1000000",
];

/// Measures and prints.
///
/// # Errors
/// If a side does not start, or does not deliver what it should.
pub fn run(args: &Args) -> Outcome<()> {
    let cores = cpu::cores();
    let &[server_core, client_core, ..] = &cores[..] else {
        return Err("two cores are needed: one for the server, one for the clients".into());
    };
    cpu::raise_descriptors();
    let io = match args.io.as_str() {
        "uring" => "uring",
        "epoll" => "epoll",
        _ => "auto",
    };
    let room = Room::numbered(1);
    let limits = LIMITS.map(str::to_owned).to_vec();
    let rooms = vec![room.clone()];
    // One shard is pinned to the first core; all other threads of the broker get the second.
    let options = Options { shards: 1, rooms, limits, io, engine: "memory", ..Options::default() };
    let broker = Server::start(&options);
    let bare = side::Bare::start(server_core)?;
    let start = |server, pid| Side::start(server, pid, &room, client_core, args);
    let mut sides = [start(bare.address, bare.pid())?, start(broker.sip, broker.pid())?];
    let mut order = Order { seconds: args.seconds, rate: None };
    // The first window of each is thrown away: it grows memory to its size.
    let warm: Vec<Window> =
        sides.iter_mut().map(|side| side.measure(&order)).collect::<Outcome<_>>()?;
    order.rate = match args.rate {
        Rate::Saturating => None,
        Rate::Half => Some(warm[1].posts as f64 / warm[1].wall_s / 2.0),
        Rate::Fixed(rate) => Some(rate),
    };
    let (mut bare_windows, mut broker_windows) = (Vec::new(), Vec::new());
    for round in 1..=args.rounds {
        bare_windows.push(sides[0].measure(&order)?);
        broker_windows.push(sides[1].measure(&order)?);
        eprintln!("round {round} of {}", args.rounds);
    }
    let report = Report::new(args, &order, bare_windows, broker_windows);
    print!("{report}");
    match &args.json {
        Some(path) => Ok(std::fs::write(path, serde_json::to_vec_pretty(&report)?)?),
        None => Ok(()),
    }
}
