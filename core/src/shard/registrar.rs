//! One place per user that knows its endpoints: which dialog is the current one, and which rooms
//! the last one was in when it was lost (`xccos.md` §1.7).

use super::Shard;
use super::session::{End, Restore};
use crate::directory::Directory;
use crate::limits::Limits;
use crate::mail::{Address, Mail, SessionKey, ShardId, User};
use crate::time::Instant;
use hashbrown::HashMap;
use parlance_wire::xccos::Guid;
use std::collections::VecDeque;
use std::sync::Arc;

/// User and endpoint identifier.
type EndpointId = (Arc<User>, Box<str>);

#[derive(Debug, Default)]
struct Endpoint {
    /// And when it was opened.
    current: Option<(Address, Instant)>,
    lost: Option<Lost>,
}

/// What is remembered of a lost dialog.
#[derive(Debug)]
struct Lost {
    when: Instant,
    rooms: Vec<Guid>,
    /// The client was told 481.
    is_told: bool,
}

#[derive(Debug, Default)]
pub(super) struct Registrar {
    endpoints: HashMap<EndpointId, Endpoint>,
    /// Losses in order of time; one that is no longer the endpoint's last is skipped.
    losses: VecDeque<(Instant, EndpointId)>,
}

impl Registrar {
    /// Endpoints whose rooms are remembered, including some that came back since.
    pub(super) fn remembered(&self) -> usize {
        self.losses.len()
    }

    fn remember(&mut self, id: EndpointId, rooms: Vec<Guid>, now: Instant) {
        self.losses.push_back((now, id.clone()));
        self.endpoints.entry(id).or_default().lost =
            Some(Lost { when: now, rooms, is_told: false });
    }

    /// Forgets losses that are too old, and the oldest when there are too many.
    fn tidy(&mut self, limits: &Limits, now: Instant) {
        while let Some((when, _)) = self.losses.front()
            && (self.losses.len() > limits.remembered_max
                || now.ms_since(*when) >= limits.remember_ms)
        {
            let (when, id) = self.losses.pop_front().expect("looked at");
            if let Some(endpoint) = self.endpoints.get_mut(&id) {
                if endpoint.lost.as_ref().is_some_and(|lost| lost.when == when) {
                    endpoint.lost = None;
                }
                self.forget_if_empty(&id);
            }
        }
    }

    fn forget_if_empty(&mut self, id: &EndpointId) {
        let endpoint = self.endpoints.get(id);
        if endpoint.is_some_and(|e| e.current.is_none() && e.lost.is_none()) {
            self.endpoints.remove(id);
        }
    }
}

impl Shard {
    /// The shard that keeps a user's endpoints.
    pub(super) fn registrar(&self, user: &User) -> ShardId {
        // FNV-1a: any stable hash will do, the standard one is seeded per process.
        let hash = user.uri.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Directory::owner(Guid(u128::from(hash)), self.setup.shards)
    }

    pub(super) fn on_claim(
        &mut self,
        from: Address,
        opened: Instant,
        user: Arc<User>,
        epid: Box<str>,
    ) {
        self.registrar.tidy(&self.setup.limits, self.now.instant);
        let endpoint = self.registrar.endpoints.entry((user, epid)).or_default();
        if let Some((current, later)) = endpoint.current
            && later > opened
        {
            // A claim that was overtaken: the dialog that came after it stays.
            debug_assert_ne!(current, from, "a session claims once");
            return self.mail(from.shard, Mail::Superseded { session: from.session });
        }
        let before = endpoint.current.replace((from, opened)).map(|(before, _)| before);
        if let Some(lost) = endpoint.lost.as_ref().filter(|lost| lost.is_told) {
            let rooms = lost.rooms.clone();
            self.mail(from.shard, Mail::Remembered { session: from.session, rooms });
        }
        if let Some(before) = before.filter(|before| *before != from) {
            self.mail(before.shard, Mail::Superseded { session: before.session });
        }
    }

    pub(super) fn on_release(
        &mut self,
        from: Address,
        user: Arc<User>,
        epid: Box<str>,
        rooms: Option<Vec<Guid>>,
    ) {
        let id = (user, epid);
        let Some(endpoint) = self.registrar.endpoints.get_mut(&id) else { return };
        if endpoint.current.is_some_and(|(current, _)| current == from) {
            endpoint.current = None;
        }
        match rooms {
            None => {}
            Some(rooms) if rooms.is_empty() => endpoint.lost = None,
            Some(rooms) => self.registrar.remember(id.clone(), rooms, self.now.instant),
        }
        self.registrar.tidy(&self.setup.limits, self.now.instant);
        self.registrar.forget_if_empty(&id);
    }

    /// The client of a lost dialog was told so, and will build a new one.
    pub(super) fn on_told_lost(&mut self, user: Arc<User>, epid: Box<str>) {
        if let Some(endpoint) = self.registrar.endpoints.get_mut(&(user, epid))
            && let Some(lost) = &mut endpoint.lost
        {
            lost.is_told = true;
        }
    }

    /// Another dialog of the same endpoint took over: this one is dropped without a word.
    pub(super) fn on_superseded(&mut self, session: SessionKey) {
        self.end_session(session, End::Dropped("superseded"));
    }

    pub(super) fn on_remembered(&mut self, session: SessionKey, rooms: Vec<Guid>) {
        if let Some(session) = self.sessions.get_mut(session)
            && let Restore::Undecided(remembered) = &mut session.restore
        {
            *remembered = rooms;
        }
    }
}
