//! Sockets that never wait, told of news by epoll: what both the clients and the bare limit read
//! and write with.

use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendAncillaryBuffer, SendFlags, recv, sendmsg};
use std::io::{self, IoSlice};
use std::net::TcpStream;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

/// Events taken from the kernel at once.
const EVENTS_MAX: usize = 1024;

/// Something that epoll tells.
#[derive(Debug, Clone, Copy)]
pub struct News {
    /// What was registered.
    pub token: usize,
    /// There is something to read, or an end.
    pub readable: bool,
    /// Bytes can be written again.
    pub writable: bool,
}

/// The descriptors that are waited for.
pub struct Poll {
    epoll: OwnedFd,
    events: Vec<epoll::Event>,
}

impl Poll {
    /// Of nothing yet.
    pub fn new() -> io::Result<Poll> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        Ok(Poll { epoll, events: Vec::with_capacity(EVENTS_MAX) })
    }

    /// Tells of changes from now on: something came, or bytes can be written again. What is left
    /// unread is not told again: the kernel would have to look at it again each time.
    pub fn add(&self, source: &impl AsFd, token: usize) -> io::Result<()> {
        let data = epoll::EventData::new_u64(token as u64);
        let flags = epoll::EventFlags::IN | epoll::EventFlags::OUT | epoll::EventFlags::RDHUP;
        Ok(epoll::add(&self.epoll, source, data, flags | epoll::EventFlags::ET)?)
    }

    /// Waits for news, at most for `patience`, for ever without one. How many there are.
    pub fn wait(&mut self, patience: Option<Duration>) -> io::Result<usize> {
        let patience = patience.map(|patience| Timespec {
            tv_sec: patience.as_secs().try_into().unwrap_or(i64::MAX),
            tv_nsec: patience.subsec_nanos().into(),
        });
        self.events.clear();
        match epoll::wait(&self.epoll, spare_capacity(&mut self.events), patience.as_ref()) {
            Ok(_) | Err(Errno::INTR) => Ok(self.events.len()),
            Err(error) => Err(error.into()),
        }
    }

    /// The news that the last wait brought.
    pub fn news(&self, index: usize) -> News {
        let epoll::Event { flags, data } = self.events[index];
        let writable = flags.contains(epoll::EventFlags::OUT);
        let readable = flags.intersects(!epoll::EventFlags::OUT);
        News { token: data.u64() as usize, readable, writable }
    }
}

/// Reads once what is there: 0 bytes when nothing is. Less than the buffer holds was all.
///
/// # Errors
/// The system's, and the peer's end.
pub fn read(socket: &TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
    match recv(socket, buffer, RecvFlags::DONTWAIT) {
        Ok((0, _)) => Err(io::ErrorKind::UnexpectedEof.into()),
        Ok((count, _)) => Ok(count),
        Err(Errno::AGAIN | Errno::INTR) => Ok(0),
        Err(error) => Err(error.into()),
    }
}

/// Gathers the slices into one write; how many bytes the socket took.
///
/// # Errors
/// The system's.
pub fn write(socket: &TcpStream, slices: &[IoSlice<'_>]) -> io::Result<usize> {
    let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
    match sendmsg(socket, slices, &mut SendAncillaryBuffer::default(), flags) {
        Ok(count) => Ok(count),
        Err(Errno::AGAIN | Errno::INTR) => Ok(0),
        Err(error) => Err(error.into()),
    }
}
