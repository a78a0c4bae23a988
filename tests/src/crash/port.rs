//! A port to which clients can come back.

use std::net::{Ipv4Addr, TcpListener};
use std::ops::Range;
use std::sync::atomic::{AtomicU32, Ordering};

/// Below the range from which Linux takes the ports of clients: while nobody listens, a client that
/// tries to connect may be given the server's own port and so be connected with itself.
const PORTS: Range<u16> = 20_000..32_000;

/// A free one of them that nobody else in this process was given.
///
/// # Errors
/// If none is left.
pub fn outside_of_the_ephemeral() -> Result<u16, String> {
    static GIVEN: AtomicU32 = AtomicU32::new(0);
    let count = u32::from(PORTS.end - PORTS.start);
    // Two processes that look at the same time should not find the same one.
    let first = std::process::id().wrapping_mul(37);
    (0..count)
        .map(|_| first.wrapping_add(GIVEN.fetch_add(1, Ordering::Relaxed)) % count)
        .map(|n| PORTS.start + n as u16)
        .find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
        .ok_or_else(|| format!("no free port within {PORTS:?}"))
}
