//! docs/cmdlets.md says what is true: each of its commands runs, with a server and without.

use parlance_tests::server::{Options, Room, Server};
use parlance_tests::tool::tool;
use serde_json::{Value, json};
use std::path::Path;

/// What the answer of a cmdlet's command must have, where.
const EXPECTED: [(&str, &str, &str); 33] = [
    ("New-CsPersistentChatCategory", "/item/invites", "true"),
    ("Get-CsPersistentChatCategory", "/file_upload", "true"),
    ("Set-CsPersistentChatCategory", "/item/allowed/0/uri", "\"ma-dom:example.test\""),
    ("Remove-CsPersistentChatCategory", "/changes/0", "\"category \\\"Attic\\\" removed\""),
    ("New-CsPersistentChatRoom", "/item/privacy", "\"closed\""),
    ("Get-CsPersistentChatRoom", "/0/name", "\"Lab\""),
    ("Set-CsPersistentChatRoom", "/item/members/0/uri", "\"sip:ann@example.test\""),
    ("Clear-CsPersistentChatRoom", "/messages", "0"),
    ("Remove-CsPersistentChatRoom", "/changes/0", "\"room \\\"Old room\\\" removed\""),
    ("Remove-CsPersistentChatMessage", "/messages", "0"),
    ("New-CsPersistentChatAddin", "/item/url", "\"https://wiki.example.test/\""),
    ("Get-CsPersistentChatAddin", "/name", "\"Wiki\""),
    ("Set-CsPersistentChatAddin", "/item/url", "\"http://w.example.test\""),
    ("Remove-CsPersistentChatAddin", "/dry_run", "false"),
    ("New-CsPersistentChatPolicy", "/item/enabled", "true"),
    ("Get-CsPersistentChatPolicy", "/identity", "\"site:Berlin\""),
    ("Set-CsPersistentChatPolicy", "/item/description", "\"Staff\""),
    ("Grant-CsPersistentChatPolicy", "/item/policy", "\"Readers\""),
    ("Remove-CsPersistentChatPolicy", "/changes/0", "\"policy tag:Visitors removed\""),
    ("New-CsPersistentChatConfiguration", "/item/default_chat_history", "30"),
    ("Get-CsPersistentChatConfiguration", "/identity", "\"site:Bonn\""),
    ("Set-CsPersistentChatConfiguration", "/item/max_file_size_kb", "9000"),
    ("Remove-CsPersistentChatConfiguration", "/repeated", "false"),
    ("New-CsPersistentChatEndpoint", "/item/uri", "\"sip:chat@example.test\""),
    ("Get-CsPersistentChatEndpoint", "/uri", "\"sip:chat@example.test\""),
    ("Remove-CsPersistentChatEndpoint", "/repeated", "false"),
    ("Get-CsPersistentChatEligiblePrincipal", "/0/uri", "\"sip:ann@example.test\""),
    ("Get-CsAdPrincipal", "/0/display_name", "\"Ann\""),
    ("Get-CsPool", "/domain", "\"example.test\""),
    ("Set-CsSite", "/item/site", "\"Berlin\""),
    ("Export-CsPersistentChatData", "", ""),
    ("Install-CsDatabase", "", ""),
    ("Test-CsDatabase", "", ""),
];

fn page() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/cmdlets.md");
    std::fs::read_to_string(path).expect("the page exists")
}

/// Cmdlets of the table's rows, each with what does it here.
fn rows(page: &str) -> Vec<(&str, &str)> {
    let lines = page.lines().filter_map(|line| line.strip_prefix("| `")?.strip_suffix(" |"));
    let rows = lines.filter_map(|line| line.split_once("` | "));
    rows.filter(|(cmdlet, _)| cmdlet.contains("-Cs")).collect()
}

/// The command that a cell is, if it is one.
fn command(cell: &str) -> Option<&str> {
    let command = cell.strip_prefix('`')?.strip_suffix('`')?;
    command.starts_with("parlance ").then_some(command)
}

/// Words as a shell would make them.
fn words(command: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut is_quoted = false;
    for c in command.chars() {
        match c {
            '"' => is_quoted = !is_quoted,
            ' ' if !is_quoted => words.push(String::new()),
            c => words.last_mut().expect("one at least").push(c),
        }
    }
    words
}

/// Runs it and gives its answer; `Null` where that is not JSON.
fn run(folder: &Path, command: &str) -> Value {
    let mut words = words(command);
    assert_eq!(words.remove(0), "parlance");
    let is_admin = words[0] == "admin";
    if is_admin {
        words.push("--json".into());
    }
    let said = tool(folder, &words.iter().map(|word| &**word).collect::<Vec<_>>());
    assert_eq!(said.code, Some(0), "{command}: {said:?}");
    match is_admin {
        true => serde_json::from_str(&said.out).unwrap_or_else(|e| panic!("{command}: {e}")),
        false => Value::Null,
    }
}

fn check(folder: &Path) {
    let page = page();
    let before = page.split("```sh").nth(1).and_then(|rest| rest.split("```").next());
    before.expect("what is made before").trim().lines().for_each(|line| drop(run(folder, line)));
    let mut count = 0;
    for (cmdlet, cell) in rows(&page) {
        let Some(command) = command(cell) else { continue };
        let answer = run(folder, command);
        let expected = EXPECTED.iter().find(|(name, ..)| *name == cmdlet);
        let (_, place, value) = expected.unwrap_or_else(|| panic!("say what {cmdlet} answers"));
        if !place.is_empty() {
            let found = answer.pointer(place).cloned().unwrap_or_default();
            assert_eq!(found.to_string(), *value, "{command}: {answer}");
        }
        count += 1;
    }
    assert_eq!(count, EXPECTED.len());
    let explained = run(folder, "parlance admin explain sip:ann@example.test Stage");
    assert_eq!(explained["rights"]["join"], json!(true), "{explained}");
}

#[test]
fn every_cmdlet_has_a_row() {
    let page = page();
    let chat: Vec<&str> = rows(&page).into_iter().map(|(cmdlet, _)| cmdlet).collect();
    let ours = chat.iter().filter(|cmdlet| cmdlet.contains("-CsPersistentChat"));
    assert_eq!(ours.count(), 37, "{chat:?}");
}

fn options() -> Options {
    Options { rooms: vec![Room::numbered(1)], ..Options::default() }
}

#[test]
fn each_command_of_the_table_runs_with_a_server() {
    let server = Server::start(&options());
    check(server.folder());
}

#[test]
fn each_command_of_the_table_runs_without_a_server() {
    let mut server = Server::start(&options());
    assert!(server.stop().success());
    check(server.folder());
}
