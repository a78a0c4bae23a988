//! What TLS costs beside TCP: memory of an idle link, processor time of a handshake and of a
//! delivery.
//!
//! The real binary with one shard on the first core, clients in this process on the second. What
//! is compared alternates within each round; what counts is the processor time of the shard's
//! thread, and resident memory.

mod crowd;
mod deliveries;
mod handshakes;
mod idle;
mod link;

use crate::sides::{self, Io};
use crate::{Outcome, cpu};
use parlance_tests::server::{DOMAIN, Options, Room, Server};
use parlance_tests::tls::self_made;
use rustls::{SupportedProtocolVersion, version};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Links on which sessions lie by the hundred.
const FRONT_ENDS: usize = 4;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Idle links of each kind.
    #[arg(long, default_value_t = 8_000)]
    idle_links: usize,
    /// Handshakes of each kind in a round.
    #[arg(long, default_value_t = 200)]
    handshakes: usize,
    /// Direct links in a room; the coalesced deliveries go to as many sessions on four links.
    #[arg(long, default_value_t = 400)]
    links: usize,
    /// Posts of each kind in a round.
    #[arg(long, default_value_t = 50)]
    posts: usize,
    /// Text of each post, bytes.
    #[arg(long, default_value_t = 256)]
    text_bytes: usize,
    /// Rounds.
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    /// `[cores] io` of the server.
    #[arg(long, value_enum, default_value = "epoll")]
    io: Io,
}

impl Args {
    /// A server with one shard; the rest of it shares the clients' core.
    fn server(&self, certificate: Option<(PathBuf, PathBuf)>) -> Server {
        let rooms = [Room::numbered(1), Room::numbered(2)];
        Server::start(&Options { certificate, ..sides::options(1, &rooms, self.io, &[]) })
    }
}

/// How a client reaches the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Tcp,
    Tls12,
    Tls13,
}

const WAYS: [Way; 3] = [Way::Tcp, Way::Tls12, Way::Tls13];

impl Way {
    fn name(self) -> &'static str {
        match self {
            Way::Tcp => "TCP",
            Way::Tls12 => "TLS 1.2",
            Way::Tls13 => "TLS 1.3",
        }
    }

    fn version(self) -> Option<&'static SupportedProtocolVersion> {
        match self {
            Way::Tcp => None,
            Way::Tls12 => Some(&version::TLS12),
            Way::Tls13 => Some(&version::TLS13),
        }
    }
}

/// Measures and prints.
///
/// # Errors
/// If the server does not do what clients need.
pub fn run(args: &Args) -> Outcome<()> {
    let &[_, client_core, ..] = &cpu::cores()[..] else {
        return Err("two cores are needed: one for the server, one for the clients".into());
    };
    cpu::raise_descriptors();
    // The server's first shard takes the first core whatever this thread may use.
    let folder = tempfile::tempdir()?;
    let rsa = make_rsa(folder.path());
    let servers: Vec<Server> = WAYS.iter().map(|_| args.server(None)).collect();
    let ecdsa_server = args.server(None);
    let rsa_server = rsa.clone().map(|files| args.server(Some(files)));
    cpu::bind(client_core)?;
    idle::measure(args, &servers)?;
    drop(servers);
    handshakes::measure(args, "ECDSA P-256", &ecdsa_server, &self_made(&ecdsa_server))?;
    match rsa.zip(rsa_server) {
        Some(((certificate, _), server)) => {
            handshakes::measure(args, "RSA 2048", &server, &certificate)?;
        }
        None => println!("RSA 2048: `openssl` made no certificate, so nothing was measured\n"),
    }
    deliveries::measure(args, &ecdsa_server)
}

/// A self-signed certificate with an RSA key, and the key, by the system's `openssl`: our own
/// cryptography uses such keys and makes none.
fn make_rsa(folder: &Path) -> Option<(PathBuf, PathBuf)> {
    let (certificate, key) = (folder.join("rsa.pem"), folder.join("rsa.key"));
    let mut command = Command::new("openssl");
    command.args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30"]);
    command.args(["-subj", &format!("/CN={DOMAIN}")]);
    command.args(["-addext", &format!("subjectAltName=DNS:{DOMAIN}")]);
    command.args(["-addext", "basicConstraints=critical,CA:FALSE"]);
    command.arg("-keyout").arg(&key).arg("-out").arg(&certificate);
    let output = command.output().ok()?;
    output.status.success().then_some((certificate, key))
}

/// Processor time of the shard's thread, microseconds.
fn shard_us(server: &Server) -> Outcome<f64> {
    Ok(cpu::of(server.pid())?.shard_s * 1e6)
}
