//! What happens when: the world's only notion of time passing.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Something that is going to happen. Whoever it names may be gone by then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Event {
    /// A shard asked to be woken.
    Wake(usize),
    /// Mail of an ordered pair (from, to) arrives.
    Mail(usize, usize),
    /// A shard's log finishes a sync.
    Sync(usize),
    /// The server may write on a pipe.
    ServerWrite(usize),
    /// Bytes arrive at the server.
    ServerRead(usize),
    /// The server learns that a pipe is gone.
    ServerDown(usize),
    /// Bytes, or the end, arrive at a pipe's client end.
    ClientRead(usize),
    /// A client end that stopped reading reads on.
    ReadOn(usize),
    /// A host connects.
    Connect(usize),
    /// A client does something.
    Act(usize),
    /// A client that held its answers back gives them.
    Release(usize),
    /// Everybody joins, or leaves, one room.
    Storm,
    /// A villain does something.
    Villain(usize),
    /// The operator stops the server.
    Drain,
    /// The database answers a question.
    Database(u64),
    /// The server is killed, and started again.
    Crash,
    /// Somebody administers.
    Directory,
    /// A shard is told of the newest directory.
    Publish(usize),
}

/// Events in order of time; those of one moment in the order in which they were entered.
#[derive(Debug, Default)]
pub struct Agenda {
    heap: BinaryHeap<Reverse<(u64, u64, Event)>>,
    entered: u64,
}

impl Agenda {
    /// Enters an event.
    pub fn at(&mut self, when: u64, event: Event) {
        self.entered += 1;
        self.heap.push(Reverse((when, self.entered, event)));
    }

    /// Time of the next event.
    pub fn next(&self) -> Option<u64> {
        self.heap.peek().map(|Reverse((when, ..))| *when)
    }

    /// Takes the next event.
    pub fn pop(&mut self) -> Option<(u64, Event)> {
        self.heap.pop().map(|Reverse((when, _, event))| (when, event))
    }
}
