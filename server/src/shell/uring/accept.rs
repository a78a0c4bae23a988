//! Accepting on one listening socket.

use super::Shared;
use super::link::{self, UringStream};
use crate::shell::{is_shortage, tell_shortage};
use futures_lite::future::{or, poll_fn};
use glommio::GlommioError;
use glommio::net::{AcceptedTcpStream, TcpListener};
use glommio::spawn_local;
use glommio::timer::sleep;
use parlance_core::{LinkInfo, Transport};
use std::io;
use std::os::fd::{FromRawFd, IntoRawFd};
use std::time::Duration;

/// Pause after an accept that failed for want of something, doubled each time up to the second
/// value.
const PAUSE_MIN: Duration = Duration::from_millis(10);
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// Accepts until the shard drains; the socket is closed then.
pub async fn run(driver: Shared, listener: std::net::TcpListener, transport: Transport) {
    let listener = adopt(listener);
    let mut pause = PAUSE_MIN;
    loop {
        while transport == Transport::Tls && !driver.borrow().takes_handshakes() {
            // The kernel keeps those who come until then.
            sleep(PAUSE_MIN).await;
        }
        let next = async { Some(listener.shared_accept().await.map_err(system)) };
        let drained = async {
            poll_fn(|cx| driver.borrow_mut().poll_draining(cx)).await;
            None
        };
        match or(drained, next).await {
            None => return,
            Some(Ok(accepted)) => {
                pause = PAUSE_MIN;
                take_in(&driver, accepted, transport);
            }
            Some(Err(error)) if is_shortage(&error) => {
                tell_shortage(&error);
                sleep(pause).await;
                pause = (pause * 2).min(PAUSE_MAX);
            }
            // The peer gave up before we came to it.
            Some(Err(_)) => (),
        }
    }
}

fn take_in(driver: &Shared, accepted: AcceptedTcpStream, transport: Transport) {
    let stream = accepted.bind_to_executor();
    // Without an address it is gone already.
    let (Ok(peer), Ok(local)) = (stream.peer_addr(), stream.local_addr()) else { return };
    let info = LinkInfo { peer, local, transport, is_front_end: false };
    let admitted = driver.borrow_mut().accepted(UringStream(stream), info);
    if let Ok(key) = admitted {
        spawn_local(link::run(driver.clone(), key)).detach();
    }
}

/// Hands a listening socket over to this thread's executor.
#[allow(unsafe_code)]
fn adopt(listener: std::net::TcpListener) -> TcpListener {
    // glommio can only bind by itself, with a short backlog and too late to tell the port.
    // SAFETY: the descriptor is a listening TCP socket, and `into_raw_fd` gave up its ownership.
    unsafe { TcpListener::from_raw_fd(listener.into_raw_fd()) }
}

/// The system's error, where there is one.
fn system(error: GlommioError<()>) -> io::Error {
    match error {
        GlommioError::IoError(error) => error,
        other => io::Error::other(other.to_string()),
    }
}
