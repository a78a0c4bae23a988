//! What the arguments mean: checked, completed, ready to run.

use super::gauges::parse_address;
use super::watch::Watched;
use crate::cli::RunArgs;
use parlance_loadgen::{SignIn, rooms};
use parlance_wire::xccos::RoomRef;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Most sessions, links or rooms in a run; beyond it numbers are surely a slip.
const COUNT_MAX: u32 = 1_000_000;

/// A room of the run.
#[derive(Debug)]
pub struct Room {
    /// In the server's spelling.
    pub uri: String,
    /// As commands name it.
    pub reference: RoomRef,
    /// Users in it, by number.
    pub members: Vec<u32>,
}

/// A run.
#[derive(Debug)]
pub struct Plan {
    pub server: SocketAddr,
    pub users: u32,
    pub links: u32,
    pub domain: String,
    pub rooms: Vec<Room>,
    /// Rooms of each user.
    pub rooms_of: Vec<Vec<u32>>,
    pub rate: f64,
    pub duration: Duration,
    pub message_bytes: usize,
    pub sign_in_rate: f64,
    pub sign_in: SignIn,
    pub seed: u64,
    pub settle: Duration,
    pub drain: Duration,
    pub reconnects: bool,
    pub reads_history: bool,
    pub reads_whole_history: bool,
    pub json: Option<PathBuf>,
    pub metrics: Option<SocketAddr>,
    pub server_pid: Option<u32>,
}

impl Plan {
    /// Reads the arguments; what is wrong with them otherwise.
    pub fn new(args: RunArgs) -> Result<Plan, String> {
        let links = args.links.unwrap_or(args.users);
        if !args.server.ip().is_loopback() {
            return Err(format!("{} is no loopback address", args.server));
        }
        if args.users == 0 || args.users > COUNT_MAX || links == 0 || links > args.users {
            return Err("users and links: at least one, no more links than users".to_owned());
        }
        let is_rate = |rate: f64| rate.is_finite() && rate > 0.0;
        if !is_rate(args.sign_in_rate) || !(args.rate == 0.0 || is_rate(args.rate)) {
            return Err("rates are positive numbers".to_owned());
        }
        let uris = room_uris(&args)?;
        let rooms = uris
            .into_iter()
            .zip(0..)
            .map(|(uri, index)| room(uri, index, args.room_size, args.users))
            .collect::<Result<Vec<Room>, String>>()?;
        let mut rooms_of = vec![Vec::new(); args.users as usize];
        for (room, index) in rooms.iter().zip(0..) {
            room.members.iter().for_each(|user| rooms_of[*user as usize].push(index));
        }
        Ok(Plan {
            server: args.server,
            users: args.users,
            links,
            domain: args.room_domain,
            rooms,
            rooms_of,
            rate: args.rate,
            duration: Duration::from_secs(args.duration),
            message_bytes: args.message_bytes,
            sign_in_rate: args.sign_in_rate,
            sign_in: if args.full_sign_in { SignIn::FULL } else { SignIn::DIRECT },
            seed: args.seed,
            settle: Duration::from_secs(args.settle),
            drain: Duration::from_secs(args.drain),
            reconnects: args.reconnect,
            reads_history: !args.no_history,
            reads_whole_history: args.whole_history,
            json: args.json,
            metrics: args.metrics.as_deref().map(parse_address).transpose()?,
            server_pid: args.server_pid,
        })
    }

    /// What is looked at from the start of the run on.
    pub fn watched(&self, start: Instant) -> Watched {
        Watched { start, server_pid: self.server_pid, metrics: self.metrics }
    }

    /// Memberships over all rooms.
    pub fn memberships(&self) -> u64 {
        self.rooms.iter().map(|room| room.members.len() as u64).sum()
    }

    /// Where a room is in the list, by its URI.
    pub fn room_index(&self) -> HashMap<String, u32> {
        self.rooms.iter().zip(0..).map(|(room, index)| (room.uri.clone(), index)).collect()
    }
}

fn room_uris(args: &RunArgs) -> Result<Vec<String>, String> {
    let uris: Vec<String> = match (&args.rooms_file, args.rooms.parse::<u32>()) {
        (Some(path), _) => {
            let text = std::fs::read_to_string(path)
                .map_err(|error| format!("{}: {error}", path.display()))?;
            text.lines().map(str::trim).filter(|line| !line.is_empty()).map(Into::into).collect()
        }
        (None, Ok(count)) if count <= COUNT_MAX => {
            (0..count).map(|index| rooms::room_uri(&args.room_domain, index)).collect()
        }
        (None, Ok(_)) => return Err(format!("at most {COUNT_MAX} rooms")),
        (None, Err(_)) => args.rooms.split(',').map(|uri| uri.trim().to_owned()).collect(),
    };
    if uris.is_empty() { Err("no rooms".to_owned()) } else { Ok(uris) }
}

fn room(uri: String, index: u32, size: u32, users: u32) -> Result<Room, String> {
    let reference = RoomRef::parse(&uri).ok_or_else(|| format!("{uri} is no room"))?;
    Ok(Room { uri, reference, members: rooms::members(index, size, users).collect() })
}
