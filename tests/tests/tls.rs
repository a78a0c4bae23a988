//! TLS of the real binary, with rustls' client.

use parlance_tests::server::{Options, Server};
use parlance_tests::tls::{self, TlsPeer};
use rustls::{HandshakeKind, version};
use std::time::{Duration, Instant};

/// For both shards to get a link and to say so: the kernel chooses among them by the port.
const PATIENCE: Duration = Duration::from_secs(60);

fn a_client_resumes_on_any_shard(io: &'static str) {
    let server = Server::start(&Options { shards: 2, io, ..Options::default() });
    for version in [&version::TLS12, &version::TLS13] {
        let client = tls::client(&tls::self_made(&server), &[version]);
        let accepted = |shard: usize| {
            server.metric("parlance_connections_accepted_total", &format!("shard=\"{shard}\""))
        };
        let begin = Instant::now();
        let before = [accepted(0), accepted(1)];
        let mut kinds = Vec::new();
        while kinds.len() < 2 || (0..2).any(|shard| accepted(shard) == before[shard]) {
            assert!(begin.elapsed() < PATIENCE, "both shards accept links");
            kinds.push(TlsPeer::connect(server.sips, &client).expect("a link").kind());
        }
        assert_eq!(kinds[0], HandshakeKind::Full);
        let resumed = kinds[1..].iter().all(|kind| *kind == HandshakeKind::Resumed);
        assert!(resumed, "{version:?}: {kinds:?}");
        server.until_metric("parlance_tls_handshakes_resumed_total", |count| count > 0.0);
        server.until_metric("parlance_tls_handshakes_full_total", |count| count > 0.0);
    }
}

#[test]
fn a_client_resumes_on_any_shard_with_io_uring() {
    a_client_resumes_on_any_shard("auto");
}

#[test]
fn a_client_resumes_on_any_shard_without_io_uring() {
    a_client_resumes_on_any_shard("epoll");
}
