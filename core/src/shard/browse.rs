//! What a client asks of the directory: rooms, rights, people, categories. The home of the session
//! answers, for every shard has the directory.

use super::Shard;
use super::ask::Question;
use super::query::Purpose;
use crate::archive::{Fault, Query, StoredInvitation};
use crate::directory::model::{self, PrincipalState, Role};
use crate::directory::{Asker, Directory, Node, Person, RoomEntry};
use crate::mail::{Mail, SessionKey};
use crate::policy::Right;
use parlance_wire::limits::XCCOS_REPLY_BYTES_MAX;
use parlance_wire::xccos::{
    AddinInfo, AssociationKind, Audit, CategoryInfo, CommandId, Guid, Invitation, PrincipalInfo,
    PrincipalKind, PrincipalSearch, ReplyData, ResponseCode, RoleList, RoomInfo, RoomRef, RoomRole,
    category_uri,
};
use std::sync::Arc;

/// No fewer bytes than a room's description takes in a reply, escaped and all, beside its texts.
const ROOM_BYTES: usize = 1_024;
/// Principals of one list that a room card shows.
const CARD_PRINCIPALS_MAX: usize = 1_000;
/// People that one search shows when it does not say how many; and the most it may say.
const PEOPLE_FOUND_MAX: usize = 100;
/// Searches among people that a shard makes in a second: one looks at everybody.
const PEOPLE_SEARCHES_PER_SECOND: u32 = 5;
/// Invitations that one reply shows.
const INVITATIONS_MAX: usize = 500;

/// A room's description, as everybody who may see it is shown.
pub(super) fn room_info(
    directory: &Directory,
    entry: &RoomEntry,
    participants: Option<u32>,
) -> RoomInfo {
    let room = &entry.room;
    let category = directory.category(room.category);
    let addin = room.addin.and_then(|id| directory.addin(id));
    RoomInfo {
        description: room.description.clone(),
        participants,
        privacy: room.privacy,
        file_post: category.is_some_and(|category| category.category.file_upload),
        invite: directory.invites(entry),
        logged: directory.keeps_history(entry),
        category: Some(room.category),
        behavior: room.behavior,
        disabled: room.is_disabled,
        addin: addin.map(addin_info),
        ..RoomInfo::new(entry.uri.clone(), room.name.clone())
    }
}

/// A room's card: its managers see its lists and who changed it, too.
pub(super) fn room_card(directory: &Directory, entry: &RoomEntry, is_manager: bool) -> RoomInfo {
    let mut info = room_info(directory, entry, None);
    if is_manager {
        let audit = entry.room.audit.clone();
        info.audit = Some(Audit {
            created_by: audit.created_by,
            created_on: audit.created_on,
            updated_by: audit.updated_by,
            updated_on: audit.updated_on,
        });
        let lists = [
            (RoomRole::Member, Role::Member),
            (RoomRole::Manager, Role::Manager),
            (RoomRole::Presenter, Role::Presenter),
        ];
        let list = |(shown, role)| {
            let list = directory.list(entry.room.id, role).expect("a room has the list");
            let people = list.iter().filter_map(|id| directory.people().get(id));
            let principals = people.take(CARD_PRINCIPALS_MAX).map(principal_info).collect();
            RoleList { role: shown, principals }
        };
        info.roles = lists.into_iter().map(list).collect();
    }
    info
}

fn addin_info(addin: &model::Addin) -> AddinInfo {
    AddinInfo { id: addin.id, name: addin.name.clone(), url: addin.url.clone() }
}

fn principal_info(person: &Person) -> PrincipalInfo {
    let principal = &person.principal;
    PrincipalInfo {
        uri: principal.uri.clone(),
        kind: match principal.kind {
            model::PrincipalKind::User => PrincipalKind::User,
            model::PrincipalKind::Domain => PrincipalKind::Domain,
            model::PrincipalKind::Group => PrincipalKind::Group,
            model::PrincipalKind::Folder => PrincipalKind::Folder,
        },
        account: principal.account.clone(),
        name: principal.display_name.clone(),
        email: principal.email.clone(),
        company: principal.company.clone(),
        disabled: principal.state != PrincipalState::Active,
    }
}

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
        let mut rooms: Vec<&Arc<RoomEntry>> = Vec::new();
        if let Ok(asker) = directory.serve(&user.uri) {
            rooms = directory.rooms_listing(&asker);
            rooms.retain(|room| is_associated(&directory, &asker, room, kind));
        }
        rooms.sort_by(|a, b| a.room.name.cmp(&b.room.name));
        let infos = rooms.into_iter().map(|room| room_info(&directory, room, None));
        let data = ReplyData::Rooms(fitting(infos.take(max)));
        self.succeed(key, command, "getassociations", data);
    }

    /// `cmd:chaninfo`: a room by reference or by name.
    pub(super) fn on_room_card(
        &mut self,
        key: SessionKey,
        command: CommandId,
        room: Option<&RoomRef>,
        name: Option<&str>,
    ) {
        let directory = self.setup.directory.clone();
        let named = || match directory.named(name?) {
            Some(Node::Room(id)) => Some(id),
            _ => None,
        };
        let id = room.map_or_else(named, |room| self.known_room(room));
        let user = self.sessions[key].dialog.user.clone();
        let rights = id.map(|id| directory.rights_of(&user.uri, id)).unwrap_or_default();
        match id.and_then(|id| directory.room(id)).filter(|_| rights.see) {
            Some(entry) => {
                let card = room_card(&directory, entry, rights.manage);
                self.succeed(key, command, "chaninfo", ReplyData::Room(Box::new(card)));
            }
            None => self.decline(key, command, "chaninfo", ResponseCode::NoSuchNode),
        }
    }

    /// `cmd:getpermissions`: what may I do here?
    pub(super) fn on_permissions(&mut self, key: SessionKey, command: CommandId, room: &RoomRef) {
        let user = self.sessions[key].dialog.user.clone();
        let id = self.known_room(room);
        let rights = id.map(|id| self.setup.directory.rights_of(&user.uri, id)).unwrap_or_default();
        match id.filter(|_| rights.see) {
            Some(id) => {
                let room_uri = parlance_wire::xccos::room_uri(&self.setup.directory.domain, id);
                let data = ReplyData::Permissions { room_uri, key: rights.key() };
                self.succeed(key, command, "getpermissions", data);
            }
            None => self.decline(key, command, "getpermissions", ResponseCode::NoSuchNode),
        }
    }

    /// `cmd:nodespermcreatechild`: categories in which the user may create rooms.
    pub(super) fn on_creatable(&mut self, key: SessionKey, command: CommandId) {
        let directory = self.setup.directory.clone();
        let user = self.sessions[key].dialog.user.clone();
        let mut categories = Vec::new();
        if let Ok(asker) = directory.serve(&user.uri) {
            let all = directory.categories();
            categories.extend(all.filter(|c| directory.may_create(&asker, c.category.id)));
        }
        categories.sort_by(|a, b| a.category.name.cmp(&b.category.name));
        let info = |entry: &Arc<crate::directory::CategoryEntry>| CategoryInfo {
            uri: category_uri(&directory.domain, entry.category.id),
            name: entry.category.name.clone(),
            description: entry.category.description.clone(),
            invite: entry.category.invites,
            file_post: entry.category.file_upload,
            logged: entry.category.chat_history,
        };
        let shown = categories.into_iter().take(self.setup.limits.search_max).map(info);
        let data = ReplyData::Categories(shown.collect());
        self.succeed(key, command, "nodespermcreatechild", data);
    }

    /// `cmd:getaddin`: all add-ins.
    pub(super) fn on_addins(&mut self, key: SessionKey, command: CommandId) {
        let addins = self.setup.directory.addins().map(addin_info);
        let data = ReplyData::Addins(addins.take(self.setup.limits.search_max).collect());
        self.succeed(key, command, "getaddin", data);
    }

    /// `cmd:usersearch`: people for a list, for whoever manages rooms or may create some.
    pub(super) fn on_people_search(
        &mut self,
        key: SessionKey,
        command: CommandId,
        search: &PrincipalSearch,
    ) {
        let directory = self.setup.directory.clone();
        let user = self.sessions[key].dialog.user.clone();
        let may_search = directory.serve(&user.uri).is_ok_and(|asker| {
            let mut rooms = directory.rooms_listing(&asker).into_iter();
            directory.categories().any(|c| directory.may_create(&asker, c.category.id))
                || rooms.any(|room| directory.may(&asker, room, Right::Manage))
        });
        if !may_search {
            return self.decline(key, command, "usersearch", ResponseCode::ErrorPermission);
        }
        let rate = PEOPLE_SEARCHES_PER_SECOND;
        if !self.people_searches.take(self.now.instant, rate, rate) {
            return self.decline(key, command, "usersearch", ResponseCode::LimitExceeded);
        }
        let most = search.results_max.map_or(PEOPLE_FOUND_MAX, |max| max as usize);
        let most = most.min(PEOPLE_FOUND_MAX);
        let mut found: Vec<PrincipalInfo> = Vec::new();
        let is_wanted = |person: &Person| is_found(&directory, person, search);
        let wanted = directory.people().iter().filter(|(_, person)| is_wanted(person));
        found.extend(wanted.take(most + 1).map(|(_, person)| principal_info(person)));
        let more = found.len() > most;
        found.truncate(most);
        let data = ReplyData::Principals { principals: found, more };
        self.succeed(key, command, "usersearch", data);
    }

    /// `cmd:getparticipants`: the list that a large room does not push (`xccos.md` §3.5.4).
    pub(super) fn on_participants(&mut self, key: SessionKey, command: CommandId, room: &RoomRef) {
        let name = "getparticipants";
        let Some(room) = self.known_room(room) else {
            return self.decline(key, command, name, ResponseCode::NoSuchNode);
        };
        if self.sessions[key].seat(room).is_none() {
            return self.decline(key, command, name, ResponseCode::UserNotJoined);
        }
        let ask = self.open_ask(key, Question::Document);
        let (from, to) = (self.address(key), self.owner(room));
        self.mail(to, Mail::Participants { room, from, ask, command });
    }

    /// `cmd:getinv`: invitations with higher numbers than the client knows.
    pub(super) fn on_invitations(&mut self, key: SessionKey, command: CommandId, after: u64) {
        let directory = &self.setup.directory;
        let user = &self.sessions[key].dialog.user.uri;
        let person = directory.people().find_uri(user).and_then(|id| directory.people().get(id));
        let Some(user) = person.map(|person| person.principal.id) else {
            return self.succeed(key, command, "getinv", ReplyData::Invitations(Vec::new()));
        };
        let count = self.setup.limits.search_max.min(INVITATIONS_MAX);
        let ask = self.open_ask(key, Question::Document);
        let to = command.clone();
        let query = Query::Invitations { user, after, count };
        if let Err(fault) = self.query(query, Purpose::Invitations { ask, command }) {
            self.conclude(ask, "getinv", to, Err(fault.code()));
        }
    }

    /// Invitations to rooms that the user may still see.
    pub(super) fn shown_invitations(
        &self,
        user: &str,
        stored: Result<Vec<StoredInvitation>, Fault>,
    ) -> Result<ReplyData, ResponseCode> {
        let directory = &self.setup.directory;
        let stored = stored.map_err(Fault::code)?;
        let shown = stored.into_iter().filter_map(|invitation| {
            let entry = directory.room(invitation.room)?;
            let is_seen = directory.allows(user, invitation.room, Right::Find);
            is_seen.then(|| Invitation {
                number: invitation.number,
                domain: directory.domain.clone(),
                created_on: invitation.created_on,
                room: room_info(directory, entry, None),
            })
        });
        let mut bytes = 0;
        let fits = |invitation: &Invitation| {
            bytes += info_bytes(&invitation.room);
            bytes <= XCCOS_REPLY_BYTES_MAX
        };
        Ok(ReplyData::Invitations(shown.take_while(fits).collect()))
    }

    /// Answers a command with a code and nothing else.
    pub(super) fn decline(
        &mut self,
        key: SessionKey,
        to: CommandId,
        name: &str,
        code: ResponseCode,
    ) {
        let reply =
            parlance_wire::xccos::Reply { name: name.into(), to, code, data: ReplyData::Empty };
        self.send_reply(key, reply);
    }
}

fn is_associated(
    directory: &Directory,
    asker: &Asker<'_>,
    room: &RoomEntry,
    kind: AssociationKind,
) -> bool {
    match kind {
        AssociationKind::Member => {
            directory.standing(asker, room).is_listed && directory.may(asker, room, Right::Join)
        }
        AssociationKind::Manager => directory.may(asker, room, Right::Manage),
    }
}

/// Does a principal have the names, and could it be in a list of the category's rooms?
fn is_found(directory: &Directory, person: &Person, search: &PrincipalSearch) -> bool {
    let principal = &person.principal;
    let begins = |text: &str, part: &str| {
        let part = part.trim();
        text.get(..part.len()).is_some_and(|start| start.eq_ignore_ascii_case(part))
    };
    // Groups have one name; people, as far as we know, have the first and the last word of theirs.
    let name = principal.display_name.trim();
    let (first, last) = match principal.kind {
        model::PrincipalKind::User => (
            name.split_whitespace().next().unwrap_or_default(),
            name.split_whitespace().next_back().unwrap_or_default(),
        ),
        _ => ("", name),
    };
    if principal.state != PrincipalState::Active
        || !begins(last, &search.last_name)
        || !begins(first, &search.first_name)
        || !begins(&principal.email, &search.email)
    {
        return false;
    }
    let in_scope = |category: Guid| {
        let id = directory.people().find(principal.id);
        let asker = Asker { id, affiliations: person.affiliations() };
        directory.is_in_scope(&asker, category)
    };
    search.category.is_none_or(in_scope)
}

/// No fewer bytes than a room's description takes in a reply.
fn info_bytes(room: &RoomInfo) -> usize {
    ROOM_BYTES + 6 * (room.name.len() + room.description.len())
}

/// As many rooms as one document holds: lists must be one (`sipe-client.md` §3.5).
pub(super) fn fitting(rooms: impl Iterator<Item = RoomInfo>) -> Vec<RoomInfo> {
    let mut bytes = 0;
    let fits = |room: &RoomInfo| {
        bytes += info_bytes(room);
        bytes <= XCCOS_REPLY_BYTES_MAX
    };
    rooms.take_while(fits).collect()
}
