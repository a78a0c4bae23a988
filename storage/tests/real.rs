//! The log on a real disk.
#![allow(clippy::unwrap_used, reason = "a test says where it failed")]

mod common;

use common::message;
use parlance_storage::disk::real::RealDisk;
use parlance_storage::disk::{Cause, Disk, Operation};
use parlance_storage::log::{Log, OpenError, Options, Position, Reader, segment_name, verify};
use std::fs;

const OPTIONS: Options =
    Options { segment_bytes: 20_000, quota_bytes: 1 << 30, batch_bytes: 1 << 20 };

#[test]
fn it_lasts() {
    let folder = tempfile::tempdir().unwrap();
    // Folders that are not there are made.
    let path = folder.path().join("data").join("log");
    let (mut log, recovered) = Log::open(RealDisk::open(&path).unwrap(), OPTIONS).unwrap();
    assert_eq!(recovered.last, Position(0));
    let stored = log.attach("stored", Position(0)).unwrap();
    let mut reader = Reader::new(RealDisk::open_for_reading(&path).unwrap(), Position(0));
    let mut numbers = Vec::new();
    for number in 1..=300 {
        log.append(0, &message(number, 300)).unwrap();
        if number % 10 == 0 {
            let durable = log.commit().unwrap();
            reader.read_all(durable, |entry| numbers.push(entry.number)).unwrap();
            assert_eq!(numbers.len() as u64, number);
        }
    }
    log.mark().unwrap();
    let all = log.watermarks();
    drop(log);
    let (mut log, recovered) = Log::open(RealDisk::open(&path).unwrap(), OPTIONS).unwrap();
    assert_eq!((recovered.messages, recovered.last, &recovered.torn), (300, all.durable, &None));
    assert_eq!(recovered.bytes, all.used_bytes);
    let stored_again = log.attach("stored", reader.taken()).unwrap();
    assert_eq!(stored, stored_again);
    let files = || fs::read_dir(&path).unwrap().count();
    let before = files();
    assert!(before > 5, "{before} segments");
    assert!(log.trim().unwrap() > 0);
    assert_eq!(files(), 1);
    assert!(log.watermarks().limit_bytes <= OPTIONS.quota_bytes);
}

#[test]
fn a_file_shorter_by_a_byte_is_cut_and_reported() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let (mut log, _) = Log::open(RealDisk::open(path).unwrap(), OPTIONS).unwrap();
    log.append(0, &message(1, 100)).unwrap();
    log.commit().unwrap();
    log.append(0, &message(2, 100)).unwrap();
    log.commit().unwrap();
    drop(log);
    let file = path.join(segment_name(Position(1)));
    let bytes = fs::read(&file).unwrap();
    fs::write(&file, &bytes[..bytes.len() - 1]).unwrap();
    let mut disk = RealDisk::open(path).unwrap();
    let expected = verify(&mut disk).unwrap();
    let (log, recovered) = Log::open(disk, OPTIONS).unwrap();
    assert_eq!(recovered, expected);
    let torn = recovered.torn.unwrap();
    assert_eq!((torn.position, log.durable()), (Position(2), Position(1)));
    assert_eq!(fs::metadata(&file).unwrap().len(), torn.offset);
}

#[test]
fn two_logs_do_not_share_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let first = RealDisk::open(folder.path()).unwrap();
    let second = RealDisk::open(folder.path()).unwrap_err();
    assert_eq!((second.operation, second.cause), (Operation::Open, Cause::Locked));
    let mut reader = RealDisk::open_for_reading(folder.path()).unwrap();
    assert_eq!(reader.create("x").unwrap_err().cause, Cause::Denied);
    drop(first);
    assert!(RealDisk::open(folder.path()).is_ok(), "the lock goes with its holder");
}

#[test]
fn errors_say_what_where_and_why() {
    let folder = tempfile::tempdir().unwrap();
    let mut disk = RealDisk::open(folder.path()).unwrap();
    let error = disk.read("none", 0, &mut [0; 4]).unwrap_err();
    assert_eq!((error.operation, error.cause), (Operation::Read, Cause::NotFound));
    assert!(error.to_string().ends_with("none: no such file"), "{error}");
    disk.create("a").unwrap();
    assert_eq!(disk.create("a").unwrap_err().cause, Cause::Exists);
    disk.write("a", 3, b"xyz").unwrap();
    let mut bytes = [7; 10];
    assert_eq!(disk.read("a", 0, &mut bytes).unwrap(), 6);
    assert_eq!(&bytes[..6], b"\0\0\0xyz");
    disk.truncate("a", 4).unwrap();
    assert_eq!(disk.length("a").unwrap(), 4);
    disk.remove("a").unwrap();
    assert!(disk.list().unwrap().is_empty());
    assert!(disk.available_bytes().is_some());
    let nowhere = RealDisk::open_for_reading(folder.path().join("no")).unwrap_err();
    assert_eq!(OpenError::from(nowhere.clone()), OpenError::Disk(nowhere));
}
