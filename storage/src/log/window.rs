//! A stretch of a segment in memory, aligned so that records can be read in place.

use super::fault::Fault;
use super::record::{self, ALIGNMENT, Buffer, HEAD_BYTES, RECORD_BYTES_MAX, Raw};
use crate::disk::{Disk, DiskError};

/// What a read of the whole log takes at a time, in bytes: the longest record fits.
pub(super) const CHUNK_BYTES: usize = RECORD_BYTES_MAX + 64 * 1024;

/// Part of one file. Bounded by the larger of its chunk and the longest record.
#[derive(Debug)]
pub(super) struct Window {
    name: String,
    bytes: Buffer,
    /// How many of `bytes` were read.
    filled: usize,
    start: u64,
    chunk_bytes: usize,
}

impl Window {
    pub fn new(chunk_bytes: usize) -> Window {
        assert!(chunk_bytes >= HEAD_BYTES, "a record's head fits");
        Window { name: String::new(), bytes: Buffer::new(), filled: 0, start: 0, chunk_bytes }
    }

    /// Turns to a file, and forgets what was read before, also of the same file.
    pub fn turn_to(&mut self, name: &str) {
        name.clone_into(&mut self.name);
        self.forget();
    }

    /// Forgets what was read: the file may have grown since.
    pub fn forget(&mut self) {
        self.filled = 0;
        self.start = 0;
    }

    /// Bytes from `offset` on: at least `needed` of them, or all that the file has.
    pub fn at<D: Disk>(
        &mut self,
        disk: &mut D,
        offset: u64,
        needed: usize,
    ) -> Result<&[u8], DiskError> {
        assert_eq!(offset % ALIGNMENT as u64, 0, "records start aligned");
        let held = offset.checked_sub(self.start).and_then(|skip| usize::try_from(skip).ok());
        let has_it = held.is_some_and(|skip| skip + needed <= self.filled);
        if !has_it {
            self.fill(disk, offset, needed.max(self.chunk_bytes))?;
        }
        Ok(self.held(offset))
    }

    fn fill<D: Disk>(&mut self, disk: &mut D, at: u64, count: usize) -> Result<(), DiskError> {
        if self.bytes.len() < count {
            self.bytes.resize(count, 0);
        }
        self.forget();
        let found = disk.read(&self.name, at, &mut self.bytes[..count])?;
        assert!(found <= count, "a disk reads no more than asked");
        assert!(self.bytes.as_ptr().addr().is_multiple_of(ALIGNMENT), "payloads lie aligned");
        (self.start, self.filled) = (at, found);
        Ok(())
    }

    /// The record at `offset`, `None` at the end of the file, or why there is no record.
    pub fn record<D: Disk>(
        &mut self,
        disk: &mut D,
        offset: u64,
        seed: u32,
    ) -> Result<Result<Option<Raw<'_>>, Fault>, DiskError> {
        let head = self.at(disk, offset, HEAD_BYTES)?;
        if head.is_empty() {
            return Ok(Ok(None));
        }
        match record::extent(head) {
            Ok(extent) => Ok(record::parse(self.at(disk, offset, extent)?, seed).map(Some)),
            Err(fault) => Ok(Err(fault)),
        }
    }

    /// What is in memory from `offset` on.
    pub fn held(&self, offset: u64) -> &[u8] {
        let skip = offset.checked_sub(self.start).and_then(|skip| usize::try_from(skip).ok());
        skip.and_then(|skip| self.bytes[..self.filled].get(skip..)).unwrap_or_default()
    }
}
