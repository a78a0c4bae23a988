//! One core's broker: inputs in, outputs out, nothing else.

use crate::counters::{Counters, Gauges, Refusal};
use crate::directory::Directory;
use crate::limits::Limits;
use crate::log::Record;
use crate::mail::{Mail, ShardId};
use crate::time::{Instant, Now};
use slotmap::new_key_type;
use std::net::SocketAddr;
use std::sync::Arc;

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
    /// Rooms and domain, shared.
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
    /// The time given by [`Shard::poll_timeout`] has come.
    Timeout,
    /// Stop taking new dialogs, let posts finish, then close the links.
    Drain,
}

/// Something the shell must do.
#[derive(Debug)]
pub enum Output {
    /// The link has bytes to write: write [`Shard::outgoing`] and report [`Input::Drained`], until it
    /// is empty. Said once per change from empty to not empty.
    Write {
        /// Which.
        link: LinkId,
    },
    /// Close the link, after what waits on it is written (best effort, at most a second) if `flush`;
    /// then report [`Input::LinkDown`]. No input for it is accepted in between but `Drained`.
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
        /// Why: `info_timeout`, `lag`, `backlog`, `expired`, `no_ack`, `gap`, `superseded`.
        reason: &'static str,
    },
    /// All links are closed after [`Input::Drain`].
    Drained,
}

/// The broker of one core.
#[derive(Debug)]
pub struct Shard {
    setup: Setup,
    counters: Counters,
}

impl Shard {
    /// An empty shard.
    pub fn new(setup: Setup, now: Now) -> Shard {
        let _ = now;
        Shard { setup, counters: Counters::default() }
    }

    /// A link came up. Refused when there are too many or the shard is draining.
    pub fn link_up(&mut self, now: Now, info: LinkInfo) -> Result<LinkId, Refusal> {
        let _ = (now, info, &self.setup);
        todo!()
    }

    /// Takes in one event. Never blocks, never fails. Collect [`Shard::poll_output`] afterwards
    /// (after a batch of inputs is better: writes of the batch are then one).
    pub fn handle(&mut self, now: Now, input: Input<'_>) {
        let _ = (now, input);
        todo!()
    }

    /// Next thing to do, in order.
    pub fn poll_output(&mut self) -> Option<Output> {
        todo!()
    }

    /// When [`Input::Timeout`] is due; at or before the last `now` if there is work left over that
    /// was put off so that other inputs get their turn.
    pub fn poll_timeout(&self) -> Option<Instant> {
        todo!()
    }

    /// What waits to be written on a link, oldest first; empty for an unknown link.
    pub fn outgoing(&self, link: LinkId) -> impl Iterator<Item = &[u8]> {
        let _ = link;
        std::iter::empty()
    }

    /// Counters since the start.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// State of this moment.
    pub fn gauges(&self) -> Gauges {
        todo!()
    }
}
