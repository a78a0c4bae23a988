//! TLS of the real binary, with rustls' client.

use parlance_tests::server::{Options, Server};
use parlance_tests::tls::{self, TlsPeer};
use rustls::{HandshakeKind, version};
use std::path::Path;
use std::time::{Duration, Instant};

/// For both shards to get a link and to say so: the kernel chooses among them by the port.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn a_client_resumes_on_any_shard() {
    let server = Server::start(&Options { shards: 2, ..Options::default() });
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

/// The certificate and the key that a server has made for itself.
fn pair(server: &Server) -> [Vec<u8>; 2] {
    let certificate = tls::self_made(server);
    let key = certificate.with_extension("key");
    [certificate, key].map(|file| std::fs::read(file).expect("the server has made it"))
}

fn put(files: [&Path; 2], pair: &[Vec<u8>; 2]) {
    for (file, bytes) in files.into_iter().zip(pair) {
        std::fs::write(file, bytes).expect("the file can be written");
    }
}

#[test]
fn a_new_certificate_is_taken_at_sighup_and_a_bad_one_is_not() {
    // Two servers that have made certificates lend them to the one under test.
    let lenders = [(); 2].map(|()| Server::start(&Options::default()));
    let [old, new] = [pair(&lenders[0]), pair(&lenders[1])];
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (certificate, key) = (folder.path().join("tls.pem"), folder.path().join("tls.key"));
    let files = [&*certificate, &*key];
    put(files, &old);
    let options =
        Options { certificate: Some((certificate.clone(), key.clone())), ..Options::default() };
    let mut server = Server::start(&options);
    let [trusts_old, trusts_new] =
        [0, 1].map(|at| tls::client(&tls::self_made(&lenders[at]), &[&version::TLS13]));
    let mut up = TlsPeer::connect(server.sips, &trusts_old).expect("the first certificate");
    assert!(TlsPeer::connect(server.sips, &trusts_new).is_err(), "not the second one");

    put(files, &new);
    server.signal("HUP");
    server.until_said("the certificate was read again");
    let second = TlsPeer::connect(server.sips, &trusts_new).expect("the second certificate");
    assert_eq!(second.kind(), HandshakeKind::Full);
    up.ask().expect("links that are up stay");

    // A certificate with the key of another, as while files are being replaced.
    put(files, &[old[0].clone(), new[1].clone()]);
    server.signal("HUP");
    let said = server.until_said("the new certificate cannot be used");
    assert!(said.contains("must belong together") && said.contains("SIGHUP again"), "{said}");
    let fresh = tls::client(&tls::self_made(&lenders[1]), &[&version::TLS13]);
    TlsPeer::connect(server.sips, &fresh).expect("the second certificate is still in force");
    assert_eq!(server.stop().code(), Some(0));
}
