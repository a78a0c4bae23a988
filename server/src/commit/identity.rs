//! The identity of a log: under it the database keeps how far it has got with that log.

use crate::config::Engine;
use crate::files::{create_data_directory, write_whole};
use parlance_wire::xccos::Guid;
use std::fs;
use std::path::{Path, PathBuf};

/// The file in the data directory that holds the identity of the log there; `None` for a log that
/// does not outlive its server.
fn file(data: &Path, engine: Engine) -> Option<PathBuf> {
    match engine {
        Engine::Segment => Some(data.join("log-identity")),
        Engine::Memory => None,
        Engine::Sled => Some(data.join("log-sled-identity")),
    }
}

/// The identity of the log of this engine in `data`, if it has one.
///
/// # Errors
/// Why nobody can know.
pub fn identity_known(data: &Path, engine: Engine) -> Result<Option<String>, String> {
    let Some(file) = file(data, engine) else { return Ok(None) };
    match fs::read_to_string(&file) {
        Ok(text) => match Guid::parse(text.trim()) {
            Some(guid) => Ok(Some(guid.to_string())),
            None => Err(no_identity(&file, &"it holds no GUID; restore it from a copy")),
        },
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(no_identity(&file, &e)),
    }
}

fn no_identity(file: &Path, cause: &dyn std::fmt::Display) -> String {
    format!("{} tells whose log this is, and it cannot be used ({cause})", file.display())
}

/// The identity of the log of this engine in `data`: made once, so that a database knows one log
/// from another. A log in memory is another one at each start.
///
/// # Errors
/// Why the server must not start.
pub fn identity(data: &Path, engine: Engine, fresh: Guid) -> Result<String, String> {
    if let Some(known) = identity_known(data, engine)? {
        return Ok(known);
    }
    let Some(file) = file(data, engine) else { return Ok(fresh.to_string()) };
    let fault = |e: std::io::Error| no_identity(&file, &e);
    create_data_directory(data).map_err(fault)?;
    write_whole(&file, &format!("{fresh}\n"), 0o644).map_err(fault)?;
    Ok(fresh.to_string())
}
