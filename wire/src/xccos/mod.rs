//! XCCOS documents as typed values, encode and decode, both directions.
//!
//! The specification's text was not to be had: `docs/protocol.md` lists which forms are observed
//! facts and which are our choice. Each subject has a module, so that a form can be replaced
//! without touching the broker:
//!
//! | module | elements |
//! |---|---|
//! | [`ids`] | room and category URIs, GUIDs, envelope numbers |
//! | [`time`] | timestamps |
//! | [`command`] | `cmd` (client to server) |
//! | [`reply`] | `rpl` (server to client) |
//! | [`code`] | `resp`: response codes |
//! | [`room`] | `chanib`, `uib`, `aib`, `fib`: rooms and who is in them |
//! | [`role`] | `role`: lists of a room |
//! | [`principal`] | `uib` with all that is known of a user or group, and looking for them |
//! | [`permission`] | `aib`: what users may do |
//! | [`category`] | `catib` |
//! | [`administer`] | looking up, making and changing rooms |
//! | [`addin`] | `addin`, and an add-in's attributes of a room |
//! | [`invitation`] | `inv` |
//! | [`post`] | `grpchat` both ways, `msg` in history |
//! | [`room_search`] | `qib`: searches for rooms |
//! | [`search`] | searches in history and what they found |
//! | [`notice`] | `ntc` |
//!
//! One document holds one kind: commands, or one chat message; replies, or notices, or one message.
//! SIPE ignores everything else in a mixed one (`xccos.md` §2.2).

pub mod addin;
pub mod administer;
pub mod category;
pub mod code;
pub mod command;
pub mod ids;
pub mod invitation;
pub mod notice;
pub mod permission;
pub mod post;
pub mod principal;
pub mod reply;
pub mod role;
pub mod room;
pub mod room_search;
pub mod search;
pub mod time;

mod document;
mod fields;
#[cfg(test)]
mod tests;
mod write;

pub use addin::AddinInfo;
pub use administer::{RoleChange, RoleOp, RoomChange, RoomDraft};
pub use category::CategoryInfo;
pub use code::ResponseCode;
pub use command::{AssociationKind, Command, Preference};
pub use ids::{CommandId, EnvId, Guid, RoomRef, category_uri, parse_category, room_uri};
pub use invitation::Invitation;
pub use notice::Notice;
pub use post::{Delivery, Post};
pub use principal::{PrincipalInfo, PrincipalKind, PrincipalSearch};
pub use reply::{Reply, ReplyData, ServerInfo};
pub use role::{RoleList, RoomRole};
pub use room::{Audit, Behavior, Failure, Participant, Privacy, RoomInfo};
pub use room_search::RoomSearch;
pub use search::{Found, FoundInRoom, HistorySearch};
pub use time::Timestamp;

use crate::limits::{XCCOS_REPLY_BYTES_MAX, XCCOS_REQUEST_BYTES_MAX, XML_REPLY_ELEMENTS_MAX};
use crate::xml::{Element, XmlError};
use document::Content;
use std::fmt;
use write::Writer;

/// What a client's document holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FromClient {
    /// One or more commands, each with the name its reply must repeat.
    Commands(Vec<(CommandId, Command)>),
    /// One chat message.
    Post(Post),
}

/// What a server's document holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FromServer {
    /// One or more replies.
    Replies(Vec<Reply>),
    /// One or more notices.
    Notices(Vec<Notice>),
    /// One chat message.
    Delivery(Delivery),
}

/// Why a body is no XCCOS document. Answered with SIP 400 (413 for [`XmlError::TooLong`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DocumentError {
    /// Not the XML we accept.
    Xml(XmlError),
    /// Root is not `xccos` of our namespace.
    Root,
    /// `envid` missing or no digits.
    EnvId,
    /// `id` or `seqid` missing or malformed.
    ElementId,
    /// No command and no message, kinds mixed, or more than one message.
    Content,
    /// More than `XCCOS_COMMANDS_MAX` commands, `XCCOS_BJOIN_ROOMS_MAX` rooms or
    /// `XCCOS_PRINCIPALS_MAX` principals.
    TooMany,
    /// A value a command or message cannot do without is missing or malformed.
    Value,
}

impl DocumentError {
    /// Short stable name for counters and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            DocumentError::Xml(e) => e.as_str(),
            DocumentError::Root => "root",
            DocumentError::EnvId => "envid",
            DocumentError::ElementId => "element_id",
            DocumentError::Content => "content",
            DocumentError::TooMany => "too_many",
            DocumentError::Value => "value",
        }
    }
}

impl fmt::Display for DocumentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::error::Error for DocumentError {}

impl From<XmlError> for DocumentError {
    fn from(error: XmlError) -> Self {
        DocumentError::Xml(error)
    }
}

/// The XML namespace of every document.
pub const NAMESPACE: &str = "urn:parlano:xml:ns:xccos";

/// Reads a client's document (server side). A known command with bad values is
/// [`Command::Malformed`], so that it can be answered by an XCCOS reply; only a document that
/// cannot be answered that way is an error.
pub fn decode_client(body: &[u8]) -> Result<FromClient, DocumentError> {
    let root = Element::parse(body, XCCOS_REQUEST_BYTES_MAX)?;
    let (envid, content) = document::open(&root)?;
    match content {
        Content::Commands(elements) => {
            let decode = |element| command::decode(&envid, element);
            elements.into_iter().map(decode).collect::<Result<_, _>>().map(FromClient::Commands)
        }
        Content::Message(element) => post::decode_post(element).map(FromClient::Post),
        Content::Replies(_) | Content::Notices(_) => Err(DocumentError::Content),
    }
}

/// Reads a server's document (client side). Unknown replies and notices are kept by name.
pub fn decode_server(body: &[u8]) -> Result<FromServer, DocumentError> {
    let root = Element::parse_bounded(body, XCCOS_REPLY_BYTES_MAX, XML_REPLY_ELEMENTS_MAX)?;
    let (_, content) = document::open(&root)?;
    match content {
        Content::Replies(elements) => elements
            .into_iter()
            .map(reply::decode)
            .collect::<Result<_, _>>()
            .map(FromServer::Replies),
        Content::Notices(elements) => {
            let mut notices = Vec::with_capacity(elements.len());
            elements.into_iter().try_for_each(|e| notice::decode(e, &mut notices))?;
            Ok(FromServer::Notices(notices))
        }
        Content::Message(element) => {
            post::decode_delivery(element).map(FromServer::Delivery).ok_or(DocumentError::Value)
        }
        Content::Commands(_) => Err(DocumentError::Content),
    }
}

/// Writes one command as SIPE does (`xccos.md` §7.1).
pub fn encode_command(out: &mut Vec<u8>, envid: u64, command: &Command) {
    Writer::client(out).document(envid, |w| command::encode(w, command));
}

/// Writes a chat message as SIPE does.
pub fn encode_post(out: &mut Vec<u8>, envid: u64, post: &Post) {
    Writer::client(out).document(envid, |w| post::encode_post(w, post));
}

/// Writes replies as one document in the real server's attribute order.
pub fn encode_replies(out: &mut Vec<u8>, envid: u64, replies: &[Reply]) {
    Writer::server(out).document(envid, |w| {
        for (seqid, reply) in (1..).zip(replies) {
            reply::encode(w, seqid, reply);
        }
    });
}

/// Writes notices as one document.
pub fn encode_notices(out: &mut Vec<u8>, envid: u64, notices: &[Notice]) {
    Writer::server(out).document(envid, |w| {
        for (seqid, notice) in (1..).zip(notices) {
            notice::encode(w, seqid, notice);
        }
    });
}

/// Writes one document with the notices of several, each of which [`encode_notices`] wrote, in this
/// order: what it would have written of all together, with the first one's `envid`.
///
/// # Panics
/// If one of them is something else, or there is none.
pub fn join_notices<'d>(out: &mut Vec<u8>, documents: impl IntoIterator<Item = &'d [u8]>) {
    notice::join(out, documents);
}

/// Writes a chat message to participants.
pub fn encode_delivery(out: &mut Vec<u8>, envid: u64, delivery: &Delivery) {
    Writer::server(out).document(envid, |w| post::encode_delivery(w, "grpchat", 1, delivery));
}
