//! Parlance, the Persistent Chat server. See `docs/ARCHITECTURE.md` for the whole.
//!
//! This package alone binds ports, spawns threads, reads clocks and entropy; what the broker does
//! is in `parlance-core`.

mod admin;
mod api;
mod certificate;
mod check;
mod cli;
mod commit;
mod config;
mod files;
mod greeting;
mod layout;
mod machine;
mod opening;
mod placement;
mod rings;
mod serve;
mod shell;
mod telemetry;
mod tools;

use clap::{CommandFactory, Parser};
use cli::{Cli, Command};
use config::Config;
use std::io::Write;
use std::process::ExitCode;

/// See docs/dependencies.md for what it is good for here.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How the program ends. The command line's help documents the numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// As asked for.
    Done = 0,
    /// Could not start, or a command failed or found something wrong.
    Failed = 1,
    /// Faulty command line or configuration.
    Usage = 2,
    /// A second signal did not let the first one's work end.
    Impatient = 3,
    /// The log's disk failed while serving: start again, and recovery tells what there is.
    LogFailed = 4,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let file = cli.config.as_deref();
    let exit = match &cli.command {
        Command::Check { users } => check::run(file, *users),
        Command::Serve => run_server(&cli),
        Command::Log(command) => tools::run(file, |c, out| tools::log::run(command, c, out)),
        Command::Store(command) => tools::run(file, |c, out| tools::store::run(command, c, out)),
        Command::History(wanted) => tools::run(file, |c, out| tools::history::run(wanted, c, out)),
        Command::Export { target } => tools::run(file, |c, o| tools::export::run(target, c, o)),
        Command::Import { source, wanted } => {
            tools::run(file, |c, out| tools::import::run(source, wanted, c, out))
        }
        Command::Admin(admin) => tools::admin::run(file, admin),
        Command::Completion { shell } => complete(*shell),
    };
    exit.into()
}

fn complete(shell: clap_complete::Shell) -> Exit {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "parlance", &mut text);
    match std::io::stdout().write_all(&text) {
        Ok(()) => Exit::Done,
        Err(error) => refuse(&format!("the script cannot be written ({error})"), Exit::Failed),
    }
}

fn run_server(cli: &Cli) -> Exit {
    let config = match Config::load(cli.config.as_deref()) {
        Ok(config) => config,
        Err(error) => return refuse(&error, Exit::Usage),
    };
    let log = match telemetry::start(&cli.log_levels(), cli.log_format) {
        Ok(guard) => guard,
        Err(error) => return refuse(&error, Exit::Usage),
    };
    abort_on_panic();
    let outcome = serve::run(&config, &log);
    drop(log);
    outcome.unwrap_or_else(|error| refuse(&error, Exit::Failed))
}

fn refuse(error: &dyn std::fmt::Display, exit: Exit) -> Exit {
    // If stderr is gone, the exit code must do.
    let _ = writeln!(std::io::stderr(), "parlance: {error}");
    exit
}

/// A panic on any thread ends the process: it means a broken invariant, and a server that goes on
/// with a dead shard would answer some users and silently lose others. Release builds abort by
/// themselves; this makes all builds do so.
fn abort_on_panic() {
    let told = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        told(panic);
        std::process::abort();
    }));
}
