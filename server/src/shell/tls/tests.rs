//! TLS as a machine, against rustls' client: no sockets, no time.

use super::*;
use crate::certificate::{ensure_self_signed, load, self_signed_files};
use crate::config::CertificateFiles;
use rustls::client::Resumption;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, HandshakeKind, RootCertStore};
use rustls::{ProtocolVersion, SupportedProtocolVersion, version};

/// Largest content of a record, bytes (RFC 8446 §5.1).
const RECORD_BYTES_MAX: usize = 16 * 1024;
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
        for piece in up.chunks(7) {
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
            assert_eq!(server.encrypt(&parts).unwrap(), 4);
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
    let taken = server.encrypt(&[IoSlice::new(&much)]).unwrap();
    assert!(taken > 0 && taken <= UNSENT_BYTES_MAX, "{taken}");
    assert_eq!(server.encrypt(&[IoSlice::new(&much)]).unwrap(), 0);
}

#[test]
fn what_is_no_tls_is_refused_with_an_alert() {
    let mut server = bench().link();
    let mut plain = Vec::new();
    assert!(server.receive(b"REGISTER sip:a SIP/2.0\r\n\r\n", &mut plain).is_err());
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
            assert_eq!(server.encrypt(&slices).unwrap(), bytes.len());
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
