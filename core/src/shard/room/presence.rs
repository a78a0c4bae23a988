//! Who comes into a room and leaves it, and what the others are told of it.

use super::super::browse::room_info;
use super::super::query::ENVELOPE_BYTES;
use super::super::roster::Left;
use super::super::{Due, Shard};
use super::{Move, Pending, Room};
use crate::directory::{Directory, RoomEntry};
use crate::mail::{Address, AskKey, Item, JoinOutcome, Leave, Mail, Roles, User, participant};
use crate::policy::{self, Place, Standing};
use parlance_wire::limits::XCCOS_REPLY_BYTES_MAX;
use parlance_wire::xccos::{
    self, CommandId, Guid, Notice, Participant, Reply, ReplyData, ResponseCode,
};
use std::sync::Arc;

impl Room {
    /// Those who are other than clients believe, which clients are told now; nobody in a large
    /// room, for nobody is shown there.
    pub(in crate::shard) fn take_roles(&mut self, directory: &Directory) -> Vec<Participant> {
        if self.roster.is_large {
            return Vec::new();
        }
        let mut changed = Vec::new();
        for (user, believed) in self.roster.told() {
            let roles = roles(directory, &self.entry, user);
            if std::mem::replace(believed, roles) != roles {
                changed.push(participant(user, roles));
            }
        }
        // The table has no order of its own that two runs would agree on.
        changed.sort_by(|a, b| a.uri.cmp(&b.uri));
        changed
    }

    fn participant(&self, directory: &Directory, user: &User) -> Participant {
        participant(user, roles(directory, &self.entry, user))
    }

    /// A participant whom clients are told of for the first time.
    fn introduce(&mut self, directory: &Directory, user: &User) -> Participant {
        let roles = roles(directory, &self.entry, user);
        self.roster.note_roles(user, roles);
        participant(user, roles)
    }

    /// Everybody present, as those who were in before the step have been told of them: what is
    /// other than that is told to all of them together. Nobody above the participant limit.
    fn participants(&self) -> Arc<[(Arc<User>, Roles)]> {
        if self.roster.is_large { Arc::from([]) } else { self.roster.believed().into() }
    }
}

impl Shard {
    pub(in crate::shard) fn on_join_mail(
        &mut self,
        id: Guid,
        from: Address,
        user: Arc<User>,
        ask: AskKey,
    ) {
        let Some(room) = self.open_room(id) else {
            return self.refuse_join(id, from, ask, ResponseCode::NoSuchNode);
        };
        room.moves.push_back(Move::Join { from, user, ask });
        self.want_step(id);
    }

    fn refuse_join(&mut self, room: Guid, from: Address, ask: AskKey, code: ResponseCode) {
        let (session, revision) = (from.session, self.setup.directory.revision);
        let outcome = JoinOutcome::Refused(code);
        self.mail(from.shard, Mail::Joined { session, ask, room, revision, outcome });
    }

    /// May this user enter the room now? A room that one may not even see does not exist
    /// (`xccos.md` §2.4).
    pub(super) fn judge_join(&self, id: Guid, user: &User) -> Result<(), ResponseCode> {
        let directory = &self.setup.directory;
        let entry = directory.room(id).ok_or(ResponseCode::NoSuchNode)?;
        let rights = directory.rights_of(&user.uri, id);
        match () {
            () if rights.join => Ok(()),
            () if entry.room.is_disabled && self.would_see(entry, user) => {
                Err(ResponseCode::NodeDisabled)
            }
            () if rights.see => Err(ResponseCode::ErrorPermission),
            () => Err(ResponseCode::NoSuchNode),
        }
    }

    /// Would this user see the room if it were not disabled?
    fn would_see(&self, entry: &RoomEntry, user: &User) -> bool {
        let directory = &self.setup.directory;
        let Ok(asker) = directory.serve(&user.uri) else { return false };
        let place = Place { is_disabled: false, ..directory.place(entry) };
        policy::rights(directory.standing(&asker, entry), place).see
    }

    pub(in crate::shard) fn on_part_mail(
        &mut self,
        id: Guid,
        from: Address,
        user: Arc<User>,
        ask: Option<AskKey>,
        leave: Leave,
    ) {
        match self.rooms.get_mut(&id) {
            Some(room) if room.has_moves_of(from) => {
                room.moves.push_back(Move::Part { from, user, ask, leave });
            }
            _ => {
                self.part(id, from, user, ask, leave);
                self.close_idle_room(id);
            }
        }
    }

    /// Takes an endpoint out. Leaving a room one is not in succeeds (`xccos.md` §3.6).
    fn part(
        &mut self,
        id: Guid,
        from: Address,
        user: Arc<User>,
        ask: Option<AskKey>,
        leave: Leave,
    ) {
        if let Some(ask) = ask {
            self.mail(from.shard, Mail::Parted { session: from.session, ask });
        }
        let grace_until = self.now.instant.plus_ms(self.setup.limits.rejoin_grace_ms);
        let Some(room) = self.rooms.get_mut(&id) else { return };
        let left = room.roster.leave(&user, from, leave, grace_until);
        if left != Left::NotIn {
            room.sessions_of[from.shard.0 as usize] -= 1;
        }
        match left {
            Left::NotIn | Left::Other => {}
            Left::Gone => self.gone(id, user),
            Left::Grace => {
                room.leaving.push_back((grace_until, user));
                self.timers.at(grace_until, Due::Room(id));
            }
        }
    }

    /// A user has no endpoint in the room any more. Others are told so after the last message of
    /// that user, even if a step is under way that does not wait for it.
    fn gone(&mut self, id: Guid, user: Arc<User>) {
        let room = self.rooms.get_mut(&id).expect("the caller found the room");
        if room.pending.is_empty() {
            room.roster.depart(&user);
            self.want_step(id);
        } else {
            room.pending.push_back(Pending::Gone(user));
        }
    }

    /// Asks for a step of the roster: now if the last one is long enough ago, else when it is. In a
    /// large room nothing is told, so nothing needs to be gathered.
    pub(super) fn want_step(&mut self, id: Guid) {
        let tick_ms = self.setup.limits.roster_tick_ms;
        let room = self.rooms.get_mut(&id).expect("the caller found the room");
        if room.is_stepping {
            return;
        }
        let due = match room.last_step {
            Some(last) if !room.roster.is_large => last.plus_ms(tick_ms),
            _ => self.now.instant,
        };
        if due > self.now.instant {
            if room.step_at.is_none() {
                room.step_at = Some(due);
                self.timers.at(due, Due::Room(id));
            }
        } else if room.pending.is_empty() {
            self.step(id);
        } else {
            self.want_step_after_posts(id);
        }
    }

    /// A room's timer came up.
    pub(in crate::shard) fn on_room_due(&mut self, id: Guid) {
        let now = self.now.instant;
        let Some(room) = self.rooms.get_mut(&id) else { return };
        let mut out = Vec::new();
        while room.leaving.front().is_some_and(|(until, _)| *until <= now) {
            let (_, user) = room.leaving.pop_front().expect("looked at");
            if room.roster.end_grace(&user, now) {
                out.push(user);
            }
        }
        if room.readers_until.is_some_and(|until| until <= now) {
            self.tell_readers(id, &[], ResponseCode::DatabaseConnection);
        }
        let Some(room) = self.rooms.get_mut(&id) else { return };
        let is_step_due = room.step_at.is_some_and(|at| at <= now);
        if is_step_due {
            room.step_at = None;
        }
        out.into_iter().for_each(|user| self.gone(id, user));
        if is_step_due {
            self.want_step(id);
        }
        self.close_idle_room(id);
    }

    /// Lets in everybody who waits, tells the difference to those who were in, answers the joiners.
    /// What joiners did in the meantime follows.
    pub(super) fn step(&mut self, id: Guid) {
        self.rooms.get_mut(&id).expect("the caller found the room").is_stepping = true;
        self.take_moves(id);
        let room = self.rooms.get_mut(&id).expect("nothing closes it here");
        room.is_stepping = false;
        if room.roster.has_changed() {
            self.want_step(id);
        }
    }

    fn take_moves(&mut self, id: Guid) {
        loop {
            let mut joins = Vec::new();
            let room = self.rooms.get_mut(&id).expect("the caller found the room");
            room.last_step = Some(self.now.instant);
            while let Some((from, user, ask)) = self.next_join(id) {
                if let Err(code) = self.judge_join(id, &user) {
                    self.refuse_join(id, from, ask, code);
                    continue;
                }
                let room = self.rooms.get_mut(&id).expect("nothing closes it here");
                let believed = room.roster.believed_of_absent(&user);
                let is_other =
                    |believed| believed != roles(&self.setup.directory, &room.entry, &user);
                if believed.is_some_and(is_other) {
                    // Changed while they were away, when what they are may not have been known.
                    self.review.rooms.insert(id);
                }
                if room.roster.enter(&user, from) {
                    room.sessions_of[from.shard.0 as usize] += 1;
                }
                joins.push((from, ask));
            }
            self.tell_step(id, &joins);
            // Moves of joiners that are in now, up to the next join.
            loop {
                let room = self.rooms.get_mut(&id).expect("nothing closes it here");
                match room.moves.front() {
                    None => return,
                    Some(Move::Join { .. }) => break,
                    Some(_) => {}
                }
                match room.moves.pop_front().expect("looked at") {
                    Move::Part { from, user, ask, leave } => self.part(id, from, user, ask, leave),
                    Move::Post { from, user, ask, post } => self.post(id, from, user, ask, *post),
                    Move::History { from, user, ask, command, count } => {
                        self.history(id, from, &user, ask, command, count);
                    }
                    Move::Join { .. } => unreachable!("handled above"),
                }
            }
            if !self.rooms[&id].pending.is_empty() {
                // A joiner's post went to the log: the next joins must follow it.
                return self.want_step_after_posts(id);
            }
        }
    }

    /// The next one of the moves, if it is a join.
    fn next_join(&mut self, id: Guid) -> Option<(Address, Arc<User>, AskKey)> {
        let room = self.rooms.get_mut(&id).expect("nothing closes it here");
        let is_join = |act: &mut Move| matches!(act, Move::Join { .. });
        match room.moves.pop_front_if(is_join)? {
            Move::Join { from, user, ask } => Some((from, user, ask)),
            _ => unreachable!("looked at"),
        }
    }

    fn want_step_after_posts(&mut self, id: Guid) {
        let room = self.rooms.get_mut(&id).expect("the caller found the room");
        if !room.is_step_pending {
            room.is_step_pending = true;
            room.pending.push_back(Pending::Step);
        }
    }

    /// Emits the notice of a step, then the answers to the joins it let in: in this order, so that
    /// nobody is told of themselves.
    fn tell_step(&mut self, id: Guid, joins: &[(Address, AskKey)]) {
        let (limits, directory) = (&self.setup.limits, &*self.setup.directory);
        let room = self.rooms.get_mut(&id).expect("the caller found the room");
        let wanted = directory.configuration().participant_update_limit as usize;
        let max = limits.participants_max.min(wanted);
        let step = room.roster.step(max, limits.participants_resume.min(max * 4 / 5));
        let mut notices = Vec::new();
        if !step.parted.is_empty() {
            let users = step.parted.iter().map(|user| user.uri.to_string()).collect();
            notices.push(Notice::Part { room_uri: room.entry.uri.clone(), users });
        }
        if !step.joined.is_empty() {
            let users = step.joined.iter().map(|user| room.introduce(directory, user)).collect();
            let domain = self.setup.directory.domain.clone();
            notices.push(Notice::Join { domain, room: id, users });
        }
        if !notices.is_empty() {
            let body = self.render(|out, envid| xccos::encode_notices(out, envid, &notices));
            self.deliver(id, &Item::Notice { body });
        }
        if joins.is_empty() {
            return;
        }
        let room = &self.rooms[&id];
        let outcome = JoinOutcome::Joined {
            entry: room.entry.clone(),
            roster: room.participants(),
            participants: room.roster.present() as u32,
        };
        for (from, ask) in joins {
            let (session, outcome) = (from.session, outcome.clone());
            let (revision, ask) = (self.setup.directory.revision, *ask);
            self.mail(from.shard, Mail::Joined { session, ask, room: id, revision, outcome });
        }
    }

    /// Answers with everybody who is in, as many as one document holds, if the room is so large
    /// that it does not tell by itself.
    pub(in crate::shard) fn on_participants_mail(
        &mut self,
        id: Guid,
        from: Address,
        ask: AskKey,
        to: CommandId,
    ) {
        let directory = self.setup.directory.clone();
        let room = self.rooms.get(&id).filter(|room| room.roster.is_large);
        let listed = room.map(|room| {
            let mut users: Vec<&Arc<User>> = room.roster.users().collect();
            users.sort_by(|a, b| a.uri.cmp(&b.uri));
            let mut bytes = ENVELOPE_BYTES;
            let fits = |user: &&Arc<User>| {
                bytes += 160 + 6 * (user.uri.len() + user.name.len());
                bytes <= XCCOS_REPLY_BYTES_MAX
            };
            let users = users.into_iter().take_while(fits);
            let users: Vec<Participant> =
                users.map(|user| room.participant(&directory, user)).collect();
            let info = room_info(&directory, &room.entry, Some(room.roster.present() as u32));
            (users, info)
        });
        let (code, data) = match listed {
            Some((users, info)) => {
                let present = (0..users.len() as u32).collect();
                let rooms = vec![(info, present)];
                (ResponseCode::Success, ReplyData::Joined { users, rooms, failed: Vec::new() })
            }
            None => (ResponseCode::CannotGetParticipantList, ReplyData::Empty),
        };
        let body = self.render_reply(&Reply { name: "getparticipants".into(), to, code, data });
        let (session, after) = (from.session, None);
        self.mail(from.shard, Mail::Answer { session, ask, after, body });
    }
}

fn roles(directory: &Directory, entry: &RoomEntry, user: &User) -> Roles {
    let asker = directory.serve(&user.uri);
    let standing = asker.map_or(Standing::default(), |who| directory.standing(&who, entry));
    Roles {
        is_operator: standing.is_manager,
        is_presenter: entry.is_auditorium() && standing.is_presenter,
    }
}
