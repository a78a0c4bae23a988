//! One link of the clients: what is not read yet, what is not written yet, who is on it.

use super::crowd::Tally;
use crate::socket;
use parlance_loadgen::{ClientEvent, LinkMux};
use parlance_wire::xccos::RoomRef;
use std::io::{self, IoSlice};
use std::net::TcpStream;

/// A connected link.
#[derive(Debug)]
pub struct Link {
    pub socket: TcpStream,
    pub mux: LinkMux,
    /// The beginning of a message whose end has not come.
    rest: Vec<u8>,
    /// What the clients said and the socket has not taken.
    pub unwritten: Vec<u8>,
}

impl Link {
    /// A link without clients.
    pub fn new(socket: TcpStream) -> Link {
        let (rest, unwritten) = (Vec::new(), Vec::new());
        Link { socket, mux: LinkMux::new(), rest, unwritten }
    }

    /// Reads what is there, answers, and counts.
    pub fn read(&mut self, buffer: &mut [u8], room: &RoomRef, tally: &mut Tally) -> io::Result<()> {
        loop {
            let count = socket::read(&self.socket, buffer)?;
            if count > 0 {
                self.receive(&buffer[..count], room, tally)?;
            }
            if count < buffer.len() {
                return Ok(());
            }
        }
    }

    /// Those who are signed in by what came join the room.
    fn receive(&mut self, came: &[u8], room: &RoomRef, tally: &mut Tally) -> io::Result<()> {
        tally.reads += 1;
        tally.bytes_in += came.len() as u64;
        let before = self.unwritten.len();
        let mut rest = std::mem::take(&mut self.rest);
        let is_continued = !rest.is_empty();
        if is_continued {
            rest.extend_from_slice(came);
        }
        let bytes = if is_continued { &rest[..] } else { came };
        let mut opened = Vec::new();
        let used = self
            .mux
            .receive(bytes, &mut self.unwritten, &mut |place, event| match event {
                ClientEvent::Opened { .. } => opened.push(place),
                event => tally.note(&event),
            })
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, format!("{error:?}")))?;
        if is_continued {
            rest.drain(..used);
        } else {
            rest.extend_from_slice(&came[used..]);
        }
        self.rest = rest;
        for place in opened {
            self.mux.client(place).join(std::slice::from_ref(room), &mut self.unwritten);
        }
        tally.bytes_out += (self.unwritten.len() - before) as u64;
        Ok(())
    }

    /// Writes what waits; when the socket takes no more, news tells when it does.
    pub fn write(&mut self) -> io::Result<()> {
        if !self.unwritten.is_empty() {
            let count = socket::write(&self.socket, &[IoSlice::new(&self.unwritten)])?;
            self.unwritten.drain(..count);
        }
        Ok(())
    }
}
