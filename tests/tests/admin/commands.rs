//! Commands beside a server, of one elsewhere, and without one.

use crate::http::Api;
use parlance_tests::server::{Options, Server, binary};
use parlance_tests::tool::{Said, tool};
use serde_json::Value;
use std::path::Path;
use std::process::Command;

fn admin(folder: &Path, words: &[&str]) -> Said {
    tool(folder, &[&["admin"], words].concat())
}

fn json(said: Said) -> Value {
    serde_json::from_str(&said.done()).expect("JSON")
}

#[test]
fn a_command_does_the_same_with_and_without_a_server() {
    let mut server = Server::start(&Options::default());
    let folder = server.folder().to_owned();
    let said = admin(&folder, &["category", "new", "Online", "--reason", "a test"]).done();
    assert_eq!(said, "category \"Online\" made\n");
    assert!(server.stop().success());
    let said = admin(&folder, &["category", "new", "Offline"]).done();
    assert_eq!(said, "category \"Offline\" made\n");
    let offline = json(admin(&folder, &["category", "get", "--json"]));
    let records = json(admin(&folder, &["audit", "--limit", "2", "--json"]));
    let ways: Vec<&Value> =
        records.as_array().expect("a list").iter().map(|r| &r["surface"]).collect();
    assert_eq!(ways, ["command", "http"]);
    assert_eq!(records[1]["reason"], "a test");
    server.restart();
    assert_eq!(json(admin(&folder, &["category", "get", "--json"])), offline);
    let names: Vec<&Value> =
        offline.as_array().expect("a list").iter().map(|c| &c["name"]).collect();
    assert_eq!(names, ["General", "Offline", "Online"]);
    let table = admin(&folder, &["category", "get"]).done();
    assert!(table.starts_with("NAME "), "{table}");
    assert_eq!(table.lines().count(), 4, "{table}");
}

#[test]
fn refusals_tell_why_and_end_with_1() {
    let mut server = Server::start(&Options::default());
    let folder = server.folder().to_owned();
    for _ in 0..2 {
        let said = admin(&folder, &["room", "new", "Room 1", "--category", "General"]);
        assert!(said.failed().contains("parlance: "));
        let said = admin(&folder, &["room", "get", "Attic", "--json"]).failed();
        let problem: Value =
            serde_json::from_str(said.trim_start_matches("parlance: ")).expect("JSON");
        assert_eq!(problem["type"], "urn:parlance:problem:no-such-node");
        let stale = admin(&folder, &["room", "set", "Room 1", "--name", "R", "--version", "9"]);
        assert_eq!(stale.code, Some(1));
        assert_eq!(admin(&folder, &["room", "paint", "Room 1"]).code, Some(2));
        assert_eq!(admin(&folder, &["room", "set", "Room 1", "--disabled", "x"]).code, Some(2));
        // Once more without the server.
        if server.ended().is_none() {
            assert!(server.stop().success());
        }
    }
}

#[test]
fn a_server_elsewhere_is_asked_with_a_token() {
    let server = Server::start(&Options::default());
    let token = server.folder().join("token");
    std::fs::write(&token, Api::of(&server).with_role("far", "auditor").token).expect("a file");
    let elsewhere = tempfile::tempdir().expect("a folder");
    let run = |words: &[&str]| {
        let mut command = Command::new(binary("parlance"));
        let server = format!("http://{}", server.http);
        command.arg("admin").args(words).args(["--server", &server, "--token-file"]).arg(&token);
        command.current_dir(elsewhere.path()).output().expect("the program runs")
    };
    let shown = run(&["room", "get", "--json"]);
    assert!(String::from_utf8_lossy(&shown.stdout).contains("\"Room 1\""), "{shown:?}");
    let refused = run(&["room", "remove", "Room 1"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("auditor"), "{refused:?}");
    assert!(!elsewhere.path().join("parlance-data").exists(), "nothing is made here");
}

#[test]
fn where_there_is_no_data_nothing_is_made() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("parlance.toml"), "[server]\ndata = \"data\"\n")
        .expect("a file");
    let said = admin(folder.path(), &["room", "get"]).failed();
    assert!(said.contains("there is no database"), "{said}");
    assert!(!folder.path().join("data").exists());
    // After this it can be prepared before any server has run.
    tool(folder.path(), &["store", "migrate"]).done();
    assert!(admin(folder.path(), &["room", "get"]).done().contains("Lobby"));
}

#[test]
fn a_made_up_organisation_is_written_and_served() {
    let mut server = Server::start(&Options::default());
    let folder = server.folder().to_owned();
    let sample = ["store", "sample", "--users", "60"];
    assert!(tool(&folder, &sample).failed().contains("a server runs on"));
    assert!(server.stop().success());
    let said = tool(&folder, &sample).done();
    assert!(said.starts_with("60 users, from sip:"), "{said}");
    let first = said.split(' ').nth(3).expect("a user").to_owned();
    server.restart();
    let rooms = json(admin(&folder, &["room", "get", "--json"]));
    let rooms = rooms.as_array().expect("a list");
    assert!(rooms.len() > 10, "{} rooms", rooms.len());
    let mine = json(admin(&folder, &["room", "get", "--member", &first, "--json"]));
    assert!(!mine.as_array().expect("a list").is_empty(), "{first} is in no room");
    // Once more changes nothing.
    assert!(server.stop().success());
    assert_eq!(tool(&folder, &sample).done(), said);
    server.restart();
    assert_eq!(json(admin(&folder, &["room", "get", "--json"])).as_array(), Some(rooms));
}

#[test]
fn many_people_come_from_a_file_and_go_into_one() {
    let mut server = Server::start(&Options::default());
    let folder = server.folder().to_owned();
    let write = |name: &str, text: &str| {
        std::fs::write(folder.join(name), text).expect("a file");
    };
    write(
        "people.csv",
        "kind,uri,display_name,state,groups\n\
         group,,Night shift,,\n\
         user,sip:ann@example.test,\"Lee, Ann\",,Night shift\n\
         user,sip:bob@example.test,Bob,disabled,\n",
    );
    write("faulty.csv", "kind,uri\nuser,sip:cal@example.test\nuser,nobody\npet,sip:rex@x\n");
    let state = |who: &str| json(admin(&folder, &["user", "get", who, "--json"]))["state"].clone();

    // Nothing of a faulty file is taken up, and every fault has its line.
    let said = admin(&folder, &["user", "import", "faulty.csv"]).failed();
    assert!(said.contains("line 3: ") && said.contains("line 4: "), "{said}");
    assert_eq!(admin(&folder, &["user", "get", "sip:cal@example.test"]).code, Some(1));
    let said = admin(&folder, &["user", "import", "missing.csv"]).failed();
    assert!(said.contains("missing.csv cannot be read"), "{said}");

    let said = admin(&folder, &["user", "import", "people.csv", "--dry-run"]).done();
    assert!(said.contains("would be: sip:ann@example.test made"), "{said}");
    assert_eq!(admin(&folder, &["user", "get", "sip:ann@example.test"]).code, Some(1));
    admin(&folder, &["user", "import", "people.csv"]).done();
    assert_eq!(state("sip:ann@example.test"), "active");
    assert_eq!(state("sip:bob@example.test"), "disabled");
    let ann = json(admin(&folder, &["user", "get", "Lee, Ann", "--json"]));
    assert!(ann["parents"].to_string().contains("Night shift"), "{ann}");

    // What comes out goes in again and changes nothing, without a server, too.
    let exported = admin(&folder, &["user", "export"]).done();
    write("exported.csv", &exported);
    for _ in 0..2 {
        let said = admin(&folder, &["user", "import", "exported.csv"]).done();
        assert_eq!(said, "nothing to do: everything is as it should be\n");
        assert_eq!(admin(&folder, &["user", "export"]).done(), exported);
        if server.ended().is_none() {
            assert!(server.stop().success());
        }
    }
}

#[test]
fn shells_can_complete() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("parlance.toml"), "").expect("a file");
    // The generator for fish knows two levels of commands only.
    for (shell, word) in [("bash", "add-members"), ("zsh", "add-members"), ("fish", "admin")] {
        let script = tool(folder.path(), &["completion", shell]).done();
        assert!(script.contains(word), "{shell}");
    }
}
