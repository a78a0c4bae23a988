//! `inv`: a user was made member of a room (`xccos.md` §3.12, §6.12).

use super::write::Writer;
use super::{RoomInfo, Timestamp, fields, room};
use crate::xml::Element;

/// One of a user's invitations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// `inviteId`: rises with each invitation of a user.
    pub number: u64,
    /// SIP domain.
    pub domain: String,
    /// When it was made.
    pub created_on: Timestamp,
    /// To which room.
    pub room: RoomInfo,
}

/// Writes an `inv`.
pub(super) fn encode(w: &mut Writer<'_>, invitation: &Invitation) {
    w.open("inv").plain("inviteId", invitation.number).attribute("domain", &invitation.domain);
    w.plain("createdon", invitation.created_on);
    w.inside("inv", |w| room::encode(w, &invitation.room));
}

/// Reads the `inv` elements of a reply or a notice.
pub(super) fn decode(data: &Element<'_>) -> Option<Vec<Invitation>> {
    let invitation = |inv: &Element<'_>| {
        Some(Invitation {
            number: fields::number(inv, "inviteId")?,
            domain: fields::text(inv, "domain").unwrap_or_default(),
            created_on: inv.attribute("createdon").and_then(Timestamp::parse)?,
            room: room::decode(inv.child("chanib")?)?,
        })
    };
    data.children_named("inv").map(invitation).collect()
}
