//! Drives one shard of the core: takes in what its shell hears, carries out what the core wants.
//!
//! The driver knows sockets as descriptors and [`Stream`]s, but no executor: a shell (today
//! `shell::uring`) runs one task per link on [`Driver::poll_link`], one on
//! [`Driver::receive_mail`], and one that calls [`Driver::end_turn`] and [`Driver::on_deadline`].
//!
//! A *turn* is everything that is ready at once: reads, mail, timers. Writing waits for its end. A
//! link that gets ten deliveries in a turn then costs one system call instead of ten, posts of
//! many links become one commit, and each other shard is woken once. This coalescing is worth more
//! than any choice of runtime.

mod close;
mod link;
mod receive;
#[cfg(test)]
mod tests;
mod write;

pub use link::{LinkKey, Stream};

use super::clock::Clock;
use super::edition::{Contents, Edition};
use super::mesh::MeshEnd;
use super::tls::{Received, TlsLink};
use crate::commit::{Endpoints, LogEnd, News, QueryEnd};
use crate::telemetry::{Publisher, Reporter};
use link::{Link, Links, Stage};
use parlance_core::{
    Event, Input, Instant, LinkInfo, Mail, Output, Refusal, Shard, ShardId, Transport,
};
use rustls::ServerConfig;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

/// Size of the one buffer that all links of a shard are read into, bytes.
const READ_BUFFER_BYTES: usize = 64 * 1024;
/// Full reads of one link before other tasks get their turn.
const READS_PER_POLL: usize = 2;
/// Letters taken in before other tasks get their turn.
const LETTERS_PER_POLL: usize = 512;
/// A TLS handshake must be complete within this time, milliseconds. Whoever waits for others' then
/// gets as much again.
const HANDSHAKE_MS: u64 = 5_000;
/// Handshakes at once. Beyond it accepting waits, so that those who come back at once stand in the
/// kernel's queue instead of being sent away. Few enough that even with RSA certificates, a
/// millisecond each, all are through long before [`HANDSHAKE_MS`] is over.
const HANDSHAKES_MAX: usize = 1_024;
/// Steps of handshakes in one turn; further links wait for the next, so that fan-out goes on beside
/// a storm of them. A step is at most one signature: 0.2 ms with ECDSA, 1 ms with RSA.
const HANDSHAKE_STEPS_PER_TURN: usize = 8;
/// Writing what is left on a closed link, and waiting for the peer's end, may take this long
/// together, milliseconds.
const CLOSING_MS: u64 = 1_000;
/// Rounds of writing in one turn (what is written makes room for more); what is left then has its
/// next turn after other tasks.
const ROUNDS_PER_TURN: usize = 4;

/// What a driver is made of, besides its shard.
pub struct Parts {
    /// Time, the same for all shards.
    pub clock: Clock,
    /// Mail to and from the others.
    pub mesh: MeshEnd<Mail>,
    /// Records to the log, and word of them.
    pub log: LogEnd,
    /// Questions to the database, and its answers.
    pub queries: QueryEnd,
    /// The newest directory.
    pub edition: Edition,
    /// What the next run of the server should know.
    pub endpoints: Arc<Endpoints>,
    /// For links that speak TLS.
    pub tls: Arc<ServerConfig>,
    /// Where the shard's numbers go.
    pub publisher: Publisher,
    /// Where its events go.
    pub reporter: Reporter,
}

/// What the driver itself counts, beside the core's counters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ShellCounters {
    /// Connections accepted.
    pub accepted: u64,
    /// Connections refused: too many links, too many handshakes, or draining.
    pub refused: u64,
    /// TLS handshakes with a signature.
    pub handshakes_full: u64,
    /// TLS handshakes that resumed an earlier session, without one.
    pub handshakes_resumed: u64,
    /// TLS handshakes that failed or took too long.
    pub handshakes_failed: u64,
    /// Gathering writes.
    pub writes: u64,
    /// Writes that the socket did not take whole.
    pub writes_blocked: u64,
    /// Turns.
    pub turns: u64,
}

/// One shard with everything around it.
pub struct Driver<S> {
    shard: Shard,
    parts: Parts,
    links: Links<S>,
    handshaking: usize,
    /// Steps of handshakes since the last turn ended.
    handshake_steps: usize,
    read_buffer: Box<[u8]>,
    /// Plain bytes of the TLS link that is being read.
    plain: Vec<u8>,
    writer: write::Scratch,
    is_turn_due: bool,
    turn_waker: Option<Waker>,
    is_draining: bool,
    drain_wakers: Vec<Waker>,
    counters: ShellCounters,
}

impl<S: Stream> Driver<S> {
    /// A driver without links.
    pub fn new(shard: Shard, parts: Parts) -> Driver<S> {
        Driver {
            shard,
            parts,
            links: Links::default(),
            handshaking: 0,
            handshake_steps: 0,
            read_buffer: vec![0; READ_BUFFER_BYTES].into_boxed_slice(),
            plain: Vec::new(),
            writer: write::Scratch::default(),
            is_turn_due: true,
            turn_waker: None,
            is_draining: false,
            drain_wakers: Vec::new(),
            counters: ShellCounters::default(),
        }
    }

    /// Takes in a new connection. The caller runs [`Driver::poll_link`] for the key it gets.
    ///
    /// # Errors
    /// Why it is refused; the stream is closed then.
    pub fn accepted(&mut self, stream: S, info: LinkInfo) -> Result<LinkKey, Refusal> {
        self.counters.accepted += 1;
        let admitted = match info.transport {
            Transport::Tcp => self.admit_plain(stream, info),
            Transport::Tls => self.admit_tls(stream, info),
        };
        if admitted.is_err() {
            self.counters.refused += 1;
        }
        admitted
    }

    fn admit_plain(&mut self, stream: S, info: LinkInfo) -> Result<LinkKey, Refusal> {
        let id = self.shard.link_up(self.parts.clock.now(), info.clone())?;
        let key = self.links.insert(new_link(stream, None, info, Stage::Up(id)));
        self.collect();
        Ok(key)
    }

    /// False while there are so many handshakes that a new TLS connection had better wait to be
    /// accepted.
    pub fn takes_handshakes(&self) -> bool {
        // While draining they are taken, and refused.
        self.handshaking < HANDSHAKES_MAX || self.is_draining
    }

    fn admit_tls(&mut self, stream: S, info: LinkInfo) -> Result<LinkKey, Refusal> {
        if self.handshaking >= HANDSHAKES_MAX || self.is_draining {
            return Err(Refusal::Overload);
        }
        let tls =
            TlsLink::new(self.parts.tls.clone()).expect("the configuration was tried at start");
        let key = self.links.insert(new_link(stream, Some(tls), info, Stage::Handshake));
        self.handshaking += 1;
        let until = self.parts.clock.now().instant.plus_ms(HANDSHAKE_MS);
        self.links.handshakes.push_back((until, key));
        self.schedule_turn();
        Ok(key)
    }

    /// A link is not agreeing on TLS any more: others may wait for that.
    fn end_handshake(&mut self) {
        self.handshaking -= 1;
        self.schedule_turn();
    }

    /// A link's socket, for shells that are told of changes from outside.
    pub fn stream(&mut self, key: LinkKey) -> Option<&mut S> {
        self.links.find(key).map(|link| &mut link.stream)
    }

    /// The work of a link's task: writes when the socket takes bytes again, reads what is there.
    /// Ready when the link is gone.
    pub fn poll_link(&mut self, key: LinkKey, cx: &mut Context<'_>) -> Poll<()> {
        let Some(link) = self.links.find(key) else { return Poll::Ready(()) };
        link.keep_waker(cx.waker());
        if link.is_blocked {
            self.poll_blocked(key, cx);
        }
        if self.must_wait_for_handshake(key) {
            return Poll::Pending;
        }
        for _ in 0..READS_PER_POLL {
            // Mail that does not fit means other shards are behind: what we read now would only
            // make it worse. TCP tells the peers.
            if self.is_congested() {
                self.links.pause(key);
                return Poll::Pending;
            }
            let Some(link) = self.links.find(key) else { return Poll::Ready(()) };
            // A peer that asks and asks but does not read its answers. The link is blocked, so the
            // task is woken when it has read some.
            if let Stage::Up(id) = link.stage
                && link.is_blocked
                && !self.shard.takes_input(id)
            {
                return Poll::Pending;
            }
            match link.stream.poll_read(cx, &mut self.read_buffer) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(count @ 1..)) => self.received(key, count),
                Poll::Ready(Err(e)) if e.kind() == std::io::ErrorKind::Interrupted => (),
                Poll::Ready(Ok(0) | Err(_)) => self.lost(key),
            }
        }
        // More may be there, but it is the others' turn.
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Puts a link off that is about to agree on TLS while others have done so much of it in this
    /// turn that the rest of the shard's work must come first.
    fn must_wait_for_handshake(&mut self, key: LinkKey) -> bool {
        if !self.links.find(key).is_some_and(|link| link.stage == Stage::Handshake) {
            return false;
        }
        let is_over = self.handshake_steps >= HANDSHAKE_STEPS_PER_TURN;
        if is_over {
            self.links.put_off_handshake(key);
        }
        // Whoever waits for the end of the turn must not wait in vain.
        if self.links.has_handshakes_put_off() {
            self.schedule_turn();
        }
        is_over
    }

    /// Takes in letters of other shards, word of the log and answers of the database. Returns true
    /// when there may be more: let others have their turn first.
    pub fn receive_mail(&mut self) -> bool {
        let now = self.parts.clock.now();
        let shard = &mut self.shard;
        let more = self.parts.mesh.receive(LETTERS_PER_POLL, |from, mail| {
            let from = ShardId(u16::try_from(from).expect("shards are counted in 16 bits"));
            shard.handle(now, Input::Mail { from, mail });
        });
        self.collect();
        self.hear_administration();
        self.hear_log();
        self.hear_database();
        more
    }

    /// Stops taking links; [`Event::Drained`] is reported when the last one is closed.
    pub fn drain(&mut self) {
        self.is_draining = true;
        self.handle(Input::Drain);
        self.drain_wakers.drain(..).for_each(Waker::wake);
    }

    /// Ready once draining has begun: listeners close then.
    pub fn poll_draining(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.is_draining {
            return Poll::Ready(());
        }
        if !self.drain_wakers.iter().any(|waker| waker.will_wake(cx.waker())) {
            self.drain_wakers.push(cx.waker().clone());
        }
        Poll::Pending
    }

    /// Ready when there is something for [`Driver::end_turn`].
    pub fn poll_turn(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.turn_waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            self.turn_waker = Some(cx.waker().clone());
        }
        if self.is_turn_due { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Hands records and mail over, writes each link that has something to write.
    pub fn end_turn(&mut self) {
        self.counters.turns += 1;
        for _ in 0..ROUNDS_PER_TURN {
            self.collect();
            self.parts.log.flush();
            // Before the writes: the other shards can begin while we are at it.
            self.parts.mesh.flush();
            self.write_dirty();
            self.collect();
            if !self.links.is_dirty() {
                break;
            }
        }
        self.parts.log.flush();
        self.parts.mesh.flush();
        if !self.is_congested() {
            self.links.resume();
        }
        self.handshake_steps = 0;
        self.links.resume_handshakes(HANDSHAKE_STEPS_PER_TURN);
        self.is_turn_due = self.links.is_dirty();
        self.publish();
    }

    /// The moment for [`Driver::on_deadline`]. Work that the core put off is due at once.
    pub fn deadline(&self) -> Option<Instant> {
        let front = |queue: &std::collections::VecDeque<(Instant, LinkKey)>| {
            queue.front().map(|(instant, _)| *instant)
        };
        [
            self.shard.poll_timeout(),
            front(&self.links.handshakes),
            front(&self.links.closings),
            Some(self.parts.publisher.due()),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Microseconds until `deadline`; 0 when it is due.
    pub fn micros_until(&self, deadline: Instant) -> u64 {
        deadline.0.saturating_sub(self.parts.clock.now().instant.0)
    }

    /// Does what is due.
    pub fn on_deadline(&mut self) {
        let now = self.parts.clock.now().instant;
        while let Some((_, key)) = self.links.handshakes.pop_front_if(|(until, _)| *until <= now) {
            let Some(link) = self.links.find(key).filter(|link| link.stage == Stage::Handshake)
            else {
                continue;
            };
            if link.is_put_off {
                self.links.handshakes.push_back((now.plus_ms(HANDSHAKE_MS), key));
                continue;
            }
            self.counters.handshakes_failed += 1;
            self.lost(key);
        }
        while let Some((_, key)) = self.links.closings.pop_front_if(|(until, _)| *until <= now) {
            self.lost(key);
        }
        if self.shard.poll_timeout().is_some_and(|due| due <= now) {
            self.handle(Input::Timeout);
        }
        self.publish();
    }

    /// One input, then whatever follows from it.
    fn handle(&mut self, input: Input<'_>) {
        self.shard.handle(self.parts.clock.now(), input);
        self.collect();
    }

    /// Carries out what the core wants, except writing.
    fn collect(&mut self) {
        while let Some(output) = self.shard.poll_output() {
            match output {
                Output::Write { link } => {
                    if let Some(key) = self.links.key(link) {
                        self.links.mark_dirty(key);
                    }
                }
                Output::Close { link, flush, reason } => self.close(link, flush, reason),
                Output::Mail { to, mail } => self.parts.mesh.post(usize::from(to.0), mail),
                Output::Append { record } => self.parts.log.append(record),
                Output::Ask { key, query } => self.parts.queries.ask(key, query),
                Output::Remember { endpoint } => self.parts.endpoints.remember(endpoint),
                Output::Event(event) => self.report(event),
            }
        }
        self.schedule_turn();
    }

    fn schedule_turn(&mut self) {
        if !std::mem::replace(&mut self.is_turn_due, true)
            && let Some(waker) = &self.turn_waker
        {
            waker.wake_by_ref();
        }
    }

    fn report(&mut self, event: Event) {
        let now = self.parts.clock.now().instant;
        self.parts.reporter.report(now, event);
    }

    /// Others are behind: what links send now must wait.
    fn is_congested(&self) -> bool {
        self.parts.mesh.is_congested() || self.parts.log.is_congested()
    }

    /// Tells the core what administration has put in force.
    fn hear_administration(&mut self) {
        let Contents { directory, revised } = self.parts.edition.take();
        if let Some((directory, touched)) = directory {
            self.handle(Input::Directory { directory, touched: Arc::new(touched) });
        }
        for (room, through) in revised {
            self.handle(Input::Revised { room, through });
        }
    }

    /// Tells the core what the log's thread has to say.
    fn hear_log(&mut self) {
        while let Some(news) = self.parts.log.news() {
            self.handle(match news {
                News::Durable(ticket) => Input::Committed { ticket },
                News::Full(is_full) => Input::LogFull { is_full },
            });
        }
    }

    /// Tells the core what the database has answered.
    fn hear_database(&mut self) {
        while let Some((key, answer)) = self.parts.queries.answer() {
            // Who is told that an act is done finds it done.
            self.hear_administration();
            self.handle(Input::Answered { key, answer });
        }
    }

    fn publish(&mut self) {
        let now = self.parts.clock.now().instant;
        if !self.parts.publisher.is_due(now) {
            return;
        }
        let shell = crate::telemetry::ShellState {
            counters: self.counters,
            connections: self.links.len(),
            handshaking: self.handshaking,
            mail_waiting: self.parts.mesh.waiting(),
            mail_overflowing: self.parts.mesh.overflowing(),
        };
        self.parts.publisher.publish(now, self.shard.counters(), self.shard.gauges(), shell);
    }
}

fn new_link<S>(stream: S, tls: Option<TlsLink>, info: LinkInfo, stage: Stage) -> Link<S> {
    Link {
        stream,
        tls: tls.map(Box::new),
        info,
        stage,
        is_blocked: false,
        is_dirty: false,
        is_paused: false,
        is_put_off: false,
        waker: None,
    }
}
