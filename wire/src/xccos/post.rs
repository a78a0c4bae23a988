//! `grpchat` in both directions and `msg` in history (`xccos.md` §3.9).

use super::{RoomRef, Timestamp};

/// A chat message from a client. `author` and `ts` of the client are never trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Post {
    /// Which room.
    pub room: RoomRef,
    /// Who the client says it is; compared with the dialog's identity.
    pub author: String,
    /// Client clock, as written; replaced by the server's. Missing in some clients.
    pub ts: Option<String>,
    /// High importance.
    pub alert: bool,
    /// Plain text; line ends are LF. May be empty here; the broker refuses that.
    pub chat: String,
    /// The same as RTF source, when given.
    pub rtf: Option<String>,
}

/// A chat message as participants get it, and as history shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// `ma-chan://…` in canonical spelling.
    pub room_uri: String,
    /// `sip:user@domain` in canonical spelling.
    pub author: String,
    /// Display name (`authdisp`).
    pub author_name: String,
    /// Server's receive time.
    pub ts: Timestamp,
    /// High importance.
    pub alert: bool,
    /// Number in the room (`chatId`), from 1, without holes.
    pub chat_id: u64,
    /// Plain text, never empty.
    pub chat: String,
    /// RTF source, when given.
    pub rtf: Option<String>,
}
