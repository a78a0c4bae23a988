//! A room at its owner: the only place where its messages get their numbers.
//!
//! Everything that must keep its order in the room stands in one queue while it waits for the log:
//! posts, and steps of the roster (so that the notice that somebody left comes after the last
//! message of that user, and a joiner sees exactly what was released after its join).

mod history;

use super::browse::room_info;
use super::filter::Filter;
use super::query::ENVELOPE_BYTES;
use super::roster::{Left, Roles, Roster};
use super::{Due, Output, Shard};
use crate::directory::{Directory, RoomEntry};
use crate::log::{Record, RoomEnd};
use crate::mail::{Address, AskKey, Item, JoinOutcome, Leave, Mail, PostOutcome, ShardId, User};
use crate::outbox::Body;
use crate::policy::{self, Place, Right, Standing};
use crate::time::{Instant, Timestamp};
use parlance_wire::limits::XCCOS_REPLY_BYTES_MAX;
use parlance_wire::xccos::{
    self, CommandId, Delivery, Guid, Notice, Participant, Post, Reply, ReplyData, ResponseCode,
    RoomSearch,
};
use std::collections::VecDeque;
use std::sync::Arc;

/// Readers of one room's history that may wait for the database; one more is shown what is known
/// without it.
const READERS_MAX: usize = 512;

/// Something that waits for the posts before it.
#[derive(Debug)]
enum Pending {
    Post {
        delivery: Box<Delivery>,
        body: Body,
        from: Address,
        ask: AskKey,
        is_history: bool,
    },
    /// A user's last endpoint left behind the posts before.
    Gone(Arc<User>),
    Step,
}

/// Acts of sessions that are not in yet because their join waits for the next step.
#[derive(Debug)]
enum Move {
    Join { from: Address, user: Arc<User>, ask: AskKey },
    Part { from: Address, user: Arc<User>, ask: Option<AskKey>, leave: Leave },
    Post { from: Address, user: Arc<User>, ask: AskKey, post: Box<Post> },
    History { from: Address, user: Arc<User>, ask: AskKey, command: CommandId, count: u32 },
}

impl Move {
    fn from(&self) -> Address {
        match self {
            Move::Join { from, .. }
            | Move::Part { from, .. }
            | Move::Post { from, .. }
            | Move::History { from, .. } => *from,
        }
    }
}

#[derive(Debug)]
pub(super) struct Room {
    entry: Arc<RoomEntry>,
    roster: Roster,
    /// Sessions in the room by their home shard: who gets a [`Mail::Deliver`].
    sessions_of: Vec<u32>,
    moves: VecDeque<Move>,
    pending: VecDeque<Pending>,
    /// Posts in `pending`.
    uncommitted: usize,
    is_step_pending: bool,
    /// In the middle of a step: what changes now is part of it, or of the next.
    is_stepping: bool,
    /// When a step is due; also set while the timer for it runs.
    step_at: Option<Instant>,
    last_step: Option<Instant>,
    /// Users in their grace, in the order in which it ends.
    leaving: VecDeque<(Instant, Arc<User>)>,
    last_number: u64,
    last_ts: Timestamp,
    /// Released messages that are history, oldest first.
    recent: VecDeque<Kept>,
    /// The database has nothing older than `recent`.
    is_whole: bool,
    /// Readers of history that wait for older messages from the database.
    readers: Vec<Reader>,
    /// When they are told without it.
    readers_until: Option<Instant>,
    /// The database has been asked for older messages, and has not answered.
    is_asking: bool,
    /// What it was asked has changed since.
    is_outdated: bool,
}

/// Somebody who asked for the newest messages of a room.
#[derive(Debug)]
struct Reader {
    from: Address,
    ask: AskKey,
    command: CommandId,
    count: usize,
    /// Those that the room had when it was asked, newest first.
    newest: Vec<Kept>,
}

/// A message with the bytes of its document.
type Kept = (usize, Arc<Delivery>);

impl Room {
    fn new(entry: Arc<RoomEntry>, shards: usize) -> Room {
        Room {
            entry,
            roster: Roster::default(),
            sessions_of: vec![0; shards],
            moves: VecDeque::new(),
            pending: VecDeque::new(),
            uncommitted: 0,
            is_step_pending: false,
            is_stepping: false,
            step_at: None,
            last_step: None,
            leaving: VecDeque::new(),
            last_number: 0,
            last_ts: Timestamp::default(),
            recent: VecDeque::new(),
            is_whole: false,
            readers: Vec::new(),
            readers_until: None,
            is_asking: false,
            is_outdated: false,
        }
    }

    /// The directory says something else of the room now.
    pub(super) fn take_entry(&mut self, entry: Arc<RoomEntry>) {
        self.entry = entry;
    }

    /// Those who are other than clients believe, which clients are told now; nobody in a large
    /// room, for nobody is shown there.
    pub(super) fn take_roles(&mut self, directory: &Directory) -> Vec<Participant> {
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

    fn has_moves_of(&self, from: Address) -> bool {
        self.moves.iter().any(|act| act.from() == from)
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

    /// Everybody present; nobody above the participant limit.
    fn participants(&self, directory: &Directory) -> Arc<[Participant]> {
        if self.roster.is_large {
            return Arc::from([]);
        }
        let users = self.roster.users();
        let mut all: Vec<_> = users.map(|user| self.participant(directory, user)).collect();
        all.sort_by(|a, b| a.uri.cmp(&b.uri));
        all.into()
    }

    /// Is there anything that would be lost with the entry?
    fn is_idle(&self, is_removed: bool) -> bool {
        self.roster.is_empty()
            && self.moves.is_empty()
            && self.pending.is_empty()
            && (self.last_number == 0 || is_removed && self.readers.is_empty() && !self.is_asking)
    }

    /// Would the newest `count` messages reach back behind what is kept? Only after a restart:
    /// later on, as many are kept as history ever shows.
    fn is_short_of(&self, count: usize) -> bool {
        !self.is_whole && self.oldest() > 1 && self.recent.len() < count
    }

    /// Number of the oldest message that is kept, or of the first that may come.
    fn oldest(&self) -> u64 {
        let first_to_come = self.last_number + 1 - self.uncommitted as u64;
        self.recent.front().map_or(first_to_come, |(_, message)| message.chat_id)
    }

    fn shards(&self) -> impl Iterator<Item = ShardId> {
        let shards = self.sessions_of.iter().enumerate();
        shards.filter(|(_, count)| **count > 0).map(|(index, _)| ShardId(index as u16))
    }
}

impl Shard {
    /// The room's state here, made on first use. `None` when the directory has no such room.
    fn open_room(&mut self, id: Guid) -> Option<&mut Room> {
        debug_assert_eq!(self.owner(id), self.setup.id, "only the owner keeps a room");
        let entry = self.setup.directory.room(id)?;
        let shards = self.setup.shards;
        Some(self.rooms.entry(id).or_insert_with(|| Room::new(entry.clone(), shards)))
    }

    /// Takes in a message of an earlier run, in the order of its room. Records of other owners'
    /// rooms and of rooms that are no more are skipped.
    pub(super) fn restore_record(&mut self, record: Record) {
        let id = record.room;
        if self.owner(id) != self.setup.id {
            return;
        }
        let Some(room) = self.open_room(id) else { return };
        assert!(record.number > room.last_number, "a room's numbers rise");
        room.last_number = record.number;
        room.last_ts = room.last_ts.max(record.ts);
        if !record.is_history {
            return;
        }
        let uri = room.entry.uri.clone();
        let delivery = delivery(&self.setup.directory, &uri, record);
        let kept = self.keep(delivery);
        self.remember(id, kept);
    }

    pub(super) fn restore_room_end(&mut self, end: RoomEnd) {
        if self.owner(end.room) != self.setup.id {
            return;
        }
        let Some(room) = self.open_room(end.room) else { return };
        room.last_number = room.last_number.max(end.number);
        room.last_ts = room.last_ts.max(end.ts);
    }

    /// Keeps a released message.
    fn remember(&mut self, id: Guid, kept: Kept) {
        let recent_max = self.setup.limits.recent_max;
        let room = self.rooms.get_mut(&id).expect("a room with messages is kept");
        if room.recent.len() == recent_max {
            room.recent.pop_front();
        }
        room.recent.push_back(kept);
    }

    fn keep(&mut self, delivery: Delivery) -> Kept {
        let (bytes, message) = self.weigh(delivery);
        (bytes, Arc::new(message))
    }

    pub(super) fn on_join_mail(&mut self, id: Guid, from: Address, user: Arc<User>, ask: AskKey) {
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
    fn judge_join(&self, id: Guid, user: &User) -> Result<(), ResponseCode> {
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

    pub(super) fn on_part_mail(
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
    fn want_step(&mut self, id: Guid) {
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
    pub(super) fn on_room_due(&mut self, id: Guid) {
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
    fn step(&mut self, id: Guid) {
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
            roster: room.participants(&self.setup.directory),
            participants: room.roster.present() as u32,
        };
        for (from, ask) in joins {
            let (session, outcome) = (from.session, outcome.clone());
            let (revision, ask) = (self.setup.directory.revision, *ask);
            self.mail(from.shard, Mail::Joined { session, ask, room: id, revision, outcome });
        }
    }

    /// Frees the entry of a room nobody is in, and that has no messages or is no more.
    pub(super) fn close_idle_room(&mut self, id: Guid) {
        let is_removed = self.setup.directory.room(id).is_none();
        if self.rooms.get(&id).is_some_and(|room| room.is_idle(is_removed)) {
            self.rooms.remove(&id);
        }
    }

    /// One mail per shard with somebody in the room.
    pub(super) fn deliver(&mut self, id: Guid, item: &Item) {
        let room = &self.rooms[&id];
        let shards: Vec<ShardId> = room.shards().collect();
        for shard in shards {
            self.mail(shard, Mail::Deliver { room: id, item: item.clone() });
        }
    }

    pub(super) fn on_post_mail(
        &mut self,
        id: Guid,
        from: Address,
        user: Arc<User>,
        ask: AskKey,
        post: Box<Post>,
    ) {
        match self.rooms.get_mut(&id) {
            Some(room) if room.has_moves_of(from) => {
                room.moves.push_back(Move::Post { from, user, ask, post });
            }
            _ => self.post(id, from, user, ask, *post),
        }
    }

    /// Numbers a message and hands it to the log.
    fn post(&mut self, id: Guid, from: Address, user: Arc<User>, ask: AskKey, post: Post) {
        let session = from.session;
        let uncommitted_max = self.setup.limits.uncommitted_max;
        let refusal = match self.rooms.get(&id) {
            None => Some(PostOutcome::NotJoined),
            Some(room) if !room.roster.has(&user, from) => Some(PostOutcome::NotJoined),
            Some(_) if !self.setup.directory.allows(&user.uri, id, Right::Post) => {
                Some(self.why_no_post(id))
            }
            Some(_) if self.is_log_full => Some(PostOutcome::Busy),
            Some(room) if room.uncommitted >= uncommitted_max => Some(PostOutcome::Busy),
            Some(_) => None,
        };
        if let Some(outcome) = refusal {
            return self.mail(from.shard, Mail::Posted { session, ask, outcome });
        }
        let room = self.rooms.get_mut(&id).expect("looked up above");
        room.last_number += 1;
        // The wall clock may jump back; a room's times must not.
        room.last_ts = room.last_ts.max(self.now.wall);
        let delivery = Box::new(Delivery {
            room_uri: room.entry.uri.clone(),
            author: user.uri.to_string(),
            author_name: user.name.to_string(),
            ts: room.last_ts,
            alert: post.alert,
            chat_id: room.last_number,
            chat: post.chat,
            rtf: post.rtf,
        });
        let is_history = self.setup.directory.keeps_history(&room.entry);
        let body = self.render(|out, envid| xccos::encode_delivery(out, envid, &delivery));
        self.last_ticket += 1;
        let record = record(self.last_ticket, id, &delivery, is_history);
        self.outputs.push_back(Output::Append { record });
        self.uncommitted.push_back((self.last_ticket, id));
        let room = self.rooms.get_mut(&id).expect("looked up above");
        room.uncommitted += 1;
        room.pending.push_back(Pending::Post { delivery, body, from, ask, is_history });
        self.counters.posts += 1;
    }

    fn why_no_post(&self, id: Guid) -> PostOutcome {
        match self.setup.directory.room(id) {
            None => PostOutcome::NoRoom,
            Some(entry) if entry.room.is_disabled => PostOutcome::Disabled,
            Some(_) => PostOutcome::Denied,
        }
    }

    /// Everything up to `ticket` is durable: authors are answered, then everybody gets the message.
    pub(super) fn on_committed(&mut self, ticket: u64) {
        assert!(ticket <= self.last_ticket, "the log commits only what was appended");
        while self.uncommitted.front().is_some_and(|(first, _)| *first <= ticket) {
            let (_, id) = self.uncommitted.pop_front().expect("looked at");
            self.release_steps(id);
            self.release_post(id);
            self.release_steps(id);
        }
    }

    fn release_post(&mut self, id: Guid) {
        let room = self.rooms.get_mut(&id).expect("a room with posts pending is kept");
        let Some(Pending::Post { delivery, body, from, ask, is_history }) =
            room.pending.pop_front()
        else {
            unreachable!("a committed post heads its room's queue")
        };
        room.uncommitted -= 1;
        let number = delivery.chat_id;
        if is_history {
            // Its document is rendered already: its length is known.
            let (bytes, message) = self.fit(body.len(), *delivery);
            self.remember(id, (bytes, Arc::new(message)));
        }
        let (session, outcome) = (from.session, PostOutcome::Accepted);
        self.mail(from.shard, Mail::Posted { session, ask, outcome });
        self.deliver(id, &Item::Post { number, body });
    }

    /// Runs roster steps that waited for the posts before them.
    fn release_steps(&mut self, id: Guid) {
        while let Some(room) = self.rooms.get_mut(&id)
            && let Some(Pending::Step | Pending::Gone(_)) = room.pending.front()
        {
            match room.pending.pop_front() {
                Some(Pending::Gone(user)) => {
                    room.roster.depart(&user);
                    self.want_step(id);
                }
                _ => {
                    room.is_step_pending = false;
                    self.step(id);
                }
            }
        }
    }

    /// Answers with everybody who is in, as many as one document holds, if the room is so large
    /// that it does not tell by itself.
    pub(super) fn on_participants_mail(
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

    /// Is the user that a search names in the room, if it names one?
    fn has_joined(&self, entry: &RoomEntry, search: &RoomSearch) -> bool {
        let Some(wanted) = &search.joined else { return true };
        let room = self.rooms.get(&entry.room.id);
        room.is_some_and(|room| room.roster.users().any(|user| *user.uri == **wanted))
    }

    pub(super) fn on_search_mail(
        &mut self,
        from: Address,
        user: &User,
        ask: AskKey,
        search: &RoomSearch,
    ) {
        let directory = self.setup.directory.clone();
        let asker = directory.serve(&user.uri);
        let filter = Filter::new(&directory, search);
        let matches = |entry: &RoomEntry| filter.matches(&directory, entry);
        let mut rooms: Vec<(Arc<RoomEntry>, u32)> = Vec::new();
        let may_find = |entry: &RoomEntry| {
            asker.as_ref().is_ok_and(|asker| directory.may(asker, entry, Right::Find))
        };
        for entry in directory.rooms() {
            let is_ours = self.owner(entry.room.id) == self.setup.id;
            if is_ours && matches(entry) && may_find(entry) && self.has_joined(entry, search) {
                let present = self.rooms.get(&entry.room.id).map_or(0, |r| r.roster.present());
                rooms.push((entry.clone(), present as u32));
            }
        }
        rooms.sort_by(|a, b| a.0.room.name.cmp(&b.0.room.name));
        rooms.truncate(self.setup.limits.search_max);
        self.mail(from.shard, Mail::Found { session: from.session, ask, rooms });
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

fn participant(user: &User, roles: Roles) -> Participant {
    let Roles { is_operator, is_presenter } = roles;
    let (uri, name) = (user.uri.to_string(), user.name.to_string());
    Participant { uri, name, is_operator, is_presenter }
}

pub(super) fn delivery(directory: &Directory, room_uri: &str, record: Record) -> Delivery {
    Delivery {
        room_uri: room_uri.to_owned(),
        author_name: directory.display_name(&record.author).to_owned(),
        author: record.author,
        ts: record.ts,
        alert: record.alert,
        chat_id: record.number,
        chat: record.chat,
        rtf: record.rtf,
    }
}

fn record(ticket: u64, room: Guid, delivery: &Delivery, is_history: bool) -> Record {
    Record {
        ticket,
        room,
        number: delivery.chat_id,
        ts: delivery.ts,
        author: delivery.author.clone(),
        alert: delivery.alert,
        chat: delivery.chat.clone(),
        rtf: delivery.rtf.clone(),
        is_history,
    }
}
