//! Memory of links and sessions on which nothing happens.

use super::crowd::Crowd;
use super::{Args, FRONT_ENDS, WAYS, Way};
use crate::Outcome;
use parlance_tests::peer::{Names, Peer};
use parlance_tests::server::{Room, Server};
use parlance_tests::tls::{self, TlsPeer, self_made};

/// Links before the first look, so that tables have some size already, and the allocator, which
/// takes memory from the system in pages of 2 MiB, has some of each kind.
const WARM_UP_LINKS: usize = 2_000;

/// Prints how much resident memory of the server a link of each kind takes; each kind has a server
/// of its own. Every link has asked something and got its answer. Sessions lie on few links.
pub fn measure(args: &Args, servers: &[Server]) -> Outcome<()> {
    println!("Memory of an idle link, {} of each kind, bytes", args.idle_links);
    for (way, server) in WAYS.into_iter().zip(servers) {
        if way == Way::Tcp {
            println!("  a server without links{:>12}", server.resident_kib() * 1024);
        }
        let mut links = Links::default();
        for _ in 0..WARM_UP_LINKS {
            links.open(way, server)?;
        }
        let before = server.resident_kib();
        for _ in 0..args.idle_links {
            links.open(way, server)?;
        }
        let grown = server.resident_kib().saturating_sub(before) * 1024;
        println!("  {:22}{:>12}", way.name(), grown / args.idle_links as u64);
    }
    let server = &servers[0];
    let (room, mut number) = (Room::numbered(1), 1_000_000);
    let each = args.idle_links / FRONT_ENDS;
    let warm_up = Crowd::sign_in(Way::Tcp, server, &room, 1, WARM_UP_LINKS, &mut number)?;
    let before = server.resident_kib();
    let crowd = Crowd::sign_in(Way::Tcp, server, &room, FRONT_ENDS, each, &mut number)?;
    let grown = server.resident_kib().saturating_sub(before) * 1024;
    println!("  {:22}{:>12}\n", "a session in a room", grown / crowd.sessions as u64);
    drop((warm_up, crowd));
    Ok(())
}

/// Links that stay up.
#[derive(Default)]
struct Links {
    plain: Vec<Peer>,
    tls: Vec<TlsPeer>,
}

impl Links {
    fn open(&mut self, way: Way, server: &Server) -> Outcome<()> {
        let Some(version) = way.version() else {
            let mut peer = Peer::connect(server.sip);
            peer.send(&Names::fresh("idle").request("OPTIONS", 1, &[], b""));
            peer.receive().ok_or("the server closed a link")?;
            self.plain.push(peer);
            return Ok(());
        };
        // A client of its own each time: all handshakes are full ones.
        let client = tls::client(&self_made(server), &[version]);
        self.tls.push(TlsPeer::connect(server.sips, &client)?);
        Ok(())
    }
}
