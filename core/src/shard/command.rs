//! What a client asks in its dialog: commands and posts, at the session's home.

use super::ask::{Question, Wanted};
use super::session::Restore;
use super::{LinkId, Shard};
use crate::counters::Refusal;
use crate::mail::{Leave, Mail, SessionKey};
use hashbrown::HashSet;
use parlance_wire::limits::XCCOS_REQUEST_BYTES_MAX;
use parlance_wire::sip::{Echo, Message};
use parlance_wire::xccos::{
    self, Command, CommandId, DocumentError, FromClient, Guid, Post, Reply, ReplyData,
    ResponseCode, RoomRef, RoomSearch, ServerInfo, category_uri,
};
use parlance_wire::xml::XmlError;

/// Body types we take for XCCOS: `text/plain` is what clients send (`xccos.md` §1.4).
const CONTENT_TYPES: [&str; 3] = ["text/plain", "text/xml", "application/xml"];

/// What the text of a story begins with (`xccos.md` §4.6); only the size limit depends on it.
const STORY_MARK: &str = "[STORY]";

impl Shard {
    pub(super) fn on_info(&mut self, link: LinkId, key: SessionKey, request: &Message<'_>) {
        if !CONTENT_TYPES.iter().any(|t| request.is_content_type(t)) {
            return self.refuse_info(link, request, 415, Refusal::ContentType);
        }
        if request.body().len() > XCCOS_REQUEST_BYTES_MAX {
            let error = DocumentError::Xml(XmlError::TooLong);
            return self.refuse_info(link, request, 413, Refusal::Document(error));
        }
        match xccos::decode_client(request.body()) {
            Err(error) => {
                let is_long = error == DocumentError::Xml(XmlError::TooLong);
                let status = if is_long { 413 } else { 400 };
                self.refuse_info(link, request, status, Refusal::Document(error));
            }
            Ok(FromClient::Post(post)) => self.on_post(link, key, request, post),
            Ok(FromClient::Commands(commands)) => {
                if !self.may_ask(key, commands.len()) {
                    return self.refuse_info(link, request, 503, Refusal::Overload);
                }
                // The 200 says "received"; replies follow in INFOs of their own.
                self.answer_with(link, request, 200, &[]);
                for (id, command) in commands {
                    self.counters.commands += 1;
                    self.on_command(link, key, id, command);
                }
            }
        }
    }

    fn refuse_info(&mut self, link: LinkId, request: &Message<'_>, status: u16, why: Refusal) {
        self.refuse(link, why);
        // 20011: message rejected because of load; 20007: service error.
        let id = if why == Refusal::Overload { 20011 } else { 20007 };
        let diagnostics = self.diagnostics(id, why);
        self.answer_with(link, request, status, &[("Ms-Diagnostics", &diagnostics)]);
    }

    /// Checks in the order of `xccos.md` §3.9.3; the owner of the room does the rest.
    fn on_post(&mut self, link: LinkId, key: SessionKey, request: &Message<'_>, post: Post) {
        let author = parlance_wire::sip::Uri::parse(&post.author).and_then(|uri| uri.identity());
        if author.as_deref() != Some(&*self.sessions[key].dialog.user.uri) {
            return self.refuse_info(link, request, 403, Refusal::Spoofed);
        }
        let Some(room) = self.known_room(&post.room) else {
            return self.refuse_info(link, request, 404, Refusal::UnknownRoom);
        };
        self.decide_restore(key, true);
        let limits = &self.setup.limits;
        let is_story = post.chat.starts_with(STORY_MARK);
        let most = if is_story { limits.story_bytes_max } else { limits.message_bytes_max };
        let rtf_len = post.rtf.as_ref().map_or(0, String::len);
        if post.chat.is_empty() {
            return self.refuse_info(link, request, 400, Refusal::MessageSize);
        }
        // Decoration may be some times as long as its text, not without bound.
        if post.chat.len() > most || rtf_len > most.saturating_mul(4) {
            return self.refuse_info(link, request, 413, Refusal::MessageSize);
        }
        if !self.may_ask(key, 1) {
            return self.refuse_info(link, request, 503, Refusal::Overload);
        }
        // While a join is under way a post behind it is not too early: the owner keeps the order.
        let session = &self.sessions[key];
        if session.seat(room).is_none() && !session.dialog.joining.contains(&room) {
            return self.refuse_info(link, request, 403, Refusal::NotJoined);
        }
        let tag = self.sessions[key].dialog.local_tag.clone();
        let ask = self.open_post(key, link, Echo::of(request, Some(&tag)));
        let (from, user) = (self.address(key), self.sessions[key].dialog.user.clone());
        let to = self.owner(room);
        self.mail(to, Mail::Post { room, from, user, ask, post: Box::new(post) });
    }

    /// The room a client means, if it exists.
    pub(super) fn known_room(&self, reference: &RoomRef) -> Option<Guid> {
        let directory = &self.setup.directory;
        let room = reference.guid()?;
        (reference.domain.eq_ignore_ascii_case(&directory.domain) && directory.room(room).is_some())
            .then_some(room)
    }

    fn on_command(&mut self, link: LinkId, key: SessionKey, id: CommandId, command: Command) {
        if !self.sessions.contains_key(key) {
            return;
        }
        let joins = matches!(command, Command::BJoin(_) | Command::Join(_));
        if !matches!(command, Command::ReqUri) {
            self.decide_restore(key, !joins);
        }
        match command {
            Command::ReqUri => {
                let uri = self.setup.directory.service_uri.clone();
                self.succeed(key, id, "requri", ReplyData::ReqUri { uri });
            }
            Command::GetServerInfo { info_type } => {
                let info = self.server_info(info_type);
                self.succeed(key, id, "getserverinfo", ReplyData::ServerInfo(info));
            }
            Command::Join(reference) => self.on_join(link, key, id, vec![reference], false),
            Command::BJoin(references) if references.is_empty() => {
                self.succeed(key, id, "bjoin", ReplyData::Empty);
            }
            Command::BJoin(references) => self.on_join(link, key, id, references, true),
            Command::Part(ref reference) => match self.known_room(reference) {
                Some(room) => self.on_part(key, id, room),
                None => self.fail_unknown_room(link, key, id, &command),
            },
            Command::BcContext { ref room, count } => match self.known_room(room) {
                Some(room) => self.on_history(key, id, room, count),
                None => self.fail_unknown_room(link, key, id, &command),
            },
            Command::BcByDate(search) => self.on_history_search(link, key, id, search),
            Command::ChanSrch(search) => self.on_search(key, id, search),
            Command::GetPref(preference) => self.on_preference(key, id, preference, false),
            Command::SetPref(preference) => self.on_preference(key, id, preference, true),
            Command::GetAssociations { kind, results_max } => {
                self.on_associations(key, id, kind, results_max);
            }
            Command::NodesPermCreateChild => self.on_creatable(key, id),
            Command::GetInv { after, .. } => self.on_invitations(key, id, after),
            Command::GetPermissions(room) => self.on_permissions(key, id, &room),
            Command::GetAddin => self.on_addins(key, id),
            Command::GetParticipants(room) => self.on_participants(key, id, &room),
            Command::UserSearch(search) => self.on_people_search(key, id, &search),
            Command::ChanInfo { room, name } => {
                self.on_room_card(key, id, room.as_ref(), name.as_deref());
            }
            Command::ChanCreate(draft) => self.on_create(key, id, *draft),
            Command::ChanModify(change) => self.on_modify(key, id, *change),
            Command::ChanDelete(room) => self.on_delete(key, id, &room),
            Command::Malformed { .. } => {
                self.refuse(link, Refusal::Document(DocumentError::Value));
                self.fail(key, id, &command, ResponseCode::InvalidArgument);
            }
            Command::GetFuTok { .. } | Command::GetFdTok { .. } | Command::Unknown { .. } => {
                self.refuse(link, Refusal::Unsupported);
                self.fail(key, id, &command, ResponseCode::MsgNotSupported);
            }
        }
    }

    pub(super) fn succeed(&mut self, key: SessionKey, to: CommandId, name: &str, data: ReplyData) {
        let reply = Reply { name: name.into(), to, code: ResponseCode::Success, data };
        self.send_reply(key, reply);
    }

    fn fail(&mut self, key: SessionKey, to: CommandId, command: &Command, code: ResponseCode) {
        let name = command.reply_name().into();
        self.send_reply(key, Reply { name, to, code, data: ReplyData::Empty });
    }

    fn fail_unknown_room(
        &mut self,
        link: LinkId,
        key: SessionKey,
        to: CommandId,
        command: &Command,
    ) {
        self.refuse(link, Refusal::UnknownRoom);
        self.fail(key, to, command, ResponseCode::NoSuchNode);
    }

    fn server_info(&self, info_type: String) -> ServerInfo {
        let (directory, limits) = (&self.setup.directory, &self.setup.limits);
        ServerInfo {
            info_type,
            server_time: self.now.wall,
            search_limit: limits.search_max as u32,
            message_bytes_max: limits.message_bytes_max as u32,
            story_bytes_max: limits.story_bytes_max as u32,
            root_uri: category_uri(&directory.domain, directory.pool.root_category),
            db_version: directory.pool.db_version.to_string(),
            domain: directory.domain.clone(),
            display_name: directory.pool.display_name.clone(),
            room_management_url: directory.configuration().room_management_url.clone(),
        }
    }

    fn on_join(
        &mut self,
        link: LinkId,
        key: SessionKey,
        command: CommandId,
        references: Vec<RoomRef>,
        is_many: bool,
    ) {
        let session = &self.sessions[key];
        let rooms = session.dialog.seats.len() + session.dialog.joining.len() + references.len();
        if rooms > self.setup.limits.session_rooms_max {
            let name = if is_many { "bjoin" } else { "join" }.into();
            let code = ResponseCode::LimitExceeded;
            let reply = Reply { name, to: command, code, data: ReplyData::Empty };
            return self.send_reply(key, reply);
        }
        let mut seen = HashSet::new();
        let mut wanted = Vec::with_capacity(references.len());
        for reference in references {
            let room = self.known_room(&reference);
            match room {
                None => self.refuse(link, Refusal::UnknownRoom),
                Some(room) if !seen.insert(room) => continue,
                Some(_) => {}
            }
            wanted.push(Wanted { reference, room, outcome: None });
        }
        let rooms: Vec<Guid> = wanted.iter().filter_map(|w| w.room).collect();
        let missing = rooms.len();
        let ask = self.open_ask(key, Question::Join { command, is_many, wanted, missing });
        if rooms.is_empty() {
            return self.finish_join_now(ask);
        }
        self.mail_joins(key, ask, rooms);
    }

    pub(super) fn mail_joins(
        &mut self,
        key: SessionKey,
        ask: crate::mail::AskKey,
        rooms: Vec<Guid>,
    ) {
        self.sessions[key].dialog.joining.extend_from_slice(&rooms);
        let (from, user) = (self.address(key), self.sessions[key].dialog.user.clone());
        for room in rooms {
            let to = self.owner(room);
            self.mail(to, Mail::Join { room, from, user: user.clone(), ask });
        }
    }

    /// From here on nothing of the room goes to the client any more: SIPE frees the room's window
    /// at once and would touch freed memory (`sipe-client.md` §3.5).
    fn on_part(&mut self, key: SessionKey, command: CommandId, room: Guid) {
        self.unseat_session(key, room);
        self.note_seats(key);
        self.sessions[key].dialog.parting.push(room);
        let entry = self.setup.directory.room(room).expect("checked by the caller");
        let room_uri = entry.uri.clone();
        let ask = self.open_ask(key, Question::Part { command, room, room_uri });
        let user = self.sessions[key].dialog.user.clone();
        self.mail_part(key, user, room, Some(ask), Leave::Now);
    }

    fn on_history(&mut self, key: SessionKey, command: CommandId, room: Guid, count: u32) {
        let ask = self.open_ask(key, Question::Document);
        let (from, to) = (self.address(key), self.owner(room));
        let user = self.sessions[key].dialog.user.clone();
        self.mail(to, Mail::History { room, from, user, ask, command, count });
    }

    fn on_search(&mut self, key: SessionKey, command: CommandId, search: RoomSearch) {
        let limit = self.setup.limits.search_max;
        let max = search.results_max.map_or(limit, |wanted| limit.min(wanted as usize));
        let missing = self.setup.shards;
        let found = Vec::new();
        let ask = self.open_ask(key, Question::Search { command, found, missing, max });
        let (from, user) = (self.address(key), self.sessions[key].dialog.user.clone());
        for shard in 0..self.setup.shards {
            let to = crate::mail::ShardId(shard as u16);
            let (user, search) = (user.clone(), search.clone());
            self.mail(to, Mail::Search { from, user, ask, search });
        }
    }

    /// The first thing a dialog does besides `requri` shows whether its client starts afresh (it
    /// joins) or believes to be in its rooms still (SIPE after a 481): then they are restored.
    fn decide_restore(&mut self, key: SessionKey, believes_joined: bool) {
        let session = &mut self.sessions[key];
        let restore = std::mem::replace(&mut session.dialog.restore, Restore::Decided);
        let Restore::Undecided(mut rooms) = restore else { return };
        rooms.truncate(self.setup.limits.session_rooms_max);
        if believes_joined && !rooms.is_empty() {
            let ask = self.open_ask(key, Question::Restore { missing: rooms.len() });
            self.mail_joins(key, ask, rooms);
        }
    }
}
