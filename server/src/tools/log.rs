//! `parlance log`: is it whole, and what is in it?

use super::{Answer, Fault, note, shown, tail};
use crate::Exit;
use crate::config::{Config, Engine};
use crate::machine;
use clap::Subcommand;
use parlance_storage::Position;
use parlance_storage::log::{self, Entry, OpenError, ReadError, Recovered};
use parlance_wire::xccos::Guid;
use std::io::Write;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

/// How often a log is looked through again that a server is writing.
const LOOKS_MAX: usize = 5;
/// The time a commit that was seen half gets to be whole.
const PAUSE: Duration = Duration::from_millis(100);

/// What to do with the log.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Look through the whole log as a start would, and change nothing; ends with 1 if it is
    /// damaged. The server may go on
    Verify,
    /// List the messages in the log, one per line: position, time, room, number, author, length of
    /// the text in bytes. The server may go on
    Inspect {
        /// Begin with this record
        #[arg(long, value_name = "POSITION")]
        from: Option<u64>,
        /// Not more messages than this
        #[arg(long, value_name = "N")]
        limit: Option<u64>,
        /// Only messages of this room
        #[arg(long, value_name = "GUID", value_parser = guid)]
        room: Option<Guid>,
        /// Also what was said
        #[arg(long)]
        text: bool,
    },
}

fn guid(text: &str) -> Result<Guid, String> {
    Guid::parse(text).ok_or_else(|| "not a GUID like 7f6a1f0e-5a3e-4a53-9d1c-2f6f0c8f4b11".into())
}

/// Does it.
///
/// # Errors
/// Cause, effect, next step.
pub fn run(command: &Command, config: &Config, out: &mut dyn Write) -> Answer {
    match config.log.engine {
        Engine::Segment => {}
        Engine::Memory => {
            return Err(Fault::Told(
                "engine = \"memory\" keeps no log that could be looked into; what the server is \
                 doing is in its metrics, parlance_log_durable and parlance_log_stored"
                    .into(),
            ));
        }
        Engine::Sled => {
            return Err(Fault::Told(
                "engine = \"sled\" keeps a log that cannot be looked into, and tells nothing of \
                 damage; what it has is in the database when the server was stopped in good order"
                    .into(),
            ));
        }
    }
    let folder = tail::folder(&config.data)?;
    match command {
        Command::Verify => verify(&folder, out),
        Command::Inspect { from, limit, room, text } => {
            let wanted = Wanted { limit: *limit, room: *room, is_with_text: *text };
            inspect(&folder, *from, &wanted, out)
        }
    }
}

fn verify(folder: &Path, out: &mut dyn Write) -> Answer {
    let place = folder.display();
    let mut disk = tail::disk(folder)?;
    let mut is_served = tail::is_served(folder)?;
    let mut found = log::verify(&mut disk);
    for _ in 1..LOOKS_MAX {
        if !is_served || found.as_ref().is_ok_and(|found| found.torn.is_none()) {
            break;
        }
        // A commit under way looks like a torn one, or a segment has just been removed.
        std::thread::sleep(PAUSE);
        found = log::verify(&mut disk);
        is_served = tail::is_served(folder)?;
    }
    let by = if is_served { "a server is writing it" } else { "no server runs on it" };
    writeln!(out, "log       {place} ({by})")?;
    match found {
        Ok(found) => whole(&found, is_served, out),
        Err(error) => damaged(&error, is_served, out),
    }
}

fn whole(found: &Recovered, is_served: bool, out: &mut dyn Write) -> Answer {
    let Recovered { oldest, last, messages, segments, bytes, torn, abandoned } = found;
    writeln!(out, "segments  {segments}")?;
    match last < oldest {
        true => writeln!(out, "records   none")?,
        false => writeln!(
            out,
            "records   {}, from {oldest} to {last}; {messages} of them are messages",
            last.0 - oldest.0 + 1
        )?,
    }
    writeln!(out, "bytes     {bytes} ({})", machine::bytes(*bytes))?;
    if let Some(file) = abandoned {
        writeln!(out, "remains   {file} was never used; the next start removes it")?;
    }
    match torn {
        None => writeln!(out, "clean: nothing would be cut")?,
        Some(torn) if is_served => {
            writeln!(out, "being written: the last commit was not complete when it was read")?;
            writeln!(out, "          {torn}; were the server to die now")?;
        }
        Some(torn) => {
            writeln!(out, "torn: the next start cuts what was never acknowledged")?;
            writeln!(out, "          {torn}")?;
        }
    }
    Ok(Exit::Done)
}

fn damaged(error: &OpenError, is_served: bool, out: &mut dyn Write) -> Answer {
    // Ends with the advice.
    writeln!(out, "damaged: {error}")?;
    if is_served {
        writeln!(out, "A log that changes can look damaged: stop the server to be sure.")?;
    } else {
        writeln!(out, "Nothing was changed. No server starts on this log.")?;
    }
    Ok(Exit::Failed)
}

/// Which messages, and what of them.
struct Wanted {
    limit: Option<u64>,
    room: Option<Guid>,
    is_with_text: bool,
}

fn inspect(folder: &Path, from: Option<u64>, wanted: &Wanted, out: &mut dyn Write) -> Answer {
    let mut left = wanted.limit.unwrap_or(u64::MAX);
    if left == 0 {
        return Ok(Exit::Done);
    }
    let mut act = |entry: &Entry<'_>| -> Result<ControlFlow<()>, Fault> {
        if wanted.room.is_none_or(|room| room == entry.room) {
            line(entry, wanted.is_with_text, out)?;
            left -= 1;
        }
        Ok(if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    };
    let begin = Position(from.unwrap_or(1)).previous();
    let mut end = tail::read(folder, begin, &mut act)?;
    // Without a wish it begins with what is there.
    if let (None, Some(ReadError::Trimmed { oldest, .. })) = (from, &end.stopped) {
        end = tail::read(folder, oldest.previous(), &mut act)?;
    }
    match end.stopped {
        None => {
            if from.is_some_and(|from| from > end.last.0) {
                note(&format!("the log ends with record {}", end.last));
            }
            Ok(Exit::Done)
        }
        Some(error) => {
            note(&format!(
                "{error}. What is behind it is not listed; `parlance log verify` says more"
            ));
            Ok(Exit::Failed)
        }
    }
}

fn line(entry: &Entry<'_>, is_with_text: bool, out: &mut dyn Write) -> Result<(), Fault> {
    let Entry { position, room, number, time, author, chat, .. } = entry;
    let (author, length) = (shown(author), chat.len());
    write!(out, "{position}\t{time}\t{room}\t{number}\t{author}\t{length}")?;
    if is_with_text {
        write!(out, "\t{}", shown(chat))?;
    }
    writeln!(out)?;
    Ok(())
}
