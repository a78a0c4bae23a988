//! What the broker hands to the log, and a log in memory behind the same mail.

use crate::time::Timestamp;
use parlance_wire::xccos::Guid;
use std::collections::VecDeque;

/// One accepted message, before it is durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Ticket of the shard that appends: strictly rising by one, from 1.
    pub ticket: u64,
    /// Which room.
    pub room: Guid,
    /// Place in the room, from 1, without holes.
    pub number: u64,
    /// Server's receive time.
    pub ts: Timestamp,
    /// `sip:` URI of the author.
    pub author: String,
    /// High importance.
    pub alert: bool,
    /// Plain text.
    pub chat: String,
    /// RTF source.
    pub rtf: Option<String>,
    /// Will it be history? Not when chat history was off in the room's category as it was accepted
    /// (`product.md` §1.2): then it is delivered like any other, the log has it for compliance, and
    /// nobody is shown it later on, whatever the category says by then.
    pub is_history: bool,
}

/// Where a room ends: it goes on behind this, whatever is left of what was said in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoomEnd {
    /// Which room.
    pub room: Guid,
    /// Highest number that was given to a message.
    pub number: u64,
    /// Latest time of a message.
    pub ts: Timestamp,
}

/// The log of one shard, kept in memory: nothing survives a restart.
///
/// It takes records in ticket order and commits them when told to, so that the simulator can let
/// any time pass in between. Bounded by the shard's `uncommitted_max` per room: committed records
/// are dropped here, the rooms keep the recent ones.
#[derive(Debug, Default)]
pub struct MemoryLog {
    waiting: VecDeque<Record>,
    committed: u64,
}

impl MemoryLog {
    /// Queues a record.
    ///
    /// # Panics
    /// If tickets do not come in order: a broken invariant of the shard.
    pub fn append(&mut self, record: Record) {
        let expected = self.committed + self.waiting.len() as u64 + 1;
        assert_eq!(record.ticket, expected, "a shard's tickets rise by one");
        self.waiting.push_back(record);
    }

    /// Commits up to `count` of the oldest waiting records and hands them out; the answer to the
    /// shard is [`crate::Input::Committed`] with [`MemoryLog::committed`].
    pub fn commit(&mut self, count: usize) -> Vec<Record> {
        let batch: Vec<Record> = self.waiting.drain(..count.min(self.waiting.len())).collect();
        self.committed += batch.len() as u64;
        batch
    }

    /// Highest committed ticket.
    pub fn committed(&self) -> u64 {
        self.committed
    }

    /// Records not yet committed.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }
}
