//! A process is killed while it commits to a real disk; what it said was durable is there.
#![allow(clippy::unwrap_used, reason = "a test says where it failed")]

mod common;

use common::message;
use parlance_storage::disk::real::RealDisk;
use parlance_storage::log::{Log, Options, Position, Reader};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

const FOLDER: &str = "PARLANCE_TEST_LOG_FOLDER";
const OPTIONS: Options =
    Options { segment_bytes: 100_000, quota_bytes: 1 << 30, batch_bytes: 1 << 20 };
const ACKNOWLEDGED: &str = "acknowledged ";

/// The process that is killed: this test, started anew by the one below with a folder.
#[test]
fn writer() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let (mut log, recovered) = Log::open(RealDisk::open(folder).unwrap(), OPTIONS).unwrap();
    let mut number = recovered.messages;
    loop {
        for _ in 0..number % 8 + 1 {
            number += 1;
            log.append(0, &message(number, 700)).unwrap();
        }
        log.commit().unwrap();
        let line = format!("{ACKNOWLEDGED}{number}\n");
        std::io::stdout().lock().write_all(line.as_bytes()).unwrap();
    }
}

/// Lets the writer write until it has acknowledged `lines` times, then kills it. Returns the last
/// number it acknowledged.
fn write_and_kill(folder: &Path, lines: usize) -> u64 {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["writer", "--exact", "--nocapture"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    let said = output.lines().map(Result::unwrap);
    let mut said = said.filter_map(|line| line.strip_prefix(ACKNOWLEDGED)?.parse().ok());
    let last: u64 = said.by_ref().take(lines).last().expect("it acknowledges");
    child.kill().unwrap();
    child.wait().unwrap();
    // What was in the pipe counts too.
    said.last().unwrap_or(last)
}

#[test]
fn a_killed_process_loses_nothing_it_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let mut unacknowledged = 0;
    for cycle in 0..10 {
        let acknowledged = write_and_kill(&path, 20 + 7 * cycle);
        let (log, recovered) = Log::open(RealDisk::open(&path).unwrap(), OPTIONS).unwrap();
        assert!(recovered.messages >= acknowledged, "cycle {cycle}: {recovered:?}");
        unacknowledged += recovered.messages - acknowledged;
        let mut number = 0;
        let mut reader = Reader::new(RealDisk::open_for_reading(&path).unwrap(), Position(0));
        reader
            .read_all(log.durable(), |entry| {
                number += 1;
                assert_eq!(entry.to_record(0), message(number, 700));
            })
            .unwrap();
        assert_eq!(number, recovered.messages, "once, in order, without a hole");
    }
    println!("10 kills, {unacknowledged} messages kept that were not acknowledged yet");
}
