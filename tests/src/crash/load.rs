//! The load generator as a process, and what it reports.

use super::Plan;
use crate::output::{Collected, collect};
use crate::server::{DOMAIN, binary};
use serde_json::Value;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// Longest load; it is ended before, when all cycles are through. A day is no limit for a loop
/// whose every step is bounded.
const LOAD_S_MAX: u32 = 86_400;
/// How long draining, reading all histories and leaving may take together.
const FINISH_TIMEOUT: Duration = Duration::from_secs(300);
/// How often its end is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A running load generator. Killed when dropped.
pub struct Load {
    child: Child,
    said: Collected,
    told: Collected,
    json: PathBuf,
}

impl Load {
    /// Starts it against a server; its report goes to a file in `folder`.
    ///
    /// # Errors
    /// If the program does not start.
    pub fn start(plan: &Plan, server: SocketAddr, folder: &Path) -> Result<Load, String> {
        let json = folder.join("load.json");
        let mut command = Command::new(binary("parlance-loadgen"));
        let values = [
            ("--server", server.to_string()),
            ("--room-domain", DOMAIN.to_owned()),
            ("--users", plan.users.to_string()),
            ("--rooms", plan.rooms.to_string()),
            ("--room-size", plan.room_size.to_string()),
            ("--rate", plan.rate.to_string()),
            ("--message-bytes", plan.message_bytes.to_string()),
            ("--duration", LOAD_S_MAX.to_string()),
            ("--seed", plan.seed.to_string()),
        ];
        for (name, value) in values {
            command.args([name, value.as_str()]);
        }
        command.args(["--reconnect", "--whole-history", "--json"]).arg(&json);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| format!("no load generator: {error}"))?;
        let told = collect(child.stdout.take().expect("asked for above"));
        let said = collect(child.stderr.take().expect("asked for above"));
        Ok(Load { child, said, told, json })
    }

    /// What it wrote to both of its outputs.
    fn words(&self) -> String {
        [&self.said, &self.told].map(Collected::text).concat()
    }

    fn ended(&mut self) -> Result<Option<ExitStatus>, String> {
        self.child.try_wait().map_err(|error| format!("the load generator is lost: {error}"))
    }

    /// It must not end before it is asked to.
    ///
    /// # Errors
    /// If it did: what it said.
    pub fn check(&mut self) -> Result<(), String> {
        match self.ended()? {
            Some(status) => {
                Err(format!("the load generator ended with {status}:\n{}", self.words()))
            }
            None => Ok(()),
        }
    }

    /// Ends the load and waits until it has read the histories and judged.
    ///
    /// # Errors
    /// If it does not come to an end, or leaves no report.
    pub fn finish(mut self) -> Result<Report, String> {
        let pid = self.child.id().to_string();
        let asked = Command::new("kill").args(["-INT", &pid]).status();
        asked.map_err(|error| format!("kill: {error}"))?;
        let deadline = Instant::now() + FINISH_TIMEOUT;
        let status = loop {
            if let Some(status) = self.ended()? {
                break status;
            }
            if Instant::now() > deadline {
                let words = self.words();
                return Err(format!("the load generator does not end and said\n{words}"));
            }
            // tidy: paces
            std::thread::sleep(LOOK_EVERY);
        };
        let json = std::fs::read_to_string(&self.json)
            .map_err(|error| format!("no report ({error}, {status}):\n{}", self.words()))?;
        let json = serde_json::from_str(&json).map_err(|error| format!("the report: {error}"))?;
        Ok(Report { json, table: self.words(), is_clean: status.success() })
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What it found.
#[derive(Debug)]
pub struct Report {
    json: Value,
    /// For people.
    pub table: String,
    /// Nothing was broken, missing or refused.
    pub is_clean: bool,
}

impl Report {
    /// A number by its path in the summary, such as `/returns/links_lost`; 0 when it is not there.
    pub fn number(&self, path: &str) -> u64 {
        self.json["summary"].pointer(path).and_then(Value::as_u64).unwrap_or_default()
    }

    /// How often the contract was broken.
    pub fn violations(&self) -> u64 {
        let counts = self.json.pointer("/summary/contract/counts").and_then(Value::as_object);
        counts.map_or(0, |counts| counts.values().filter_map(Value::as_u64).sum())
    }
}
