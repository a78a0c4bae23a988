//! A client nobody here wrote: pidgin-sipe without a screen, driven by scenarios of two users.
//!
//! The driver is not part of this project; it is looked for beside it. Where it or the packages it
//! is built from are absent, the test says so and passes: it proves nothing then.

use parlance_tests::say;
use parlance_tests::server::{Options, Room, Server, has_rings, profile_folder};
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// Two users before and after a restart of the server, our own.
const RESTART: &str = include_str!("../scenarios/restart.scn");
/// Where in it the server is restarted.
const RESTART_HERE: &str = "# --- the server is killed and started again ---";
const PACKAGES: [&str; 3] = ["purple", "glib-2.0", "libxml-2.0"];
const PLUGIN: &str = "libsipe.so";
/// Debian puts the plugin here, whatever libpurple's own folder is.
const PLUGIN_FOLDER: &str = "/usr/lib/purple-2";

fn driver_source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/tools/sipe")
}

fn succeeds(program: &str, arguments: &[&str]) -> bool {
    Command::new(program).args(arguments).output().is_ok_and(|o| o.status.success())
}

/// What is missing, if anything.
fn missing() -> Option<String> {
    if !driver_source().join("sipedrv.c").exists() {
        return Some("its driver is not beside this project".into());
    }
    for program in ["make", "gcc", "pkg-config", "python3"] {
        if !succeeds(program, &["--version"]) {
            return Some(format!("{program} is not installed"));
        }
    }
    let package = PACKAGES.iter().find(|p| !succeeds("pkg-config", &["--exists", p]));
    if let Some(package) = package {
        return Some(format!("the headers of {package} are not installed"));
    }
    let output = Command::new("pkg-config").args(["--variable=plugindir", "purple"]).output();
    let folder = String::from_utf8(output.ok()?.stdout).ok()?;
    let folders = [folder.trim(), PLUGIN_FOLDER];
    let found = folders.iter().any(|f| Path::new(f).join(PLUGIN).exists());
    (!found).then(|| format!("pidgin-sipe is not installed (no {PLUGIN} in {folders:?})"))
}

/// Builds the driver, once for all tests; `None` when that is not possible here.
fn driver() -> Option<&'static Path> {
    static DRIVER: OnceLock<Option<PathBuf>> = OnceLock::new();
    let build = || {
        if let Some(why) = missing() {
            say(&format!("SKIPPED real client: {why}"));
            return None;
        }
        let out = profile_folder().join("sipe-driver");
        let mut make = Command::new("make");
        make.arg("-C").arg(driver_source()).arg(format!("OUT={}", out.display()));
        let output = make.output().expect("make runs");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "the driver does not build:\n{errors}");
        Some(out.join("sipedrv"))
    };
    DRIVER.get_or_init(build).as_deref()
}

/// Plays a scenario against a server of its own, part by part. After each part but the last the
/// server is killed and started again on its ports: clients look for it where it was.
fn play(parts: &[&str], transport: &str, io: &'static str) {
    let Some(driver) = driver() else { return };
    let room = Room { name: "lobby".into(), ..Room::numbered(1) };
    let options = Options { rooms: vec![room.clone()], io, ..Options::default() };
    let mut server = Server::start(&options);
    let address = if transport == "tls" { server.sips } else { server.sip };
    let logs = server.folder().join("client-logs");
    std::fs::create_dir(&logs).expect("a folder for logs");
    let errors = logs.join("errors");
    let mut scenario = Command::new("python3");
    scenario.arg(driver_source().join("scenario.py")).arg("--driver").arg(driver);
    scenario.arg("--logs").arg(&logs).arg("--quiet");
    for (name, value) in [
        ("PORT", address.port().to_string()),
        ("TRANSPORT", transport.into()),
        ("AUTH", "none".into()),
        ("ROOM", room.uri()),
        ("NAME", room.name),
    ] {
        scenario.arg("--set").arg(format!("{name}={value}"));
    }
    // Steps are run as they are read, so that a pipe can hold the players up between two parts.
    scenario.arg("/dev/stdin").stdin(Stdio::piped()).stdout(Stdio::piped());
    scenario.stderr(File::create(&errors).expect("a file for errors"));
    let mut scenario = scenario.spawn().expect("python3 runs");
    let mut steps = scenario.stdin.take().expect("standard input is piped");
    let mut results = BufReader::new(scenario.stdout.take().expect("standard output is piped"));
    let mut said = String::new();
    for (number, part) in parts.iter().enumerate() {
        let is_last = number + 1 == parts.len();
        let over = format!("part {number} is over");
        let end = if is_last { String::new() } else { format!("\nalice: echo {over}\n") };
        // Should it have ended, what it said tells why.
        let _ = steps.write_all(format!("{part}{end}").as_bytes());
        while !is_last && !said.ends_with(&format!("{over}\n")) {
            if results.read_line(&mut said).expect("it speaks UTF-8") == 0 {
                break;
            }
        }
        server.assert_alive();
        if !is_last {
            server.kill_and_restart_in_place();
        }
    }
    drop(steps);
    results.read_to_string(&mut said).expect("it speaks UTF-8");
    let status = scenario.wait().expect("the child can be waited for");
    let errors = std::fs::read_to_string(&errors).unwrap_or_default();
    server.assert_alive();
    let passed = status.success() && said.contains("SCENARIO PASS");
    assert!(passed, "{said}\n{errors}\n{}", traces(&logs));
}

/// The scenario that came with the driver.
fn demo(transport: &str, io: &'static str) {
    // Where the driver is absent, so is its scenario; `play` says so.
    let demo = std::fs::read_to_string(driver_source().join("demo.scn")).unwrap_or_default();
    play(&[&demo], transport, io);
}

/// What went over the wire, for whoever has to find out why.
fn traces(logs: &Path) -> String {
    let mut text = String::new();
    for user in ["alice", "bob"] {
        let trace = std::fs::read_to_string(logs.join(format!("{user}.trace")));
        text.push_str(&format!("--- {user}:\n{}\n", trace.unwrap_or_default()));
    }
    text
}

#[test]
fn two_users_chat_over_tcp() {
    demo("tcp", "auto");
}

#[test]
fn two_users_chat_over_tls() {
    demo("tls", "auto");
}

#[test]
fn two_users_chat_with_io_uring() {
    if !has_rings() {
        return println!("SKIPPED the client on io_uring: the kernel gives no ring");
    }
    demo("tls", "uring");
}

#[test]
fn two_users_find_each_other_and_what_was_said_after_a_kill() {
    let (before, after) = RESTART.split_once(RESTART_HERE).expect("there is a restart in it");
    play(&[before, after], "tcp", "auto");
}
