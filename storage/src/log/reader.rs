//! Reads the log beside its writer: recovery of rooms, the flusher, the recorder.

use super::Position;
use super::error::{Place, ReadError};
use super::record::{self, Entry, HEAD_BYTES, Kind};
use super::segment::{self, HEADER_BYTES, Header, Name};
use super::window::Window;
use crate::disk::{Cause, Disk};

/// How much a batch takes, at most, unless a single record is longer, in bytes.
const BATCH_BYTES: usize = 512 * 1024;

/// The segment a reader is in.
#[derive(Debug)]
struct Current {
    first: Position,
    seed: u32,
    /// Of the record that comes next.
    offset: u64,
}

/// A reader with a place of its own in the log.
///
/// It shares nothing with the [`super::Log`] but the files: it has its own handle on the disk, may
/// run in another thread, and is told up to where records are durable. Memory is bounded by one
/// batch. Each record is checked when it is read, by checksum and by the form of its payload.
#[derive(Debug)]
pub struct Reader<D> {
    disk: D,
    window: Window,
    taken: Position,
    current: Option<Current>,
}

/// Some records in a row.
#[derive(Debug)]
pub struct Batch<'a> {
    /// The messages among them, in order.
    pub entries: Vec<Entry<'a>>,
    /// The last record, message or not: where the reader stands when it has taken the batch.
    pub last: Position,
}

impl<D: Disk> Reader<D> {
    /// A reader that has taken everything up to `taken`; with 0 it begins at the log's beginning.
    pub fn new(disk: D, taken: Position) -> Reader<D> {
        Reader { disk, window: Window::new(BATCH_BYTES), taken, current: None }
    }

    /// The last record handed out.
    pub fn taken(&self) -> Position {
        self.taken
    }

    /// Goes to another place, for example back to what could not be stored.
    pub fn seek(&mut self, taken: Position) {
        self.taken = taken;
        self.current = None;
    }

    /// The next records up to `durable`, some 512 KiB of them at most. When there are none, `last`
    /// is where the reader stands. There may be no message in a batch that goes on.
    ///
    /// # Errors
    /// See [`ReadError`]. The reader stays where it is.
    pub fn read(&mut self, durable: Position) -> Result<Batch<'_>, ReadError> {
        if self.taken >= durable {
            return Ok(Batch { entries: Vec::new(), last: self.taken });
        }
        if self.current.is_none() {
            self.locate()?;
        }
        self.load()?;
        let Some(current) = &mut self.current else { unreachable!("located above") };
        let mut entries = Vec::new();
        let mut last = self.taken;
        let mut offset = current.offset;
        let mut is_sealed = false;
        while last < durable && !is_sealed {
            let bytes = self.window.held(offset);
            // The window ends within a record; what is missing comes with the next batch.
            let is_whole = record::extent(bytes).is_ok_and(|extent| extent <= bytes.len());
            if !is_whole && last > self.taken {
                break;
            }
            let place = || Place { segment: segment::name(current.first), offset };
            let damaged = |found: String| {
                let (place, position) = (place(), last.next());
                ReadError::Damaged { place, position, found }
            };
            let raw = record::parse(bytes, current.seed).map_err(|e| damaged(e.to_string()))?;
            let head = raw.head().map_err(|e| damaged(format!("kind {}", e.kind)))?;
            if head.position != last.next() {
                return Err(damaged(format!("record {}", head.position)));
            }
            if head.kind == Kind::Message {
                let entry = raw.message(&head).ok_or_else(|| damaged("no message".into()))?;
                entries.push(entry);
            }
            is_sealed = head.kind == Kind::Seal;
            offset += raw.extent() as u64;
            last = head.position;
        }
        assert!(last > self.taken, "each batch goes on");
        assert!(last <= durable, "nothing is handed out that is not durable");
        assert!(offset > current.offset, "each record takes some room");
        assert!(entries.len() as u64 <= last.0 - self.taken.0, "a position holds one message");
        current.offset = offset;
        self.taken = last;
        if is_sealed {
            self.current = None;
        }
        Ok(Batch { entries, last })
    }

    /// Reads everything up to `durable` with a batch's memory.
    ///
    /// # Errors
    /// See [`Reader::read`]; what was handed to `act` before stays handed out.
    pub fn read_all(
        &mut self,
        durable: Position,
        mut act: impl FnMut(&Entry<'_>),
    ) -> Result<(), ReadError> {
        while self.taken < durable {
            self.read(durable)?.entries.iter().for_each(&mut act);
        }
        Ok(())
    }

    /// Gets the next record, and what follows it, into memory.
    ///
    /// What was there before is read anew: it may have been caught in the middle of a write.
    fn load(&mut self) -> Result<(), ReadError> {
        let Some(current) = &self.current else { unreachable!("located by the caller") };
        self.window.turn_to(&segment::name(current.first));
        let offset = current.offset;
        let head = self.window.at(&mut self.disk, offset, HEAD_BYTES)?;
        if let Ok(extent) = record::extent(head) {
            self.window.at(&mut self.disk, offset, extent)?;
        }
        Ok(())
    }

    /// Finds the segment and the offset of the next record.
    fn locate(&mut self) -> Result<(), ReadError> {
        let wanted = self.taken.next();
        let mut firsts = Vec::new();
        for file in self.disk.list()? {
            if let Name::Segment(first) = segment::read_name(&file) {
                firsts.push(first);
            }
        }
        let first = firsts.iter().copied().filter(|first| *first <= wanted).max();
        let oldest = firsts.iter().copied().min().unwrap_or(wanted.next());
        let Some(first) = first else { return Err(ReadError::Trimmed { wanted, oldest }) };
        assert!(first <= wanted, "the segment begins no later than what is wanted");
        match self.open(first, wanted) {
            // It was there a moment ago.
            Err(ReadError::Disk(error)) if error.cause == Cause::NotFound => {
                Err(ReadError::Trimmed { wanted, oldest: first.next() })
            }
            result => result,
        }
    }

    /// Opens a segment and passes over the records before `wanted`.
    fn open(&mut self, first: Position, wanted: Position) -> Result<(), ReadError> {
        let name = segment::name(first);
        self.window.turn_to(&name);
        let header = self.window.at(&mut self.disk, 0, HEADER_BYTES)?;
        let damaged = |offset: u64, position: Position, found: String| {
            let place = Place { segment: name.clone(), offset };
            ReadError::Damaged { place, position, found }
        };
        let (_, seed) =
            Header::decode(header, first).map_err(|e| damaged(0, first, e.to_string()))?;
        let mut offset = HEADER_BYTES as u64;
        let mut position = first;
        while position < wanted {
            let raw = match self.window.record(&mut self.disk, offset, seed)? {
                Ok(Some(raw)) if raw.position() == position => raw,
                Ok(Some(raw)) => {
                    return Err(damaged(offset, position, format!("record {}", raw.position())));
                }
                Ok(None) => return Err(damaged(offset, position, "the end of the file".into())),
                Err(fault) => return Err(damaged(offset, position, fault.to_string())),
            };
            offset += raw.extent() as u64;
            position = position.next();
        }
        assert_eq!(position, wanted, "each record before it was passed over");
        self.current = Some(Current { first, seed, offset });
        Ok(())
    }
}
