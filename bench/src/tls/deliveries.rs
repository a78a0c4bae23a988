//! Processor time of a delivery, by TCP and by TLS, alone and with others in one write.

use super::link::{Link, Tally};
use super::{Args, WAYS, Way, shard_us};
use crate::Outcome;
use crate::socket::Poll;
use crate::spread::Spread;
use parlance_tests::server::{Room, Server};
use parlance_tests::tls::{self, self_made};
use parlance_wire::xccos::RoomRef;
use std::time::Duration;

/// Read at once, plain bytes.
const BUFFER_BYTES: usize = 256 * 1024;
/// Links that sign in together.
const LINKS_AT_ONCE: usize = 64;
/// Links of the coalesced deliveries.
const FRONT_ENDS: usize = 4;
/// Nothing comes for this long: the server is given up.
const PATIENCE: Duration = Duration::from_secs(20);

/// Prints what a delivery costs the shard.
pub fn measure(args: &Args, server: &Server) -> Outcome<()> {
    let (room, other) = (Room::numbered(1), Room::numbered(2));
    let direct = compare(args, server, &room, args.links, 1)?;
    print("One delivery in a write", args, args.links, &direct);
    let sessions = args.links.div_ceil(FRONT_ENDS);
    let coalesced = compare(args, server, &other, FRONT_ENDS, sessions)?;
    print("Deliveries coalesced", args, FRONT_ENDS, &coalesced);
    Ok(())
}

/// Microseconds for each delivery, by each way, round by round. The crowds take their turns in one
/// room: who is not measured is not there.
fn compare(
    args: &Args,
    server: &Server,
    room: &Room,
    links: usize,
    sessions: usize,
) -> Outcome<Vec<Vec<f64>>> {
    let mut figures = vec![Vec::new(); WAYS.len()];
    let mut number = u32::try_from(links)? * 1_000;
    for round in 0..=args.rounds {
        for (figures, way) in figures.iter_mut().zip(WAYS) {
            let mut crowd = Crowd::sign_in(way, server, room, links, sessions, &mut number)?;
            crowd.post(args.text_bytes)?;
            let before = shard_us(server)?;
            for _ in 0..args.posts {
                crowd.post(args.text_bytes)?;
            }
            let deliveries = args.posts * crowd.sessions;
            if round > 0 {
                figures.push((shard_us(server)? - before) / deliveries as f64);
            }
            crowd.leave(server);
        }
    }
    Ok(figures)
}

fn print(title: &str, args: &Args, links: usize, figures: &[Vec<f64>]) {
    println!("{title}: {links} links, {} bytes of text; us of the shard", args.text_bytes);
    for (way, numbers) in WAYS.into_iter().zip(figures) {
        let ratios = numbers.iter().zip(&figures[0]).map(|(a, b)| a / b);
        let (all, ratio) = (Spread::of(numbers.iter().copied()), Spread::of(ratios));
        println!("  {:8}{all:28.2}  by TCP's {ratio:24.2}", way.name());
    }
    println!();
}

/// Sessions in a room, one of them the author.
struct Crowd {
    room: RoomRef,
    poll: Poll,
    links: Vec<Link>,
    sessions: usize,
    tally: Tally,
    buffer: Vec<u8>,
}

impl Crowd {
    fn sign_in(
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
    fn post(&mut self, text_bytes: usize) -> Outcome<()> {
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
    fn leave(self, server: &Server) {
        drop(self);
        server.until_metric("parlance_sessions", |sessions| sessions == 0.0);
    }
}
