//! One core's broker: inputs in, outputs out, nothing else.
//!
//! | module | subject |
//! |---|---|
//! | `link` | a transport connection: framing, what waits to be written, its deadlines |
//! | `sip` | requests and responses: registrar's minimum, dialogs, refusals |
//! | `session` | one dialog: window, lagging and catching up, its end |
//! | `backlog` | what a session is owed: replies in order, items it is behind with |
//! | `command` | commands and posts at the session's home |
//! | `ask` | questions to the owners of rooms, and the replies made of their answers |
//! | `browse` | what a client asks of the directory |
//! | `manage` | rooms created and changed by those who chat |
//! | `room` | a room at its owner: who comes and goes, numbering, order, history |
//! | `roster` | who is in a room and what others know of it |
//! | `search` | searches for rooms |
//! | `feed` | the second level of fan-out: a room's items for the sessions of this shard |
//! | `query` | questions to the database: older history, searches, preferences |
//! | `registrar` | which dialog is an endpoint's current one; rooms to restore |
//! | `timers` | what falls due when |
//! | `walls` | what a new directory means for those who are in |

mod ask;
mod backlog;
mod browse;
mod command;
mod feed;
mod link;
mod manage;
mod query;
mod registrar;
mod room;
mod roster;
mod search;
mod session;
mod sip;
mod timers;
mod walls;

use crate::archive::{Answer, Endpoint, Query, QueryKey};
use crate::bucket::Bucket;
use crate::counters::{Counters, Gauges, Refusal};
use crate::directory::{Directory, Touched};
use crate::limits::Limits;
use crate::log::{Record, RoomEnd};
use crate::mail::{AskKey, Mail, SessionKey, ShardId};
use crate::outbox::{Pool, Slices};
use crate::time::{Instant, Now};
use ask::Ask;
use feed::Feeds;
use hashbrown::HashMap;
use link::Link;
use parlance_wire::sip::answer::Answers;
use parlance_wire::xccos::Guid;
use query::Purpose;
use rand_chacha::ChaCha12Rng;
use rand_core::{Rng, SeedableRng};
use registrar::Registrar;
use room::Room;
use session::Session;
use slotmap::{SlotMap, new_key_type};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use timers::{Due, Timers};
use walls::Review;

new_key_type! {
    /// A link of this shard. Never reused.
    pub struct LinkId;
}

/// How a link is carried. Written into the Via of our requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Transport {
    Tcp,
    Tls,
}

/// What the shell knows of a link when it comes up.
#[derive(Debug, Clone)]
pub struct LinkInfo {
    /// The peer, for logs only: nothing is ever sent anywhere but back on the link.
    pub peer: SocketAddr,
    /// Our own end, for Via and Contact.
    pub local: SocketAddr,
    /// How.
    pub transport: Transport,
    /// Its certificate names a trusted front end, which may assert identities.
    pub is_front_end: bool,
}

/// What a shard is made of.
#[derive(Debug, Clone)]
pub struct Setup {
    /// Which one this is.
    pub id: ShardId,
    /// How many there are; at least 1.
    pub shards: usize,
    /// The directory in force, shared; later ones come by [`Input::Directory`].
    pub directory: Arc<Directory>,
    /// Bounds.
    pub limits: Limits,
    /// Seed of tags and branch keys: from the system's entropy in production, from the simulator's
    /// seed in tests. Different for each shard.
    pub seed: [u8; 32],
}

/// Something that happened.
#[derive(Debug)]
pub enum Input<'a> {
    /// Bytes came in on a link.
    Bytes {
        /// Which.
        link: LinkId,
        /// In order, split anyhow.
        bytes: &'a [u8],
    },
    /// The first `written` bytes of [`Shard::outgoing`] are out.
    Drained {
        /// Which.
        link: LinkId,
        /// How many.
        written: usize,
    },
    /// The link is gone (closed by the peer, an error, or as asked by [`Output::Close`]).
    LinkDown {
        /// Which.
        link: LinkId,
    },
    /// Mail from another shard.
    Mail {
        /// Sender.
        from: ShardId,
        /// What.
        mail: Mail,
    },
    /// All records of this shard up to `ticket` are durable.
    Committed {
        /// Highest ticket.
        ticket: u64,
    },
    /// The database has answered [`Output::Ask`].
    Answered {
        /// Which question.
        key: QueryKey,
        /// The answer.
        answer: Answer,
    },
    /// Another directory is in force from now on, made of the one before by changes that touch
    /// this.
    Directory {
        /// Its revision is not lower than that of the one before.
        directory: Arc<Directory>,
        /// Whose rights may have changed.
        touched: Arc<Touched>,
    },
    /// An administrator removed or replaced messages of a room in the database, which had all of it
    /// up to a number: what the shard keeps of it is not true any more.
    Revised {
        /// Which room.
        room: Guid,
        /// Last number that was looked at.
        through: u64,
    },
    /// The log has no room left, or has room again: while it has none, posts are answered 503.
    LogFull {
        /// No room.
        is_full: bool,
    },
    /// The time given by [`Shard::poll_timeout`] has come.
    Timeout,
    /// Stop taking new dialogs, let posts finish, then close the links.
    Drain,
}

/// Something the shell must do.
#[derive(Debug)]
pub enum Output {
    /// The link has bytes to write: write [`Shard::outgoing`] and report [`Input::Drained`], until
    /// it is empty. Said once per change from empty to not empty.
    Write {
        /// Which.
        link: LinkId,
    },
    /// Close the link, after what waits on it is written (best effort, at most a second) if
    /// `flush`; then report [`Input::LinkDown`]. No input for it is accepted in between but
    /// `Drained`.
    Close {
        /// Which.
        link: LinkId,
        /// Write what waits first.
        flush: bool,
        /// Why, for the log.
        reason: Close,
    },
    /// Deliver to another shard, in order.
    Mail {
        /// Receiver; never this shard itself.
        to: ShardId,
        /// What.
        mail: Mail,
    },
    /// Make this record durable; answered by [`Input::Committed`].
    Append {
        /// Tickets rise by one.
        record: Record,
    },
    /// Ask the database; answered by [`Input::Answered`] exactly once, whatever becomes of it.
    Ask {
        /// Names the question.
        key: QueryKey,
        /// The question.
        query: Query,
    },
    /// Keep this soon, so that the next run of the server can be given it back
    /// ([`Shard::restore_endpoint`]). A later one for the same endpoint takes its place; one
    /// without rooms is forgotten.
    Remember {
        /// What is to be kept.
        endpoint: Endpoint,
    },
    /// Tell the operator.
    Event(Event),
}

/// Why a link is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Close {
    /// Its input cannot be trusted.
    Refused(Refusal),
    /// No first message, a message that never ended, or nothing at all for too long.
    TooSlow,
    /// The peer does not read.
    Stalled,
    /// The server is going down.
    Drained,
}

/// Something an operator may want to read, once per cause and link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// First refusal of its kind on this link.
    Refused {
        /// The peer.
        peer: SocketAddr,
        /// Why.
        refusal: Refusal,
    },
    /// A dialog was given up by the server.
    SessionDropped {
        /// The peer.
        peer: SocketAddr,
        /// Why: `info_timeout`, `lag`, `backlog`, `expired`, `no_ack`, `gap`, `superseded`,
        /// `client_forgot`, `not_served`, `expelled`.
        reason: &'static str,
    },
    /// All links are closed after [`Input::Drain`].
    Drained,
}

/// The broker of one core.
#[derive(Debug)]
pub struct Shard {
    setup: Setup,
    /// The moment of the input being handled.
    now: Now,
    rng: ChaCha12Rng,
    counters: Counters,
    links: SlotMap<LinkId, Link>,
    /// Memory of the links' outboxes.
    pool: Pool,
    sessions: SlotMap<SessionKey, Session>,
    asks: SlotMap<AskKey, Ask>,
    queries: SlotMap<QueryKey, Purpose>,
    /// Posts whose authors wait for an answer, and until when; some may be answered.
    open_posts: VecDeque<(Instant, AskKey)>,
    is_posts_timer_set: bool,
    /// What answers to our INFOs look like.
    answers: Answers,
    feeds: Feeds,
    rooms: HashMap<Guid, Room>,
    registrar: Registrar,
    /// Sessions to look at after a change of the directory.
    review: Review,
    timers: Timers,
    /// New dialogs.
    dialogs: Bucket,
    /// Searches among people.
    people_searches: Bucket,
    /// Writes for notices alone.
    notice_writes: Bucket,
    /// Sessions that are behind.
    lagging: usize,
    /// Seats of all sessions.
    subscriptions: usize,
    /// Last ticket given to the log.
    last_ticket: u64,
    /// Nothing more is appended.
    is_log_full: bool,
    /// Tickets the log has not committed yet, with their rooms.
    uncommitted: VecDeque<(u64, Guid)>,
    /// Number of the last document this shard wrote.
    envid: u64,
    /// Documents are rendered here before they become shared.
    scratch: Vec<u8>,
    outputs: VecDeque<Output>,
    /// Mail of the shard to itself, handled before `handle` returns.
    own_mail: VecDeque<Mail>,
    draining_until: Option<Instant>,
    is_drained: bool,
}

impl Shard {
    /// An empty shard.
    ///
    /// # Panics
    /// If `setup` names a shard that does not exist or a window wider than a window can be.
    pub fn new(setup: Setup, now: Now) -> Shard {
        assert!((setup.id.0 as usize) < setup.shards, "a shard's index is below their number");
        let window_max = parlance_wire::sip::window::WINDOW_MAX;
        assert!((1..=window_max).contains(&setup.limits.window), "window of 1 to {window_max}");
        Shard {
            now,
            rng: ChaCha12Rng::from_seed(setup.seed),
            counters: Counters::default(),
            links: SlotMap::with_key(),
            pool: Pool::default(),
            sessions: SlotMap::with_key(),
            asks: SlotMap::with_key(),
            queries: SlotMap::with_key(),
            open_posts: VecDeque::new(),
            is_posts_timer_set: false,
            answers: Answers::default(),
            feeds: Feeds::default(),
            rooms: HashMap::new(),
            registrar: Registrar::default(),
            review: Review::default(),
            timers: Timers::default(),
            dialogs: Bucket::default(),
            people_searches: Bucket::default(),
            notice_writes: Bucket::default(),
            lagging: 0,
            subscriptions: 0,
            last_ticket: 0,
            is_log_full: false,
            uncommitted: VecDeque::new(),
            // Unique in the server: 19 digits like the real one's (`xccos.md` §2.1).
            envid: (1 << 62) + (u64::from(setup.id.0) << 44),
            scratch: Vec::new(),
            outputs: VecDeque::new(),
            own_mail: VecDeque::new(),
            draining_until: None,
            is_drained: false,
            setup,
        }
    }

    /// Takes in a message that an earlier run made durable, before the first link: rooms go on with
    /// their numbers, and show what was said. Records of a room must come in order; those of rooms
    /// that other shards own, or that are no more, are skipped.
    ///
    /// # Panics
    /// If the numbers of a room do not rise.
    pub fn restore(&mut self, record: Record) {
        self.restore_record(record);
    }

    /// Takes in where a room ended, behind what is restored of it: a number is given once, even if
    /// the message that had it was removed, or is not at hand. Rooms that other shards own, or that
    /// are no more, are skipped.
    pub fn restore_end(&mut self, end: RoomEnd) {
        self.restore_room_end(end);
    }

    /// Takes in what an earlier run knew of an endpoint, before the first link. Those that other
    /// shards keep are skipped. From now on it is remembered for as long as any lost dialog.
    pub fn restore_endpoint(&mut self, now: Now, endpoint: Endpoint) {
        self.now = now;
        self.restore_lost(endpoint);
    }

    /// A link came up. Refused when there are too many or the shard is draining.
    pub fn link_up(&mut self, now: Now, info: LinkInfo) -> Result<LinkId, Refusal> {
        self.now = now;
        if self.links.len() >= self.setup.limits.links_max || self.draining_until.is_some() {
            self.counters.refused[Refusal::Overload.kind()] += 1;
            return Err(Refusal::Overload);
        }
        let link = self.links.insert(Link::new(info, now.instant));
        self.check_link(link);
        Ok(link)
    }

    /// Takes in one event. Never blocks, never fails. Collect [`Shard::poll_output`] afterwards
    /// (after a batch of inputs is better: writes of the batch are then one).
    pub fn handle(&mut self, now: Now, input: Input<'_>) {
        assert!(now.instant >= self.now.instant, "the monotonic clock does not go back");
        self.now = now;
        match input {
            Input::Bytes { link, bytes } => self.on_bytes(link, bytes),
            Input::Drained { link, written } => self.on_drained(link, written),
            Input::LinkDown { link } => self.on_link_down(link),
            Input::Mail { from: _, mail } => {
                self.counters.mail_in += 1;
                self.on_mail(mail);
            }
            Input::Committed { ticket } => self.on_committed(ticket),
            Input::Answered { key, answer } => self.on_answered(key, answer),
            Input::Directory { directory, touched } => self.on_directory(directory, &touched),
            Input::Revised { room, through } => self.on_revised(room, through),
            Input::LogFull { is_full } => self.is_log_full = is_full,
            Input::Timeout => self.on_timeout(),
            Input::Drain => self.on_drain(),
        }
        while let Some(mail) = self.own_mail.pop_front() {
            self.on_mail(mail);
        }
        if self.draining_until.is_some() {
            self.continue_drain();
        }
    }

    /// Next thing to do, in order.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`Input::Timeout`] is due; at or before the last `now` if there is work left over that
    /// was put off so that other inputs get their turn.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let is_put_off = self.feeds.pending() > 0 || self.review.is_pending();
        if is_put_off { Some(self.now.instant) } else { self.timers.next() }
    }

    /// What waits to be written on a link, oldest first; empty for an unknown link.
    pub fn outgoing(&self, link: LinkId) -> Slices<'_> {
        self.links.get(link).map(|link| link.outbox.slices()).unwrap_or_default()
    }

    /// False when so much waits on the link that its peer must read before it may ask for more: the
    /// shell then stops reading from it. True for an unknown link.
    pub fn takes_input(&self, link: LinkId) -> bool {
        let budget = self.setup.limits.link_outbox_bytes_max;
        self.links.get(link).is_none_or(|link| link.outbox.len() <= budget)
    }

    /// Counters since the start.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// State of this moment. Linear in the number of links.
    pub fn gauges(&self) -> Gauges {
        Gauges {
            links: self.links.len(),
            sessions: self.sessions.len(),
            sessions_lagging: self.lagging,
            rooms: self.rooms.len(),
            feeds: self.feeds.table.len(),
            subscriptions: self.subscriptions,
            outbox_bytes: self.links.values().map(|link| link.outbox.len()).sum(),
            asks: self.asks.len(),
            queries: self.queries.len(),
            uncommitted: self.uncommitted.len(),
            fanout_pending: self.feeds.pending(),
            remembered: self.registrar.remembered(),
        }
    }

    /// The room's only sequencer.
    fn owner(&self, room: Guid) -> ShardId {
        Directory::owner(room, self.setup.shards)
    }

    fn mail(&mut self, to: ShardId, mail: Mail) {
        if to == self.setup.id {
            self.own_mail.push_back(mail);
        } else {
            self.counters.mail_out += 1;
            self.outputs.push_back(Output::Mail { to, mail });
        }
    }

    fn event(&mut self, event: Event) {
        self.outputs.push_back(Output::Event(event));
    }

    fn random_128(&mut self) -> u128 {
        u128::from(self.rng.next_u64()) << 64 | u128::from(self.rng.next_u64())
    }

    /// A To tag for an answer outside of dialogs.
    fn fresh_tag(&mut self) -> String {
        format!("{:016x}", self.rng.next_u64())
    }

    fn on_mail(&mut self, mail: Mail) {
        match mail {
            Mail::Join { room, from, user, ask } => self.on_join_mail(room, from, user, ask),
            Mail::Part { room, from, user, ask, leave } => {
                self.on_part_mail(room, from, user, ask, leave);
            }
            Mail::Post { room, from, user, ask, post } => {
                self.on_post_mail(room, from, user, ask, post);
            }
            Mail::History { room, from, user, ask, command, count } => {
                self.on_history_mail(room, from, user, ask, command, count);
            }
            Mail::Participants { room, from, ask, command } => {
                self.on_participants_mail(room, from, ask, command);
            }
            Mail::Search { from, user, ask, search } => {
                self.on_search_mail(from, &user, ask, &search);
            }
            Mail::Joined { session: _, ask, room, revision, outcome } => {
                self.on_joined(ask, room, revision, outcome);
            }
            Mail::Parted { session: _, ask } => self.on_parted(ask),
            Mail::Posted { session: _, ask, outcome } => self.on_posted(ask, outcome),
            Mail::Placed { session: _, ask, room } => self.on_placed(ask, room),
            Mail::Answer { session: _, ask, after, body } => self.on_answer(ask, after, body),
            Mail::Found { session: _, ask, rooms } => self.on_found(ask, rooms),
            Mail::Deliver { room, item } => self.on_deliver(room, item),
            Mail::Claim { from, ask, opened, user, epid } => {
                self.on_claim(from, ask, opened, user, epid);
            }
            Mail::Claimed { ask, rooms } => self.on_claimed(ask, rooms),
            Mail::Seats { from, user, epid, rooms } => self.on_seats(from, user, epid, rooms),
            Mail::ToldLost { user, epid, from } => self.on_told_lost(user, epid, from),
            Mail::Noted { ask } => self.respond_held(ask),
            Mail::Superseded { session } => self.on_superseded(session),
            Mail::Release { from, user, epid, rooms } => self.on_release(from, user, epid, rooms),
        }
    }

    /// Work that was put off, then what is due.
    fn on_timeout(&mut self) {
        self.continue_review();
        self.run_queued_feed();
        while let Some(due) = self.timers.pop(self.now.instant) {
            match due {
                Due::Link(link) => self.check_link(link),
                Due::Session(session) => self.check_session(session),
                Due::Notices(link) => self.release_notices(link),
                Due::Room(room) => self.on_room_due(room),
                Due::Posts => self.check_posts(),
                Due::Drain => {}
            }
        }
    }

    /// No new dialogs from now on; what is under way may finish.
    fn on_drain(&mut self) {
        if self.draining_until.is_none() {
            let until = self.now.instant.plus_ms(self.setup.limits.drain_ms);
            self.draining_until = Some(until);
            self.timers.at(until, Due::Drain);
        }
    }

    /// Closes each link when nothing is under way on it any more, or all when time is up.
    fn continue_drain(&mut self) {
        let is_time_up = self.draining_until.is_some_and(|until| until <= self.now.instant);
        let is_quiet = self.asks.is_empty() && self.uncommitted.is_empty();
        if is_time_up || is_quiet {
            let links: Vec<LinkId> = self.links.keys().collect();
            for link in links {
                if is_time_up || self.links[link].outbox.is_empty() {
                    self.close_link(link, true, Close::Drained);
                }
            }
        }
        if self.links.is_empty() && is_quiet && !self.is_drained {
            self.is_drained = true;
            self.event(Event::Drained);
        }
    }
}
