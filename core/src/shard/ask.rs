//! Questions of a session to the owners of rooms, and how the answers become replies.
//!
//! Every question mailed is answered, also to a session that is gone by then; so a question lives
//! until its answer, and the table is bounded by what sessions may have open.

use super::browse::{fitting, room_info};
use super::session::Restore;
use super::{Due, LinkId, Shard};
use crate::counters::Refusal;
use crate::directory::{Directory, Revision, RoomEntry};
use crate::mail::{
    AskKey, JoinOutcome, Leave, Mail, PostOutcome, Roles, SessionKey, User, participant,
};
use crate::outbox::Body;
use crate::policy::Right;
use hashbrown::HashMap;
use parlance_wire::limits::XCCOS_REPLY_BYTES_MAX;
use parlance_wire::sip::Echo;
use parlance_wire::sip::stamp::info_rest;
use parlance_wire::xccos::{
    self, CommandId, Failure, Guid, Participant, Reply, ReplyData, ResponseCode, RoomRef,
};
use std::sync::Arc;

/// A room somebody wants to join, as named by the client, and what came of it.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) reference: RoomRef,
    /// `None` when the reference is no room of ours.
    pub(super) room: Option<Guid>,
    pub(super) outcome: Option<JoinOutcome>,
}

/// What is being asked.
#[derive(Debug)]
pub(super) enum Question {
    /// The SIP response to this post is held open. It is owed on the link, whatever becomes of the
    /// dialog; `None` when the author has been told that the outcome is not known.
    Post {
        link: LinkId,
        echo: Option<Echo>,
    },
    /// This SIP response, whole, is held back until the registrar knows what its reader may do
    /// next.
    Held {
        link: LinkId,
        response: Box<[u8]>,
    },
    /// `join` or `bjoin`; `missing` outcomes are still to come.
    Join {
        command: CommandId,
        is_many: bool,
        wanted: Vec<Wanted>,
        missing: usize,
    },
    /// Rooms restored without the client's asking.
    Restore {
        missing: usize,
    },
    Part {
        command: CommandId,
        room: Guid,
        room_uri: String,
    },
    /// The session was taken out of a room; nobody waits for a reply.
    Expel {
        room: Guid,
    },
    Search {
        command: CommandId,
        found: Vec<(Arc<RoomEntry>, u32)>,
        missing: usize,
        max: usize,
    },
    /// The owner writes the reply.
    Document,
}

impl Question {
    /// A reply document answers it; its place is kept.
    fn has_reply(&self) -> bool {
        use Question::{Expel, Held, Post, Restore};
        !matches!(self, Post { .. } | Held { .. } | Restore { .. } | Expel { .. })
    }
}

/// One open question.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) session: SessionKey,
    /// Kept for the case that the session is gone when the answer comes.
    pub(super) user: Arc<User>,
    pub(super) question: Question,
}

impl Shard {
    pub(super) fn open_ask(&mut self, key: SessionKey, question: Question) -> AskKey {
        let user = self.sessions[key].dialog.user.clone();
        let has_reply = question.has_reply();
        let ask = self.asks.insert(Ask { session: key, user, question });
        match has_reply {
            true => self.keep_place(key, ask),
            false => self.sessions[key].dialog.asks += 1,
        }
        ask
    }

    fn close_ask(&mut self, ask: AskKey) -> Ask {
        let ask = self.asks.remove(ask).expect("an open question");
        if let Some(session) = self.sessions.get_mut(ask.session)
            && !ask.question.has_reply()
        {
            session.dialog.asks -= 1;
        }
        ask
    }

    /// Sends one reply document of our own making.
    pub(super) fn send_reply(&mut self, key: SessionKey, reply: Reply) {
        let body = self.render_reply(&reply);
        self.reply(key, body);
    }

    /// Sends the one reply to a question.
    fn answer(&mut self, key: SessionKey, ask: AskKey, reply: &Reply) {
        let body = self.render_reply(reply);
        self.fill_place(key, ask, vec![(body, Vec::new())]);
    }

    /// Renders a document of one reply.
    pub(super) fn render_reply(&mut self, reply: &Reply) -> Body {
        self.render(|out, envid| xccos::encode_replies(out, envid, std::slice::from_ref(reply)))
    }

    /// Renders a document with the next number of this server.
    pub(super) fn render(&mut self, write: impl FnOnce(&mut Vec<u8>, u64)) -> Body {
        self.envid += 1;
        Body::from(info_rest(&mut self.scratch, |out| write(out, self.envid)))
    }

    pub(super) fn on_posted(&mut self, ask: AskKey, outcome: PostOutcome) {
        let ask = self.close_ask(ask);
        let Question::Post { link, echo } = ask.question else { unreachable!("asked as a post") };
        self.forget_answered_posts();
        let Some(echo) = echo else { return };
        let status = match outcome {
            PostOutcome::Accepted => 200,
            PostOutcome::NotJoined | PostOutcome::Denied | PostOutcome::Disabled => 403,
            PostOutcome::NoRoom => 404,
            PostOutcome::Busy => 503,
        };
        let refusal = match outcome {
            PostOutcome::NotJoined => Some(Refusal::NotJoined),
            PostOutcome::Denied => Some(Refusal::Denied),
            PostOutcome::Disabled => Some(Refusal::RoomDisabled),
            PostOutcome::Accepted | PostOutcome::NoRoom | PostOutcome::Busy => None,
        };
        if let Some(refusal) = refusal {
            self.refuse(link, refusal);
        }
        self.write(link, |out| echo.respond(out, status).empty());
    }

    /// Opens the question of a post; its author is not kept waiting for longer than a SIP client
    /// waits.
    pub(super) fn open_post(&mut self, key: SessionKey, link: LinkId, echo: Echo) -> AskKey {
        let ask = self.open_ask(key, Question::Post { link, echo: Some(echo) });
        let until = self.now.instant.plus_ms(self.setup.limits.post_ms_max);
        self.open_posts.push_back((until, ask));
        self.arm_posts();
        ask
    }

    fn forget_answered_posts(&mut self) {
        while self.open_posts.front().is_some_and(|(_, ask)| !self.asks.contains_key(*ask)) {
            self.open_posts.pop_front();
        }
    }

    fn arm_posts(&mut self) {
        if let Some((until, _)) = self.open_posts.front()
            && !self.is_posts_timer_set
        {
            self.is_posts_timer_set = true;
            self.timers.at(*until, Due::Posts);
        }
    }

    /// Authors whose post waits for too long are told that its outcome is not known: it may be kept
    /// or not (`reliability.md` §1, line 4).
    pub(super) fn check_posts(&mut self) {
        self.is_posts_timer_set = false;
        self.forget_answered_posts();
        while let Some((_, ask)) =
            self.open_posts.pop_front_if(|(until, _)| *until <= self.now.instant)
        {
            if let Some(Ask { question: Question::Post { link, echo }, .. }) =
                self.asks.get_mut(ask)
                && let Some(echo) = echo.take()
            {
                let link = *link;
                self.counters.posts_unknown += 1;
                self.write(link, |out| echo.respond(out, 504).empty());
            }
        }
        self.arm_posts();
    }

    /// The registrar knows the new dialog: it stands.
    pub(super) fn on_claimed(&mut self, key: AskKey, rooms: Vec<Guid>) {
        if let Some(session) = self.sessions.get_mut(self.asks[key].session) {
            session.dialog.restore = Restore::Undecided(rooms);
        }
        self.respond_held(key);
    }

    /// Opens a question that holds a response back: about a session, or none.
    pub(super) fn hold_response(
        &mut self,
        session: SessionKey,
        user: Arc<User>,
        link: LinkId,
        response: Vec<u8>,
    ) -> AskKey {
        if let Some(session) = self.sessions.get_mut(session) {
            session.dialog.asks += 1;
        }
        let question = Question::Held { link, response: response.into() };
        self.asks.insert(Ask { session, user, question })
    }

    pub(super) fn respond_held(&mut self, key: AskKey) {
        let ask = self.close_ask(key);
        let Question::Held { link, response } = ask.question else { unreachable!("held back") };
        self.write(link, |out| out.extend_from_slice(&response));
    }

    pub(super) fn on_parted(&mut self, key: AskKey) {
        let ask = self.close_ask(key);
        let session = self.sessions.get_mut(ask.session);
        let (command, room, room_uri) = match ask.question {
            Question::Part { command, room, room_uri } => (command, room, room_uri),
            Question::Expel { room } => {
                let Some(session) = session else { return };
                let at = session.dialog.expelling.iter().position(|leaving| *leaving == room);
                session.dialog.expelling.swap_remove(at.expect("noted when it was asked"));
                return;
            }
            _ => unreachable!("asked as a part"),
        };
        let Some(session) = session else { return };
        let at = session.dialog.parting.iter().position(|parting| *parting == room);
        session.dialog.parting.swap_remove(at.expect("noted when it was asked"));
        let data = ReplyData::Parted { room_uri };
        let reply = Reply { name: "part".into(), to: command, code: ResponseCode::Success, data };
        self.answer(ask.session, key, &reply);
    }

    pub(super) fn on_answer(&mut self, key: AskKey, after: Option<Guid>, body: Body) {
        if let Some(room) = after {
            self.on_placed(key, room);
        }
        let ask = self.close_ask(key);
        let after = self.places(ask.session, key);
        self.fill_place(ask.session, key, vec![(body, after)]);
    }

    /// What comes from now on in a room waits for the answer to this question, if the session is in
    /// the room.
    pub(super) fn on_placed(&mut self, key: AskKey, room: Guid) {
        let session = self.asks[key].session;
        if self.sessions.get(session).is_some_and(|state| state.seat(room).is_some()) {
            self.hold(session, key, room);
        }
    }

    /// Where in its rooms' orders the reply to a question stands. A room left meanwhile has none.
    fn places(&self, session: SessionKey, key: AskKey) -> Vec<(Guid, u64)> {
        let holds =
            self.sessions.get(session).into_iter().flat_map(|session| &session.dialog.holds);
        let of_ask = holds.filter(|hold| hold.ask == key);
        of_ask.map(|hold| (hold.room, hold.position)).collect()
    }

    pub(super) fn on_found(&mut self, key: AskKey, rooms: Vec<(Arc<RoomEntry>, u32)>) {
        let ask = self.asks.get_mut(key).expect("an open question");
        let Question::Search { found, missing, .. } = &mut ask.question else {
            unreachable!("asked as a search")
        };
        found.extend(rooms);
        *missing -= 1;
        if *missing > 0 {
            return;
        }
        let ask = self.close_ask(key);
        let Question::Search { command, mut found, max, .. } = ask.question else {
            unreachable!("matched above")
        };
        found.sort_by(|a, b| a.0.room.name.cmp(&b.0.room.name));
        found.truncate(max);
        let directory = &self.setup.directory;
        let rooms = found.iter().map(|(e, count)| room_info(directory, e, Some(*count)));
        let rooms = fitting(rooms);
        let reply = Reply {
            name: "chansrch".into(),
            to: command,
            code: ResponseCode::Success,
            data: ReplyData::Rooms(rooms),
        };
        self.answer(ask.session, key, &reply);
    }

    pub(super) fn on_joined(
        &mut self,
        key: AskKey,
        room: Guid,
        revision: Revision,
        outcome: JoinOutcome,
    ) {
        let outcome = self.reconsider(key, room, revision, outcome);
        let ask = self.asks.get_mut(key).expect("an open question");
        let (session, is_in) = (ask.session, matches!(outcome, JoinOutcome::Joined { .. }));
        let (is_restore, is_last) = match &mut ask.question {
            Question::Restore { missing } => {
                *missing -= 1;
                (true, *missing == 0)
            }
            Question::Join { wanted, missing, .. } => {
                let slot = wanted.iter_mut().find(|w| w.room == Some(room) && w.outcome.is_none());
                slot.expect("a room that was asked for").outcome = Some(outcome);
                *missing -= 1;
                (false, *missing == 0)
            }
            _ => unreachable!("asked as a join"),
        };
        let user = ask.user.clone();
        if let Some(state) = self.sessions.get_mut(session)
            && let Some(at) = state.dialog.joining.iter().position(|joining| *joining == room)
        {
            state.dialog.joining.swap_remove(at);
        }
        match self.sessions.get(session) {
            None if is_in => self.mail_part(session, user, room, None, Leave::Grace),
            Some(state) if is_in && !state.dialog.parting.contains(&room) => {
                if state.seat(room).is_none() {
                    self.seat_session(session, room);
                }
                if !is_restore {
                    self.hold(session, key, room);
                }
            }
            _ => {}
        }
        if is_last {
            let ask = self.close_ask(key);
            self.note_seats(session);
            self.finish_join(key, ask);
        }
    }

    /// An owner with an older directory than ours may have let in somebody who may not be in any
    /// more, and whom nobody will look at again: that is undone here.
    fn reconsider(
        &mut self,
        key: AskKey,
        room: Guid,
        revision: Revision,
        outcome: JoinOutcome,
    ) -> JoinOutcome {
        let directory = &self.setup.directory;
        let ask = &self.asks[key];
        let key = ask.session;
        let Some(session) = self.sessions.get(key) else { return outcome };
        if !matches!(outcome, JoinOutcome::Joined { .. }) || session.seat(room).is_some() {
            // Who was in before is taken out by the review.
            return outcome;
        }
        let refused = JoinOutcome::Refused(ResponseCode::ErrorPermission);
        if session.dialog.expelling.contains(&room) {
            return refused;
        }
        let is_older = revision < directory.revision;
        if is_older && !directory.allows(&ask.user.uri, room, Right::Join) {
            self.mail_expulsion(key, room);
            return refused;
        }
        outcome
    }

    /// Ends a join none of whose rooms exists.
    pub(super) fn finish_join_now(&mut self, key: AskKey) {
        let ask = self.close_ask(key);
        self.finish_join(key, ask);
    }

    /// Answers a join when all owners have. A reply about many rooms is split where it would pass
    /// the longest document: each part releases the rooms it tells of (`xccos.md` §1.8).
    fn finish_join(&mut self, key: AskKey, ask: Ask) {
        let Question::Join { command, is_many, wanted, .. } = ask.question else { return };
        if !self.sessions.contains_key(ask.session) {
            return;
        }
        if !is_many && !matches!(wanted[0].outcome, Some(JoinOutcome::Joined { .. })) {
            let code = match wanted[0].outcome {
                Some(JoinOutcome::Refused(code)) => code,
                _ => ResponseCode::NoSuchNode,
            };
            let name = "join".into();
            let reply = Reply { name, to: command, code, data: ReplyData::Empty };
            return self.answer(ask.session, key, &reply);
        }
        let holds = self.places(ask.session, key);
        let name = if is_many { "bjoin" } else { "join" };
        let mut replies = Vec::new();
        for part in parts(wanted) {
            let is_told = |room: Guid| part.iter().any(|want| want.room == Some(room));
            let after = holds.iter().filter(|(room, _)| is_told(*room)).copied().collect();
            let code = ResponseCode::Success;
            let data = joined_data(&self.setup.directory, part);
            let reply = Reply { name: name.into(), to: command.clone(), code, data };
            replies.push((self.render_reply(&reply), after));
        }
        self.fill_place(ask.session, key, replies);
    }

    /// Room for the replies to this many more commands of the session?
    pub(super) fn may_ask(&self, key: SessionKey, count: usize) -> bool {
        let max = self.setup.limits.backlog_max;
        self.sessions
            .get(key)
            .is_some_and(|s| s.dialog.asks + s.dialog.backlog.len() + count <= max)
    }

    /// Mails the owner of a room that a session leaves it.
    pub(super) fn mail_part(
        &mut self,
        session: SessionKey,
        user: Arc<User>,
        room: Guid,
        ask: Option<AskKey>,
        leave: Leave,
    ) {
        let from = self.address(session);
        let to = self.owner(room);
        self.mail(to, Mail::Part { room, from, user, ask, leave });
    }
}

/// Splits what a join reply tells so that each part fits into one document.
fn parts(wanted: Vec<Wanted>) -> Vec<Vec<Wanted>> {
    let mut parts = Vec::new();
    let mut part_bytes = usize::MAX;
    for want in wanted {
        let bytes = reply_bytes(&want);
        part_bytes = part_bytes.saturating_add(bytes);
        if part_bytes > XCCOS_REPLY_BYTES_MAX {
            parts.push(Vec::new());
            part_bytes = bytes;
        }
        parts.last_mut().expect("the first one begins a part").push(want);
    }
    parts
}

/// No fewer bytes than the room takes in a join reply, escaped and all.
fn reply_bytes(want: &Wanted) -> usize {
    let Some(JoinOutcome::Joined { entry, roster, .. }) = &want.outcome else { return 1024 };
    let person = |(user, _): &(Arc<User>, _)| 128 + 6 * (user.uri.len() + user.name.len());
    let people: usize = roster.iter().map(person).sum();
    1024 + 6 * (entry.room.name.len() + entry.room.description.len()) + people
}

/// `data` of a join reply: everybody mentioned once, then the rooms, then what failed.
fn joined_data(directory: &Directory, wanted: Vec<Wanted>) -> ReplyData {
    let mut users: Vec<Participant> = Vec::new();
    let mut index: HashMap<(Arc<User>, Roles), u32> = HashMap::new();
    let (mut rooms, mut failed) = (Vec::new(), Vec::new());
    for want in wanted {
        let Some(JoinOutcome::Joined { entry, roster, participants }) = want.outcome else {
            let (domain, value) = (want.reference.domain.into(), want.reference.value.into());
            failed.push(Failure { domain, value });
            continue;
        };
        let ids = roster
            .iter()
            .map(|person| {
                *index.entry(person.clone()).or_insert_with(|| {
                    users.push(participant(&person.0, person.1));
                    users.len() as u32 - 1
                })
            })
            .collect();
        rooms.push((room_info(directory, &entry, Some(participants)), ids));
    }
    ReplyData::Joined { users, rooms, failed }
}
