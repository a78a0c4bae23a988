//! `[log]`: how messages are made durable, and what is promised when.

use super::error::{ConfigError, Faults};
use super::file;
use toml::Spanned;

/// Size of the log when the file does not say: a week of the largest pool's messages, and to spare.
const QUOTA_BYTES: u64 = 20 << 30;
/// The same where the log takes memory instead.
const MEMORY_QUOTA_BYTES: u64 = 512 << 20;
/// Below a few segments nothing could ever be removed.
const QUOTA_BYTES_MIN: u64 = 256 << 20;

/// `[log]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Log {
    /// What an author's 200 means.
    pub ack: Ack,
    /// What keeps the log.
    pub engine: Engine,
    /// The log may take this much of the disk, or of the memory, bytes.
    pub quota_bytes: u64,
}

/// `log.engine`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// Our own, on the disk: what is meant to be used.
    Segment,
    /// The same in memory, without syncs: nothing survives the server.
    Memory,
    /// sled, in a build that has it: loses what was acknowledged when power is lost.
    Sled,
}

impl Engine {
    /// As it stands in the file.
    pub fn name(self) -> &'static str {
        match self {
            Engine::Segment => "segment",
            Engine::Memory => "memory",
            Engine::Sled => "sled",
        }
    }
}

/// `log.ack`: when a post is answered with 200 and sent to its room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ack {
    /// When the log has synced it.
    Log,
    /// When the database has committed it, too.
    Sql,
}

/// Checks `[log]`.
///
/// # Errors
/// The first fault found.
pub fn resolve(faults: Faults<'_>, log: &file::Log) -> Result<Log, ConfigError> {
    let (ack, engine) = (ack(faults, &log.ack)?, engine(faults, &log.engine)?);
    let quota_bytes = match (&log.quota, engine) {
        (Some(given), _) => quota(faults, given)?,
        (None, Engine::Memory) => MEMORY_QUOTA_BYTES,
        (None, Engine::Segment | Engine::Sled) => QUOTA_BYTES,
    };
    Ok(Log { ack, engine, quota_bytes })
}

fn engine(faults: Faults<'_>, given: &file::At<String>) -> Result<Engine, ConfigError> {
    let Some(given) = given else { return Ok(Engine::Segment) };
    let engines = [Engine::Segment, Engine::Memory, Engine::Sled];
    match engines.into_iter().find(|engine| engine.name() == given.get_ref()) {
        Some(Engine::Sled) if !cfg!(feature = "sled") => {
            let message = "this program was built without sled, so the server does not start; \
                           build it with `cargo build --release -p parlance --features sled`, or \
                           write \"segment\"";
            Err(faults.at(Some(given.span()), "log.engine", message.into()))
        }
        Some(engine) => Ok(engine),
        None => {
            let message = format!(
                "{:?} is unknown; write \"segment\", or \"memory\" for a log that survives nothing",
                given.get_ref()
            );
            Err(faults.at(Some(given.span()), "log.engine", message))
        }
    }
}

fn ack(faults: Faults<'_>, given: &file::At<String>) -> Result<Ack, ConfigError> {
    match given.as_ref().map(|ack| (ack.get_ref().as_str(), ack.span())) {
        None | Some(("log", _)) => Ok(Ack::Log),
        Some(("sql", _)) => Ok(Ack::Sql),
        Some((other, span)) => {
            let message = format!(
                "{other:?} is unknown; write \"log\" (a post is answered when the log has it) or \
                 \"sql\" (when the database has it)"
            );
            Err(faults.at(Some(span), "log.ack", message))
        }
    }
}

/// Reads a size such as `"20GiB"`.
fn quota(faults: Faults<'_>, quota: &Spanned<String>) -> Result<u64, ConfigError> {
    let text = quota.get_ref().trim();
    let units = [("GiB", 30), ("MiB", 20)];
    let bytes = units.iter().find_map(|(unit, shift)| {
        let count: u64 = text.strip_suffix(unit)?.trim_end().parse().ok()?;
        count.checked_mul(1 << shift)
    });
    match bytes {
        Some(bytes) if (QUOTA_BYTES_MIN..=1 << 50).contains(&bytes) => Ok(bytes),
        _ => {
            let message = format!(
                "{text:?} is no size of a log; write a whole number of GiB or MiB, at least \
                 256MiB, such as \"20GiB\""
            );
            Err(faults.at(Some(quota.span()), "log.quota", message))
        }
    }
}
