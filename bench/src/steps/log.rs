//! The commit log on a disk in memory: everything but the disk.

use super::{Meter, Step, repeated, text};
use parlance_core::Record;
use parlance_core::time::Timestamp;
use parlance_storage::disk::memory::MemoryDisk;
use parlance_storage::log::CursorId;
use parlance_storage::{Log, Options, Position};
use parlance_wire::xccos::Guid;
use std::hint::black_box;

/// Records in one commit: what gathers while a disk syncs.
const RECORDS: u64 = 100;

fn record(number: u64) -> Record {
    Record {
        ticket: number,
        room: Guid(0x7f6a_1f0e_5a3e_4a53_9d1c_2f6f_0c8f_4b11),
        number,
        ts: Timestamp(638_000_000_000_000_000 + number as i64),
        author: "sip:u4711@example.test".to_owned(),
        alert: false,
        chat: text(),
        rtf: None,
        is_history: true,
    }
}

fn log() -> (Log<MemoryDisk>, MemoryDisk, CursorId) {
    let disk = MemoryDisk::new();
    // Small segments, so that what was taken is soon forgotten.
    let options = Options { segment_bytes: 1 << 20, ..Options::default() };
    let (mut log, _) = Log::open(disk.clone(), options).expect("an empty disk");
    let cursor = log.attach("stored", Position(0)).expect("no cursor of that name");
    (log, disk, cursor)
}

struct Commit {
    log: Log<MemoryDisk>,
    cursor: CursorId,
    number: u64,
}

/// Appends records and commits them together.
pub fn commit() -> Box<dyn Step> {
    let (log, _, cursor) = log();
    Box::new(Commit { log, cursor, number: 0 })
}

impl Step for Commit {
    fn units(&self) -> u64 {
        RECORDS
    }

    fn run(&mut self, meter: &mut Meter<'_>) {
        let records: Vec<Record> = (1..=RECORDS).map(|n| record(self.number + n)).collect();
        self.number += RECORDS;
        let log = &mut self.log;
        meter(&mut || {
            for record in &records {
                log.append(0, black_box(record)).expect("far from the quota");
            }
            log.commit().expect("memory does not fail");
        });
        let durable = self.log.durable();
        self.log.advance(self.cursor, durable);
        self.log.trim().expect("memory does not fail");
    }
}

/// Reads a commit back and makes records of it again, as what follows the log does.
pub fn read() -> Box<dyn Step> {
    let (mut log, disk, _) = log();
    for number in 1..=RECORDS {
        log.append(0, &record(number)).expect("far from the quota");
    }
    let durable = log.commit().expect("memory does not fail");
    let mut reader = parlance_storage::Reader::new(disk, Position(0));
    repeated(RECORDS, move || {
        reader.seek(Position(0));
        let batch = reader.read(durable).expect("memory does not fail");
        let records = batch.entries.iter().map(|entry| black_box(entry.to_record(1)));
        assert_eq!(records.count() as u64, RECORDS);
    })
}
