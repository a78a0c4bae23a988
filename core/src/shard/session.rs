//! One endpoint's chat dialog: what it may send, what it is owed, and in which order it gets it.

use super::backlog::{Hold, Waiting};
use super::feed::{FeedKey, Next, Subscriber};
use super::link::Link;
use super::{Close, Due, Event, LinkId, Shard};
use crate::bucket::Bucket;
use crate::limits::Limits;
use crate::mail::{Address, Item, Leave, Mail, SessionKey, User};
use crate::outbox::{Body, Pool};
use crate::time::Instant;
use parlance_wire::sip::answer::ShapeId;
use parlance_wire::sip::transaction::Accepted;
use parlance_wire::sip::{Stamp, Window};
use parlance_wire::xccos::Guid;
use std::collections::VecDeque;
use std::sync::Arc;

/// One room the session is in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seat {
    pub(super) room: Guid,
    pub(super) feed: FeedKey,
    /// Index among the feed's subscribers.
    pub(super) at: u32,
}

/// What to do about rooms an earlier dialog of the endpoint was in (`xccos.md` §1.7).
#[derive(Debug)]
pub(super) enum Restore {
    /// The dialog has shown no intent yet; a look-up dialog never does.
    Undecided(Vec<Guid>),
    /// It joined on its own, or the rooms are restored.
    Decided,
}

/// A dialog as fan-out sees it: what a delivery and its answer touch, close together, for there are
/// tens of thousands of these and each post goes through many.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) link: LinkId,
    pub(super) stamp: Stamp,
    pub(super) window: Window,
    /// When the oldest unanswered INFO became the oldest.
    pub(super) unanswered_since: Instant,
    /// Behind with something since then.
    pub(super) lagging_since: Option<Instant>,
    /// In its link's list of sessions that wait for the link.
    pub(super) waits_for_link: bool,
    /// What the client's answers look like.
    pub(super) answer_shape: ShapeId,
    /// How often they looked different.
    pub(super) shapes_learned: u8,
    /// All the rest.
    pub(super) dialog: Box<Dialog>,
}

// A cache line and a half.
const _: () = assert!(size_of::<Session>() <= 96);

/// What of a session only its own requests touch, and catching up.
#[derive(Debug)]
pub(super) struct Dialog {
    /// Index in the link's list.
    pub(super) link_slot: usize,
    pub(super) user: Arc<User>,
    /// Empty when the client gave none: then nothing is taken over or remembered.
    pub(super) epid: Box<str>,
    pub(super) call_id: Box<str>,
    pub(super) local_tag: Box<str>,
    pub(super) remote_tag: Box<str>,
    pub(super) remote_cseq: u32,
    pub(super) accepted: Accepted,
    pub(super) opened: Instant,
    /// Last request in the dialog: what Session-Expires counts from.
    pub(super) heard: Instant,
    pub(super) expires_s: u32,
    pub(super) requests: Bucket,

    /// Replies in the order of the commands; the first is not out yet.
    pub(super) backlog: VecDeque<Waiting>,
    pub(super) backlog_bytes: usize,
    pub(super) seats: Vec<Seat>,
    /// Where the next round of catching up begins.
    pub(super) seat_turn: usize,
    /// At most one per room and open question.
    pub(super) holds: Vec<Hold>,

    /// Rooms whose owner has not answered a join yet.
    pub(super) joining: Vec<Guid>,
    /// Rooms it leaves and whose owner has not said so yet: a join answered in the meantime was
    /// asked for before, and is over.
    pub(super) parting: Vec<Guid>,
    /// Rooms it was taken out of and whose owner has not said so yet: a join answered in the
    /// meantime was decided before.
    pub(super) expelling: Vec<Guid>,
    /// Open questions that keep no place in `backlog`: posts, and rooms being restored.
    pub(super) asks: usize,
    /// Searches in history that are not answered yet.
    pub(super) searches: usize,
    /// Preferences that are being read or written.
    pub(super) preferences: usize,
    pub(super) restore: Restore,
}

impl Dialog {
    /// Gives back what signing in took: for most of its life a dialog needs none of it.
    fn give_back(&mut self) {
        for rooms in [&mut self.joining, &mut self.parting, &mut self.expelling] {
            rooms.shrink_to_fit();
        }
        self.holds.shrink_to_fit();
        self.seats.shrink_to_fit();
        self.backlog.shrink_to_fit();
    }
}

impl Session {
    /// Notes the final answer to one of our INFOs; false when none waits for it.
    pub(super) fn note_answer(&mut self, cseq: u32, now: Instant) -> bool {
        let oldest = self.window.oldest();
        let is_awaited = self.window.answer(cseq);
        if is_awaited && self.window.oldest() != oldest {
            self.unanswered_since = now;
        }
        is_awaited
    }

    pub(super) fn seat(&self, room: Guid) -> Option<Seat> {
        self.dialog.seats.iter().find(|seat| seat.room == room).copied()
    }
}

/// How a session ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The client said BYE.
    Bye,
    /// Its link is gone.
    LinkLost,
    /// The server gives it up, silently: the next request runs into 481 (a BYE would leave the SIPE
    /// client dead, `xccos.md` §1.7).
    Dropped(&'static str),
}

/// Room in the dialog's window and in the link's budget for one more INFO?
fn has_room(session: &Session, link: &Link, limits: &Limits) -> bool {
    session.window.span() < limits.window && link.outbox.len() < limits.link_outbox_bytes_max
}

/// The number of one more INFO.
fn number_next(session: &mut Session, now: Instant) -> u32 {
    if session.window.oldest().is_none() {
        session.unanswered_since = now;
    }
    session.window.send()
}

/// Puts one INFO into the link's outbox.
fn push(session: &mut Session, link: &mut Link, pool: &mut Pool, now: Instant, body: &Body) {
    let (cseq, stamp) = (number_next(session, now), &session.stamp);
    link.outbox.push(pool, body, |out| stamp.write(out, cseq));
}

/// Has the session's INFO of notices that is still open on the link say these, too: then true. Else
/// begins one. The shell was not told of the link: what it may write at any time nobody joins.
fn push_notice(
    key: SessionKey,
    session: &mut Session,
    link: &mut Link,
    pool: &mut Pool,
    now: Instant,
    body: &Body,
) -> bool {
    if link.open_of == key && link.outbox.join(body) {
        return true;
    }
    link.open_of = key;
    let (cseq, stamp) = (number_next(session, now), &session.stamp);
    link.outbox.push_open(pool, body, |out| stamp.write(out, cseq));
    false
}

impl Shard {
    pub(super) fn address(&self, session: SessionKey) -> Address {
        Address { shard: self.setup.id, session }
    }

    /// Room in the dialog's window and in the link's budget for one more INFO?
    pub(super) fn can_send(&self, session: &Session) -> bool {
        has_room(session, &self.links[session.link], &self.setup.limits)
    }

    /// Stamps one INFO. The caller has asked `can_send`.
    pub(super) fn send(&mut self, key: SessionKey, body: &Body) {
        let session = &mut self.sessions[key];
        let link = &mut self.links[session.link];
        push(session, link, &mut self.pool, self.now.instant, body);
        let link = session.link;
        self.announce_write(link);
    }

    pub(super) fn send_item(&mut self, key: SessionKey, item: &Item) {
        self.counters.note_item(item);
        self.send(key, item.body());
    }

    /// Offers everything new in a feed to one subscriber. False when it stays behind.
    ///
    /// Nearly all that a broker does is done here, so each thing is looked up once.
    pub(super) fn offer(&mut self, feed: FeedKey, at: usize) -> bool {
        let feed = &mut self.feeds.table[feed];
        let Subscriber { session: key, hold, mut next, .. } = feed.subscribers[at];
        let session = &mut self.sessions[key];
        let link = &mut self.links[session.link];
        let is_behind = session.lagging_since.is_some();
        let (mut is_current, mut is_stopped) = (false, false);
        let (mut has_notice, mut has_post) = (false, false);
        loop {
            let item = match feed.at(next) {
                Next::Item(item) => item,
                Next::UpToDate => {
                    is_current = true;
                    break;
                }
                Next::Gap => {
                    // It finds its gap when it catches up.
                    assert!(is_behind || next >= hold, "others miss nothing");
                    break;
                }
            };
            if next >= hold || is_behind {
                break;
            }
            if !has_room(session, link, &self.setup.limits) {
                is_stopped = true;
                break;
            }
            self.counters.note_item(item);
            let (body, pool, now) = (item.body(), &mut self.pool, self.now.instant);
            let may_join = match item {
                Item::Post { .. } => {
                    has_post = true;
                    false
                }
                Item::Notice { .. } => {
                    has_notice = true;
                    !link.is_announced()
                }
            };
            if may_join {
                let is_joined = push_notice(key, session, link, pool, now, body);
                self.counters.notices_joined += u64::from(is_joined);
            } else {
                push(session, link, pool, now, body);
            }
            next += 1;
        }
        feed.subscribers[at].next = next;
        if has_post {
            if has_notice {
                link.outbox.close(&mut self.pool);
            }
            link.announce(session.link, self.now.instant, &mut self.outputs);
        } else if has_notice {
            let link = session.link;
            self.announce_notice(link);
        }
        if is_stopped {
            self.note_lagging(key);
            self.wait_for_link(key);
        }
        is_current
    }

    pub(super) fn note_lagging(&mut self, key: SessionKey) {
        let session = &mut self.sessions[key];
        if session.lagging_since.is_none() {
            session.lagging_since = Some(self.now.instant);
            self.lagging += 1;
            self.counters.lags += 1;
        }
        // Nobody shall be behind because of notices that we hold back ourselves.
        let link = session.link;
        self.release_notices(link);
    }

    /// If it is the link that is full, the session asks to be pumped when the link has drained; if
    /// it is the window, the next answer does it.
    pub(super) fn wait_for_link(&mut self, key: SessionKey) {
        let session = &mut self.sessions[key];
        if session.window.span() < self.setup.limits.window && !session.waits_for_link {
            session.waits_for_link = true;
            self.links[session.link].waiting.push(key);
        }
    }

    /// Puts the session into a room's feed. Its items flow from now on.
    pub(super) fn seat_session(&mut self, key: SessionKey, room: Guid) {
        let feed = self.feeds.open(room);
        let session = &mut self.sessions[key];
        let seat = session.dialog.seats.len() as u32;
        let at = self.feeds.table[feed].subscribe(key, seat);
        session.dialog.seats.push(Seat { room, feed, at });
        self.subscriptions += 1;
    }

    /// Takes the session out of a room's feed, if it is in it.
    pub(super) fn unseat_session(&mut self, key: SessionKey, room: Guid) {
        let session = &mut self.sessions[key];
        let Some(index) = session.dialog.seats.iter().position(|seat| seat.room == room) else {
            return;
        };
        let seat = session.dialog.seats.swap_remove(index);
        session.forget_positions(room);
        if let Some(moved) = session.dialog.seats.get(index) {
            self.feeds.table[moved.feed].subscribers[moved.at as usize].seat = index as u32;
        }
        self.subscriptions -= 1;
        let sessions = &mut self.sessions;
        let feed = &mut self.feeds.table[seat.feed];
        feed.unsubscribe(seat.at, |moved, at| {
            sessions[moved.session].dialog.seats[moved.seat as usize].at = at;
        });
        if feed.subscribers.is_empty() {
            self.feeds.close(seat.feed);
        }
    }

    /// Ends a session and tells everybody who must know.
    pub(super) fn end_session(&mut self, key: SessionKey, end: End) {
        if !self.sessions.contains_key(key) {
            return;
        }
        self.note_caught_up(key);
        let rooms: Vec<Guid> =
            self.sessions[key].dialog.seats.iter().map(|seat| seat.room).collect();
        for room in &rooms {
            self.unseat_session(key, *room);
        }
        let session = self.sessions.remove(key).expect("present above");
        self.forget_on_link(&session);
        self.counters.dialogs_ended += 1;
        if let End::Dropped(reason) = end {
            self.counters.dialogs_dropped += 1;
            if let Some(link) = self.links.get(session.link) {
                let peer = link.info.peer;
                self.event(Event::SessionDropped { peer, reason });
            }
        }
        let leave = if end == End::Bye { Leave::Now } else { Leave::Grace };
        for room in &rooms {
            self.mail_part(key, session.dialog.user.clone(), *room, None, leave);
        }
        self.release_endpoint(key, session, end, rooms);
    }

    fn forget_on_link(&mut self, session: &Session) {
        let Some(link) = self.links.get_mut(session.link) else { return };
        link.sessions.swap_remove(session.dialog.link_slot);
        if let Some(moved) = link.sessions.get(session.dialog.link_slot) {
            self.sessions[*moved].dialog.link_slot = session.dialog.link_slot;
        }
        link.quiet_since = self.now.instant;
    }

    /// Tells the registrar which rooms the endpoint is in.
    pub(super) fn note_seats(&mut self, key: SessionKey) {
        let Some(session) = self.sessions.get(key).filter(|s| !s.dialog.epid.is_empty()) else {
            return;
        };
        let rooms = session.dialog.seats.iter().map(|seat| seat.room).collect();
        let (user, epid) = (session.dialog.user.clone(), session.dialog.epid.clone());
        let (from, to) = (self.address(key), self.registrar(&user));
        self.mail(to, Mail::Seats { from, user, epid, rooms });
    }

    /// Tells the registrar that the endpoint has no dialog any more. Its rooms are remembered
    /// unless the user left them knowingly; a dialog that never showed an intent changes nothing.
    fn release_endpoint(&mut self, key: SessionKey, session: Session, end: End, rooms: Vec<Guid>) {
        if session.dialog.epid.is_empty() {
            return;
        }
        let rooms = match (&session.dialog.restore, end) {
            (Restore::Undecided(_), _) => None,
            (Restore::Decided, End::Bye) => Some(Vec::new()),
            (Restore::Decided, _) => Some(rooms),
        };
        let from = self.address(key);
        let to = self.registrar(&session.dialog.user);
        self.mail(
            to,
            Mail::Release { from, user: session.dialog.user, epid: session.dialog.epid, rooms },
        );
    }

    /// Notes the final answer to one of our INFOs.
    pub(super) fn answered(&mut self, key: SessionKey, cseq: u32, status: u16) -> bool {
        let session = &mut self.sessions[key];
        if !session.note_answer(cseq, self.now.instant) {
            return false;
        }
        match status {
            // The client no longer knows the dialog (`xccos.md` §1.5): so do we.
            481 | 487 => self.end_session(key, End::Dropped("client_forgot")),
            408 => self.end_session(key, End::Dropped("info_timeout")),
            // Most sessions are not behind with anything.
            _ if session.lagging_since.is_none() => {}
            _ => self.pump(key),
        }
        true
    }

    /// Looks at a session's deadlines and says when to look again.
    pub(super) fn check_session(&mut self, key: SessionKey) {
        let Some(session) = self.sessions.get(key) else { return };
        if session.window.is_exhausted() {
            return self.end_session(key, End::Dropped("cseq_exhausted"));
        }
        let limits = &self.setup.limits;
        let mut deadlines = [None; 4];
        if let Accepted::AwaitingAck { .. } = session.dialog.accepted {
            deadlines[0] = Some((session.dialog.opened.plus_ms(limits.ack_timeout_ms), "no_ack"));
        }
        if session.window.oldest().is_some() {
            let when = session.unanswered_since.plus_ms(limits.info_timeout_ms);
            deadlines[1] = Some((when, "info_timeout"));
        }
        if let Some(since) = session.lagging_since.filter(|_| !session.waits_for_answer()) {
            deadlines[2] = Some((since.plus_ms(limits.lag_ms_max), "lag"));
        }
        let expires_ms =
            u64::from(session.dialog.expires_s) * 1000 + limits.session_expires_grace_ms;
        deadlines[3] = Some((session.dialog.heard.plus_ms(expires_ms), "expired"));

        let (when, reason) =
            deadlines.into_iter().flatten().min().expect("the session timer always runs");
        if when <= self.now.instant {
            self.end_session(key, End::Dropped(reason));
            return;
        }
        // A deadline that begins after this look cannot fall due before the next one.
        let soon = limits.info_timeout_ms.min(limits.lag_ms_max);
        self.timers.at(when.min(self.now.instant.plus_ms(soon)), Due::Session(key));
        self.sessions[key].dialog.give_back();
    }

    /// Ends all sessions of a link and asks the shell to close it.
    pub(super) fn close_link(&mut self, link: LinkId, flush: bool, reason: Close) {
        self.end_sessions_of(link);
        if let Some(entry) = self.links.get_mut(link)
            && !entry.is_closing
        {
            entry.outbox.close(&mut self.pool);
            entry.is_closing = true;
            self.outputs.push_back(super::Output::Close { link, flush, reason });
        }
    }

    pub(super) fn end_sessions_of(&mut self, link: LinkId) {
        while let Some(key) = self.links.get(link).and_then(|l| l.sessions.last().copied()) {
            self.end_session(key, End::LinkLost);
        }
    }
}
