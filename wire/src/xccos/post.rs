//! `grpchat` in both directions and `msg` in history (`xccos.md` §3.9).

use super::write::Writer;
use super::{DocumentError, RoomRef, Timestamp, fields};
use crate::xml::Element;

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

/// Reads a client's `grpchat`. What its author will be told is a SIP status only, so every fault in
/// it is the document's.
pub(super) fn decode_post(element: &Element<'_>) -> Result<Post, DocumentError> {
    // `id` says nothing that the element's name does not, and `seqid` nothing at all.
    let is_chat = |id: &str| id.trim().eq_ignore_ascii_case("grpchat");
    let seqid: Option<Option<u32>> = fields::optional_number(element, "seqid");
    if !element.attribute("id").is_none_or(is_chat) || seqid.is_none() {
        return Err(DocumentError::ElementId);
    }
    let post = || {
        Some(Post {
            room: fields::room_reference(element)??,
            author: fields::filled(element, "author")?,
            ts: fields::text(element, "ts"),
            alert: fields::flag(element, "alert")?,
            chat: text_of(element, "chat").unwrap_or_default(),
            rtf: text_of(element, "rtf"),
        })
    };
    post().ok_or(DocumentError::Value)
}

/// Reads a server's `grpchat`, or a `msg` of history.
pub(super) fn decode_delivery(element: &Element<'_>) -> Option<Delivery> {
    Some(Delivery {
        room_uri: fields::filled(element, "chanUri")?,
        author: fields::filled(element, "author")?,
        author_name: fields::text(element, "authdisp").unwrap_or_default(),
        ts: element.attribute("ts").and_then(Timestamp::parse)?,
        alert: fields::flag(element, "alert")?,
        chat_id: fields::number(element, "chatId")?,
        chat: text_of(element, "chat")?,
        rtf: text_of(element, "rtf"),
    })
}

fn text_of(element: &Element<'_>, child: &str) -> Option<String> {
    element.child(child).map(|child| child.text.clone().into_owned())
}

/// Writes a client's `grpchat`.
pub(super) fn encode_post(w: &mut Writer<'_>, post: &Post) {
    w.open("grpchat").plain("id", "grpchat").plain("seqid", 1);
    w.room("chanUri", &post.room).attribute("author", &post.author);
    if let Some(ts) = &post.ts {
        w.attribute("ts", ts);
    }
    if post.alert {
        w.plain("alert", true);
    }
    w.inside("grpchat", |w| encode_texts(w, &post.chat, post.rtf.as_deref()));
}

/// Writes a server's `grpchat`, or a `msg` of history, which differs by the element's name only.
pub(super) fn encode_delivery(w: &mut Writer<'_>, name: &str, seqid: u32, delivery: &Delivery) {
    w.open(name).plain("id", "grpchat").plain("seqid", seqid);
    w.attribute("chanUri", &delivery.room_uri).attribute("author", &delivery.author);
    w.attribute("authdisp", &delivery.author_name).plain("alert", delivery.alert);
    w.plain("chatId", delivery.chat_id).plain("ts", delivery.ts);
    w.inside(name, |w| encode_texts(w, &delivery.chat, delivery.rtf.as_deref()));
}

fn encode_texts(w: &mut Writer<'_>, chat: &str, rtf: Option<&str>) {
    w.open("chat").inside_text("chat", chat);
    if let Some(rtf) = rtf {
        w.open("rtf").inside_text("rtf", rtf);
    }
}

/// Writes a room with messages of its history, in the order given.
pub(super) fn encode_history(w: &mut Writer<'_>, room_uri: &str, messages: &[Delivery]) {
    w.open("chanib").attribute("uri", room_uri);
    if messages.is_empty() {
        return w.empty();
    }
    w.inside("chanib", |w| {
        for (seqid, message) in (1..).zip(messages) {
            encode_delivery(w, "msg", seqid, message);
        }
    });
}

/// Reads a room's URI and the messages of its history.
pub(super) fn decode_history(chanib: &Element<'_>) -> Option<(String, Vec<Delivery>)> {
    let messages = chanib.children_named("msg").map(decode_delivery);
    let messages = messages.collect::<Option<_>>()?;
    Some((fields::filled(chanib, "uri")?, messages))
}
