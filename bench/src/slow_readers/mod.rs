//! Readers that are slow, and readers that are dead: what others notice of them, what they cost the
//! server's memory, and that the slow ones get everything in the end.
//!
//! All sessions are in the same few rooms, each on a link of its own. Rounds alternate: all read as
//! fast as they can; then some read a little each second while the others go on as before; then
//! these read as fast as they can again until they have everything, each message once and in order
//! (which the clients check, as always). At the end they stop reading and answering altogether, as
//! a machine does that has lost its power, until the server gives them up.

mod report;

use crate::clients::{Group, Order, Slow, Stream, Window};
use crate::sides::{Clients, Cores, Io, broker, cast, rooms};
use crate::{Outcome, save};
use parlance_tests::server::Server;
use report::{Dead, Report, Round, Sample};
use std::path::PathBuf;
use std::time::{Duration, Instant};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Sessions, each on a link of its own.
    #[arg(long, default_value_t = 1_000)]
    sessions: usize,
    /// How many of them are slow, and then dead.
    #[arg(long, default_value_t = 100)]
    slow: usize,
    /// What each of those reads, bytes per second.
    #[arg(long, default_value_t = 1_000.0)]
    slow_bytes: f64,
    /// Receive buffer that those ask for; the kernel doubles it and counts its own overhead.
    #[arg(long, default_value_t = 8 * 1024)]
    receive_buffer_bytes: usize,
    /// Rooms; everybody is in each.
    #[arg(long, default_value_t = 4)]
    rooms: usize,
    /// Posts per second in each.
    #[arg(long, default_value_t = 5.0)]
    rate: f64,
    /// Text of each post, bytes.
    #[arg(long, default_value_t = 256)]
    text_bytes: usize,
    /// Rounds.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// How long each half of a round is.
    #[arg(long, default_value_t = 6.0)]
    seconds: f64,
    /// After how long without an answer the broker gives a session up (`[limits]`); its own default
    /// without this.
    #[arg(long, default_value_t = 32_000)]
    info_timeout_ms: u64,
    /// `[cores] io` of the broker.
    #[arg(long, default_value = "epoll")]
    io: Io,
    /// Write everything here as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
}

/// Places of the groups.
const FAST: usize = 0;
const SLOW: usize = 1;
/// The server's numbers are at most so old (`server/src/telemetry/snapshot.rs`).
const NUMBERS_AGE: Duration = Duration::from_millis(500);

/// Measures and prints.
///
/// # Errors
/// If the broker does not start, or somebody misses a message.
pub fn run(args: &Args) -> Outcome<()> {
    if !(1..args.sessions).contains(&args.slow) {
        return Err("--slow: at least one session, and fewer than there are".into());
    }
    let cores = Cores::take()?;
    let in_all =
        || Group { sessions_per_link: 1, rooms: (0..args.rooms).collect(), ..Group::default() };
    let groups = [
        Group { links: args.sessions - args.slow, ..in_all() },
        Group {
            links: args.slow,
            receive_buffer_bytes: Some(args.receive_buffer_bytes),
            ..in_all()
        },
    ];
    let limits = [format!("info_timeout_ms = {}", args.info_timeout_ms)];
    let server = broker(1, &rooms(&groups), args.io, &limits);
    let clients = Clients::start(cores, &cast(server.sip, server.pid(), &groups))?;
    let mut bench = Bench { args, server, clients };
    let mut rounds = Vec::new();
    // The first round grows memory to its size.
    for round in 0..=args.rounds {
        let measured = bench.round()?;
        if round > 0 {
            rounds.push(measured);
        }
    }
    let dead = bench.dead()?;
    let report = Report::new(args, rounds, dead);
    print!("{report}");
    save(args.json.as_deref(), &report)
}

struct Bench<'a> {
    args: &'a Args,
    server: Server,
    clients: Clients,
}

impl Bench<'_> {
    /// Posts in all rooms for a while, with those who read slowly then.
    fn posts(&mut self, seconds: f64, bytes_per_second: Option<f64>) -> Outcome<Window> {
        let Args { text_bytes, rate, rooms, .. } = *self.args;
        let stream = |room| Stream { group: FAST, room, text_bytes, rate: Some(rate) };
        let slow = bytes_per_second.map(|bytes_per_second| Slow { group: SLOW, bytes_per_second });
        let streams = (0..rooms).map(stream).collect();
        self.clients.measure(&Order { seconds, streams, slow: slow.into_iter().collect() })
    }

    fn round(&mut self) -> Outcome<Round> {
        let without = self.posts(self.args.seconds, None)?;
        let before = self.sample()?;
        let with = self.posts(self.args.seconds, Some(self.args.slow_bytes))?;
        let lagging = self.sample()?;
        // No time for posts: it ends when everybody has everything.
        let catching_up = self.clients.measure(&Order::default())?;
        Ok(Round { without, with, before, lagging, catching_up })
    }

    fn dead(&mut self) -> Outcome<Dead> {
        let before = self.sample()?;
        let begin = Instant::now();
        let half_s = self.args.info_timeout_ms as f64 / 2_000.0;
        let window = self.posts(half_s, Some(0.0))?;
        let lagging = self.sample()?;
        self.posts(half_s, Some(0.0))?;
        let left = (self.args.sessions - self.args.slow) as f64;
        self.server.until_metric("parlance_sessions", |sessions| sessions <= left);
        let ended_s = begin.elapsed().as_secs_f64();
        Ok(Dead { before, lagging, window, ended_s, after: self.sample()? })
    }

    /// The broker's numbers when nobody does anything.
    fn sample(&self) -> Outcome<Sample> {
        // tidy: paces. Numbers of the moment are published now and then.
        std::thread::sleep(2 * NUMBERS_AGE);
        let gauge = |name| self.server.metric(name, "") as u64;
        Ok(Sample {
            sessions: gauge("parlance_sessions"),
            lagging: gauge("parlance_sessions_lagging"),
            outbox_bytes: gauge("parlance_outbox_bytes"),
            resident_kib: self.server.resident_kib(),
            sockets_kib: sockets_kib()?,
        })
    }
}

/// Memory of all TCP sockets of the machine, both ends of each link.
fn sockets_kib() -> Outcome<u64> {
    let text = std::fs::read_to_string("/proc/net/sockstat")?;
    let pages = text.lines().find(|line| line.starts_with("TCP:")).and_then(|line| {
        let (_, behind) = line.rsplit_once("mem ")?;
        behind.split(' ').next()?.parse::<u64>().ok()
    });
    Ok(pages.ok_or("/proc/net/sockstat tells nothing of TCP")? * PAGE_KIB)
}

/// Size of a page on every machine that this was written for.
const PAGE_KIB: u64 = 4;
