//! Peers that mean harm: garbage, mutated and replayed messages, floods, dialogs they abuse.
//!
//! They sign in under names of their own only: a link without authentication believes From, so a
//! stolen name is no attack on the core but on what stands in front of it.

use super::agenda::Event;
use super::dice::Dice;
use super::pipe::Owner;
use super::world::{DOMAIN, Phase, World};
use parlance_loadgen::{Client, ClientConfig};
use parlance_wire::sip::{Frame, Framer, Message, Response, StartLine};
use std::fmt::Write as _;

/// One villain.
#[derive(Debug)]
pub struct Villain {
    number: usize,
    pipe: Option<usize>,
    dialogs: u32,
    inbox: Vec<u8>,
}

impl Villain {
    /// Not connected yet.
    pub fn new(number: usize) -> Villain {
        Villain { number, pipe: None, dialogs: 0, inbox: Vec::new() }
    }

    /// Reads what the server says, and answers some of it with anything.
    pub fn receive(&mut self, bytes: &[u8], out: &mut Vec<u8>, dice: &mut Dice) {
        self.inbox.extend_from_slice(bytes);
        let mut framer = Framer::default();
        while let Ok(Some(frame)) = framer.next(&self.inbox) {
            let (Frame::KeepAlive { len } | Frame::Message { len, .. }) = frame;
            let bytes: Vec<u8> = self.inbox.drain(..len).collect();
            let Frame::Message { head_len, .. } = frame else { continue };
            let Ok(message) = Message::parse(&bytes, head_len) else { continue };
            if matches!(message.start(), StartLine::Request { .. }) && dice.percent(50) {
                let status = dice.pick(&[200, 200, 100, 404, 481, 500, 699]);
                Response::to(&message, out, status, None).empty();
            }
        }
    }

    /// The connection is gone.
    pub fn lost(&mut self, pipe: usize) {
        if self.pipe == Some(pipe) {
            self.pipe = None;
            self.inbox.clear();
        }
    }

    fn invite(&mut self, dice: &mut Dice) -> Vec<u8> {
        self.dialogs += 1;
        let number = 500 + self.number as u32 * 100 + self.dialogs % 50;
        let mut config = ClientConfig::numbered(number, DOMAIN, "10.0.0.9:5060", dice.any());
        config.user = format!("mallory{}", self.number);
        config.epid = format!("{:012x}", self.dialogs);
        let mut out = Vec::new();
        Client::new(config).open(&mut out);
        out
    }

    /// Something nasty to say.
    fn mischief(&mut self, overheard: &[Vec<u8>], dice: &mut Dice) -> Vec<u8> {
        let invite = self.invite(dice);
        let text = String::from_utf8_lossy(&invite).into_owned();
        match dice.below(10) {
            0 => (0..dice.between(1, 300)).map(|_| dice.any() as u8).collect(),
            1 => mutated(invite, dice),
            2 => invite[..dice.below(invite.len())].to_vec(),
            3 => text
                .replace("Supported: ms-sender", "Supported: timer\r\nSession-Expires: 1")
                .into_bytes(),
            4 => (0..dice.between(5, 60)).flat_map(|_| self.invite(dice)).collect(),
            5 | 6 => match overheard.is_empty() {
                true => invite,
                false => overheard[dice.below(overheard.len())].clone(),
            },
            7 => text
                .replace("Max-Forwards: 70", "P-Asserted-Identity: <sip:u0@example.test>")
                .into_bytes(),
            8 => options(dice.between(1, 400)),
            _ => b"\r\n\r\n".repeat(dice.between(1, 12) as usize),
        }
    }
}

fn mutated(mut bytes: Vec<u8>, dice: &mut Dice) -> Vec<u8> {
    for _ in 0..dice.between(1, 4) {
        let at = dice.below(bytes.len());
        match dice.below(3) {
            0 => bytes[at] = dice.any() as u8,
            1 => drop(bytes.remove(at)),
            _ => bytes.insert(at, b"\r\n:;<>\"0"[dice.below(8)]),
        }
    }
    bytes
}

/// Cheap questions, each with an answer that must be kept until somebody reads it.
fn options(count: u64) -> Vec<u8> {
    let mut text = String::new();
    for number in 0..count {
        let _ = write!(
            text,
            "OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/TCP h\r\nFrom: <sip:m@{DOMAIN}>;tag=1\r\n\
             To: <sip:x>\r\nCall-ID: o{number}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
        );
    }
    text.into_bytes()
}

impl World {
    /// A villain acts, and will again.
    pub fn villain_acts(&mut self, at: usize) {
        if self.phase != Phase::Chaos {
            return;
        }
        let when = self.now + self.dice.between(10_000, 1_500_000);
        self.agenda.at(when, Event::Villain(at));
        let Some(pipe) = self.villains[at].pipe else {
            let is_front_end = self.dice.one_in(4);
            self.villains[at].pipe = self.connect(Owner::Villain(at), is_front_end);
            return;
        };
        match self.dice.below(12) {
            0 => self.hang_up(pipe),
            1 => self.pipes[pipe].is_paused = true,
            2 => self.read_on(pipe),
            _ => {
                let bytes = self.villains[at].mischief(&self.overheard, &mut self.dice);
                self.trace.tell(self.now, || format!("villain {at}: {} bytes", bytes.len()));
                self.send_up(pipe, &bytes);
            }
        }
    }

    /// Keeps some of what well-meaning clients say in their dialogs, for villains to repeat.
    pub fn overhear(&mut self, bytes: &[u8]) {
        let is_in_dialog = [&b"INFO "[..], b"BYE ", b"UPDATE ", b"SIP/2.0 200", b"ACK "];
        if self.plan.villains > 0 && is_in_dialog.iter().any(|start| bytes.starts_with(start)) {
            if self.overheard.len() == 20 {
                self.overheard.remove(0);
            }
            self.overheard.push(bytes.to_vec());
        }
    }

    /// Villains leave.
    pub fn end_villainy(&mut self) {
        for at in 0..self.villains.len() {
            if let Some(pipe) = self.villains[at].pipe {
                self.read_on(pipe);
                self.hang_up(pipe);
            }
        }
    }
}
