//! What a client asks of the directory: its rooms, its rights. The home of the session answers, for
//! every shard has the directory.

use super::Shard;
use super::ask::room_info;
use crate::directory::{Asker, RoomEntry};
use crate::mail::SessionKey;
use parlance_wire::limits::XCCOS_REPLY_BYTES_MAX;
use parlance_wire::xccos::{AssociationKind, CommandId, ReplyData, RoomInfo};
use std::sync::Arc;

/// No fewer bytes than a room's description takes in a reply, escaped and all, beside its texts.
const ROOM_BYTES: usize = 1_024;

impl Shard {
    /// `cmd:getassociations`: rooms whose lists name the user, or something the user belongs to.
    /// Rooms open to everybody are not among them unless they do (ADR 0009).
    pub(super) fn on_associations(
        &mut self,
        key: SessionKey,
        command: CommandId,
        kind: AssociationKind,
        results_max: Option<u32>,
    ) {
        let directory = self.setup.directory.clone();
        let user = self.sessions[key].dialog.user.clone();
        let limit = self.setup.limits.search_max;
        let max = results_max.map_or(limit, |wanted| limit.min(wanted as usize));
        let mut rooms: Vec<&Arc<RoomEntry>> = match directory.serve(&user.uri) {
            Ok(asker) => directory.rooms_listing(&asker),
            Err(_) => Vec::new(),
        };
        if let Ok(asker) = directory.serve(&user.uri) {
            rooms.retain(|room| is_associated(&directory, &asker, room, kind));
        }
        rooms.sort_by(|a, b| a.room.name.cmp(&b.room.name));
        let infos = rooms.into_iter().map(|room| room_info(&directory, room, None));
        let data = ReplyData::Rooms(fitting(infos.take(max)));
        self.succeed(key, command, "getassociations", data);
    }
}

fn is_associated(
    directory: &crate::Directory,
    asker: &Asker<'_>,
    room: &RoomEntry,
    kind: AssociationKind,
) -> bool {
    match kind {
        AssociationKind::Member => {
            directory.standing(asker, room).is_listed && directory.rights(asker, room).join
        }
        AssociationKind::Manager => directory.rights(asker, room).manage,
    }
}

/// As many rooms as one document holds: lists must be one (`sipe-client.md` §3.5).
pub(super) fn fitting(rooms: impl Iterator<Item = RoomInfo>) -> Vec<RoomInfo> {
    let mut bytes = 0;
    let fits = |room: &RoomInfo| {
        bytes += ROOM_BYTES + 6 * (room.name.len() + room.description.len());
        bytes <= XCCOS_REPLY_BYTES_MAX
    };
    rooms.take_while(fits).collect()
}
