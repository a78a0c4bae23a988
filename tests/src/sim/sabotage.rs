//! Deliberate damage between the server and the network: a server that drops, swaps or misdirects
//! deliveries looks like this from outside. The checkers must see each of them.

use parlance_wire::limits::XCCOS_REPLY_BYTES_MAX;
use parlance_wire::sip::{Frame, Framer, Message};
use std::collections::BTreeMap;

/// What is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Damage {
    /// A delivery never arrives.
    Drop,
    /// Two deliveries of a room change places.
    Swap,
    /// A delivery arrives twice.
    Repeat,
    /// A session that left a room gets its next message all the same.
    ToParted,
}

/// A session that left a room: where, head of an INFO of its dialog.
#[derive(Debug)]
struct Parted {
    pipe: usize,
    call_id: String,
    room: String,
}

/// See the module's text.
#[derive(Debug)]
pub struct Sabotage {
    damage: Damage,
    /// One in so many deliveries is damaged.
    every: usize,
    seen: usize,
    buffers: BTreeMap<usize, Vec<u8>>,
    held: Option<(usize, String, String, Vec<u8>)>,
    parted: Vec<Parted>,
    /// How often it was done.
    pub done: usize,
}

impl Sabotage {
    /// Damages one delivery in `every`.
    pub fn new(damage: Damage, every: usize) -> Sabotage {
        Sabotage {
            damage,
            every,
            seen: 0,
            buffers: BTreeMap::new(),
            held: None,
            parted: Vec::new(),
            done: 0,
        }
    }

    /// Bytes of the server for a pipe; what enters which pipe instead.
    pub fn pass(&mut self, pipe: usize, bytes: &[u8]) -> Vec<(usize, Vec<u8>)> {
        let mut buffer = self.buffers.remove(&pipe).unwrap_or_default();
        buffer.extend_from_slice(bytes);
        let mut out = Vec::new();
        let (mut framer, mut at) = (Framer::with_body_bytes_max(XCCOS_REPLY_BYTES_MAX), 0);
        while let Ok(Some(frame)) = framer.next(&buffer[at..]) {
            let (Frame::KeepAlive { len } | Frame::Message { len, .. }) = frame;
            let message = &buffer[at..at + len];
            match frame {
                Frame::Message { head_len, .. } => self.message(pipe, message, head_len, &mut out),
                Frame::KeepAlive { .. } => out.push((pipe, message.to_vec())),
            }
            at += len;
        }
        buffer.drain(..at);
        self.buffers.insert(pipe, buffer);
        out
    }

    fn message(
        &mut self,
        pipe: usize,
        bytes: &[u8],
        head_len: usize,
        out: &mut Vec<(usize, Vec<u8>)>,
    ) {
        let message = Message::parse(bytes, head_len).expect("the server writes well");
        let call_id = message.call_id().to_owned();
        let body = String::from_utf8_lossy(message.body()).into_owned();
        self.note_membership(pipe, &call_id, &body);
        let Some(room) = value_after(&body, "<grpchat ", "chanUri=\"") else {
            return out.push((pipe, bytes.to_vec()));
        };
        match self.held.take() {
            Some((at, of, about, first)) if of == call_id && about == room => {
                self.done += 1;
                out.push((pipe, bytes.to_vec()));
                return out.push((at, first));
            }
            held => self.held = held,
        }
        self.seen += 1;
        let is_due = self.seen.is_multiple_of(self.every);
        match self.damage {
            Damage::Drop if is_due => self.done += 1,
            Damage::Repeat if is_due => {
                self.done += 1;
                out.extend([(pipe, bytes.to_vec()), (pipe, bytes.to_vec())]);
            }
            Damage::Swap if is_due && self.held.is_none() => {
                self.held = Some((pipe, call_id, room, bytes.to_vec()));
            }
            Damage::ToParted => {
                out.push((pipe, bytes.to_vec()));
                self.misdirect(&call_id, &room, bytes, out);
            }
            _ => out.push((pipe, bytes.to_vec())),
        }
    }

    /// Who left which room; `rpl:join` names the rooms joined by their URI as well.
    fn note_membership(&mut self, pipe: usize, call_id: &str, body: &str) {
        if body.contains("\"rpl:join\"") || body.contains("\"rpl:bjoin\"") {
            self.parted.retain(|p| p.call_id != call_id || !body.contains(&p.room));
        }
        if let Some(room) = value_after(body, "\"rpl:part\"", "uri=\"") {
            self.parted.push(Parted { pipe, call_id: call_id.to_owned(), room });
        }
    }

    /// The same message once more, in the dialog of somebody who left the room.
    fn misdirect(
        &mut self,
        call_id: &str,
        room: &str,
        bytes: &[u8],
        out: &mut Vec<(usize, Vec<u8>)>,
    ) {
        let Some(at) = self.parted.iter().position(|p| p.room == room && p.call_id != call_id)
        else {
            return;
        };
        let parted = self.parted.remove(at);
        // Clients find their dialog by its Call-ID and answer whatever comes.
        let text = String::from_utf8_lossy(bytes).replace(call_id, &parted.call_id);
        self.done += 1;
        out.push((parted.pipe, text.into_bytes()));
    }
}

/// The text between `name` (somewhere behind `start`) and the next quote.
fn value_after(text: &str, start: &str, name: &str) -> Option<String> {
    let rest = &text[text.find(start)?..];
    let rest = &rest[rest.find(name)? + name.len()..];
    Some(rest[..rest.find('"')?].to_owned())
}
