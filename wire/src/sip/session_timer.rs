//! Session timer (RFC 4028): what a request asks for and what we answer.

use super::Message;

/// Outcome of the negotiation of an INVITE or UPDATE.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionTimer {
    /// Put `Session-Expires: {seconds};refresher=uac` into the 200.
    Accepted {
        /// Seconds.
        expires_s: u32,
    },
    /// Answer 422 with `Min-SE: {min_s}`.
    TooSmall {
        /// Seconds.
        min_s: u32,
    },
}

/// Decides the timer: no wish means `ours_s`; a wish below `min_s` is refused (only a client that
/// says `Supported: timer` can be told so, others get `min_s`), one above `ours_s` becomes `ours_s`.
/// A malformed Session-Expires counts as no wish.
pub fn negotiate(request: &Message<'_>, ours_s: u32, min_s: u32) -> SessionTimer {
    let _ = (request, ours_s, min_s);
    todo!()
}

/// Reads the delta-seconds of a Session-Expires value such as `600;refresher=uac`.
pub fn parse_expires_s(value: &str) -> Option<u32> {
    let _ = value;
    todo!()
}
