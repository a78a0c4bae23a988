//! The log against a plain list of what was appended.
#![allow(clippy::unwrap_used, reason = "a test says where it failed")]

mod common;

use common::{contents_after, message};
use parlance_core::Record;
use parlance_storage::disk::fake::{Dice, FakeDisk};
use parlance_storage::log::{CursorId, Log, Options, Position, Reader, Refused};
use proptest::collection::vec;
use proptest::prelude::*;

/// One act of a user of the log.
#[derive(Debug, Clone)]
enum Act {
    Append {
        chat_bytes: usize,
    },
    Commit,
    Mark,
    /// The reader takes a batch.
    Read,
    Trim,
    /// The process ends and starts anew.
    Restart,
    /// The power goes and comes back.
    PowerLoss(u64),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        8 => prop_oneof![0..300_usize, 0..9000_usize]
            .prop_map(|chat_bytes| Act::Append { chat_bytes }),
        4 => Just(Act::Commit),
        1 => Just(Act::Mark),
        2 => Just(Act::Read),
        1 => Just(Act::Trim),
        1 => Just(Act::Restart),
        1 => any::<u64>().prop_map(Act::PowerLoss),
    ]
}

struct Run {
    disk: FakeDisk,
    options: Options,
    log: Log<FakeDisk>,
    cursor: CursorId,
    reader: Reader<FakeDisk>,
    /// Everything appended that is not known to be lost, in order.
    appended: Vec<(Position, Record)>,
    /// How many of them are acknowledged.
    durable: usize,
    /// How many of them the reader has.
    read: usize,
    number: u64,
}

impl Run {
    fn new(options: Options) -> Run {
        let disk = FakeDisk::new();
        let (mut log, _) = Log::open(disk.clone(), options).unwrap();
        let cursor = log.attach("stored", Position(0)).unwrap();
        let reader = Reader::new(disk.clone(), Position(0));
        let (appended, durable, read, number) = (Vec::new(), 0, 0, 0);
        Run { disk, options, log, cursor, reader, appended, durable, read, number }
    }

    fn act(&mut self, act: &Act) {
        match act {
            Act::Append { chat_bytes } => self.append(*chat_bytes),
            Act::Commit => {
                let durable = self.log.commit().unwrap();
                assert_eq!(durable, self.log.watermarks().appended);
                self.acknowledge(durable);
            }
            Act::Mark => {
                let durable = self.log.mark().unwrap();
                self.acknowledge(durable);
            }
            Act::Read => self.read(),
            Act::Trim => {
                self.log.trim().unwrap();
                self.acknowledge(self.log.durable());
            }
            Act::Restart => self.reopen(),
            Act::PowerLoss(seed) => {
                self.disk.lose_power(&mut Dice(*seed));
                self.reopen();
            }
        }
        self.compare();
    }

    fn append(&mut self, chat_bytes: usize) {
        let record = message(self.number + 1, chat_bytes);
        match self.log.append(0, &record) {
            Ok(position) => {
                self.number += 1;
                self.appended.push((position, record));
            }
            Err(Refused::BatchFull) => assert!(self.log.waiting_bytes() > 0),
            Err(refused) => panic!("{refused}"),
        }
    }

    fn acknowledge(&mut self, durable: Position) {
        self.durable = self.appended.iter().take_while(|(at, _)| *at <= durable).count();
    }

    fn read(&mut self) {
        let batch = self.reader.read(self.log.durable()).unwrap();
        for entry in &batch.entries {
            let (position, record) = &self.appended[self.read];
            assert_eq!((&entry.position, &entry.to_record(0)), (position, record));
            self.read += 1;
        }
        let last = batch.last;
        assert!(self.read <= self.durable, "nothing is read that is not durable");
        self.log.advance(self.cursor, last);
    }

    fn reopen(&mut self) {
        let (log, recovered) = Log::open(self.disk.clone(), self.options).unwrap();
        self.log = log;
        self.appended.retain(|(position, _)| *position <= recovered.last);
        assert!(self.appended.len() >= self.durable, "lost: {recovered:?}");
        self.durable = self.appended.len();
        self.cursor = self.log.attach("stored", self.reader.taken()).unwrap();
    }

    fn compare(&self) {
        let marks = self.log.watermarks();
        let found = contents_after(&self.disk, marks.oldest.previous(), marks.durable);
        let kept = self.appended[..self.durable].iter().filter(|(at, _)| *at >= marks.oldest);
        assert!(found.iter().eq(kept.map(|(at, record)| (at, record))));
        let waiting: usize = self.appended.len() - self.durable;
        assert_eq!(self.log.waiting_bytes() > 0, waiting > 0);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn it_is_a_list_that_lasts(
        acts in vec(act(), 1..80),
        segment_bytes in 1_u64..40_000,
        batch_bytes in 1_usize..30_000,
    ) {
        let mut run = Run::new(Options { segment_bytes, quota_bytes: 1 << 30, batch_bytes });
        for act in &acts {
            run.act(act);
        }
    }

    /// A reader may begin anywhere and stop anywhere.
    #[test]
    fn a_reader_begins_anywhere(taken in 0_u64..60, durable in 0_u64..60) {
        let disk = FakeDisk::new();
        let options = Options { segment_bytes: 2000, ..Options::default() };
        let (mut log, _) = Log::open(disk.clone(), options).unwrap();
        while log.durable() < Position(60) {
            let number = log.durable().0;
            log.append(0, &message(number, 100)).unwrap();
            log.commit().unwrap();
        }
        let all = contents_after(&disk, Position(0), Position(60));
        let some = contents_after(&disk, Position(taken), Position(durable));
        let expected = all.iter().filter(|(at, _)| at.0 > taken && at.0 <= durable);
        prop_assert!(some.iter().eq(expected));
    }
}
