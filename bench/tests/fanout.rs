//! The comparison works, and compares like with like. How fast anything is, no test asserts.

use parlance_tests::say;
use serde_json::Value;
use std::process::Command;

fn fanout(words: &[&str]) -> Value {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let json = folder.path().join("report.json");
    let mut command = Command::new(env!("CARGO_BIN_EXE_parlance-bench"));
    command.args(["fanout", "--rounds", "1", "--seconds", "0.1", "--json"]).arg(&json);
    let output = command.args(words).output().expect("the program runs");
    assert!(output.status.success(), "{output:?}");
    let text = std::fs::read(json).expect("it wrote its report");
    serde_json::from_slice(&text).expect("the report is JSON")
}

fn per_delivery(report: &Value, side: &str, what: &str) -> f64 {
    let number = |what| report[side][0][what].as_f64().expect("a window has numbers");
    number(what) / number("deliveries")
}

#[test]
fn both_sides_move_the_same_bytes() {
    if std::thread::available_parallelism().unwrap().get() < 2 {
        return say("SKIPPED fan-out: one core cannot carry a server and its clients");
    }
    for words in [
        &["--links", "20"][..],
        &["--links", "2", "--sessions-per-link", "700", "--text-bytes", "1024"],
        &["--links", "5", "--rate", "half", "--io", "epoll"],
    ] {
        let report = fanout(words);
        for what in ["bytes_in", "bytes_out"] {
            let (bare, broker) =
                (per_delivery(&report, "bare", what), per_delivery(&report, "broker", what));
            // Numbers of messages have more digits on the side that has sent more.
            assert!((bare - broker).abs() < 12.0, "{words:?}: {what} {bare} and {broker}");
        }
        assert!(report["ratio"]["median"].as_f64().unwrap() > 0.0, "{report}");
    }
}
