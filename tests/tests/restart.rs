//! The real binary is killed, over and over, while people talk: what was acknowledged is in the
//! history afterwards, once, in order, and rooms go on with their numbers.

use parlance_tests::peer::Dialog;
use parlance_tests::postgres;
use parlance_tests::server::{Options, Room, Server};
use parlance_tests::talk::{Burst, assert_kept, history, join};

const CYCLES: usize = 10;
/// Posts on their way at once in each cycle.
const POSTS: usize = 40;

fn options() -> Options {
    let limits = vec!["history_max = 500".into(), "recent_max = 500".into()];
    Options { rooms: vec![Room::numbered(1), Room::numbered(2)], limits, ..Options::default() }
}

/// Sends `POSTS` posts at once and waits until `enough` are acknowledged. Returns which were.
fn talk(dialog: &mut Dialog, room: &Room, cycle: usize, enough: usize) -> Vec<String> {
    Burst::send(dialog, room, &cycle.to_string(), POSTS).acknowledged(dialog, enough)
}

#[test]
fn what_was_acknowledged_survives_every_kill() {
    let mut server = Server::start(&options());
    let room = Room::numbered(1);
    let mut acknowledged = Vec::new();
    for cycle in 0..CYCLES {
        let mut dialog = Dialog::open(server.sip, "author");
        join(&mut dialog, &room);
        // Each cycle is cut at another place, the last ones of a burst included.
        let enough = 1 + cycle * (POSTS - 1) / (CYCLES - 1);
        acknowledged.extend(talk(&mut dialog, &room, cycle, enough));
        server.kill_and_restart();
        let history = history(&server, &room);
        assert_kept(&history, &acknowledged, &format!("after cycle {cycle}"));
    }
    assert!(history(&server, &Room::numbered(2)).is_empty());
    println!("{} acknowledged posts survived {CYCLES} kills", acknowledged.len());
}

#[test]
fn a_damaged_log_is_refused_and_a_torn_one_is_mended() {
    let mut server = Server::start(&options());
    let room = Room::numbered(1);
    let mut dialog = Dialog::open(server.sip, "author");
    join(&mut dialog, &room);
    let acknowledged = talk(&mut dialog, &room, 0, POSTS);
    assert!(server.stop().success());

    let folder = server.folder().join("data/log");
    let segment = std::fs::read_dir(&folder)
        .expect("the log's folder")
        .map(|entry| entry.expect("an entry").path())
        .find(|path| path.extension().is_some_and(|e| e == "seg"))
        .expect("a segment");
    let whole = std::fs::read(&segment).expect("the segment");

    // A write that was under way when the power went.
    let torn = [&whole[..], &[7; 100]].concat();
    std::fs::write(&segment, torn).expect("the segment is written");
    server.kill_and_restart();
    assert_eq!(history(&server, &room).len(), acknowledged.len());
    server.until_said("the log ended in the middle of a write");
    assert!(server.stop().success());

    // A byte that went bad among good ones.
    let mut rotten = whole;
    let middle = rotten.len() / 2;
    rotten[middle] ^= 1;
    std::fs::write(&segment, rotten).expect("the segment is written");
    let said = server.fails_to_start();
    assert!(said.contains("nothing is served") && said.contains("parlance log verify"), "{said}");
}

#[test]
fn log_and_database_stand_in_for_each_other_as_far_as_they_can() {
    let mut server = Server::start(&options());
    let room = Room::numbered(1);
    let mut dialog = Dialog::open(server.sip, "author");
    join(&mut dialog, &room);
    let acknowledged = talk(&mut dialog, &room, 0, POSTS);
    server.until_stored();
    assert!(server.stop().success());

    // Without the database the log, which still has everything, fills a new one.
    let data = server.folder().join("data");
    for file in ["parlance.sqlite", "parlance.sqlite-wal", "parlance.sqlite-shm"] {
        let _ = std::fs::remove_file(data.join(file));
    }
    server.kill_and_restart();
    server.until_stored();
    assert_eq!(server.metric("parlance_store_rows_total", "") as usize, acknowledged.len());
    assert_eq!(history(&server, &room).len(), acknowledged.len());
    assert!(server.stop().success());

    // Without the log nobody knows what the database lacks: that is said, and nothing is served.
    std::fs::rename(data.join("log"), data.join("log-away")).expect("the log is moved away");
    let said = server.fails_to_start();
    assert!(said.contains("do not belong together"), "{said}");
    std::fs::remove_dir_all(data.join("log")).expect("the empty log");
    std::fs::rename(data.join("log-away"), data.join("log")).expect("the log is back");
    server.kill_and_restart();
    assert_eq!(history(&server, &room).len(), acknowledged.len());
}

#[test]
fn chat_goes_on_while_postgresql_is_away() {
    let mut cluster = match postgres::Cluster::start() {
        Ok(cluster) => cluster,
        Err(why) => return println!("SKIPPED chat without PostgreSQL: {why}"),
    };
    cluster.execute("postgres", "CREATE DATABASE chat");
    let mut server = Server::start(&Options { sql: cluster.url("chat"), ..options() });
    let room = Room::numbered(1);
    let mut dialog = Dialog::open(server.sip, "author");
    join(&mut dialog, &room);
    let mut acknowledged = talk(&mut dialog, &room, 0, POSTS);
    server.until_stored();
    server.until_metric("parlance_replica_whole", |is_whole| is_whole == 1.0);

    // No author notices that the database has crashed.
    cluster.kill();
    acknowledged.extend(talk(&mut dialog, &room, 1, POSTS));
    while server.metric("parlance_store_failures_total", "") == 0.0 {}
    acknowledged.extend(talk(&mut dialog, &room, 2, POSTS));

    // With `ack = "sql"` nobody could post, so that such a server does not start.
    server.configure(&Options { ack: "sql", sql: cluster.url("chat"), ..options() });
    let said = server.fails_to_start();
    assert!(said.contains("the database cannot be used"), "{said}");
    server.configure(&Options { sql: cluster.url("chat"), ..options() });

    // Others start from what they know, and rooms go on with their numbers.
    for round in 3..5 {
        server.kill_and_restart();
        server.until_said("the database is away");
        let mut dialog = Dialog::open(server.sip, "author");
        join(&mut dialog, &room);
        acknowledged.extend(talk(&mut dialog, &room, round, POSTS));
    }

    // With the database everything is there, once, and what it lacks comes from the log.
    cluster.run();
    server.until_stored();
    assert_eq!(server.metric("parlance_store_rows_total", "") as usize, 4 * POSTS);
    let texts = || -> Vec<String> {
        history(&server, &room).into_iter().map(|message| message.chat).collect()
    };
    assert_eq!(texts(), acknowledged);
    let numbers: Vec<u64> = history(&server, &room).into_iter().map(|m| m.chat_id).collect();
    assert!(numbers.iter().copied().eq(1..=acknowledged.len() as u64), "{numbers:?}");
}
