//! `ntc`: what others did (`xccos.md` §3.5.5, §3.6).

use super::document::{name_of, sanitised};
use super::room::key_of;
use super::write::Writer;
use super::{DocumentError, Guid, Participant, fields, room};
use crate::xml::Element;

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
    /// Any other, by the name behind `ntc:` (client side; ignored).
    Other {
        /// Lower case.
        name: String,
    },
}

/// Reads one `ntc`. A join of several rooms, or a part, becomes one notice for each room.
pub(super) fn decode(
    element: &Element<'_>,
    notices: &mut Vec<Notice>,
) -> Result<(), DocumentError> {
    let name = name_of(element, "ntc:")?;
    let nothing = Element::default();
    let data = element.child("data").unwrap_or(&nothing);
    match name.as_str() {
        "join" | "bjoin" => decode_joins(data, notices).ok_or(DocumentError::Value),
        "part" => decode_parts(data, notices).ok_or(DocumentError::Value),
        _ => {
            notices.push(Notice::Other { name: sanitised(&name) });
            Ok(())
        }
    }
}

fn decode_joins(data: &Element<'_>, notices: &mut Vec<Notice>) -> Option<()> {
    let first = notices.len();
    for uib in data.children_named("uib") {
        let participant = fields::participant(uib)?;
        for aib in uib.children_named("aib") {
            let user = fields::marked(&participant, aib);
            let domain = fields::filled(aib, "domain")?.to_ascii_lowercase();
            let room = Guid::parse(aib.attribute("value")?)?;
            add_join(&mut notices[first..], &domain, room, &user).unwrap_or_else(|| {
                notices.push(Notice::Join { domain, room, users: vec![user] });
            });
        }
    }
    Some(())
}

/// Adds a user to the notice of that room, if there is one.
fn add_join(notices: &mut [Notice], domain: &str, room: Guid, user: &Participant) -> Option<()> {
    notices.iter_mut().find_map(|notice| match notice {
        Notice::Join { domain: d, room: r, users } if d == domain && *r == room => {
            users.push(user.clone());
            Some(())
        }
        _ => None,
    })
}

fn decode_parts(data: &Element<'_>, notices: &mut Vec<Notice>) -> Option<()> {
    for chanib in data.children_named("chanib") {
        let room_uri = fields::filled(chanib, "uri")?;
        let users = chanib.children_named("uib").map(|uib| fields::filled(uib, "uri"));
        notices.push(Notice::Part { room_uri, users: users.collect::<Option<_>>()? });
    }
    Some(())
}

/// Writes one `ntc`.
pub(super) fn encode(w: &mut Writer<'_>, seqid: u32, notice: &Notice) {
    let name = match notice {
        Notice::Join { .. } => "join",
        Notice::Part { .. } => "part",
        Notice::Other { name } => name,
    };
    w.open("ntc").prefixed("id", "ntc:", name).plain("seqid", seqid);
    w.inside("ntc", |w| match notice {
        Notice::Join { domain, room, users } => {
            w.open("data").inside("data", |w| encode_joined(w, domain, *room, users));
        }
        Notice::Part { room_uri, users } => {
            w.open("data").inside("data", |w| encode_parted(w, room_uri, users));
        }
        Notice::Other { .. } => w.open("data").empty(),
    });
}

fn encode_joined(w: &mut Writer<'_>, domain: &str, room: Guid, users: &[Participant]) {
    for user in users {
        w.open("uib");
        room::participant_attributes(w, user);
        w.inside("uib", |w| {
            w.open("aib").plain("key", key_of(user)).attribute("domain", domain);
            w.plain("value", room).empty();
        });
    }
}

fn encode_parted(w: &mut Writer<'_>, room_uri: &str, users: &[String]) {
    w.open("chanib").attribute("uri", room_uri).inside("chanib", |w| {
        for user in users {
            w.open("uib").attribute("uri", user).empty();
        }
    });
}
