//! The shell of the simulated server: carries out what the shards ask for, late and in pieces.

use super::agenda::Event;
use super::pipe::PORTION_BYTES_MAX;
use super::world::{Phase, World};
use parlance_core::{Close, Event as Told, Input, LinkId, Mail, Output, ShardId};
use std::net::SocketAddr;

impl World {
    /// Hands an input to a shard and does what it says.
    pub fn input(&mut self, shard: usize, input: Input<'_>) {
        let now = self.moment();
        self.nodes[shard].shard.handle(now, input);
        while let Some(output) = self.nodes[shard].shard.poll_output() {
            self.carry_out(shard, output);
        }
        self.arrange_wake(shard);
        self.check_bounds(shard);
    }

    fn arrange_wake(&mut self, shard: usize) {
        let node = &self.nodes[shard];
        let Some(due) = node.shard.poll_timeout() else { return };
        // Work put off lets other inputs pass; a timer may ring a little late.
        let when = due.0.max(self.now) + self.dice.between(0, 30);
        if node.wake_at.is_none_or(|at| at > when || at < self.now) {
            self.nodes[shard].wake_at = Some(when);
            self.agenda.at(when, Event::Wake(shard));
        }
    }

    /// Wakes a shard that asked for it.
    pub fn wake(&mut self, shard: usize) {
        if self.nodes[shard].wake_at == Some(self.now) {
            self.nodes[shard].wake_at = None;
            self.input(shard, Input::Timeout);
        }
    }

    fn carry_out(&mut self, shard: usize, output: Output) {
        match output {
            Output::Write { link } => {
                let pipe = self.nodes[shard].links[&link];
                if std::mem::replace(&mut self.pipes[pipe].is_announced, true) {
                    self.ledger.violate(format!("pipe {pipe}: announced twice"));
                }
                self.arm_write(pipe);
            }
            Output::Close { link, flush, reason } => self.close(shard, link, flush, reason),
            Output::Mail { to, mail } => self.post_mail(shard, usize::from(to.0), mail),
            Output::Append { record } => {
                self.trace.number(record.ticket);
                self.trace.bytes(record.chat.as_bytes());
                self.nodes[shard].log.append(record);
                self.arm_sync(shard);
            }
            Output::Ask { key, query } => self.ask_database(shard, key, query),
            Output::Remember { endpoint } => self.archive.remember(endpoint),
            Output::Event(event) => self.on_told(shard, event),
        }
    }

    fn post_mail(&mut self, from: usize, to: usize, mail: Mail) {
        let pair = from * self.nodes.len() + to;
        if self.mail[pair].is_empty() {
            let when = self.now + self.dice.between(1, self.plan.mail_us);
            self.agenda.at(when, Event::Mail(from, to));
        }
        self.mail[pair].push_back(mail);
    }

    /// A batch of one pair's mail arrives, in order.
    pub fn hand_over_mail(&mut self, from: usize, to: usize) {
        let pair = from * self.nodes.len() + to;
        for _ in 0..self.dice.between(1, self.plan.mail_batch as u64) {
            let Some(mail) = self.mail[pair].pop_front() else { break };
            self.trace.number(0x3a11 + pair as u64);
            self.input(to, Input::Mail { from: ShardId(from as u16), mail });
        }
        if !self.mail[pair].is_empty() {
            let when = self.now + self.dice.between(1, self.plan.mail_us);
            self.agenda.at(when, Event::Mail(from, to));
        }
    }

    fn arm_sync(&mut self, shard: usize) {
        if !self.nodes[shard].is_syncing && self.nodes[shard].log.waiting() > 0 {
            self.nodes[shard].is_syncing = true;
            let when = self.now + self.dice.between(1, self.plan.sync_us);
            self.agenda.at(when, Event::Sync(shard));
        }
    }

    /// A sync ends: some of what waits is durable.
    pub fn finish_sync(&mut self, shard: usize) {
        let node = &mut self.nodes[shard];
        if !std::mem::take(&mut node.is_syncing) {
            // It was the sync of a server that was killed.
            return;
        }
        let most = node.log.waiting();
        let count = if self.dice.percent(70) { most } else { 1 + self.dice.below(most) };
        self.make_durable(shard, count);
        let node = &self.nodes[shard];
        let ticket = node.log.committed();
        self.input(shard, Input::Committed { ticket });
        self.arm_sync(shard);
    }

    fn close(&mut self, shard: usize, link: LinkId, flush: bool, reason: Close) {
        let at = self.nodes[shard].links[&link];
        self.trace.tell(self.now, || format!("pipe {at} is closed: {reason:?}"));
        let name = match reason {
            Close::Refused(_) => "closed_refused",
            Close::TooSlow => "closed_too_slow",
            Close::Stalled => "closed_stalled",
            Close::Drained => "closed_drained",
        };
        self.ledger.marks.hit(name);
        self.trace.number(0xc105e + at as u64);
        if flush {
            let waiting: Vec<u8> =
                self.nodes[shard].shard.outgoing(link).flatten().copied().collect();
            let room = self.plan.socket_bytes;
            self.send_down(at, &waiting[..waiting.len().min(room)]);
        }
        let pipe = &mut self.pipes[at];
        pipe.server_open = false;
        let when = self.soon() + self.dice.between(0, 100_000);
        self.arm_down(at, when);
        self.arm_client(at);
    }

    fn on_told(&mut self, shard: usize, event: Told) {
        self.trace.tell(self.now, || format!("shard {shard} tells: {event:?}"));
        match event {
            Told::Refused { refusal, .. } => {
                let name = parlance_core::Refusal::KINDS[refusal.kind()];
                self.ledger.marks.hit(&format!("refused_{name}"));
            }
            Told::SessionDropped { peer, reason } => self.on_dropped(peer, reason),
            Told::Drained => {
                self.nodes[shard].is_drained = true;
                self.ledger.marks.hit("drained");
            }
        }
    }

    /// A roomy server gives nobody up who did nothing wrong.
    fn on_dropped(&mut self, peer: SocketAddr, reason: &'static str) {
        self.ledger.marks.hit(&format!("dropped_{reason}"));
        let pipe = usize::from(peer.port());
        let super::pipe::Owner::Host(host) = self.pipes[pipe].owner else { return };
        let is_steady = self.hosts[host].clients.iter().all(|c| self.personas[*c].is_steady);
        let is_current = self.hosts[host].pipe == Some(pipe);
        let may_happen =
            matches!(reason, "superseded" | "client_forgot" | "not_served" | "expelled");
        if self.plan.is_roomy && is_steady && is_current && !may_happen {
            self.ledger
                .violate(format!("host {host} did nothing wrong, and was given up: {reason}"));
        }
    }

    /// Bounds that hold at any moment (contract line 7).
    fn check_bounds(&mut self, shard: usize) {
        let gauges = self.nodes[shard].shard.gauges();
        let before = std::mem::replace(&mut self.nodes[shard].before, gauges);
        if gauges.sessions_lagging < before.sessions_lagging && gauges.sessions == before.sessions {
            self.ledger.marks.hit("caught_up");
        }
        let limits = &self.plan.limits;
        let rooms = self.plan.rooms;
        let bounds = [
            ("links", gauges.links, limits.links_max),
            ("sessions", gauges.sessions, limits.sessions_max),
            ("rooms", gauges.rooms, rooms),
            ("feeds", gauges.feeds, rooms),
            ("subscriptions", gauges.subscriptions, gauges.sessions * limits.session_rooms_max),
            ("queries", gauges.queries, limits.queries_max),
            ("uncommitted", gauges.uncommitted, limits.uncommitted_max * rooms),
            ("remembered", gauges.remembered, limits.remembered_max),
            ("lagging", gauges.sessions_lagging, gauges.sessions),
        ];
        for (name, found, bound) in bounds {
            if found > bound {
                let what = format!("shard {shard}: {name} {found}, the bound is {bound}");
                self.ledger.violate(what);
            }
        }
        let under_way: usize = self.mail.iter().map(std::collections::VecDeque::len).sum();
        if under_way > 20_000 {
            self.ledger.violate(format!("{under_way} mails under way"));
        }
    }

    /// No more than a link may owe: its budget, one message, and the SIP responses to what was read
    /// at once.
    pub fn check_outbox(&mut self, pipe: usize) {
        let Some(link) = self.pipes[pipe].link else { return };
        let node = &self.nodes[self.pipes[pipe].shard];
        let waiting: usize = node.shard.outgoing(link).map(<[u8]>::len).sum();
        let budget = self.plan.limits.link_outbox_bytes_max;
        if waiting >= budget {
            self.ledger.marks.hit("link_full");
        }
        let bound = budget + parlance_wire::limits::XCCOS_REPLY_BYTES_MAX + 4 * PORTION_BYTES_MAX;
        if waiting > bound {
            self.ledger.violate(format!("{waiting} bytes wait on pipe {pipe}, bound {bound}"));
        }
    }

    /// Nothing happens by itself any more but timers: mail, log and database are quiet.
    pub fn is_idle(&self) -> bool {
        self.mail.iter().all(std::collections::VecDeque::is_empty)
            && self.nodes.iter().all(|node| node.log.waiting() == 0)
            && self.queries.is_empty()
            && self.phase != Phase::Chaos
    }
}
