//! The power goes, over and over, at any operation of the disk.

use crate::machine::{Machine, POSTS};
use crate::{first_seed, power_cuts};
use parlance_tests::disk::Survivors;
use parlance_tests::sim::dice::Dice;

/// So often with the same data; then the data directory is made anew.
const CUTS_PER_LIFE: usize = 6;
/// Operations of the disk until a server that is just started has got ready, and some more.
const START_OPERATIONS: usize = 120;

/// The process is killed before an operation of the disk, after so many others.
fn die(after: usize) -> String {
    format!("any * die {after} 0")
}

/// What is under way when the power goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    /// So many posts are answered.
    Answers(usize),
    /// So many operations of the disk later, while people post.
    Operations(usize),
    /// So many operations later, while the server is asked to stop.
    Stopping(usize),
    /// The server has stopped.
    Stopped,
    /// The database has everything.
    Stored,
    /// The server comes back from a loss of power, so many operations later.
    Starting(usize),
}

impl Moment {
    fn any(dice: &mut Dice) -> Moment {
        match dice.below(7) {
            0 | 1 => Moment::Answers(1 + dice.below(POSTS)),
            2 => Moment::Operations(dice.below(40)),
            3 => Moment::Stopping(dice.below(40)),
            4 => Moment::Stopped,
            5 => Moment::Stored,
            _ => Moment::Starting(dice.below(START_OPERATIONS)),
        }
    }
}

/// Lets people talk up to that moment.
fn live(machine: &mut Machine, moment: Moment, name: &str) {
    let mut author = machine.author();
    match moment {
        Moment::Answers(enough) => drop(machine.talk(&mut author, name, enough)),
        Moment::Operations(after) => {
            machine.disk.fail(&die(after));
            machine.talk(&mut author, name, POSTS);
            return;
        }
        Moment::Stopping(after) => {
            machine.talk(&mut author, name, POSTS);
            machine.note_stored();
            machine.disk.fail(&die(after));
            machine.server.stop();
        }
        Moment::Stopped => {
            machine.talk(&mut author, name, POSTS);
            machine.note_stored();
            assert!(machine.server.stop().success());
        }
        Moment::Stored => {
            machine.talk(&mut author, name, POSTS);
            machine.server.until_stored();
        }
        Moment::Starting(after) => {
            machine.talk(&mut author, name, POSTS / 2);
            machine.note_stored();
            machine.server.kill();
            machine.disk.fail(&die(after));
            machine.try_start();
        }
    }
    if matches!(moment, Moment::Answers(_) | Moment::Stored) {
        machine.note_stored();
    }
}

#[test]
fn what_was_acknowledged_survives_every_loss_of_power() {
    let lives = power_cuts().div_ceil(CUTS_PER_LIFE);
    let (mut lost, mut kept) = (0, 0);
    for seed in first_seed()..first_seed() + lives {
        let mut dice = Dice::new(seed as u64, 0);
        // Either meaning of a 200 in turn.
        let ack = if seed % 2 == 1 { "log" } else { "sql" };
        let Some(mut machine) = Machine::acknowledging(ack) else { return };
        // The first time the power goes while the data directory is made.
        machine.server.kill();
        machine.disk.replace(&machine.empty);
        machine.disk.fail(&die(dice.below(START_OPERATIONS)));
        machine.try_start();
        for cycle in 0..CUTS_PER_LIFE {
            let survivors = Survivors::any(&mut dice);
            lost += machine.lose_power(survivors, &mut dice);
            machine.assert_kept(&format!("before cycle {cycle} of seed {seed}: {survivors:?}"));
            let moment = Moment::any(&mut dice);
            println!("seed {seed}, cycle {cycle}: {moment:?}");
            live(&mut machine, moment, &format!("{seed}-{cycle}"));
        }
        kept += machine.acknowledged.len();
    }
    let cuts = lives * CUTS_PER_LIFE;
    println!("{kept} acknowledged posts survived {cuts} losses of power, {lost} changes did not");
}

#[test]
fn a_disk_that_lies_about_syncs_is_found_out() {
    let Some(mut machine) = Machine::start() else { return };
    let mut author = machine.author();
    machine.disk.fail("sync log/ lie 0 0");
    assert_eq!(machine.talk(&mut author, "lie", POSTS), POSTS);
    machine.server.kill();
    machine.disk.lose_power(Survivors::Nothing, &mut Dice::new(1, 0));
    // The database may have synced more than the log has then: that is refused, loudly.
    if machine.try_start() {
        assert!(machine.history().len() < machine.acknowledged.len());
    } else {
        assert!(machine.server.stderr().contains("do not belong together"));
    }
}
