//! What the arguments mean: checked, completed, ready to run.

use super::gauges::parse_address;
use super::life::LifePlan;
use super::mix;
use super::pace::{Schedule, shared_now_ns};
use super::process;
use super::profile::{COUNT_MAX, Organisation, RoomSize};
use super::sizes::MessageBytes;
use super::watch::Watched;
use crate::cli::{Arrivals, LifeArgs, LinkArgs, ReaderArgs, RunArgs};
use parlance_loadgen::results::About;
use parlance_loadgen::{SignIn, rooms};
use parlance_wire::xccos::RoomRef;
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::Range;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::{Duration, Instant};

/// Links from one source address by default: the kernel's range of ports holds about 28,000.
pub const LINKS_PER_ADDRESS: u32 = 16_000;
/// Processes of a run; a machine has no use for more.
const WORKERS_MAX: u32 = 65;

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

/// Rooms that are alike.
#[derive(Debug)]
pub struct Class {
    pub name: &'static str,
    /// By number.
    pub rooms: Range<u32>,
    /// Posts per second in all of them.
    pub rate: f64,
}

/// Direct links come first, each with one endpoint; the endpoints that have none share the links
/// of the front ends. Both kinds are spread evenly over the endpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Links {
    pub direct: u32,
    pub front_ends: u32,
}

impl Links {
    fn new(args: &LinkArgs, endpoints: u32) -> Result<Links, String> {
        let (direct, front_ends) = match (args.links, args.direct, args.front_ends) {
            (Some(links), _, _) if links == endpoints => (links, 0),
            (Some(links), _, _) => (0, links),
            (None, None, None | Some(0)) => (endpoints, 0),
            (None, direct, front_ends) => (direct.unwrap_or(0), front_ends.unwrap_or(0)),
        };
        let rest = endpoints.checked_sub(direct).ok_or_else(|| {
            format!("{direct} direct links need as many endpoints; there are {endpoints}")
        })?;
        match (rest, front_ends) {
            (1.., 0) => Err(format!(
                "{rest} of {endpoints} endpoints have no link: add --front-ends to carry them"
            )),
            (rest, links) if links > rest => Err(format!(
                "{links} links of front ends are more than the {rest} endpoints they carry"
            )),
            _ => Ok(Links { direct, front_ends }),
        }
    }

    /// All links.
    pub fn count(self) -> u32 {
        self.direct + self.front_ends
    }

    /// The link of an endpoint.
    fn of(self, endpoint: u32, endpoints: u32) -> u32 {
        let before = |endpoint: u32| part(endpoint, self.direct, endpoints);
        let rank = before(endpoint);
        match before(endpoint + 1) > rank {
            true => rank,
            false => self.direct + (endpoint - rank) % self.front_ends,
        }
    }
}

/// What the command line says, or else the profile.
fn life(args: &LifeArgs, organisation: &Organisation) -> Result<LifePlan, String> {
    let Organisation { profile, users, .. } = organisation;
    let storm_part = args.storm_part.unwrap_or(profile.storm_part);
    let churn_rate = args.churn.unwrap_or_else(|| f64::from(*users) * profile.sign_outs_per_user_s);
    if !(0.0..1.0).contains(&storm_part) {
        return Err("--storm-part is a part of the endpoints, from 0 to below 1".to_owned());
    }
    let is_rate = |rate: f64| rate.is_finite() && rate >= 0.0;
    if !is_rate(churn_rate) || !is_rate(args.storm_rate) || args.storm_rate == 0.0 {
        return Err("rates are positive numbers".to_owned());
    }
    let storm_after = Duration::from_secs(args.storm_at);
    let (storm_rate, away) = (args.storm_rate, Duration::from_secs(args.away));
    Ok(LifePlan { storm_part, storm_rate, storm_after, churn_rate, away })
}

/// As many as were asked for, or as the links need.
fn workers(told: Option<u32>, links: Links) -> Result<u32, String> {
    let links = links.count();
    let workers = told.unwrap_or_else(|| links.div_ceil(process::links_max()));
    match workers {
        0 | WORKERS_MAX.. => Err(format!("{workers} workers: at least one, below {WORKERS_MAX}")),
        workers if workers > links => {
            Err(format!("{workers} workers have no use for {links} links: each needs one"))
        }
        workers => Ok(workers),
    }
}

/// How the endpoints of a link read during the load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    Good,
    /// Few bytes a second, for a while.
    Slow,
    /// Nothing from the start of the load on.
    Dead,
}

/// Direct links whose endpoints do not read as they should.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Laggards {
    /// Parts of the direct links, from 0 to 1.
    slow: f64,
    dead: f64,
    pub slow_bytes_per_second: u32,
    /// How long after the start of the load slow readers are slow at most.
    pub slow_for: Duration,
}

impl Laggards {
    fn new(args: &ReaderArgs, links: Links, reconnects: bool) -> Result<Laggards, String> {
        let (slow, dead) = (args.slow_readers, args.dead_readers);
        if !(0.0..=1.0).contains(&slow) || !(0.0..=1.0).contains(&dead) || slow + dead > 1.0 {
            let what = "slow and dead readers are parts of the direct links, together at most 1";
            return Err(what.to_owned());
        }
        if slow + dead > 0.0 && links.direct == 0 {
            return Err("only endpoints with a direct link can be slow or dead readers: a slow \
                        front end would slow all its endpoints; add --direct"
                .to_owned());
        }
        if dead > 0.0 && reconnects {
            return Err("dead readers stay away, and --reconnect brings everybody back".to_owned());
        }
        let slow_for = args.slow_until.map_or(Duration::MAX, Duration::from_secs);
        let slow_bytes_per_second = args.slow_bytes_per_second;
        Ok(Laggards { slow, dead, slow_bytes_per_second, slow_for })
    }

    /// Are there any?
    pub fn is_some(&self) -> bool {
        self.slow + self.dead > 0.0
    }

    /// Spread evenly over the direct links.
    fn of(&self, link: u32) -> Reader {
        let both = self.slow + self.dead;
        let before = |count: f64, part: f64| (count * part).floor();
        let rank = before(f64::from(link), both);
        if before(f64::from(link) + 1.0, both) == rank {
            return Reader::Good;
        }
        let dead = self.dead / both;
        match before(rank + 1.0, dead) > before(rank, dead) {
            true => Reader::Dead,
            false => Reader::Slow,
        }
    }
}

/// `count * of / whole`, rounded down: how many of `of` things fall to the first `count`.
fn part(count: u32, of: u32, whole: u32) -> u32 {
    (u64::from(count) * u64::from(of) / u64::from(whole)) as u32
}

/// Which part of the endpoints a process has: those whose links are its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    pub index: u32,
    /// Processes of the run.
    pub count: u32,
    /// When the run began, by the clock they share.
    pub start_ns: u64,
}

impl FromStr for Share {
    type Err = String;

    /// As the parent of the run writes it.
    fn from_str(text: &str) -> Result<Share, String> {
        let numbers: Option<Vec<u64>> = text.split('/').map(|part| part.parse().ok()).collect();
        match numbers.as_deref() {
            Some(&[index, count, start_ns]) if index < count && count <= WORKERS_MAX.into() => {
                Ok(Share { index: index as u32, count: count as u32, start_ns })
            }
            _ => Err("which process of how many, and when they began".to_owned()),
        }
    }
}

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
        let &Organisation { users, endpoints, profile } = &organisation;
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
            sizes => organisation_rooms(&args, sizes, users)?,
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
            life: life(&args.life, &organisation)?,
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

type Rooms = (Vec<Class>, Vec<Room>);

/// Rooms that the command line tells, all of one size.
fn told_rooms(args: &RunArgs, users: u32) -> Result<Rooms, String> {
    if args.model.is_some() {
        return Err(
            "--model is for a profile of an organisation; here --rate tells the rate".into()
        );
    }
    let uris = room_uris(args)?;
    let size = args.room_size.unwrap_or(30);
    let rooms = uris
        .into_iter()
        .zip(0..)
        .map(|(uri, index)| room(uri, rooms::members(index, size, users).collect()))
        .collect::<Result<Vec<Room>, String>>()?;
    let all = 0..rooms.len() as u32;
    Ok((vec![Class { name: "rooms", rooms: all, rate: 10.0 }], rooms))
}

fn room_uris(args: &RunArgs) -> Result<Vec<String>, String> {
    let told = args.rooms.as_deref().unwrap_or("1");
    let uris: Vec<String> = match (&args.rooms_file, told.parse::<u32>()) {
        (Some(path), _) => {
            let text = std::fs::read_to_string(path)
                .map_err(|error| format!("{}: {error}", path.display()))?;
            text.lines().map(str::trim).filter(|line| !line.is_empty()).map(Into::into).collect()
        }
        (None, Ok(count)) if count <= COUNT_MAX => {
            (0..count).map(|index| rooms::room_uri(&args.room_domain, index)).collect()
        }
        (None, Ok(_)) => return Err(format!("at most {COUNT_MAX} rooms")),
        (None, Err(_)) => told.split(',').map(|uri| uri.trim().to_owned()).collect(),
    };
    if uris.is_empty() { Err("no rooms".to_owned()) } else { Ok(uris) }
}

/// Rooms of an organisation: those of `config` with the same profile and size.
fn organisation_rooms(args: &RunArgs, sizes: &[RoomSize], users: u32) -> Result<Rooms, String> {
    if args.rooms.is_some() || args.rooms_file.is_some() || args.room_size.is_some() {
        return Err("the profile says which rooms there are and how large".to_owned());
    }
    let model = usize::from(args.model.unwrap_or(1) - 1);
    let (mut classes, mut rooms): Rooms = Default::default();
    for (size, stream) in sizes.iter().zip(Stream::Rooms as u64..) {
        let first = rooms.len() as u32;
        for (members, index) in
            mix::members(size, users, args.seed, stream).into_iter().zip(first..)
        {
            rooms.push(room(rooms::room_uri(&args.room_domain, index), members)?);
        }
        let rate = size.posts_per_second(users, model);
        classes.push(Class { name: size.name, rooms: first..rooms.len() as u32, rate });
    }
    Ok((classes, rooms))
}

fn room(uri: String, members: Vec<u32>) -> Result<Room, String> {
    let reference = RoomRef::parse(&uri).ok_or_else(|| format!("{uri} is no room"))?;
    Ok(Room { uri, reference, members })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Cli;
    use clap::Parser;
    use std::collections::BTreeSet;

    fn plan(words: &str) -> Result<Plan, String> {
        Plan::new(Cli::parse_from(words.split_ascii_whitespace()).run)
    }

    fn good(words: &str) -> Plan {
        plan(words).unwrap_or_else(|error| panic!("{words}: {error}"))
    }

    #[test]
    fn everybody_is_in_as_many_rooms_of_each_size_and_the_seed_repeats_it() {
        for scale in [0.002, 0.01, 0.05] {
            let words = format!("loadgen --profile pool-80k --scale {scale}");
            let plan = good(&words);
            assert_eq!(plan.endpoints, plan.users * 3 / 2);
            assert_eq!(plan.memberships(), u64::from(plan.endpoints) * 16);
            for user in 0..plan.users {
                let rooms = &plan.rooms_of[user as usize];
                let each = plan
                    .classes
                    .iter()
                    .map(|class| rooms.iter().filter(|room| class.rooms.contains(room)).count());
                assert_eq!(each.collect::<Vec<usize>>(), [12, 2, 2], "{user} at {scale}");
            }
            let members = |plan: &Plan| {
                plan.rooms.iter().map(|room| room.members.clone()).collect::<Vec<Vec<u32>>>()
            };
            for room in members(&plan) {
                assert_eq!(room.iter().collect::<BTreeSet<&u32>>().len(), room.len());
            }
            assert_eq!(members(&plan), members(&good(&words)));
            assert!(members(&plan) != members(&good(&format!("{words} --seed 2"))));
        }
    }

    #[test]
    fn rooms_are_full_but_the_last_of_each_size() {
        let plan = good("loadgen --profile pool-80k --scale 0.01");
        for (class, size) in plan.classes.iter().zip([30, 150, 800]) {
            let (last, full) = plan.rooms[class.rooms.start as usize..class.rooms.end as usize]
                .split_last()
                .expect("there are rooms of each size");
            assert!(full.iter().all(|room| room.members.len() == size), "{}", class.name);
            assert!((1..=size).contains(&last.members.len()), "{}", class.name);
        }
    }

    #[test]
    fn endpoints_belong_to_users_one_after_the_other() {
        let plan = good("loadgen --users 4 --endpoints-per-user 1.5");
        let users: Vec<u32> = (0..plan.endpoints).map(|endpoint| plan.user_of(endpoint)).collect();
        assert_eq!(users, [0, 0, 1, 2, 2, 3]);
        for user in 0..4 {
            assert!(plan.endpoints_of(user).all(|endpoint| plan.user_of(endpoint) == user));
        }
        assert_eq!((0..4).map(|user| plan.endpoints_of(user).len()).sum::<usize>(), 6);
    }

    #[test]
    fn direct_links_and_front_ends_mix_evenly() {
        let plan = good("loadgen --users 8 --direct 4 --front-ends 2");
        let links: Vec<u32> = (0..8).map(|endpoint| plan.link_of(endpoint)).collect();
        assert_eq!(links, [4, 0, 5, 1, 4, 2, 5, 3]);
        let shared = good("loadgen --users 5 --links 2");
        assert_eq!((0..5).map(|one| shared.link_of(one)).collect::<Vec<u32>>(), [0, 1, 0, 1, 0]);
        let direct = good("loadgen --users 3");
        assert_eq!((0..3).map(|one| direct.link_of(one)).collect::<Vec<u32>>(), [0, 1, 2]);
    }

    #[test]
    fn slow_and_dead_readers_are_spread_over_the_direct_links() {
        let words = "--users 12 --direct 10 --front-ends 1 --slow-readers 0.3 --dead-readers 0.2";
        let plan = good(&format!("loadgen {words}"));
        let readers: Vec<Reader> =
            (0..plan.links.count()).map(|link| plan.reader_of(link)).collect();
        let count = |kind| readers.iter().filter(|reader| **reader == kind).count();
        assert_eq!((count(Reader::Slow), count(Reader::Dead)), (3, 2), "{readers:?}");
        assert_eq!(readers[10], Reader::Good);
        assert!(!readers.windows(2).any(|two| !two.contains(&Reader::Good)), "{readers:?}");
    }

    #[test]
    fn workers_share_the_links_and_each_room_is_read_by_one() {
        let words = "loadgen --profile pool-80k --scale 0.001 --direct 30 --front-ends 2";
        let share = |index| good(&format!("{words} --share {index}/3/0"));
        let shares: Vec<Plan> = (0..3).map(share).collect();
        for endpoint in 0..shares[0].endpoints {
            assert_eq!(shares.iter().filter(|plan| plan.has(endpoint)).count(), 1);
        }
        assert_eq!(shares.iter().map(Plan::own_links).sum::<u32>(), 32);
        for room in 0..shares[0].rooms.len() as u32 {
            assert_eq!(shares.iter().filter(|plan| plan.reads(room)).count(), 1);
        }
    }

    #[test]
    fn links_beyond_an_address_come_from_the_next() {
        let plan = good("loadgen --users 5 --links-per-address 2");
        let sources: Vec<Option<Ipv4Addr>> = (0..5).map(|link| plan.source_of(link)).collect();
        let second = Some(Ipv4Addr::new(127, 0, 0, 2));
        assert_eq!(sources, [None, None, second, second, Some(Ipv4Addr::new(127, 0, 0, 3))]);
    }

    #[test]
    fn a_rate_keeps_the_proportions() {
        let plan = good("loadgen --profile pool-80k --scale 0.01 --rate 100 --model 2");
        let rates: Vec<u32> = plan.classes.iter().map(|class| class.rate.round() as u32).collect();
        assert_eq!(rates, [75, 25, 0]);
        assert_eq!(plan.class_at(0.0).name, "small");
        assert_eq!(plan.class_at(0.76).name, "medium");
        assert_eq!(plan.class_at(0.999).name, "large");
    }

    #[test]
    fn arguments_that_do_not_fit_are_told() {
        let bad = [
            ("--users 3 --links 4", "more than the 3 endpoints"),
            ("--users 3 --direct 2", "--front-ends"),
            ("--users 3 --direct 4", "as many endpoints"),
            ("--scale 0.5", "--users"),
            ("--model 2", "--rate"),
            ("--profile pool-80k --scale 0.01 --rooms 3", "which rooms"),
            ("--profile pool-80k --scale 20", "users"),
            ("--endpoints-per-user 0.5", "endpoints per user"),
            ("--rate -1", "rates"),
            ("--links 2 --workers 3", "each needs one"),
            ("--workers 0", "at least one"),
            ("--storm-part 1", "below 1"),
            ("--churn inf", "rates"),
            ("--slow-readers 0.6 --dead-readers 0.5", "at most 1"),
            ("--links 2 --slow-readers 0.5", "--direct"),
            ("--dead-readers 0.5 --reconnect", "--reconnect"),
        ];
        for (words, says) in bad {
            let error = plan(&format!("loadgen {words}")).expect_err(words);
            assert!(error.contains(says), "{words}: {error}");
        }
    }
}
