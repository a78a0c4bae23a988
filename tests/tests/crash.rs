//! The kill -9 loop, a short one: `crash-loop` is the long one.

use parlance_tests::crash::{self, Outcome, Plan, Store};
use std::path::Path;
use std::process::Command;

fn plan(ack: &'static str) -> Plan {
    Plan {
        cycles: 4,
        ack,
        rate: 100.0,
        users: 12,
        rooms: 3,
        room_size: 6,
        message_bytes: 256,
        flow_percent: 50,
        kill_after_ms: 20..=300,
        seed: 7,
    }
}

fn run(plan: &Plan, store: &Store, between: &mut dyn FnMut(u32, &Path)) -> Outcome {
    crash::run(plan, store, between, &mut |_| {}).unwrap_or_else(|error| panic!("{error}"))
}

fn keeps_its_word(store: &Store, ack: &'static str) {
    let outcome = run(&plan(ack), store, &mut |_, _| {});
    assert!(outcome.is_clean(), "{outcome}");
    assert!(outcome.report.number("/returns/links_reopened") > 0, "{outcome}");
}

fn keeps_its_word_with_postgresql(ack: &'static str) {
    match Store::postgresql() {
        Ok(store) => keeps_its_word(&store, ack),
        Err(why) => println!("SKIPPED the kill -9 loop with PostgreSQL: {why}"),
    }
}

#[test]
fn what_the_log_has_is_kept_with_sqlite() {
    keeps_its_word(&Store::Sqlite, "log");
}

#[test]
fn what_the_log_has_is_kept_with_postgresql() {
    keeps_its_word_with_postgresql("log");
}

#[test]
fn what_the_database_has_is_kept_with_sqlite() {
    keeps_its_word(&Store::Sqlite, "sql");
}

#[test]
fn what_the_database_has_is_kept_with_postgresql() {
    keeps_its_word_with_postgresql("sql");
}

/// Copies a folder; what was there before is gone.
fn copy(from: &Path, to: &Path) {
    let _ = std::fs::remove_dir_all(to);
    let status = Command::new("cp").arg("-r").args([from, to]).status().expect("cp runs");
    assert!(status.success(), "cp says {status}");
}

/// The loop proves nothing if it does not notice this.
#[test]
fn a_disk_that_forgets_is_noticed() {
    let mut forget = |cycle, data: &Path| {
        let old = data.with_extension("old");
        match cycle {
            1 => copy(data, &old),
            4 => copy(&old, data),
            _ => {}
        }
    };
    // Posts are accepted in each of the cycles between.
    let plan = Plan { flow_percent: 100, ..plan("log") };
    let outcome = run(&plan, &Store::Sqlite, &mut forget);
    assert!(!outcome.is_clean(), "{outcome}");
    assert!(outcome.report.violations() > 0, "{outcome}");
}
