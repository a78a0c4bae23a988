//! What every engine of the log does alike.
#![allow(clippy::unwrap_used, reason = "a test says where it failed")]

mod common;

use common::message;
use parlance_core::Record;
use parlance_storage::disk::memory::MemoryDisk;
use parlance_storage::disk::real::RealDisk;
use parlance_storage::log::{AttachError, Log, Options, Position, ReadError, Refused};
use parlance_storage::{DiskError, Engine, EngineReader, Reader};
use std::path::Path;

const OPTIONS: Options =
    Options { segment_bytes: 20_000, quota_bytes: 1 << 30, batch_bytes: 40_000 };

type Open = fn(&Path, Options) -> Box<dyn Engine>;
type OpenBoth = fn(&Path) -> (Box<dyn Engine>, Box<dyn EngineReader>);

fn segments(path: &Path, options: Options) -> Box<dyn Engine> {
    let disk: Result<RealDisk, DiskError> = RealDisk::open(path);
    Box::new(Log::open(disk.unwrap(), options).unwrap().0)
}

#[cfg(feature = "sled")]
fn sled(path: &Path, options: Options) -> Box<dyn Engine> {
    Box::new(parlance_storage::engine::sled::SledLog::open(path, options).unwrap())
}

/// Does it with each engine, in a folder of its own.
fn each(test: fn(Open, &Path)) {
    let engines: &[Open] = &[
        segments,
        #[cfg(feature = "sled")]
        sled,
    ];
    for open in engines {
        test(*open, tempfile::tempdir().unwrap().path());
    }
}

fn read(engine: &mut dyn Engine, taken: Position) -> Vec<(Position, Record)> {
    let mut found = Vec::new();
    engine.read_all(taken, &mut |entry| found.push((entry.position, entry.to_record(0)))).unwrap();
    found
}

#[test]
fn what_is_committed_lasts_in_order() {
    each(|open, path| {
        let mut expected = Vec::new();
        for life in 0..3 {
            let mut engine = open(path, OPTIONS);
            assert_eq!(read(&mut *engine, Position(0)), expected);
            for number in 0..50 {
                let record = message(life * 50 + number, 400);
                expected.push((engine.append(0, &record).unwrap(), record));
                if number % 7 == 0 {
                    engine.commit().unwrap();
                }
            }
            let durable = engine.mark().unwrap();
            assert!(durable >= expected.last().unwrap().0);
            let rising = expected.is_sorted_by(|a, b| a.0 < b.0);
            assert!(rising, "positions rise");
        }
    });
}

/// An engine and a reader of the log that it begins.
fn begun() -> Vec<OpenBoth> {
    vec![
        |path| {
            let reader = || RealDisk::open_for_reading(path).unwrap();
            (segments(path, OPTIONS), Box::new(Reader::new(reader(), Position(0))))
        },
        |_| {
            let disk = MemoryDisk::new();
            let (log, _) = Log::open(disk.clone(), OPTIONS).unwrap();
            (Box::new(log), Box::new(Reader::new(disk, Position(0))))
        },
        #[cfg(feature = "sled")]
        |path| {
            let log = parlance_storage::engine::sled::SledLog::open(path, OPTIONS).unwrap();
            let reader = log.reader(Position(0));
            (Box::new(log), Box::new(reader))
        },
    ]
}

#[test]
fn a_reader_follows_the_writer() {
    for open in begun() {
        let folder = tempfile::tempdir().unwrap();
        let (mut engine, mut reader) = open(folder.path());
        let stored = engine.attach("stored", Position(0)).unwrap();
        let mut found = Vec::new();
        for number in 0..300 {
            engine.append(0, &message(number, 3000)).unwrap();
            if number % 9 != 0 {
                continue;
            }
            let durable = engine.commit().unwrap();
            while reader.taken() < durable {
                let batch = reader.read(durable).unwrap();
                found.extend(batch.entries.iter().map(|entry| entry.to_record(0)));
            }
            assert_eq!(reader.read(durable).unwrap().entries, []);
            engine.advance(stored, durable);
            engine.trim().unwrap();
        }
        assert!(found.len() > 290);
        let all = (0..found.len() as u64).map(|number| message(number, 3000));
        assert!(found.iter().cloned().eq(all));
        // It may go back as far as the log reaches, and is told when that is not far enough.
        let marks = engine.watermarks();
        reader.seek(marks.durable.previous());
        assert_eq!(reader.read(marks.durable).unwrap().last, marks.durable);
        reader.seek(Position(0));
        let error = reader.read(marks.durable).unwrap_err();
        let wanted = Position(1);
        assert_eq!(error, ReadError::Trimmed { wanted, oldest: marks.oldest });
    }
}

#[test]
fn what_is_not_committed_is_not_read() {
    each(|open, path| {
        let mut engine = open(path, OPTIONS);
        engine.append(0, &message(1, 10)).unwrap();
        assert_eq!(read(&mut *engine, Position(0)), []);
        let marks = engine.watermarks();
        assert_eq!((marks.appended, marks.durable), (Position(1), Position(0)));
        assert_eq!(engine.commit(), Ok(Position(1)));
        assert_eq!(read(&mut *engine, Position(0)), [(Position(1), message(1, 10))]);
        assert_eq!(read(&mut *engine, Position(1)), []);
    });
}

#[test]
fn a_trim_keeps_what_somebody_has_not_taken() {
    each(|open, path| {
        let mut engine = open(path, OPTIONS);
        let stored = engine.attach("stored", Position(0)).unwrap();
        for number in 0..200 {
            engine.append(0, &message(number, 400)).unwrap();
            engine.commit().unwrap();
        }
        let all = read(&mut *engine, Position(0));
        let taken = all[120].0;
        engine.advance(stored, taken);
        engine.trim().unwrap();
        let oldest = engine.watermarks().oldest;
        assert!(oldest > Position(1) && oldest <= taken.next());
        assert_eq!(read(&mut *engine, taken), all[121..]);
        let gone = engine.read_all(Position(0), &mut |_| ()).unwrap_err();
        assert_eq!(gone, ReadError::Trimmed { wanted: Position(1), oldest });
        drop(engine);
        let mut engine = open(path, OPTIONS);
        let behind = AttachError::Behind { reader: Position(0), oldest };
        assert_eq!(engine.attach("stored", Position(0)), Err(behind));
        let durable = engine.watermarks().durable;
        let ahead = AttachError::Ahead { reader: durable.next(), durable };
        assert_eq!(engine.attach("stored", durable.next()), Err(ahead));
        assert!(engine.attach("stored", taken).is_ok());
        assert_eq!(read(&mut *engine, taken), all[121..]);
    });
}

#[test]
fn bounds_are_refused() {
    each(|open, path| {
        let mut engine = open(path, OPTIONS);
        assert_eq!(engine.append(0, &message(1, 1 << 20)), Err(Refused::TooLong));
        for number in 1.. {
            match engine.append(0, &message(number, 4000)) {
                Ok(_) => assert!(number < 11, "a commit has a bound"),
                Err(refused) => {
                    assert_eq!(refused, Refused::BatchFull);
                    break;
                }
            }
        }
        engine.commit().unwrap();
        drop(engine);
        let mut engine = open(path, Options { quota_bytes: 1000, ..OPTIONS });
        assert_eq!(engine.append(0, &message(1, 500)), Err(Refused::Full));
        assert!(engine.watermarks().is_alarm);
    });
}
