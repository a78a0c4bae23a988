//! Rooms created, changed and deleted by those who chat (`xccos.md` §3.15): each becomes an act of
//! that user, which is decided and committed where all administration is.

use super::Shard;
use super::ask::Question;
use super::browse::room_card;
use super::query::Purpose;
use crate::admin::{Act, ListEdit, NewRoom, RoomEdit};
use crate::archive::Query;
use crate::directory::model::Invitations;
use crate::mail::{AskKey, SessionKey};
use crate::policy::Right;
use parlance_wire::xccos::{
    CommandId, Guid, ReplyData, ResponseCode, RoleChange, RoleOp, RoomChange, RoomDraft, RoomRef,
    RoomRole, room_uri,
};

/// Which command wants something administered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Managing {
    Create,
    Modify(Guid),
    Delete(Guid),
}

impl Managing {
    fn name(self) -> &'static str {
        match self {
            Managing::Create => "chancreate",
            Managing::Modify(_) => "chanmodify",
            Managing::Delete(_) => "chandelete",
        }
    }
}

impl Shard {
    /// `cmd:chancreate`.
    pub(super) fn on_create(&mut self, key: SessionKey, command: CommandId, draft: RoomDraft) {
        let Some(category) = draft.category else {
            // A room directly below the root.
            let code = ResponseCode::NodeHierarchyViolation;
            return self.decline(key, command, "chancreate", code);
        };
        let act = Act::NewRoom(NewRoom {
            description: draft.description,
            privacy: draft.privacy,
            behavior: draft.behavior,
            invitations: invitations(draft.invite_inherits),
            addin: draft.addin.map(|addin| addin.to_string()),
            members: draft.members,
            managers: draft.managers,
            presenters: draft.presenters,
            ..NewRoom::named(&draft.name, &category.to_string())
        });
        self.administer(key, command, Managing::Create, act);
    }

    /// `cmd:chanmodify`.
    pub(super) fn on_modify(&mut self, key: SessionKey, command: CommandId, change: RoomChange) {
        let directory = &self.setup.directory;
        let Some(entry) = self.known_room(&change.room).and_then(|id| directory.room(id)) else {
            return self.decline(key, command, "chanmodify", ResponseCode::NoSuchNode);
        };
        let (id, version) = (entry.room.id, entry.room.version);
        let is_stale = change.seen_on.is_some_and(|seen| seen != entry.room.audit.updated_on);
        if is_stale {
            return self.decline(key, command, "chanmodify", ResponseCode::DataCollision);
        }
        let mut edit = RoomEdit {
            version: change.seen_on.map(|_| version),
            name: change.name,
            description: change.description,
            category: change.category.map(|category| category.to_string()),
            privacy: change.privacy,
            behavior: change.behavior,
            invitations: change.invite_inherits.map(invitations),
            addin: change.addin.map(|addin| addin.map(|id| id.to_string())),
            is_disabled: change.disabled,
            ..RoomEdit::default()
        };
        change.roles.into_iter().for_each(|role| edit_list(&mut edit, role));
        let act = Act::SetRoom { room: id.to_string(), edit };
        self.administer(key, command, Managing::Modify(id), act);
    }

    /// `cmd:chandelete`.
    pub(super) fn on_delete(&mut self, key: SessionKey, command: CommandId, room: &RoomRef) {
        let Some(id) = self.known_room(room) else {
            return self.decline(key, command, "chandelete", ResponseCode::NoSuchNode);
        };
        let act = Act::RemoveRoom { room: id.to_string(), version: None };
        self.administer(key, command, Managing::Delete(id), act);
    }

    fn administer(&mut self, key: SessionKey, command: CommandId, what: Managing, act: Act) {
        let user = self.sessions[key].dialog.user.uri.clone();
        let ask = self.open_ask(key, Question::Document);
        let to = command.clone();
        let query = Query::Administer { user, act: Box::new(act) };
        if let Err(fault) = self.query(query, Purpose::Administer { ask, command, what }) {
            self.conclude(ask, what.name(), to, Err(fault.code()));
        }
    }

    /// The act is committed, and its directory in force here; or it was refused.
    pub(super) fn on_administered(
        &mut self,
        ask: AskKey,
        command: CommandId,
        what: Managing,
        outcome: Result<Option<Guid>, ResponseCode>,
    ) {
        let directory = self.setup.directory.clone();
        let uri = |id| room_uri(&directory.domain, id);
        let card = |id: Guid| {
            let entry = directory.room(id)?;
            let manages = directory.allows(&self.asks[ask].user.uri, id, Right::Manage);
            Some(ReplyData::Room(Box::new(room_card(&directory, entry, manages))))
        };
        let data = outcome.map(|subject| match what {
            Managing::Delete(id) => ReplyData::Deleted { room_uri: uri(id) },
            Managing::Modify(id) => card(id).unwrap_or(ReplyData::Empty),
            Managing::Create => subject.and_then(card).unwrap_or(ReplyData::Empty),
        });
        self.conclude(ask, what.name(), command, data);
    }
}

fn invitations(inherits: bool) -> Invitations {
    if inherits { Invitations::Inherit } else { Invitations::False }
}

fn edit_list(edit: &mut RoomEdit, change: RoleChange) {
    let list: &mut ListEdit = match change.role {
        RoomRole::Member => &mut edit.members,
        RoomRole::Manager => &mut edit.managers,
        RoomRole::Presenter => &mut edit.presenters,
    };
    match change.op {
        RoleOp::Add => list.add.extend(change.principals),
        RoleOp::Remove => list.remove.extend(change.principals),
        RoleOp::Replace => list.replace = Some(change.principals),
    }
}
