//! What a run knows: who is where, what was posted, what came, what went wrong.

use super::plan::Plan;
use hdrhistogram::Histogram;
use parlance_loadgen::{Checker, ClientEvent, PostId, RoomId, SessionId};
use parlance_wire::xccos::{Delivery, RoomRef};
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::time::{Duration, Instant};

/// Rooms asked for by one `bjoin`: its reply, with 75 participants each, stays within a message.
const JOINS_PER_COMMAND: usize = 24;
/// Every so many deliveries to a user, one text is compared byte by byte.
const INTACT_EVERY: u64 = 16;
/// Kinds of errors kept apart; the rest is counted as one.
const ERROR_KINDS_MAX: usize = 64;

/// Times in microseconds, to two digits of precision at least.
pub struct Timing(pub Histogram<u64>);

impl Timing {
    fn new() -> Timing {
        Timing(Histogram::new_with_bounds(1, 600_000_000, 3).expect("the bounds are in order"))
    }

    pub fn record(&mut self, time: Duration) {
        self.0.saturating_record(time.as_micros() as u64);
    }
}

/// Where a user is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserState {
    Absent,
    Opening,
    Open,
    Lost,
    Left,
}

pub struct User {
    pub state: UserState,
    pub link: u32,
    pub place: usize,
    /// When it was due to sign in.
    due: Instant,
    joined: usize,
}

/// A post on its way.
struct Flight {
    due: Instant,
    room: u32,
    is_answered: bool,
    /// Deliveries that are to come.
    missing: u32,
}

/// Plain counts of a run.
#[derive(Debug, Default, Clone)]
pub struct Counts {
    pub opened: u64,
    pub open_failed: u64,
    pub joined: u64,
    pub join_failed: u64,
    pub lost: u64,
    pub left: u64,
    pub sent: u64,
    pub unsent: u64,
    pub answered: u64,
    pub delivered: u64,
    pub notices: u64,
    pub histories: u64,
}

/// See the module's text.
pub struct World {
    plan: Rc<Plan>,
    room_index: HashMap<String, u32>,
    pub users: Vec<User>,
    /// User at each place of each link.
    link_users: Vec<Vec<u32>>,
    /// Members of each room that are in it now.
    present: Vec<u32>,
    /// Lowest number seen in each room: what lies before it belongs to earlier runs.
    first_numbers: Vec<Option<u64>>,
    flights: Vec<Flight>,
    /// Deliveries that are to come, of all posts not refused.
    pub outstanding: u64,
    pub counts: Counts,
    pub errors: BTreeMap<String, u64>,
    pub checker: Checker,
    pub delivery: Timing,
    pub accept: Timing,
    pub sign_in: Timing,
    pub join: Timing,
    pub lateness: Timing,
    pub last_delivery: Option<Instant>,
    /// Users signed in by the messages being read: place on their link and number.
    fresh: Vec<(usize, u32)>,
    /// Shortest Session-Expires offered, seconds.
    pub session_expires_s: Option<u32>,
    pub is_leaving: bool,
}

impl World {
    pub fn new(plan: Rc<Plan>) -> World {
        let absent = |_| User {
            state: UserState::Absent,
            link: 0,
            place: 0,
            due: Instant::now(),
            joined: 0,
        };
        World {
            room_index: plan.room_index(),
            users: (0..plan.users).map(absent).collect(),
            link_users: vec![Vec::new(); plan.links as usize],
            present: vec![0; plan.rooms.len()],
            first_numbers: vec![None; plan.rooms.len()],
            flights: Vec::new(),
            outstanding: 0,
            counts: Counts::default(),
            errors: BTreeMap::new(),
            checker: Checker::new(),
            delivery: Timing::new(),
            accept: Timing::new(),
            sign_in: Timing::new(),
            join: Timing::new(),
            lateness: Timing::new(),
            last_delivery: None,
            fresh: Vec::new(),
            session_expires_s: None,
            is_leaving: false,
            plan,
        }
    }

    /// A user begins to sign in as the next place of `link`.
    pub fn begin(&mut self, user: u32, link: u32, due: Instant) {
        let places = &mut self.link_users[link as usize];
        let place = places.len();
        places.push(user);
        self.users[user as usize] = User { state: UserState::Opening, link, place, due, joined: 0 };
    }

    /// Everybody is in all rooms, or failed.
    pub fn is_settled(&self) -> bool {
        let Counts { joined, join_failed, .. } = self.counts;
        let is_pending = |user: &User| user.state == UserState::Opening;
        joined + join_failed >= self.plan.memberships() && !self.users.iter().any(is_pending)
    }

    /// Nobody is left to post.
    pub fn is_deserted(&self) -> bool {
        self.counts.lost + self.counts.open_failed >= u64::from(self.plan.users)
    }

    /// Nothing is to come any more.
    pub fn is_quiet(&self) -> bool {
        self.outstanding == 0 && self.counts.answered == self.counts.sent
    }

    /// Notes a post that is being sent; its number.
    pub fn post(&mut self, user: u32, room: u32, due: Instant, now: Instant) -> PostId {
        let seq = u32::try_from(self.flights.len()).expect("a run has fewer than 2^32 posts");
        let id = PostId { client: user, seq };
        let missing = self.present[room as usize];
        self.flights.push(Flight { due, room, is_answered: false, missing });
        self.outstanding += u64::from(missing);
        self.counts.sent += 1;
        self.checker.posted(id, RoomId(room));
        self.lateness.record(now - due);
        id
    }

    /// Rooms to be joined by those who signed in since the last call, with their places.
    pub fn take_joins(&mut self) -> Vec<(usize, Vec<RoomRef>)> {
        let mut joins = Vec::new();
        for (place, user) in self.fresh.drain(..) {
            for rooms in self.plan.rooms_of[user as usize].chunks(JOINS_PER_COMMAND) {
                let reference = |room: &u32| self.plan.rooms[*room as usize].reference.clone();
                joins.push((place, rooms.iter().map(reference).collect()));
            }
        }
        joins
    }

    pub fn error(&mut self, what: String) {
        let is_new = !self.errors.contains_key(&what);
        let key =
            if is_new && self.errors.len() >= ERROR_KINDS_MAX { "other".into() } else { what };
        *self.errors.entry(key).or_default() += 1;
    }

    pub fn link_fault(&mut self, what: &str) {
        if !self.is_leaving {
            self.error(format!("link: {what}"));
        }
    }

    /// Deliveries of accepted posts that have not come.
    pub fn missing(&self) -> u64 {
        self.outstanding
    }

    pub fn on_event(&mut self, link: u32, place: usize, event: ClientEvent<'_>, now: Instant) {
        let user = self.link_users[link as usize][place];
        match event {
            ClientEvent::Delivered { room_uri, chat_id, text, post, .. } => {
                self.delivered(user, room_uri, chat_id, text, post, now);
            }
            ClientEvent::Posted { post, status } => self.posted(post, status, now),
            ClientEvent::Unanswered { post } => {
                self.checker.unknown(post);
                self.answered(post);
                self.write_off(post);
                self.error("post never answered".to_owned());
            }
            ClientEvent::Noticed { .. } => self.counts.notices += 1,
            ClientEvent::History { room_uri, messages } => self.history(room_uri, messages),
            other => self.on_sign_in_event(user, other, now),
        }
    }

    fn on_sign_in_event(&mut self, user: u32, event: ClientEvent<'_>, now: Instant) {
        match event {
            ClientEvent::Opened { session_expires_s } => self.opened(user, session_expires_s, now),
            ClientEvent::Joined { room, .. } => self.joined(user, &room.uri, now),
            ClientEvent::OpenFailed { status } => {
                self.counts.open_failed += 1;
                self.counts.join_failed += self.plan.rooms_of[user as usize].len() as u64;
                self.users[user as usize].state = UserState::Lost;
                self.error(format!("sign-in answered {status}"));
            }
            ClientEvent::CommandRefused { status, .. } => {
                self.error(format!("command answered {status}"));
            }
            ClientEvent::Replied { name, code, .. } if code != 200 => {
                self.error(format!("{name} replied {code}"));
            }
            ClientEvent::JoinFailed { .. } => {
                self.counts.join_failed += 1;
                self.error("room not joined".to_owned());
            }
            ClientEvent::Updated { status } if status != 200 => {
                self.error(format!("UPDATE answered {status}"));
            }
            ClientEvent::Closed { .. } => {
                self.counts.left += 1;
                self.users[user as usize].state = UserState::Left;
            }
            ClientEvent::Gone { reason } => self.gone(user, reason),
            ClientEvent::Unreadable { what } => self.error(format!("unreadable: {what}")),
            _ => {}
        }
    }

    fn opened(&mut self, user: u32, session_expires_s: Option<u32>, now: Instant) {
        let state = &mut self.users[user as usize];
        state.state = UserState::Open;
        self.sign_in.record(now - state.due);
        self.counts.opened += 1;
        self.fresh.push((state.place, user));
        self.session_expires_s = self.session_expires_s.into_iter().chain(session_expires_s).min();
    }

    fn joined(&mut self, user: u32, room_uri: &str, now: Instant) {
        let Some(&room) = self.room_index.get(room_uri) else {
            return self.error(format!("joined {room_uri}, which nobody asked for"));
        };
        self.checker.session_joined(SessionId(user.into()), RoomId(room));
        self.present[room as usize] += 1;
        self.counts.joined += 1;
        let state = &mut self.users[user as usize];
        state.joined += 1;
        if state.joined == self.plan.rooms_of[user as usize].len() {
            self.join.record(now - state.due);
        }
    }

    fn gone(&mut self, user: u32, reason: parlance_loadgen::EndReason) {
        let state = &mut self.users[user as usize];
        if self.is_leaving || state.state == UserState::Lost {
            state.state = UserState::Lost;
            return;
        }
        let was_open = state.state == UserState::Open;
        state.state = UserState::Lost;
        let rooms = &self.plan.rooms_of[user as usize];
        if was_open {
            rooms.iter().take(state.joined).for_each(|room| self.present[*room as usize] -= 1);
        }
        self.counts.join_failed += (rooms.len() - state.joined) as u64;
        self.counts.lost += 1;
        self.checker.session_ended(SessionId(user.into()));
        self.error(format!("dialog gone: {reason:?}"));
    }

    fn posted(&mut self, post: PostId, status: u16, now: Instant) {
        self.answered(post);
        self.checker.answered(post, status);
        if status == 200 {
            let due = self.flights[post.seq as usize].due;
            return self.accept.record(now - due);
        }
        self.write_off(post);
        self.error(format!("post answered {status}"));
    }

    /// Nobody owes the deliveries of a post that was not accepted.
    fn write_off(&mut self, post: PostId) {
        let flight = &mut self.flights[post.seq as usize];
        self.outstanding -= u64::from(std::mem::take(&mut flight.missing));
    }

    fn answered(&mut self, post: PostId) {
        let flight = &mut self.flights[post.seq as usize];
        if !std::mem::replace(&mut flight.is_answered, true) {
            self.counts.answered += 1;
        }
    }

    fn delivered(
        &mut self,
        user: u32,
        room_uri: &str,
        chat_id: u64,
        text: &str,
        post: Option<PostId>,
        now: Instant,
    ) {
        self.counts.delivered += 1;
        self.last_delivery = Some(now);
        let Some(&room) = self.room_index.get(room_uri) else {
            return self.error(format!("message of {room_uri}, which nobody joined"));
        };
        self.checker.delivered(SessionId(user.into()), RoomId(room), chat_id, post);
        let first = &mut self.first_numbers[room as usize];
        *first = Some(first.map_or(chat_id, |first| first.min(chat_id)));
        let Some(post) = post else { return };
        if let Some(flight) = self.flights.get_mut(post.seq as usize).filter(|f| f.room == room) {
            self.delivery.record(now - flight.due);
            if flight.missing > 0 {
                flight.missing -= 1;
                self.outstanding -= 1;
            }
        }
        let is_sampled = (u64::from(user) + chat_id).is_multiple_of(INTACT_EVERY);
        if is_sampled && !post.is_intact(text) {
            self.error("text damaged".to_owned());
        }
    }

    /// Rooms that were posted to, with a member that can read their history.
    pub fn readers(&self) -> Vec<(u32, u32)> {
        let is_open = |user: &&u32| self.users[**user as usize].state == UserState::Open;
        let written = self.first_numbers.iter().zip(0u32..).filter(|(first, _)| first.is_some());
        written
            .filter_map(|(_, room)| {
                let members = &self.plan.rooms[room as usize].members;
                Some((room, *members.iter().find(is_open)?))
            })
            .collect()
    }

    fn history(&mut self, room_uri: &str, messages: &[Delivery]) {
        self.counts.histories += 1;
        let Some(&room) = self.room_index.get(room_uri) else {
            return self.error(format!("history of {room_uri}, which nobody asked for"));
        };
        let Some(first) = self.first_numbers[room as usize] else { return };
        let ours: Vec<(u64, Option<PostId>)> = messages
            .iter()
            .filter(|message| message.chat_id >= first)
            .map(|message| (message.chat_id, PostId::parse(&message.chat)))
            .collect();
        self.checker.history_read_at_rest(RoomId(room), &ours);
    }
}
