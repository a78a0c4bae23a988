//! Running `parlance-bench` and reading its report.

use parlance_tests::say;
use serde_json::Value;
use std::process::Command;

/// Runs an experiment; its report.
pub fn run(words: &[&str]) -> Value {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let json = folder.path().join("report.json");
    let mut command = Command::new(env!("CARGO_BIN_EXE_parlance-bench"));
    let output = command.args(words).arg("--json").arg(&json).output().expect("it runs");
    assert!(output.status.success(), "{output:?}");
    let text = std::fs::read(json).expect("it wrote its report");
    serde_json::from_slice(&text).expect("the report is JSON")
}

/// Says that a test is skipped where there is but one core.
pub fn has_two_cores() -> bool {
    let has = std::thread::available_parallelism().map_or(1, |n| n.get()) >= 2;
    if !has {
        say("SKIPPED experiment: one core cannot carry a server and its clients");
    }
    has
}
