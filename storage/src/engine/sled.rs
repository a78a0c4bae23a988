//! sled 0.34 as an engine.
//!
//! **It loses acknowledged messages when power is lost.** sled syncs ranges of its file and not the
//! file's length. Until the file system writes the length of its own accord, which takes seconds in
//! a file that grows, everything since is gone after power loss, and sled opens without a word. In
//! 38 of 38 measured runs it lost every acknowledged record. A killed process loses nothing.
//!
//! Nor does it find damage as [`crate::log`] does, know a torn tail from a lost one, or give space
//! back soon after a trim. It uses several times the CPU and writes some five times the bytes. Its
//! threads and files are its own: none of this can run in the simulator.

use super::{Engine, EngineReader};
use crate::disk::{Cause, DiskError, Operation};
use crate::log::cursor::Cursors;
use crate::log::quota::Quota;
use crate::log::record::{self, Buffer, Head};
use crate::log::{
    AttachError, Batch, CursorId, Entry, Fatal, Options, Place, Position, ReadError, Refused,
    Watermarks,
};
use parlance_core::Record;
use sled::{Config, Db};
use std::path::{Path, PathBuf};

/// Seed of the records' checksums: there are no segments.
const SEED: u32 = 0;
/// How much a batch of a reader takes, at most, unless a single record is longer, in bytes.
const BATCH_BYTES: usize = 512 * 1024;

/// A log in a sled tree: positions as keys, records as values.
#[derive(Debug)]
pub struct SledLog {
    db: Db,
    path: PathBuf,
    options: Options,
    batch: sled::Batch,
    waiting_bytes: u64,
    oldest: Position,
    appended: Position,
    durable: Position,
    cursors: Cursors,
    quota: Quota,
    poison: Option<DiskError>,
}

impl SledLog {
    /// Opens the log in a folder, or begins one. `options.segment_bytes` has no meaning here.
    ///
    /// # Errors
    /// Whatever sled says; much that is lost it does not say.
    pub fn open(path: &Path, options: Options) -> Result<SledLog, DiskError> {
        let failed = |error| failure(Operation::Open, path, &error);
        let db = Config::new().path(path).flush_every_ms(None).open().map_err(failed)?;
        let last = db.last().map_err(failed)?.map_or(Position(0), |(key, _)| position(&key));
        let oldest = db.first().map_err(failed)?.map_or(last.next(), |(key, _)| position(&key));
        Ok(SledLog {
            db,
            path: path.to_owned(),
            options,
            batch: sled::Batch::default(),
            waiting_bytes: 0,
            oldest,
            appended: last,
            durable: last,
            cursors: Cursors::default(),
            quota: Quota::new(options.quota_bytes),
            poison: None,
        })
    }

    fn used_bytes(&self) -> u64 {
        self.db.size_on_disk().unwrap_or(0) + self.waiting_bytes
    }

    fn settle<T>(&mut self, operation: Operation, result: sled::Result<T>) -> Result<T, Fatal> {
        result.map_err(|error| {
            let error = failure(operation, &self.path, &error);
            self.poison = Some(error.clone());
            Fatal(error)
        })
    }

    /// A reader beside the writer that has taken everything up to `taken`.
    pub fn reader(&self, taken: Position) -> SledReader {
        let (db, path) = (self.db.clone(), self.path.clone());
        SledReader { db, path, taken, bytes: Buffer::new() }
    }
}

impl Engine for SledLog {
    fn append(&mut self, term: u64, record: &Record) -> Result<Position, Refused> {
        if self.poison.is_some() {
            return Err(Refused::Poisoned);
        }
        if record::is_too_long(record) {
            return Err(Refused::TooLong);
        }
        let bytes_bound = record::bytes_bound(record) as u64;
        if !self.quota.admits(self.used_bytes(), bytes_bound) {
            return Err(Refused::Full);
        }
        let is_over = self.waiting_bytes + bytes_bound > self.options.batch_bytes as u64;
        if is_over && self.waiting_bytes > 0 {
            return Err(Refused::BatchFull);
        }
        let position = self.appended.next();
        let mut bytes = Buffer::new();
        record::encode(
            &mut bytes,
            &Head::message(term, record, position, self.durable),
            Some(record),
        );
        record::finish(&mut bytes, SEED, false);
        self.batch.insert(&position.0.to_be_bytes(), bytes.as_slice());
        self.waiting_bytes += bytes.len() as u64;
        self.appended = position;
        Ok(position)
    }

    fn commit(&mut self) -> Result<Position, Fatal> {
        if let Some(error) = &self.poison {
            return Err(Fatal(error.clone()));
        }
        if self.durable < self.appended {
            let applied = self.db.apply_batch(std::mem::take(&mut self.batch));
            self.settle(Operation::Write, applied)?;
            let flushed = self.db.flush();
            self.settle(Operation::Sync, flushed)?;
            self.waiting_bytes = 0;
            self.durable = self.appended;
        }
        Ok(self.durable)
    }

    /// There are no marks: the same as a commit.
    fn mark(&mut self) -> Result<Position, Fatal> {
        self.commit()
    }

    fn attach(&mut self, name: &'static str, taken: Position) -> Result<CursorId, AttachError> {
        self.cursors.attach(name, taken, self.oldest, self.durable)
    }

    fn advance(&mut self, cursor: CursorId, taken: Position) {
        self.cursors.advance(cursor, taken, self.durable);
    }

    /// Removes what everybody has taken but the last record, which keeps the positions going.
    /// sled gives the space back when it pleases: the answer is 0 unless it did so at once. A
    /// removal that a crash undoes is done again.
    fn trim(&mut self) -> Result<u64, Fatal> {
        self.commit()?;
        let Some(slowest) = self.cursors.slowest() else { return Ok(0) };
        let kept_from = slowest.next().min(self.durable);
        if kept_from <= self.oldest {
            return Ok(0);
        }
        let before_bytes = self.used_bytes();
        let mut batch = sled::Batch::default();
        for position in self.oldest.0..kept_from.0 {
            batch.remove(&position.to_be_bytes());
        }
        let removed = self.db.apply_batch(batch);
        self.settle(Operation::Remove, removed)?;
        self.oldest = kept_from;
        Ok(before_bytes.saturating_sub(self.used_bytes()))
    }

    fn watermarks(&self) -> Watermarks {
        let used_bytes = self.used_bytes();
        Watermarks {
            oldest: self.oldest,
            appended: self.appended,
            durable: self.durable,
            cursors: self.cursors.iter().collect(),
            used_bytes,
            limit_bytes: self.quota.limit_bytes(),
            is_alarm: self.quota.is_alarm(used_bytes),
        }
    }

    fn read_all(
        &mut self,
        taken: Position,
        act: &mut dyn FnMut(&Entry<'_>),
    ) -> Result<(), ReadError> {
        let mut reader = self.reader(taken);
        while reader.taken < self.durable {
            reader.read(self.durable)?.entries.iter().for_each(&mut *act);
        }
        Ok(())
    }
}

/// Reads the tree beside its writer.
#[derive(Debug)]
pub struct SledReader {
    db: Db,
    path: PathBuf,
    taken: Position,
    /// The records of a batch.
    bytes: Buffer,
}

impl SledReader {
    /// Gets records up to `durable` into memory, as many as a batch holds, one at least.
    fn load(&mut self, durable: Position) -> Result<(), ReadError> {
        let path = &self.path;
        let failed = |e| ReadError::Disk(failure(Operation::Read, path, &e));
        let wanted = self.taken.next();
        let first = self.db.first().map_err(failed)?;
        let oldest = first.map_or(durable.next(), |(key, _)| position(&key));
        if wanted < oldest {
            return Err(ReadError::Trimmed { wanted, oldest });
        }
        self.bytes.clear();
        for item in self.db.range(wanted.0.to_be_bytes()..durable.next().0.to_be_bytes()) {
            let (_, record) = item.map_err(failed)?;
            if !self.bytes.is_empty() && self.bytes.len() + record.len() > BATCH_BYTES {
                break;
            }
            self.bytes.extend_from_slice(&record);
        }
        Ok(())
    }
}

impl EngineReader for SledReader {
    fn taken(&self) -> Position {
        self.taken
    }

    fn seek(&mut self, taken: Position) {
        self.taken = taken;
    }

    fn read(&mut self, durable: Position) -> Result<Batch<'_>, ReadError> {
        if self.taken >= durable {
            return Ok(Batch { entries: Vec::new(), last: self.taken });
        }
        self.load(durable)?;
        let (mut entries, mut last, mut rest) = (Vec::new(), self.taken, self.bytes.as_slice());
        while last == self.taken || !rest.is_empty() {
            let expected = last.next();
            let damaged = |found: String| {
                let place = Place { segment: self.path.display().to_string(), offset: expected.0 };
                ReadError::Damaged { place, position: expected, found }
            };
            let raw = record::parse(rest, SEED).map_err(|fault| damaged(fault.to_string()))?;
            let head = raw.head().map_err(|e| damaged(format!("kind {}", e.kind)))?;
            if head.position != expected {
                return Err(damaged(format!("record {}", head.position)));
            }
            entries.push(raw.message(&head).ok_or_else(|| damaged("no message".into()))?);
            (last, rest) = (expected, &rest[raw.extent()..]);
        }
        self.taken = last;
        Ok(Batch { entries, last })
    }
}

/// # Panics
/// When the key is none of ours: the folder belongs to something else.
fn position(key: &[u8]) -> Position {
    Position(u64::from_be_bytes(key.try_into().expect("keys are positions of eight bytes")))
}

fn failure(operation: Operation, path: &Path, error: &sled::Error) -> DiskError {
    let cause = match error {
        sled::Error::Io(error) => Cause::Other(error.raw_os_error().unwrap_or(0)),
        _ => Cause::Device,
    };
    DiskError { operation, file: path.display().to_string(), cause }
}
