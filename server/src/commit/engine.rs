//! What keeps the log: segments on the disk, memory, or sled.

use crate::config::{Engine, Log as LogConfig};
use parlance_storage::disk::memory::MemoryDisk;
use parlance_storage::disk::real::RealDisk;
use parlance_storage::log::{Options, Reader};
use parlance_storage::{self as storage, EngineReader, Log, Position};
use std::path::{Path, PathBuf};

/// An open log.
pub struct Pair {
    /// Its writer.
    pub log: Box<dyn storage::Engine>,
    /// A reader beside it.
    pub reader: Box<dyn EngineReader>,
}

/// Folder of the log that survives. Whatever the engine, whoever holds its lock is the one server
/// of the data directory.
pub fn folder(data: &Path) -> PathBuf {
    data.join("log")
}

/// Folder of sled's log.
pub fn sled_folder(data: &Path) -> PathBuf {
    data.join("log-sled")
}

/// Takes the lock of the data directory, where the log itself does not.
///
/// # Errors
/// Why the server must not start.
pub fn lock(data: &Path, engine: Engine) -> Result<Option<RealDisk>, String> {
    match engine {
        Engine::Segment => Ok(None),
        Engine::Memory | Engine::Sled => {
            let folder = folder(data);
            RealDisk::open(&folder).map(Some).map_err(|e| not_opened(&folder, &e))
        }
    }
}

/// Opens the log in `data`, or begins one; `stored` is what its reader has taken.
///
/// # Errors
/// Why the server must not start: cause, effect, next step.
pub fn open(data: &Path, config: &LogConfig, stored: Position) -> Result<Pair, String> {
    let options = Options { quota_bytes: config.quota_bytes, ..Options::default() };
    match config.engine {
        Engine::Segment => segments(&folder(data), options, stored),
        Engine::Memory => Ok(memory(options, stored)),
        Engine::Sled => sled(&sled_folder(data), options, stored),
    }
}

fn not_opened(folder: &Path, error: &dyn std::fmt::Display) -> String {
    let place = folder.display();
    format!("the log in {place} cannot be opened ({error}); see `parlance check`")
}

fn segments(folder: &Path, options: Options, stored: Position) -> Result<Pair, String> {
    let place = folder.display();
    let disk = RealDisk::open(folder).map_err(|e| not_opened(folder, &e))?;
    let (log, recovered) = Log::open(disk, options).map_err(|e| {
        let advice = e.advice();
        format!("the log in {place} is not as it was left, so nothing is served: {e}. {advice}")
    })?;
    if let Some(torn) = &recovered.torn {
        tracing::warn!(
            %torn,
            effect = "an unfinished commit was cut; nothing in it was acknowledged",
            "the log ended in the middle of a write"
        );
    }
    let reading = RealDisk::open_for_reading(folder).map_err(|e| not_opened(folder, &e))?;
    tracing::info!(
        folder = %place,
        records = recovered.last.0,
        segments = recovered.segments,
        bytes = recovered.bytes,
        "log opened"
    );
    Ok(Pair { log: Box::new(log), reader: Box::new(Reader::new(reading, stored)) })
}

fn memory(options: Options, stored: Position) -> Pair {
    let disk = MemoryDisk::new();
    let (log, _) = Log::open(disk.clone(), options).expect("memory does not fail");
    tracing::warn!(
        effect = "what the database lacks is gone when the server ends, in whatever way",
        next_step = "none on a trial; else set engine = \"segment\" in [log]",
        "the log is kept in memory"
    );
    Pair { log: Box::new(log), reader: Box::new(Reader::new(disk, stored)) }
}

#[cfg(feature = "sled")]
fn sled(folder: &Path, options: Options, stored: Position) -> Result<Pair, String> {
    let log = storage::engine::sled::SledLog::open(folder, options);
    let log = log.map_err(|e| not_opened(folder, &e))?;
    tracing::warn!(
        effect = "messages that were answered can be lost when power is",
        next_step = "none for a comparison; else set engine = \"segment\" in [log]",
        "the log is kept by sled"
    );
    let reader = log.reader(stored);
    Ok(Pair { log: Box::new(log), reader: Box::new(reader) })
}

#[cfg(not(feature = "sled"))]
fn sled(_: &Path, _: Options, _: Position) -> Result<Pair, String> {
    unreachable!("the configuration refuses an engine that is not built in")
}
