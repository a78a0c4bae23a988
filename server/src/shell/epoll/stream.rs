//! A socket that is told of changes by epoll.

use crate::shell::driver::Stream;
use rustix::event::epoll::EventFlags;
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, Shutdown, recv, send, shutdown};
use std::io;
use std::net::TcpStream;
use std::os::fd::{AsFd, BorrowedFd};
use std::task::{Context, Poll};

/// A connected socket.
#[derive(Debug)]
pub struct EpollStream {
    socket: TcpStream,
    /// All that had come was read; epoll tells of more.
    is_read: bool,
    /// The peer's end, or an error, is somewhere behind what there is to read.
    is_ending: bool,
}

impl EpollStream {
    /// A socket about which nothing is known yet.
    pub fn new(socket: TcpStream) -> EpollStream {
        EpollStream { socket, is_read: false, is_ending: false }
    }

    /// epoll told of a change.
    pub fn news(&mut self, flags: EventFlags) {
        self.is_read = false;
        self.is_ending |= flags.intersects(EventFlags::RDHUP | EventFlags::HUP | EventFlags::ERR);
    }

    /// Gives the connection up: the next read finds its end.
    pub fn abandon(&mut self) {
        let _ = shutdown(&self.socket, Shutdown::Both);
    }
}

impl AsFd for EpollStream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

fn polled(outcome: rustix::io::Result<usize>) -> Poll<io::Result<usize>> {
    match outcome {
        Err(Errno::AGAIN) => Poll::Pending,
        outcome => Poll::Ready(outcome.map_err(io::Error::from)),
    }
}

impl Stream for EpollStream {
    /// The waker is not kept: the loop polls the link when epoll has news of it.
    fn poll_read(&mut self, _: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        if self.is_read {
            return Poll::Pending;
        }
        let size = buffer.len();
        let outcome = recv(&self.socket, buffer, RecvFlags::DONTWAIT).map(|(count, _)| count);
        match outcome {
            // Less than was asked for means there is no more, and of more we are told; only the end
            // of the connection may have come with these bytes, and of that we are not told again.
            Ok(count) if count < size => self.is_read = !self.is_ending,
            Err(Errno::AGAIN) => self.is_read = true,
            _ => (),
        }
        polled(outcome)
    }

    fn poll_write(&mut self, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        polled(send(&self.socket, bytes, SendFlags::DONTWAIT | SendFlags::NOSIGNAL))
    }
}
