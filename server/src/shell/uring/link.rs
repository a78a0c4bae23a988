//! A link's socket and its task.

use super::Shared;
use crate::shell::driver::{LinkKey, Stream};
use futures_lite::future::poll_fn;
use futures_lite::{AsyncRead, AsyncWrite};
use glommio::net::TcpStream;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::pin::Pin;
use std::task::{Context, Poll};

/// A socket of glommio's: it reads without waiting first, and only then asks the ring to tell when
/// there is something.
#[derive(Debug)]
pub struct UringStream(pub TcpStream);

impl AsFd for UringStream {
    #[allow(unsafe_code)]
    fn as_fd(&self) -> BorrowedFd<'_> {
        // glommio's stream offers the number only, and nothing but the number allows gathering
        // writes. SAFETY: the stream owns the descriptor and closes it when dropped; the borrow
        // ends before.
        unsafe { BorrowedFd::borrow_raw(self.0.as_raw_fd()) }
    }
}

impl Stream for UringStream {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }
}

/// Serves one link until it is gone.
pub async fn run(driver: Shared, key: LinkKey) {
    poll_fn(|cx| driver.borrow_mut().poll_link(key, cx)).await;
}
