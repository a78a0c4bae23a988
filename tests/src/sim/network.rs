//! Bytes between hosts and shards: split anywhere, accepted in part, held up, cut off.

use super::agenda::Event;
use super::pipe::{Owner, Pipe, portion};
use super::world::{Phase, World};
use parlance_core::{Input, LinkInfo, Transport};
use std::net::SocketAddr;

impl World {
    /// Opens a connection for somebody to a shard of the network's choice; `None` when refused.
    pub fn connect(&mut self, owner: Owner, is_front_end: bool) -> Option<usize> {
        let shard = self.dice.below(self.nodes.len());
        let at = self.pipes.len();
        // The port tells the pipe: events name the peer.
        let port = u16::try_from(at).expect("a world makes fewer connections");
        let info = LinkInfo {
            peer: SocketAddr::from(([10, 0, 0, 1], port)),
            local: SocketAddr::from(([10, 1, 0, shard as u8 + 1], 5060)),
            transport: Transport::Tcp,
            is_front_end,
        };
        let now = self.moment();
        let Ok(link) = self.nodes[shard].shard.link_up(now, info) else {
            self.ledger.marks.hit("link_refused");
            return None;
        };
        self.trace.tell(self.now, || format!("pipe {at}: {owner:?} to shard {shard}"));
        self.nodes[shard].links.insert(link, at);
        self.pipes.push(Pipe::new(owner, shard, link));
        // The new link has deadlines of its own.
        self.input(shard, Input::Timeout);
        Some(at)
    }

    /// A host that is not connected connects.
    pub fn connect_host(&mut self, host: usize) {
        if self.hosts[host].pipe.is_some() || self.phase == Phase::Drained {
            return;
        }
        let is_front_end = self.hosts[host].is_front_end;
        self.hosts[host].pipe = self.connect(Owner::Host(host), is_front_end);
        if self.hosts[host].pipe.is_none() {
            self.agenda.at(self.now + 300_000, Event::Connect(host));
        }
    }

    /// Bytes of a client enter its pipe.
    pub fn send_up(&mut self, at: usize, bytes: &[u8]) {
        if bytes.is_empty() || !self.pipes[at].client_open {
            return;
        }
        self.trace.bytes(bytes);
        self.pipes[at].up.extend_from_slice(bytes);
        self.arm_read(at);
    }

    fn arm_read(&mut self, at: usize) {
        if !std::mem::replace(&mut self.pipes[at].read_due, true) {
            let when = self.soon();
            self.agenda.at(when, Event::ServerRead(at));
        }
    }

    /// Some of a pipe's bytes arrive at the server.
    pub fn server_read(&mut self, at: usize) {
        let pipe = &mut self.pipes[at];
        pipe.read_due = false;
        let Some(link) = pipe.link.filter(|_| pipe.server_open) else { return };
        if !self.nodes[pipe.shard].shard.takes_input(link) {
            // Goes on when the server has written something.
            self.ledger.marks.hit("input_held");
            pipe.is_held = true;
            return;
        }
        let count = portion(&mut self.dice, self.plan.dribble_one_in, pipe.up.len());
        let bytes: Vec<u8> = pipe.up.drain(..count).collect();
        let (shard, has_more) = (pipe.shard, !pipe.up.is_empty());
        if !bytes.is_empty() {
            self.input(shard, Input::Bytes { link, bytes: &bytes });
            self.check_outbox(at);
        }
        let pipe = &self.pipes[at];
        if has_more {
            self.arm_read(at);
        } else if !pipe.client_open && !pipe.is_silent {
            let when = self.soon();
            self.arm_down(at, when);
        }
    }

    /// The server has something to write.
    pub fn arm_write(&mut self, at: usize) {
        if !std::mem::replace(&mut self.pipes[at].write_due, true) {
            let when = self.soon();
            self.agenda.at(when, Event::ServerWrite(at));
        }
    }

    /// The network takes some of what the server wants to write.
    pub fn server_write(&mut self, at: usize) {
        self.check_outbox(at);
        let pipe = &mut self.pipes[at];
        pipe.write_due = false;
        let Some(link) = pipe.link.filter(|_| pipe.server_open) else { return };
        let room = self.plan.socket_bytes.saturating_sub(pipe.down.len());
        let most = portion(&mut self.dice, self.plan.dribble_one_in, room);
        let mut bytes = Vec::new();
        for slice in self.nodes[pipe.shard].shard.outgoing(link) {
            bytes.extend_from_slice(&slice[..slice.len().min(most - bytes.len())]);
        }
        if bytes.is_empty() {
            // Full: goes on when the client has read.
            pipe.is_full = true;
            return;
        }
        let (shard, written) = (pipe.shard, bytes.len());
        self.send_down(at, &bytes);
        let waiting: usize = self.nodes[shard].shard.outgoing(link).map(<[u8]>::len).sum();
        if waiting == written {
            self.pipes[at].is_announced = false;
        }
        self.input(shard, Input::Drained { link, written });
        if std::mem::take(&mut self.pipes[at].is_held) {
            self.arm_read(at);
        }
        let has_more = self.nodes[shard].shard.outgoing(link).next().is_some();
        if has_more && self.pipes[at].server_open {
            self.arm_write(at);
        }
    }

    /// Bytes of the server enter a pipe; what was sabotaged on the way is changed here.
    pub fn send_down(&mut self, at: usize, bytes: &[u8]) {
        self.trace.bytes(bytes);
        let mut sabotage = self.sabotage.take();
        match &mut sabotage {
            None => self.push_down(at, bytes),
            Some(sabotage) => {
                for (to, bytes) in sabotage.pass(at, bytes) {
                    self.push_down(to, &bytes);
                }
            }
        }
        self.sabotage = sabotage;
    }

    fn push_down(&mut self, at: usize, bytes: &[u8]) {
        let pipe = &mut self.pipes[at];
        if pipe.client_open || pipe.is_silent {
            pipe.down.extend_from_slice(bytes);
            self.arm_client(at);
        }
    }

    /// Something arrives at a pipe's client end.
    pub fn arm_client(&mut self, at: usize) {
        if !std::mem::replace(&mut self.pipes[at].client_due, true) {
            let when = self.soon();
            self.agenda.at(when, Event::ClientRead(at));
        }
    }

    /// A client reads, or sees the end.
    pub fn client_read(&mut self, at: usize) {
        let pipe = &mut self.pipes[at];
        pipe.client_due = false;
        if !pipe.client_open || pipe.is_paused {
            return;
        }
        let count = portion(&mut self.dice, self.plan.dribble_one_in, pipe.down.len());
        let bytes: Vec<u8> = pipe.down.drain(..count).collect();
        let (owner, has_more) = (pipe.owner, !pipe.down.is_empty());
        let is_over = !has_more && !pipe.server_open;
        if std::mem::take(&mut pipe.is_full) {
            self.arm_write(at);
        }
        let mut out = Vec::new();
        match owner {
            Owner::Host(host) => {
                self.hosts[host].receive(&bytes, &mut out, &mut self.ledger);
                self.hosts[host].witness.sent(&out);
                self.overhear(&out);
            }
            Owner::Villain(villain) => {
                self.villains[villain].receive(&bytes, &mut out, &mut self.dice)
            }
        }
        self.send_up(at, &out);
        if has_more {
            self.arm_client(at);
        } else if is_over {
            self.hang_up(at);
        }
    }

    /// The client end of a pipe is no more, and its owner knows.
    pub fn hang_up(&mut self, at: usize) {
        let pipe = &mut self.pipes[at];
        pipe.client_open = false;
        match pipe.owner {
            Owner::Host(host) if self.hosts[host].pipe == Some(at) => {
                self.trace.tell(self.now, || format!("host {host} lost pipe {at}"));
                let is_hidden = self.pipes[at].is_crashed
                    && self.hosts[host].is_front_end
                    && self.plan.front_ends_hide_crashes;
                match is_hidden {
                    true => self.hosts[host].hide_loss(&mut self.ledger),
                    false => self.hosts[host].lost(&mut self.ledger),
                }
                let when = self.now + self.dice.between(0, 1_500_000);
                self.agenda.at(when, Event::Connect(host));
            }
            Owner::Host(_) => {}
            Owner::Villain(villain) => self.villains[villain].lost(at),
        }
        self.arm_read(at);
    }

    /// The server will learn that the pipe is gone.
    pub fn arm_down(&mut self, at: usize, when: u64) {
        if self.pipes[at].link.is_some() {
            self.agenda.at(when, Event::ServerDown(at));
        }
    }

    /// The server learns that the pipe is gone.
    pub fn server_down(&mut self, at: usize) {
        let pipe = &mut self.pipes[at];
        pipe.server_open = false;
        let Some(link) = pipe.link.take() else { return };
        let shard = pipe.shard;
        self.nodes[shard].links.remove(&link);
        self.input(shard, Input::LinkDown { link });
        self.arm_client(at);
    }

    /// A client end that stopped reading reads on.
    pub fn read_on(&mut self, at: usize) {
        self.pipes[at].is_paused = false;
        self.arm_client(at);
    }
}
