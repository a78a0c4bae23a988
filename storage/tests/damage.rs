//! Damage of every kind: each is told loudly, or cuts only what nobody can know to be acknowledged.
#![allow(clippy::unwrap_used, reason = "a test says where it failed")]

mod common;

use common::{Model, SMALL, contents, contents_after, message, reopen};
use parlance_core::Record;
use parlance_storage::disk::Disk;
use parlance_storage::disk::fake::{Dice, FakeDisk};
use parlance_storage::log::{
    AttachError, Fault, HeaderFault, Log, OpenError, Options, Place, Position, cut, segment_name,
    verify,
};
use std::collections::BTreeMap;

/// A log of several segments: eight commits of three messages. Returns also where each position's
/// commit begins.
fn small_log(options: Options, is_marked: bool) -> (FakeDisk, BTreeMap<Position, Record>) {
    let disk = FakeDisk::new();
    let (mut log, _) = Log::open(disk.clone(), options).unwrap();
    let mut records = BTreeMap::new();
    for number in 1..=24 {
        let record = message(number, 50);
        records.insert(log.append(0, &record).unwrap(), record);
        if number % 3 == 0 {
            log.commit().unwrap();
        }
    }
    if is_marked {
        log.mark().unwrap();
    }
    (disk, records)
}

const TINY: Options = Options { segment_bytes: 1500, quota_bytes: 1 << 30, batch_bytes: 1 << 20 };

fn segments(disk: &FakeDisk) -> Vec<String> {
    let mut names = disk.clone().list().unwrap();
    names.sort();
    names
}

/// What became of a damaged log.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Clone, Copy)]
enum Outcome {
    /// All there, nothing to report.
    Whole,
    /// Something was cut from the last commit, and reported.
    Torn,
    /// Refused.
    Refused,
}

/// Opens a damaged log. Whatever it hands out must be what was written.
fn outcome(disk: &FakeDisk, options: Options, records: &BTreeMap<Position, Record>) -> Outcome {
    let verified = verify(&mut disk.clone());
    let opened = Log::open(disk.clone(), options);
    let (log, recovered) = match opened {
        Ok(opened) => opened,
        Err(error) => {
            assert_eq!(verified, Err(error.clone()), "verify says the same");
            assert!(error.to_string().contains("What to do: "), "{error}");
            return Outcome::Refused;
        }
    };
    assert_eq!(verified.as_ref(), Ok(&recovered), "verify says the same");
    let found = contents(disk, log.durable());
    let expected = records.iter().take(found.len());
    assert!(expected.eq(found.iter()), "a beginning of what was written");
    match recovered.torn {
        None => {
            assert_eq!(found.len(), records.len(), "silence means that all is there");
            Outcome::Whole
        }
        Some(torn) => {
            assert!(found.len() + 3 >= records.len(), "no more than the last commit: {torn}");
            Outcome::Torn
        }
    }
}

/// Flips each byte of each segment; counts the outcomes.
fn flip_everywhere(options: Options, is_marked: bool) -> BTreeMap<Outcome, u32> {
    let (whole, records) = small_log(options, is_marked);
    let mut outcomes = BTreeMap::new();
    for name in segments(&whole) {
        let bytes = whole.contents(&name);
        for offset in 0..bytes.len() as u64 {
            for mask in [0x01, 0x80, 0xFF] {
                let disk = whole.copy();
                disk.flip(&name, offset, mask);
                *outcomes.entry(outcome(&disk, options, &records)).or_default() += 1;
            }
        }
    }
    outcomes
}

#[test]
fn every_flipped_byte_is_reported() {
    let outcomes = flip_everywhere(TINY, false);
    println!("no mark: {outcomes:?}");
    assert_eq!(outcomes.get(&Outcome::Whole), None, "there is no byte without meaning");
    // With a mark only its own 80 bytes can be mistaken for a torn write.
    let (whole, records) = small_log(TINY, true);
    let outcomes = flip_everywhere(TINY, true);
    println!("marked: {outcomes:?}");
    assert_eq!(outcomes.get(&Outcome::Whole), None);
    assert_eq!(outcomes.get(&Outcome::Torn), Some(&(3 * 80)));
    let name = segments(&whole).pop().unwrap();
    whole.flip(&name, whole.contents(&name).len() as u64 - 1, 1);
    let (log, _) = Log::open(whole.clone(), TINY).unwrap();
    assert_eq!(contents(&whole, log.durable()), records, "the mark alone is gone");
}

#[test]
fn every_shorter_length_of_the_last_segment_is_told_or_is_an_older_log() {
    let options = Options { segment_bytes: 1 << 20, ..TINY };
    let (whole, records) = small_log(options, false);
    let name = segments(&whole).pop().unwrap();
    let bytes = whole.contents(&name);
    let mut silent = 0;
    for length in 0..bytes.len() {
        let disk = whole.copy();
        disk.put(&name, &bytes[..length]);
        let (log, recovered) = Log::open(disk.clone(), options).unwrap();
        let found = contents(&disk, log.durable());
        assert!(records.iter().take(found.len()).eq(found.iter()));
        if recovered.torn.is_none() && recovered.abandoned.is_none() {
            // At the boundary of a commit the log looks like an older one. A reader knows better.
            assert_eq!(found.len() % 3, 0, "cut at {length} bytes");
            silent += 1;
        }
        let mut log = log;
        let attached = log.attach("stored", Position(24));
        assert!(matches!(attached, Err(AttachError::Ahead { .. })), "cut at {length} bytes");
    }
    assert_eq!(silent, 7, "after each commit but the last");
}

#[test]
fn every_shorter_length_of_an_earlier_segment_is_refused() {
    let (whole, records) = small_log(TINY, false);
    let names = segments(&whole);
    for name in &names[..names.len() - 1] {
        let bytes = whole.contents(name);
        for length in 0..bytes.len() {
            let disk = whole.copy();
            disk.put(name, &bytes[..length]);
            assert_eq!(outcome(&disk, TINY, &records), Outcome::Refused, "{name} at {length}");
        }
    }
}

#[test]
fn a_missing_segment_is_named() {
    let (whole, _) = small_log(TINY, false);
    let names = segments(&whole);
    assert!(names.len() >= 3, "{names:?}");
    for (index, name) in names.iter().enumerate() {
        let disk = whole.copy();
        disk.lose(name);
        let error = Log::open(disk, TINY).unwrap_err();
        let (segment, next) = (name.clone(), names.get(index + 1).cloned());
        assert_eq!(error, OpenError::Missing { segment, next });
    }
}

#[test]
fn swapped_segments_are_refused() {
    let (whole, records) = small_log(TINY, false);
    let names = segments(&whole);
    for a in 0..names.len() {
        for b in 0..a {
            let disk = whole.copy();
            disk.put(&names[a], &whole.contents(&names[b]));
            disk.put(&names[b], &whole.contents(&names[a]));
            assert_eq!(outcome(&disk, TINY, &records), Outcome::Refused);
            let error = verify(&mut disk.clone()).unwrap_err();
            let is_it = matches!(error, OpenError::Header { fault: HeaderFault::First { .. }, .. });
            assert!(is_it, "{error}");
        }
    }
}

/// Whole good records where they do not belong: exchanged, taken out, doubled.
#[test]
fn records_out_of_place_are_refused() {
    let options = Options { segment_bytes: 1 << 20, ..TINY };
    // Messages of one length, one to a commit.
    let disk = FakeDisk::new();
    let (mut log, _) = Log::open(disk.clone(), options).unwrap();
    let mut records = BTreeMap::new();
    let mut ends = vec![disk.contents(&segment_name(Position(1))).len()];
    for number in 1..=6 {
        let record = Record { rtf: None, ..message(number, 50) };
        records.insert(log.append(0, &record).unwrap(), record);
        log.commit().unwrap();
        ends.push(disk.contents(&segment_name(Position(1))).len());
    }
    let name = segment_name(Position(1));
    let whole = disk.contents(&name);
    let record = |index: usize| &whole[ends[index]..ends[index + 1]];
    let header = &whole[..ends[0]];
    for a in 0..6 {
        for b in 0..a {
            let mut order: Vec<usize> = (0..6).collect();
            order.swap(a, b);
            let mut taken_out: Vec<usize> = (0..6).collect();
            taken_out.remove(b);
            let mut doubled: Vec<usize> = (0..6).collect();
            doubled.insert(a, b);
            for order in [order, taken_out, doubled] {
                let bytes = order.iter().flat_map(|index| record(*index)).copied();
                disk.put(&name, &header.iter().copied().chain(bytes).collect::<Vec<u8>>());
                let error = verify(&mut disk.clone()).unwrap_err();
                assert!(matches!(error, OpenError::Order { .. }), "{order:?}: {error}");
                assert_eq!(outcome(&disk, options, &records), Outcome::Refused);
            }
        }
    }
}

#[test]
fn a_segment_of_another_log_is_refused() {
    let (whole, records) = small_log(TINY, false);
    // Same positions and lengths, other contents.
    let other = FakeDisk::new();
    let (mut log, _) = Log::open(other.clone(), TINY).unwrap();
    for number in 1..=24 {
        let record = Record { author: "sip:userX@example.com".into(), ..message(number, 50) };
        log.append(0, &record).unwrap();
        if number % 3 == 0 {
            log.commit().unwrap();
        }
    }
    for name in segments(&whole) {
        if name == segment_name(Position(1)) || !segments(&other).contains(&name) {
            continue;
        }
        let disk = whole.copy();
        disk.put(&name, &other.contents(&name));
        assert_eq!(outcome(&disk, TINY, &records), Outcome::Refused, "{name}");
    }
}

#[test]
fn a_zeroed_tail_is_torn_and_its_bytes_are_shown() {
    let options = Options { segment_bytes: 1 << 20, ..TINY };
    let (disk, records) = small_log(options, false);
    let name = segments(&disk).pop().unwrap();
    let mut bytes = disk.contents(&name);
    let end = bytes.len() as u64;
    bytes.resize(bytes.len() + 10_000, 0);
    disk.put(&name, &bytes);
    let (log, recovered) = Log::open(disk.clone(), options).unwrap();
    let torn = recovered.torn.expect("reported");
    assert_eq!((torn.offset, torn.bytes_cut, torn.records_cut), (end, 10_000, 0));
    assert_eq!(torn.fault, Fault::Magic { found: [0; 4] });
    assert_eq!(torn.first_bytes, [0; 32]);
    assert_eq!(contents(&disk, log.durable()), records);
    assert_eq!(disk.contents(&name).len() as u64, end, "the file is cut");
    assert_eq!(verify(&mut disk.clone()).unwrap().torn, None, "reported once");
}

#[test]
fn a_file_that_may_be_a_segment_is_not_passed_over() {
    let (disk, _) = small_log(TINY, false);
    disk.put("notes.txt", b"not ours");
    assert!(verify(&mut disk.clone()).is_ok());
    disk.put("log-7.seg", b"");
    let error = Log::open(disk, TINY).unwrap_err();
    assert_eq!(error, OpenError::Strange { file: "log-7.seg".into() });
}

#[test]
fn a_cut_opens_what_was_refused() {
    let (whole, records) = small_log(TINY, true);
    let mut dice = Dice(5);
    for _ in 0..400 {
        let disk = whole.copy();
        let names = segments(&disk);
        let name = &names[dice.below(names.len() as u64) as usize];
        disk.flip(name, dice.below(disk.contents(name).len() as u64), 0x10);
        let Err(error) = Log::open(disk.clone(), TINY) else { continue };
        let place = match error {
            OpenError::Damaged { place, .. } | OpenError::Order { place, .. } => place,
            OpenError::Header { segment, .. } => Place { segment, offset: 0 },
            other => panic!("{other}"),
        };
        let before: usize = names.iter().map(|name| disk.contents(name).len()).sum();
        let cut_bytes = cut(&mut disk.clone(), &place).unwrap();
        let names = segments(&disk);
        let after: usize = names.iter().map(|name| disk.contents(name).len()).sum();
        assert_eq!(before - after, cut_bytes as usize);
        let (mut log, _) = Log::open(disk.clone(), TINY).unwrap();
        let found = contents(&disk, log.durable());
        assert!(records.iter().take(found.len()).eq(found.iter()), "a beginning is left");
        log.append(0, &message(1, 9)).unwrap();
        log.commit().unwrap();
        drop(log);
        assert_eq!(
            contents(&disk, Log::open(disk.clone(), TINY).unwrap().0.durable()).len(),
            found.len() + 1
        );
    }
}

#[test]
fn segments_removed_by_hand_after_a_trim_are_missed() {
    let (disk, _) = small_log(TINY, false);
    let mut model = Model {
        appended: contents(&disk, verify(&mut disk.clone()).unwrap().last),
        ..Model::default()
    };
    let (mut log, recovered) = reopen(&disk, SMALL, &mut model).unwrap();
    let cursor = log.attach("stored", Position(0)).unwrap();
    log.advance(cursor, Position(recovered.last.0 / 2));
    assert!(log.trim().unwrap() > 0);
    let oldest = log.watermarks().oldest;
    assert!(oldest > Position(1));
    drop(log);
    let kept = contents_after(&disk, oldest.previous(), verify(&mut disk.clone()).unwrap().last);
    assert_eq!(kept.keys().next(), Some(&oldest), "what is not taken is kept");
    disk.lose(&segments(&disk)[0]);
    let error = Log::open(disk, SMALL).unwrap_err();
    let is_it =
        matches!(&error, OpenError::Missing { segment, .. } if *segment == segment_name(oldest));
    assert!(is_it, "{error}");
}
