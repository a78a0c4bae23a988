//! What is said of a run in its report: arguments, machine, versions, time.

use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory};
use parlance_loadgen::results::{About, Argument, Machine};
use parlance_wire::xccos::Timestamp;
use std::time::SystemTime;

/// Length of a time in ISO 8601 up to its seconds.
const TO_SECONDS: usize = "2024-03-08T07:16:05".len();
/// Ticks of [`Timestamp`] in a second.
const TICKS_PER_SECOND: i64 = 10_000_000;

/// Of a run with these arguments, which begins now.
pub fn about(matches: &ArgMatches) -> About {
    About {
        started: now(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        server_version: None,
        arguments: arguments(matches),
        machine: machine(),
    }
}

fn now() -> String {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let seconds = i64::try_from(since.as_secs()).unwrap_or_default();
    let text = Timestamp(seconds.saturating_mul(TICKS_PER_SECOND)).to_string();
    format!("{}Z", text.get(..TO_SECONDS).unwrap_or(&text))
}

/// All arguments in the order of the help, those of a subcommand left out.
fn arguments(matches: &ArgMatches) -> Vec<Argument> {
    let command = crate::cli::Cli::command();
    let options = command.get_arguments().filter(|argument| argument.get_long().is_some());
    let argument = |option: &clap::Arg| {
        let id = option.get_id().as_str();
        let values = matches.try_get_raw(id).ok()??;
        let values: Vec<_> = values.map(|value| value.to_string_lossy()).collect();
        Some(Argument {
            name: option.get_long()?.to_owned(),
            value: values.join(","),
            is_default: matches.value_source(id) == Some(ValueSource::DefaultValue),
        })
    };
    options.filter_map(argument).collect()
}

fn machine() -> Machine {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let system = rustix::system::uname();
    let (name, release) = (system.sysname().to_string_lossy(), system.release().to_string_lossy());
    let kibibytes: u64 = field(&read("/proc/meminfo"), "MemTotal")
        .and_then(|text| text.split(' ').next()?.parse().ok())
        .unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(0, |cores| cores.get() as u32);
    Machine {
        processor: field(&read("/proc/cpuinfo"), "model name").unwrap_or_default(),
        cores,
        memory_bytes: kibibytes * 1_024,
        kernel: format!("{name} {release}"),
    }
}

/// The value behind the first `name :` of a file of the kernel.
fn field(text: &str, name: &str) -> Option<String> {
    let mut fields = text.lines().filter_map(|line| line.split_once(':'));
    let (_, value) = fields.find(|(found, _)| found.trim() == name)?;
    Some(value.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_told_with_what_was_left_alone() {
        let given = ["parlance-loadgen", "--users", "7", "--reconnect"];
        let matches = crate::cli::Cli::command().get_matches_from(given);
        let all = arguments(&matches);
        let of = |name: &str| {
            let found = all.iter().find(|argument| argument.name == name);
            found.map(|argument| (argument.value.as_str(), argument.is_default))
        };
        assert_eq!(of("users"), Some(("7", false)));
        assert_eq!(of("room-domain"), Some(("example.test", true)));
        assert_eq!(of("reconnect"), Some(("true", false)));
        assert_eq!(of("json"), None);
    }

    #[test]
    fn fields_of_the_kernel_are_found() {
        let text = "processor\t: 0\nmodel name\t: Some: thing\nmodel name\t: Other\n";
        assert_eq!(field(text, "model name").as_deref(), Some("Some: thing"));
        assert_eq!(field(text, "model"), None);
    }
}
