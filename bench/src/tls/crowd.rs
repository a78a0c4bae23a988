//! Clients in a room, all of them on one loop.

use super::Way;
use super::link::{Link, Tally};
use crate::Outcome;
use crate::socket::Poll;
use parlance_tests::server::{Room, Server};
use parlance_tests::tls::{self, self_made};
use parlance_wire::xccos::RoomRef;
use std::time::Duration;

/// Read at once, plain bytes.
const BUFFER_BYTES: usize = 256 * 1024;
/// Links that sign in together.
const LINKS_AT_ONCE: usize = 64;
/// Nothing comes for this long: the server is given up.
const PATIENCE: Duration = Duration::from_secs(20);

/// Sessions in a room, one of them the author.
pub struct Crowd {
    room: RoomRef,
    poll: Poll,
    links: Vec<Link>,
    /// How many.
    pub sessions: usize,
    tally: Tally,
    buffer: Vec<u8>,
}

impl Crowd {
    /// Signs in sessions of the numbers from `number` on; returns when all are in the room.
    pub fn sign_in(
        way: Way,
        server: &Server,
        room: &Room,
        links: usize,
        sessions: usize,
        number: &mut u32,
    ) -> Outcome<Crowd> {
        let mut crowd = Crowd {
            room: RoomRef::parse(&room.uri()).ok_or("a room's URI")?,
            poll: Poll::new()?,
            links: Vec::new(),
            sessions: 0,
            tally: Tally::default(),
            buffer: vec![0; BUFFER_BYTES],
        };
        let client = way.version().map(|version| tls::client(&self_made(server), &[version]));
        let address = if client.is_some() { server.sips } else { server.sip };
        for at in 0..links {
            let end = *number + u32::try_from(sessions)?;
            let link = Link::connect(address, client.as_ref(), *number..end)?;
            crowd.poll.add(&link.socket, at)?;
            crowd.links.push(link);
            crowd.sessions += sessions;
            *number = end;
            if at % LINKS_AT_ONCE == 0 {
                crowd.until(|crowd| crowd.tally.joined == crowd.sessions)?;
            }
        }
        crowd.until(|crowd| crowd.tally.joined == crowd.sessions)?;
        Ok(crowd)
    }

    /// The first session posts; returns when everybody has it.
    pub fn post(&mut self, text_bytes: usize) -> Outcome<()> {
        let link = &mut self.links[0];
        link.mux.client(0).post(&self.room, text_bytes, &mut link.unwritten);
        link.write()?;
        let wanted = self.tally.deliveries + self.sessions;
        self.until(|crowd| crowd.tally.deliveries == wanted)
    }

    fn until(&mut self, is_reached: impl Fn(&Crowd) -> bool) -> Outcome<()> {
        while !is_reached(self) {
            let count = self.poll.wait(Some(PATIENCE))?;
            if count == 0 {
                return Err(format!("nothing comes any more: {:?}", self.tally).into());
            }
            for index in 0..count {
                let news = self.poll.news(index);
                let link = &mut self.links[news.token];
                if news.readable {
                    link.read(&mut self.buffer, &self.room, &mut self.tally)?;
                }
                link.write()?;
            }
        }
        Ok(())
    }

    /// Goes, and waits until the server knows.
    pub fn leave(self, server: &Server) {
        drop(self);
        server.until_metric("parlance_sessions", |sessions| sessions == 0.0);
    }
}
