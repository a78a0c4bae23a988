//! The disk of the log, or of SQLite, fails or is full.

use crate::machine::{Machine, POSTS};
use parlance_tests::disk::{DEVICE, NO_SPACE, Survivors};
use parlance_tests::sim::dice::Dice;

#[test]
fn a_log_that_cannot_be_synced_ends_the_server_before_anybody_is_told() {
    for after in 0..3 {
        let Some(mut machine) = Machine::start() else { return };
        let mut author = machine.author();
        assert_eq!(machine.talk(&mut author, "before", POSTS), POSTS);
        machine.disk.fail(&format!("sync log/ {DEVICE} {after} 0"));
        let answered = machine.talk(&mut author, "during", POSTS);
        assert!(after > 0 || answered == 0, "{answered} answers without a sync");
        machine.talk_to_the_end(&mut author);
        assert!(machine.denied.is_empty(), "what may be kept is not denied");
        machine.assert_ended("the device reported an error");

        // What its readers see from now on must be on the disk, though the system takes what the
        // failed sync has left for written.
        machine.disk.heal();
        machine.server.restart();
        machine.assert_kept("after a failed sync");
        let seen = machine.history();
        machine.lose_power(Survivors::Nothing, &mut Dice::new(after, 0));
        machine.assert_kept("after a failed sync and a loss of power");
        let left = machine.history();
        assert_eq!(seen, left, "what was seen stays");
    }
}

#[test]
fn a_log_that_cannot_be_written_ends_the_server_and_comes_back_with_room() {
    for rules in [
        format!("write log/ {NO_SPACE} 0 0"),
        // The end of the disk is in the middle of a write.
        format!("write log/ short 0 1\nwrite log/ {NO_SPACE} 1 0"),
        format!("write log/ short 2 1\nwrite log/ {NO_SPACE} 3 0"),
    ] {
        let Some(mut machine) = Machine::start() else { return };
        let mut author = machine.author();
        assert_eq!(machine.talk(&mut author, "before", POSTS), POSTS);
        machine.disk.fail(&rules);
        machine.talk(&mut author, "during", POSTS);
        machine.talk_to_the_end(&mut author);
        assert!(machine.denied.is_empty(), "what may be kept is not denied");
        machine.assert_ended("no space left");

        // As long as nothing can be written it does not start, and says why.
        machine.disk.fail(&format!("any log/ {NO_SPACE} 0 0"));
        let said = machine.server.fails_to_start();
        assert!(said.contains("no space left"), "{said}");
        machine.disk.heal();
        machine.server.restart();
        machine.assert_kept("after a full disk");
        let mut author = machine.author();
        assert_eq!(machine.talk(&mut author, "after", POSTS), POSTS);
        machine.assert_kept("with room again");
    }
}

#[test]
fn writes_that_are_cut_short_are_gone_on_with() {
    let Some(mut machine) = Machine::start() else { return };
    let mut author = machine.author();
    machine.disk.fail("write * short 0 0");
    assert_eq!(machine.talk(&mut author, "short", POSTS), POSTS);
    machine.server.until_stored();
    machine.note_stored();
    machine.lose_power(Survivors::Nothing, &mut Dice::new(1, 0));
    machine.assert_kept("after short writes");
}

#[test]
fn chat_goes_on_while_the_disk_of_sqlite_fails() {
    for rules in [
        format!("write .sqlite {NO_SPACE} 0 0"),
        format!("any .sqlite {DEVICE} 0 0"),
        format!("sync .sqlite {DEVICE} 0 0"),
        format!("write .sqlite short 0 0\nsync .sqlite {DEVICE} 0 0"),
    ] {
        let Some(mut machine) = Machine::start() else { return };
        let mut author = machine.author();
        assert_eq!(machine.talk(&mut author, "before", POSTS), POSTS);
        machine.server.until_stored();
        machine.disk.fail(&rules);
        assert_eq!(machine.talk(&mut author, "during", POSTS), POSTS);
        machine.server.until_metric("parlance_store_failures_total", |failures| failures > 1.0);
        let (stored, rows) = ("parlance_log_stored", "parlance_store_rows_total");
        assert!(
            machine.server.metric(stored, "") < machine.server.metric("parlance_log_durable", "")
        );
        assert_eq!(machine.server.metric(rows, "") as usize, POSTS, "{rules}");
        machine.server.until_said("the database does not take messages");
        assert_eq!(machine.talk(&mut author, "still", POSTS), POSTS);

        machine.disk.heal();
        machine.server.until_stored();
        machine.note_stored();
        assert_eq!(machine.server.metric(rows, "") as usize, 3 * POSTS, "{rules}");
        assert_eq!(machine.acknowledged.len(), 3 * POSTS);
        machine.lose_power(Survivors::Nothing, &mut Dice::new(1, 0));
        machine.assert_kept(&rules);
    }
}
