//! What an operator watches: counters that only rise, gauges read on demand.

use crate::directory::NotServed;
use crate::mail::Item;
use parlance_wire::sip::{FrameError, MessageError};
use parlance_wire::xccos::DocumentError;

/// A fault of a peer, by cause. Each is counted; the first of its kind on a link is also told as an
/// [`crate::Event`]. Never carries the message's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// The byte stream cannot be read: costs the link.
    Frame(FrameError),
    /// A message that is no SIP we can work with: 400. The framing is intact, the link stays.
    Message(MessageError),
    /// A body that is no XCCOS document: 400 or 413.
    Document(DocumentError),
    /// A body of another type: 415.
    ContentType,
    /// A request for a dialog that does not exist: 481.
    NoDialog,
    /// CSeq not rising: 500.
    StaleCSeq,
    /// From, author or asserted identity is not the dialog's: 403.
    Spoofed,
    /// A user outside the domain: 403.
    ForeignUser,
    /// A user whom the directory does not know, or for whom the service is not: 403.
    NotServed(NotServed),
    /// Somebody who may not do this in this room: 403.
    Denied,
    /// A room that is disabled: 403.
    RoomDisabled,
    /// Too many dialogs, links or requests at once: 503.
    Overload,
    /// A tiny Session-Expires: 422.
    SessionTimer,
    /// Own Via or Max-Forwards 0: 482, 483.
    Loop,
    /// Method or event we do not serve: 405, 489, 501.
    Unsupported,
    /// A required extension we do not know: 420.
    BadExtension,
    /// Request-URI that is not the service's: 404.
    UnknownService,
    /// A post without being in the room: 403.
    NotJoined,
    /// A room that does not exist: 404 reply.
    UnknownRoom,
    /// An empty or overlong message: 400, 413.
    MessageSize,
    /// An answer to no request of ours: dropped.
    StrayResponse,
    /// A link or message that took too long.
    TooSlow,
}

impl Refusal {
    /// All causes, for the metrics page: name of the kind.
    pub const KINDS: [&'static str; 22] = [
        "frame",
        "message",
        "document",
        "content_type",
        "no_dialog",
        "stale_cseq",
        "spoofed",
        "foreign_user",
        "overload",
        "session_timer",
        "loop",
        "unsupported",
        "bad_extension",
        "unknown_service",
        "not_joined",
        "unknown_room",
        "message_size",
        "stray_response",
        "too_slow",
        "not_served",
        "denied",
        "room_disabled",
    ];

    /// Index into [`Refusal::KINDS`].
    pub fn kind(self) -> usize {
        match self {
            Refusal::Frame(_) => 0,
            Refusal::Message(_) => 1,
            Refusal::Document(_) => 2,
            Refusal::ContentType => 3,
            Refusal::NoDialog => 4,
            Refusal::StaleCSeq => 5,
            Refusal::Spoofed => 6,
            Refusal::ForeignUser => 7,
            Refusal::Overload => 8,
            Refusal::SessionTimer => 9,
            Refusal::Loop => 10,
            Refusal::Unsupported => 11,
            Refusal::BadExtension => 12,
            Refusal::UnknownService => 13,
            Refusal::NotJoined => 14,
            Refusal::UnknownRoom => 15,
            Refusal::MessageSize => 16,
            Refusal::StrayResponse => 17,
            Refusal::TooSlow => 18,
            Refusal::NotServed(_) => 19,
            Refusal::Denied => 20,
            Refusal::RoomDisabled => 21,
        }
    }

    /// What the peer is told in `Ms-Diagnostics`, in plain words.
    pub fn explanation(self) -> &'static str {
        match self {
            Refusal::Document(_) => "The document is not understood",
            Refusal::ContentType => "The body must be XCCOS as text/plain",
            Refusal::Spoofed => "The author is not the user of this session",
            Refusal::Overload => "Chat service busy",
            Refusal::NotJoined => "Not joined to this room",
            Refusal::UnknownRoom => "No such room",
            Refusal::NotServed(NotServed::NotProvisioned) => "Principal not provisioned",
            Refusal::NotServed(NotServed::Disabled) => "The account is disabled",
            Refusal::NotServed(NotServed::NotEnabled) => {
                "Persistent Chat is not enabled for this user"
            }
            Refusal::Denied => "Not allowed in this room",
            Refusal::RoomDisabled => "The room is disabled",
            Refusal::MessageSize => "The message is empty or too long",
            _ => "Refused",
        }
    }

    /// Finer cause within the kind; empty when there is none.
    pub fn detail(self) -> &'static str {
        match self {
            Refusal::Frame(e) => e.as_str(),
            Refusal::Message(e) => e.as_str(),
            Refusal::Document(e) => e.as_str(),
            Refusal::NotServed(NotServed::NotProvisioned) => "not_provisioned",
            Refusal::NotServed(NotServed::Disabled) => "disabled",
            Refusal::NotServed(NotServed::NotEnabled) => "not_enabled",
            _ => "",
        }
    }
}

/// Counters of one shard since its start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counters {
    /// Bytes taken in.
    pub bytes_in: u64,
    /// Bytes written out (as the shell reported).
    pub bytes_out: u64,
    /// SIP requests read.
    pub requests: u64,
    /// SIP responses read.
    pub responses: u64,
    /// Dialogs opened.
    pub dialogs_opened: u64,
    /// Dialogs ended, for whatever reason.
    pub dialogs_ended: u64,
    /// Dialogs the server gave up: unanswered INFO, lag, expiry, takeover.
    pub dialogs_dropped: u64,
    /// Commands executed.
    pub commands: u64,
    /// Posts accepted and numbered by rooms of this shard.
    pub posts: u64,
    /// Posts whose authors were told that the outcome is not known.
    pub posts_unknown: u64,
    /// Chat messages stamped for sessions of this shard.
    pub deliveries: u64,
    /// Roster notices stamped for sessions of this shard.
    pub notices: u64,
    /// Those of them that share an INFO with one before them.
    pub notices_joined: u64,
    /// Questions put to the database.
    pub queries: u64,
    /// Questions it did not answer.
    pub queries_failed: u64,
    /// Times a session became lagging.
    pub lags: u64,
    /// Directories taken over.
    pub directories: u64,
    /// Sessions taken out of a room because their user may not be in it any more.
    pub expelled: u64,
    /// Mail sent to other shards.
    pub mail_out: u64,
    /// Mail received from other shards.
    pub mail_in: u64,
    /// Refused input by [`Refusal::kind`].
    pub refused: [u64; Refusal::KINDS.len()],
}

impl Counters {
    /// One item is stamped for one session.
    pub(crate) fn note_item(&mut self, item: &Item) {
        match item {
            Item::Post { .. } => self.deliveries += 1,
            Item::Notice { .. } => self.notices += 1,
        }
    }
}

/// State of one shard at this moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Gauges {
    /// Links up.
    pub links: usize,
    /// Dialogs open.
    pub sessions: usize,
    /// Sessions behind their rooms.
    pub sessions_lagging: usize,
    /// Rooms owned here with somebody in them or something to remember.
    pub rooms: usize,
    /// Rooms that sessions of this shard are in.
    pub feeds: usize,
    /// (session, room) pairs here.
    pub subscriptions: usize,
    /// Bytes waiting on all links.
    pub outbox_bytes: usize,
    /// Questions of sessions that wait for an answer.
    pub asks: usize,
    /// Questions to the database that wait for an answer.
    pub queries: usize,
    /// Posts waiting for the log.
    pub uncommitted: usize,
    /// Rooms whose fan-out is not finished.
    pub fanout_pending: usize,
    /// Endpoints whose rooms are remembered.
    pub remembered: usize,
}
