//! `parlance-loadgen`: signs clients in by the thousand, posts on a schedule, measures and checks.
#![forbid(unsafe_code)]

mod about;
mod cli;
mod reports;
mod run;

use clap::{CommandFactory, FromArgMatches};
use parlance_loadgen::results::About;
use std::io::Write;
use std::process::ExitCode;

/// It asks for large pages: what is known of each of hundreds of thousands of memberships is looked
/// at for every post to it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Everything came as it should.
const CLEAN: u8 = 0;
/// The contract was broken, or something failed on the way.
const FAULTY: u8 = 1;
/// Wrong arguments, or the server was not to be reached.
const UNUSABLE: u8 = 2;

fn main() -> ExitCode {
    let matches = cli::Cli::command().get_matches();
    let cli = cli::Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    match cli.command {
        Some(cli::Command::Config(config)) => print_config(&config),
        Some(cli::Command::Report(args)) => end(reports::report(&args)),
        Some(cli::Command::Compare(args)) => end(reports::compare(&args)),
        None => start(cli.run, about::about(&matches)),
    }
}

fn end(outcome: Result<(), String>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::from(CLEAN),
        Err(error) => unusable(&error),
    }
}

fn print_config(config: &cli::ConfigArgs) -> ExitCode {
    let text = match run::server_config(config) {
        Ok(text) => text,
        Err(error) => return unusable(&error),
    };
    match std::io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::from(CLEAN),
        Err(_) => ExitCode::from(UNUSABLE),
    }
}

fn start(args: cli::RunArgs, about: About) -> ExitCode {
    let mut plan = match run::Plan::new(args) {
        Ok(plan) => plan,
        Err(error) => return unusable(&error),
    };
    if plan.share.count > 1 {
        return match run::share(plan) {
            Ok(()) => ExitCode::from(CLEAN),
            Err(error) => unusable(&error),
        };
    }
    plan.about = about;
    match run::run(plan) {
        Ok(summary) if summary.is_clean() => ExitCode::from(CLEAN),
        Ok(_) => ExitCode::from(FAULTY),
        Err(error) => unusable(&error),
    }
}

fn unusable(error: &str) -> ExitCode {
    eprintln!("parlance-loadgen: {error}");
    ExitCode::from(UNUSABLE)
}
