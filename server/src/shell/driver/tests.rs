//! The driver over real sockets, without an executor: each test polls by hand.

use super::*;
use crate::certificate::{ensure_self_signed, load, self_signed_files};
use crate::shell::mesh::Mesh;
use crate::shell::{Report, tls};
use parlance_core::{Directory, Limits, Setup};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::task::Wake;

/// A socket that never waits; wakers are not kept, as the tests poll again anyway.
struct Polled(UnixStream);

impl AsFd for Polled {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

fn polled(outcome: io::Result<usize>) -> Poll<io::Result<usize>> {
    match outcome {
        Err(e) if e.kind() == io::ErrorKind::WouldBlock => Poll::Pending,
        outcome => Poll::Ready(outcome),
    }
}

impl Stream for Polled {
    fn poll_read(&mut self, _: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        polled(self.0.read(buffer))
    }

    fn poll_write(&mut self, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        polled(self.0.write(bytes))
    }
}

struct Bench {
    driver: Driver<Polled>,
    reports: Receiver<Report>,
    other: MeshEnd<Mail>,
    /// Holds the certificate.
    data: tempfile::TempDir,
}

/// Driver 0 of two, with queues of `mail_max` letters.
fn bench(mail_max: usize, limits: Limits) -> Bench {
    let data = tempfile::tempdir().unwrap();
    ensure_self_signed(data.path(), "example.test").unwrap();
    let (chain, key) = load(&self_signed_files(data.path(), "example.test")).unwrap();
    let tls = tls::server_config(tls::Certificate::new(chain, key).unwrap()).unwrap();
    let mut ends = Mesh::with_capacity(2, mail_max);
    let (other, mesh) = (ends.pop().unwrap(), ends.pop().unwrap());
    let (supervisor, reports) = channel();
    let clock = Clock::start();
    let directory = Arc::new(Directory::new("example.test", Vec::new()).unwrap());
    let queries_max = limits.queries_max;
    let setup = Setup { id: ShardId(0), shards: 2, directory, limits, seed: [7; 32] };
    let reporter = Reporter::new(ShardId(0), supervisor);
    let log = crate::commit::Desk::new(vec![mesh.bell()]).end(0);
    let queries = crate::commit::Queries::unheard(queries_max).end(mesh.bell());
    let publisher = Publisher::new().0;
    let endpoints = Arc::default();
    let edition = Edition::new(mesh.bell());
    let parts = Parts { clock, mesh, log, queries, edition, endpoints, tls, publisher, reporter };
    let driver = Driver::new(Shard::new(setup, clock.now()), parts);
    Bench { driver, reports, other, data }
}

impl Bench {
    /// A new link and its other end.
    fn link(&mut self, transport: Transport) -> (LinkKey, UnixStream) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        theirs.set_nonblocking(true).unwrap();
        let [peer, local] = ["127.0.0.1:1", "127.0.0.1:2"].map(|a| a.parse().unwrap());
        let info = LinkInfo { peer, local, transport, is_front_end: false };
        (self.driver.accepted(Polled(ours), info).unwrap(), theirs)
    }

    fn poll(&mut self, key: LinkKey) -> Poll<()> {
        self.driver.poll_link(key, &mut Context::from_waker(Waker::noop()))
    }

    fn pass_ms(&mut self, ms: u64) {
        self.driver.parts.clock = self.driver.parts.clock.later_by_ms(ms);
        self.driver.on_deadline();
        self.driver.end_turn();
    }
}

fn options(cseq: usize) -> String {
    format!(
        "OPTIONS sip:example.test SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1:1;branch=z9hG4bK{cseq}\r\n\
         From: <sip:ann@example.test>;tag=1;epid=1\r\nTo: <sip:example.test>\r\n\
         Max-Forwards: 70\r\nCall-ID: c{cseq}\r\nCSeq: {cseq} OPTIONS\r\nContent-Length: 0\r\n\r\n"
    )
}

fn read_all(stream: &mut UnixStream) -> String {
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    String::from_utf8(bytes).unwrap()
}

#[test]
fn answers_of_a_turn_are_one_write() {
    let mut bench = bench(8, Limits::default());
    let (key, mut peer) = bench.link(Transport::Tcp);
    peer.write_all((options(1) + &options(2) + &options(3)).as_bytes()).unwrap();
    assert!(bench.poll(key).is_pending());
    assert_eq!(read_all(&mut peer), "", "nothing is written before the end of the turn");
    bench.driver.end_turn();
    assert_eq!(read_all(&mut peer).matches("SIP/2.0 ").count(), 3);
    assert_eq!(bench.driver.counters.writes, 1);
}

#[test]
fn a_blocked_link_goes_on_when_its_peer_reads() {
    let mut bench = bench(8, Limits::default());
    let (key, mut peer) = bench.link(Transport::Tcp);
    let (mut sent, mut answers) = (0, String::new());
    while bench.driver.counters.writes_blocked == 0 {
        sent += 1;
        let request = options(sent);
        while peer.write(request.as_bytes()).is_err() {
            assert!(bench.poll(key).is_pending());
        }
        assert!(bench.poll(key).is_pending());
        bench.driver.end_turn();
        assert!(sent < 100_000, "the socket takes no end of bytes");
    }
    while answers.matches("SIP/2.0 ").count() < sent {
        let some = read_all(&mut peer);
        assert!(!some.is_empty(), "{} of {sent} answers", answers.matches("SIP/2.0 ").count());
        answers += &some;
        assert!(bench.poll(key).is_pending());
        bench.driver.end_turn();
    }
    for cseq in [1, sent / 2, sent] {
        assert!(answers.contains(&format!("\r\nCSeq: {cseq} OPTIONS\r\n")), "answer {cseq}");
    }
}

#[test]
fn a_peer_that_does_not_read_is_not_read() {
    let limits = Limits { link_outbox_bytes_max: 64 * 1024, ..Limits::default() };
    let mut bench = bench(8, limits);
    let (key, mut peer) = bench.link(Transport::Tcp);
    let mut stuck = 0;
    let mut sent = 0;
    while stuck < 10 {
        sent += 1;
        match peer.write_all(options(sent).as_bytes()) {
            Ok(()) => stuck = 0,
            Err(_) => stuck += 1,
        }
        assert!(bench.poll(key).is_pending());
        bench.driver.end_turn();
        assert!(sent < 100_000, "its requests are taken without end");
    }
    let waiting = bench.driver.shard.gauges().outbox_bytes;
    assert!(waiting < 3 * READ_BUFFER_BYTES + 64 * 1024, "{waiting} bytes wait");
}

#[test]
fn a_link_ends_with_its_peer() {
    let mut bench = bench(8, Limits::default());
    let (key, peer) = bench.link(Transport::Tcp);
    drop(peer);
    assert!(bench.poll(key).is_ready());
    assert_eq!(bench.driver.links.len(), 0);
    assert_eq!(bench.driver.shard.gauges().links, 0);
}

#[test]
fn a_faulty_stream_costs_the_link_but_not_its_last_words() {
    let mut bench = bench(8, Limits::default());
    let (key, mut peer) = bench.link(Transport::Tcp);
    peer.write_all((options(1) + "GARBAGE\r\n\r\n").as_bytes()).unwrap();
    assert!(bench.poll(key).is_pending());
    bench.driver.end_turn();
    assert_eq!(bench.driver.shard.gauges().links, 0);
    // Unread bytes must not reset what is on its way.
    peer.write_all(b"more").unwrap();
    assert!(bench.poll(key).is_pending(), "the rest is thrown away");
    assert!(read_all(&mut peer).starts_with("SIP/2.0 "));
    assert_eq!(bench.driver.links.len(), 1, "it waits for the peer's end");
    bench.pass_ms(CLOSING_MS + 1);
    assert_eq!(bench.driver.links.len(), 0, "but not for ever");
    assert!(bench.poll(key).is_ready());
}

#[test]
fn full_mail_stops_reading_until_there_is_room() {
    let mut bench = bench(1, Limits::default());
    let (key, mut peer) = bench.link(Transport::Tcp);
    for _ in 0..3 {
        let mail = Mail::Superseded { session: Default::default() };
        bench.driver.parts.mesh.post(1, mail);
    }
    peer.write_all(options(1).as_bytes()).unwrap();
    assert!(bench.poll(key).is_pending());
    bench.driver.end_turn();
    assert_eq!(read_all(&mut peer), "", "it is not read");
    // Room for one is not enough; the others must find some first.
    while bench.driver.parts.mesh.is_congested() {
        bench.other.receive(1, |_, _| ());
        bench.driver.end_turn();
    }
    assert!(bench.poll(key).is_pending());
    bench.driver.end_turn();
    assert!(read_all(&mut peer).starts_with("SIP/2.0 "));
}

#[test]
fn a_silent_handshake_is_given_up() {
    let mut bench = bench(8, Limits::default());
    let (key, peer) = bench.link(Transport::Tls);
    assert!(bench.poll(key).is_pending());
    bench.pass_ms(HANDSHAKE_MS - 100);
    assert_eq!(bench.driver.handshaking, 1);
    bench.pass_ms(101);
    assert_eq!((bench.driver.handshaking, bench.driver.links.len()), (0, 0));
    assert_eq!(bench.driver.counters.handshakes_failed, 1);
    assert!(bench.poll(key).is_ready());
    drop(peer);
}

/// Notes that a link's task was woken.
#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn handshakes_beyond_those_of_a_turn_wait_for_the_next() {
    const CLIENTS: usize = 3 * HANDSHAKE_STEPS_PER_TURN - 1;
    let mut bench = bench(8, Limits::default());
    let mut links: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let (key, peer) = bench.link(Transport::Tls);
            let mut client = client(&bench, peer);
            client.conn.write_tls(&mut client.sock).unwrap();
            (key, client, Arc::new(Woken(true.into())))
        })
        .collect();
    let (plain, mut plain_peer) = bench.link(Transport::Tcp);
    let mut greeted = Vec::new();
    for turn in 1..=3 {
        for (key, _, woken) in &links {
            if woken.0.swap(false, Ordering::Relaxed) {
                let waker = woken.clone().into();
                let mut cx = Context::from_waker(&waker);
                assert!(bench.driver.poll_link(*key, &mut cx).is_pending());
            }
        }
        plain_peer.write_all(options(turn).as_bytes()).unwrap();
        assert!(bench.poll(plain).is_pending());
        assert!(bench.driver.handshake_steps <= HANDSHAKE_STEPS_PER_TURN);
        assert!(bench.driver.is_turn_due);
        bench.driver.end_turn();
        assert!(read_all(&mut plain_peer).starts_with("SIP/2.0 "), "others go on beside them");
        let hears = |client: &mut Tls| client.conn.read_tls(&mut client.sock).is_ok();
        greeted.push(
            links.iter_mut().filter_map(|(_, client, _)| hears(client).then_some(())).count(),
        );
    }
    assert_eq!(greeted, [8, 8, 7], "each waits for its turn, and none in vain");
}

#[test]
fn with_too_many_handshakes_accepting_waits() {
    crate::machine::raise_descriptors();
    let mut bench = bench(8, Limits::default());
    let mut links = Vec::new();
    while bench.driver.takes_handshakes() {
        links.push(bench.link(Transport::Tls));
    }
    assert_eq!(links.len(), HANDSHAKES_MAX);
    let (key, peer) = links.pop().unwrap();
    drop(peer);
    assert!(bench.poll(key).is_ready());
    assert!(bench.driver.takes_handshakes(), "one that ends makes room");
}

#[test]
fn what_is_no_tls_gets_an_alert() {
    let mut bench = bench(8, Limits::default());
    let (key, mut peer) = bench.link(Transport::Tls);
    peer.write_all(options(1).as_bytes()).unwrap();
    assert!(bench.poll(key).is_pending());
    bench.driver.end_turn();
    let mut alert = [0; 7];
    peer.read_exact(&mut alert).unwrap();
    assert_eq!(alert[0], 21, "content type of an alert");
    assert_eq!(bench.driver.handshaking, 0);
    assert_eq!(bench.driver.shard.gauges().links, 0, "the core never heard of it");
}

type Tls = rustls::StreamOwned<rustls::ClientConnection, UnixStream>;

/// A TLS client over the test's end of a link.
fn client(bench: &Bench, peer: UnixStream) -> Tls {
    let files = self_signed_files(bench.data.path(), "example.test");
    let mut roots = rustls::RootCertStore::empty();
    roots.add(load(&files).unwrap().0.remove(0)).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = "example.test".try_into().unwrap();
    let connection = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
    rustls::StreamOwned::new(connection, peer)
}

#[test]
fn a_tls_link_speaks_sip_and_says_goodbye() {
    let mut bench = bench(8, Limits::default());
    let (key, peer) = bench.link(Transport::Tls);
    let mut client = client(&bench, peer);
    client.conn.writer().write_all(options(1).as_bytes()).unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        let _ = client.flush();
        assert!(bench.poll(key).is_pending());
        bench.driver.end_turn();
        let _ = client.read_to_end(&mut answer);
    }
    assert!(answer.starts_with(b"SIP/2.0 "));
    assert_eq!(bench.driver.handshaking, 0);
    client.conn.send_close_notify();
    let _ = client.flush();
    assert!(bench.poll(key).is_pending());
    bench.driver.end_turn();
    assert_eq!(client.read(&mut [0; 1]).unwrap(), 0, "a goodbye, not a broken connection");
    assert_eq!(bench.driver.shard.gauges().links, 0);
}

#[test]
fn draining_is_reported_when_all_links_are_closed() {
    let mut bench = bench(8, Limits::default());
    let (key, mut peer) = bench.link(Transport::Tcp);
    peer.write_all(options(1).as_bytes()).unwrap();
    assert!(bench.poll(key).is_pending());
    let mut cx = Context::from_waker(Waker::noop());
    assert!(bench.driver.poll_draining(&mut cx).is_pending());
    bench.driver.drain();
    assert!(bench.driver.poll_draining(&mut cx).is_ready());
    bench.driver.end_turn();
    drop(peer);
    let _ = bench.poll(key);
    bench.driver.end_turn();
    bench.pass_ms(10_000);
    assert!(matches!(bench.reports.try_recv(), Ok(Report::Drained(ShardId(0)))));
    let (ours, _theirs) = UnixStream::pair().unwrap();
    let [peer, local] = ["127.0.0.1:1", "127.0.0.1:2"].map(|a| a.parse().unwrap());
    let info = LinkInfo { peer, local, transport: Transport::Tcp, is_front_end: false };
    assert!(bench.driver.accepted(Polled(ours), info).is_err());
}

#[test]
fn links_beyond_the_limit_are_refused() {
    let mut bench = bench(8, Limits { links_max: 1, ..Limits::default() });
    let (_key, _peer) = bench.link(Transport::Tcp);
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    let [peer, local] = ["127.0.0.1:1", "127.0.0.1:2"].map(|a| a.parse().unwrap());
    let info = LinkInfo { peer, local, transport: Transport::Tcp, is_front_end: false };
    assert!(bench.driver.accepted(Polled(ours), info).is_err());
    assert_eq!(theirs.read(&mut [0; 1]).unwrap(), 0, "closed at once");
    assert_eq!(bench.driver.counters.refused, 1);
}
