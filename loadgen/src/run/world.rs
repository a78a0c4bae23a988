//! What a run knows: who is where, what was posted, what came, what went wrong.

use super::connection::Fault;
use super::laggards::Reader;
use super::life::AFTER_STORM;
use super::owed::Owed;
use super::plan::Plan;
use super::posts::{Post, Posts};
use super::read_back::Archive;
use super::rooms::Class;
use hashbrown::HashMap;
use parlance_loadgen::results::{Aspect, ClassId, Kind, Measured};
use parlance_loadgen::{Checker, ClientEvent, EndReason, PostId, RoomId, SessionId};
use parlance_wire::xccos::{Command, RoomRef};
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Instant;

/// Rooms asked for by one `bjoin`: its reply, with 75 participants each, stays within a message.
const JOINS_PER_COMMAND: usize = 24;
/// Every so many deliveries to an endpoint, one text is compared byte by byte.
const INTACT_EVERY: u64 = 16;
/// A server that has no room says so.
const SERVICE_UNAVAILABLE: u16 = 503;

/// Where an endpoint is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Absent,
    Opening,
    Open,
    /// Its dialog is over; it comes back.
    Away,
    /// Its dialog is over for good.
    Lost,
    Left,
    /// It has said goodbye during the load, and comes back.
    Out,
}

pub struct Endpoint {
    pub state: State,
    pub link: u32,
    pub place: usize,
    /// When it was due to sign in.
    pub due: Instant,
    /// Counts its dialogs: each is a session of its own.
    dialogs: u32,
    /// Since when it has not been in all its rooms, though it was once.
    away_since: Option<Instant>,
    /// Sign-ins tried since it was signed in.
    tries: u32,
    pub reader: Reader,
    /// Rooms whose history it was asked to read.
    pub reading: u32,
    /// It has stopped reading; nothing is owed to it any more.
    pub is_dead: bool,
}

/// What a process of the run found.
pub struct Outcome {
    pub measured: Measured,
    pub checker: Checker,
    /// Deliveries that did not come, by number of post.
    pub missing: Vec<(u32, u32)>,
}

/// See the module's text.
pub struct World {
    pub(super) plan: Rc<Plan>,
    pub(super) room_index: HashMap<String, u32>,
    pub endpoints: Vec<Endpoint>,
    /// Endpoint at each place of each link.
    link_endpoints: Vec<Vec<u32>>,
    /// Lowest number seen in each room: what lies before it belongs to earlier runs.
    pub(super) first_numbers: Vec<Option<u64>>,
    pub owed: Owed,
    /// Of each room, when its whole history is read.
    pub archives: Vec<Archive>,
    /// Pages of history to be asked for: place on the link being read, and the command.
    pub(super) pages: Vec<(usize, Command)>,
    /// Memberships that those who began to sign in want, and those of them that will not come
    /// about any more.
    pub(super) wanted: u64,
    given_up: u64,
    begun: u64,
    /// Posts to come, while there is load.
    posts: Option<Posts>,
    /// Those of this process that are due.
    to_send: VecDeque<Post>,
    /// When the run began: the series counts its seconds from here.
    start: Instant,
    pub measured: Measured,
    /// Labels of the classes of rooms; none where there is one class only.
    room_classes: Vec<ClassId>,
    /// Label of the phase of the load; none where there are none.
    phase: Option<(&'static str, ClassId)>,
    /// Labels of good and slow readers; none where all are good.
    reader_classes: Option<(ClassId, ClassId)>,
    pub checker: Checker,
    pub last_delivery: Option<Instant>,
    /// Users signed in by the messages being read: place on their link and number.
    fresh: Vec<(usize, u32)>,
    /// Users whose link is up and who must sign in again: place on their link and tries so far.
    idle: Vec<(usize, u32)>,
    /// Shortest Session-Expires offered, seconds.
    pub session_expires_s: Option<u32>,
    pub is_leaving: bool,
}

impl World {
    pub fn new(plan: Rc<Plan>, start: Instant) -> World {
        let absent = |_| Endpoint {
            state: State::Absent,
            link: 0,
            place: 0,
            due: start,
            dialogs: 0,
            away_since: None,
            tries: 0,
            reader: Reader::Good,
            reading: 0,
            is_dead: false,
        };
        let mut measured = Measured::default();
        World {
            room_index: plan.room_index(),
            endpoints: (0..plan.endpoints).map(absent).collect(),
            link_endpoints: vec![Vec::new(); plan.links.count() as usize],
            first_numbers: vec![None; plan.rooms.len()],
            owed: Owed::new(Rc::clone(&plan)),
            archives: plan.rooms.iter().map(|_| Archive::default()).collect(),
            pages: Vec::new(),
            wanted: 0,
            given_up: 0,
            begun: 0,
            posts: None,
            to_send: VecDeque::new(),
            start,
            room_classes: match plan.classes.as_slice() {
                [_] => Vec::new(),
                classes => {
                    let label = |class: &Class| measured.classes.class(Aspect::Room, class.name);
                    classes.iter().map(label).collect()
                }
            },
            phase: None,
            reader_classes: plan.laggards.is_some().then(|| {
                let good = measured.classes.class(Aspect::Reader, "good");
                (good, measured.classes.class(Aspect::Reader, "slow"))
            }),
            measured,
            checker: match plan.share.count {
                1 => Checker::new(),
                _ => Checker::of_part(),
            },
            last_delivery: None,
            fresh: Vec::new(),
            idle: Vec::new(),
            session_expires_s: None,
            is_leaving: false,
            plan,
        }
    }

    /// An endpoint begins to sign in as the next place of `link`.
    pub fn begin(&mut self, endpoint: u32, link: u32, due: Instant) {
        let places = &mut self.link_endpoints[link as usize];
        let state = &mut self.endpoints[endpoint as usize];
        (state.state, state.link, state.place) = (State::Opening, link, places.len());
        (state.due, state.reader) = (due, self.plan.reader_of(link));
        places.push(endpoint);
        self.begun += 1;
        self.wanted += self.plan.rooms_of(endpoint).len() as u64;
    }

    /// An endpoint signs in once more.
    pub fn signs_in_again(&mut self, link: u32, place: usize) {
        let endpoint = self.link_endpoints[link as usize][place];
        self.endpoints[endpoint as usize].state = State::Opening;
    }

    /// Lost links are opened again.
    pub fn wants_links(&self) -> bool {
        self.plan.reconnects && !self.is_leaving
    }

    /// Everybody is in all rooms, or failed.
    pub fn is_settled(&self) -> bool {
        let is_pending =
            |endpoint: &Endpoint| matches!(endpoint.state, State::Opening | State::Away);
        self.owed.seated() + self.given_up >= self.wanted && !self.endpoints.iter().any(is_pending)
    }

    /// Nobody is left to post.
    pub fn is_deserted(&self) -> bool {
        self.measured.counts.lost + self.measured.counts.open_failed >= self.begun
    }

    /// Nothing is to come any more.
    pub fn is_quiet(&self) -> bool {
        self.owed.outstanding() == 0 && self.measured.counts.answered == self.measured.counts.sent
    }

    /// Notes how many deliveries are to come; that number.
    pub fn look(&mut self) -> u64 {
        let outstanding = self.owed.outstanding();
        self.measured.outstanding(self.start.elapsed(), outstanding);
        outstanding
    }

    /// May the endpoint post in the room?
    pub fn may_post(&self, endpoint: u32, room: u32) -> bool {
        let state = &self.endpoints[endpoint as usize];
        // An author who does not read learns late what became of its post, or never.
        state.state == State::Open
            && state.reader == Reader::Good
            && self.owed.is_seated(endpoint, room)
    }

    /// The load begins: posts come from now on.
    pub fn begin_load(&mut self, start: Instant) {
        self.posts = Some(Posts::new(Rc::clone(&self.plan), start));
    }

    /// No more posts come; those that are due are not sent any more.
    pub fn end_load(&mut self) {
        self.posts = None;
        self.to_send.drain(..).for_each(|post| self.owed.write_off(post.number));
    }

    /// When the next post is due.
    pub fn next_due(&self) -> Option<Instant> {
        self.posts.as_ref().and_then(Posts::due)
    }

    /// The next post of this process, if one is due.
    pub fn take_post(&mut self, now: Instant) -> Option<Post> {
        self.advance(now);
        self.to_send.pop_front()
    }

    /// Notes all posts that are due, so that what is owed is known before somebody joins, leaves,
    /// or is shown one that another process has sent.
    pub(super) fn advance(&mut self, now: Instant) {
        let Some(posts) = &mut self.posts else { return };
        while let Some(post) = posts.take(now) {
            let number = self.owed.post(post.room, post.due);
            assert_eq!(number, post.number, "posts are noted in order");
            if self.plan.has(post.author(&self.plan, 0)) {
                self.to_send.push_back(post);
            }
        }
    }

    /// Nobody may post in a room now, though a post is due there.
    pub fn unsent(&mut self, post: &Post) {
        self.owed.write_off(post.number);
        self.measured.counts.unsent += 1;
        // Before a storm is over, a small room may have nobody in it.
        let is_complete = self.phase.is_none_or(|(phase, _)| phase == AFTER_STORM);
        if !self.plan.reconnects && is_complete {
            self.error("no author signed in".to_owned());
        }
    }

    /// Notes that a post is being sent; its mark.
    pub fn post(&mut self, endpoint: u32, post: &Post, now: Instant) -> PostId {
        let id = PostId { client: endpoint, seq: post.number };
        self.measured.sent(now - self.start);
        self.measured.outstanding(now - self.start, self.owed.outstanding());
        self.tell_time(now);
        self.checker.posted(id, RoomId(post.room));
        self.record(Kind::Lateness, now, post.due);
        id
    }

    /// Rooms to be joined by those who signed in since the last call, with their places.
    pub fn take_joins(&mut self) -> Vec<(usize, Vec<RoomRef>)> {
        let mut joins = Vec::new();
        for (place, endpoint) in self.fresh.drain(..) {
            for rooms in self.plan.rooms_of(endpoint).chunks(JOINS_PER_COMMAND) {
                let reference = |room: &u32| self.plan.rooms[*room as usize].reference.clone();
                joins.push((place, rooms.iter().map(reference).collect()));
            }
        }
        joins
    }

    /// Pages to be asked for by the clients of the link that is being read.
    pub fn take_pages(&mut self) -> Vec<(usize, Command)> {
        std::mem::take(&mut self.pages)
    }

    /// Users whose sign-in is to be repeated, found since the last call: place and tries so far.
    pub fn take_idle(&mut self) -> Vec<(usize, u32)> {
        std::mem::take(&mut self.idle)
    }

    pub fn error(&mut self, what: String) {
        self.measured.error(self.start.elapsed(), what);
    }

    /// Something that was due, or began, at `since` is there.
    fn record(&mut self, kind: Kind, now: Instant, since: Instant) {
        let phase = self.phase.map(|(_, class)| class);
        self.measured.record(kind, now - self.start, now - since, phase.as_slice());
    }

    /// A delivery, or an author's 200, of a post that was due at `since`.
    fn record_in(&mut self, room: u32, kind: Kind, now: Instant, since: Instant) {
        self.record(kind, now, since);
        if let Some(class) = self.room_classes.get(self.plan.class_of(room)) {
            self.measured.classes.record(*class, kind, now - since);
        }
    }

    /// The following happens now, by the time of all processes.
    fn tell_time(&mut self, now: Instant) {
        self.checker.at((now - self.start).as_nanos() as u64);
    }

    /// All that was measured, and what is to be judged.
    pub fn conclude(&mut self) -> Outcome {
        Outcome {
            measured: std::mem::take(&mut self.measured),
            checker: std::mem::take(&mut self.checker),
            missing: self.owed.missing(),
        }
    }

    /// A phase of the load begins, or goes on.
    pub fn phase(&mut self, now: Instant, name: &'static str) {
        if self.phase.is_none_or(|(phase, _)| phase != name) {
            self.phase = Some((name, self.measured.classes.class(Aspect::Phase, name)));
            self.measured.mark(now - self.start, name);
        }
    }

    /// The link of these could not be opened.
    pub fn never_came(&mut self, endpoints: &[u32], error: &str) {
        for endpoint in endpoints {
            self.measured.counts.open_failed += 1;
            self.given_up += self.plan.rooms_of(*endpoint).len() as u64;
            self.endpoints[*endpoint as usize].state = State::Lost;
        }
        self.error(format!("connect: {error}"));
    }

    /// A link is over.
    pub fn link_lost(&mut self, link: u32, fault: &Fault) {
        if self.is_leaving || self.plan.reader_of(link) != Reader::Good {
            return;
        }
        self.measured.counts.links_lost += 1;
        match fault {
            Fault::Closed => {}
            Fault::Ended(_) if self.plan.reconnects => {}
            Fault::Ended(what) | Fault::Broken(what) => self.error(format!("link: {what}")),
        }
    }

    pub fn on_event(&mut self, link: u32, place: usize, event: ClientEvent<'_>, now: Instant) {
        let endpoint = self.link_endpoints[link as usize][place];
        if self.endpoints[endpoint as usize].is_dead {
            return self.on_dead_event(endpoint, &event);
        }
        match event {
            ClientEvent::Delivered { room_uri, chat_id, text, post, .. } => {
                self.delivered(endpoint, room_uri, chat_id, text, post, now);
            }
            ClientEvent::Posted { post, status } => self.posted(post, status, now),
            ClientEvent::Unanswered { post } => {
                self.checker.unknown(post);
                self.answered(post);
                self.owed.write_off(post.seq);
                if !self.plan.reconnects {
                    self.error("post never answered".to_owned());
                }
            }
            ClientEvent::Noticed { .. } => self.measured.counts.notices += 1,
            ClientEvent::Counted { notices } => self.measured.counts.notices += notices,
            ClientEvent::History { room_uri, messages } => self.on_history(room_uri, messages),
            ClientEvent::Found { found } => self.on_found(endpoint, found),
            other => self.on_sign_in_event(endpoint, other, now),
        }
    }

    fn on_sign_in_event(&mut self, endpoint: u32, event: ClientEvent<'_>, now: Instant) {
        match event {
            ClientEvent::Opened { session_expires_s } => {
                self.opened(endpoint, session_expires_s, now)
            }
            ClientEvent::Joined { room, .. } => self.joined(endpoint, &room.uri, now),
            ClientEvent::OpenFailed { status } => self.open_failed(endpoint, status),
            ClientEvent::CommandRefused { status, .. } => {
                self.error(format!("command answered {status}"));
            }
            ClientEvent::Replied { name, code, .. } if code != 200 => {
                self.error(format!("{name} replied {code}"));
            }
            ClientEvent::JoinFailed { .. } => {
                self.given_up += 1;
                self.error("room not joined".to_owned());
            }
            ClientEvent::Updated { status } if status != 200 && status != 481 => {
                self.error(format!("UPDATE answered {status}"));
            }
            ClientEvent::Closed { .. } => {
                self.measured.counts.left += 1;
                self.checker.session_ended(self.session(endpoint));
                let state = &mut self.endpoints[endpoint as usize].state;
                if *state != State::Out {
                    *state = State::Left;
                }
            }
            ClientEvent::Gone { reason } => self.gone(endpoint, reason, now),
            ClientEvent::Unreadable { what } => self.error(format!("unreadable: {what}")),
            _ => {}
        }
    }

    fn opened(&mut self, endpoint: u32, session_expires_s: Option<u32>, now: Instant) {
        let state = &mut self.endpoints[endpoint as usize];
        state.state = State::Open;
        state.dialogs += 1;
        state.tries = 0;
        self.fresh.push((state.place, endpoint));
        if state.away_since.is_none() {
            let due = state.due;
            self.record(Kind::SignIn, now, due);
        }
        self.measured.opened(now - self.start);
        self.session_expires_s = self.session_expires_s.into_iter().chain(session_expires_s).min();
        self.arrived(endpoint, now);
    }

    /// The server did not let an endpoint in. Without room for all who come back at once it says
    /// so; they try again.
    fn open_failed(&mut self, endpoint: u32, status: u16) {
        if self.wants_links() && status == SERVICE_UNAVAILABLE {
            self.measured.counts.sign_ins_refused += 1;
            return self.comes_back(endpoint);
        }
        self.measured.counts.open_failed += 1;
        self.given_up += self.plan.rooms_of(endpoint).len() as u64;
        self.endpoints[endpoint as usize].state = State::Lost;
        self.error(format!("sign-in answered {status}"));
    }

    /// An endpoint whose link is up signs in again a little later.
    fn comes_back(&mut self, endpoint: u32) {
        let state = &mut self.endpoints[endpoint as usize];
        state.state = State::Away;
        self.idle.push((state.place, state.tries));
        state.tries += 1;
    }

    fn joined(&mut self, endpoint: u32, room_uri: &str, now: Instant) {
        self.advance(now);
        self.tell_time(now);
        let room = self.room_index.get(room_uri).copied();
        let Some(room) = room.filter(|room| self.owed.sit(endpoint, *room)) else {
            return self.error(format!("joined {room_uri}, which nobody asked for"));
        };
        self.checker.session_joined(self.session(endpoint), RoomId(room));
        self.measured.counts.joined += 1;
        self.arrived(endpoint, now);
    }

    /// Notes the time when the endpoint is where it wants to be.
    fn arrived(&mut self, endpoint: u32, now: Instant) {
        let state = &mut self.endpoints[endpoint as usize];
        if !self.owed.is_in_all(endpoint) {
            return;
        }
        match state.away_since.take() {
            Some(since) => self.record(Kind::Away, now, since),
            None if self.plan.rooms_of(endpoint).is_empty() => {}
            None => {
                let due = state.due;
                self.record(Kind::Join, now, due);
            }
        }
    }

    /// The present dialog of an endpoint.
    pub fn session(&self, endpoint: u32) -> SessionId {
        let dialogs = self.endpoints[endpoint as usize].dialogs;
        SessionId(u64::from(dialogs) << 32 | u64::from(endpoint))
    }

    fn gone(&mut self, endpoint: u32, reason: EndReason, now: Instant) {
        let Endpoint { state: before, reader, .. } = self.endpoints[endpoint as usize];
        if before == State::Out {
            self.checker.session_ended(self.session(endpoint));
            self.endpoints[endpoint as usize].state = State::Lost;
            return;
        }
        if self.is_leaving || before == State::Lost {
            self.endpoints[endpoint as usize].state = State::Lost;
            return;
        }
        self.owed.leave(endpoint);
        self.checker.session_ended(self.session(endpoint));
        self.measured.counts.dialogs_lost += u64::from(before == State::Open);
        if reader == Reader::Slow {
            self.measured.counts.slow_ended += 1;
        } else if !self.plan.reconnects || reason != EndReason::LinkLost {
            self.error(format!("dialog gone: {reason:?}"));
        }
        if !self.plan.reconnects {
            self.endpoints[endpoint as usize].state = State::Lost;
            self.given_up += self.plan.rooms_of(endpoint).len() as u64;
            self.measured.counts.lost += 1;
            return;
        }
        let state = &mut self.endpoints[endpoint as usize];
        state.state = State::Away;
        if state.dialogs > 0 {
            state.away_since.get_or_insert(now);
        }
        if reason != EndReason::LinkLost {
            self.comes_back(endpoint);
        }
    }

    fn posted(&mut self, post: PostId, status: u16, now: Instant) {
        self.answered(post);
        self.checker.answered(post, status);
        if status == 200 {
            let (room, due) = self.owed.sent(post.seq);
            return self.record_in(room, Kind::Accept, now, due);
        }
        self.owed.write_off(post.seq);
        self.error(format!("post answered {status}"));
    }

    fn answered(&mut self, post: PostId) {
        self.measured.counts.answered += u64::from(self.owed.answered(post.seq));
    }

    fn delivered(
        &mut self,
        endpoint: u32,
        room_uri: &str,
        chat_id: u64,
        text: &str,
        post: Option<PostId>,
        now: Instant,
    ) {
        self.measured.delivered(now - self.start);
        self.last_delivery = Some(now);
        let Some(&room) = self.room_index.get(room_uri) else {
            return self.error(format!("message of {room_uri}, which nobody joined"));
        };
        self.checker.delivered(self.session(endpoint), RoomId(room), chat_id, post);
        let first = &mut self.first_numbers[room as usize];
        *first = Some(first.map_or(chat_id, |first| first.min(chat_id)));
        let Some(post) = post else { return };
        if !self.owed.knows(post.seq) {
            self.advance(now);
        }
        if let Some(due) = self.owed.delivered(endpoint, room, chat_id, post.seq) {
            self.record_in(room, Kind::Delivery, now, due);
            if let Some((good, slow)) = self.reader_classes {
                let is_good = self.endpoints[endpoint as usize].reader == Reader::Good;
                let class = if is_good { good } else { slow };
                self.measured.classes.record(class, Kind::Delivery, now - due);
            }
        }
        let is_sampled = (u64::from(endpoint) + chat_id).is_multiple_of(INTACT_EVERY);
        if is_sampled && !post.is_intact(text) {
            self.error("text damaged".to_owned());
        }
    }
}
