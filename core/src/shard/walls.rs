//! Walls for those who are in already: what a new directory means for sessions and rooms.
//!
//! The owner of a room asks the directory at every join, post and look into history. What remains
//! is that rights end while somebody is in: then the session's home takes it out at once, before
//! anything else of the room goes to it, and tells the client (`xccos.md` §3.17). It looks at
//! whom the change touches, a slice at a time, so that a change for everybody does not hold up a
//! shard with tens of thousands of sessions; the last slice is done long before two seconds are
//! over.
//!
//! Two shards may have directories of different age for a moment. An owner that knew less than the
//! home lets somebody in whom the home must not: joins name the revision they were decided on.

use super::Shard;
use super::ask::{Ask, Question};
use super::browse::room_info;
use super::session::{End, Session};
use crate::directory::{Directory, Invited, PrincipalId, RoomEntry, Touched};
use crate::mail::{AskKey, Item, JoinOutcome, Leave, SessionKey};
use crate::policy::Right;
use hashbrown::HashMap;
use parlance_wire::xccos::{self, Guid, Invitation, Notice, ResponseCode};
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

/// Sessions looked at before others get their turn.
const REVIEW_SLICE: usize = 512;
/// Rooms looked at before others get their turn, each with no more participants than are shown.
const ROOMS_SLICE: usize = 64;

/// Who may be something else than when they were last looked at.
#[derive(Debug, Default)]
pub(super) struct Review {
    /// Sessions whose rights may be others.
    queue: VecDeque<SessionKey>,
    /// Rooms of this shard in which somebody may have another role by what they belong to.
    pub(super) rooms: BTreeSet<Guid>,
}

impl Review {
    /// Does anything wait to be looked at?
    pub(super) fn is_pending(&self) -> bool {
        !self.queue.is_empty() || !self.rooms.is_empty()
    }
}

impl Shard {
    /// Another directory is in force.
    pub(super) fn on_directory(&mut self, directory: Arc<Directory>, touched: &Touched) {
        assert!(
            directory.revision >= self.setup.directory.revision,
            "a directory is followed by a later one"
        );
        let before = std::mem::replace(&mut self.setup.directory, directory);
        self.counters.directories += 1;
        self.refresh_rooms(&before, touched);
        self.enqueue_review(touched);
        let ours = touched.roles.iter().filter(|room| self.rooms.contains_key(*room));
        self.review.rooms.extend(ours);
        self.continue_review();
        self.tell_invited(touched);
    }

    /// Whoever the change touches is looked at: everybody, if it touches people, for a session does
    /// not know what its user belongs to; else those who are in the rooms.
    fn enqueue_review(&mut self, touched: &Touched) {
        if touched.everything || !touched.people.is_empty() {
            self.review.queue = self.sessions.keys().collect();
            return;
        }
        let mut rooms: Vec<Guid> = touched.rooms.iter().copied().collect();
        // The table has no order of its own that two runs would agree on.
        rooms.sort_unstable();
        let feeds = rooms.into_iter().filter_map(|room| self.feeds.of(room));
        let subscribers = feeds.flat_map(|feed| &self.feeds.table[feed].subscribers);
        self.review.queue.extend(subscribers.map(|subscriber| subscriber.session));
    }

    /// Looks at the next slice: of sessions as long as there are any, then of rooms.
    pub(super) fn continue_review(&mut self) {
        for _ in 0..REVIEW_SLICE {
            let Some(key) = self.review.queue.pop_front() else { break };
            self.review_session(key);
        }
        if !self.review.queue.is_empty() {
            return;
        }
        for _ in 0..ROOMS_SLICE {
            let Some(room) = self.review.rooms.pop_first() else { break };
            self.tell_changed(room, Vec::new());
        }
    }

    fn review_session(&mut self, key: SessionKey) {
        let Some(session) = self.sessions.get(key) else { return };
        let directory = self.setup.directory.clone();
        let user = session.dialog.user.clone();
        let Ok(asker) = directory.serve(&user.uri) else {
            return self.end_service(key);
        };
        let may_stay = |room: Guid| {
            directory.room(room).is_some_and(|entry| directory.may(&asker, entry, Right::Join))
        };
        let rooms = session.dialog.seats.iter().map(|seat| seat.room);
        let lost: Vec<Guid> = rooms.filter(|room| !may_stay(*room)).collect();
        for room in lost {
            if !self.expel(key, room) {
                return;
            }
        }
    }

    /// The service is not for this user any more.
    fn end_service(&mut self, key: SessionKey) {
        let rooms: Vec<Guid> =
            self.sessions[key].dialog.seats.iter().map(|seat| seat.room).collect();
        for room in rooms {
            if !self.expel(key, room) {
                return;
            }
        }
        // Its next request runs into 481, and its next INVITE is refused (`xccos.md` §1.7).
        self.end_session(key, End::Dropped("not_served"));
    }

    /// Takes a session out of a room that its user may not be in any more. False when the session
    /// had to end for it.
    fn expel(&mut self, key: SessionKey, room: Guid) -> bool {
        self.counters.expelled += 1;
        self.take_back_joins(key, room);
        self.unseat_session(key, room);
        let session = &self.sessions[key];
        let user = session.dialog.user.clone();
        self.mail_expulsion(key, room);
        if session_has_backlog(self, key) {
            // Replies that wait to be written may show what the room said. They must not go out,
            // and a dialog cannot lose some of its replies: it ends, and the client builds anew.
            self.end_session(key, End::Dropped("expelled"));
            return false;
        }
        self.note_seats(key);
        let notices = self.expulsion(&user.uri, room);
        let body = self.render(|out, envid| xccos::encode_notices(out, envid, &notices));
        self.tell_first(key, body);
        true
    }

    /// Has the owner take the session out, and knows until when joins are answered that were
    /// decided before.
    pub(super) fn mail_expulsion(&mut self, key: SessionKey, room: Guid) {
        self.sessions[key].dialog.expelling.push(room);
        let ask = self.open_ask(key, Question::Expel { room });
        let user = self.sessions[key].dialog.user.clone();
        self.mail_part(key, user, room, Some(ask), Leave::Now);
    }

    /// A join whose reply is not written yet, because other rooms of it have not answered, must not
    /// tell the client that it is in.
    fn take_back_joins(&mut self, key: SessionKey, room: Guid) {
        let holds = self.sessions[key].dialog.holds.iter().filter(|hold| hold.room == room);
        let asks: Vec<AskKey> = holds.map(|hold| hold.ask).collect();
        for ask in asks {
            if let Some(Ask { question: Question::Join { wanted, .. }, .. }) =
                self.asks.get_mut(ask)
            {
                let of_room = wanted.iter_mut().filter(|want| want.room == Some(room));
                for want in of_room.filter(|want| want.outcome.is_some()) {
                    want.outcome = Some(JoinOutcome::Refused(ResponseCode::ErrorPermission));
                }
            }
        }
    }

    /// What a client is told when it is out: that it has left, which every client understands, and
    /// then why (`xccos.md` §3.17).
    fn expulsion(&self, user: &str, room: Guid) -> Vec<Notice> {
        let directory = &self.setup.directory;
        let room_uri = xccos::room_uri(&directory.domain, room);
        let users = vec![user.to_owned()];
        let why = match directory.room(room) {
            Some(entry) if entry.room.is_disabled => {
                Notice::RoomChanged(Box::new(room_info(directory, entry, None)))
            }
            _ => Notice::Kick { room_uri: room_uri.clone(), users: users.clone() },
        };
        vec![Notice::Part { room_uri, users }, why]
    }

    /// Rooms owned here show what the directory says now.
    fn refresh_rooms(&mut self, before: &Directory, touched: &Touched) {
        let mut rooms: Vec<Guid> = touched.rooms.iter().copied().collect();
        rooms.retain(|room| self.rooms.contains_key(room));
        rooms.sort_unstable();
        for id in rooms {
            match self.setup.directory.room(id).cloned() {
                Some(entry) => self.refresh_room(id, entry, before),
                // Those who are in are taken out by their homes, and the last one closes it.
                None => self.close_idle_room(id),
            }
        }
    }

    /// Those who are in are told what changed: the room's properties, and who of them manages or
    /// presents now.
    fn refresh_room(&mut self, id: Guid, entry: Arc<RoomEntry>, before: &Directory) {
        let directory = self.setup.directory.clone();
        let shown = |directory: &Directory, entry: &RoomEntry| room_info(directory, entry, None);
        let info = shown(&directory, &entry);
        let mut notices = Vec::new();
        if before.room(id).is_some_and(|old| shown(before, old) != info) {
            notices.push(Notice::RoomChanged(Box::new(info)));
        }
        self.rooms.get_mut(&id).expect("the caller found the room").take_entry(entry);
        self.tell_changed(id, notices);
    }

    /// Those who are in are told this, and who of them manages or presents now and did not, or the
    /// reverse.
    fn tell_changed(&mut self, id: Guid, mut notices: Vec<Notice>) {
        let directory = self.setup.directory.clone();
        let Some(room) = self.rooms.get_mut(&id) else { return };
        let users = room.take_roles(&directory);
        if !users.is_empty() {
            let domain = directory.domain.clone();
            notices.push(Notice::Permissions { domain, room: id, users });
        }
        if !notices.is_empty() {
            let body = self.render(|out, envid| xccos::encode_notices(out, envid, &notices));
            self.deliver(id, &Item::Notice { body });
        }
    }

    /// Users who are here are told at once where they are invited to; the others when they ask.
    fn tell_invited(&mut self, touched: &Touched) {
        if touched.invited.is_empty() {
            return;
        }
        let directory = self.setup.directory.clone();
        // A group of thousands may be invited while tens of thousands are here.
        let mut by_user: HashMap<PrincipalId, Vec<&Invited>> = HashMap::new();
        for invited in &touched.invited {
            by_user.entry(invited.user).or_default().push(invited);
        }
        let of_session = |(key, session): (SessionKey, &Session)| {
            let id = directory.people().find_uri(&session.dialog.user.uri)?;
            by_user.get(&id).map(|invited| (key, invited))
        };
        let here: Vec<(SessionKey, &Vec<&Invited>)> =
            self.sessions.iter().filter_map(of_session).collect();
        for (key, invited) in here {
            let notices = invited.iter().filter_map(|invited| invitation(&directory, invited));
            let notices: Vec<Notice> = notices.collect();
            if !notices.is_empty() {
                let body = self.render(|out, envid| xccos::encode_notices(out, envid, &notices));
                self.reply(key, body);
            }
        }
    }
}

fn invitation(directory: &Directory, invited: &Invited) -> Option<Notice> {
    let entry = directory.room(invited.room)?;
    Some(Notice::Invite(Box::new(Invitation {
        number: invited.number,
        domain: directory.domain.clone(),
        created_on: invited.on,
        room: room_info(directory, entry, None),
    })))
}

fn session_has_backlog(shard: &Shard, key: SessionKey) -> bool {
    shard.sessions[key].dialog.backlog_bytes > 0
}
