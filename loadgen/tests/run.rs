//! The program itself, against a stand-in for the server on a loopback port.

// It is shared with the library's tests, which use more of it.
#[allow(dead_code)]
#[path = "../src/fake.rs"]
mod fake;

use fake::FakeServer;
use parlance_wire::sip::{Frame, Framer};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Output};

/// Serves one link until its end.
fn serve(mut fake: FakeServer) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    let address = listener.local_addr().expect("a bound socket has an address");
    std::thread::spawn(move || {
        let (link, _) = listener.accept().expect("the program connects");
        serve_link(link, &mut fake)
    });
    address
}

/// Serves each link as if there were no other: members of a room on different links are told
/// different things, each of them without a fault.
fn serve_apart() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    let address = listener.local_addr().expect("a bound socket has an address");
    std::thread::spawn(move || {
        for link in listener.incoming() {
            let link = link.expect("the program connects");
            std::thread::spawn(move || serve_link(link, &mut FakeServer::default()));
        }
    });
    address
}

fn serve_link(mut link: TcpStream, fake: &mut FakeServer) -> std::io::Result<()> {
    let (mut received, mut piece) = (Vec::new(), vec![0; 64 * 1024]);
    loop {
        let count = link.read(&mut piece)?;
        if count == 0 {
            return Ok(());
        }
        received.extend_from_slice(&piece[..count]);
        let rest = received.split_off(whole_messages(&received));
        let mut out = Vec::new();
        fake.turn(&mut received, &mut out);
        received = rest;
        link.write_all(&out)?;
    }
}

/// Bytes at the front that are whole messages.
fn whole_messages(bytes: &[u8]) -> usize {
    let mut used = 0;
    loop {
        match Framer::default().next(&bytes[used..]).expect("the program frames well") {
            Some(Frame::Message { len, .. } | Frame::KeepAlive { len }) => used += len,
            None => return used,
        }
    }
}

const PROGRAM: &str = env!("CARGO_BIN_EXE_parlance-loadgen");

fn load(server: SocketAddr) -> Output {
    load_with(server, &["--links", "1"])
}

fn load_with(server: SocketAddr, more: &[&str]) -> Output {
    Command::new(PROGRAM)
        .args(["--server", &server.to_string(), "--users", "20"])
        .args(["--rooms", "4", "--room-size", "5", "--rate", "100", "--duration", "1"])
        .args(["--sign-in-rate", "2000", "--drain", "1", "--full-sign-in"])
        .args(more)
        .output()
        .expect("the program was built")
}

#[track_caller]
fn check(output: &Output, code: i32, says: &[&str]) {
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{text}{errors}");
    for words in says {
        assert!(text.contains(words) || errors.contains(words), "{words}: {text}{errors}");
    }
}

#[test]
fn a_correct_server_is_found_clean() {
    let output = load(serve(FakeServer::default()));
    let says = ["20 opened, 20 rooms joined", "100 accepted", "deliveries 500", "was kept"];
    check(&output, 0, &says);
}

#[test]
fn a_delivery_kept_from_one_member_is_found() {
    let mut fake = FakeServer::default();
    fake.lose = Some(3);
    let output = load(serve(fake));
    check(&output, 1, &["4 x gap", "4 missing", "FAULTY"]);
}

#[test]
fn a_server_that_refuses_everybody_is_found() {
    let mut fake = FakeServer::default();
    fake.refuse = Some(("INVITE", 503));
    let output = load(serve(fake));
    check(&output, 1, &["20 x sign-in answered 503", "FAULTY"]);
}

#[test]
fn what_only_shows_between_workers_is_found() {
    let output = load_with(serve_apart(), &["--links", "2", "--workers", "2"]);
    // Each worker alone finds nothing wrong with what it was told.
    check(&output, 1, &["20 opened, 20 rooms joined", "x order_differs", "FAULTY"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    for alone in ["gap", "repeated", "ghost", "not_joined"] {
        assert!(!text.contains(&format!("x {alone}")), "{text}");
    }
}

#[test]
fn workers_without_a_server_end_with_their_parent() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    let address = listener.local_addr().expect("a bound socket has an address");
    drop(listener);
    let output = load_with(address, &["--workers", "2"]);
    check(&output, 2, &["refused", "ended before its time"]);
}

#[test]
fn no_server_is_not_the_servers_fault() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    let address = listener.local_addr().expect("a bound socket has an address");
    drop(listener);
    check(&load(address), 2, &["refused"]);
}

#[test]
fn a_report_is_written_made_again_and_compared() {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let path = |name: &str| folder.path().join(name).to_str().expect("a plain name").to_owned();
    let read = |name: &str| std::fs::read_to_string(path(name)).expect("the program wrote it");
    let program = |args: &[&str]| Command::new(PROGRAM).args(args).output().expect("it was built");
    let (json, html) = (path("a.json"), path("a.html"));
    let server = serve(FakeServer::default());
    check(
        &load_with(server, &["--links", "1", "--json", &json, "--html", &html]),
        0,
        &["was kept"],
    );
    assert!(read("a.html").contains("20 users with 20 sessions on 1 links in 4 rooms"));

    let again = program(&["report", &json, "-o", &path("again.html")]);
    check(&again, 0, &["20 opened, 20 rooms joined", "was kept"]);
    assert!(read("again.html") == read("a.html"), "the page is the same");

    let compared = program(&["compare", &json, &json, "--html", &path("both.html")]);
    check(&compared, 0, &["differs    nothing", "delivery p99", "1.00"]);
    assert!(read("both.html").contains("Two load runs"));

    std::fs::write(path("b.json"), "{\"schema\": 99}").expect("the folder is ours");
    let refused = program(&["compare", &json, &path("b.json")]);
    check(&refused, 2, &["b.json: a report of schema 99"]);
    check(&program(&["report", &path("none.json")]), 2, &["none.json: No such file"]);
}
