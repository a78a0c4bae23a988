//! Arbitrary bytes as a log: refused or cut, never a panic, never an endless loop.
#![allow(clippy::unwrap_used, reason = "a test says where it failed")]

mod common;

use common::message;
use parlance_storage::disk::fake::FakeDisk;
use parlance_storage::log::{Log, Options, Position, Reader, segment_name, verify};
use proptest::collection::vec;
use proptest::prelude::*;

/// Opens a log whose first segment is `bytes`, reads it, writes to it, and opens it again. For a
/// fuzzer as well as for the tests here.
pub fn check_recovery(bytes: &[u8]) {
    let disk = FakeDisk::new();
    disk.put(&segment_name(Position(1)), bytes);
    let verified = verify(&mut disk.clone());
    let Ok((mut log, recovered)) = Log::open(disk.clone(), Options::default()) else {
        assert!(verified.is_err(), "verify says the same");
        return;
    };
    assert_eq!(verified.as_ref(), Ok(&recovered), "verify says the same");
    let mut messages = 0;
    let mut reader = Reader::new(disk.clone(), Position(0));
    reader.read_all(log.durable(), |_| messages += 1).expect("what was accepted can be read");
    assert_eq!(messages, recovered.messages);
    log.append(0, &message(1, 10)).expect("there is room");
    log.commit().expect("the disk is well");
    let again = verify(&mut disk.clone()).expect("a log that was opened is in order");
    assert_eq!(again.messages, messages + 1);
    assert_eq!(again.torn, None);
}

/// A good segment of some messages.
fn good(messages: u64) -> Vec<u8> {
    let disk = FakeDisk::new();
    let (mut log, _) = Log::open(disk.clone(), Options::default()).unwrap();
    for number in 1..=messages {
        log.append(0, &message(number, 30)).unwrap();
        if number % 2 == 0 {
            log.commit().unwrap();
        }
    }
    log.commit().unwrap();
    disk.contents(&segment_name(Position(1)))
}

proptest! {
    #[test]
    fn noise(bytes in vec(any::<u8>(), 0..4000)) {
        check_recovery(&bytes);
    }

    #[test]
    fn noise_behind_a_good_beginning(messages in 0_u64..5, noise in vec(any::<u8>(), 0..2000)) {
        check_recovery(&[good(messages), noise].concat());
    }

    /// Bytes exchanged, cut out, doubled: what a confused copy program may leave.
    #[test]
    fn edited(from in 0_usize..1500, to in 0_usize..1500, count in 0_usize..600, how in 0..3_u8) {
        let mut bytes = good(6);
        let (from, to) = (from % bytes.len(), to % bytes.len());
        let piece: Vec<u8> = bytes[from..].iter().copied().take(count).collect();
        match how {
            0 => drop(bytes.splice(to..to, piece)),
            1 => drop(bytes.drain(from..from + piece.len())),
            _ => for (at, byte) in (to..bytes.len()).zip(piece) { bytes[at] = byte },
        }
        check_recovery(&bytes);
    }

    /// Aligned pieces are the harder ones: whole records out of place.
    #[test]
    fn edited_at_records(from in 0_usize..120, to in 0_usize..120, count in 0_usize..40) {
        let mut bytes = good(6);
        let (from, to) = (from * 16 % bytes.len(), to * 16 % bytes.len());
        let piece: Vec<u8> = bytes[from..].iter().copied().take(count * 16).collect();
        drop(bytes.splice(to..to, piece));
        check_recovery(&bytes);
    }
}

/// Lengths that lie, and places where a record seems to begin, everywhere.
#[test]
fn many_false_beginnings() {
    let mut bytes = good(2);
    let start = [0xFE, b'P', b'R', 0xFF, 0, 0, 0, 0, 0x00, 0x10, 0, 0, 1, 0, 0, 0];
    for _ in 0..20_000 {
        bytes.extend_from_slice(&start);
    }
    check_recovery(&bytes);
}
