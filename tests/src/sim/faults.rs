//! Faults of clients' machines, and clients that break the protocol inside their own dialogs.

use super::agenda::Event;
use super::ledger::Asked;
use super::world::{DOMAIN, World};
use parlance_wire::xccos::{Command, Post, encode_post};

impl World {
    /// Something goes wrong at a client.
    pub fn fault(&mut self, client: usize) {
        let host = self.personas[client].host;
        let Some(pipe) = self.hosts[host].pipe else { return };
        let until = self.now + self.dice.between(50_000, 6_000_000);
        let kind = self.dice.below(9);
        self.trace.tell(self.now, || format!("client {client} has fault {kind}"));
        match kind {
            0 | 1 => {
                self.client(client).hold_answers(true);
                self.agenda.at(until, Event::Release(client));
            }
            2 | 3 => {
                self.pipes[pipe].is_paused = true;
                self.agenda.at(until, Event::ReadOn(pipe));
            }
            4 => self.hang_up(pipe),
            5 => self.vanish(host, pipe),
            6 => self.crash(client),
            // It answers, and asks for nothing, not even that its dialog goes on.
            7 => self.personas[client].quiet_until = self.now + 10_000_000,
            _ => {
                // SIPE's way to say that it forgot the dialog; it crashes for good later.
                self.personas[client].is_forgetful = true;
                self.client(client).answer_with(487);
                self.agenda.at(until, Event::Release(client));
            }
        }
    }

    /// The machine is gone from one moment to the next; the server learns of it much later.
    fn vanish(&mut self, host: usize, pipe: usize) {
        self.pipes[pipe].is_silent = true;
        self.pipes[pipe].client_open = false;
        self.hosts[host].lost(&mut self.ledger);
        let when = self.now + self.dice.between(1_000_000, 15_000_000);
        self.arm_down(pipe, when);
        let when = self.now + self.dice.between(0, 2_000_000);
        self.agenda.at(when, Event::Connect(host));
    }

    /// A client ends without a word; its link stays.
    pub fn crash(&mut self, client: usize) {
        let (host, place) = (self.personas[client].host, self.personas[client].place);
        self.hosts[host].crash(place, &mut self.ledger);
    }

    /// Held answers go out; a client that had forgotten its dialog starts afresh.
    pub fn release_answers(&mut self, client: usize) {
        let is_forgetful = std::mem::take(&mut self.personas[client].is_forgetful);
        if is_forgetful {
            self.client(client).answer_with(200);
        }
        if self.hosts[self.personas[client].host].pipe.is_none() {
            self.client(client).hold_answers(false);
            return;
        }
        let mut out = Vec::new();
        let machine = self.client(client);
        machine.hold_answers(false);
        machine.release_answers(usize::MAX, &mut out);
        self.send(client, &out);
        if is_forgetful {
            self.crash(client);
        }
    }

    /// A client sends what no client should, in its own dialog.
    pub fn be_naughty(&mut self, client: usize) {
        self.ledger.decide(client, false);
        self.ledger.marks.hit("naughty");
        let body = match self.dice.below(9) {
            0 => b"this is not XML".to_vec(),
            1 => b"<!DOCTYPE x [<!ENTITY a \"b\">]><xccos/>".to_vec(),
            2 => vec![b'x'; parlance_wire::limits::XCCOS_REQUEST_BYTES_MAX + 1],
            3 => self.forged_post(client, true),
            4 => self.forged_post(client, false),
            5 => {
                self.ledger.expect_strays(client, 16);
                many_commands(16)
            }
            6 => {
                let name = self.dice.pick(&["dance", "getfutok", "quit"]).to_owned();
                let command = Command::Unknown { name };
                return self.command(client, &command, Asked::Other);
            }
            7 => return self.spoof_from(client),
            _ => many_commands(17),
        };
        let mut out = Vec::new();
        self.client(client).raw_info(&body, &mut out);
        self.send(client, &out);
    }

    /// A post in somebody else's name, or into a room that is none. Nobody may ever see it.
    fn forged_post(&mut self, client: usize, is_spoofed: bool) -> Vec<u8> {
        let author = (client + usize::from(is_spoofed)) % self.plan.users;
        let room = self.dice.below(self.rooms.len());
        let mut room = self.rooms[room].clone();
        if !is_spoofed {
            room.value = "00000000-0000-4000-8000-00000000dead".into();
        }
        let post = Post {
            room,
            author: format!("sip:u{author}@{DOMAIN}"),
            ts: None,
            alert: false,
            chat: "forged".to_owned(),
            rtf: None,
        };
        let mut body = Vec::new();
        encode_post(&mut body, 7, &post);
        // The next client has another user, unless users have several endpoints.
        if is_spoofed && author == client % self.plan.users { b"<xccos/>".to_vec() } else { body }
    }

    /// A request in the right dialog with somebody else's From.
    fn spoof_from(&mut self, client: usize) {
        let user = client % self.plan.users;
        let mut out = Vec::new();
        self.client(client).raw_info(b"<xccos/>", &mut out);
        let text = String::from_utf8(out).expect("clients write UTF-8");
        let (own, other) = (format!("From: <sip:u{user}@"), format!("From: <sip:u{}@", user + 1));
        assert!(text.contains(&own), "clients write From so");
        self.send(client, text.replace(&own, &other).as_bytes());
    }
}

/// One document with so many commands.
fn many_commands(count: usize) -> Vec<u8> {
    let mut body = String::from("<xccos ver=\"1\" envid=\"5\" xmlns=\"urn:parlano:xml:ns:xccos\">");
    for seqid in 1..=count {
        body += &format!("<cmd id=\"cmd:getinv\" seqid=\"{seqid}\"><data/></cmd>");
    }
    (body + "</xccos>").into_bytes()
}
