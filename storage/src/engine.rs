//! What the server needs of whatever keeps its log.
//!
//! [`Log`] is the engine. There is a second one behind the feature `sled`, for comparing; what it
//! loses is said in its module. Both pass the same tests (`tests/engine.rs`).

#[cfg(feature = "sled")]
pub mod sled;

use crate::disk::Disk;
use crate::log::{
    AttachError, Batch, CursorId, Entry, Fatal, Log, Position, ReadError, Reader, Refused,
    Watermarks,
};
use parlance_core::Record;

/// A log as its one writer sees it. The methods are those of [`Log`], and described there.
pub trait Engine: Send {
    /// See [`Log::append`].
    fn append(&mut self, term: u64, record: &Record) -> Result<Position, Refused>;

    /// See [`Log::commit`].
    fn commit(&mut self) -> Result<Position, Fatal>;

    /// See [`Log::mark`].
    fn mark(&mut self) -> Result<Position, Fatal>;

    /// See [`Log::attach`].
    fn attach(&mut self, name: &'static str, taken: Position) -> Result<CursorId, AttachError>;

    /// See [`Log::advance`].
    fn advance(&mut self, cursor: CursorId, taken: Position);

    /// See [`Log::trim`].
    fn trim(&mut self) -> Result<u64, Fatal>;

    /// See [`Log::watermarks`].
    fn watermarks(&self) -> Watermarks;

    /// Hands out the durable messages behind `taken`, in order.
    fn read_all(
        &mut self,
        taken: Position,
        act: &mut dyn FnMut(&Entry<'_>),
    ) -> Result<(), ReadError>;
}

/// A log as a reader beside its writer sees it. The methods are those of [`Reader`], and described
/// there.
pub trait EngineReader: Send {
    /// See [`Reader::taken`].
    fn taken(&self) -> Position;

    /// See [`Reader::seek`].
    fn seek(&mut self, taken: Position);

    /// See [`Reader::read`].
    fn read(&mut self, durable: Position) -> Result<Batch<'_>, ReadError>;
}

impl<D: Disk + Send> EngineReader for Reader<D> {
    fn taken(&self) -> Position {
        self.taken()
    }

    fn seek(&mut self, taken: Position) {
        self.seek(taken);
    }

    fn read(&mut self, durable: Position) -> Result<Batch<'_>, ReadError> {
        self.read(durable)
    }
}

impl<D: Disk + Send> Engine for Log<D> {
    fn append(&mut self, term: u64, record: &Record) -> Result<Position, Refused> {
        self.append(term, record)
    }

    fn commit(&mut self) -> Result<Position, Fatal> {
        self.commit()
    }

    fn mark(&mut self) -> Result<Position, Fatal> {
        self.mark()
    }

    fn attach(&mut self, name: &'static str, taken: Position) -> Result<CursorId, AttachError> {
        self.attach(name, taken)
    }

    fn advance(&mut self, cursor: CursorId, taken: Position) {
        self.advance(cursor, taken);
    }

    fn trim(&mut self) -> Result<u64, Fatal> {
        self.trim()
    }

    fn watermarks(&self) -> Watermarks {
        self.watermarks()
    }

    fn read_all(
        &mut self,
        taken: Position,
        act: &mut dyn FnMut(&Entry<'_>),
    ) -> Result<(), ReadError> {
        let durable = self.durable();
        self.reader(taken).read_all(durable, act)
    }
}
