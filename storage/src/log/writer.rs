//! The log as its one writer sees it.

use super::cursor::{CursorId, Cursors};
use super::error::{AttachError, Fatal, OpenError, Refused};
use super::quota::Quota;
use super::record::{self, ALIGNMENT, Buffer, Head, Kind};
use super::recovery::{self, Recovered, Survey};
use super::segment::{self, HEADER_BYTES, Header};
use super::{Options, Position, Reader, Segment, Watermarks};
use crate::disk::{Disk, DiskError};
use parlance_core::Record;
use std::collections::VecDeque;

/// The commit log of a server. There is one writer; readers are [`super::Reader`]s.
#[derive(Debug)]
pub struct Log<D> {
    disk: D,
    options: Options,
    /// Oldest first; the last one is written.
    segments: VecDeque<Segment>,
    /// Bytes of all of them.
    written_bytes: u64,
    /// Seed of the last segment's records.
    seed: u32,
    /// Of all its records; for its seal.
    digest: u32,
    batch: Buffer,
    /// Where the last record of the batch starts in it.
    last_start: usize,
    appended: Position,
    durable: Position,
    /// Is the last record a mark, so that everything before it is known to be durable?
    is_marked: bool,
    kept_from: Position,
    cursors: Cursors,
    quota: Quota,
    poison: Option<DiskError>,
}

impl<D: Disk> Log<D> {
    /// Opens the log on `disk`, or begins one; cuts and reports what a crash left unfinished.
    ///
    /// Everything that is there afterwards is durable. Reads each segment once, with bounded
    /// memory; a [`super::Reader`] then hands out what rooms are rebuilt from.
    ///
    /// # Errors
    /// See [`OpenError`]: each one is loud, and leaves the files as they are, except that a failing
    /// disk may stop it between two steps that can be repeated.
    ///
    /// # Panics
    /// When an option is 0.
    pub fn open(mut disk: D, options: Options) -> Result<(Log<D>, Recovered), OpenError> {
        assert!(options.segment_bytes > 0, "a segment holds something");
        assert!(options.quota_bytes > 0, "a log holds something");
        assert!(options.batch_bytes > 0, "a commit holds something");
        let survey = recovery::survey(&mut disk)?;
        recovery::repair(&mut disk, &survey)?;
        let Survey { segments, seed, digest, is_marked, kept_from, recovered, .. } = survey;
        let mut log = Log {
            disk,
            options,
            segments: segments.into(),
            written_bytes: recovered.bytes,
            seed,
            digest,
            batch: Buffer::new(),
            last_start: 0,
            appended: recovered.last,
            durable: recovered.last,
            is_marked,
            kept_from,
            cursors: Cursors::default(),
            quota: Quota::new(options.quota_bytes),
            poison: None,
        };
        if log.segments.is_empty() {
            assert_eq!(recovered.last, Position(0), "records lie in segments");
            let header = Header { first: Position(1), previous_bytes: 0, previous_crc: 0 };
            log.seed = log.create(&header)?;
        }
        log.observe_disk();
        log.assert_consistent();
        Ok((log, recovered))
    }

    /// Takes a message into the next commit and says where it will stand. `term` is the ownership
    /// period of its room; 0 on a single server.
    ///
    /// # Errors
    /// See [`Refused`]. The log is as if it had not been asked.
    pub fn append(&mut self, term: u64, record: &Record) -> Result<Position, Refused> {
        if self.poison.is_some() {
            return Err(Refused::Poisoned);
        }
        if record::is_too_long(record) {
            return Err(Refused::TooLong);
        }
        let bytes_bound = record::bytes_bound(record);
        if !self.quota.admits(self.used_bytes(), bytes_bound as u64) {
            return Err(Refused::Full);
        }
        // A record that is longer than a batch may be goes alone.
        let is_over = self.batch.len() + bytes_bound > self.options.batch_bytes;
        if is_over && !self.batch.is_empty() {
            return Err(Refused::BatchFull);
        }
        let start = self.batch.len();
        let head = Head::message(term, record, self.appended.next(), self.durable);
        self.push(head, Some(record));
        assert!(self.batch.len() - start <= bytes_bound, "the bound holds");
        Ok(self.appended)
    }

    /// Makes everything appended durable, with one write and one sync; returns the new durable
    /// position. What is appended while it runs belongs to the next one.
    ///
    /// A commit that fills its segment also makes the next segment.
    ///
    /// # Errors
    /// [`Fatal`]: end the process. What was appended since the last commit is in the log or not.
    pub fn commit(&mut self) -> Result<Position, Fatal> {
        self.check()?;
        if self.batch.is_empty() {
            return Ok(self.durable);
        }
        let result = self.write_batch();
        self.settle(result)?;
        assert!(self.durable < self.appended, "a commit makes something durable");
        self.durable = self.appended;
        self.observe_disk();
        self.assert_consistent();
        Ok(self.durable)
    }

    /// Commits, then writes down that everything is durable. To be called in quiet moments and at
    /// the end: should the last records go bad afterwards, that will be noticed (see the module
    /// `recovery`). Does nothing when nothing has been committed since the last mark.
    ///
    /// # Errors
    /// [`Fatal`], as from [`Log::commit`].
    pub fn mark(&mut self) -> Result<Position, Fatal> {
        self.commit()?;
        if !self.is_marked && self.durable > Position(0) {
            self.push_control(Kind::Mark, 0);
            self.commit()?;
        }
        Ok(self.durable)
    }

    /// Adds a reader that has taken everything up to `taken`: nothing beyond that is removed
    /// before it has taken that too. Its position is its own to keep, best in the transaction that
    /// holds what it has taken.
    ///
    /// # Errors
    /// See [`AttachError`]: log and reader do not belong together, or one of them has lost
    /// something that was durable. To be told loudly.
    ///
    /// # Panics
    /// When there is a reader of that name.
    pub fn attach(&mut self, name: &'static str, taken: Position) -> Result<CursorId, AttachError> {
        self.cursors.attach(name, taken, self.oldest(), self.durable)
    }

    /// A reader has taken everything up to `taken`.
    ///
    /// # Panics
    /// When that goes back, or beyond what is durable.
    pub fn advance(&mut self, cursor: CursorId, taken: Position) {
        self.cursors.advance(cursor, taken, self.durable);
    }

    /// Removes the segments that every reader has taken, the one being written excepted. Without
    /// readers nothing is removed. Returns how many bytes became free.
    ///
    /// Before it removes anything it writes down and commits that it will, together with what was
    /// appended: a segment that is missing without that is noticed.
    ///
    /// # Errors
    /// [`Fatal`], as from [`Log::commit`].
    pub fn trim(&mut self) -> Result<u64, Fatal> {
        self.check()?;
        let Some(slowest) = self.cursors.slowest() else { return Ok(0) };
        let wanted = slowest.next();
        let kept = self.segments.iter().map(|segment| segment.first);
        let kept_from = kept.filter(|first| *first <= wanted).max().unwrap_or(self.oldest());
        assert!(kept_from <= wanted, "what somebody has not taken is kept");
        if kept_from > self.kept_from {
            self.push_control(Kind::Trim, kept_from.0);
            self.commit()?;
            self.kept_from = kept_from;
        }
        let result = self.remove_before(kept_from);
        let freed_bytes = self.settle(result)?;
        self.observe_disk();
        Ok(freed_bytes)
    }

    /// A reader on this log's own disk, for example to rebuild rooms from before anything else
    /// goes on. Readers beside the log have a disk of their own.
    pub fn reader(&mut self, taken: Position) -> Reader<&mut D> {
        Reader::new(&mut self.disk, taken)
    }

    /// How far what has come.
    pub fn watermarks(&self) -> Watermarks {
        Watermarks {
            oldest: self.oldest(),
            appended: self.appended,
            durable: self.durable,
            cursors: self.cursors.iter().collect(),
            used_bytes: self.used_bytes(),
            limit_bytes: self.quota.limit_bytes(),
            is_alarm: self.quota.is_alarm(self.used_bytes()),
        }
    }

    /// The last record that survives power loss.
    pub fn durable(&self) -> Position {
        self.durable
    }

    /// Bytes that wait for the next commit.
    pub fn waiting_bytes(&self) -> usize {
        self.batch.len()
    }

    fn oldest(&self) -> Position {
        self.segments.front().expect("an open log has a segment").first
    }

    fn used_bytes(&self) -> u64 {
        self.written_bytes + self.batch.len() as u64
    }

    fn observe_disk(&mut self) {
        self.quota.observe(self.written_bytes, self.disk.available_bytes());
    }

    fn push_control(&mut self, kind: Kind, number: u64) {
        assert!(self.poison.is_none(), "the callers look first");
        let head = Head::control(kind, number, self.appended.next(), self.durable);
        self.push(head, None);
    }

    fn push(&mut self, mut head: Head, record: Option<&Record>) {
        if !self.batch.is_empty() {
            self.finish_last(false);
        }
        if head.kind == Kind::Seal {
            head.number = u64::from(self.digest);
        }
        self.last_start = self.batch.len();
        record::encode(&mut self.batch, &head, record);
        self.appended = head.position;
        self.is_marked = head.kind.leaves_marked(self.is_marked);
    }

    /// Gives the last record of the batch its checksum, and returns it.
    fn finish_last(&mut self, is_end_of_batch: bool) -> u32 {
        let crc = record::finish(&mut self.batch[self.last_start..], self.seed, is_end_of_batch);
        self.digest = record::digest(self.digest, crc);
        crc
    }

    /// Writes and syncs the batch; goes over to a new segment if this one is full with it.
    fn write_batch(&mut self) -> Result<(), DiskError> {
        let tail = *self.segments.back().expect("an open log has a segment");
        let is_full = tail.bytes + self.batch.len() as u64 >= self.options.segment_bytes;
        if is_full {
            self.push_control(Kind::Seal, 0);
        }
        let crc = self.finish_last(true);
        let bytes = tail.bytes + self.batch.len() as u64;
        // The successor comes first: a seal without one means that it has been lost.
        let seed = if is_full {
            let first = self.appended.next();
            let header = Header { first, previous_bytes: bytes, previous_crc: crc };
            Some(self.create(&header)?)
        } else {
            None
        };
        let name = segment::name(tail.first);
        self.disk.write(&name, tail.bytes, &self.batch)?;
        self.disk.sync(&name)?;
        let sealed = self.segments.len() - 1 - usize::from(is_full);
        assert_eq!(self.segments[sealed].first, tail.first, "the batch went where it began");
        self.segments[sealed].bytes = bytes;
        self.written_bytes += self.batch.len() as u64;
        if let Some(seed) = seed {
            (self.seed, self.digest) = (seed, 0);
        }
        self.batch.clear();
        self.last_start = 0;
        Ok(())
    }

    /// Makes a segment that is there after power loss; returns the seed of its records.
    fn create(&mut self, header: &Header) -> Result<u32, DiskError> {
        let name = segment::name(header.first);
        let (bytes, seed) = header.encode();
        let is_next = self.segments.back().is_none_or(|tail| tail.first < header.first);
        assert!(is_next, "segments follow each other");
        self.disk.create(&name)?;
        self.disk.write(&name, 0, &bytes)?;
        self.disk.sync(&name)?;
        self.disk.sync_directory()?;
        self.segments.push_back(Segment { first: header.first, bytes: HEADER_BYTES as u64 });
        self.written_bytes += HEADER_BYTES as u64;
        Ok(seed)
    }

    /// Removes the segments before the one that begins with `kept_from`, oldest first, each for
    /// good before the next, so that no gap can appear.
    fn remove_before(&mut self, kept_from: Position) -> Result<u64, DiskError> {
        let mut freed_bytes = 0;
        while self.oldest() < kept_from {
            assert!(self.segments.len() > 1, "the segment being written is kept");
            self.disk.remove(&segment::name(self.oldest()))?;
            self.disk.sync_directory()?;
            let removed = self.segments.pop_front().expect("the log has an oldest segment");
            freed_bytes += removed.bytes;
            self.written_bytes -= removed.bytes;
        }
        Ok(freed_bytes)
    }

    /// What holds between two commits.
    fn assert_consistent(&self) {
        assert_eq!(self.appended, self.durable, "all is durable");
        assert!(self.batch.is_empty(), "nothing waits");
        let tail = self.segments.back().expect("an open log has a segment");
        assert!(tail.first <= self.appended.next(), "the last segment has been reached");
        assert!(tail.bytes >= HEADER_BYTES as u64, "it has its header");
        assert_eq!(tail.bytes % ALIGNMENT as u64, 0, "the next record starts aligned");
        assert!(self.kept_from <= self.appended.next(), "only what was there can be trimmed");
        assert!(self.oldest() <= self.kept_from, "only what was trimmed is gone");
    }

    fn check(&self) -> Result<(), Fatal> {
        self.poison.as_ref().map_or(Ok(()), |error| Err(Fatal(error.clone())))
    }

    /// Any failure is the last thing that happens to this log.
    fn settle<T>(&mut self, result: Result<T, DiskError>) -> Result<T, Fatal> {
        result.map_err(|error| {
            assert!(self.poison.is_none(), "nothing is tried after a failure");
            self.poison = Some(error.clone());
            Fatal(error)
        })
    }
}
