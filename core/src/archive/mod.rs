//! What the broker asks of the database, and what it is told.
//!
//! The log answers for what is being said; the database knows what was said before, and the users'
//! preferences. A shard never waits for it: it asks by [`crate::Output::Ask`], goes on, and is told
//! by [`crate::Input::Answered`]. Each question gets one answer, also while the database is away.
//!
//! What the asking shard has been told is committed must be seen by the search: the shell lets the
//! database catch up first, or says [`Fault::Unavailable`].

mod memory;

pub use memory::MemoryArchive;

use crate::admin::{self, Act};
use crate::log::Record;
use parlance_wire::xccos::{Guid, HistorySearch, ResponseCode, Timestamp};
use slotmap::new_key_type;

new_key_type! {
    /// A question to the database, within the shard that asks. Never reused.
    pub struct QueryKey;
}

/// A question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Query {
    /// The newest `count` messages of a room whose numbers are below `before`. Answered by
    /// [`Answer::Messages`], oldest first.
    Older {
        /// Which room.
        room: Guid,
        /// A number that the broker has.
        before: u64,
        /// How many; at least 1.
        count: usize,
    },
    /// A search in history. Answered by [`Answer::Messages`], in the search's direction.
    Search {
        /// In these rooms.
        rooms: Vec<Guid>,
        /// What for; rooms, count and sorting in it are not used. Authors are canonical.
        search: Box<HistorySearch>,
        /// Most messages.
        count: usize,
    },
    /// Answered by [`Answer::Preference`].
    ReadPreference {
        /// `sip:` URI of the user, canonical.
        owner: Box<str>,
        /// Its name.
        label: String,
    },
    /// Answered by [`Answer::Written`].
    WritePreference {
        /// `sip:` URI of the user, canonical.
        owner: Box<str>,
        /// Its name.
        label: String,
        /// Number that the user knows.
        seqid: u64,
        /// Opaque.
        content: String,
    },
    /// Invitations of a user. Answered by [`Answer::Invitations`], oldest first.
    Invitations {
        /// Whose.
        user: Guid,
        /// Only those with a higher number.
        after: u64,
        /// Most of them.
        count: usize,
    },
    /// What a user wants to be changed in the directory. Answered by [`Answer::Administered`] when
    /// it is committed.
    Administer {
        /// `sip:` URI of the user, canonical.
        user: Box<str>,
        /// What.
        act: Box<Act>,
    },
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Messages.
    Messages {
        /// Tickets mean nothing.
        records: Vec<Record>,
        /// There is more.
        is_exceeded: bool,
    },
    /// What is stored; number 0 if nothing is.
    Preference {
        /// Counts the writes.
        seqid: u64,
        /// Opaque.
        content: String,
    },
    /// It is stored.
    Written {
        /// Its new number.
        seqid: u64,
    },
    /// Invitations.
    Invitations(Vec<StoredInvitation>),
    /// It is done: the thing that was made or changed, if there is one; or refused.
    Administered(Result<Option<Guid>, admin::Refusal>),
    /// No answer.
    Failed(Fault),
}

/// An invitation as it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredInvitation {
    /// Rises for every user.
    pub number: u64,
    /// Where to.
    pub room: Guid,
    /// When.
    pub created_on: Timestamp,
}

/// Which rooms an endpoint is in, or was in when its dialog was lost.
///
/// A client that is told 481 may believe to be in its rooms still (`xccos.md` §1.7), also when it
/// was another run of the server that knew. So the broker hands this out by
/// [`crate::Output::Remember`], and is given it back at start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// `sip:` URI of the user, canonical.
    pub owner: Box<str>,
    /// Endpoint identifier, not empty.
    pub epid: Box<str>,
    /// At most `session_rooms_max`; none means that nothing is to be remembered.
    pub rooms: Vec<Guid>,
    /// It was told that its dialog is gone.
    pub is_told: bool,
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The database is away, behind, or has too much to do: worth another try.
    Unavailable,
    /// The answer would take too long, or too much room.
    TooMuch,
    /// Somebody else has written the preference since.
    Collision,
    /// The database does not take such a value.
    Invalid,
}

impl Fault {
    /// What the user is told.
    pub fn code(self) -> ResponseCode {
        match self {
            Fault::Unavailable => ResponseCode::DatabaseConnection,
            Fault::TooMuch => ResponseCode::LimitExceeded,
            Fault::Collision => ResponseCode::DataCollision,
            Fault::Invalid => ResponseCode::InvalidArgument,
        }
    }
}
