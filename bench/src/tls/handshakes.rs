//! Processor time of a connection from accept to close, with one request in between.

use super::{Args, Way, shard_us};
use crate::Outcome;
use crate::spread::Spread;
use parlance_tests::peer::{Names, Peer};
use parlance_tests::server::Server;
use parlance_tests::tls::{self, TlsPeer};
use rustls::{ClientConfig, HandshakeKind};
use std::path::Path;
use std::sync::Arc;

/// Links of one kind.
struct Kind {
    way: Way,
    resumed: bool,
    /// Microseconds for each link, round by round.
    figures: Vec<f64>,
}

/// Prints what connections of each kind cost the shard.
pub fn measure(args: &Args, name: &str, server: &Server, certificate: &Path) -> Outcome<()> {
    let ways = [(Way::Tcp, false), (Way::Tls12, false), (Way::Tls12, true)];
    let ways = ways.into_iter().chain([(Way::Tls13, false), (Way::Tls13, true)]);
    let mut kinds: Vec<Kind> =
        ways.map(|(way, resumed)| Kind { way, resumed, figures: Vec::new() }).collect();
    // The first round is thrown away.
    for round in 0..=args.rounds {
        for kind in &mut kinds {
            let clients = clients(kind, certificate, args.handshakes);
            if let Some(client) = clients.first().filter(|_| kind.resumed) {
                TlsPeer::connect(server.sips, client)?;
            }
            let before = shard_us(server)?;
            for at in 0..args.handshakes {
                connect(kind, server, clients.get(at).or(clients.first()))?;
            }
            let spent = (shard_us(server)? - before) / args.handshakes as f64;
            if round > 0 {
                kind.figures.push(spent);
            }
        }
    }
    println!("A connection with {name}: accept, handshake, one request, close; us of the shard");
    let plain = kinds[0].figures.clone();
    for kind in &kinds {
        let how = match (kind.way, kind.resumed) {
            (Way::Tcp, _) => "",
            (_, true) => "resumed",
            (_, false) => "full",
        };
        let beyond = kind.figures.iter().zip(&plain).map(|(a, b)| a - b);
        println!(
            "  {:8}{how:8}{:28.1}  beyond TCP {:28.1}",
            kind.way.name(),
            Spread::of(kind.figures.iter().copied()),
            Spread::of(beyond)
        );
    }
    println!();
    Ok(())
}

/// One client that comes back, or a new one for each link.
fn clients(kind: &Kind, certificate: &Path, count: usize) -> Vec<Arc<ClientConfig>> {
    let Some(version) = kind.way.version() else { return Vec::new() };
    let count = if kind.resumed { 1 } else { count };
    (0..count).map(|_| tls::client(certificate, &[version])).collect()
}

fn connect(kind: &Kind, server: &Server, client: Option<&Arc<ClientConfig>>) -> Outcome<()> {
    let Some(client) = client else {
        let mut peer = Peer::connect(server.sip);
        peer.send(&Names::fresh("shake").request("OPTIONS", 1, &[], b""));
        peer.receive().ok_or("the server closed a link")?;
        return Ok(());
    };
    let link = TlsPeer::connect(server.sips, client)?;
    let is_resumed = link.kind() == HandshakeKind::Resumed;
    match is_resumed == kind.resumed {
        true => Ok(()),
        false => Err(format!("a handshake was {:?}", link.kind()).into()),
    }
}
