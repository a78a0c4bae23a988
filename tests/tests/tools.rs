//! The commands beside the server, by the real binary: they say what is there, change nothing that
//! they do not say, and answer by their exit code.

use parlance_tests::peer::{Dialog, command, post};
use parlance_tests::server::{Options, Room, Server};
use parlance_tests::tool::tool;
use std::fs;
use std::path::{Path, PathBuf};

/// A server where `texts` were said in both of its rooms.
fn server_with(texts: &[&str]) -> Server {
    let rooms = vec![Room::numbered(1), Room::numbered(2)];
    let server = Server::start(&Options { rooms: rooms.clone(), ..Options::default() });
    let mut dialog = Dialog::open(server.sip, "ada");
    let author = dialog.names.uri();
    for room in &rooms {
        let data = format!("<chanid key=\"0\" domain=\"example.test\" value=\"{}\"/>", room.id);
        assert_eq!(dialog.info(&command("join", &data)), 200);
        for text in texts {
            assert_eq!(dialog.info(&post(&room.uri(), &author, text)), 200);
        }
    }
    server
}

/// The log's only segment.
fn segment(folder: &Path) -> PathBuf {
    let files = fs::read_dir(folder.join("data/log")).expect("the log's folder");
    let mut files = files.map(|entry| entry.expect("an entry").path());
    files.find(|path| path.extension().is_some_and(|e| e == "seg")).expect("a segment")
}

#[test]
fn verify_tells_a_clean_a_torn_and_a_damaged_log_apart() {
    let mut server = server_with(&["one", "two", "three"]);
    let folder = server.folder().to_owned();
    let live = tool(&folder, &["log", "verify"]).done();
    assert!(live.contains("a server is writing it"), "{live}");
    assert!(server.stop().success());
    let clean = tool(&folder, &["log", "verify"]).done();
    assert!(clean.contains("segments  1\n") && clean.contains("6 of them are messages"), "{clean}");
    assert!(clean.contains("no server runs") && clean.ends_with("nothing would be cut\n"));

    let whole = fs::read(segment(&folder)).expect("the segment");
    let torn = [&whole[..], &[7; 100]].concat();
    fs::write(segment(&folder), &torn).expect("the segment is written");
    let said = tool(&folder, &["log", "verify"]).done();
    assert!(said.contains("torn: ") && said.contains("100 bytes cut"), "{said}");
    assert_eq!(fs::read(segment(&folder)).expect("the segment"), torn, "nothing was changed");
    assert_eq!(tool(&folder, &["log", "inspect"]).failed().matches("sip:ada").count(), 6);

    let mut rotten = whole;
    let middle = rotten.len() / 2;
    rotten[middle] ^= 1;
    fs::write(segment(&folder), &rotten).expect("the segment is written");
    let said = tool(&folder, &["log", "verify"]).failed();
    assert!(said.contains("damaged: ") && said.contains("What to do: "), "{said}");
    let listed = tool(&folder, &["log", "inspect"]).failed();
    let count = listed.matches("sip:ada").count();
    assert!((1..6).contains(&count) && listed.contains("`parlance log verify`"), "{listed}");
}

#[test]
fn inspect_lists_what_is_wanted_and_keeps_texts_to_itself() {
    let server = server_with(&["first secret", "second secret"]);
    let folder = server.folder();
    let all = tool(folder, &["log", "inspect"]).done();
    assert_eq!(all.lines().count(), 4);
    assert!(!all.contains("secret"), "{all}");
    let first: Vec<&str> = all.lines().next().expect("a line").split('\t').collect();
    assert_eq!(first.len(), 6, "{first:?}");
    let room = Room::numbered(1).id;
    assert_eq!(first[2..], [&room, "1", "sip:ada@example.test", "12"]);

    let second = Room::numbered(2).id;
    let words = ["log", "inspect", "--room", &second, "--text", "--limit", "1"];
    let one = tool(folder, &words).done();
    assert!(one.lines().count() == 1 && one.ends_with("\tfirst secret\n"), "{one}");
    let position = one.split('\t').next().expect("a position");
    let rest = tool(folder, &["log", "inspect", "--from", position]).done();
    assert_eq!(rest.lines().count(), 2, "{rest}");
    let beyond = tool(folder, &["log", "inspect", "--from", "4711"]);
    assert!(beyond.err.contains("the log ends with record"), "{beyond:?}");
    assert_eq!(beyond.done(), "");
    assert_eq!(tool(folder, &["log", "inspect", "--room", "lobby"]).code, Some(2));
}

/// Takes the database away.
fn lose_database(folder: &Path) {
    for file in ["parlance.sqlite", "parlance.sqlite-wal", "parlance.sqlite-shm"] {
        let _ = fs::remove_file(folder.join("data").join(file));
    }
}

#[test]
fn the_database_is_checked_and_migrated() {
    let mut server = server_with(&["one", "two", "three"]);
    let folder = server.folder().to_owned();
    server.until_stored();
    let said = tool(&folder, &["store", "check"]).done();
    assert!(said.contains("ok    schema") && said.contains("has all up to record"), "{said}");
    assert!(server.stop().success());

    lose_database(&folder);
    assert!(tool(&folder, &["store", "check"]).failed().contains("there is no database"));
    assert!(!folder.join("data/parlance.sqlite").exists(), "checking makes nothing");
    let said = tool(&folder, &["store", "migrate"]).done();
    assert!(said.contains("had version 0"), "{said}");
    assert!(tool(&folder, &["store", "migrate"]).done().contains("nothing to do"));
    let said = tool(&folder, &["store", "check"]).done();
    assert!(said.contains("warn  log") && said.contains("lacks 6 message(s)"), "{said}");
    let said = tool(&folder, &["history", "Room 1"]);
    assert!(said.err.contains("3 newer message(s)"), "{said:?}");
    assert_eq!(said.done(), "");

    server.kill_and_restart();
    server.until_stored();
    assert!(server.stop().success());
    fs::remove_dir_all(folder.join("data/log")).expect("the log is lost");
    let said = tool(&folder, &["store", "check"]).failed();
    assert!(said.contains("fail  log") && said.contains("do not belong together"), "{said}");
}

#[test]
fn a_server_that_ends_leaves_nothing_to_be_stored() {
    let mut server = server_with(&["one", "two", "three"]);
    let folder = server.folder().to_owned();
    // No waiting: the last message was answered a moment ago.
    assert!(server.stop().success());
    let said = tool(&folder, &["store", "check"]).done();
    assert!(said.contains("has all up to record"), "{said}");
}

#[test]
fn history_shows_what_was_said() {
    let texts: Vec<String> = (1..=60).map(|n| format!("message {n}")).collect();
    let mut texts: Vec<&str> = texts.iter().map(|text| &**text).collect();
    texts[29] = "a rare thing";
    let server = server_with(&texts);
    server.until_stored();
    let (folder, room) = (server.folder(), Room::numbered(2));
    let history = |room: &str, more: &[&str]| {
        let said = tool(folder, &[&["history", room], more].concat());
        assert_eq!(said.err, "");
        said.done()
    };
    let shown = history("room 2", &[]);
    assert_eq!(shown.lines().count(), 50);
    let end = "Z  60  ada <sip:ada@example.test>: message 60\n";
    assert!(shown.ends_with(end), "{shown}");
    assert_eq!(history(&room.id, &[]), shown);
    assert_eq!(history(&room.uri(), &[]), shown);
    assert_eq!(history("Room 2", &["--last", "1"]).lines().count(), 1);
    assert_eq!(history("Room 2", &["--from", "2000-01-01"]).lines().count(), 60);
    assert_eq!(history("Room 2", &["--to", "2000-01-01"]), "");
    let found = history("Room 2", &["--search", "thing rare", "--json"]);
    assert!(found.starts_with(&format!("{{\"room\":\"{}\",\"term\":0,\"number\":30", room.id)));
    assert!(found.contains("\"chat\":\"a rare thing\"") && found.lines().count() == 1, "{found}");
    let said = tool(folder, &["history", "Attic"]).failed();
    assert!(said.contains("no room is called") && said.contains("Room 1"), "{said}");
    assert_eq!(tool(folder, &["history", "Room 1", "--from", "soon"]).code, Some(2));
}

#[test]
fn what_is_exported_can_be_imported_over_and_over() {
    let mut server = server_with(&["plain", "\"quoted\" grüße 🦀", "third"]);
    let folder = server.folder().to_owned();
    server.until_stored();
    let exported = tool(&folder, &["export", "-"]).done();
    assert_eq!(exported.lines().count(), 1 + 6, "{exported}");
    assert!(exported.starts_with("{\"parlance_export\":1,\"domain\":\"example.test\""));
    assert!(tool(&folder, &["export", "chat.jsonl"]).done().is_empty());
    assert_eq!(fs::read_to_string(folder.join("chat.jsonl")).expect("the file"), exported);
    assert!(tool(&folder, &["export", "chat.jsonl"]).failed().contains("is there already"));
    let refused = tool(&folder, &["import", "chat.jsonl"]).failed();
    assert!(refused.contains("a server runs on"), "{refused}");
    assert!(server.stop().success());
    let again = tool(&folder, &["import", "chat.jsonl"]).done();
    assert_eq!(again, "0 message(s) imported, 6 were there already\n");

    // Elsewhere: a new database, and a server on it whose rooms go on.
    fs::rename(folder.join("data"), folder.join("data-away")).expect("the data is moved away");
    let said = tool(&folder, &["import", "chat.jsonl"]).done();
    assert_eq!(said, "6 message(s) imported, 0 were there already\n");
    assert_eq!(tool(&folder, &["export", "-"]).done(), exported);
    server.kill_and_restart();
    let shown = tool(&folder, &["history", "Room 1", "--last", "1"]).done();
    assert!(shown.ends_with("  3  ada <sip:ada@example.test>: third\n"), "{shown}");
}

#[test]
fn what_is_no_export_is_refused_by_line() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let text = "[server]\ndata = \"data\"\n";
    fs::write(folder.path().join("parlance.toml"), text).expect("the configuration is written");
    let import = |lines: &[&str]| {
        fs::write(folder.path().join("chat.jsonl"), lines.join("\n")).expect("the file is written");
        tool(folder.path(), &["import", "chat.jsonl"])
    };
    let header = "{\"parlance_export\":1,\"domain\":\"example.test\",\"rooms\":[]}";
    let message = |number: u64, chat: &str| {
        format!(
            "{{\"room\":\"7f6a1f0e-5a3e-4a53-9d1c-000000000001\",\"term\":0,\"number\":{number},\
             \"ts\":\"2024-03-08T07:16:05Z\",\"author\":\"sip:ada@example.test\",\
             \"author_name\":\"ada\",\"alert\":false,\"chat\":\"{chat}\",\"rtf\":null}}"
        )
    };
    assert!(import(&["hello"]).failed().contains("line 1: not the header"));
    assert!(import(&[&header.replace(":1,", ":2,")]).failed().contains("format version 2"));
    let (one, two) = (message(1, "one"), message(2, "two"));
    assert!(import(&[header, &one, &one]).failed().contains("line 3: not in the order"));
    assert!(import(&[header, &message(1, "\\u0007")]).failed().contains("line 2: a text has"));
    assert!(import(&[header, "{}"]).failed().contains("line 2: missing field"));
    assert!(import(&[header, &one, &two]).done().starts_with("2 message(s) imported"));
    let differs = import(&[header, &message(2, "other")]).failed();
    assert!(differs.contains("another message"), "{differs}");
}

#[test]
fn where_no_server_ran_nothing_is_made() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let text = "[server]\ndata = \"data\"\n";
    fs::write(folder.path().join("parlance.toml"), text).expect("the configuration is written");
    let said = tool(folder.path(), &["log", "verify"]).failed();
    assert!(said.contains("there is no log"), "{said}");
    assert!(!folder.path().join("data").exists());
}
