//! What the shell knows of one link.

use crate::shell::tls::TlsLink;
use parlance_core::{Instant, LinkId, LinkInfo};
use slotmap::{SecondaryMap, SlotMap, new_key_type};
use std::collections::VecDeque;
use std::io;
use std::os::fd::AsFd;
use std::task::{Context, Poll, Waker};

new_key_type! {
    /// A link within its shell, from accept to close: longer than the core knows it. Never reused.
    pub struct LinkKey;
}

/// A connected socket as a shell waits for it. Gathering writes go to the descriptor directly.
pub trait Stream: AsFd {
    /// Reads what is there; pending (and the waker kept) when nothing is. 0 means the peer's end.
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>>;

    /// Writes what fits; pending (and the waker kept) when nothing does.
    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>>;
}

/// Where a link is in its life. Each step goes downwards only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// TLS is being agreed; the core does not know the link yet.
    Handshake,
    /// The core has it.
    Up(LinkId),
    /// The core closed it: what waits is still written, what comes is thrown away.
    Flushing(LinkId),
    /// All is written and our half is shut. The peer's half is read and thrown away until its end:
    /// closing with unread bytes would reset the connection and could destroy what we wrote last.
    Lingering,
}

/// One link.
#[derive(Debug)]
pub struct Link<S> {
    /// Its socket.
    pub stream: S,
    /// Its TLS, if it has any.
    pub tls: Option<Box<TlsLink>>,
    /// What the core is told of it.
    pub info: LinkInfo,
    /// Where it is.
    pub stage: Stage,
    /// The socket took no more; its task waits until it does.
    pub is_blocked: bool,
    /// It is in the list of links to write at the end of the turn.
    pub is_dirty: bool,
    /// It is in the list of links whose reading is put off.
    pub is_paused: bool,
    /// It waits for other links' handshakes.
    pub is_put_off: bool,
    /// Wakes the link's task.
    pub waker: Option<Waker>,
}

impl<S> Link<S> {
    /// Wakes the link's task to look at the link again.
    pub fn wake(&self) {
        if let Some(waker) = &self.waker {
            waker.wake_by_ref();
        }
    }

    /// Keeps the waker of the link's task.
    pub fn keep_waker(&mut self, waker: &Waker) {
        if !self.waker.as_ref().is_some_and(|kept| kept.will_wake(waker)) {
            self.waker = Some(waker.clone());
        }
    }
}

/// The links of one shard.
#[derive(Debug)]
pub struct Links<S> {
    table: SlotMap<LinkKey, Link<S>>,
    keys: SecondaryMap<LinkId, LinkKey>,
    dirty: Vec<LinkKey>,
    paused: Vec<LinkKey>,
    /// Links whose handshakes wait for the next turn, in order; at most as many as there are
    /// handshakes, beside links that are gone.
    put_off: VecDeque<LinkKey>,
    /// Ends of handshakes, and below of closings. Each wait is equally long for all links, so the
    /// earliest is always in front. May name links that are past it or gone.
    pub handshakes: VecDeque<(Instant, LinkKey)>,
    pub closings: VecDeque<(Instant, LinkKey)>,
}

impl<S> Default for Links<S> {
    fn default() -> Links<S> {
        Links {
            table: SlotMap::with_key(),
            keys: SecondaryMap::new(),
            dirty: Vec::new(),
            paused: Vec::new(),
            put_off: VecDeque::new(),
            handshakes: VecDeque::new(),
            closings: VecDeque::new(),
        }
    }
}

impl<S> Links<S> {
    /// All links, in whatever stage.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Adds a link.
    pub fn insert(&mut self, link: Link<S>) -> LinkKey {
        let id = match link.stage {
            Stage::Up(id) => Some(id),
            _ => None,
        };
        let key = self.table.insert(link);
        if let Some(id) = id {
            self.keys.insert(id, key);
        }
        key
    }

    /// The link, unless it is gone.
    pub fn find(&mut self, key: LinkKey) -> Option<&mut Link<S>> {
        self.table.get_mut(key)
    }

    /// The link that the core calls `id`.
    pub fn key(&self, id: LinkId) -> Option<LinkKey> {
        self.keys.get(id).copied()
    }

    /// Notes that the core knows the link from now on.
    pub fn name(&mut self, key: LinkKey, id: LinkId) {
        self.table[key].stage = Stage::Up(id);
        self.keys.insert(id, key);
    }

    /// Takes the link's name away: the core has forgotten it.
    pub fn unname(&mut self, id: LinkId) {
        self.keys.remove(id);
    }

    /// Takes a link out; its task ends when it looks at it next.
    pub fn remove(&mut self, key: LinkKey) -> Option<Link<S>> {
        let link = self.table.remove(key)?;
        if let Stage::Up(id) | Stage::Flushing(id) = link.stage {
            self.keys.remove(id);
        }
        link.wake();
        Some(link)
    }

    /// Puts the link on the list of those to write at the end of the turn.
    pub fn mark_dirty(&mut self, key: LinkKey) {
        if let Some(link) = self.table.get_mut(key)
            && !std::mem::replace(&mut link.is_dirty, true)
        {
            self.dirty.push(key);
        }
    }

    /// Takes that list into `into`, which must be empty: the two vectors change places, so that
    /// neither is ever allocated anew.
    pub fn take_dirty(&mut self, into: &mut Vec<LinkKey>) {
        debug_assert!(into.is_empty());
        std::mem::swap(&mut self.dirty, into);
    }

    /// True when some link waits to be written.
    pub fn is_dirty(&self) -> bool {
        !self.dirty.is_empty()
    }

    /// Puts off the link's reading until [`Links::resume`].
    pub fn pause(&mut self, key: LinkKey) {
        if let Some(link) = self.table.get_mut(key)
            && !std::mem::replace(&mut link.is_paused, true)
        {
            self.paused.push(key);
        }
    }

    /// Puts off the link's handshake until [`Links::resume_handshakes`] comes to it.
    pub fn put_off_handshake(&mut self, key: LinkKey) {
        if let Some(link) = self.table.get_mut(key)
            && !std::mem::replace(&mut link.is_put_off, true)
        {
            self.put_off.push_back(key);
        }
    }

    /// True when a handshake waits for the next turn.
    pub fn has_handshakes_put_off(&self) -> bool {
        !self.put_off.is_empty()
    }

    /// Lets so many of them go on, in the order in which they were put off.
    pub fn resume_handshakes(&mut self, most: usize) {
        let mut resumed = 0;
        while resumed < most
            && let Some(key) = self.put_off.pop_front()
        {
            // Those that are gone take nobody's place.
            if let Some(link) = self.table.get_mut(key) {
                link.is_put_off = false;
                link.wake();
                resumed += 1;
            }
        }
    }

    /// Lets all links read again.
    pub fn resume(&mut self) {
        for key in self.paused.drain(..) {
            if let Some(link) = self.table.get_mut(key) {
                link.is_paused = false;
                link.wake();
            }
        }
    }
}
