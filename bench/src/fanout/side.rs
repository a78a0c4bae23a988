//! The processes of a comparison.

use super::Args;
use crate::Outcome;
use crate::clients::{Order, READY, Window};
use parlance_tests::server::Room;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// This program once more, in another role. Killed when dropped.
#[derive(Debug)]
struct Process {
    child: Child,
    lines: BufReader<ChildStdout>,
    orders: ChildStdin,
}

impl Process {
    fn start(words: &[String]) -> Outcome<Process> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(words).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let lines = BufReader::new(child.stdout.take().ok_or("standard output is piped")?);
        let orders = child.stdin.take().ok_or("standard input is piped")?;
        Ok(Process { child, lines, orders })
    }

    fn line(&mut self) -> Outcome<String> {
        let mut line = String::new();
        match self.lines.read_line(&mut line)? {
            0 => Err("a process of the measurement ended early".into()),
            _ => Ok(line.trim_end().to_owned()),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The bare limit.
#[derive(Debug)]
pub struct Bare {
    process: Process,
    /// SIP over TCP.
    pub address: SocketAddr,
}

impl Bare {
    pub fn start(core: usize) -> Outcome<Bare> {
        let mut process = Process::start(&["bare".into(), "--core".into(), core.to_string()])?;
        let line = process.line()?;
        let address = line.strip_prefix("ready sip=").ok_or("the bare limit is not ready")?;
        Ok(Bare { address: address.parse()?, process })
    }

    pub fn pid(&self) -> u32 {
        self.process.child.id()
    }
}

/// The clients of one server.
#[derive(Debug)]
pub struct Side(Process);

impl Side {
    /// Starts them; returns when all are in the room.
    pub fn start(
        server: SocketAddr,
        server_pid: u32,
        room: &Room,
        core: usize,
        args: &Args,
    ) -> Outcome<Side> {
        let words = [
            ("--server", server.to_string()),
            ("--server-pid", server_pid.to_string()),
            ("--links", args.links.to_string()),
            ("--sessions-per-link", args.sessions_per_link.to_string()),
            ("--text-bytes", args.text_bytes.to_string()),
            ("--room", room.uri()),
            ("--core", core.to_string()),
        ];
        let words = words.into_iter().flat_map(|(name, value)| [name.to_owned(), value]);
        let words: Vec<String> = std::iter::once("clients".to_owned()).chain(words).collect();
        let mut process = Process::start(&words)?;
        match process.line()?.as_str() {
            READY => Ok(Side(process)),
            other => Err(format!("the clients say {other:?}").into()),
        }
    }

    /// Measures one window.
    pub fn measure(&mut self, order: &Order) -> Outcome<Window> {
        writeln!(self.0.orders, "{}", serde_json::to_string(order)?)?;
        Ok(serde_json::from_str(&self.0.line()?)?)
    }
}
