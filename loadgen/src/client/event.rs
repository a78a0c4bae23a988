//! What a client tells its caller.

use crate::payload::PostId;
use parlance_wire::xccos::{Delivery, Failure, Found, Notice, Reply, RoomInfo};

/// Why the long dialog is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndReason {
    /// A request in the dialog was answered with this status: 481 (or 408, RFC 3261 §12.2.1.2).
    Answer(u16),
    /// The server sent BYE.
    ServerBye,
    /// The caller said that the link is gone.
    LinkLost,
}

/// Something happened. Texts are borrowed from the message.
#[derive(Debug)]
pub enum ClientEvent<'a> {
    /// The long dialog stands; `session_expires_s` is what the server offered, if anything.
    Opened {
        /// Seconds until the server ends a silent dialog.
        session_expires_s: Option<u32>,
    },
    /// REGISTER, SUBSCRIBE or an INVITE was answered with `status`, or `requri` named no URI (then
    /// 0). The client is idle again.
    OpenFailed {
        /// SIP status.
        status: u16,
    },
    /// A command's INFO got a final answer other than 200: no reply will come.
    CommandRefused {
        /// Number that [`super::Client`]'s command method returned.
        envid: u64,
        /// SIP status.
        status: u16,
    },
    /// The reply to a command came. More detailed events follow where there is more to say.
    Replied {
        /// Number that the command method returned; `None` for a reply nobody asked for.
        envid: Option<u64>,
        /// Name behind `rpl:`.
        name: &'a str,
        /// `resp@code`.
        code: u16,
        /// All of it.
        reply: &'a Reply,
    },
    /// A room is joined from here on.
    Joined {
        /// What the server says about it.
        room: &'a RoomInfo,
        /// Participants the reply listed.
        listed: usize,
    },
    /// A room of a `bjoin` could not be joined.
    JoinFailed {
        /// The room as we named it.
        failure: &'a Failure,
    },
    /// The room is left from here on.
    Parted {
        /// `ma-chan://…`.
        room_uri: &'a str,
    },
    /// History came, oldest first.
    History {
        /// `ma-chan://…`.
        room_uri: &'a str,
        /// The messages.
        messages: &'a [Delivery],
    },
    /// What a search in history found.
    Found {
        /// Each room asked for, in the order asked for.
        found: &'a Found,
    },
    /// A post's INFO got its final answer: 200 means accepted and durable.
    Posted {
        /// Which.
        post: PostId,
        /// SIP status.
        status: u16,
    },
    /// A chat message came.
    Delivered {
        /// `ma-chan://…`.
        room_uri: &'a str,
        /// Number in the room.
        chat_id: u64,
        /// `sip:user@domain`.
        author: &'a str,
        /// Plain text.
        text: &'a str,
        /// The mark in the text, when it has one.
        post: Option<PostId>,
    },
    /// A notice came.
    Noticed {
        /// What others did.
        notice: &'a Notice,
    },
    /// Notices came on a link that counts them ([`crate::LinkMux::counting`]).
    Counted {
        /// How many.
        notices: u64,
    },
    /// Our UPDATE was answered.
    Updated {
        /// SIP status.
        status: u16,
    },
    /// Our BYE was answered; the client is idle again.
    Closed {
        /// SIP status.
        status: u16,
    },
    /// The long dialog is over without our doing; the client is idle again.
    Gone {
        /// Why.
        reason: EndReason,
    },
    /// The outcome of a post will never be told: its dialog ended first. Comes before
    /// [`ClientEvent::Gone`] or [`ClientEvent::Closed`].
    Unanswered {
        /// Which.
        post: PostId,
    },
    /// A document or message of the server that we cannot read; it was answered all the same.
    Unreadable {
        /// Short stable name.
        what: &'static str,
    },
}
