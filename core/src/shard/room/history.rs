//! What was said in a room, for those who ask: from memory, and beyond it from the database.

use super::super::query::{ENVELOPE_BYTES, Purpose};
use super::super::{Due, Shard};
use super::{Kept, Move, READERS_MAX, Reader, delivery};
use crate::archive::{Answer, Query};
use crate::mail::{Address, AskKey, Mail, User};
use crate::policy::Right;
use parlance_wire::limits::XCCOS_REPLY_BYTES_MAX;
use parlance_wire::xccos::{CommandId, Delivery, Guid, Reply, ReplyData, ResponseCode, room_uri};
use std::sync::Arc;

impl Shard {
    /// History is asked for in the room's order too: behind the session's own join.
    pub(in crate::shard) fn on_history_mail(
        &mut self,
        id: Guid,
        from: Address,
        user: Arc<User>,
        ask: AskKey,
        command: CommandId,
        count: u32,
    ) {
        match self.rooms.get_mut(&id) {
            Some(room) if room.has_moves_of(from) => {
                room.moves.push_back(Move::History { from, user, ask, command, count });
            }
            _ => self.history(id, from, &user, ask, command, count),
        }
    }

    /// The newest released messages, oldest first. The reply is part of the room's order: it shows
    /// a prefix, and what it does not show comes after it. What was said before the last start may
    /// be in the database only; then the reply keeps its place, and later items of the room wait
    /// for it at the reader.
    pub(super) fn history(
        &mut self,
        id: Guid,
        from: Address,
        user: &User,
        ask: AskKey,
        command: CommandId,
        count: u32,
    ) {
        let count = self.history_depth().min(count as usize);
        let read = self.judge_reading(id, user);
        if read != Ok(true) {
            let code = read.err().unwrap_or(ResponseCode::Success);
            let reader = Reader { from, ask, command, count: 0, newest: Vec::new() };
            return self.tell_history(id, reader, Some(id), &[], code);
        }
        let Some(room) = self.rooms.get_mut(&id) else {
            let reader = Reader { from, ask, command, count, newest: Vec::new() };
            return self.tell_history(id, reader, Some(id), &[], ResponseCode::Success);
        };
        let newest = room.recent.iter().rev().take(count).cloned().collect();
        let reader = Reader { from, ask, command, count, newest };
        if !room.is_short_of(count) {
            return self.tell_history(id, reader, Some(id), &[], ResponseCode::Success);
        }
        if room.readers.len() >= READERS_MAX {
            let code = ResponseCode::DatabaseConnection;
            return self.tell_history(id, reader, Some(id), &[], code);
        }
        room.readers.push(reader);
        self.mail(from.shard, Mail::Placed { session: from.session, ask, room: id });
        self.ask_older(id);
    }

    /// May this user read what was said, and is there anything to be read: does the category keep
    /// history?
    pub(in crate::shard) fn judge_reading(
        &self,
        id: Guid,
        user: &User,
    ) -> Result<bool, ResponseCode> {
        let directory = &self.setup.directory;
        let entry = directory.room(id).ok_or(ResponseCode::NoSuchNode)?;
        match directory.allows(&user.uri, id, Right::Read) {
            true => Ok(directory.keeps_history(entry)),
            false => self.judge_join(id, user).map(|()| false),
        }
    }

    /// Messages that a history reply shows at most.
    fn history_depth(&self) -> usize {
        let wanted = self.setup.directory.configuration().default_chat_history;
        self.setup.limits.history_max.min(usize::from(wanted))
    }

    /// Asks for as many older messages as any reader may be shown, unless that is asked already.
    /// Readers wait for the answer as long as live messages may wait for them.
    fn ask_older(&mut self, id: Guid) {
        let (depth, older_ms) = (self.history_depth(), self.setup.limits.older_ms);
        let room = self.rooms.get_mut(&id).expect("a room that is short of some is kept");
        if room.readers_until.is_none() {
            let until = self.now.instant.plus_ms(older_ms);
            room.readers_until = Some(until);
            self.timers.at(until, Due::Room(id));
        }
        if std::mem::replace(&mut room.is_asking, true) {
            return;
        }
        let before = room.oldest();
        // More may be kept than is asked for, if less is shown now than was a moment ago.
        let count = depth.saturating_sub(room.recent.len()).max(1);
        let purpose = Purpose::Older { room: id, count };
        if let Err(fault) = self.query(Query::Older { room: id, before, count }, purpose) {
            self.rooms.get_mut(&id).expect("looked at above").is_asking = false;
            self.tell_readers(id, &[], fault.code());
        }
    }

    pub(in crate::shard) fn on_older(&mut self, id: Guid, count: usize, answer: Answer) {
        let room = self.rooms.get_mut(&id).expect("a room with messages is kept");
        room.is_asking = false;
        if std::mem::take(&mut room.is_outdated) && !room.readers.is_empty() {
            return self.ask_older(id);
        }
        let records = match answer {
            Answer::Messages { records, .. } => records,
            Answer::Failed(fault) => return self.tell_readers(id, &[], fault.code()),
            other => unreachable!("older messages are not answered by {other:?}"),
        };
        let is_whole = records.len() < count;
        let (directory, uri) = (self.setup.directory.clone(), self.rooms[&id].entry.uri.clone());
        let older: Vec<Kept> = records
            .into_iter()
            .rev()
            .map(|record| self.keep(delivery(&directory, &uri, record)))
            .collect();
        self.keep_older(id, &older, is_whole);
        self.tell_readers(id, &older, ResponseCode::Success);
    }

    /// Puts older messages, newest first, before those that are kept, as far as there is room. That
    /// is enough, unless so much was said meanwhile that nobody will ask for them any more.
    fn keep_older(&mut self, id: Guid, older: &[Kept], is_whole: bool) {
        let recent_max = self.setup.limits.recent_max;
        let room = self.rooms.get_mut(&id).expect("a room with messages is kept");
        for message in older {
            if room.recent.len() == recent_max {
                return;
            }
            // Older ones that were on their way when the room was revised may be here again.
            if message.1.chat_id >= room.oldest() {
                continue;
            }
            room.recent.push_front(message.clone());
        }
        room.is_whole = is_whole;
    }

    /// Forgets what the database knows better.
    pub(in crate::shard) fn on_revised(&mut self, id: Guid, through: u64) {
        let Some(room) = self.rooms.get_mut(&id) else { return };
        room.recent.retain(|(_, message)| message.chat_id > through);
        room.is_whole = false;
        room.is_outdated = room.is_asking;
    }

    pub(super) fn tell_readers(&mut self, id: Guid, older: &[Kept], code: ResponseCode) {
        let room = self.rooms.get_mut(&id).expect("a room with messages is kept");
        room.readers_until = None;
        for reader in std::mem::take(&mut room.readers) {
            self.tell_history(id, reader, None, older, code);
        }
    }

    /// As many of the newest messages as one document holds; `older` are newest first. When the
    /// database did not answer, the code says so, beside what is known without it.
    fn tell_history(
        &mut self,
        id: Guid,
        reader: Reader,
        after: Option<Guid>,
        older: &[Kept],
        code: ResponseCode,
    ) {
        let Reader { from, ask, command: to, count, newest } = reader;
        let mut bytes = ENVELOPE_BYTES;
        let fits = |(len, _): &Kept| {
            bytes += len;
            bytes <= XCCOS_REPLY_BYTES_MAX
        };
        let all = newest.into_iter().chain(older.iter().cloned()).take(count);
        let shown = all.take_while(fits).map(|(_, message)| Delivery::clone(&message));
        let mut messages: Vec<Delivery> = shown.collect();
        messages.reverse();
        let room_uri = room_uri(&self.setup.directory.domain, id);
        let data = match code {
            ResponseCode::NoSuchNode
            | ResponseCode::ErrorPermission
            | ResponseCode::NodeDisabled => ReplyData::Empty,
            _ => ReplyData::History { room_uri, messages },
        };
        let body = self.render_reply(&Reply { name: "bccontext".into(), to, code, data });
        self.mail(from.shard, Mail::Answer { session: from.session, ask, after, body });
    }
}
