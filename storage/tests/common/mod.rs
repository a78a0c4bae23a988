//! What the tests of the log share: messages, a scripted run, and the check of what came of it.
#![allow(dead_code, reason = "each test uses its part of it")]

use parlance_core::Record;
use parlance_core::time::Timestamp;
use parlance_storage::disk::fake::{Dice, FakeDisk};
use parlance_storage::log::{
    CursorId, Log, OpenError, Options, Position, Reader, Recovered, Refused,
};
use parlance_wire::xccos::Guid;
use std::collections::BTreeMap;

/// Small segments, so that a short run fills several.
pub const SMALL: Options =
    Options { segment_bytes: 8 << 10, quota_bytes: 1 << 30, batch_bytes: 1 << 20 };

/// The `number`th message, with a text of that many bytes.
pub fn message(number: u64, chat_bytes: usize) -> Record {
    let text: String = ('a'..='z').cycle().skip(number as usize % 26).take(chat_bytes).collect();
    Record {
        ticket: 0,
        room: Guid(u128::from(number % 3) << 100 | 7),
        number,
        ts: Timestamp(number as i64 * 10_000_000),
        author: format!("sip:user{}@example.com", number % 5),
        alert: number.is_multiple_of(7),
        chat: text.clone(),
        rtf: number.is_multiple_of(4).then_some(text),
        is_history: true,
    }
}

/// Everything that a reader is handed, by position.
pub fn contents(disk: &FakeDisk, durable: Position) -> BTreeMap<Position, Record> {
    contents_after(disk, Position(0), durable)
}

/// The same from a place on.
pub fn contents_after(
    disk: &FakeDisk,
    taken: Position,
    durable: Position,
) -> BTreeMap<Position, Record> {
    let mut found = BTreeMap::new();
    let mut last = taken;
    // Of a copy: what a test looks at is no operation of the run.
    Reader::new(disk.copy(), taken)
        .read_all(durable, |entry| {
            assert!(entry.position > last, "positions rise");
            last = entry.position;
            let is_new = found.insert(entry.position, entry.to_record(0)).is_none();
            assert!(is_new, "handed out once");
        })
        .expect("what is durable can be read");
    found
}

/// What a run appended, and how much of it the log acknowledged.
#[derive(Debug, Default, Clone)]
pub struct Model {
    /// By position; what was never durable may be replaced.
    pub appended: BTreeMap<Position, Record>,
    pub durable: Position,
    /// How far the only reader came.
    pub taken: Position,
    pub next_number: u64,
}

impl Model {
    /// Takes in what a recovery found, after proving that it is what was acknowledged and nothing
    /// that was not appended.
    pub fn check(&mut self, disk: &FakeDisk, log: &Log<FakeDisk>) {
        let marks = log.watermarks();
        assert!(marks.durable >= self.durable, "acknowledged up to {}: {marks:?}", self.durable);
        assert!(marks.oldest <= self.taken.next(), "only what was taken is removed: {marks:?}");
        let found = contents_after(disk, marks.oldest.previous(), marks.durable);
        for (position, record) in &found {
            assert_eq!(self.appended.get(position), Some(record), "invented at {position}");
        }
        let kept = self.appended.range(marks.oldest..);
        for (position, record) in kept.take_while(|(position, _)| **position <= self.durable) {
            assert_eq!(found.get(position), Some(record), "lost at {position}");
        }
        self.appended = found;
        self.durable = marks.durable;
    }
}

/// Opens and checks; the reader goes on where it was.
pub fn reopen(
    disk: &FakeDisk,
    options: Options,
    model: &mut Model,
) -> Result<(Log<FakeDisk>, Recovered), OpenError> {
    let (log, recovered) = Log::open(disk.clone(), options)?;
    model.check(disk, &log);
    Ok((log, recovered))
}

/// A run of commits of different sizes, with marks, reading and trimming, until the disk fails.
/// Returns whether it got through.
pub fn run(
    disk: &FakeDisk,
    log: &mut Log<FakeDisk>,
    model: &mut Model,
    commits: u32,
    dice: &mut Dice,
) -> bool {
    let cursor = log.attach("stored", model.taken).expect("reader and log belong together");
    (0..commits).all(|_| step(disk, log, cursor, model, dice).is_some())
}

fn step(
    disk: &FakeDisk,
    log: &mut Log<FakeDisk>,
    cursor: CursorId,
    model: &mut Model,
    dice: &mut Dice,
) -> Option<()> {
    for _ in 0..=dice.below(6) {
        model.next_number += 1;
        let chat_bytes = [0, 1, 40, 300, 1000, 6000][dice.below(6) as usize];
        let record = message(model.next_number, chat_bytes);
        match log.append(0, &record) {
            Ok(position) => model.appended.insert(position, record),
            Err(Refused::Full | Refused::Poisoned) => return None,
            Err(refused) => panic!("{refused}"),
        };
    }
    model.durable = log.commit().ok()?;
    if dice.below(4) == 0 {
        model.durable = log.mark().ok()?;
    }
    if dice.below(5) == 0 {
        let mut reader = Reader::new(disk.clone(), model.taken);
        let last = reader.read(model.durable).ok()?.last;
        log.advance(cursor, last);
        model.taken = last;
        log.trim().ok()?;
        model.durable = log.durable();
    }
    Some(())
}
