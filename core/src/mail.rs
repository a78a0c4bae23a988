//! Everything shards say to each other: one closed list.
//!
//! Three parties: the *home* of a session (the shard whose link carries it), the *owner* of a room
//! (its only sequencer), the *registrar* of an endpoint (the shard that hashing the user's URI
//! gives). Mail between two shards keeps its order; several guarantees of `xccos.md` §5.4 rest on
//! it.

use crate::directory::{Revision, RoomEntry};
use crate::outbox::Body;
use crate::time::Instant;
use parlance_wire::xccos::{CommandId, Guid, Participant, Post, ResponseCode, RoomSearch};
use slotmap::new_key_type;
use std::sync::Arc;

/// A shard by its index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ShardId(pub u16);

new_key_type! {
    /// A session, within its home shard. Never reused.
    pub struct SessionKey;
    /// A question of a session that waits for an answer, within its home shard. Never reused.
    pub struct AskKey;
}

/// A session as others address it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Address {
    /// Its home.
    pub shard: ShardId,
    /// Its key there.
    pub session: SessionKey,
}

/// Who a session belongs to: fixed when the dialog is opened.
#[derive(Debug)]
pub struct User {
    /// `sip:user@domain`, canonical.
    pub uri: Box<str>,
    /// Display name from the directory; until there is one, the user part.
    pub name: Box<str>,
}

/// A user is who the URI says: names change.
impl PartialEq for User {
    fn eq(&self, other: &User) -> bool {
        self.uri == other.uri
    }
}

impl Eq for User {}

impl std::hash::Hash for User {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.uri.hash(state);
    }
}

/// What clients show of a participant beside the name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Roles {
    /// May manage the room.
    pub is_operator: bool,
    /// May post in it, an auditorium.
    pub is_presenter: bool,
}

/// A user as clients show them in a room.
pub(crate) fn participant(user: &User, roles: Roles) -> Participant {
    let Roles { is_operator, is_presenter } = roles;
    let (uri, name) = (user.uri.to_string(), user.name.to_string());
    Participant { uri, name, is_operator, is_presenter }
}

/// Why a session leaves a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leave {
    /// The user left or signed off: told to others at the next roster tick.
    Now,
    /// The link broke or the dialog was given up: told after the grace, unless the user comes back.
    Grace,
}

/// One thing that subscribers of a room get, in the room's order.
#[derive(Debug, Clone)]
pub enum Item {
    /// A chat message.
    Post {
        /// Its number in the room.
        number: u64,
        /// The document.
        body: Body,
    },
    /// A roster notice.
    Notice {
        /// The document.
        body: Body,
    },
}

impl Item {
    /// The document.
    pub fn body(&self) -> &Body {
        match self {
            Item::Post { body, .. } | Item::Notice { body } => body,
        }
    }
}

/// How an ask about a post ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PostOutcome {
    /// Durable: 200.
    Accepted,
    /// The author is not in the room: 403.
    NotJoined,
    /// The author may not post there: 403. Only presenters post in an auditorium.
    Denied,
    /// The room is disabled: 403.
    Disabled,
    /// The room is gone: 404.
    NoRoom,
    /// Too many posts wait for the log, or it is full: 503.
    Busy,
}

/// What a join got.
#[derive(Debug, Clone)]
pub enum JoinOutcome {
    /// In. Everything mailed after this is seen by the session, nothing before it.
    Joined {
        /// Room description.
        entry: Arc<RoomEntry>,
        /// Who is in, the joiner included, by URI; empty above the participant limit.
        roster: Arc<[(Arc<User>, Roles)]>,
        /// How many are in.
        participants: u32,
    },
    /// The room does not exist as far as the asker may know, or may not be entered.
    Refused(ResponseCode),
}

/// A message between two shards (or of a shard to itself).
#[derive(Debug, Clone)]
pub enum Mail {
    // home -> owner
    /// Put this session into the room.
    Join {
        /// Which room.
        room: Guid,
        /// Which session.
        from: Address,
        /// Whose.
        user: Arc<User>,
        /// Answered by [`Mail::Joined`].
        ask: AskKey,
    },
    /// Take it out again. Answered by [`Mail::Parted`] if `ask` is given.
    Part {
        /// Which room.
        room: Guid,
        /// Which session.
        from: Address,
        /// Whose.
        user: Arc<User>,
        /// Somebody waits for the reply.
        ask: Option<AskKey>,
        /// When to tell others.
        leave: Leave,
    },
    /// Number and store a message.
    Post {
        /// Which room.
        room: Guid,
        /// Author's session.
        from: Address,
        /// Author.
        user: Arc<User>,
        /// Answered by [`Mail::Posted`].
        ask: AskKey,
        /// The message; author and time in it are not used.
        post: Box<Post>,
    },
    /// The newest messages of a room.
    History {
        /// Which room.
        room: Guid,
        /// Which session asks.
        from: Address,
        /// Whose.
        user: Arc<User>,
        /// Answered by [`Mail::Answer`].
        ask: AskKey,
        /// Which command.
        command: CommandId,
        /// How many at most.
        count: u32,
    },
    /// Who is in a room that does not push its list?
    Participants {
        /// Which room.
        room: Guid,
        /// Which session asks.
        from: Address,
        /// Answered by [`Mail::Answer`].
        ask: AskKey,
        /// Which command.
        command: CommandId,
    },
    /// How many are in the rooms of yours that match?
    Search {
        /// Which session asks.
        from: Address,
        /// Whose: only what this user may find is found.
        user: Arc<User>,
        /// Answered by [`Mail::Found`].
        ask: AskKey,
        /// What.
        search: RoomSearch,
    },

    // owner -> home
    /// Answer to [`Mail::Join`].
    Joined {
        /// The session.
        session: SessionKey,
        /// The question.
        ask: AskKey,
        /// Which room.
        room: Guid,
        /// Revision of the directory on which it was decided.
        revision: Revision,
        /// What came of it.
        outcome: JoinOutcome,
    },
    /// Answer to [`Mail::Part`].
    Parted {
        /// The session.
        session: SessionKey,
        /// The question.
        ask: AskKey,
    },
    /// Answer to [`Mail::Post`].
    Posted {
        /// The session.
        session: SessionKey,
        /// The question.
        ask: AskKey,
        /// What came of it.
        outcome: PostOutcome,
    },
    /// The answer will come later, but this is its place: behind the room's items mailed before it,
    /// before those mailed after it.
    Placed {
        /// The session.
        session: SessionKey,
        /// The question.
        ask: AskKey,
        /// Room whose order the reply belongs to.
        room: Guid,
    },
    /// A finished reply document. If `after` is given it must follow that room's items mailed
    /// before it, on the session's dialog.
    Answer {
        /// The session.
        session: SessionKey,
        /// The question.
        ask: AskKey,
        /// Room whose order the reply belongs to.
        after: Option<Guid>,
        /// The document.
        body: Body,
    },
    /// Answer to [`Mail::Search`].
    Found {
        /// The session.
        session: SessionKey,
        /// The question.
        ask: AskKey,
        /// Matching rooms owned by the answering shard, with their participants.
        rooms: Vec<(Arc<RoomEntry>, u32)>,
    },
    /// One item for all sessions of the receiving shard that are in the room.
    Deliver {
        /// Which room.
        room: Guid,
        /// What.
        item: Item,
    },

    // home <-> registrar
    /// This session is now the one of the endpoint. Answered by [`Mail::Claimed`].
    Claim {
        /// Which session.
        from: Address,
        /// The question.
        ask: AskKey,
        /// When its dialog was opened: claims of different homes may overtake each other, and the
        /// later dialog is the endpoint's. All shards of a server count from one start.
        opened: Instant,
        /// Whose.
        user: Arc<User>,
        /// Endpoint identifier.
        epid: Box<str>,
    },
    /// Answer to [`Mail::Claim`].
    Claimed {
        /// The question.
        ask: AskKey,
        /// Rooms the endpoint was in when its last dialog was lost, if it was told so by a 481.
        rooms: Vec<Guid>,
    },
    /// The session is in these rooms now.
    Seats {
        /// Which session.
        from: Address,
        /// Whose.
        user: Arc<User>,
        /// Endpoint identifier.
        epid: Box<str>,
        /// All of them.
        rooms: Vec<Guid>,
    },
    /// Another session took the endpoint over: forget this one silently.
    Superseded {
        /// The one to forget.
        session: SessionKey,
    },
    /// The endpoint is about to be told 481, for a dialog that is gone or that the end of the
    /// server will take from it: it will believe to be in its rooms still.
    ToldLost {
        /// Whose.
        user: Arc<User>,
        /// Endpoint identifier.
        epid: Box<str>,
        /// Answered by [`Mail::Noted`], if it waits for that.
        from: Option<(ShardId, AskKey)>,
    },
    /// Answer to [`Mail::ToldLost`].
    Noted {
        /// The question.
        ask: AskKey,
    },
    /// The session is gone.
    Release {
        /// Which session.
        from: Address,
        /// Whose.
        user: Arc<User>,
        /// Endpoint identifier.
        epid: Box<str>,
        /// What to remember from now on: empty after an orderly end, `None` for no change.
        rooms: Option<Vec<Guid>>,
    },
}
