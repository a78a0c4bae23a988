//! All clients on one loop.

use super::link::Link;
use crate::Outcome;
use crate::socket::Poll;
use parlance_loadgen::{Client, ClientConfig, ClientEvent};
use parlance_tests::server::DOMAIN;
use parlance_wire::xccos::RoomRef;
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// Read at once from one link, bytes: hundreds of deliveries of a front end.
const BUFFER_BYTES: usize = 256 * 1024;
/// Links that sign in together; the next ones follow when they are in the room.
const LINKS_AT_ONCE: usize = 64;
/// Nothing comes for this long: the server is given up.
pub const PATIENCE: Duration = Duration::from_secs(20);
/// The author's link and place.
const AUTHOR: usize = 0;

/// What came and went, since the start.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// Sessions in the room.
    pub joined: u64,
    /// Chat messages.
    pub deliveries: u64,
    /// Posts answered with 200.
    pub accepted: u64,
    /// Reads that brought something.
    pub reads: u64,
    /// Bytes read.
    pub bytes_in: u64,
    /// Bytes of answers.
    pub bytes_out: u64,
    /// The first thing that should not be.
    pub fault: Option<String>,
}

impl Tally {
    /// Counts one event.
    pub fn note(&mut self, event: &ClientEvent<'_>) {
        match event {
            ClientEvent::Delivered { post: Some(_), .. } => self.deliveries += 1,
            ClientEvent::Joined { .. } => self.joined += 1,
            ClientEvent::Posted { status: 200, .. } => self.accepted += 1,
            ClientEvent::Replied { code: 200, .. } | ClientEvent::Noticed { .. } => {}
            fault => _ = self.fault.get_or_insert_with(|| format!("{fault:?}")),
        }
    }
}

/// See the module's text.
pub struct Crowd {
    server: SocketAddr,
    room: RoomRef,
    poll: Poll,
    links: Vec<Link>,
    sessions: u64,
    buffer: Box<[u8]>,
    pub tally: Tally,
}

impl Crowd {
    /// Nobody yet.
    pub fn new(server: SocketAddr, room: RoomRef) -> Outcome<Crowd> {
        Ok(Crowd {
            server,
            room,
            poll: Poll::new()?,
            links: Vec::new(),
            sessions: 0,
            buffer: vec![0; BUFFER_BYTES].into_boxed_slice(),
            tally: Tally::default(),
        })
    }

    /// Sessions in the room, the author's included: what one post becomes deliveries to.
    pub fn sessions(&self) -> u64 {
        self.sessions
    }

    /// The author on a link of its own, then all others; returns when all are in the room.
    pub fn sign_in(&mut self, links: usize, sessions_per_link: usize) -> Outcome<()> {
        self.add_link(1)?;
        for at in 0..links {
            self.add_link(sessions_per_link)?;
            if at % LINKS_AT_ONCE == 0 {
                self.until(|tally, sessions| tally.joined == sessions)?;
            }
        }
        self.until(|tally, sessions| tally.joined == sessions)
    }

    fn add_link(&mut self, sessions: usize) -> Outcome<()> {
        let socket = TcpStream::connect(self.server)?;
        socket.set_nodelay(true)?;
        let sent_by = socket.local_addr()?.to_string();
        let token = self.links.len();
        self.poll.add(&socket, token)?;
        let mut link = Link::new(socket);
        for _ in 0..sessions {
            let number = u32::try_from(self.sessions).map_err(|_| "too many sessions")?;
            let client = Client::new(ClientConfig::numbered(number, DOMAIN, &sent_by, 1));
            let place = link.mux.add(client);
            link.mux.client(place).open(&mut link.unwritten);
            self.sessions += 1;
        }
        link.write()?;
        self.links.push(link);
        Ok(())
    }

    /// The author posts once.
    pub fn post(&mut self, text_bytes: usize) -> Outcome<()> {
        let link = &mut self.links[AUTHOR];
        link.mux.client(AUTHOR).post(&self.room, text_bytes, &mut link.unwritten);
        Ok(link.write()?)
    }

    /// Goes on until the tally (and the number of sessions) is as wanted.
    pub fn until(&mut self, is_wanted: impl Fn(&Tally, u64) -> bool) -> Outcome<()> {
        while !is_wanted(&self.tally, self.sessions) {
            if self.turn(PATIENCE)? == 0 {
                return Err(format!("nothing comes any more: {:?}", self.tally).into());
            }
        }
        Ok(())
    }

    /// Looks for news, at most for `patience`, then reads and answers what came; on how many links
    /// there was some.
    ///
    /// It asks again and again instead of sleeping in the kernel. A server that writes to a socket
    /// whose reader sleeps on this machine pays for waking it, more than for the delivery itself;
    /// real clients are elsewhere. And the slower of two servers, whose clients sleep more, would
    /// look slower still.
    pub fn turn(&mut self, patience: Duration) -> Outcome<usize> {
        let begin = Instant::now();
        let count = loop {
            match self.poll.wait(Some(Duration::ZERO))? {
                0 if begin.elapsed() < patience => {}
                count => break count,
            }
        };
        for index in 0..count {
            let news = self.poll.news(index);
            let link = &mut self.links[news.token];
            if news.readable {
                link.read(&mut self.buffer, &self.room, &mut self.tally)?;
            }
            link.write()?;
        }
        match &self.tally.fault {
            None => Ok(count),
            Some(fault) => Err(format!("the server did what it should not: {fault}").into()),
        }
    }
}
