//! A client nobody here wrote: pidgin-sipe without a screen, driven by a scenario of two users.
//!
//! The driver is not part of this project; it is looked for beside it. Where it or the packages it
//! is built from are absent, the test says so and passes: it proves nothing then.

use parlance_tests::server::{Options, Room, Server, profile_folder};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

const PACKAGES: [&str; 3] = ["purple", "glib-2.0", "libxml-2.0"];
const PLUGIN: &str = "libsipe.so";
/// Debian puts the plugin here, whatever libpurple's own folder is.
const PLUGIN_FOLDER: &str = "/usr/lib/purple-2";

fn driver_source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/tools/sipe")
}

/// Past the test harness, which swallows what a passing test prints.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "\n{text}");
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

/// Runs the demo scenario against a server of its own.
fn demo(transport: &str, io: &'static str) {
    let Some(driver) = driver() else { return };
    let room = Room { name: "lobby".into(), ..Room::numbered(1) };
    let options = Options { rooms: vec![room.clone()], io, ..Options::default() };
    let mut server = Server::start(&options);
    let address = if transport == "tls" { server.sips } else { server.sip };
    let logs = server.folder().join("client-logs");
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
    let output = scenario.arg(driver_source().join("demo.scn")).output().expect("python3 runs");
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    server.assert_alive();
    let passed = output.status.success() && said.contains("SCENARIO PASS");
    assert!(passed, "{said}\n{errors}\n{}", traces(&logs));
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
fn two_users_chat_without_io_uring() {
    demo("tls", "epoll");
}
