//! What the arguments mean: checked, completed, ready to run.

use super::gauges::parse_address;
use super::laggards::{Laggards, Reader};
use super::life::LifePlan;
use super::pace::{Schedule, shared_now_ns};
use super::profile::Organisation;
use super::rooms::{Class, Room, organisation_rooms, told_rooms};
use super::share::{Links, Share, part, workers};
use super::sizes::MessageBytes;
use super::watch::Watched;
use crate::cli::{Arrivals, RunArgs};
use hashbrown::HashMap;
use parlance_loadgen::SignIn;
use parlance_loadgen::results::About;
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::Range;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Numbers that look random and follow from the seed: each use has a stream of its own. Those below
/// 2^32 are of the waits of links and endpoints.
#[derive(Debug, Clone, Copy)]
#[repr(u64)]
pub enum Stream {
    Posts = 1 << 33,
    PostTimes,
    SignInTimes,
    StormTimes,
    SignOuts,
    SignOutTimes,
    /// Of the first size of rooms; the others follow.
    Rooms = 1 << 34,
}

/// A run.
#[derive(Debug)]
pub struct Plan {
    pub server: SocketAddr,
    pub users: u32,
    pub endpoints: u32,
    pub links: Links,
    pub laggards: Laggards,
    pub life: LifePlan,
    links_per_address: u32,
    pub domain: String,
    pub classes: Vec<Class>,
    pub rooms: Vec<Room>,
    /// Rooms of each user.
    rooms_of: Vec<Vec<u32>>,
    pub duration: Duration,
    pub message_bytes: MessageBytes,
    is_poisson: bool,
    pub share: Share,
    /// Processes that do the work; one does it alone.
    pub workers: u32,
    pub sign_in_rate: f64,
    pub sign_in: SignIn,
    pub seed: u64,
    pub settle: Duration,
    pub drain: Duration,
    pub reconnects: bool,
    pub reads_history: bool,
    pub reads_whole_history: bool,
    /// What is said of the run in its report.
    pub about: About,
    pub json: Option<PathBuf>,
    pub html: Option<PathBuf>,
    pub metrics: Option<SocketAddr>,
    pub server_pid: Option<u32>,
}

impl Plan {
    /// Reads the arguments; what is wrong with them otherwise.
    pub fn new(args: RunArgs) -> Result<Plan, String> {
        let organisation = Organisation::new(&args.size)?;
        let &Organisation { users, endpoints, profile, .. } = &organisation;
        let links = Links::new(&args.links, endpoints)?;
        if !args.server.ip().is_loopback() {
            return Err(format!("{} is no loopback address", args.server));
        }
        let is_rate = |rate: f64| rate.is_finite() && rate > 0.0;
        let sign_in_rate = args.sign_in_rate.unwrap_or(profile.sign_in_rate);
        if !is_rate(sign_in_rate) || args.rate.is_some_and(|rate| rate != 0.0 && !is_rate(rate)) {
            return Err("rates are positive numbers".to_owned());
        }
        let (mut classes, rooms) = match profile.sizes {
            [] => told_rooms(&args, users)?,
            _ => organisation_rooms(&args, &organisation)?,
        };
        let usual: f64 = classes.iter().map(|class| class.rate).sum();
        let factor = args.rate.map_or(1.0, |rate| rate / usual);
        classes.iter_mut().for_each(|class| class.rate *= factor);
        let mut rooms_of = vec![Vec::new(); users as usize];
        for (room, index) in rooms.iter().zip(0..) {
            room.members.iter().for_each(|user| rooms_of[*user as usize].push(index));
        }
        Ok(Plan {
            server: args.server,
            users,
            endpoints,
            links,
            laggards: Laggards::new(&args.readers, links, args.reconnect)?,
            life: LifePlan::new(&args.life, &organisation)?,
            links_per_address: args.links.links_per_address,
            domain: args.room_domain,
            classes,
            rooms,
            rooms_of,
            duration: Duration::from_secs(args.duration.unwrap_or(profile.duration_s)),
            message_bytes: args.message_bytes,
            is_poisson: args.arrivals == Arrivals::Poisson,
            share: args.share.unwrap_or(Share { index: 0, count: 1, start_ns: shared_now_ns() }),
            workers: workers(args.workers, links)?,
            sign_in_rate,
            sign_in: if args.full_sign_in { SignIn::FULL } else { SignIn::DIRECT },
            seed: args.seed,
            settle: Duration::from_secs(args.settle),
            drain: Duration::from_secs(args.drain),
            reconnects: args.reconnect,
            reads_history: !args.no_history,
            reads_whole_history: args.whole_history,
            about: About::default(),
            json: args.json,
            html: args.html,
            metrics: args.metrics.as_deref().map(parse_address).transpose()?,
            server_pid: args.server_pid,
        })
    }

    /// What is looked at from the start of the run on.
    pub fn watched(&self, start: Instant) -> Watched {
        // The parent of several looks at the server for all.
        let is_alone = self.share.count == 1;
        let server_pid = self.server_pid.filter(|_| is_alone);
        Watched { start, server_pid, metrics: self.metrics.filter(|_| is_alone) }
    }

    /// Does this process read the room's history? Some member of it is here.
    pub fn reads(&self, room: u32) -> bool {
        let first = self.rooms[room as usize].members.first();
        first.is_some_and(|user| self.has(self.endpoints_of(*user).start))
    }

    /// Is the link one of this process?
    pub fn has_link(&self, link: u32) -> bool {
        link % self.share.count == self.share.index
    }

    /// Is the endpoint one of this process?
    pub fn has(&self, endpoint: u32) -> bool {
        self.has_link(self.link_of(endpoint))
    }

    /// Links of this process.
    pub fn own_links(&self) -> u32 {
        (0..self.links.count()).filter(|link| self.has_link(*link)).count() as u32
    }

    /// A generator for one use.
    pub fn random(&self, stream: Stream) -> ChaCha8Rng {
        let mut random = ChaCha8Rng::seed_from_u64(self.seed);
        random.set_stream(stream as u64);
        random
    }

    /// The same arrivals as the run wants them: evenly, or each by itself.
    pub fn arrivals(&self, even: Schedule, stream: Stream) -> Schedule {
        if self.is_poisson { even.poisson(self.seed, stream as u64) } else { even }
    }

    /// Posts per second over all rooms.
    pub fn rate(&self) -> f64 {
        self.classes.iter().map(|class| class.rate).sum()
    }

    /// The class of rooms at `at`, from 0 to below 1, when each has its part of the rate.
    pub fn class_at(&self, at: f64) -> &Class {
        let mut left = at * self.rate();
        let found = self.classes.iter().find(|class| {
            left -= class.rate;
            left < 0.0
        });
        found.or(self.classes.last()).expect("a run has rooms")
    }

    /// Which of the classes a room is in.
    pub fn class_of(&self, room: u32) -> usize {
        self.classes.partition_point(|class| class.rooms.end <= room)
    }

    /// Whose endpoint it is.
    pub fn user_of(&self, endpoint: u32) -> u32 {
        part(endpoint, self.users, self.endpoints)
    }

    /// The endpoints of a user: one at least.
    pub fn endpoints_of(&self, user: u32) -> Range<u32> {
        let first = |user: u32| {
            (u64::from(user) * u64::from(self.endpoints)).div_ceil(u64::from(self.users)) as u32
        };
        first(user)..first(user + 1)
    }

    /// Rooms of an endpoint, in order.
    pub fn rooms_of(&self, endpoint: u32) -> &[u32] {
        &self.rooms_of[self.user_of(endpoint) as usize]
    }

    /// The link of an endpoint.
    pub fn link_of(&self, endpoint: u32) -> u32 {
        self.links.of(endpoint, self.endpoints)
    }

    /// How the endpoints of a link read.
    pub fn reader_of(&self, link: u32) -> Reader {
        if link < self.links.direct { self.laggards.of(link) } else { Reader::Good }
    }

    /// The address a link comes from; `None` leaves it to the system, as IPv6 does.
    pub fn source_of(&self, link: u32) -> Option<Ipv4Addr> {
        let group = link / self.links_per_address;
        let is_other = group > 0 && self.server.is_ipv4();
        is_other.then(|| Ipv4Addr::from(u32::from(Ipv4Addr::LOCALHOST) + group))
    }

    /// Memberships of endpoints over all rooms.
    pub fn memberships(&self) -> u64 {
        (0..self.endpoints).map(|endpoint| self.rooms_of(endpoint).len() as u64).sum()
    }

    /// Where a room is in the list, by its URI.
    pub fn room_index(&self) -> HashMap<String, u32> {
        self.rooms.iter().zip(0..).map(|(room, index)| (room.uri.clone(), index)).collect()
    }
}

#[cfg(test)]
mod tests;
