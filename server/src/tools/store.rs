//! `parlance store`: is the database as it should be, and does it have what the log has?

use super::sample::{self, Sample};
use super::{Answer, Fault, database};
use crate::Exit;
use crate::check::Findings;
use crate::config::Config;
use crate::files::create_data_directory;
use crate::machine;
use clap::Subcommand;
use parlance_storage::sql::{AnyStore, Migrated, SchemaState, Store};
use std::io::Write;

/// What to do with the database.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Say in plain words what the database gives and how far it is behind the log; ends with 1 if
    /// something is wrong. Changes nothing; the server may go on
    Check,
    /// Bring the database's tables forward to this version, or make them; a server does the same at
    /// its start
    Migrate,
    /// Fill the directory with a made-up organisation, for tests and trials: people, groups,
    /// categories and rooms as in the product's own sample. No server may run on the same data
    /// directory
    Sample(Sample),
}

/// Does it.
///
/// # Errors
/// Cause, effect, next step.
pub fn run(command: &Command, config: &Config, out: &mut dyn Write) -> Answer {
    match command {
        Command::Check => {
            let mut findings = Findings::default();
            match look(&mut findings, config) {
                Ok(()) => {}
                Err(Fault::Told(text)) => findings.fail("database", text),
                Err(fault) => return Err(fault),
            }
            findings.print(out)?;
            Ok(findings.exit())
        }
        Command::Migrate => migrate(config, out),
        Command::Sample(wanted) => sample::run(wanted, config, out),
    }
}

fn migrate(config: &Config, out: &mut dyn Write) -> Answer {
    let data = &config.data;
    create_data_directory(data).map_err(|e| {
        format!("{} cannot be made ({e}), so there is no place for a database", data.display())
    })?;
    let Migrated { from, to } = AnyStore::open(&config.store)?.migrate()?;
    match from == to {
        true => writeln!(out, "nothing to do: the schema has version {to} already")?,
        false => writeln!(out, "the schema had version {from} and has version {to} now")?,
    }
    Ok(Exit::Done)
}

fn look(findings: &mut Findings, config: &Config) -> Result<(), Fault> {
    let mut store = database::open(config)?;
    let SchemaState { version, known, warnings } = store.check()?;
    for warning in warnings {
        findings.warn("settings", warning);
    }
    if version > known {
        let text = format!("version {version}, this program knows {known} only: run the newer one");
        findings.fail("schema", text);
        return Ok(());
    }
    if version < known {
        let next = "run `parlance store migrate`, or start the server, which does the same";
        findings.fail("schema", format!("version {version} of {known}: {next}"));
        return Ok(());
    }
    findings.ok("schema", format!("version {version}, the newest that this program knows"));
    let health = store.health()?;
    let size = machine::bytes(health.size_bytes);
    findings.ok("database", format!("{}, {size}, {} room(s)", health.engine, store.rooms()?.len()));
    behind(findings, config, &mut store)
}

/// How far the database is behind the log.
fn behind(findings: &mut Findings, config: &Config, store: &mut AnyStore) -> Result<(), Fault> {
    if let Some(unread) = database::unread(config)? {
        findings.warn("log", unread);
        return Ok(());
    }
    let Some(lag) = database::lag(config, store, |_| true)? else {
        findings.ok("log", "none yet: no server has run with this data directory");
        return Ok(());
    };
    let (stored, last) = (lag.stored, lag.last);
    match (lag.trouble, lag.messages) {
        (Some(trouble), _) => findings.fail("log", trouble),
        (None, 0) => findings.ok("log", format!("the database has all up to record {last}")),
        (None, messages) => findings.warn(
            "log",
            format!(
                "the database lacks {messages} message(s): it has got to record {stored} of \
                 {last}; a running server brings them, see its log lines if this number stays"
            ),
        ),
    }
    Ok(())
}
