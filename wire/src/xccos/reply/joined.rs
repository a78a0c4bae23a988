//! Data of `rpl:join` and `rpl:bjoin`: users first, rooms that point at them, failures last.

use super::super::room::{self, marks_of};
use super::super::write::Writer;
use super::super::{Failure, Participant, RoomInfo, fields};
use super::ReplyData;
use crate::xml::Element;
use std::collections::BTreeMap;

pub(super) fn encode(
    w: &mut Writer<'_>,
    users: &[Participant],
    rooms: &[(RoomInfo, Vec<u32>)],
    failed: &[Failure],
) {
    for (id, user) in users.iter().enumerate() {
        w.open("uib").plain("id", id);
        room::participant_attributes(w, user);
        w.empty();
    }
    for (info, present) in rooms {
        room::encode_joined(w, info, present, users);
    }
    failed.iter().for_each(|failure| room::encode_failure(w, failure));
}

/// Indexes come back in ascending order, whatever the order of the keys was.
pub(super) fn decode(data: &Element<'_>) -> Option<ReplyData> {
    let mut users = Vec::new();
    let mut index_of = BTreeMap::new();
    for uib in data.children_named("uib") {
        index_of.insert(uib.attribute("id")?, users.len() as u32);
        users.push(fields::participant(uib)?);
    }
    let mut rooms = Vec::new();
    for chanib in data.children_named("chanib") {
        let mut present = Vec::new();
        for aib in chanib.children_named("aib") {
            let (is_operator, is_presenter) = marks_of(fields::number(aib, "key"));
            for id in aib.attribute("value")?.split(',').filter(|id| !id.is_empty()) {
                let index = *index_of.get(id)?;
                users[index as usize].is_operator |= is_operator;
                users[index as usize].is_presenter |= is_presenter;
                present.push(index);
            }
        }
        present.sort_unstable();
        rooms.push((room::decode(chanib)?, present));
    }
    let failed = data.children_named("fib").map(room::decode_failure);
    Some(ReplyData::Joined { users, rooms, failed: failed.collect::<Option<_>>()? })
}
