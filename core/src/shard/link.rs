//! One transport connection: bytes in, messages out of them, what waits to be written, deadlines.

use super::feed::LINK_COST;
use super::{Close, Due, LinkId, LinkInfo, Output, Shard, Transport};
use crate::bucket::Bucket;
use crate::counters::Refusal;
use crate::mail::SessionKey;
use crate::outbox::Outbox;
use crate::time::Instant;
use parlance_wire::sip::answer::Front;
use parlance_wire::sip::{Echo, Frame, Framer, Message, StartLine};
use slotmap::KeyData;
use std::collections::VecDeque;

/// How often a session's answers may look different before they are always read the long way.
const SESSION_SHAPES_MAX: u8 = 4;

/// What the shell knows of a link's outbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Writing {
    /// Nothing waits.
    Nothing,
    /// Only notices wait, and they for company: it was not told.
    Held,
    /// It was told, and writes.
    Announced,
}

#[derive(Debug)]
pub(super) struct Link {
    pub(super) info: LinkInfo,
    /// Our end as it stands in Via and Contact.
    pub(super) sent_by: Box<str>,
    /// How the answers to our requests begin.
    pub(super) answer_front: Front,
    pub(super) outbox: Outbox,
    /// Whose the INFO is that is open in the outbox.
    pub(super) open_of: SessionKey,
    writing: Writing,
    /// Last time that the outbox was empty or became shorter.
    progress_at: Instant,
    pub(super) sessions: Vec<SessionKey>,
    /// Sessions that lag because of this link.
    pub(super) waiting: Vec<SessionKey>,
    framer: Framer,
    /// Bytes of a message that is not complete yet.
    partial: Vec<u8>,
    partial_since: Instant,
    had_message: bool,
    /// No dialog since.
    pub(super) quiet_since: Instant,
    /// A registration runs until then.
    pub(super) registered_until: Instant,
    /// Requests outside of dialogs.
    pub(super) requests: Bucket,
    pub(super) is_closing: bool,
    /// Kinds of refusal the operator was told of, one bit each.
    told: u32,
}

impl Link {
    pub(super) fn new(info: LinkInfo, now: Instant) -> Link {
        let sent_by: Box<str> = info.local.to_string().into();
        Link {
            answer_front: Front::new(via_transport(info.transport), &sent_by),
            sent_by,
            info,
            outbox: Outbox::default(),
            open_of: SessionKey::default(),
            writing: Writing::Nothing,
            progress_at: now,
            sessions: Vec::new(),
            waiting: Vec::new(),
            framer: Framer::default(),
            partial: Vec::new(),
            partial_since: now,
            had_message: false,
            quiet_since: now,
            registered_until: now,
            requests: Bucket::default(),
            is_closing: false,
            told: 0,
        }
    }

    /// True the first time it is asked for a kind of refusal.
    fn tell_once(&mut self, kind: usize) -> bool {
        let bit = 1 << kind;
        let is_first = self.told & bit == 0;
        self.told |= bit;
        is_first
    }

    /// See [`Shard::announce_write`]. True when the shell was not told before.
    pub(super) fn announce(
        &mut self,
        id: LinkId,
        now: Instant,
        outputs: &mut VecDeque<Output>,
    ) -> bool {
        debug_assert!(!self.outbox.has_open(), "what may be written must be whole");
        let is_new = !self.is_announced();
        if is_new {
            self.writing = Writing::Announced;
            self.progress_at = now;
            outputs.push_back(Output::Write { link: id });
        }
        is_new
    }

    /// Was the shell told that there is something to write? Then it may do so at any time.
    pub(super) fn is_announced(&self) -> bool {
        self.writing == Writing::Announced
    }

    /// The transport as it stands in a Via.
    pub(super) fn transport(&self) -> &'static str {
        via_transport(self.info.transport)
    }
}

fn via_transport(transport: Transport) -> &'static str {
    match transport {
        Transport::Tcp => "TCP",
        Transport::Tls => "TLS",
    }
}

impl Shard {
    /// Takes in bytes. They are read where they lie; only the rest of a message that is not
    /// complete is kept.
    pub(super) fn on_bytes(&mut self, id: LinkId, bytes: &[u8]) {
        let Some(link) = self.links.get(id).filter(|l| !l.is_closing) else { return };
        self.counters.bytes_in += bytes.len() as u64;
        // Most often it is answers, whole ones, and nothing else.
        let used = if link.partial.is_empty() { self.read_answers(id, bytes) } else { 0 };
        if used < bytes.len() {
            self.on_stream(id, &bytes[used..]);
        }
    }

    /// Takes in bytes that may be anything.
    fn on_stream(&mut self, id: LinkId, bytes: &[u8]) {
        self.feeds.done_besides += LINK_COST;
        let link = &mut self.links[id];
        let mut partial = std::mem::take(&mut link.partial);
        let mut framer = std::mem::take(&mut link.framer);
        let is_continued = !partial.is_empty();
        if is_continued {
            partial.extend_from_slice(bytes);
        }
        let buffer = if is_continued { &partial[..] } else { bytes };
        let used = self.read_messages(id, &mut framer, buffer);
        let Some(link) = self.links.get_mut(id).filter(|l| !l.is_closing) else { return };
        if used > 0 || !is_continued {
            link.partial_since = self.now.instant;
        }
        if is_continued {
            partial.drain(..used);
        } else {
            partial.extend_from_slice(&bytes[used..]);
        }
        // A link that is between messages, as most are most of the time, keeps no buffer.
        link.partial = if partial.is_empty() { Vec::new() } else { partial };
        link.framer = framer;
    }

    /// Handles every whole message at the front of `buffer`, which does not begin with an answer
    /// that the short way knows; returns the bytes used up.
    fn read_messages(&mut self, id: LinkId, framer: &mut Framer, buffer: &[u8]) -> usize {
        let mut at = 0;
        while self.links.get(id).is_some_and(|link| !link.is_closing) {
            match framer.next(&buffer[at..]) {
                Ok(None) => break,
                Ok(Some(Frame::KeepAlive { len })) => at += len,
                Ok(Some(Frame::Message { head_len, len })) => {
                    self.on_message(id, &buffer[at..at + len], head_len);
                    at += len;
                }
                Err(error) => {
                    self.answer_unreadable(id, &buffer[at..]);
                    self.refuse(id, Refusal::Frame(error));
                    self.close_link(id, true, Close::Refused(Refusal::Frame(error)));
                }
            }
            at += self.read_answers(id, &buffer[at..]);
        }
        at
    }

    /// Handles the answers at the front of `buffer`, as far as they are recognised; returns the
    /// bytes used up. None of them closes the link.
    fn read_answers(&mut self, id: LinkId, buffer: &[u8]) -> usize {
        let mut at = 0;
        while at < buffer.len()
            && let Some(len) = self.read_answer(id, &buffer[at..])
        {
            at += len;
        }
        at
    }

    /// The 200 to an INFO, the message that comes most often, is taken the short way.
    fn read_answer(&mut self, id: LinkId, buffer: &[u8]) -> Option<usize> {
        let begun = self.links[id].answer_front.begin(buffer)?;
        let key = SessionKey::from(KeyData::from_ffi(begun.key));
        let session = self.sessions.get_mut(key).filter(|session| session.link == id)?;
        let lengths = session.stamp.echo_lengths();
        let len = self.answers.finish(&begun, session.answer_shape, lengths)?;
        self.counters.responses += 1;
        if !session.note_answer(begun.cseq, self.now.instant) {
            self.refuse(id, Refusal::StrayResponse);
        } else if session.lagging_since.is_some() {
            self.pump(key);
        }
        Some(len)
    }

    /// Whatever like this comes next on the dialog is recognised. Not for ever: a client whose
    /// answers always differ would put out the shapes of all others.
    fn learn_answer(&mut self, id: LinkId, bytes: &[u8], key: u64, cseq: u32) {
        let dialog = SessionKey::from(KeyData::from_ffi(key));
        let session = self.sessions.get_mut(dialog);
        let Some(session) = session.filter(|s| s.shapes_learned < SESSION_SHAPES_MAX) else {
            return;
        };
        session.shapes_learned += 1;
        let front = &self.links[id].answer_front;
        if let Some(shape) = self.answers.learn(bytes, front, (key, cseq)) {
            session.answer_shape = shape;
        }
    }

    fn on_message(&mut self, id: LinkId, bytes: &[u8], head_len: usize) {
        let link = self.links.get_mut(id).expect("the caller looked it up");
        link.had_message = true;
        match Message::parse(bytes, head_len) {
            Err(error) => {
                // The framing is intact, so the others on the link must not pay for it.
                self.answer_unreadable(id, bytes);
                self.refuse(id, Refusal::Message(error));
            }
            Ok(message) => match message.start() {
                StartLine::Request { method, uri } => {
                    self.counters.requests += 1;
                    self.on_request(id, &message, method, uri);
                }
                StartLine::Response { status, .. } => {
                    self.counters.responses += 1;
                    let answered = self.on_response(id, &message, status);
                    if let Some((key, cseq)) = answered
                        && status == 200
                        && head_len == bytes.len()
                    {
                        self.learn_answer(id, bytes, key, cseq);
                    }
                }
            },
        }
    }

    /// 400 to a message we cannot read, if enough of it can be made out.
    fn answer_unreadable(&mut self, id: LinkId, bytes: &[u8]) {
        let tag = self.fresh_tag();
        if let Some(echo) = Echo::salvage(bytes, &tag) {
            self.write(id, |out| echo.respond(out, 400).empty());
        }
    }

    /// Appends to a link's outbox.
    pub(super) fn write(&mut self, id: LinkId, render: impl FnOnce(&mut Vec<u8>)) {
        if let Some(link) = self.links.get_mut(id).filter(|l| !l.is_closing) {
            link.outbox.push_head(&mut self.pool, render);
            self.announce_write(id);
        }
    }

    /// Tells the shell once that a link has something to write.
    pub(super) fn announce_write(&mut self, id: LinkId) {
        if self.links[id].announce(id, self.now.instant, &mut self.outputs) {
            self.feeds.done_besides += LINK_COST;
        }
    }

    /// The same when nothing but notices was added. Nobody is in a hurry for them, and when many
    /// people come at once there are more of them than of all else: each costs less in company.
    pub(super) fn announce_notice(&mut self, id: LinkId) {
        if self.links[id].writing != Writing::Nothing {
            return;
        }
        let (now, limits) = (self.now.instant, &self.setup.limits);
        let rate = limits.notice_writes_per_second;
        if limits.notice_hold_ms == 0 || self.notice_writes.take(now, rate, rate) {
            let link = &mut self.links[id];
            link.outbox.close(&mut self.pool);
            // The pass that offers the notice counts its links itself.
            link.announce(id, now, &mut self.outputs);
            return;
        }
        self.links[id].writing = Writing::Held;
        self.timers.at(now.plus_ms(limits.notice_hold_ms), Due::Notices(id));
    }

    /// A link's notices must not wait any longer, unless they went in company already.
    pub(super) fn release_notices(&mut self, id: LinkId) {
        if let Some(link) = self.links.get_mut(id).filter(|link| link.writing == Writing::Held) {
            link.outbox.close(&mut self.pool);
            self.announce_write(id);
        }
    }

    pub(super) fn on_drained(&mut self, id: LinkId, written: usize) {
        let Some(link) = self.links.get_mut(id) else { return };
        link.outbox.consume(&mut self.pool, written);
        link.progress_at = self.now.instant;
        link.writing = match link.outbox.is_empty() {
            true => Writing::Nothing,
            false => Writing::Announced,
        };
        self.counters.bytes_out += written as u64;
        if !link.waiting.is_empty()
            && link.outbox.len() <= self.setup.limits.link_outbox_bytes_max / 2
        {
            for key in std::mem::take(&mut link.waiting) {
                if let Some(session) = self.sessions.get_mut(key) {
                    session.waits_for_link = false;
                    self.pump(key);
                }
            }
        }
    }

    pub(super) fn on_link_down(&mut self, id: LinkId) {
        self.end_sessions_of(id);
        self.links.remove(id);
    }

    /// Counts a peer's fault and tells the operator of the first of its kind on the link.
    pub(super) fn refuse(&mut self, id: LinkId, refusal: Refusal) {
        self.counters.refused[refusal.kind()] += 1;
        let Some(link) = self.links.get_mut(id) else { return };
        if link.tell_once(refusal.kind()) {
            let peer = link.info.peer;
            self.event(super::Event::Refused { peer, refusal });
        }
    }

    /// Looks at a link's deadlines and says when to look again.
    pub(super) fn check_link(&mut self, id: LinkId) {
        let Some(link) = self.links.get(id).filter(|l| !l.is_closing) else { return };
        let limits = &self.setup.limits;
        let mut deadlines = [None; 3];
        if link.is_announced() {
            deadlines[0] = Some((link.progress_at.plus_ms(limits.link_stall_ms), Close::Stalled));
        }
        if !link.partial.is_empty() {
            let when = link.partial_since.plus_ms(limits.link_message_ms);
            deadlines[1] = Some((when, Close::TooSlow));
        }
        if link.sessions.is_empty() {
            let patience =
                if link.had_message { limits.link_idle_ms } else { limits.link_first_message_ms };
            let when = link.quiet_since.plus_ms(patience).max(link.registered_until);
            deadlines[2] = Some((when, Close::TooSlow));
        }
        let earliest = deadlines.into_iter().flatten().min_by_key(|(when, _)| *when);
        if let Some((when, reason)) = earliest
            && when <= self.now.instant
        {
            if reason == Close::TooSlow {
                self.refuse(id, Refusal::TooSlow);
            }
            self.close_link(id, false, reason);
            return;
        }
        // A deadline that begins after this look cannot fall due before the next one.
        let soon = limits
            .link_stall_ms
            .min(limits.link_message_ms)
            .min(limits.link_first_message_ms)
            .min(limits.link_idle_ms);
        let next = self.now.instant.plus_ms(soon);
        let next = earliest.map_or(next, |(when, _)| when.min(next));
        self.timers.at(next, Due::Link(id));
    }
}
