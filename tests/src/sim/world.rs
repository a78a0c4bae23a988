//! Everything there is in one run, and the loop that makes time pass.

use super::agenda::{Agenda, Event};
use super::database::Asked;
use super::dice::Dice;
use super::host::{Host, Persona};
use super::ledger::Ledger;
use super::pipe::Pipe;
use super::plan::Plan;
use super::sabotage::Sabotage;
use super::trace::Trace;
use super::villain::Villain;
use super::walls;
use parlance_core::directory::Touched;
use parlance_core::{
    Directory, Gauges, Instant, LinkId, Mail, MemoryArchive, MemoryLog, Now, RoomConfig, Setup,
    Shard, ShardId,
};
use parlance_loadgen::rooms::{room_guid, room_uri};
use parlance_loadgen::{Client, ClientConfig, SignIn};
use parlance_wire::xccos::{RoomRef, Timestamp};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// Everybody's SIP domain.
pub const DOMAIN: &str = "example.test";

/// Wall time at the start: some day of 2024.
const WALL_START: i64 = 17_100_000_000_000_000;

/// One shard with its log and the shell's view of its links.
#[derive(Debug)]
pub struct Node {
    /// The real thing.
    pub shard: Shard,
    /// Its log.
    pub log: MemoryLog,
    /// A sync is under way.
    pub is_syncing: bool,
    /// When it will be woken, if that is in the agenda.
    pub wake_at: Option<u64>,
    /// Its links as pipes.
    pub links: BTreeMap<LinkId, usize>,
    /// It said that it is drained.
    pub is_drained: bool,
    /// Its gauges a moment ago.
    pub before: Gauges,
    /// What changed in the directory since it was last told.
    pub news: Option<Touched>,
}

/// How the world is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Everything may happen.
    Chaos,
    /// Faults have stopped; clients sign in again and do nothing else.
    Calm,
    /// Nobody does anything any more.
    Rest,
    /// The operator stopped the server.
    Drained,
}

/// See the module's text.
#[derive(Debug)]
pub struct World {
    /// Constants.
    pub plan: Plan,
    /// All chance.
    pub dice: Dice,
    /// Virtual time, µs.
    pub now: u64,
    /// How it is doing.
    pub phase: Phase,
    /// What is to come.
    pub agenda: Agenda,
    /// The server.
    pub nodes: Vec<Node>,
    /// Mail under way, by `from * shards + to`.
    pub mail: Vec<VecDeque<Mail>>,
    /// Connections ever made.
    pub pipes: Vec<Pipe>,
    /// Machines.
    pub hosts: Vec<Host>,
    /// Clients.
    pub personas: Vec<Persona>,
    /// Those who mean harm.
    pub villains: Vec<Villain>,
    /// Rooms as clients name them.
    pub rooms: Vec<RoomRef>,
    /// What the clients were told.
    pub ledger: Ledger,
    /// What happened, as a number.
    pub trace: Trace,
    /// Deliberate damage between server and network.
    pub sabotage: Option<Sabotage>,
    /// The wall clock is this far off.
    pub wall_offset: i64,
    /// Whether the last storm joined.
    pub storm_joins: bool,
    /// What villains heard of others.
    pub overheard: Vec<Vec<u8>>,
    /// Rooms and domain.
    pub directory: Arc<Directory>,
    /// Everything that is durable.
    pub archive: MemoryArchive,
    /// Questions to it that are not answered yet, in their order.
    pub queries: BTreeMap<u64, Asked>,
    /// How many there ever were.
    pub queries_asked: u64,
}

impl World {
    /// The world of a seed, at its beginning.
    pub fn new(seed: u64, plan: Plan) -> World {
        let mut dice = Dice::new(seed, 2);
        let room = |index: usize| RoomConfig {
            id: room_guid(index as u32),
            name: format!("Room {index}"),
            description: "A room & more".to_owned(),
            managers: vec![format!("sip:u0@{DOMAIN}")],
        };
        let rooms = (0..plan.rooms).map(room).collect();
        let directory = Directory::new(DOMAIN, rooms).expect("rooms differ");
        let directory = match plan.walls_us {
            0 => directory,
            _ => walls::with_people(&directory, plan.users),
        };
        let directory = Arc::new(directory);
        let start = Now { instant: Instant(0), wall: Timestamp(WALL_START) };
        let node = |id| node(&plan, &directory, id, start, &mut dice);
        let nodes = (0..plan.shards).map(node).collect();
        let uris: Vec<String> = (0..plan.rooms).map(|r| room_uri(DOMAIN, r as u32)).collect();
        let users = (0..plan.clients())
            .map(|client| format!("sip:u{}@{DOMAIN}", client % plan.users))
            .collect();
        let mut world = World {
            now: 0,
            phase: Phase::Chaos,
            agenda: Agenda::default(),
            nodes,
            mail: vec![VecDeque::new(); plan.shards * plan.shards],
            pipes: Vec::new(),
            hosts: Vec::new(),
            personas: Vec::new(),
            villains: (0..plan.villains).map(Villain::new).collect(),
            rooms: uris.iter().map(|uri| RoomRef::parse(uri).expect("as written")).collect(),
            ledger: Ledger::new(users, uris, &plan, directory.clone()),
            trace: Trace::default(),
            sabotage: None,
            wall_offset: 0,
            storm_joins: false,
            overheard: Vec::new(),
            directory,
            archive: MemoryArchive::default(),
            queries: BTreeMap::new(),
            queries_asked: 0,
            dice,
            plan,
        };
        world.populate(seed);
        world.enter_first_events();
        world
    }

    fn populate(&mut self, seed: u64) {
        let sizes: Vec<usize> = std::iter::repeat_n(1, self.plan.direct)
            .chain(self.plan.front_ends.iter().copied())
            .collect();
        for (at, size) in sizes.into_iter().enumerate() {
            let is_front_end = at >= self.plan.direct;
            let mut host = Host::new(is_front_end, self.plan.limits.window);
            let is_steady = self.dice.percent(40);
            for _ in 0..size {
                let number = self.personas.len();
                let config = self.client_config(number, at, seed);
                let place = host.add(Client::new(config), number);
                self.personas.push(Persona {
                    host: at,
                    place,
                    posts: 0,
                    is_steady,
                    is_naughty: self.dice.percent(30),
                    busy_since: 0,
                    is_forgetful: false,
                    quiet_until: 0,
                });
            }
            self.hosts.push(host);
        }
    }

    fn client_config(&mut self, number: usize, host: usize, seed: u64) -> ClientConfig {
        let sent_by = format!("10.0.0.{}:5060", host + 1);
        let mut config = ClientConfig::numbered(number as u32, DOMAIN, &sent_by, seed);
        config.user = format!("u{}", number % self.plan.users);
        config.sign_in = SignIn {
            register: self.dice.percent(40),
            provision: self.dice.percent(30),
            look_up: self.dice.percent(40),
        };
        config
    }

    fn enter_first_events(&mut self) {
        for host in 0..self.hosts.len() {
            let when = self.dice.between(0, 300_000);
            self.agenda.at(when, Event::Connect(host));
        }
        for client in 0..self.personas.len() {
            let when = self.dice.between(0, 400_000);
            self.agenda.at(when, Event::Act(client));
        }
        for villain in 0..self.villains.len() {
            let when = self.dice.between(0, 1_000_000);
            self.agenda.at(when, Event::Villain(villain));
        }
        if self.plan.storm_us > 0 {
            self.agenda.at(self.plan.storm_us, Event::Storm);
        }
        if self.plan.crash_us > 0 {
            let when = self.dice.between(1, 2 * self.plan.crash_us);
            self.agenda.at(when, Event::Crash);
        }
        if self.plan.walls_us > 0 {
            let when = self.dice.between(1, 2 * self.plan.walls_us);
            self.agenda.at(when, Event::Directory);
        }
        if let Some(when) = self.plan.drain_at_us {
            self.agenda.at(when, Event::Drain);
        }
    }

    /// This moment as the core sees it.
    pub fn moment(&self) -> Now {
        let ticks = WALL_START + self.now as i64 * 10 + self.wall_offset;
        Now { instant: Instant(self.now), wall: Timestamp(ticks) }
    }

    /// A time on the network from now.
    pub fn soon(&mut self) -> u64 {
        self.now + self.dice.between(1, self.plan.network_us)
    }

    /// Lets everything happen up to `end`.
    pub fn run_until(&mut self, end: u64) {
        while self.agenda.next().is_some_and(|when| when <= end) {
            let (when, event) = self.agenda.pop().expect("looked at");
            self.now = self.now.max(when);
            self.ledger.now = self.now;
            self.happen(event);
        }
        self.now = self.now.max(end);
    }

    /// Lets `us` microseconds pass.
    pub fn run_for(&mut self, us: u64) {
        self.run_until(self.now + us);
    }

    fn happen(&mut self, event: Event) {
        self.trace.number(self.now);
        match event {
            Event::Wake(shard) => self.wake(shard),
            Event::Mail(from, to) => self.hand_over_mail(from, to),
            Event::Sync(shard) => self.finish_sync(shard),
            Event::ServerWrite(pipe) => self.server_write(pipe),
            Event::ServerRead(pipe) => self.server_read(pipe),
            Event::ServerDown(pipe) => self.server_down(pipe),
            Event::ClientRead(pipe) => self.client_read(pipe),
            Event::ReadOn(pipe) => self.read_on(pipe),
            Event::Connect(host) => self.connect_host(host),
            Event::Act(client) => self.act(client),
            Event::Release(client) => self.release_answers(client),
            Event::Storm => self.storm(),
            Event::Villain(villain) => self.villain_acts(villain),
            Event::Drain => self.drain(),
            Event::Database(number) => self.answer_query(number),
            Event::Crash => self.crash_server(),
            Event::Directory => self.change_directory(),
            Event::Publish(shard) => self.publish(shard),
        }
    }

    /// The operator stops the server: all shards are told, each in its own time.
    pub fn drain(&mut self) {
        self.trace.tell(self.now, || "the operator stops the server".to_owned());
        self.phase = Phase::Drained;
        for shard in 0..self.nodes.len() {
            self.input(shard, parlance_core::Input::Drain);
        }
    }
}

/// A shard that begins at `now`.
pub fn node(plan: &Plan, directory: &Arc<Directory>, id: usize, now: Now, dice: &mut Dice) -> Node {
    let mut seed = [0; 32];
    seed.chunks_mut(8).for_each(|chunk| chunk.copy_from_slice(&dice.any().to_le_bytes()));
    let setup = Setup {
        id: ShardId(id as u16),
        shards: plan.shards,
        directory: directory.clone(),
        limits: plan.limits.clone(),
        seed,
    };
    Node {
        shard: Shard::new(setup, now),
        log: MemoryLog::default(),
        is_syncing: false,
        wake_at: None,
        links: BTreeMap::new(),
        is_drained: false,
        before: Gauges::default(),
        news: None,
    }
}
