//! The command line.

use crate::telemetry::Format;
use crate::tools;
use clap::{Parser, Subcommand};
use std::path::PathBuf;

/// Persistent Chat server: XCCOS over SIP for existing clients, one broker shard per core.
///
/// Exit codes: 0 stopped by a signal after draining, or a command did what it was asked for and
/// found nothing wrong; 1 could not start, or a command failed or found something wrong; 2 faulty
/// command line or configuration; 3 stopped by a second signal before everybody was told; 4 the
/// disk of the log failed; killed by SIGABRT: a broken invariant, please report it.
#[derive(Debug, Parser)]
#[command(name = "parlance", version, arg_required_else_help = true, max_term_width = 100)]
pub struct Cli {
    /// Configuration file (TOML); without it the server serves loopback from ./parlance-data
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// What to log: error, warn, info, debug, trace, or per module; PARLANCE_LOG otherwise, else
    /// info
    #[arg(long, global = true, value_name = "LEVELS")]
    pub log: Option<String>,

    /// How log lines on stderr look
    #[arg(long, global = true, value_name = "FORMAT", default_value = "text")]
    pub log_format: Format,

    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Serve until SIGTERM or SIGINT; a second signal does not wait for clients
    Serve,
    /// Say in plain words what this machine and configuration give, and what to do about it; show a
    /// layout of cores for the machine
    Check {
        /// So many users shall be served: say whether the machine is enough for them
        #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
        users: Option<u32>,
    },
    /// Look into the log
    #[command(subcommand)]
    Log(tools::log::Command),
    /// Look after the database
    #[command(subcommand)]
    Store(tools::store::Command),
    /// Show what was said in a room, from the database
    History(tools::history::History),
    /// Write all messages of the database to a file, as JSON Lines; the server may go on
    Export {
        /// A file that is not there yet; `-` is the standard output
        #[arg(value_name = "FILE")]
        target: PathBuf,
    },
    /// Bring an export into the database, or everything of the original: people, categories, rooms,
    /// messages. Messages that are there already stay. No server may run on the same data directory
    Import {
        /// What `export` has written, `-` for the standard input; or a folder with the tables of
        /// the original's database
        #[arg(value_name = "SOURCE")]
        source: PathBuf,
        #[command(flatten)]
        wanted: tools::original::Wanted,
    },
    /// Administer categories, rooms, people and messages: of the server on this data directory, of
    /// one elsewhere, or of the data directory itself while no server runs on it
    Admin(Box<tools::admin::Admin>),
    /// Write what a shell needs to complete command lines: source <(parlance completion bash)
    Completion {
        /// Which shell
        shell: clap_complete::Shell,
    },
}

impl Cli {
    /// The log levels in force.
    pub fn log_levels(&self) -> String {
        let from_environment =
            || std::env::var("PARLANCE_LOG").ok().filter(|text| !text.is_empty());
        self.log.clone().or_else(from_environment).unwrap_or_else(|| "info".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
        let cli = Cli::try_parse_from(["parlance", "serve", "--config", "a.toml"]).unwrap();
        assert_eq!(cli.config, Some("a.toml".into()));
        assert!(Cli::try_parse_from(["parlance", "brew"]).is_err());
    }
}
