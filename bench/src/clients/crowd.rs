//! All clients on one loop.

use super::cast::{Cast, Slow, Stream};
use super::ledger::Ledger;
use super::link::Link;
use crate::Outcome;
use crate::socket::Poll;
use parlance_loadgen::{Client, ClientConfig, PostId};
use parlance_tests::server::DOMAIN;
use parlance_wire::xccos::RoomRef;
use socket2::{Domain, Socket, Type};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Links that sign in together; the next ones follow when they are in their rooms.
const LINKS_AT_ONCE: usize = 64;
/// Nothing comes for this long: the server is given up.
pub const PATIENCE: Duration = Duration::from_secs(20);
/// Links read before those that are watched are looked at again.
const READS_UNWATCHED: usize = 4;
/// How often slow links read.
const SLOW_TICK: Duration = Duration::from_millis(50);

/// See the module's text.
pub struct Crowd {
    cast: Cast,
    /// Rooms of each group.
    rooms: Vec<Vec<RoomRef>>,
    links: Vec<Link>,
    /// Place of each group's first link.
    first_links: Vec<usize>,
    /// Those that are watched, and the others.
    watched: Poll,
    others: Poll,
    /// News of the others that has not been looked at: from this place on.
    next_news: usize,
    news: usize,
    /// Links with more to read than was read at once.
    unread: VecDeque<usize>,
    sessions: u32,
    slow: Vec<Slow>,
    slow_tick: Instant,
    buffer: Box<[u8]>,
    pub ledger: Ledger,
}

impl Crowd {
    /// All sign in, group by group; returns when each is in its rooms.
    ///
    /// # Errors
    /// If the server does not let them.
    pub fn sign_in(cast: Cast) -> Outcome<Crowd> {
        let reference = |room: &usize| RoomRef::parse(cast.rooms.get(*room)?);
        let rooms = cast.groups.iter().map(|group| group.rooms.iter().map(reference).collect());
        let mut crowd = Crowd {
            rooms: rooms.collect::<Option<_>>().ok_or("a room is no ma-chan URI")?,
            links: Vec::new(),
            first_links: Vec::new(),
            watched: Poll::new()?,
            others: Poll::new()?,
            next_news: 0,
            news: 0,
            unread: VecDeque::new(),
            sessions: 0,
            slow: Vec::new(),
            slow_tick: Instant::now(),
            buffer: vec![0; cast.read_bytes].into_boxed_slice(),
            ledger: Ledger::new(&cast),
            cast,
        };
        let mut seats = 0;
        for group in 0..crowd.cast.groups.len() {
            crowd.first_links.push(crowd.links.len());
            let links = crowd.cast.groups[group].links;
            for at in 0..links {
                seats += crowd.add_link(group)?;
                if at % LINKS_AT_ONCE == 0 || at + 1 == links {
                    crowd.until(|ledger| ledger.tally.joined == seats)?;
                }
            }
        }
        Ok(crowd)
    }

    /// How many pairs of session and room it will bring.
    fn add_link(&mut self, group: usize) -> Outcome<u64> {
        let kind = &self.cast.groups[group];
        let socket = Socket::new(Domain::for_address(self.cast.server), Type::STREAM, None)?;
        if let Some(bytes) = kind.receive_buffer_bytes {
            socket.set_recv_buffer_size(bytes)?;
        }
        socket.connect(&self.cast.server.into())?;
        socket.set_tcp_nodelay(true)?;
        let socket: std::net::TcpStream = socket.into();
        let sent_by = socket.local_addr()?.to_string();
        let token = self.links.len();
        let poll = if kind.is_watched { &self.watched } else { &self.others };
        poll.add(&socket, token)?;
        let mut link = Link::new(socket, group, self.sessions as usize);
        for _ in 0..kind.sessions_per_link {
            let client = Client::new(ClientConfig::numbered(self.sessions, DOMAIN, &sent_by, 1));
            let place = link.mux.add(client);
            link.mux.client(place).open(&mut link.unwritten);
            self.sessions += 1;
        }
        link.write()?;
        self.links.push(link);
        Ok((kind.sessions_per_link * kind.rooms.len()) as u64)
    }

    /// Who takes part.
    pub fn cast(&self) -> &Cast {
        &self.cast
    }

    /// A group's first session posts once; the post counts from `due`.
    pub fn post(&mut self, place: usize, stream: &Stream, due: Instant) -> Outcome<PostId> {
        let post = self.ledger.post(place, stream.room, due);
        let rooms = self.cast.groups[stream.group].rooms.iter().zip(&self.rooms[stream.group]);
        let room = rooms.into_iter().find(|(room, _)| **room == stream.room);
        let (_, room) = room.ok_or("the author is not in the room")?;
        let link = &mut self.links[self.first_links[stream.group]];
        let text = post.text(stream.text_bytes);
        link.mux.client(0).post_as(post, room, &text, &mut link.unwritten);
        link.write()?;
        Ok(post)
    }

    /// From now on these groups read slowly, all others as fast as they can.
    pub fn slow_down(&mut self, slow: &[Slow]) {
        for before in std::mem::replace(&mut self.slow, slow.to_vec()) {
            // Nobody told of what came meanwhile.
            self.unread.extend(self.links_of(before.group));
        }
        self.slow_tick = Instant::now();
    }

    fn links_of(&self, group: usize) -> std::ops::Range<usize> {
        let first = self.first_links[group];
        first..first + self.cast.groups[group].links
    }

    fn is_slow(&self, group: usize) -> bool {
        self.slow.iter().any(|slow| slow.group == group)
    }

    /// All who read as fast as they can have everything.
    pub fn is_served(&self) -> bool {
        let mut groups = 0..self.cast.groups.len();
        groups.all(|group| self.ledger.owed(group) == 0 || self.is_slow(group))
    }

    /// Goes on until the ledger is as wanted.
    pub fn until(&mut self, is_wanted: impl Fn(&Ledger) -> bool) -> Outcome<()> {
        while !is_wanted(&self.ledger) {
            self.turn_or_give_up()?;
        }
        Ok(())
    }

    /// Goes on until [`Crowd::is_served`].
    pub fn until_served(&mut self) -> Outcome<()> {
        while !self.is_served() {
            self.turn_or_give_up()?;
        }
        Ok(())
    }

    fn turn_or_give_up(&mut self) -> Outcome<()> {
        match self.turn(PATIENCE)? {
            0 => Err(format!("nothing comes any more: {:?}", self.ledger.tally).into()),
            _ => Ok(()),
        }
    }

    /// Looks for news, at most for `patience`, then reads and answers some of what came; on how
    /// many links.
    ///
    /// It asks again and again instead of sleeping in the kernel. A server that writes to a socket
    /// whose reader sleeps on this machine pays for waking it, more than for the delivery itself;
    /// real clients are elsewhere. And the slower of two servers, whose clients sleep more, would
    /// look slower still.
    pub fn turn(&mut self, patience: Duration) -> Outcome<usize> {
        let begin = Instant::now();
        let count = loop {
            let count = self.serve_watched()? + self.serve_others()?;
            if !self.slow.is_empty() {
                self.serve_slow()?;
            }
            if count > 0 || begin.elapsed() >= patience {
                break count;
            }
            // The broker's log and database have this core, too.
            rustix::thread::sched_yield();
        };
        match &self.ledger.fault {
            None => Ok(count),
            Some(fault) => Err(format!("the server did what it should not: {fault}").into()),
        }
    }

    /// All news of those who are watched.
    fn serve_watched(&mut self) -> Outcome<usize> {
        if !self.cast.groups.iter().any(|group| group.is_watched) {
            return Ok(0);
        }
        let count = self.watched.wait(Some(Duration::ZERO))?;
        for index in 0..count {
            let news = self.watched.news(index);
            self.serve(news.token, news.readable)?;
        }
        Ok(count)
    }

    /// Some news of the others: all, unless somebody is watched.
    fn serve_others(&mut self) -> Outcome<usize> {
        let is_anybody_watched = self.cast.groups.iter().any(|group| group.is_watched);
        let most = if is_anybody_watched { READS_UNWATCHED } else { usize::MAX };
        if is_anybody_watched {
            // What those wait for is also done on this core, by the broker's log.
            rustix::thread::sched_yield();
        }
        if self.next_news == self.news {
            (self.next_news, self.news) = (0, self.others.wait(Some(Duration::ZERO))?);
        }
        let unread = self.unread.len().min(most);
        for _ in 0..unread {
            let token = self.unread.pop_front().expect("it was counted");
            self.serve(token, true)?;
        }
        let count = (self.news - self.next_news).min(most);
        for _ in 0..count {
            let news = self.others.news(self.next_news);
            self.next_news += 1;
            self.serve(news.token, news.readable)?;
        }
        Ok(unread + count)
    }

    fn serve(&mut self, token: usize, readable: bool) -> Outcome<()> {
        if self.is_slow(self.links[token].group) {
            return Ok(());
        }
        let link = &mut self.links[token];
        if readable && link.read(&mut self.buffer, &self.rooms[link.group], &mut self.ledger)? {
            self.unread.push_back(token);
        }
        Ok(link.write()?)
    }

    /// Slow links read what they may by now.
    fn serve_slow(&mut self) -> Outcome<()> {
        let passed = self.slow_tick.elapsed();
        if passed < SLOW_TICK {
            return Ok(());
        }
        self.slow_tick += passed;
        for slow in self.slow.clone() {
            let bytes = (slow.bytes_per_second * passed.as_secs_f64()) as usize;
            let bytes = bytes.min(self.buffer.len());
            let links = if bytes > 0 { self.links_of(slow.group) } else { 0..0 };
            for link in &mut self.links[links] {
                link.read(&mut self.buffer[..bytes], &self.rooms[link.group], &mut self.ledger)?;
                link.write()?;
            }
        }
        Ok(())
    }
}
