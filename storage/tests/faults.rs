//! Every disk operation fails once, the power goes at every moment: what was acknowledged is there.
#![allow(clippy::unwrap_used, reason = "a test says where it failed")]

mod common;

use common::{Model, SMALL, reopen, run};
use parlance_storage::disk::Cause;
use parlance_storage::disk::fake::{Dice, FakeDisk, Fault};
use parlance_storage::log::{Log, verify};

const COMMITS: u32 = 40;

/// Runs the script with a fault at one operation, then recovers, goes on, and recovers again.
/// Returns how many operations the script had, if the fault did not come.
fn fault_at(operation: u64, fault: Fault, is_power_lost: bool) -> Option<u64> {
    let disk = FakeDisk::new();
    let mut model = Model::default();
    disk.plan(operation, fault);
    let is_through = match reopen(&disk, SMALL, &mut model) {
        Ok((mut log, _)) => run(&disk, &mut log, &mut model, COMMITS, &mut Dice(1)),
        Err(_) => false,
    };
    if is_through && disk.operations() <= operation {
        return Some(disk.operations());
    }
    let mut dice = Dice(operation);
    if is_power_lost {
        disk.lose_power(&mut dice)
    } else {
        disk.restart()
    }
    for round in 0..2 {
        let (mut log, _) = reopen(&disk, SMALL, &mut model)
            .unwrap_or_else(|e| panic!("{fault:?} at {operation}, round {round}: {e}"));
        assert!(run(&disk, &mut log, &mut model, 3, &mut dice));
        drop(log);
        disk.lose_power(&mut dice);
    }
    reopen(&disk, SMALL, &mut model).expect("the last power loss");
    None
}

#[test]
fn every_operation_may_fail_crash_or_tear() {
    let faults = [
        Fault::Fail(Cause::Device),
        Fault::Fail(Cause::NoSpace),
        Fault::CrashBefore,
        Fault::CrashAfter,
        Fault::Tear(1),
        Fault::Tear(500),
        Fault::Tear(999),
    ];
    let mut runs = 0;
    let mut operations = 0;
    for fault in faults {
        for is_power_lost in [false, true] {
            let mut operation = 0;
            operations = loop {
                if let Some(operations) = fault_at(operation, fault, is_power_lost) {
                    break operations;
                }
                operation += 1;
                runs += 1;
            };
        }
    }
    println!("{operations} operations, {runs} runs with a fault");
    assert!(operations > 200, "the script does something: {operations}");
}

/// A log that power loss left torn, and what was acknowledged of it.
fn torn_log() -> (FakeDisk, Model) {
    (0..)
        .find_map(|seed| {
            let disk = FakeDisk::new();
            let mut model = Model::default();
            let (mut log, _) = reopen(&disk, SMALL, &mut model).unwrap();
            disk.plan(100, Fault::Tear(700));
            run(&disk, &mut log, &mut model, COMMITS, &mut Dice(seed));
            disk.lose_power(&mut Dice(seed));
            let torn = verify(&mut disk.clone()).unwrap().torn?;
            (torn.bytes_cut > 0 && torn.records_cut > 0).then_some((disk, model))
        })
        .expect("some power loss leaves a gap")
}

#[test]
fn every_operation_of_a_recovery_may_fail_crash_or_tear() {
    let (torn, model) = torn_log();
    let mut runs = 0;
    for fault in
        [Fault::Fail(Cause::Device), Fault::CrashBefore, Fault::CrashAfter, Fault::Tear(300)]
    {
        for is_power_lost in [false, true] {
            for operation in 0.. {
                let (disk, mut model) = (torn.copy(), model.clone());
                disk.plan(operation, fault);
                if Log::open(disk.clone(), SMALL).is_ok() {
                    break;
                }
                runs += 1;
                let mut dice = Dice(operation);
                if is_power_lost {
                    disk.lose_power(&mut dice)
                } else {
                    disk.restart()
                }
                let (mut log, _) = reopen(&disk, SMALL, &mut model)
                    .unwrap_or_else(|e| panic!("{fault:?} at {operation} of the recovery: {e}"));
                assert!(run(&disk, &mut log, &mut model, 3, &mut dice));
                disk.lose_power(&mut dice);
                reopen(&disk, SMALL, &mut model).expect("the last power loss");
            }
        }
    }
    println!("{runs} recoveries with a fault");
    assert!(runs > 50, "a recovery does something: {runs}");
}

/// Several lives of one log, each ended by the power at a random operation, recovery included.
fn lives(seed: u64) -> (u32, u32) {
    let mut dice = Dice(seed);
    let disk = FakeDisk::new();
    let mut model = Model::default();
    let (mut torn, mut cut_with_good) = (0, 0);
    for _ in 0..6 {
        let fault = match dice.below(4) {
            0 => Fault::CrashBefore,
            1 => Fault::CrashAfter,
            2 => Fault::Tear(dice.below(1000) as u32),
            _ => Fault::Fail(Cause::Device),
        };
        disk.plan(disk.operations() + dice.below(120), fault);
        if let Ok((mut log, recovered)) = reopen(&disk, SMALL, &mut model) {
            torn += u32::from(recovered.torn.is_some());
            cut_with_good += u32::from(recovered.torn.is_some_and(|torn| torn.records_cut > 0));
            run(&disk, &mut log, &mut model, 20, &mut dice);
        }
        if dice.below(4) == 0 { disk.restart() } else { disk.lose_power(&mut dice) }
    }
    reopen(&disk, SMALL, &mut model).unwrap_or_else(|e| panic!("seed {seed}: {e}"));
    (torn, cut_with_good)
}

#[test]
fn power_loss_keeps_what_was_acknowledged() {
    const SEEDS: u64 = 2000;
    let (mut torn, mut cut_with_good) = (0, 0);
    for seed in 0..SEEDS {
        let (torn_here, with_good_here) = lives(seed);
        torn += torn_here;
        cut_with_good += with_good_here;
    }
    println!("{SEEDS} seeds: {torn} torn tails, {cut_with_good} of them with good records behind");
    assert!(torn > 500 && cut_with_good > 50, "the disk does its worst: {torn}, {cut_with_good}");
}

#[test]
fn a_run_can_be_repeated() {
    assert_eq!(lives(7), lives(7));
    let trace = |seed| {
        let disk = FakeDisk::new();
        let mut model = Model::default();
        let (mut log, _) = reopen(&disk, SMALL, &mut model).unwrap();
        assert!(run(&disk, &mut log, &mut model, 20, &mut Dice(seed)));
        (disk.operations(), model.appended)
    };
    assert_eq!(trace(3), trace(3));
}

/// A sync fails, the process is started anew, reads what the failed sync left in memory only, and
/// then the power goes.
#[test]
fn what_a_failed_sync_left_in_memory_is_written_again() {
    let disk = FakeDisk::new();
    let mut model = Model::default();
    let (mut log, _) = reopen(&disk, SMALL, &mut model).unwrap();
    log.append(0, &common::message(1, 100)).unwrap();
    let record = common::message(1, 100);
    model.appended.insert(parlance_storage::Position(1), record);
    disk.plan(disk.operations() + 1, Fault::Fail(Cause::Device));
    let fatal = log.commit().unwrap_err();
    assert_eq!(fatal.0.cause, Cause::Device);
    // Nothing heals it.
    assert_eq!(log.commit().unwrap_err(), fatal);
    assert_eq!(
        log.append(0, &common::message(2, 1)),
        Err(parlance_storage::log::Refused::Poisoned)
    );
    assert_eq!(log.mark().unwrap_err(), fatal);
    drop(log);
    disk.restart();
    let (log, recovered) = reopen(&disk, SMALL, &mut model).unwrap();
    assert_eq!(recovered.last.0, 1, "it can be read");
    drop(log);
    disk.lose_power(&mut Dice(1));
    let (_, recovered) = reopen(&disk, SMALL, &mut model).unwrap();
    assert_eq!(recovered.last.0, 1, "and stays");
}
