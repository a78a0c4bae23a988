//! TLS as a machine, against rustls' client: no sockets, no time.

use super::*;
use crate::certificate::{ensure_self_signed, load, self_signed_files};
use crate::config::CertificateFiles;
use rustls::client::Resumption;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, HandshakeKind, RootCertStore};
use rustls::{ProtocolVersion, SupportedProtocolVersion, version};
use std::io::Read;

/// Content types of a record (RFC 8446 §5.1).
const APPLICATION_DATA: u8 = 23;

/// A server's configuration and the certificate that its clients trust.
struct Bench {
    config: Arc<ServerConfig>,
    files: CertificateFiles,
    _data: tempfile::TempDir,
}

fn bench() -> Bench {
    let data = tempfile::tempdir().unwrap();
    ensure_self_signed(data.path(), "example.test").unwrap();
    let files = self_signed_files(data.path(), "example.test");
    let (chain, key) = load(&files).unwrap();
    let certificate = Certificate::new(chain, key).unwrap();
    Bench { config: server_config(certificate).unwrap(), files, _data: data }
}

impl Bench {
    fn link(&self) -> TlsLink {
        TlsLink::new(self.config.clone()).unwrap()
    }

    fn client_config(&self, version: &'static SupportedProtocolVersion) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(load(&self.files).unwrap().0.remove(0)).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth()
    }

    fn client(&self, version: &'static SupportedProtocolVersion) -> ClientConnection {
        connect(&Arc::new(self.client_config(version)), "example.test")
    }
}

const VERSIONS: [&SupportedProtocolVersion; 2] = [&version::TLS12, &version::TLS13];

fn connect(config: &Arc<ClientConfig>, name: &str) -> ClientConnection {
    let name = ServerName::try_from(name.to_owned()).unwrap();
    ClientConnection::new(config.clone(), name).unwrap()
}

fn encrypt(server: &mut TlsLink, slices: &[IoSlice<'_>]) -> usize {
    server.encrypt(slices, &mut Vec::new()).unwrap()
}

/// Everything that the link has to send.
fn sent(link: &mut TlsLink) -> Vec<u8> {
    let mut bytes = Vec::new();
    while link.wants_write() {
        link.write(&mut bytes).unwrap();
    }
    bytes
}

/// Moves bytes both ways until both sides are silent; returns what the server read.
fn talk(client: &mut ClientConnection, server: &mut TlsLink) -> (Vec<u8>, Received) {
    let (mut plain, mut outcome) = (Vec::new(), Received::Open);
    loop {
        let mut up = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut up).unwrap();
        }
        // In odd pieces: records must not need to come whole.
        for piece in up.chunks_mut(7) {
            outcome = server.receive(piece, &mut plain).unwrap();
        }
        let down = sent(server);
        if up.is_empty() && down.is_empty() {
            return (plain, outcome);
        }
        take_in(client, &down);
    }
}

/// Has the client read ciphertext; what was in it.
fn take_in(client: &mut ClientConnection, mut bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    while !bytes.is_empty() {
        client.read_tls(&mut bytes).unwrap();
        client.process_new_packets().unwrap();
        // It ends with "nothing more just now".
        let _ = client.reader().read_to_end(&mut plain);
    }
    plain
}

/// Content type and length of each record.
fn records(mut bytes: &[u8]) -> Vec<(u8, usize)> {
    let mut records = Vec::new();
    while let [kind, _, _, high, low, rest @ ..] = bytes {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        records.push((*kind, length));
        bytes = &rest[length..];
    }
    assert!(bytes.is_empty(), "whole records");
    records
}

#[test]
fn a_link_speaks_tls_with_the_self_made_certificate() {
    let bench = bench();
    for version in VERSIONS {
        for name in ["example.test", "localhost", "127.0.0.1", "::1"] {
            let mut server = bench.link();
            let mut client = connect(&Arc::new(bench.client_config(version)), name);
            assert!(server.is_handshaking());
            client.writer().write_all(b"hello").unwrap();
            assert_eq!(talk(&mut client, &mut server), (b"hello".to_vec(), Received::Open));
            assert!(!server.is_handshaking());
            let parts = [IoSlice::new(b"ab"), IoSlice::new(b"cd")];
            assert_eq!(encrypt(&mut server, &parts), 4);
            assert_eq!(take_in(&mut client, &sent(&mut server)), b"abcd");
            client.send_close_notify();
            assert_eq!(talk(&mut client, &mut server).1, Received::Closed);
        }
    }
}

#[test]
fn unsent_ciphertext_is_bounded() {
    let bench = bench();
    let mut server = bench.link();
    talk(&mut bench.client(&version::TLS13), &mut server);
    let much = vec![0; 1024 * 1024];
    let taken = encrypt(&mut server, &[IoSlice::new(&much)]);
    assert!(taken > 0 && taken <= UNSENT_BYTES_MAX, "{taken}");
    assert_eq!(encrypt(&mut server, &[IoSlice::new(&much)]), 0);
}

#[test]
fn what_is_no_tls_is_refused_with_an_alert() {
    let mut server = bench().link();
    let mut plain = Vec::new();
    assert!(server.receive(&mut b"REGISTER sip:a SIP/2.0\r\n\r\n".to_owned(), &mut plain).is_err());
    assert!(plain.is_empty());
    assert!(server.wants_write());
}

/// Heads and bodies of so many deliveries.
fn deliveries(count: usize) -> Vec<Vec<u8>> {
    let lengths = (0..count).flat_map(|n| [380 + n % 7, 700 + n % 11]);
    lengths.enumerate().map(|(n, length)| vec![n as u8; length]).collect()
}

#[test]
fn a_gathering_write_fills_records_whatever_its_slices_are() {
    let bench = bench();
    for version in VERSIONS {
        let mut server = bench.link();
        let mut client = bench.client(version);
        talk(&mut client, &mut server);
        assert_eq!(client.protocol_version(), Some(version.version));
        for count in [1, 2, 10, 15, 16, 59] {
            let parts = deliveries(count);
            let slices: Vec<IoSlice<'_>> = parts.iter().map(|part| IoSlice::new(part)).collect();
            let bytes = parts.concat();
            assert!(bytes.len() <= UNSENT_BYTES_MAX, "one write takes it all");
            assert_eq!(encrypt(&mut server, &slices), bytes.len());
            let ciphertext = sent(&mut server);
            let records = records(&ciphertext);
            let what = format!("{count} deliveries, {records:?}");
            assert!(records.iter().all(|(kind, _)| *kind == APPLICATION_DATA), "{what}");
            assert_eq!(records.len(), bytes.len().div_ceil(RECORD_BYTES_MAX), "{what}");
            assert_eq!(take_in(&mut client, &ciphertext), bytes);
        }
    }
}

#[test]
fn a_client_resumes_by_its_ticket_or_its_session() {
    // TLS 1.2 with a ticket, without one, TLS 1.3.
    for (version, has_tickets) in
        [(&version::TLS12, true), (&version::TLS12, false), (&version::TLS13, true)]
    {
        let bench = bench();
        let mut config = bench.client_config(version);
        if !has_tickets {
            config.resumption = Resumption::in_memory_sessions(8)
                .tls12_resumption(rustls::client::Tls12Resumption::SessionIdOnly);
        }
        let config = Arc::new(config);
        let kinds: Vec<_> = (0..3)
            .map(|_| {
                let mut client = connect(&config, "example.test");
                talk(&mut client, &mut bench.link());
                client.handshake_kind().unwrap()
            })
            .collect();
        use HandshakeKind::{Full, Resumed};
        assert_eq!(kinds, [Full, Resumed, Resumed], "{version:?}, tickets: {has_tickets}");
    }
}

#[test]
fn one_ticket_comes_with_a_handshake() {
    let bench = bench();
    let (mut server, mut client) = (bench.link(), bench.client(&version::TLS13));
    talk(&mut client, &mut server);
    assert_eq!(client.protocol_version(), Some(ProtocolVersion::TLSv1_3));
    assert_eq!(client.tls13_tickets_received(), 1);
}

/// Memory of the buffers that a link holds, bytes.
fn held(link: &TlsLink) -> usize {
    link.begun.capacity() + link.unsent.capacity()
}

#[test]
fn an_idle_link_holds_no_buffers() {
    let bench = bench();
    for version in VERSIONS {
        let (mut server, mut client) = (bench.link(), bench.client(version));
        talk(&mut client, &mut server);
        assert_eq!(held(&server), 0);
        client.writer().write_all(&[1; 50_000]).unwrap();
        let mut up = Vec::new();
        client.write_tls(&mut up).unwrap();
        let (first, rest) = up.split_at_mut(20_000);
        let mut plain = Vec::new();
        server.receive(first, &mut plain).unwrap();
        assert!(held(&server) > 0, "the beginning of a record");
        server.receive(rest, &mut plain).unwrap();
        assert_eq!(plain, [1; 50_000]);
        encrypt(&mut server, &[IoSlice::new(&[2; 30_000])]);
        assert!(held(&server) >= 30_000);
        sent(&mut server);
        assert_eq!(held(&server), 0);
    }
}

#[test]
fn a_link_writes_while_a_record_has_come_half() {
    let bench = bench();
    for version in VERSIONS {
        let (mut server, mut client) = (bench.link(), bench.client(version));
        talk(&mut client, &mut server);
        client.writer().write_all(b"question").unwrap();
        let mut up = Vec::new();
        client.write_tls(&mut up).unwrap();
        let middle = up.len() / 2;
        let mut plain = Vec::new();
        server.receive(&mut up[..middle], &mut plain).unwrap();
        encrypt(&mut server, &[IoSlice::new(b"meanwhile")]);
        assert_eq!(take_in(&mut client, &sent(&mut server)), b"meanwhile");
        server.receive(&mut up[middle..], &mut plain).unwrap();
        assert_eq!(plain, b"question");
    }
}

#[test]
fn damage_anywhere_panics_nowhere() {
    let bench = bench();
    for version in VERSIONS {
        let mut hello = Vec::new();
        bench.client(version).write_tls(&mut hello).unwrap();
        for at in 0..hello.len() {
            let mut damaged = hello.clone();
            damaged[at] ^= 0x80;
            let (mut server, mut plain) = (bench.link(), Vec::new());
            // It may wait for more, go on without what was damaged, or refuse; it never panics.
            if server.receive(&mut damaged, &mut plain).is_err() {
                assert!(server.encrypt(&[IoSlice::new(b"x")], &mut plain).is_err());
                server.close();
            }
        }
        let (mut server, mut client) = (bench.link(), bench.client(version));
        talk(&mut client, &mut server);
        client.writer().write_all(b"question").unwrap();
        let mut up = Vec::new();
        client.write_tls(&mut up).unwrap();
        *up.last_mut().unwrap() ^= 1;
        let mut plain = Vec::new();
        assert!(server.receive(&mut up, &mut plain).is_err());
        assert!(plain.is_empty() && server.wants_write());
    }
}

#[test]
fn a_message_that_does_not_end_is_given_up() {
    let mut server = bench().link();
    // A handshake's message of nearly 16 MiB, in whole records.
    let mut record = vec![22, 3, 1, 0x40, 0];
    record.extend([1, 0xff, 0xff, 0xff]);
    record.resize(5 + 16 * 1024, 0);
    let mut plain = Vec::new();
    let mut taken = 0;
    while server.receive(&mut record.clone(), &mut plain).is_ok() {
        taken += record.len();
        record.truncate(5);
        record.resize(5 + 16 * 1024, 0);
        assert!(taken <= 2 * BEGUN_BYTES_MAX, "it takes no end of bytes");
    }
    assert!(server.receive(&mut record, &mut plain).is_err());
    server.close();
}
