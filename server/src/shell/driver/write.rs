//! Writing: one gathering system call for everything that waits on a link.

use super::link::{LinkKey, Stage, Stream};
use super::{Driver, Input};
use crate::shell::tls::UNSENT_BYTES_MAX;
use rustix::net::{SendAncillaryBuffer, SendFlags, sendmsg};
use std::io::{self, IoSlice, Write};
use std::os::fd::AsFd;
use std::task::{Context, Poll};

/// Most slices in one write: the kernel's own bound (UIO_MAXIOV).
const SLICES_MAX: usize = 1024;

/// Memory that writing needs, kept from one write to the next.
#[derive(Debug, Default)]
pub struct Scratch {
    slices: Vec<IoSlice<'static>>,
    dirty: Vec<LinkKey>,
    /// What TLS encrypts together; at most [`UNSENT_BYTES_MAX`].
    gathered: Vec<u8>,
}

impl Scratch {
    /// The kept vector, empty, for slices that live as long as the caller likes.
    fn take<'a>(&mut self) -> Vec<IoSlice<'a>> {
        recycle(std::mem::take(&mut self.slices))
    }

    /// Gives it back.
    fn give_back(&mut self, slices: Vec<IoSlice<'_>>) {
        self.slices = recycle(slices);
    }
}

/// An empty vector in the same memory but for another lifetime. Collecting a vector's own iterator
/// reuses its allocation; nothing is ever mapped, as there is nothing in it.
fn recycle<'a>(mut slices: Vec<IoSlice<'_>>) -> Vec<IoSlice<'a>> {
    slices.clear();
    slices.into_iter().map(|_| unreachable!("it was cleared")).collect()
}

/// Sends without waiting, whatever the descriptor's own mode is, and without SIGPIPE.
fn send(socket: &impl AsFd, slices: &[IoSlice<'_>]) -> io::Result<usize> {
    let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
    loop {
        match sendmsg(socket, slices, &mut SendAncillaryBuffer::default(), flags) {
            Err(rustix::io::Errno::INTR) => (),
            outcome => return Ok(outcome?),
        }
    }
}

/// A socket as TLS writes to it: never waits.
pub struct Direct<'a, S>(pub &'a S);

impl<S: AsFd> Write for Direct<'_, S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        send(self.0, &[IoSlice::new(bytes)])
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A socket as TLS writes to it when the task shall be woken once it takes bytes again.
struct Waiting<'a, 'c, S> {
    stream: &'a mut S,
    cx: &'a mut Context<'c>,
}

impl<S: Stream> Write for Waiting<'_, '_, S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.stream.poll_write(self.cx, bytes) {
            Poll::Ready(outcome) => outcome,
            Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<S: Stream> Driver<S> {
    /// Writes each link that has something new, once.
    pub(super) fn write_dirty(&mut self) {
        let mut dirty = std::mem::take(&mut self.writer.dirty);
        self.links.take_dirty(&mut dirty);
        for key in dirty.drain(..) {
            self.write(key);
        }
        self.writer.dirty = dirty;
    }

    fn write(&mut self, key: LinkKey) {
        let Some(link) = self.links.find(key) else { return };
        link.is_dirty = false;
        if link.is_blocked {
            // Its task goes on when the socket takes bytes again.
            return;
        }
        let outcome = match link.tls {
            None => self.write_plain(key),
            Some(_) => self.write_tls(key),
        };
        match outcome {
            Ok(()) => self.after_write(key),
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => {
                self.counters.writes_blocked += 1;
                if let Some(link) = self.links.find(key) {
                    link.is_blocked = true;
                    link.wake();
                }
            }
            Err(_) => self.lost(key),
        }
    }

    /// Writes until nothing waits. `WouldBlock` when the socket took no more.
    fn write_plain(&mut self, key: LinkKey) -> io::Result<()> {
        loop {
            let Some(link) = self.links.find(key) else { return Ok(()) };
            let (Stage::Up(id) | Stage::Flushing(id)) = link.stage else { return Ok(()) };
            let mut slices = self.writer.take();
            slices.extend(self.shard.outgoing(id).take(SLICES_MAX).map(IoSlice::new));
            let all: usize = slices.iter().map(|slice| slice.len()).sum();
            let outcome = if all == 0 { Ok(0) } else { send(&link.stream, &slices) };
            self.writer.give_back(slices);
            if all == 0 {
                return Ok(());
            }
            let written = outcome?;
            self.counters.writes += 1;
            self.handle(Input::Drained { link: id, written });
            if written < all {
                // Trying again would only be told so.
                return Err(io::ErrorKind::WouldBlock.into());
            }
        }
    }

    /// Encrypts and writes until nothing waits. `WouldBlock` when the socket took no more.
    fn write_tls(&mut self, key: LinkKey) -> io::Result<()> {
        loop {
            let Some(link) = self.links.find(key) else { return Ok(()) };
            let tls = link.tls.as_mut().expect("the caller looked");
            while tls.wants_write() {
                self.counters.writes += 1;
                tls.write(&mut Direct(&link.stream))?;
            }
            let (Stage::Up(id) | Stage::Flushing(id)) = link.stage else { return Ok(()) };
            let mut slices = self.writer.take();
            // No more than TLS takes at once: for each record it looks through all of them.
            let mut room = UNSENT_BYTES_MAX;
            let fitting = self.shard.outgoing(id).take(SLICES_MAX).take_while(|slice| {
                let begins_within = room > 0;
                room = room.saturating_sub(slice.len());
                begins_within
            });
            slices.extend(fitting.map(IoSlice::new));
            let outcome = if slices.is_empty() {
                Ok(0)
            } else {
                tls.encrypt(&slices, &mut self.writer.gathered)
            };
            self.writer.give_back(slices);
            match outcome? {
                0 => return Ok(()),
                written => self.handle(Input::Drained { link: id, written }),
            }
        }
    }

    /// Everything is out: a link that was only kept for that is closed.
    fn after_write(&mut self, key: LinkKey) {
        if self.links.find(key).is_some_and(|link| matches!(link.stage, Stage::Flushing(_))) {
            self.linger(key);
        }
    }

    /// A blocked link's task was woken, perhaps because the socket takes bytes again.
    pub(super) fn poll_blocked(&mut self, key: LinkKey, cx: &mut Context<'_>) {
        let Some(link) = self.links.find(key) else { return };
        let outcome = match &mut link.tls {
            Some(tls) => tls.write(&mut Waiting { stream: &mut link.stream, cx }).map(|_| ()),
            None => self.poll_blocked_plain(key, cx),
        };
        match outcome {
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => (),
            Err(_) => self.lost(key),
            Ok(()) => {
                if let Some(link) = self.links.find(key) {
                    // Not blocked: reading goes on as well, with the poll that called this.
                    link.is_blocked = false;
                    self.links.mark_dirty(key);
                    self.schedule_turn();
                }
            }
        }
    }

    /// Writes the first slice: that tells whether the socket takes bytes, and if not, waits for it.
    fn poll_blocked_plain(&mut self, key: LinkKey, cx: &mut Context<'_>) -> io::Result<()> {
        let Some(link) = self.links.find(key) else { return Ok(()) };
        let (Stage::Up(id) | Stage::Flushing(id)) = link.stage else { return Ok(()) };
        let Some(first) = self.shard.outgoing(id).next() else { return Ok(()) };
        match link.stream.poll_write(cx, first) {
            Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
            Poll::Ready(outcome) => {
                let written = outcome?;
                self.handle(Input::Drained { link: id, written });
                Ok(())
            }
        }
    }
}
