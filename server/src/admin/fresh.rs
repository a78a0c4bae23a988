//! Time and chance, which the core does not have.

use crate::shell::Clock;
use parlance_wire::xccos::{Guid, Timestamp};
use rustix::rand::{GetRandomFlags, getrandom};

/// Wall clock.
pub fn now() -> Timestamp {
    Clock::start().now().wall
}

/// Bytes that nobody can guess.
///
/// # Panics
/// If the kernel has none, which the start of the server rules out.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    let filled = getrandom(&mut bytes, GetRandomFlags::empty());
    // Up to 256 bytes come whole (getrandom(2)).
    assert!(N <= 256 && filled == Ok(N), "the kernel gives no random numbers");
    bytes
}

/// A random GUID (RFC 9562, version 4).
pub fn fresh_guid() -> Guid {
    let random = u128::from_le_bytes(random());
    let version = random & !(0xf << 76) | 0x4 << 76;
    Guid(version & !(0x3 << 62) | 0x2 << 62)
}
