//! What well-meaning clients do, in no sensible order: users, and the faults of their machines.

use super::agenda::Event;
use super::ledger::Asked;
use super::world::{Phase, World};
use parlance_loadgen::{Client, PostId};
use parlance_wire::xccos::{
    Command, HistorySearch, Preference, PrincipalSearch, Privacy, RoleChange, RoleOp, RoomChange,
    RoomRef, RoomRole, RoomSearch,
};

impl World {
    /// The client's machine.
    pub fn client(&mut self, client: usize) -> &mut Client {
        let persona = &self.personas[client];
        self.hosts[persona.host].client(persona.place)
    }

    /// Sends what a client wrote.
    pub fn send(&mut self, client: usize, out: &[u8]) {
        let host = self.personas[client].host;
        self.hosts[host].witness.sent(out);
        self.overhear(out);
        match self.hosts[host].pipe {
            Some(pipe) => self.send_up(pipe, out),
            None => assert!(out.is_empty(), "nothing is sent without a connection"),
        }
    }

    /// A client does whatever comes to its mind, and will do so again.
    pub fn act(&mut self, client: usize) {
        let pause = self.dice.between(1_000, self.plan.pause_us);
        // At rest clients do nothing but sign in; they keep to Retry-After as well as people do.
        let calm = self.dice.between(200_000, 3_000_000);
        let pause = if self.phase == Phase::Calm { calm } else { pause };
        if matches!(self.phase, Phase::Chaos | Phase::Calm) {
            self.agenda.at(self.now + pause, Event::Act(client));
        }
        if self.plan.wall_jumps && self.dice.one_in(50) {
            self.wall_offset = self.dice.between(0, 40_000_000) as i64 - 20_000_000;
        }
        if self.hosts[self.personas[client].host].pipe.is_none() {
            return;
        }
        if self.client(client).is_idle() {
            return self.sign_in(client);
        }
        if !self.client(client).is_open() && self.is_stuck(client) {
            return self.crash(client);
        }
        if self.phase != Phase::Chaos {
            return self.stay(client);
        }
        if self.now < self.personas[client].quiet_until {
            return;
        }
        let roll = self.dice.below(100) as u64;
        let faults = if self.personas[client].is_steady { 0 } else { self.plan.fault_percent };
        let naughty = if self.personas[client].is_naughty { self.plan.naughty_percent } else { 0 };
        if roll < faults {
            self.fault(client);
        } else if !self.client(client).is_open() {
            // Signing in or out: wait.
        } else if roll < faults + naughty {
            self.be_naughty(client);
        } else if roll < faults + naughty + self.plan.post_percent {
            self.post_somewhere(client);
        } else {
            self.command_something(client);
        }
    }

    /// At rest a client does no more than it must to keep its dialog.
    fn stay(&mut self, client: usize) {
        let is_due = self.plan.limits.session_expires_s < 60 || self.dice.one_in(100);
        if self.phase == Phase::Calm && is_due && self.client(client).is_open() {
            let mut out = Vec::new();
            self.client(client).update(&mut out);
            self.send(client, &out);
        }
    }

    /// A sign-in or BYE that takes for ever: its dialog was given up in the middle of it.
    fn is_stuck(&self, client: usize) -> bool {
        self.now > self.personas[client].busy_since + 8_000_000
    }

    /// Begins a sign-in.
    pub fn sign_in(&mut self, client: usize) {
        self.personas[client].busy_since = self.now;
        let mut out = Vec::new();
        self.client(client).open(&mut out);
        self.send(client, &out);
    }

    fn any_room(&mut self) -> usize {
        self.dice.below(self.rooms.len())
    }

    /// A room the client is in, if there is one and chance will have it; else any.
    fn likely_room(&mut self, client: usize) -> usize {
        let any = self.any_room();
        let pick = self.dice.any() as usize;
        let seats = self.ledger.session(client).map(|session| &session.seats);
        match seats.filter(|seats| !seats.is_empty() && !pick.is_multiple_of(8)) {
            Some(seats) => *seats.keys().nth(pick / 8 % seats.len()).expect("within its length"),
            None => any,
        }
    }

    fn post_somewhere(&mut self, client: usize) {
        let room = self.likely_room(client);
        let burst = if self.dice.one_in(8) { self.dice.between(2, 12) } else { 1 };
        for _ in 0..burst {
            let bytes = match self.dice.below(30) {
                0 => self.plan.limits.message_bytes_max + 1,
                1 => self.plan.limits.message_bytes_max,
                2..=4 => self.dice.between(100, 2_000) as usize,
                _ => self.dice.between(1, 60) as usize,
            };
            self.post(client, room, bytes);
        }
    }

    /// Posts a text of about so many bytes.
    pub fn post(&mut self, client: usize, room: usize, bytes: usize) -> PostId {
        self.personas[client].posts += 1;
        let post = PostId { client: client as u32, seq: self.personas[client].posts };
        let mut text = post.text(bytes);
        if self.dice.one_in(4) && text.len() > 20 {
            // What must be escaped on the wire.
            text.truncate(12 + text.find(' ').unwrap_or(0));
            let missing = bytes - text.len().min(bytes);
            text.extend((0..missing).map(|at| ['&', '<', '"', '>'][at % 4]));
        }
        let reference = self.rooms[room].clone();
        self.ledger.posting(client, post, room, text.clone());
        self.trace.tell(self.now, || format!("client {client} -> {post} in room {room}"));
        let mut out = Vec::new();
        self.client(client).post_as(post, &reference, &text, &mut out);
        self.send(client, &out);
        post
    }

    /// Sends a command and notes what it is about.
    pub fn command(&mut self, client: usize, command: &Command, asked: Asked) {
        self.trace.tell(self.now, || format!("client {client}: {command:?}"));
        let mut out = Vec::new();
        let envid = self.client(client).command(command, &mut out);
        self.ledger.commanded(client, envid, asked);
        self.send(client, &out);
    }

    /// Joins these rooms in one command.
    pub fn join(&mut self, client: usize, rooms: &[usize]) {
        let mut references: Vec<RoomRef> = rooms.iter().map(|r| self.rooms[*r].clone()).collect();
        let command = match (references.len(), self.dice.percent(50)) {
            (1, true) => Command::Join(references.pop().expect("there is one")),
            _ => Command::BJoin(references),
        };
        self.ledger.wants(client, rooms);
        self.command(client, &command, Asked::Join);
    }

    /// Leaves a room.
    pub fn part(&mut self, client: usize, room: usize) {
        let command = Command::Part(self.rooms[room].clone());
        self.command(client, &command, Asked::Part(room));
    }

    /// Asks for history.
    pub fn history(&mut self, client: usize, room: usize, count: u32, is_at_rest: bool) {
        let command = Command::BcContext { room: self.rooms[room].clone(), count };
        self.command(client, &command, Asked::History(room, count, is_at_rest));
    }

    /// Searches a room from a number on, as who reads all of it page by page.
    pub fn search(&mut self, client: usize, room: usize, start: u64, is_at_rest: bool) {
        let search = HistorySearch {
            rooms: vec![self.rooms[room].clone()],
            start: Some(start),
            ..HistorySearch::default()
        };
        let session = self.ledger.session(client);
        let next = session.and_then(|session| session.seats.get(&room)?.next);
        let asked = Asked::Search { room, start, next: next.unwrap_or(1), is_at_rest };
        self.command(client, &Command::BcByDate(Box::new(search)), asked);
    }

    fn command_something(&mut self, client: usize) {
        let room = self.likely_room(client);
        match self.dice.below(23) {
            0..=6 => {
                let count = self.dice.between(1, 3);
                let rooms: Vec<usize> = (0..count).map(|_| self.any_room()).collect();
                self.join(client, &rooms);
                if self.dice.percent(30) {
                    let count = self.dice.between(1, 40) as u32;
                    self.history(client, rooms[0], count, false);
                }
            }
            7..=9 => {
                self.part(client, room);
                if self.dice.percent(30) {
                    self.join(client, &[room]);
                }
            }
            10..=12 => {
                let count = self.dice.between(0, 600) as u32;
                self.history(client, room, count, false);
            }
            13 => self.some_query(client),
            14 => {
                let mut out = Vec::new();
                self.client(client).update(&mut out);
                self.send(client, &out);
            }
            15 => self.some_preference(client),
            16 => {
                let start = self.dice.between(1, 30);
                for _ in 0..self.dice.between(1, 3) {
                    self.search(client, room, start, false);
                }
            }
            17 => {
                let command = Command::GetInv { after: 0, domain: super::world::DOMAIN.into() };
                self.command(client, &command, Asked::Other);
            }
            21 => self.some_management(client, room),
            22 => self.some_browsing(client, room),
            18 if self.dice.one_in(3) => {
                let mut out = Vec::new();
                self.personas[client].busy_since = self.now;
                self.client(client).bye(&mut out);
                self.send(client, &out);
            }
            _ => {
                // A flurry: more than windows and tables hold.
                for _ in 0..self.dice.between(2, 10) {
                    self.history(client, room, 5, false);
                }
            }
        }
    }

    fn some_query(&mut self, client: usize) {
        let command = match self.dice.below(3) {
            0 => Command::ChanSrch(RoomSearch {
                criteria: self.dice.pick(&["", "room", "2", "nothing"]).to_owned(),
                extended: self.dice.percent(50),
                results_max: self.dice.percent(30).then_some(1),
                ..RoomSearch::default()
            }),
            1 => Command::GetServerInfo { info_type: "123".to_owned() },
            _ => Command::NodesPermCreateChild,
        };
        self.command(client, &command, Asked::Other);
    }

    /// Somebody who may manage the room, or not, changes it.
    fn some_management(&mut self, client: usize, room: usize) {
        let mut change = RoomChange::new(self.rooms[room].clone());
        let has_walls = self.plan.walls_us > 0;
        match self.dice.below(4) {
            1 if has_walls => change.disabled = Some(self.dice.percent(50)),
            2 if has_walls => {
                let user = self.dice.below(self.plan.users);
                change.roles.push(RoleChange {
                    role: self.dice.pick(&[RoomRole::Member, RoomRole::Manager]),
                    op: self.dice.pick(&[RoleOp::Add, RoleOp::Remove]),
                    principals: vec![format!("sip:u{user}@{}", super::world::DOMAIN)],
                });
            }
            3 if has_walls => change.privacy = Some(Privacy::Closed),
            _ => change.description = Some(format!("version {}", self.dice.below(100))),
        }
        self.command(client, &Command::ChanModify(Box::new(change)), Asked::Other);
    }

    /// What may I, what is there?
    fn some_browsing(&mut self, client: usize, room: usize) {
        let room = self.rooms[room].clone();
        let command = match self.dice.below(5) {
            0 => Command::ChanInfo { room: Some(room), name: None },
            1 => Command::GetPermissions(room),
            2 => Command::GetParticipants(room),
            3 => Command::GetAddin,
            _ => {
                let search =
                    PrincipalSearch { last_name: "u".into(), ..PrincipalSearch::default() };
                Command::UserSearch(Box::new(search))
            }
        };
        self.command(client, &command, Asked::Other);
    }

    fn some_preference(&mut self, client: usize) {
        let label = self.dice.pick(&["a", "b", "c", "d"]).to_owned();
        let seqid = self.dice.between(0, 3);
        let write = self.dice.percent(60);
        let content = write.then(|| "AAAA".to_owned());
        let preference = Preference { label, seqid, create_default: false, content };
        let command = match write {
            true => Command::SetPref(preference),
            false => Command::GetPref(preference),
        };
        self.command(client, &command, Asked::Other);
    }

    /// Everybody joins or leaves one room in the same moment.
    pub fn storm(&mut self) {
        if self.phase != Phase::Chaos {
            return;
        }
        self.agenda.at(self.now + self.plan.storm_us, Event::Storm);
        self.storm_joins = !self.storm_joins;
        let room = self.any_room();
        for client in 0..self.personas.len() {
            let is_connected = self.hosts[self.personas[client].host].pipe.is_some();
            if is_connected && self.client(client).is_open() {
                match self.storm_joins {
                    true => self.join(client, &[room]),
                    false => self.part(client, room),
                }
            }
        }
    }
}
