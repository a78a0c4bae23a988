//! The configuration: what the file says ([`mod@file`]), then what it means ([`resolve`]).
//!
//! Everything else in the program sees only [`Config`], which is complete and checked. What the
//! machine can offer (cores, descriptors) is not looked at here but in `machine`, so that a file
//! can be judged on another machine than the one it is for.

mod cores;
mod error;
mod file;
mod limits;
mod log;
mod people;
mod resolve;

pub use cores::{CpuSet, SHARDS_MAX, ShardSpec, parse_cpu_list};
pub use error::ConfigError;
pub use log::{Ack, Engine, Log};
pub use people::People;

use parlance_core::{Directory, Limits, RoomConfig};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Identifier of the room that exists when none is configured.
pub const LOBBY_ID: &str = "7f6a1f0e-5a3e-4a53-9d1c-2f6f0c8f4b11";

/// A complete, checked configuration.
#[derive(Debug, Clone)]
pub struct Config {
    /// The file it came from; `None` when only defaults are in force.
    pub file: Option<PathBuf>,
    /// Where the server keeps what it must find again: the log, its self-made certificate.
    pub data: PathBuf,
    /// Which cores do what.
    pub cores: Cores,
    /// Where the server listens.
    pub listen: Listen,
    /// Certificate for `listen.sips`; `None` means a self-signed one in [`Config::data`].
    pub certificate: Option<CertificateFiles>,
    /// The log of messages, and what a post's 200 means.
    pub log: Log,
    /// The database behind the log: `sqlite:<path>` or `postgresql://…`.
    pub store: String,
    /// Bounds of each shard.
    pub limits: Limits,
    /// Domain and rooms, as far as the file says.
    pub directory: Arc<Directory>,
    /// Who may chat who is not known, and where people are read from.
    pub people: People,
    /// Rooms that are made at the start where they are missing.
    pub seeds: Vec<RoomConfig>,
}

/// `[cores]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cores {
    /// How many shards and where.
    pub shards: ShardSpec,
    /// Bind each shard to its core.
    pub pin: bool,
    /// Cores of everything that is no shard; `None` takes what the shards leave over.
    pub background: Option<CpuSet>,
    /// How shards wait for the kernel.
    pub io: Io,
}

/// `cores.io`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Io {
    /// A plain loop over epoll: what `"auto"` means (docs/adr/0008).
    Epoll,
    /// io_uring, or the server does not start.
    Uring,
}

/// `[listen]`. Only loopback addresses get here; port 0 lets the kernel choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listen {
    /// SIP over TCP.
    pub sip: Vec<SocketAddr>,
    /// SIP over TLS.
    pub sips: Vec<SocketAddr>,
    /// Health and metrics; `None` turns them off.
    pub http: Option<SocketAddr>,
}

/// A configured certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFiles {
    /// PEM chain, leaf first.
    pub certificate: PathBuf,
    /// PEM private key.
    pub key: PathBuf,
}

impl Config {
    /// Reads and resolves `file`, or the defaults without one.
    ///
    /// # Errors
    /// The first fault found, with file, line and key where they are known.
    pub fn load(file: Option<&Path>) -> Result<Config, ConfigError> {
        let Some(path) = file else { return Config::parse(None, "") };
        let text = std::fs::read_to_string(path).map_err(|e| ConfigError::unreadable(path, &e))?;
        Config::parse(Some(path), &text)
    }

    /// Resolves the text of a file; `path` is only for messages and relative paths.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn parse(path: Option<&Path>, text: &str) -> Result<Config, ConfigError> {
        let file = file::parse(path, text)?;
        resolve::resolve(path, text, file)
    }
}

#[cfg(test)]
mod tests;
