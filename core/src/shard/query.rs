//! Questions to the database: history beyond what the rooms keep, searches, preferences.
//!
//! Each has a deadline in the shell, and there is a bound on how many may be open, here and per
//! session: whoever searches much waits or is refused, and nobody else notices.

use super::ask::Question;
use super::manage::Managing;
use super::room::delivery;
use super::{LinkId, Output, Shard};
use crate::archive::{Answer, Fault, Query, QueryKey};
use crate::counters::Refusal;
use crate::log::Record;
use crate::mail::{AskKey, SessionKey, User};
use hashbrown::HashSet;
use parlance_wire::limits::{XCCOS_BJOIN_ROOMS_MAX, XCCOS_REPLY_BYTES_MAX};
use parlance_wire::sip::Uri;
use parlance_wire::xccos::{
    self, CommandId, Delivery, Found, FoundInRoom, Guid, HistorySearch, Preference, Reply,
    ReplyData, ResponseCode, RoomRef, room_uri,
};

/// What a reply of history needs beside the documents of its messages.
pub(super) const ENVELOPE_BYTES: usize = 1024;
/// And for each room.
const ROOM_BYTES: usize = 512;
/// Longest document of a message that a reply has room for whatever rooms are asked for.
const MESSAGE_BYTES_MAX: usize =
    XCCOS_REPLY_BYTES_MAX - ENVELOPE_BYTES - XCCOS_BJOIN_ROOMS_MAX * ROOM_BYTES;

/// What an answer is for.
#[derive(Debug)]
pub(super) enum Purpose {
    /// The room's readers of history wait for this many older messages.
    Older {
        room: Guid,
        count: usize,
    },
    /// A search in these rooms, shown in the direction of the search or against it.
    Search {
        ask: AskKey,
        command: CommandId,
        rooms: Vec<Guid>,
        is_turned: bool,
    },
    /// The number that the user knows goes with `getpref`.
    ReadPreference {
        ask: AskKey,
        command: CommandId,
        label: String,
        known: u64,
    },
    WritePreference {
        ask: AskKey,
        command: CommandId,
        label: String,
    },
    Invitations {
        ask: AskKey,
        command: CommandId,
    },
    Administer {
        ask: AskKey,
        command: CommandId,
        what: Managing,
    },
}

impl Shard {
    /// Asks, unless too much is asked already.
    pub(super) fn query(&mut self, query: Query, purpose: Purpose) -> Result<(), Fault> {
        let queries_max = self.setup.limits.queries_max;
        let most = match query {
            Query::Older { .. } => queries_max,
            _ => queries_max - queries_max / 4,
        };
        if self.queries.len() >= most {
            return Err(Fault::Unavailable);
        }
        let key = self.queries.insert(purpose);
        self.counters.queries += 1;
        self.outputs.push_back(Output::Ask { key, query });
        Ok(())
    }

    pub(super) fn on_answered(&mut self, key: QueryKey, answer: Answer) {
        let purpose = self.queries.remove(key).expect("each question is answered once");
        if matches!(answer, Answer::Failed(_)) {
            self.counters.queries_failed += 1;
        }
        match purpose {
            Purpose::Older { room, count } => self.on_older(room, count, answer),
            Purpose::Search { ask, command, rooms, is_turned } => {
                if let Some(session) = self.sessions.get_mut(self.asks[ask].session) {
                    session.dialog.searches -= 1;
                }
                // The directory may have changed since it was asked.
                let user = self.asks[ask].user.clone();
                let lost = rooms.iter().find_map(|room| self.judge_reading(*room, &user).err());
                let data = match (lost, answer) {
                    (Some(code), _) => Err(code),
                    (None, Answer::Messages { mut records, is_exceeded }) => {
                        records.retain(|r| self.judge_reading(r.room, &user) == Ok(true));
                        let found = self.found(&rooms, records, is_exceeded, is_turned);
                        Ok(ReplyData::Found(found))
                    }
                    (None, Answer::Failed(fault)) => Err(fault.code()),
                    (None, other) => unreachable!("a search is not answered by {other:?}"),
                };
                self.conclude(ask, "bcbydate", command, data);
            }
            Purpose::ReadPreference { ask, command, label, known } => {
                self.note_preference(ask);
                let data = match answer {
                    // The content goes only to a client that knows an older number
                    // (`xccos.md` §3.13).
                    Answer::Preference { seqid, content } => {
                        Ok((seqid, (seqid > known).then_some(content)))
                    }
                    Answer::Failed(fault) => Err(fault.code()),
                    other => unreachable!("a preference is not answered by {other:?}"),
                };
                let data = data.map(|(seqid, content)| preference(label, seqid, content));
                self.conclude(ask, "getpref", command, data);
            }
            Purpose::WritePreference { ask, command, label } => {
                self.note_preference(ask);
                let data = match answer {
                    Answer::Written { seqid } => Ok(preference(label, seqid, None)),
                    Answer::Failed(fault) => Err(fault.code()),
                    other => unreachable!("a preference is not answered by {other:?}"),
                };
                self.conclude(ask, "setpref", command, data);
            }
            Purpose::Invitations { ask, command } => {
                let stored = match answer {
                    Answer::Invitations(stored) => Ok(stored),
                    Answer::Failed(fault) => Err(fault),
                    other => unreachable!("invitations are not answered by {other:?}"),
                };
                let user = self.asks[ask].user.clone();
                let data = self.shown_invitations(&user.uri, stored);
                self.conclude(ask, "getinv", command, data);
            }
            Purpose::Administer { ask, command, what } => {
                let outcome = match answer {
                    Answer::Administered(Ok(subject)) => Ok(subject),
                    Answer::Administered(Err(refusal)) => Err(refusal.cause.response_code()),
                    Answer::Failed(fault) => Err(fault.code()),
                    other => unreachable!("an act is not answered by {other:?}"),
                };
                self.on_administered(ask, command, what, outcome);
            }
        }
    }

    /// A preference is read or written.
    fn note_preference(&mut self, ask: AskKey) {
        if let Some(session) = self.sessions.get_mut(self.asks[ask].session) {
            session.dialog.preferences -= 1;
        }
    }

    /// Answers a command that had to ask the database.
    pub(super) fn conclude(
        &mut self,
        ask: AskKey,
        name: &str,
        to: CommandId,
        data: Result<ReplyData, ResponseCode>,
    ) {
        let (code, data) = match data {
            Ok(data) => (ResponseCode::Success, data),
            Err(code) => (code, ReplyData::Empty),
        };
        let body = self.render_reply(&Reply { name: name.into(), to, code, data });
        self.on_answer(ask, None, body);
    }

    /// `cmd:bcbydate`. Whoever may enter a room may search it without being in it.
    pub(super) fn on_history_search(
        &mut self,
        link: LinkId,
        key: SessionKey,
        command: CommandId,
        mut search: Box<HistorySearch>,
    ) {
        let rooms = match self.resolve_search(key, &mut search) {
            Ok(rooms) => rooms,
            Err(code) => {
                if code == ResponseCode::NoSuchNode {
                    self.refuse(link, Refusal::UnknownRoom);
                }
                let (name, data) = ("bcbydate".into(), ReplyData::Empty);
                return self.send_reply(key, Reply { name, to: command, code, data });
            }
        };
        let wanted = search.count_max.map_or(usize::MAX, |count| count as usize);
        let count = self.setup.limits.search_max.min(wanted);
        let is_turned = search.is_backwards != search.is_sorted_backwards;
        let ask = self.open_ask(key, Question::Document);
        let to = command.clone();
        let purpose = Purpose::Search { ask, command, rooms: rooms.clone(), is_turned };
        match self.query(Query::Search { rooms, search, count }, purpose) {
            Ok(()) => self.sessions[key].dialog.searches += 1,
            Err(fault) => self.conclude(ask, "bcbydate", to, Err(fault.code())),
        }
    }

    /// Few enough searches are open, and what they find will have room in the backlog: replies wait
    /// there for earlier ones, which is no fault of the client.
    fn may_search(&self, key: SessionKey) -> bool {
        let limits = &self.setup.limits;
        let session = &self.sessions[key];
        let share = limits.backlog_bytes_max / limits.session_searches_max.max(1);
        let reserved = (session.dialog.searches + 1) * share.min(XCCOS_REPLY_BYTES_MAX);
        session.dialog.searches < limits.session_searches_max
            && session.dialog.backlog_bytes + reserved <= limits.backlog_bytes_max
    }

    /// The rooms of a search, each once; its authors get their canonical spelling.
    fn resolve_search(
        &self,
        key: SessionKey,
        search: &mut HistorySearch,
    ) -> Result<Vec<Guid>, ResponseCode> {
        if !self.may_search(key) {
            return Err(ResponseCode::LimitExceeded);
        }
        for author in &mut search.authors {
            let canonical = Uri::parse(author).and_then(|uri| uri.identity());
            *author = canonical.ok_or(ResponseCode::InvalidArgument)?;
        }
        let user = &self.sessions[key].dialog.user;
        let rooms = search.rooms.iter().map(|room| self.readable_room(user, room));
        let mut rooms = rooms.collect::<Result<Vec<_>, _>>()?;
        let mut seen = HashSet::new();
        rooms.retain(|room| seen.insert(*room));
        Ok(rooms)
    }

    /// A room whose history the user may read, in it or not.
    fn readable_room(&self, user: &User, room: &RoomRef) -> Result<Guid, ResponseCode> {
        let room = self.known_room(room).ok_or(ResponseCode::NoSuchNode)?;
        self.judge_reading(room, user).map(|_| room)
    }

    /// What a search shows: as much as one document holds.
    fn found(
        &mut self,
        rooms: &[Guid],
        records: Vec<Record>,
        mut is_exceeded: bool,
        is_turned: bool,
    ) -> Found {
        let directory = self.setup.directory.clone();
        let empty = |room: &Guid| {
            let room_uri = room_uri(&directory.domain, *room);
            FoundInRoom { room_uri, messages: Vec::new() }
        };
        let mut found: Vec<FoundInRoom> = rooms.iter().map(empty).collect();
        let mut left = XCCOS_REPLY_BYTES_MAX - ENVELOPE_BYTES;
        left = left.saturating_sub(rooms.len() * ROOM_BYTES);
        for record in records {
            let at = rooms.iter().position(|room| *room == record.room);
            let at = at.expect("found in a room that was searched");
            let (bytes, message) = self.weigh(delivery(&directory, &found[at].room_uri, record));
            if bytes > left {
                is_exceeded = true;
                break;
            }
            left -= bytes;
            found[at].messages.push(message);
        }
        if is_turned {
            found.iter_mut().for_each(|room| room.messages.reverse());
        }
        Found { rooms: found, is_exceeded }
    }

    /// How long a message's document is, in bytes; see [`Shard::fit`].
    pub(super) fn weigh(&mut self, message: Delivery) -> (usize, Delivery) {
        let bytes = self.document_bytes(&message);
        self.fit(bytes, message)
    }

    /// A message whose document of so many bytes would fill a reply alone loses its RTF: history
    /// shows its plain text.
    pub(super) fn fit(&mut self, mut bytes: usize, mut message: Delivery) -> (usize, Delivery) {
        if bytes > MESSAGE_BYTES_MAX && message.rtf.take().is_some() {
            bytes = self.document_bytes(&message);
        }
        (bytes, message)
    }

    fn document_bytes(&mut self, message: &Delivery) -> usize {
        self.scratch.clear();
        xccos::encode_delivery(&mut self.scratch, self.envid, message);
        self.scratch.len()
    }

    pub(super) fn on_preference(
        &mut self,
        key: SessionKey,
        command: CommandId,
        asked: Preference,
        write: bool,
    ) {
        let ask = self.open_ask(key, Question::Document);
        let owner = self.sessions[key].dialog.user.uri.clone();
        let Preference { label, seqid, content, .. } = asked;
        let content = content.unwrap_or_default();
        let limits = &self.setup.limits;
        let is_long = content.len() > limits.preference_bytes_max;
        let is_much = self.sessions[key].dialog.preferences >= limits.session_preferences_max;
        let to = command.clone();
        let asked = if write && is_long || is_much {
            Err(Fault::TooMuch)
        } else if write {
            let purpose = Purpose::WritePreference { ask, command, label: label.clone() };
            self.query(Query::WritePreference { owner, label, seqid, content }, purpose)
        } else {
            let label_sent = label.clone();
            let purpose = Purpose::ReadPreference { ask, command, label: label_sent, known: seqid };
            self.query(Query::ReadPreference { owner, label }, purpose)
        };
        match asked {
            Ok(()) => self.sessions[key].dialog.preferences += 1,
            Err(fault) => {
                let name = if write { "setpref" } else { "getpref" };
                self.conclude(ask, name, to, Err(fault.code()));
            }
        }
    }
}

fn preference(label: String, seqid: u64, content: Option<String>) -> ReplyData {
    ReplyData::Preference(Preference { label, seqid, create_default: false, content })
}
