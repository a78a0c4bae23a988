//! A client nobody here wrote: pidgin-sipe without a screen, driven by scenarios of two users.
//!
//! The driver is not part of this project; it is looked for beside it. Where it or the packages it
//! is built from are absent, the test says so and passes: it proves nothing then.

use parlance_tests::say;
use parlance_tests::server::{Options, Room, Server, has_rings, profile_folder};
use parlance_tests::tool::tool;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// Two users before and after a restart of the server, our own.
const RESTART: &str = include_str!("../scenarios/restart.scn");
/// Two users of whom one sees and may more, our own.
const WALLS: &str = include_str!("../scenarios/walls.scn");
/// Two users of whom one comes into several rooms at once, our own.
const COMPANY: &str = include_str!("../scenarios/company.scn");
/// How a line begins between what is played before something happens to the server and after it.
const MEANWHILE: &str = "\n# --- ";
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

/// What happens to the server in the middle of a scenario.
type Happening = fn(&mut Server);

/// Where a scenario is played.
struct Stage {
    transport: &'static str,
    io: &'static str,
    shards: usize,
    /// Names of its rooms. Scenarios have the first one's in `NAME` and its URI in `ROOM`, and the
    /// URI of each in its name.
    rooms: &'static [&'static str],
    /// Lines for the server's `[limits]`.
    limits: &'static [&'static str],
}

const TCP: Stage =
    Stage { transport: "tcp", io: "auto", shards: 2, rooms: &["lobby"], limits: &[] };

impl Stage {
    fn rooms(&self) -> Vec<Room> {
        let named = |(number, name): (u32, &&str)| Room {
            name: (*name).to_owned(),
            ..Room::numbered(number)
        };
        (1..).zip(self.rooms).map(named).collect()
    }

    /// What scenarios leave open.
    fn values(&self, server: &Server) -> Vec<(String, String)> {
        let address = if self.transport == "tls" { server.sips } else { server.sip };
        let rooms = self.rooms();
        let mut values = vec![
            ("PORT".to_owned(), address.port().to_string()),
            ("TRANSPORT".to_owned(), self.transport.to_owned()),
            ("AUTH".to_owned(), "none".to_owned()),
            ("ROOM".to_owned(), rooms[0].uri()),
            ("NAME".to_owned(), rooms[0].name.clone()),
        ];
        values.extend(rooms.iter().map(|room| (room.name.to_uppercase(), room.uri())));
        values
    }
}

/// Plays a scenario against a server of its own, part by part, with a happening between each two.
/// What went over the wire, or nothing where there is no driver.
fn play(stage: &Stage, scenario: &str, happenings: &[Happening]) -> Option<String> {
    let driver = driver()?;
    let parts: Vec<&str> = scenario.split(MEANWHILE).collect();
    assert_eq!(parts.len(), happenings.len() + 1, "something happens between two parts");
    let (shards, rooms, io) = (stage.shards, stage.rooms(), stage.io);
    let limits = stage.limits.iter().map(|line| (*line).to_owned()).collect();
    let options = Options { shards, rooms, limits, io, ..Options::default() };
    let mut server = Server::start(&options);
    let logs = server.folder().join("client-logs");
    std::fs::create_dir(&logs).expect("a folder for logs");
    let errors = logs.join("errors");
    let mut scenario = Command::new("python3");
    scenario.arg(driver_source().join("scenario.py")).arg("--driver").arg(driver);
    scenario.arg("--logs").arg(&logs).arg("--quiet");
    for (name, value) in stage.values(&server) {
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
        let happening = happenings.get(number);
        let over = format!("part {number} is over");
        let end = happening.map_or_else(String::new, |_| format!("\nalice: echo {over}"));
        let begin = if number == 0 { "" } else { MEANWHILE };
        // Should it have ended, what it said tells why.
        let _ = steps.write_all(format!("{begin}{part}{end}\n").as_bytes());
        while happening.is_some() && !said.ends_with(&format!("{over}\n")) {
            if results.read_line(&mut said).expect("it speaks UTF-8") == 0 {
                break;
            }
        }
        server.assert_alive();
        if let Some(happens) = happening {
            happens(&mut server);
        }
    }
    drop(steps);
    results.read_to_string(&mut said).expect("it speaks UTF-8");
    let status = scenario.wait().expect("the child can be waited for");
    let errors = std::fs::read_to_string(&errors).unwrap_or_default();
    server.assert_alive();
    let passed = status.success() && said.contains("SCENARIO PASS");
    let traces = traces(&logs);
    assert!(passed, "{said}\n{errors}\n{traces}");
    Some(traces)
}

/// The scenario that came with the driver.
fn demo(stage: &Stage) {
    // Where the driver is absent, so is its scenario; `play` says so.
    let demo = std::fs::read_to_string(driver_source().join("demo.scn")).unwrap_or_default();
    play(stage, &demo, &[]);
}

/// Changes a room of a server that serves.
fn set_room(server: &Server, words: &str) {
    let words: Vec<&str> = ["admin", "room", "set"].into_iter().chain(words.split(' ')).collect();
    tool(server.folder(), &words).done();
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
    demo(&TCP);
}

#[test]
fn two_users_chat_over_tls() {
    demo(&Stage { transport: "tls", ..TCP });
}

#[test]
fn two_users_chat_with_io_uring() {
    if !has_rings() {
        return println!("SKIPPED the client on io_uring: the kernel gives no ring");
    }
    demo(&Stage { transport: "tls", io: "uring", ..TCP });
}

/// Clients look for a server that is killed and started again where it was.
#[test]
fn two_users_find_each_other_and_what_was_said_after_a_kill() {
    play(&TCP, RESTART, &[Server::kill_and_restart_in_place]);
}

/// In a storm the notices of several rooms come as one message, which the client takes apart.
#[test]
fn a_user_sees_who_came_into_several_rooms_at_once() {
    let limits = &["notice_writes_per_second = 1", "notice_hold_ms = 2000"];
    let stage = Stage { shards: 1, rooms: &["lobby", "club", "vault"], limits, ..TCP };
    let Some(traces) = play(&stage, COMPANY, &[]) else { return };
    let most = traces.split("INFO sip:").map(|info| info.matches("<ntc ").count()).max();
    assert!(most >= Some(2), "no notices came together:\n{traces}");
}

/// What is seen of an act shows that those before it are in force, too: one shard has them in their
/// order.
#[test]
fn two_users_see_what_they_may_see() {
    let furnished: Happening = |server| {
        set_room(server, "club --privacy closed --add-members sip:alice@example.test");
        set_room(server, "vault --privacy secret --add-members sip:alice@example.test");
        set_room(server, "lobby --add-managers sip:alice@example.test");
    };
    let disabled: Happening = |server| {
        set_room(server, "club --add-members sip:bob@example.test");
        set_room(server, "lobby --disabled true");
    };
    let enabled: Happening = |server| {
        set_room(server, "lobby --disabled false");
        set_room(server, "club --remove-members sip:bob@example.test");
    };
    let stage = Stage { shards: 1, rooms: &["lobby", "club", "vault"], ..TCP };
    play(&stage, WALLS, &[furnished, disabled, enabled]);
}
