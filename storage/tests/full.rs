//! Little room: the alarm, the quota, a full disk.
#![allow(clippy::unwrap_used, reason = "a test says where it failed")]

mod common;

use common::{Model, contents, message, reopen};
use parlance_storage::Position;
use parlance_storage::disk::Cause;
use parlance_storage::disk::fake::{FakeDisk, Fault};
use parlance_storage::log::{Log, Options, PAYLOAD_BYTES_MAX, Refused};

const OPTIONS: Options =
    Options { segment_bytes: 10_000, quota_bytes: 100_000, batch_bytes: 1 << 20 };

/// Appends and commits until the log refuses. Returns how many it took.
fn fill(log: &mut Log<FakeDisk>) -> u64 {
    for number in 1.. {
        match log.append(0, &message(number, 500)) {
            Ok(_) => log.commit().expect("a quota is no failure"),
            Err(refused) => {
                assert_eq!(refused, Refused::Full);
                return number - 1;
            }
        };
    }
    unreachable!("nothing is endless")
}

#[test]
fn the_alarm_comes_first_then_the_refusal_then_a_trim_helps() {
    let disk = FakeDisk::new();
    let (mut log, _) = Log::open(disk.clone(), OPTIONS).unwrap();
    let stored = log.attach("stored", Position(0)).unwrap();
    let mut alarm_at_bytes = None;
    let mut taken = 0;
    while log.append(0, &message(taken + 1, 500)).is_ok() {
        log.commit().unwrap();
        taken += 1;
        let marks = log.watermarks();
        assert_eq!(marks.is_alarm, marks.used_bytes >= 80_000);
        if marks.is_alarm && alarm_at_bytes.is_none() {
            alarm_at_bytes = Some(marks.used_bytes);
        }
    }
    assert!((80_000..81_500).contains(&alarm_at_bytes.unwrap()), "{alarm_at_bytes:?}");
    assert_eq!(log.append(0, &message(1, 500)), Err(Refused::Full));
    let marks = log.watermarks();
    assert!(marks.used_bytes > 98_000 && marks.used_bytes <= 100_000, "{marks:?}");
    assert_eq!(marks.limit_bytes, 100_000);
    assert_eq!(contents(&disk, log.durable()).len() as u64, taken, "nothing is lost");
    assert_eq!(log.trim().unwrap(), 0, "nobody has taken anything");
    log.advance(stored, log.durable());
    let freed_bytes = log.trim().unwrap();
    assert!(freed_bytes > 80_000, "all but the last segment: {freed_bytes}");
    assert!(!log.watermarks().is_alarm);
    assert!(fill(&mut log) > 10);
}

#[test]
fn a_full_log_can_be_opened_marked_and_trimmed() {
    let disk = FakeDisk::new();
    let (mut log, _) = Log::open(disk.clone(), OPTIONS).unwrap();
    fill(&mut log);
    log.mark().unwrap();
    drop(log);
    let (mut log, _) = Log::open(disk.clone(), OPTIONS).unwrap();
    assert_eq!(log.append(0, &message(1, 500)), Err(Refused::Full));
    let last = log.durable();
    log.attach("stored", last).unwrap();
    assert!(log.trim().unwrap() > 0);
    assert!(log.append(0, &message(1, 500)).is_ok());
}

#[test]
fn a_disk_smaller_than_the_quota_refuses_instead_of_failing() {
    let disk = FakeDisk::new();
    disk.limit(600_000);
    let options = Options { quota_bytes: 1 << 40, ..OPTIONS };
    let (mut log, _) = Log::open(disk.clone(), options).unwrap();
    let stored = log.attach("stored", Position(0)).unwrap();
    assert!(fill(&mut log) > 100);
    let marks = log.watermarks();
    assert!(marks.is_alarm && marks.limit_bytes < 600_000, "{marks:?}");
    // Somebody else fills the rest: what waits may fail, what was acknowledged is there.
    disk.put("else", &[0; 200_000]);
    log.mark().unwrap();
    assert_eq!(log.append(0, &message(1, 500)), Err(Refused::Full));
    log.advance(stored, log.durable());
    assert!(log.trim().unwrap() > 0);
    assert!(log.append(0, &message(1, 500)).is_ok());
}

#[test]
fn no_space_in_the_middle_of_a_write_is_fatal_and_recovers() {
    let disk = FakeDisk::new();
    let options = Options { quota_bytes: 1 << 40, ..OPTIONS };
    let mut model = Model::default();
    let (mut log, _) = reopen(&disk, options, &mut model).unwrap();
    let record = message(1, 500);
    model.appended.insert(log.append(0, &record).unwrap(), record);
    model.durable = log.commit().unwrap();
    let record = message(2, 5000);
    model.appended.insert(log.append(0, &record).unwrap(), record);
    // The log looked before this; somebody else was quicker.
    disk.limit(2000);
    let fatal = log.commit().unwrap_err();
    assert_eq!(fatal.0.cause, Cause::NoSpace);
    assert_eq!(log.append(0, &message(3, 1)), Err(Refused::Poisoned));
    assert_eq!(log.trim().unwrap_err(), fatal);
    drop(log);
    let (mut log, recovered) = reopen(&disk, options, &mut model).unwrap();
    assert!(recovered.torn.is_some(), "half of the second message");
    assert_eq!(model.appended.len(), 1);
    assert_eq!(log.append(0, &message(2, 500)), Err(Refused::Full), "there is no room yet");
    disk.limit(10_000_000);
    drop(log);
    let (mut log, _) = reopen(&disk, options, &mut model).unwrap();
    log.append(0, &message(2, 500)).unwrap();
    log.commit().unwrap();
}

#[test]
fn what_is_too_long_is_refused_and_the_longest_is_kept() {
    let disk = FakeDisk::new();
    let options = Options { quota_bytes: 1 << 30, ..OPTIONS };
    let (mut log, _) = Log::open(disk.clone(), options).unwrap();
    assert_eq!(log.append(0, &message(1, PAYLOAD_BYTES_MAX)), Err(Refused::TooLong));
    let longest = message(1, PAYLOAD_BYTES_MAX - 200);
    let at = log.append(0, &longest).unwrap();
    assert_eq!(log.append(0, &longest), Err(Refused::BatchFull), "one commit has a bound");
    log.commit().unwrap();
    log.append(0, &longest).unwrap();
    log.commit().unwrap();
    assert_eq!(contents(&disk, log.durable())[&at], longest);
}

#[test]
fn a_commit_is_one_write_and_one_sync() {
    let disk = FakeDisk::new();
    let options = Options { segment_bytes: 1 << 30, ..OPTIONS };
    let (mut log, _) = Log::open(disk.clone(), options).unwrap();
    for records in [1, 30, 100] {
        for number in 0..records {
            log.append(0, &message(number, 50)).unwrap();
        }
        let (operations, syncs) = (disk.operations(), disk.syncs());
        log.commit().unwrap();
        assert_eq!((disk.operations(), disk.syncs()), (operations + 2, syncs + 1));
        log.commit().unwrap();
        assert_eq!(disk.operations(), operations + 2, "nothing to do, nothing done");
    }
    log.mark().unwrap();
    let operations = disk.operations();
    log.mark().unwrap();
    assert_eq!(disk.operations(), operations, "one mark is enough");
    disk.plan(operations + 1, Fault::Fail(Cause::Device));
}
