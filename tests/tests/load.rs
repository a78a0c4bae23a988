//! The load generator with the real server: the configurations it prints are good ones, and what
//! its profiles do comes out clean.

use parlance_tests::server::{Server, binary};
use std::process::{Command, Output};

fn loadgen(words: &str) -> Output {
    let output = Command::new(binary("parlance-loadgen"))
        .args(words.split_ascii_whitespace())
        .output()
        .expect("the load generator was built");
    assert!(output.status.success(), "{words}: {output:?}");
    output
}

/// A server with what `config` prints for these words, on free ports.
fn server_for(words: &str) -> Server {
    let ports = "--listen 127.0.0.1:0 --http 127.0.0.1:0";
    let config = loadgen(&format!("config {words} {ports}")).stdout;
    start(&String::from_utf8(config).expect("a text"))
}

/// With TLS as well, whose port is looked for in what a server says when it is ready.
fn start(config: &str) -> Server {
    Server::start_with(&config.replace("sips = []", "sips = [\"127.0.0.1:0\"]"))
}

/// Runs a load and finds each of `says` in its report.
#[track_caller]
fn check(server: &Server, words: &str, says: &[&str]) {
    let to = format!("--server {} --sign-in-rate 2000 {words}", server.sip);
    let report = String::from_utf8_lossy(&loadgen(&to).stdout).into_owned();
    for part in says {
        assert!(report.contains(part), "{part}: {report}");
    }
}

#[test]
fn an_organisation_on_mixed_links_is_served_clean() {
    let size = "--profile pool-80k --scale 0.001";
    let mut server = server_for(size);
    let words = format!("{size} --direct 40 --front-ends 3 --rate 100 --duration 1");
    let says = [
        "80 with 120 endpoints on 43 links, 36 rooms, 1920 memberships",
        "120 opened, 1920 rooms joined",
        "100 accepted, 0 refused",
        "the contract was kept",
    ];
    check(&server, &words, &says);
    assert!(server.stop().success());
}

#[test]
fn workers_share_a_run_and_it_is_judged_as_one() {
    let size = "--profile pool-80k --scale 0.001";
    let mut server = server_for(size);
    let words = format!(
        "{size} --direct 40 --front-ends 3 --rate 100 --duration 1 --workers 3 --whole-history \
         --message-bytes mix --arrivals even"
    );
    let says = [
        "120 opened, 1920 rooms joined",
        "100 sent",
        "100 accepted, 0 refused",
        " 0 missing",
        "100 messages read",
        "the contract was kept",
    ];
    check(&server, &words, &says);
    assert!(server.stop().success());
}

#[test]
fn a_storm_beside_the_load_is_served_clean() {
    let size = "--profile storm --scale 0.001";
    let mut server = server_for(size);
    let words = format!("{size} --rate 100 --duration 2 --storm-at 1 --storm-rate 200 --workers 2");
    let says = [
        "120 opened, 1920 rooms joined",
        "200 accepted, 0 refused",
        "phase: before the storm",
        "phase: storm",
        "phase: after the storm",
        "the contract was kept",
    ];
    check(&server, &words, &says);
    assert!(server.stop().success());
}

#[test]
fn who_goes_and_comes_back_is_served_clean() {
    let size = "--profile pool-80k --scale 0.001";
    let mut server = server_for(size);
    let words = format!("{size} --rate 100 --duration 3 --churn 20 --away 0 --front-ends 2");
    check(&server, &words, &["300 accepted, 0 refused", " 0 missing", "the contract was kept"]);
    // All but those who were still away at the end, and a few who were chosen while away.
    assert!(server.metric("parlance_dialogs_opened_total", "") > 150.0);
    assert!(server.stop().success());
}

#[test]
fn slow_readers_get_everything_in_the_end() {
    let mut server = server_for("--rooms 2");
    let words = "--users 20 --rooms 2 --room-size 20 --rate 100 --duration 2 --slow-readers 0.2 \
                 --slow-bytes-per-second 8000";
    let says = [
        "200 accepted",
        "deliveries 4000 ",
        "4 slow, of which the server gave up 0; 0 dead",
        "reader: slow",
        "the contract was kept",
    ];
    check(&server, words, &says);
    assert!(server.stop().success());
}

#[test]
fn dead_readers_are_given_up_and_nothing_is_owed_to_them() {
    let ports = "--listen 127.0.0.1:0 --http 127.0.0.1:0";
    let config = loadgen(&format!("config --rooms 1 {ports}")).stdout;
    let config = String::from_utf8(config).expect("a text");
    let mut server =
        start(&config.replace("[[room]]", "[limits]\ninfo_timeout_ms = 300\n\n[[room]]"));
    let words = "--users 10 --room-size 10 --rate 50 --duration 2 --dead-readers 0.2";
    let says = ["100 accepted", "2 dead, of which it gave up 2", "the contract was kept"];
    check(&server, words, &says);
    assert!(server.stop().success());
}

#[test]
fn limits_are_raised_for_a_run_that_needs_it() {
    let config = String::from_utf8(loadgen("config --profile pool-80k --scale 1").stdout);
    let config = config.expect("a text");
    assert!(config.contains("sessions_max = 132000\n"), "{}", &config[..400]);
    assert_eq!(config.matches("[[room]]").count(), 33_077);
    // The server takes the limits; all the rooms would only make its start long.
    let head = config.split("[[room]]").next().expect("a head");
    let head = head.replace(":5060", ":0").replace(":8080", ":0");
    let mut server = start(&head);
    assert!(server.stop().success());
}
