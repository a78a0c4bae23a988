//! `ntc`: what others did (`xccos.md` §3.5.5, §3.6, §3.12, §3.17).

use super::document::{name_of, sanitised};
use super::write::Writer;
use super::{
    DocumentError, Guid, Invitation, Participant, RoomInfo, fields, invitation, permission, room,
};
use crate::xml::Element;
use memchr::memmem::Finder;
use memchr::memrchr;
use std::sync::LazyLock;

/// A notice about one room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// `ntc:join`: these users came; written as one `uib` with one `aib` each.
    Join {
        /// SIP domain of the room, lower case.
        domain: String,
        /// Which room.
        room: Guid,
        /// Who came.
        users: Vec<Participant>,
    },
    /// `ntc:part`: these users left.
    Part {
        /// `ma-chan://…`.
        room_uri: String,
        /// `sip:` URIs.
        users: Vec<String>,
    },
    /// `ntc:invite`: the reader was made member of a room.
    Invite(Box<Invitation>),
    /// `ntc:chanmodify`: the room is like this now.
    RoomChanged(Box<RoomInfo>),
    /// `ntc:permmodify`: these users are this to a room now; written as in a join.
    Permissions {
        /// SIP domain of the room, lower case.
        domain: String,
        /// Which room.
        room: Guid,
        /// What they are.
        users: Vec<Participant>,
    },
    /// `ntc:kick`: these users were taken out; written as in a part.
    Kick {
        /// `ma-chan://…`.
        room_uri: String,
        /// `sip:` URIs.
        users: Vec<String>,
    },
    /// Any other, by the name behind `ntc:` (client side; ignored).
    Other {
        /// Lower case.
        name: String,
    },
}

/// Reads one `ntc`. One about several rooms becomes one notice for each.
pub(super) fn decode(
    element: &Element<'_>,
    notices: &mut Vec<Notice>,
) -> Result<(), DocumentError> {
    let name = name_of(element, "ntc:")?;
    let nothing = Element::default();
    let data = element.child("data").unwrap_or(&nothing);
    notices.extend(decode_data(&name, data).ok_or(DocumentError::Value)?);
    Ok(())
}

fn decode_data(name: &str, data: &Element<'_>) -> Option<Vec<Notice>> {
    let notices = match name {
        "join" | "bjoin" => {
            let join = |(domain, room, users)| Notice::Join { domain, room, users };
            permission::decode_users(data)?.into_iter().map(join).collect()
        }
        "permmodify" => {
            let changed = |(domain, room, users)| Notice::Permissions { domain, room, users };
            permission::decode_users(data)?.into_iter().map(changed).collect()
        }
        "part" => {
            let part = |(room_uri, users)| Notice::Part { room_uri, users };
            decode_gone(data)?.into_iter().map(part).collect()
        }
        "kick" => {
            let kick = |(room_uri, users)| Notice::Kick { room_uri, users };
            decode_gone(data)?.into_iter().map(kick).collect()
        }
        "invite" => {
            invitation::decode(data)?.into_iter().map(Box::new).map(Notice::Invite).collect()
        }
        "chanmodify" => {
            let changed = |chanib| room::decode(chanib).map(Box::new).map(Notice::RoomChanged);
            data.children_named("chanib").map(changed).collect::<Option<_>>()?
        }
        _ => vec![Notice::Other { name: sanitised(name) }],
    };
    Some(notices)
}

/// Rooms, each with those who are there no more.
fn decode_gone(data: &Element<'_>) -> Option<Vec<(String, Vec<String>)>> {
    let gone = |chanib: &Element<'_>| {
        let users = chanib.children_named("uib").map(|uib| fields::filled(uib, "uri"));
        Some((fields::filled(chanib, "uri")?, users.collect::<Option<_>>()?))
    };
    data.children_named("chanib").map(gone).collect()
}

/// Writes one `ntc`.
pub(super) fn encode(w: &mut Writer<'_>, seqid: u32, notice: &Notice) {
    let name = match notice {
        Notice::Join { .. } => "join",
        Notice::Part { .. } => "part",
        Notice::Invite(_) => "invite",
        Notice::RoomChanged(_) => "chanmodify",
        Notice::Permissions { .. } => "permmodify",
        Notice::Kick { .. } => "kick",
        Notice::Other { name } => name,
    };
    w.open("ntc").prefixed("id", "ntc:", name).plain("seqid", seqid);
    w.inside("ntc", |w| {
        w.open("data");
        match notice {
            Notice::Other { .. } => w.empty(),
            _ => w.inside("data", |w| encode_data(w, notice)),
        }
    });
}

/// See [`super::join_notices`].
pub(super) fn join<'d>(out: &mut Vec<u8>, documents: impl IntoIterator<Item = &'d [u8]>) {
    // A notice begins with the one and ends its number with the other; neither stands in a text,
    // where `<` is escaped, nor in a value, where quotes are.
    const START: &[u8] = b"<ntc ";
    const NUMBER: &[u8] = b" seqid=\"";
    static STARTS: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(START));
    static NUMBERS: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(NUMBER));
    let mut seqid = 0u32;
    let mut end: &[u8] = b"";
    for document in documents {
        let first = STARTS.find(document).expect("a document has a notice");
        let behind = memrchr(b'<', document).expect("a document ends");
        if seqid == 0 {
            out.extend_from_slice(&document[..first]);
            end = &document[behind..];
        }
        let mut rest = &document[first..behind];
        while let Some(start) = STARTS.find(rest) {
            let number = NUMBERS.find(&rest[start..]).expect("a notice has a number");
            let (before, after) = rest.split_at(start + number + NUMBER.len());
            out.extend_from_slice(before);
            seqid += 1;
            out.extend_from_slice(itoa::Buffer::new().format(seqid).as_bytes());
            let digits = after.iter().take_while(|byte| byte.is_ascii_digit()).count();
            rest = &after[digits..];
        }
        out.extend_from_slice(rest);
    }
    assert!(seqid > 0, "there is a document");
    out.extend_from_slice(end);
}

fn encode_data(w: &mut Writer<'_>, notice: &Notice) {
    match notice {
        Notice::Join { domain, room, users } | Notice::Permissions { domain, room, users } => {
            permission::encode_users(w, domain, *room, users);
        }
        Notice::Part { room_uri, users } | Notice::Kick { room_uri, users } => {
            encode_gone(w, room_uri, users);
        }
        Notice::Invite(invitation) => invitation::encode(w, invitation),
        Notice::RoomChanged(room) => room::encode(w, room),
        Notice::Other { .. } => {}
    }
}

fn encode_gone(w: &mut Writer<'_>, room_uri: &str, users: &[String]) {
    w.open("chanib").attribute("uri", room_uri).inside("chanib", |w| {
        for user in users {
            w.open("uib").attribute("uri", user).empty();
        }
    });
}
