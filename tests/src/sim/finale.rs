//! How a world ends: faults stop, and then everything that was promised must come true.

use super::pipe::Pipe;
use super::world::{Node, Phase, World};

const SECOND: u64 = 1_000_000;

/// Most times that clients are asked whether they are well before that is a violation.
const ROUNDS_MAX: usize = 25;
/// Most pages of a room: the smallest page is one message.
const PAGES_MAX: usize = 5_000;

impl World {
    /// Lives through the whole plan.
    pub fn live(&mut self) {
        self.run_until(self.plan.chaos_us);
        if self.phase != Phase::Drained {
            self.calm_down();
            self.sign_all_in();
            self.post_everywhere();
            self.ledger.check_rest(self.plan.limits.participants_resume);
            self.leave_everywhere();
            self.join_anew();
            if self.plan.walls_us > 0 {
                self.name_officers();
            }
            self.post_everywhere();
            self.ledger.check_rest(self.plan.limits.participants_max + 1);
            self.read_histories();
            self.check_quiet();
            self.drain();
        }
        self.check_drained();
    }

    fn calm_down(&mut self) {
        self.trace.tell(self.now, || "faults stop".to_owned());
        self.phase = Phase::Calm;
        self.wall_offset = 0;
        self.plan.network_us = self.plan.network_us.min(1_000);
        self.plan.dribble_one_in = 1_000_000;
        for pipe in 0..self.pipes.len() {
            self.read_on(pipe);
        }
        for client in 0..self.personas.len() {
            self.release_answers(client);
        }
        self.end_villainy();
        if self.plan.walls_us > 0 {
            self.tear_walls_down();
        }
        // Half-open links are noticed, graces end.
        self.run_for(20 * SECOND);
        self.settle();
    }

    /// Lets everything that is under way arrive.
    fn settle(&mut self) {
        for _ in 0..60 {
            self.run_for(3 * SECOND);
            let is_moving =
                |pipe: &Pipe| pipe.client_open && !(pipe.up.is_empty() && pipe.down.is_empty());
            let is_owed = |node: &Node| node.shard.gauges().outbox_bytes > 0;
            if self.is_idle()
                && !self.pipes.iter().any(is_moving)
                && !self.nodes.iter().any(is_owed)
            {
                return;
            }
        }
        self.ledger.violate("things do not come to rest".to_owned());
    }

    /// Waits until each client has a dialog that the server knows too.
    fn sign_all_in(&mut self) {
        for _ in 0..ROUNDS_MAX {
            let clients = 0..self.personas.len();
            let before: Vec<_> = clients.clone().map(|c| self.dialog(c)).collect();
            for client in clients.clone() {
                if before[client].is_some() {
                    let mut out = Vec::new();
                    self.client(client).update(&mut out);
                    self.send(client, &out);
                }
            }
            self.settle();
            let after: Vec<_> = clients.map(|c| self.dialog(c)).collect();
            if before == after && after.iter().all(Option::is_some) {
                return;
            }
        }
        self.ledger.violate("not everybody could sign in after the faults".to_owned());
    }

    fn dialog(&mut self, client: usize) -> Option<parlance_loadgen::SessionId> {
        self.client(client).is_open().then(|| self.ledger.session(client).map(|s| s.id()))?
    }

    /// Everybody posts to each room they are in, one after the other: all must be accepted.
    fn post_everywhere(&mut self) {
        let mut posts = Vec::new();
        for client in 0..self.personas.len() {
            for room in self.seats(client) {
                if !self.client(client).is_open() {
                    self.ledger.violate(format!("client {client} lost its dialog at rest"));
                    break;
                }
                posts.push(self.post(client, room, 20));
                self.run_for(600_000);
            }
        }
        self.settle();
        for post in posts {
            let status = self.ledger.status(post);
            if status != Some(200) {
                self.ledger.violate(format!("{post} at rest: {status:?}"));
            }
        }
    }

    fn seats(&self, client: usize) -> Vec<usize> {
        let session = self.ledger.session(client);
        session.map_or(Vec::new(), |session| session.seats.keys().copied().collect())
    }

    fn leave_everywhere(&mut self) {
        for room in 0..self.rooms.len() {
            for client in 0..self.personas.len() {
                let is_in = self.ledger.session(client).is_some_and(|session| {
                    session.seats.contains_key(&room) || session.maybe.contains(&room)
                });
                if is_in && self.client(client).is_open() {
                    self.part(client, room);
                    self.run_for(300_000);
                }
            }
            self.run_for(SECOND);
        }
        self.run_for(2 * SECOND);
        self.settle();
        for client in 0..self.personas.len() {
            let left = self.seats(client);
            if !left.is_empty() {
                self.ledger.violate(format!("client {client} could not leave {left:?}"));
            }
        }
    }

    fn join_anew(&mut self) {
        let most = self.plan.limits.session_rooms_max.min(self.rooms.len());
        for client in 0..self.personas.len() {
            if !self.client(client).is_open() {
                continue;
            }
            let first = self.dice.below(self.rooms.len());
            let count = self.dice.between(1, most as u64) as usize;
            let rooms: Vec<usize> = (0..count).map(|n| (first + n) % self.rooms.len()).collect();
            self.join(client, &rooms);
            // One after the other: the smallest feeds hold two notices.
            self.run_for(500_000);
        }
        self.run_for(5 * SECOND);
        self.settle();
        for client in 0..self.personas.len() {
            if self.seats(client).is_empty() {
                self.ledger.violate(format!("client {client} could not join"));
            }
        }
    }

    fn read_histories(&mut self) {
        for room in 0..self.rooms.len() {
            let client = room % self.personas.len();
            if self.client(client).is_open() {
                self.history(client, room, 1_000, true);
                self.run_for(SECOND);
                self.read_whole(client, room);
            }
        }
    }

    /// All that was ever said in a room, page by page.
    fn read_whole(&mut self, client: usize, room: usize) {
        let mut start = 1;
        for _ in 0..PAGES_MAX {
            if !self.client(client).is_open() {
                return self.ledger.violate(format!("client {client} lost its dialog at rest"));
            }
            self.search(client, room, start, true);
            self.run_for(SECOND);
            match self.ledger.page_end(room) {
                Some(next) => start = next,
                None => return,
            }
        }
        self.ledger.violate(format!("room {room} has no end"));
    }

    /// Nothing is under way: every table that empties by itself is empty.
    fn check_quiet(&mut self) {
        self.phase = Phase::Rest;
        self.settle();
        if !self.is_idle() {
            self.ledger.violate("mail or log are busy at rest".to_owned());
        }
        let (mut sessions, mut subscriptions) = (0, 0);
        for shard in 0..self.nodes.len() {
            let gauges = self.nodes[shard].shard.gauges();
            sessions += gauges.sessions;
            subscriptions += gauges.subscriptions;
            let open = [
                ("asks", gauges.asks),
                ("queries", gauges.queries),
                ("uncommitted", gauges.uncommitted),
                ("fan-out", gauges.fanout_pending),
                ("lagging", gauges.sessions_lagging),
                ("outbox", gauges.outbox_bytes),
            ];
            for (name, count) in open.into_iter().filter(|(_, count)| *count > 0) {
                self.ledger.violate(format!("shard {shard} at rest: {name} {count}"));
            }
        }
        let seats: usize = (0..self.personas.len()).map(|c| self.seats(c).len()).sum();
        let clients = self.personas.len();
        if (sessions, subscriptions) != (clients, seats) {
            self.ledger.violate(format!(
                "{sessions} sessions of {clients} clients, {subscriptions} seats of {seats}"
            ));
        }
        for host in 0..self.hosts.len() {
            let open: Vec<_> = self.hosts[host].witness.pending().cloned().collect();
            for (call_id, cseq, method) in open {
                self.ledger.violate(format!("{method} {cseq} of {call_id} was never answered"));
            }
        }
    }

    /// After the operator's stop every shard says that it is drained, and nothing is left.
    fn check_drained(&mut self) {
        self.phase = Phase::Drained;
        self.run_for(self.plan.limits.drain_ms * 1_000 + 10 * SECOND);
        for _ in 0..100 {
            if !self.is_idle() {
                self.run_for(3 * SECOND);
            }
        }
        for shard in 0..self.nodes.len() {
            let gauges = self.nodes[shard].shard.gauges();
            let left = (gauges.links, gauges.sessions, gauges.asks, gauges.subscriptions);
            if !self.nodes[shard].is_drained || left != (0, 0, 0, 0) {
                self.ledger.violate(format!("shard {shard} is not drained: {gauges:?}"));
            }
        }
    }

    /// Takes the coverage out of the shards' counters, and what hosts saw.
    pub fn collect(&mut self) {
        self.collect_counters();
        for host in &mut self.hosts {
            self.ledger.violations.append(&mut host.witness.violations);
            if host.witness.saw_full_window {
                self.ledger.marks.hit("window_full");
            }
        }
        self.ledger.marks.hit(if self.plan.is_roomy { "roomy" } else { "tight" });
    }

    /// What the shards have counted.
    pub fn collect_counters(&mut self) {
        for node in &self.nodes {
            let counters = node.shard.counters();
            self.ledger.marks.add("lags", counters.lags);
            self.ledger.marks.add("posts", counters.posts);
            self.ledger.marks.add("notices_joined", counters.notices_joined);
            self.ledger.marks.add("commands", counters.commands);
            self.ledger.marks.add("expelled", counters.expelled);
            for (kind, count) in parlance_core::Refusal::KINDS.iter().zip(counters.refused) {
                self.ledger.marks.add(&format!("refused_{kind}"), count);
            }
        }
    }
}
