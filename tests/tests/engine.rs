//! `[log] engine` on the real binary: what survives with each, and that none of them leads rooms to
//! give a number away twice.

use parlance_tests::peer::Dialog;
use parlance_tests::server::{Options, Room, Server};
use parlance_tests::talk::{Burst, history, join};
use parlance_tests::tool::tool;

const POSTS: usize = 20;

fn options(engine: &'static str) -> Options {
    Options { engine, ..Options::default() }
}

/// Posts and waits until all is answered.
fn talk(server: &Server, name: &str) -> Vec<String> {
    let (mut dialog, room) = (Dialog::open(server.sip, "author"), Room::numbered(1));
    join(&mut dialog, &room);
    Burst::send(&mut dialog, &room, name, POSTS).acknowledged(&mut dialog, POSTS)
}

/// What the room shows, numbered without a hole.
fn shown(server: &Server) -> Vec<String> {
    let messages = history(server, &Room::numbered(1));
    let numbers: Vec<u64> = messages.iter().map(|message| message.chat_id).collect();
    assert!(numbers.is_sorted_by(|a, b| a + 1 == *b), "{numbers:?}");
    messages.into_iter().map(|message| message.chat).collect()
}

#[test]
fn with_a_log_in_memory_the_database_keeps_what_it_got_and_each_start_is_clean() {
    let mut server = Server::start(&options("memory"));
    let mut said = Vec::new();
    for life in 0..3 {
        said.extend(talk(&server, &life.to_string()));
        server.until_stored();
        assert_eq!(server.metric("parlance_store_rows_total", "") as usize, POSTS);
        server.kill_and_restart();
        let shown = shown(&server);
        assert!(said.ends_with(&shown) && shown.len() >= POSTS, "life {life}: {shown:?}");
    }
    server.until_said("the log is kept in memory");
    assert!(server.stop().success());
    let all = tool(server.folder(), &["history", "Room 1", "--last", "100"]).done();
    assert_eq!(all.lines().count(), said.len());

    // The log that survives takes over, and gives back.
    for engine in ["segment", "memory"] {
        server.configure(&options(engine));
        server.restart();
        said.extend(talk(&server, engine));
        assert!(said.ends_with(&shown(&server)), "{engine} goes on with the numbers");
        assert!(server.stop().success());
    }
}

#[test]
fn a_log_that_the_database_lacks_is_not_passed_over() {
    let mut server = Server::start(&options("segment"));
    let said = talk(&server, "kept");
    assert!(server.stop().success());
    // An older copy of the database, say: an empty one.
    for file in ["parlance.sqlite", "parlance.sqlite-wal", "parlance.sqlite-shm"] {
        let _ = std::fs::remove_file(server.folder().join("data").join(file));
    }
    server.configure(&options("memory"));
    let refused = server.fails_to_start();
    assert!(refused.contains("there is no database"), "{refused}");
    tool(server.folder(), &["store", "migrate"]).done();
    let refused = server.fails_to_start();
    let because = format!("the log has {POSTS} message(s) that the database lacks");
    assert!(refused.contains(&because) && refused.contains("\"segment\""), "{refused}");

    server.configure(&options("segment"));
    server.restart();
    server.until_stored();
    server.configure(&options("memory"));
    server.kill_and_restart();
    assert_eq!(shown(&server), said);

    // Nobody but its server knows what sled keeps.
    std::fs::create_dir(server.folder().join("data/log-sled")).expect("a folder");
    let refused = server.fails_to_start();
    assert!(refused.contains("log-sled") && refused.contains("\"sled\""), "{refused}");
}

#[test]
fn the_commands_say_what_a_log_in_memory_is() {
    let mut server = Server::start(&options("memory"));
    let said = talk(&server, "said");
    server.until_stored();
    let folder = server.folder().to_owned();
    for command in ["verify", "inspect"] {
        let told = tool(&folder, &["log", command]).failed();
        assert!(told.contains("\"memory\" keeps no log that could be looked into"), "{told}");
    }
    let check = tool(&folder, &["check"]);
    assert!(check.out.contains("warn  log           in memory, up to 512 MiB"), "{check:?}");
    let store = tool(&folder, &["store", "check"]).done();
    assert!(store.contains("keeps its log in memory, where nobody else can read it"), "{store}");

    // The data directory has one server, whatever keeps its log.
    let export = tool(&folder, &["export", "all.jsonl"]);
    assert!(export.err.contains("keeps its log in memory"), "{export:?}");
    let import = tool(&folder, &["import", "all.jsonl"]).failed();
    assert!(import.contains("a server runs on"), "{import}");
    assert!(server.stop().success());
    let import = tool(&folder, &["import", "all.jsonl"]).done();
    assert!(import.contains(&format!("{} were there already", said.len())), "{import}");
}
