//! One dialog as its client sees it.

use parlance_loadgen::SessionId;
use parlance_wire::xccos::Participant;
use std::collections::{BTreeMap, BTreeSet};

/// A room one session is in.
#[derive(Debug, Default)]
pub struct Seat {
    /// Number of the next message, once one was seen live or in history.
    pub next: Option<u64>,
    /// Users the client believes to be in the room. `None`: never told, as in a large room.
    pub known: Option<BTreeMap<String, Roles>>,
}

/// What a user is to a room beside being in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Roles {
    /// Manages it.
    pub is_operator: bool,
    /// Posts in it although others may not.
    pub is_presenter: bool,
}

impl From<&Participant> for Roles {
    fn from(user: &Participant) -> Roles {
        Roles { is_operator: user.is_operator, is_presenter: user.is_presenter }
    }
}

/// One dialog as its client sees it.
#[derive(Debug)]
pub struct Session {
    pub(super) id: SessionId,
    /// Rooms it is in for certain.
    pub seats: BTreeMap<usize, Seat>,
    /// Rooms the server may have restored without a word.
    pub maybe: BTreeSet<usize>,
    /// `part` commands without reply, by room.
    pub(super) parting: BTreeMap<usize, u32>,
    pub(super) is_decided: bool,
    /// Replies to a document with many commands: only the first is recognised.
    pub(super) strays: u32,
}

impl Session {
    /// A dialog just opened.
    pub(super) fn new(id: SessionId) -> Session {
        Session {
            id,
            seats: BTreeMap::new(),
            maybe: BTreeSet::new(),
            parting: BTreeMap::new(),
            is_decided: false,
            strays: 0,
        }
    }

    /// It asked to leave the room, and has no reply yet.
    pub(super) fn is_parting(&self, room: usize) -> bool {
        self.parting.get(&room).is_some_and(|count| *count > 0)
    }

    /// Its number in the run.
    pub fn id(&self) -> SessionId {
        self.id
    }
}

/// What a command was about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// `join` or `bjoin`.
    Join,
    /// `part` of a room.
    Part(usize),
    /// `bccontext`: room, and how many messages; at rest when nothing is under way.
    History(usize, u32, bool),
    /// `bcbydate` in a room, from a number on.
    Search {
        /// Which room.
        room: usize,
        /// First number wanted.
        start: u64,
        /// The client had been told everything before this number when it asked.
        next: u64,
        /// Nothing is under way.
        is_at_rest: bool,
    },
    /// Something else.
    Other,
}
