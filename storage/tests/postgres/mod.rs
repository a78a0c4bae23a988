//! A PostgreSQL server of one's own: a cluster in a temporary folder, gone when dropped.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;
use tempfile::TempDir;

/// Starting includes recovery after a crash.
const START_TIME_MAX: Duration = Duration::from_secs(60);
const STOP_TRIES: usize = 2_000;

/// A running server.
pub struct Cluster {
    programs: PathBuf,
    user: Option<(u32, u32)>,
    folder: TempDir,
    settings: Vec<String>,
    process: Option<Child>,
}

impl Cluster {
    /// Makes a cluster and starts its server on a Unix socket in its folder. The error says why
    /// that cannot be done here.
    pub fn start() -> Result<Cluster, String> {
        Cluster::start_with(|_| Vec::new())
    }

    /// The same with settings that may depend on the folder, and files put there for them.
    pub fn start_with(settings: impl FnOnce(&Path) -> Vec<String>) -> Result<Cluster, String> {
        let programs = programs().ok_or("neither initdb nor postgres is installed")?;
        let user = user()?;
        let folder = tempfile::Builder::new().prefix("parlance-pg").tempdir();
        let folder = folder.map_err(|error| error.to_string())?;
        let mut cluster = Cluster { programs, user, folder, settings: Vec::new(), process: None };
        cluster.settings = settings(cluster.folder.path());
        cluster.give_away();
        let data = cluster.folder.path().join("data");
        let mut initdb = cluster.command("initdb");
        initdb.args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C"]);
        let output = initdb.arg("--no-sync").arg("-D").arg(&data).output();
        let output = output.map_err(|error| format!("initdb: {error}"))?;
        if !output.status.success() {
            return Err(format!("initdb: {}", String::from_utf8_lossy(&output.stderr)));
        }
        cluster.run();
        Ok(cluster)
    }

    /// Starts the server again after [`Cluster::kill`] or [`Cluster::stop`].
    pub fn run(&mut self) {
        assert!(self.process.is_none(), "it runs already");
        let mut postgres = self.command("postgres");
        postgres.arg("-D").arg(self.folder.path().join("data"));
        postgres.arg("-k").arg(self.folder.path());
        postgres.args(["-c", "listen_addresses=", "-c", "max_connections=50"]);
        postgres.args(["-c", "recovery_init_sync_method=syncfs"]);
        for setting in &self.settings {
            postgres.args(["-c", setting]);
        }
        postgres.stdout(Stdio::null()).stderr(Stdio::piped());
        let mut process = postgres.spawn().expect("postgres was found");
        let stderr = process.stderr.take().expect("asked for above");
        self.process = Some(process);
        wait_until_ready(stderr);
    }

    /// Ends the server and all its children at once, as a crash does.
    pub fn kill(&mut self) {
        let mut process = self.process.take().expect("it runs");
        let mut victims = vec![process.id()];
        // The father first, so that it does not see its children die and begin to tidy up.
        victims.extend(children(process.id()));
        signal("KILL", &victims);
        process.wait().expect("killed");
        // Its memory must be free before it can start again.
        assert!(comes_true(|| victims.iter().all(|pid| !is_alive(*pid))), "they are gone");
    }

    /// Ends the server in good order.
    pub fn stop(&mut self) {
        let mut process = self.process.take().expect("it runs");
        // SIGINT: disconnect everybody, write everything, go.
        signal("INT", &[process.id()]);
        process.wait().expect("asked to end");
    }

    /// A URL of a database of this cluster.
    pub fn url(&self, database: &str) -> String {
        format!("postgresql:///{database}?host={}&user=postgres", self.folder.path().display())
    }

    /// Runs SQL in a database.
    pub fn execute(&self, database: &str, sql: &str) {
        let mut psql = Command::new(self.programs.join("psql"));
        psql.arg("-h").arg(self.folder.path()).args(["-U", "postgres", "-d", database]);
        psql.args(["-q", "-v", "ON_ERROR_STOP=1", "-c", sql]);
        let output = psql.output().expect("psql lies beside postgres");
        assert!(output.status.success(), "{sql}: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.programs.join(program));
        if let Some((user, group)) = self.user {
            command.uid(user).gid(group);
        }
        command.current_dir(self.folder.path()).env("LC_ALL", "C");
        command
    }

    /// Lets the other user into the folder.
    fn give_away(&self) {
        let Some((user, group)) = self.user else { return };
        let files = std::fs::read_dir(self.folder.path()).expect("just made");
        let files = files.map(|file| file.expect("just made").path());
        for path in files.chain([self.folder.path().to_owned()]) {
            chown(&path, Some(user), Some(group)).expect("we are root");
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if self.process.is_some() {
            self.kill();
        }
    }
}

fn wait_until_ready(stderr: ChildStderr) {
    let (ready, is_ready) = mpsc::channel();
    // Reads on for as long as the server lives, or it would block in writing its log.
    std::thread::spawn(move || {
        let mut log = String::new();
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            log.push_str(&line);
            log.push('\n');
            if line.contains("ready to accept connections") {
                let _ = ready.send(Ok(()));
            }
        }
        let _ = ready.send(Err(log));
    });
    match is_ready.recv_timeout(START_TIME_MAX) {
        Ok(Ok(())) => {}
        Ok(Err(log)) => panic!("postgres ended:\n{log}"),
        Err(_) => panic!("postgres is not ready after {START_TIME_MAX:?}"),
    }
}

/// Where the programs of the server are.
fn programs() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    if let Ok(versions) = std::fs::read_dir("/usr/lib/postgresql") {
        let mut versions: Vec<PathBuf> = versions.flatten().map(|v| v.path().join("bin")).collect();
        versions.sort();
        folders.extend(versions.into_iter().rev());
    }
    let all = ["initdb", "postgres", "psql"];
    folders.into_iter().find(|folder| all.iter().all(|name| folder.join(name).is_file()))
}

/// As whom to run the server, which refuses to run as root: `None` for ourselves.
fn user() -> Result<Option<(u32, u32)>, String> {
    let output = Command::new("id").arg("-u").output().map_err(|error| error.to_string())?;
    if output.stdout != b"0\n" {
        return Ok(None);
    }
    let users = std::fs::read_to_string("/etc/passwd").map_err(|error| error.to_string())?;
    let ids = |name: &str| {
        let mut fields = users.lines().find(|l| l.split(':').next() == Some(name))?.split(':');
        Some((fields.nth(2)?.parse().ok()?, fields.next()?.parse().ok()?))
    };
    ids("postgres").or_else(|| ids("nobody")).map(Some).ok_or("no user to run it as".into())
}

fn signal(name: &str, pids: &[u32]) {
    let pids = pids.iter().map(u32::to_string);
    // A child may have ended by itself meanwhile; that is no failure.
    let _ = Command::new("kill").arg(format!("-{name}")).args(pids).stderr(Stdio::null()).status();
}

/// Name, state and father of a process, from `/proc`.
fn status(pid: u32) -> Option<(char, u32)> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = text.rsplit_once(')')?.1.split_whitespace();
    Some((fields.next()?.chars().next()?, fields.next()?.parse().ok()?))
}

fn children(father: u32) -> Vec<u32> {
    let processes = std::fs::read_dir("/proc").expect("Linux has it");
    let pids = processes.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid| status(*pid).is_some_and(|(_, of)| of == father)).collect()
}

/// A zombie is dead, whoever has not looked at it yet.
fn is_alive(pid: u32) -> bool {
    status(pid).is_some_and(|(state, _)| state != 'Z')
}

fn comes_true(mut condition: impl FnMut() -> bool) -> bool {
    for _ in 0..STOP_TRIES {
        if condition() {
            return true;
        }
        // tidy: paces
        std::thread::sleep(Duration::from_millis(5));
    }
    false
}
