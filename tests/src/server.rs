//! The real binary under test: started with a configuration of its own, watched, killed at the end.

use crate::output::{Collected, collect, lines_of};
use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::{Read, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{OnceLock, mpsc};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Domain of all test servers; the demo scenario's users live there.
pub const DOMAIN: &str = "example.test";

/// How long the server may take from its start to the `ready` line.
const READY_TIMEOUT: Duration = Duration::from_secs(30);
/// How long its end may take.
const END_TIMEOUT: Duration = Duration::from_secs(60);
/// The configuration's name in the server's folder.
pub(crate) const CONFIG: &str = "parlance.toml";
/// Where it listens, as long as nobody must know before.
const ANY_PORT: &str = "127.0.0.1:0";
/// Lines of the server's standard error that a failed test shows.
const SHOWN_LINES_MAX: usize = 20;
/// How long a request to the HTTP port may take.
const HTTP_TIMEOUT: Duration = Duration::from_secs(10);

/// What a test may wait for a number, or a line, to come.
const PATIENCE: Duration = Duration::from_secs(60);

/// A room of the configuration.
#[derive(Debug, Clone)]
pub struct Room {
    /// Name shown to clients.
    pub name: String,
    /// GUID in canonical spelling.
    pub id: String,
}

impl Room {
    /// The `number`th test room.
    pub fn numbered(number: u32) -> Room {
        let id = format!("7f6a1f0e-5a3e-4a53-9d1c-{number:012x}");
        Room { name: format!("Room {number}"), id }
    }

    /// `ma-chan://…` as the server spells it.
    pub fn uri(&self) -> String {
        format!("ma-chan://{DOMAIN}/{}", self.id)
    }
}

/// What a server is started with.
#[derive(Debug, Clone)]
pub struct Options {
    /// Shards; they are pinned where the machine has as many cores.
    pub shards: usize,
    /// Its rooms.
    pub rooms: Vec<Room>,
    /// Lines for `[limits]`.
    pub limits: Vec<String>,
    /// `io` of `[cores]`.
    pub io: &'static str,
    /// `ack` of `[log]`.
    pub ack: &'static str,
    /// `engine` of `[log]`.
    pub engine: &'static str,
    /// `sql` of `[store]`.
    pub sql: String,
    /// Lines for `[people.ldap]`.
    pub ldap: Vec<String>,
    /// Files of `[tls]`, certificate and key; without them the server makes its own.
    pub certificate: Option<(PathBuf, PathBuf)>,
    /// Port for SIP over TCP; 0 lets the system choose.
    pub sip_port: u16,
    /// Its data directory, below its folder.
    pub data: &'static str,
    /// Further variables of its environment.
    pub environment: Vec<(&'static str, OsString)>,
}

impl Default for Options {
    fn default() -> Options {
        let rooms = vec![Room::numbered(1)];
        Options {
            shards: 2,
            rooms,
            limits: Vec::new(),
            io: "auto",
            ack: "log",
            engine: "segment",
            sql: "sqlite".into(),
            ldap: Vec::new(),
            certificate: None,
            sip_port: 0,
            data: "data",
            environment: Vec::new(),
        }
    }
}

impl Options {
    fn config(&self, data: &Path) -> String {
        let cores = std::thread::available_parallelism().map_or(1, |n| n.get());
        let mut text = format!(
            "[server]\ndomain = \"{DOMAIN}\"\ndata = {data:?}\n\n\
             [cores]\nshards = {shards}\npin = {pin}\nio = \"{io}\"\n\n\
             [log]\nack = {ack:?}\nengine = {engine:?}\n\n[store]\nsql = {sql:?}\n\n\
             [listen]\nsip = [\"{sip}\"]\nsips = [\"{ANY_PORT}\"]\nhttp = \"{ANY_PORT}\"\n",
            shards = self.shards,
            pin = cores >= self.shards.max(2),
            io = self.io,
            ack = self.ack,
            engine = self.engine,
            sql = self.sql,
            sip = SocketAddr::from((Ipv4Addr::LOCALHOST, self.sip_port)),
        );
        if let Some((certificate, key)) = &self.certificate {
            let _ = write!(text, "\n[tls]\ncertificate = {certificate:?}\nkey = {key:?}\n");
        }
        for (section, lines) in [("limits", &self.limits), ("people.ldap", &self.ldap)] {
            if !lines.is_empty() {
                let _ = write!(text, "\n[{section}]\n{}\n", lines.join("\n"));
            }
        }
        for room in &self.rooms {
            let _ = write!(text, "\n[[room]]\nname = {:?}\nid = \"{}\"\n", room.name, room.id);
        }
        text
    }
}

/// A running server. Killed when dropped.
#[derive(Debug)]
pub struct Server {
    child: Child,
    /// SIP over TCP.
    pub sip: SocketAddr,
    /// SIP over TLS.
    pub sips: SocketAddr,
    /// Health and metrics.
    pub http: SocketAddr,
    stderr: Collected,
    /// Its standard output, until it was ready.
    starting: Option<mpsc::Receiver<String>>,
    environment: Vec<(&'static str, OsString)>,
    /// Deleted when the server is gone.
    folder: TempDir,
}

impl Server {
    /// Starts it and waits until it says that it is ready.
    ///
    /// # Panics
    /// If it does not get there; the message ends with what it wrote to its standard error.
    pub fn start(options: &Options) -> Server {
        Server::start_in(tempfile::tempdir().expect("a temporary folder"), options)
    }

    /// The same in a folder of the caller's.
    ///
    /// # Panics
    /// As [`Server::start`].
    pub fn start_in(folder: TempDir, options: &Options) -> Server {
        let text = options.config(&folder.path().join(options.data));
        Server::launch(folder, &text, options.environment.clone())
    }

    /// The same with a configuration of the caller's. Relative paths in it are in
    /// [`Server::folder`].
    ///
    /// # Panics
    /// As [`Server::start`].
    pub fn start_with(config: &str) -> Server {
        Server::launch(tempfile::tempdir().expect("a temporary folder"), config, Vec::new())
    }

    fn launch(folder: TempDir, text: &str, environment: Vec<(&'static str, OsString)>) -> Server {
        std::fs::write(folder.path().join(CONFIG), text).expect("the configuration is written");
        let Starting { child, lines, stderr } = spawn(folder.path(), &environment);
        let nowhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let (sip, sips, http, starting) = (nowhere, nowhere, nowhere, Some(lines));
        let mut server = Server { child, sip, sips, http, stderr, starting, environment, folder };
        server.until_ready().unwrap_or_else(|said| panic!("{said}"));
        server
    }

    /// Gives it another configuration with the same data, in force from its next start.
    pub fn configure(&self, options: &Options) {
        let text = options.config(&self.folder().join(options.data));
        std::fs::write(self.folder().join(CONFIG), text).expect("the configuration is written");
    }

    /// Kills it (SIGKILL) and starts it again on the same data. Its ports change.
    ///
    /// # Panics
    /// As [`Server::start`].
    pub fn kill_and_restart(&mut self) {
        self.kill();
        self.restart();
    }

    /// The same, and its ports stay, for clients that come back by themselves.
    ///
    /// # Panics
    /// As [`Server::start`].
    pub fn kill_and_restart_in_place(&mut self) {
        self.kill();
        let path = self.folder.path().join(CONFIG);
        let mut text = std::fs::read_to_string(&path).expect("the configuration is there");
        // In the order in which they stand there.
        for address in [self.sip, self.sips, self.http] {
            text = text.replacen(ANY_PORT, &address.to_string(), 1);
        }
        std::fs::write(&path, text).expect("the configuration is written");
        let ports = (self.sip, self.sips, self.http);
        self.restart();
        assert_eq!((self.sip, self.sips, self.http), ports, "its ports stay");
    }

    /// Kills it (SIGKILL), if it has not ended before.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        self.wait();
    }

    /// Waits until it has ended by itself.
    ///
    /// # Panics
    /// If it does not.
    pub fn wait(&mut self) -> ExitStatus {
        assert!(self.stderr.until_closed(END_TIMEOUT), "the server does not end");
        self.child.wait().expect("the child can be waited for")
    }

    /// Starts it again after its end, on the same data. Its ports change.
    ///
    /// # Panics
    /// As [`Server::start`].
    pub fn restart(&mut self) {
        self.begin();
        self.until_ready().unwrap_or_else(|said| panic!("{said}"));
    }

    /// Starts it again after its end, on the same data, and does not wait until it is ready.
    pub fn begin(&mut self) {
        let Starting { child, lines, stderr } = spawn(self.folder.path(), &self.environment);
        (self.child, self.stderr, self.starting) = (child, stderr, Some(lines));
    }

    /// Waits until it is ready, after [`Server::begin`].
    ///
    /// # Errors
    /// If it does not get there: what it said. It is killed.
    pub fn until_ready(&mut self) -> Result<(), String> {
        let lines = self.starting.take().expect("it was begun");
        let Some(ready) = wait_for_ready(&lines) else {
            let _ = self.child.kill();
            let status = self.wait();
            return Err(format!(
                "the server did not get ready ({status:?}) and said\n{}",
                self.stderr()
            ));
        };
        let address = |key| {
            address_in(&ready, key).unwrap_or_else(|| panic!("no address {key:?} in {ready:?}"))
        };
        (self.sip, self.sips, self.http) = (address("sip"), address("sips"), address("http"));
        Ok(())
    }

    /// Kills it in the middle of its start, after [`Server::begin`]. False when it had said already
    /// that it was ready.
    pub fn kill_while_starting(&mut self) -> bool {
        self.kill();
        let lines = self.starting.take().expect("it was begun");
        // It is dead, so that the lines come to an end.
        wait_for_ready(&lines).is_none()
    }

    /// Starts it again on the same data, which must fail. What it says.
    ///
    /// # Panics
    /// If it does get ready.
    pub fn fails_to_start(&mut self) -> String {
        self.kill();
        self.begin();
        let lines = self.starting.take().expect("it was begun");
        assert_eq!(wait_for_ready(&lines), None, "it must not start");
        let status = self.wait();
        assert!(!status.success(), "it must say by its status that it did not start");
        self.stderr()
    }

    /// Its process number.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its own folder: configuration and data.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Has it ended by itself? That is a crash unless it was asked to stop.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("the child can be asked")
    }

    /// Panics with what the server said if it is gone.
    pub fn assert_alive(&mut self) {
        if let Some(status) = self.ended() {
            panic!("the server ended with {status}:\n{}", self.stderr());
        }
    }

    /// What it wrote to its standard error so far.
    pub fn stderr(&self) -> String {
        self.stderr.text()
    }

    /// What it wrote to its standard error, from the moment on when `part` is in it: its lines are
    /// written by a thread that others do not wait for.
    ///
    /// # Panics
    /// If it does not say that.
    pub fn until_said(&self, part: &str) -> String {
        let said = self.stderr.until_it_has(part, READY_TIMEOUT);
        assert!(said.contains(part), "the server did not say {part:?} but\n{said}");
        said
    }

    /// Asks it to stop as an operator does (SIGTERM) and waits for the end.
    pub fn stop(&mut self) -> ExitStatus {
        self.signal("TERM");
        self.wait()
    }

    /// Sends it a signal, by its name without SIG.
    ///
    /// # Panics
    /// If there is no such signal, or no server any more.
    pub fn signal(&self, name: &str) {
        let arguments = [format!("-{name}"), self.pid().to_string()];
        let status = Command::new("kill").args(arguments).status().expect("kill runs");
        assert!(status.success(), "kill says {status}");
    }

    /// Resident memory in KiB.
    pub fn resident_kib(&self) -> u64 {
        let path = format!("/proc/{}/status", self.pid());
        let text = std::fs::read_to_string(&path).expect("the process is there");
        let line = text.lines().find_map(|l| l.strip_prefix("VmRSS:")).expect("VmRSS is listed");
        let number = line.trim().trim_end_matches("kB").trim();
        number.parse().expect("VmRSS is a number")
    }

    /// Body of `GET path`, which must be answered 200.
    pub fn get(&self, path: &str) -> String {
        let answer = self.ask(path).expect("the HTTP port is open and answers");
        let (head, body) = answer.split_once("\r\n\r\n").expect("an answer has a head");
        assert!(head.starts_with("HTTP/1.1 200"), "GET {path}: {head}");
        body.to_owned()
    }

    fn ask(&self, path: &str) -> std::io::Result<String> {
        let mut stream = TcpStream::connect(self.http)?;
        stream.set_read_timeout(Some(HTTP_TIMEOUT))?;
        let request = format!("GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    }

    /// Waits until the database has everything that the log has.
    ///
    /// # Panics
    /// If it does not get there.
    pub fn until_stored(&self) {
        let begin = Instant::now();
        loop {
            let durable = self.metric("parlance_log_durable", "");
            let stored = self.metric("parlance_log_stored", "");
            if durable > 0.0 && stored >= durable {
                return;
            }
            let is_early = begin.elapsed() < PATIENCE;
            assert!(is_early, "the database has {stored} of {durable} that the log has");
        }
    }

    /// Waits for a metric, summed over all its labels, to be as `is_wanted` says.
    ///
    /// # Panics
    /// If that does not come.
    pub fn until_metric(&self, name: &str, is_wanted: impl Fn(f64) -> bool) {
        let begin = Instant::now();
        while !is_wanted(self.metric(name, "")) {
            let value = self.metric(name, "");
            assert!(begin.elapsed() < PATIENCE, "{name} stays {value}");
        }
    }

    /// Sum of a metric over all its labels whose line contains `labels`.
    pub fn metric(&self, name: &str, labels: &str) -> f64 {
        metric_in(&self.get("/metrics"), name, labels)
    }

    /// The same over all its labels, of a server that may be about to end: `None` when it does not
    /// answer.
    pub fn metric_if_there(&self, name: &str) -> Option<f64> {
        let answer = self.ask("/metrics").ok()?;
        answer.starts_with("HTTP/1.1 200").then(|| metric_in(&answer, name, ""))
    }
}

fn metric_in(text: &str, name: &str, labels: &str) -> f64 {
    let lines = text.lines().filter(|l| {
        let rest = l.strip_prefix(name);
        rest.is_some_and(|r| r.starts_with(['{', ' '])) && l.contains(labels)
    });
    lines.filter_map(|l| l.rsplit(' ').next()?.parse::<f64>().ok()).sum()
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let stderr = self.stderr();
            let lines: Vec<&str> = stderr.lines().collect();
            let last = &lines[lines.len().saturating_sub(SHOWN_LINES_MAX)..];
            eprintln!("--- the server said at last:\n{}", last.join("\n"));
        }
    }
}

/// A process of which nobody knows yet.
struct Starting {
    child: Child,
    lines: mpsc::Receiver<String>,
    stderr: Collected,
}

/// Starts the server in a folder with a configuration.
fn spawn(folder: &Path, environment: &[(&'static str, OsString)]) -> Starting {
    let mut command = Command::new(binary("parlance"));
    command.arg("serve").arg("--config").arg(folder.join(CONFIG)).current_dir(folder);
    command.envs(environment.iter().cloned());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the server's binary starts");
    let stderr = collect(child.stderr.take().expect("standard error is piped"));
    let lines = lines_of(child.stdout.take().expect("standard output is piped"));
    Starting { child, lines, stderr }
}

/// Path of one of our programs, built if need be.
///
/// `PARLANCE_BIN` (and the like for others) names another one. Without it the program is built in
/// the profile of this test, so that a test never runs yesterday's server.
pub fn binary(name: &str) -> PathBuf {
    let variable = format!("{}_BIN", name.to_uppercase().replace('-', "_"));
    if let Some(path) = std::env::var_os(&variable) {
        return PathBuf::from(path);
    }
    static BUILT: OnceLock<()> = OnceLock::new();
    BUILT.get_or_init(build);
    let path = profile_folder().join(name);
    assert!(path.exists(), "no {}: set {variable} or run tests/run.sh", path.display());
    path
}

/// `target/debug` or `target/release`: programs live in it, test executables in `deps` below it.
pub fn profile_folder() -> PathBuf {
    let own = std::env::current_exe().expect("a process knows its executable");
    let folder = own.parent().expect("an executable lies in a folder");
    let deps = folder.ends_with("deps").then(|| folder.parent()).flatten();
    deps.unwrap_or(folder).to_owned()
}

fn build() {
    // Set by `cargo test`; whoever runs the executable by hand builds by hand.
    let Some(cargo) = std::env::var_os("CARGO") else { return };
    let mut command = Command::new(cargo);
    command.args(["build", "--quiet", "-p", "parlance", "-p", "parlance-loadgen"]);
    if profile_folder().ends_with("release") {
        command.arg("--release");
    }
    forget_package(&mut command);
    let status = command.current_dir(env!("CARGO_MANIFEST_DIR")).status().expect("cargo runs");
    assert!(status.success(), "the server does not build");
}

/// Keeps from a cargo that a test starts what cargo has told the test about its own package. To
/// build scripts it would look like a change of theirs: they would run again, and everything behind
/// them be compiled again.
pub fn forget_package(command: &mut Command) {
    let is_about_us = |name: &str| {
        let kinds = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_", "OUT_DIR"];
        kinds.iter().any(|kind| name.starts_with(kind))
    };
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(is_about_us) {
            command.env_remove(name);
        }
    }
}

fn wait_for_ready(lines: &mpsc::Receiver<String>) -> Option<String> {
    loop {
        let line = lines.recv_timeout(READY_TIMEOUT).ok()?;
        if line.starts_with("ready ") {
            return Some(line);
        }
    }
}

/// Does the kernel give rings, as a server on io_uring needs them?
pub fn has_rings() -> bool {
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("parlance.toml");
    std::fs::write(&config, "[cores]\nio = \"uring\"\n").expect("a file");
    let output = Command::new(binary("parlance")).args(["check", "--config"]).arg(config).output();
    let output = output.expect("the server's own check");
    !String::from_utf8_lossy(&output.stdout).contains("asks for io_uring")
}

/// `key=address` among the words of the line; the first of several.
fn address_in(line: &str, key: &str) -> Option<SocketAddr> {
    let value = line.split(' ').find_map(|word| word.strip_prefix(key)?.strip_prefix('='))?;
    value.split(',').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ready_line_is_read() {
        let line = "ready sip=127.0.0.1:5060 sips=127.0.0.1:5061,[::1]:5061 http=127.0.0.1:80";
        assert_eq!(address_in(line, "sip").map(|a| a.port()), Some(5060));
        assert_eq!(address_in(line, "sips").map(|a| a.port()), Some(5061));
        assert_eq!(address_in(line, "http").map(|a| a.port()), Some(80));
        assert_eq!(address_in(line, "peer"), None);
    }

    #[test]
    fn the_configuration_names_rooms_and_limits() {
        let options = Options { limits: vec!["window = 4".into()], ..Options::default() };
        let text = options.config(Path::new("/data"));
        assert!(text.contains("shards = 2\n") && text.contains("[limits]\nwindow = 4\n"));
        assert!(text.contains("[[room]]\nname = \"Room 1\"\nid = \"7f6a1f0e-"));
    }
}
