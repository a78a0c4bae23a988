//! The power goes while the log begins a segment and removes one.

use crate::machine::{Machine, POSTS};
use crate::{first_seed, power_cuts};
use parlance_core::Record;
use parlance_core::time::Timestamp;
use parlance_storage::disk::real::RealDisk;
use parlance_storage::log::{self, Log};
use parlance_tests::disk::Survivors;
use parlance_tests::server::Room;
use parlance_tests::sim::dice::Dice;
use parlance_wire::xccos::Guid;

/// One of so many times the power goes here: a segment takes long to fill.
const CUTS_PER_ROLL: usize = 16;
/// Room in a segment for less than the posts that are on their way at once.
const ROLL_BYTES: usize = 4_000;
/// Operations of the log in which a segment gets its successor and is removed.
const ROLL_OPERATIONS: usize = 400;

/// Fills the log's first segment but for some posts, with messages of another room.
fn fill_segment(machine: &mut Machine) {
    const TEXT_BYTES: usize = 200_000;
    let disk = RealDisk::open(machine.disk.folder().join("data/log")).expect("a folder");
    let options = log::Options::default();
    let (mut log, _) = Log::open(disk, options).expect("a log can be begun");
    let room = Guid::parse(&Room::numbered(2).id).expect("a GUID");
    let record = |number, bytes| Record {
        ticket: 0,
        room,
        number,
        ts: Timestamp(1),
        author: "sip:kay@example.test".into(),
        alert: false,
        chat: "x".repeat(bytes),
        rtf: None,
        is_history: true,
    };
    for number in 1.. {
        let used = log.watermarks().used_bytes;
        let left = (options.segment_bytes - used) as usize;
        let bytes = TEXT_BYTES.min(left.saturating_sub(ROLL_BYTES));
        if bytes == 0 {
            break;
        }
        log.append(0, &record(number, bytes)).expect("there is room");
        log.commit().expect("the disk is well");
    }
}

#[test]
fn segments_come_and_go_through_losses_of_power() {
    let rolls = power_cuts().div_ceil(CUTS_PER_ROLL);
    let Some(mut machine) = Machine::start() else { return };
    machine.server.kill();
    machine.disk.replace(&machine.empty);
    fill_segment(&mut machine);
    machine.disk.power_on();
    machine.server.restart();
    machine.server.until_stored();
    assert!(machine.server.stop().success());
    machine.disk.lose_power(Survivors::Everything, &mut Dice::new(0, 0));
    let full = machine.disk.image();
    for seed in first_seed()..first_seed() + rolls {
        let mut dice = Dice::new(seed as u64, 0);
        let survivors = Survivors::any(&mut dice);
        machine.server.kill();
        machine.disk.replace(&full);
        machine.acknowledged.clear();
        machine.server.restart();
        let mut author = machine.author();
        let moment = match seed % 3 {
            0 => "create log/ die 0 0".into(),
            1 => "remove log/ die 0 0".into(),
            _ => format!("any data/log die {} 0", dice.below(ROLL_OPERATIONS)),
        };
        machine.disk.fail(&moment);
        machine.talk(&mut author, "roll", POSTS);
        machine.talk_to_the_end(&mut author);
        if seed % 3 < 2 {
            // Also without posts it comes to that.
            machine.server.wait();
        }
        machine.lose_power(survivors, &mut dice);
        machine.assert_kept(&format!("after seed {seed}: {moment}, {survivors:?}"));
    }
    println!("{rolls} losses of power at the end of a segment");
}
