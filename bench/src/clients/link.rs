//! One link of the clients: what is not read yet, what is not written yet, who is on it.

use super::ledger::Ledger;
use crate::socket;
use parlance_loadgen::{ClientEvent, LinkMux};
use parlance_wire::xccos::RoomRef;
use std::io::{self, IoSlice};
use std::net::TcpStream;
use std::time::Instant;

/// A connected link.
#[derive(Debug)]
pub struct Link {
    pub socket: TcpStream,
    pub mux: LinkMux,
    /// Its group.
    pub group: usize,
    /// Number of its first session in the run.
    first_session: usize,
    /// The beginning of a message whose end has not come.
    rest: Vec<u8>,
    /// What the clients said and the socket has not taken.
    pub unwritten: Vec<u8>,
}

impl Link {
    /// A link without clients.
    pub fn new(socket: TcpStream, group: usize, first_session: usize) -> Link {
        let (mux, rest, unwritten) = (LinkMux::new(), Vec::new(), Vec::new());
        Link { socket, mux, group, first_session, rest, unwritten }
    }

    /// Reads once, answers, and notes; true when there may be more to read.
    pub fn read(
        &mut self,
        buffer: &mut [u8],
        rooms: &[RoomRef],
        ledger: &mut Ledger,
    ) -> io::Result<bool> {
        let count = socket::read(&self.socket, buffer)?;
        if count > 0 {
            self.receive(&buffer[..count], rooms, ledger)?;
        }
        Ok(count == buffer.len())
    }

    /// Those who are signed in by what came join the rooms.
    fn receive(&mut self, came: &[u8], rooms: &[RoomRef], ledger: &mut Ledger) -> io::Result<()> {
        ledger.tally.reads += 1;
        ledger.tally.bytes_in += came.len() as u64;
        let now = Instant::now();
        let before = self.unwritten.len();
        let mut rest = std::mem::take(&mut self.rest);
        let is_continued = !rest.is_empty();
        if is_continued {
            rest.extend_from_slice(came);
        }
        let bytes = if is_continued { &rest[..] } else { came };
        let (group, first_session) = (self.group, self.first_session);
        let mut opened = Vec::new();
        let used = self
            .mux
            .receive(bytes, &mut self.unwritten, &mut |place, event| match event {
                ClientEvent::Opened { .. } => opened.push(place),
                event => ledger.note(group, first_session + place, now, &event),
            })
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, format!("{error:?}")))?;
        if is_continued {
            rest.drain(..used);
        } else {
            rest.extend_from_slice(&came[used..]);
        }
        self.rest = rest;
        for place in opened {
            self.mux.client(place).join(rooms, &mut self.unwritten);
        }
        ledger.tally.bytes_out += (self.unwritten.len() - before) as u64;
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
