//! The processes of an experiment: servers on the first core, their clients on the second.

use crate::clients::{Cast, Group, Order, READY, Window};
use crate::{Outcome, cpu};
use parlance_tests::server::{Options, Room, Server};
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// Bounds of the broker that a measurement would run into: one author posts as fast as it can, and
/// everybody signs in at once.
const LIMITS: [&str; 4] = [
    "session_requests_per_second = 1000000",
    "session_requests_burst = 1000000",
    "dialogs_per_second = 1000000",
    "dialogs_burst = 1000000",
];

/// Read at once from one link by clients: hundreds of deliveries of a front end.
const READ_BYTES: usize = 256 * 1024;
/// The same where some clients are watched, who would have to wait for it: some twenty deliveries.
const READ_BESIDE_WATCHED_BYTES: usize = 16 * 1024;

/// Where things run.
#[derive(Debug, Clone, Copy)]
pub struct Cores {
    /// The server's shard, or the bare limit.
    pub server: usize,
    /// The clients, and the broker's other threads.
    pub clients: usize,
}

impl Cores {
    /// The first two that we may use. Also lets processes have as many descriptors as they may.
    ///
    /// # Errors
    /// If there is but one.
    pub fn take() -> Outcome<Cores> {
        let &[server, clients, ..] = &cpu::cores()[..] else {
            return Err("two cores are needed: one for the server, one for the clients".into());
        };
        cpu::raise_descriptors();
        Ok(Cores { server, clients })
    }
}

/// `[cores] io` of the broker.
#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
pub enum Io {
    #[default]
    Epoll,
    Uring,
}

impl Io {
    fn as_str(self) -> &'static str {
        match self {
            Io::Uring => "uring",
            Io::Epoll => "epoll",
        }
    }
}

/// Of a broker without disk and without limits that one author, or all who sign in at once, would
/// run into. `rooms` are numbered from 1, `limits` are further lines of the configuration.
pub fn options(shards: usize, rooms: &[Room], io: Io, limits: &[String]) -> Options {
    let limits = LIMITS.map(str::to_owned).into_iter().chain(limits.iter().cloned()).collect();
    // Shards are pinned to the first cores; all other threads of the broker get what is left.
    let (rooms, io, engine) = (rooms.to_vec(), io.as_str(), "memory");
    Options { shards, rooms, limits, io, engine, ..Options::default() }
}

/// A broker with these [`options`].
///
/// # Panics
/// If it does not get ready.
pub fn broker(shards: usize, rooms: &[Room], io: Io, limits: &[String]) -> Server {
    Server::start(&options(shards, rooms, io, limits))
}

/// This program once more, in another role. Killed when dropped.
#[derive(Debug)]
struct Process {
    child: Child,
    lines: BufReader<ChildStdout>,
    orders: ChildStdin,
}

impl Process {
    fn start(words: &[String]) -> Outcome<Process> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(words).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let lines = BufReader::new(child.stdout.take().ok_or("standard output is piped")?);
        let orders = child.stdin.take().ok_or("standard input is piped")?;
        Ok(Process { child, lines, orders })
    }

    fn line(&mut self) -> Outcome<String> {
        let mut line = String::new();
        match self.lines.read_line(&mut line)? {
            0 => Err("a process of the measurement ended early".into()),
            _ => Ok(line.trim_end().to_owned()),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The bare limit.
#[derive(Debug)]
pub struct Bare {
    process: Process,
    /// SIP over TCP.
    pub address: SocketAddr,
}

impl Bare {
    /// Starts it; returns when it listens.
    pub fn start(cores: Cores) -> Outcome<Bare> {
        let words = ["bare".into(), "--core".into(), cores.server.to_string()];
        let mut process = Process::start(&words)?;
        let line = process.line()?;
        let address = line.strip_prefix("ready sip=").ok_or("the bare limit is not ready")?;
        Ok(Bare { address: address.parse()?, process })
    }

    pub fn pid(&self) -> u32 {
        self.process.child.id()
    }
}

/// The clients of one server.
#[derive(Debug)]
pub struct Clients(Process);

impl Clients {
    /// Starts them; returns when all are in their rooms.
    pub fn start(cores: Cores, cast: &Cast) -> Outcome<Clients> {
        let words = ["clients", "--core", &cores.clients.to_string(), "--cast"].map(str::to_owned);
        let cast = serde_json::to_string(cast)?;
        let words: Vec<String> = words.into_iter().chain([cast]).collect();
        let mut process = Process::start(&words)?;
        match process.line()?.as_str() {
            READY => Ok(Clients(process)),
            other => Err(format!("the clients say {other:?}").into()),
        }
    }

    /// Carries out one order.
    pub fn measure(&mut self, order: &Order) -> Outcome<Window> {
        writeln!(self.0.orders, "{}", serde_json::to_string(order)?)?;
        Ok(serde_json::from_str(&self.0.line()?)?)
    }
}

/// Broker and bare limit, each with clients of its own. All stand for the whole run.
#[derive(Debug)]
pub struct Pair {
    pub bare: Clients,
    pub broker: Clients,
    _servers: (Bare, Server),
}

impl Pair {
    /// Starts all; returns when everybody is in the rooms, which are numbered from 1.
    ///
    /// # Errors
    /// If somebody is not let in.
    pub fn start(cores: Cores, io: Io, of_bare: &[Group], of_broker: &[Group]) -> Outcome<Pair> {
        let rooms = rooms(of_broker);
        let server = broker(1, &rooms, io, &[]);
        let bare = Bare::start(cores)?;
        Ok(Pair {
            bare: Clients::start(cores, &cast(bare.address, bare.pid(), of_bare))?,
            broker: Clients::start(cores, &cast(server.sip, server.pid(), of_broker))?,
            _servers: (bare, server),
        })
    }
}

/// As many rooms as the groups speak of.
pub fn rooms(groups: &[Group]) -> Vec<Room> {
    let most = groups.iter().flat_map(|group| &group.rooms).max().map_or(0, |most| most + 1);
    (1..=most as u32).map(Room::numbered).collect()
}

/// These groups at a server.
pub fn cast(server: SocketAddr, server_pid: u32, groups: &[Group]) -> Cast {
    let is_anybody_watched = groups.iter().any(|group| group.is_watched);
    let read_bytes = if is_anybody_watched { READ_BESIDE_WATCHED_BYTES } else { READ_BYTES };
    let rooms = rooms(groups).iter().map(Room::uri).collect();
    Cast { server, server_pid, rooms, groups: groups.to_vec(), read_bytes }
}
