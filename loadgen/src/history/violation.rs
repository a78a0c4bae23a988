//! What the checker finds.

use super::{RoomId, SessionId};
use crate::payload::PostId;
use serde::{Deserialize, Serialize};
use std::fmt;

/// One broken promise. The number in brackets is the line of the contract (`reliability.md` §1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Violation {
    /// (2) Two posts under one number: somebody was told `first`, somebody `second`.
    OrderDiffers {
        /// Which room.
        room: RoomId,
        /// The number.
        chat_id: u64,
        /// Post known under it.
        first: PostId,
        /// Post now shown under it.
        second: PostId,
    },
    /// (1) One post under two numbers.
    PostTwice {
        /// Which post.
        post: PostId,
        /// Number known.
        first: u64,
        /// Number now shown.
        second: u64,
    },
    /// (3) A session was told a number beyond the next one.
    Gap {
        /// Which room.
        room: RoomId,
        /// Who.
        session: SessionId,
        /// The number due.
        expected: u64,
        /// The number that came.
        found: u64,
    },
    /// (2, 3) A session was told a number that is not above the last one.
    Repeated {
        /// Which room.
        room: RoomId,
        /// Who.
        session: SessionId,
        /// The number due.
        expected: u64,
        /// The number that came.
        found: u64,
    },
    /// (3) A message that nobody posted, or whose mark is gone.
    Ghost {
        /// Which room.
        room: RoomId,
        /// Who saw it; `None` in history.
        session: Option<SessionId>,
        /// Its number.
        chat_id: u64,
        /// Its mark, if any.
        post: Option<PostId>,
    },
    /// (3, 5) A post appears in a room it was not posted to.
    WrongRoom {
        /// Which post.
        post: PostId,
        /// Where it belongs.
        posted_in: RoomId,
        /// Where it was shown.
        found_in: RoomId,
    },
    /// (3, 5) A message came to a session that has not joined the room, or has left it.
    NotJoined {
        /// Which room.
        room: RoomId,
        /// Who.
        session: SessionId,
        /// Its number.
        chat_id: u64,
        /// The session was in the room once and its leaving was confirmed.
        has_parted: bool,
    },
    /// (4) The author was told that the post failed, and it is in the room all the same.
    RefusedYetKept {
        /// Which post.
        post: PostId,
        /// SIP status the author got.
        status: u16,
        /// Its number.
        chat_id: u64,
    },
    /// (4) The author was never told what became of a post.
    Unanswered {
        /// Which post.
        post: PostId,
        /// Where it belongs.
        room: RoomId,
    },
    /// (1) An accepted post that nobody ever saw, though somebody was in the room all the time or
    /// the whole history was read.
    Lost {
        /// Which post.
        post: PostId,
        /// Where it belongs.
        room: RoomId,
    },
    /// (1, 3) A session joined to the end has not been told all accepted posts.
    Behind {
        /// Which room.
        room: RoomId,
        /// Who.
        session: SessionId,
        /// Last number told; `None` if none at all.
        reached: Option<u64>,
        /// Highest number of an accepted post.
        highest: u64,
    },
    /// (3) A session was told nothing of an accepted post that was posted after its join and comes
    /// before the first number it was told.
    LateStart {
        /// Which room.
        room: RoomId,
        /// Who.
        session: SessionId,
        /// First number told.
        first: u64,
        /// Number of the post it missed.
        missed: u64,
    },
    /// (2) History whose numbers do not rise by one.
    HistoryDisorder {
        /// Which room.
        room: RoomId,
        /// A number.
        previous: u64,
        /// The number behind it.
        found: u64,
    },
    /// (1) History read at rest ends before the last accepted post.
    HistoryShort {
        /// Which room.
        room: RoomId,
        /// Last number in it; `None` when empty.
        last: Option<u64>,
        /// Highest number of an accepted post.
        highest: u64,
    },
}

impl Violation {
    /// Every name that [`Violation::kind`] gives.
    pub(super) const KINDS: [&str; 14] = [
        "order_differs",
        "post_twice",
        "gap",
        "repeated",
        "ghost",
        "wrong_room",
        "not_joined",
        "refused_yet_kept",
        "unanswered",
        "lost",
        "behind",
        "late_start",
        "history_disorder",
        "history_short",
    ];

    /// Short stable name for counts and reports.
    pub fn kind(&self) -> &'static str {
        match self {
            Violation::OrderDiffers { .. } => "order_differs",
            Violation::PostTwice { .. } => "post_twice",
            Violation::Gap { .. } => "gap",
            Violation::Repeated { .. } => "repeated",
            Violation::Ghost { .. } => "ghost",
            Violation::WrongRoom { .. } => "wrong_room",
            Violation::NotJoined { .. } => "not_joined",
            Violation::RefusedYetKept { .. } => "refused_yet_kept",
            Violation::Unanswered { .. } => "unanswered",
            Violation::Lost { .. } => "lost",
            Violation::Behind { .. } => "behind",
            Violation::LateStart { .. } => "late_start",
            Violation::HistoryDisorder { .. } => "history_disorder",
            Violation::HistoryShort { .. } => "history_short",
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {self:?}", self.kind())
    }
}
