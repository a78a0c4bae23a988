//! `parlance export`: all messages of the database as JSON Lines.
//!
//! The first line says what follows ([`Header`]); each other line is a [`Message`], room by room,
//! each in order.

use super::message::{self, Message};
use super::{Answer, Fault, bar, database, note};
use crate::Exit;
use crate::config::Config;
use parlance_core::Directory;
use parlance_storage::disk::real::sync_folder;
use parlance_storage::sql::{AnyStore, RoomEnd, Store, export};
use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Version of the format.
pub const FORMAT: u32 = 1;

/// First line of an export.
#[derive(Debug, Serialize, Deserialize)]
pub struct Header {
    /// Version of the format.
    pub parlance_export: u32,
    /// Domain of the server.
    pub domain: String,
    /// Rooms that have messages.
    pub rooms: Vec<HeaderRoom>,
}

/// A room of an export.
#[derive(Debug, Serialize, Deserialize)]
pub struct HeaderRoom {
    /// GUID.
    pub id: String,
    /// Its name, if the configuration has it.
    pub name: Option<String>,
}

/// Writes everything to `target`, or to the standard output for `-`.
///
/// # Errors
/// Cause, effect, next step.
pub fn run(target: &Path, config: &Config, out: &mut dyn Write) -> Answer {
    let mut store = database::open(config)?;
    let count = match target == Path::new("-") {
        true => write(config, &mut store, out)?,
        false => {
            let fault = |e: io::Error| unwritten(target, &e);
            let file = begin(target)?;
            let part = part_of(target);
            let mut out = BufWriter::new(file);
            let count = write(config, &mut store, &mut out).inspect_err(|_| {
                // Half an export is none.
                let _ = fs::remove_file(&part);
            })?;
            let file = out.into_inner().map_err(|e| fault(e.into_error()))?;
            file.sync_all().and_then(|()| fs::rename(&part, target)).map_err(fault)?;
            // An export that has been told to be there is there after a loss of power.
            let above = target.parent().filter(|above| !above.as_os_str().is_empty());
            sync_folder(above.unwrap_or(Path::new("."))).map_err(fault)?;
            count
        }
    };
    out.flush()?;
    note(&format!("{count} message(s) exported"));
    tell_lag(config, &mut store)?;
    Ok(Exit::Done)
}

/// Opens the file that gets the name of `target` when it is complete.
fn begin(target: &Path) -> Result<File, Fault> {
    if target.exists() {
        let file = target.display();
        let text = format!("{file} is there already, so nothing was exported; choose another name");
        return Err(Fault::Told(text));
    }
    let mut options = OpenOptions::new();
    // What people said is not for every user of the machine.
    options.write(true).create(true).truncate(true).mode(0o600);
    options.open(part_of(target)).map_err(|e| unwritten(target, &e))
}

fn part_of(target: &Path) -> PathBuf {
    let mut name = target.as_os_str().to_owned();
    name.push(".part");
    name.into()
}

fn unwritten(target: &Path, error: &io::Error) -> Fault {
    let file = target.display();
    Fault::Told(format!("{file} cannot be written ({error}), so nothing was exported"))
}

/// Writes header and messages; gives the number of messages.
fn write(config: &Config, store: &mut AnyStore, out: &mut dyn Write) -> Result<u64, Fault> {
    let ends = store.rooms()?;
    message::line(out, &header(&config.directory, &ends))?;
    // Numbers of a room go on rising, so the last one is about how many it has.
    let progress = bar("exporting", ends.iter().map(|end| end.place.number).sum());
    let count = export(store, None, |row| -> Result<(), Fault> {
        progress.inc(1);
        Ok(message::line(out, &Message::from(row))?)
    })?;
    progress.finish_and_clear();
    Ok(count)
}

fn header(directory: &Directory, ends: &[RoomEnd]) -> Header {
    let mut ids: Vec<_> = ends.iter().map(|end| end.room).collect();
    ids.sort_unstable();
    let named = |id| directory.room(id).map(|room| room.room.name.clone());
    let rooms = ids.iter().map(|id| HeaderRoom { id: id.to_string(), name: named(*id) });
    Header { parlance_export: FORMAT, domain: directory.domain.clone(), rooms: rooms.collect() }
}

/// Says when the export cannot be complete.
fn tell_lag(config: &Config, store: &mut AnyStore) -> Result<(), Fault> {
    let Some(lag) = database::lag(config, store, |_| true)? else { return Ok(()) };
    if lag.messages > 0 {
        let count = lag.messages;
        note(&format!(
            "{count} message(s) of the log may be missing from the export: the database did not \
             have them; a running server brings them, then export again"
        ));
    }
    if let Some(trouble) = lag.trouble {
        note(&format!("the log may have messages that the export lacks: {trouble}"));
    }
    Ok(())
}
