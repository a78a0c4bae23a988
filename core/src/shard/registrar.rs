//! One place per user that knows its endpoints: which dialog is the current one, and which rooms
//! the last one was in when it was lost (`xccos.md` §1.7).

use super::session::End;
use super::{Output, Shard};
use crate::archive;
use crate::directory::Directory;
use crate::limits::Limits;
use crate::mail::{Address, AskKey, Mail, SessionKey, ShardId, User};
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
    /// The client was told 481 for its current dialog, which the server is about to drop.
    is_told: bool,
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

    fn remember(&mut self, id: EndpointId, rooms: Vec<Guid>, is_told: bool, now: Instant) {
        self.losses.push_back((now, id.clone()));
        self.endpoints.entry(id).or_default().lost = Some(Lost { when: now, rooms, is_told });
    }

    /// Forgets losses that are too old, and the oldest when there are too many. Those of endpoints
    /// that are not here any more.
    fn tidy(&mut self, limits: &Limits, now: Instant) -> Vec<EndpointId> {
        let mut gone = Vec::new();
        while let Some((when, _)) = self.losses.front()
            && (self.losses.len() > limits.remembered_max
                || now.ms_since(*when) >= limits.remember_ms)
        {
            let (when, id) = self.losses.pop_front().expect("looked at");
            let Some(endpoint) = self.endpoints.get_mut(&id) else { continue };
            if endpoint.lost.as_ref().is_some_and(|lost| lost.when == when) {
                endpoint.lost = None;
                if endpoint.current.is_none() {
                    gone.push(id.clone());
                }
            }
            self.forget_if_empty(&id);
        }
        gone
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
        ask: AskKey,
        opened: Instant,
        user: Arc<User>,
        epid: Box<str>,
    ) {
        self.tidy_registrar();
        let endpoint = self.registrar.endpoints.entry((user, epid)).or_default();
        if let Some((current, later)) = endpoint.current
            && later > opened
        {
            // A claim that was overtaken: the dialog that came after it stays.
            debug_assert_ne!(current, from, "a session claims once");
            self.mail(from.shard, Mail::Claimed { ask, rooms: Vec::new() });
            return self.mail(from.shard, Mail::Superseded { session: from.session });
        }
        let before = endpoint.current.replace((from, opened)).map(|(before, _)| before);
        let lost = endpoint.lost.as_ref().filter(|lost| lost.is_told);
        let rooms = lost.map_or(Vec::new(), |lost| lost.rooms.clone());
        self.mail(from.shard, Mail::Claimed { ask, rooms });
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
        let is_told = std::mem::take(&mut endpoint.is_told);
        match rooms {
            None => {}
            Some(rooms) if rooms.is_empty() => {
                endpoint.lost = None;
                self.keep_endpoint(&id, Vec::new(), false);
            }
            Some(rooms) => {
                self.keep_endpoint(&id, rooms.clone(), is_told);
                self.registrar.remember(id.clone(), rooms, is_told, self.now.instant);
            }
        }
        self.tidy_registrar();
        self.registrar.forget_if_empty(&id);
    }

    fn tidy_registrar(&mut self) {
        for id in self.registrar.tidy(&self.setup.limits, self.now.instant) {
            self.keep_endpoint(&id, Vec::new(), false);
        }
    }

    /// Hands out what the next run of the server should know.
    fn keep_endpoint(&mut self, (user, epid): &EndpointId, rooms: Vec<Guid>, is_told: bool) {
        let (owner, epid) = (user.uri.clone(), epid.clone());
        let endpoint = archive::Endpoint { owner, epid, rooms, is_told };
        self.outputs.push_back(Output::Remember { endpoint });
    }

    /// What an earlier run handed out: as if the dialog had been lost now.
    pub(super) fn restore_lost(&mut self, endpoint: archive::Endpoint) {
        let archive::Endpoint { owner, epid, rooms, is_told } = endpoint;
        let name = self.setup.directory.display_name(&owner).into();
        let user = Arc::new(User { uri: owner, name });
        if self.registrar(&user) == self.setup.id && !rooms.is_empty() {
            self.registrar.remember((user, epid), rooms, is_told, self.now.instant);
            self.tidy_registrar();
        }
    }

    /// An endpoint is in other rooms than before.
    pub(super) fn on_seats(
        &mut self,
        from: Address,
        user: Arc<User>,
        epid: Box<str>,
        rooms: Vec<Guid>,
    ) {
        let id = (user, epid);
        let endpoint = self.registrar.endpoints.get(&id);
        // The endpoint may have another dialog by now.
        if endpoint.is_some_and(|e| e.current.is_some_and(|(current, _)| current == from)) {
            self.keep_endpoint(&id, rooms, false);
        }
    }

    /// The client of a lost dialog is told so, and will build a new one.
    pub(super) fn on_told_lost(
        &mut self,
        user: Arc<User>,
        epid: Box<str>,
        from: Option<(ShardId, AskKey)>,
    ) {
        self.note_told((user, epid));
        if let Some((shard, ask)) = from {
            self.mail(shard, Mail::Noted { ask });
        }
    }

    fn note_told(&mut self, id: EndpointId) {
        let Some(endpoint) = self.registrar.endpoints.get_mut(&id) else { return };
        endpoint.is_told = endpoint.current.is_some();
        let Some(lost) = &mut endpoint.lost else { return };
        if !std::mem::replace(&mut lost.is_told, true) && endpoint.current.is_none() {
            let rooms = lost.rooms.clone();
            self.keep_endpoint(&id, rooms, true);
        }
    }

    /// Another dialog of the same endpoint took over: this one is dropped without a word.
    pub(super) fn on_superseded(&mut self, session: SessionKey) {
        self.end_session(session, End::Dropped("superseded"));
    }
}
