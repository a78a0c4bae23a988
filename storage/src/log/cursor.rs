//! Who has taken how much: nothing that somebody has not taken is removed.

use super::Position;
use super::error::AttachError;

/// Most readers of one log: the store, the recorder, and as many again.
pub const CURSORS_MAX: usize = 4;

/// A reader's place among the log's cursors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CursorId(usize);

/// The cursors. They are not kept on disk: a reader keeps its own position, in the transaction that
/// holds what it has taken, and tells it when it attaches.
#[derive(Debug, Default)]
pub(crate) struct Cursors {
    all: Vec<(&'static str, Position)>,
}

impl Cursors {
    /// Adds a reader that has taken everything up to `taken`.
    ///
    /// # Panics
    /// When the name is in use or there are [`CURSORS_MAX`]: readers are part of the program.
    pub fn attach(
        &mut self,
        name: &'static str,
        taken: Position,
        oldest: Position,
        durable: Position,
    ) -> Result<CursorId, AttachError> {
        assert!(self.all.len() < CURSORS_MAX, "the program has no more than {CURSORS_MAX} readers");
        assert!(self.all.iter().all(|(other, _)| *other != name), "{name} is attached already");
        if taken > durable {
            return Err(AttachError::Ahead { reader: taken, durable });
        }
        if taken.next() < oldest {
            return Err(AttachError::Behind { reader: taken, oldest });
        }
        self.all.push((name, taken));
        Ok(CursorId(self.all.len() - 1))
    }

    /// Moves a cursor on.
    pub fn advance(&mut self, cursor: CursorId, taken: Position, durable: Position) {
        let (name, at) = &mut self.all[cursor.0];
        assert!(taken >= *at, "{name} goes back from {at} to {taken}");
        assert!(taken <= durable, "{name} takes {taken}, of {durable} that are durable");
        *at = taken;
    }

    /// Up to where everybody has taken; `None` without readers.
    pub fn slowest(&self) -> Option<Position> {
        self.all.iter().map(|(_, taken)| *taken).min()
    }

    pub fn iter(&self) -> impl Iterator<Item = (&'static str, Position)> {
        self.all.iter().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slowest_counts() {
        let mut cursors = Cursors::default();
        assert_eq!(cursors.slowest(), None);
        let (oldest, durable) = (Position(5), Position(9));
        let stored = cursors.attach("stored", Position(4), oldest, durable).unwrap();
        let recorded = cursors.attach("recorded", Position(9), oldest, durable).unwrap();
        assert_eq!(cursors.slowest(), Some(Position(4)));
        cursors.advance(stored, Position(7), durable);
        cursors.advance(recorded, Position(9), durable);
        assert_eq!(cursors.slowest(), Some(Position(7)));
    }

    #[test]
    fn a_cursor_of_another_log_is_refused() {
        let mut cursors = Cursors::default();
        let (oldest, durable) = (Position(5), Position(9));
        let ahead = AttachError::Ahead { reader: Position(10), durable };
        assert_eq!(cursors.attach("stored", Position(10), oldest, durable), Err(ahead));
        let behind = AttachError::Behind { reader: Position(3), oldest };
        assert_eq!(cursors.attach("stored", Position(3), oldest, durable), Err(behind));
    }

    #[test]
    #[should_panic(expected = "goes back")]
    fn a_cursor_does_not_go_back() {
        let mut cursors = Cursors::default();
        let stored = cursors.attach("stored", Position(4), Position(1), Position(9)).unwrap();
        cursors.advance(stored, Position(3), Position(9));
    }
}
