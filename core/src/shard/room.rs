//! A room at its owner: the only place where its messages get their numbers.
//!
//! Everything that must keep its order in the room stands in one queue while it waits for the log:
//! posts, and steps of the roster (so that the notice that somebody left comes after the last
//! message of that user, and a joiner sees exactly what was released after its join).

mod history;
mod posts;
mod presence;

use super::Shard;
use super::roster::Roster;
use crate::directory::{Directory, RoomEntry};
use crate::log::{Record, RoomEnd};
use crate::mail::{Address, AskKey, Item, Leave, Mail, ShardId, User};
use crate::outbox::Body;
use crate::time::{Instant, Timestamp};
use parlance_wire::xccos::{CommandId, Delivery, Guid, Post};
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

    /// Users who count as present.
    pub(super) fn present(&self) -> usize {
        self.roster.present()
    }

    /// Does the user with this URI count as present?
    pub(super) fn has_user(&self, uri: &str) -> bool {
        self.roster.users().any(|user| &*user.uri == uri)
    }

    fn has_moves_of(&self, from: Address) -> bool {
        self.moves.iter().any(|act| act.from() == from)
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
