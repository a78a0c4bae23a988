//! What message acts need of the rooms that are in use.

use parlance_wire::xccos::Guid;

/// The rooms of a running server: its shards, and the log behind them. Both may block for seconds;
/// they are called on the administration's thread.
pub trait Rooms: Send {
    /// Waits until the database has everything that was said in the room so far. Returns the number
    /// of the last message it has then, 0 where nobody keeps any in memory.
    ///
    /// # Errors
    /// Cause, effect, next step: the act is not begun then.
    fn settle(&self, room: Guid) -> Result<u64, String>;

    /// Makes the room's shard forget the messages up to this number that it keeps in memory: the
    /// database has others now.
    fn forget(&self, room: Guid, through: u64);
}

/// No room is in use.
#[cfg(test)]
#[derive(Debug, Clone, Copy)]
pub struct NoRooms;

#[cfg(test)]
impl Rooms for NoRooms {
    fn settle(&self, _: Guid) -> Result<u64, String> {
        Ok(0)
    }

    fn forget(&self, _: Guid, _: u64) {}
}
