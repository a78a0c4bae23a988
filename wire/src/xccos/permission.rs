//! What a user may do in a room: `aib` (`xccos.md` §3.2.4, §6.16).

use super::room::{key_of, participant_attributes};
use super::write::Writer;
use super::{Guid, Participant, fields};
use crate::xml::Element;

/// Writes a room with the asker's key.
pub(super) fn encode(w: &mut Writer<'_>, room_uri: &str, key: u32) {
    w.open("chanib").attribute("uri", room_uri);
    w.inside("chanib", |w| w.open("aib").plain("key", key).empty());
}

/// Reads a room's URI and the asker's key.
pub(super) fn decode(data: &Element<'_>) -> Option<(String, u32)> {
    let chanib = data.child("chanib")?;
    Some((fields::filled(chanib, "uri")?, fields::number(chanib.child("aib")?, "key")?))
}

/// Writes each user with their key in one room.
pub(super) fn encode_users(w: &mut Writer<'_>, domain: &str, room: Guid, users: &[Participant]) {
    for user in users {
        w.open("uib");
        participant_attributes(w, user);
        w.inside("uib", |w| {
            w.open("aib").plain("key", key_of(user)).attribute("domain", domain);
            w.plain("value", room).empty();
        });
    }
}

/// Users and what they are in one room, by its domain (in lower case) and GUID.
pub(super) type UsersOfRoom = (String, Guid, Vec<Participant>);

/// Reads users with their keys in any number of rooms.
pub(super) fn decode_users(data: &Element<'_>) -> Option<Vec<UsersOfRoom>> {
    let mut rooms: Vec<UsersOfRoom> = Vec::new();
    for uib in data.children_named("uib") {
        let participant = fields::participant(uib)?;
        for aib in uib.children_named("aib") {
            let user = fields::marked(&participant, aib);
            let domain = fields::filled(aib, "domain")?.to_ascii_lowercase();
            let room = Guid::parse(aib.attribute("value")?)?;
            match rooms.iter_mut().find(|(d, r, _)| *d == domain && *r == room) {
                Some((_, _, users)) => users.push(user),
                None => rooms.push((domain, room, vec![user])),
            }
        }
    }
    Some(rooms)
}
