//! Session timer (RFC 4028): what a request asks for and what we answer.

use super::grammar::{decimal, trim};
use super::{HeaderName, Message};

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
/// says `Supported: timer` can be told so, others get `min_s`), one above `ours_s` becomes
/// `ours_s`. A malformed Session-Expires counts as no wish. The request's own Min-SE is not looked
/// at: for how long a dead session is kept is our decision.
pub fn negotiate(request: &Message<'_>, ours_s: u32, min_s: u32) -> SessionTimer {
    let wish = request.header(HeaderName::SessionExpires).and_then(parse_expires_s);
    match wish {
        Some(wish_s) if wish_s < min_s => {
            if request.lists(HeaderName::Supported, "timer") {
                SessionTimer::TooSmall { min_s }
            } else {
                SessionTimer::Accepted { expires_s: min_s }
            }
        }
        Some(wish_s) => SessionTimer::Accepted { expires_s: wish_s.min(ours_s) },
        None => SessionTimer::Accepted { expires_s: ours_s },
    }
}

/// Reads the delta-seconds of a Session-Expires value such as `600;refresher=uac`.
pub fn parse_expires_s(value: &str) -> Option<u32> {
    let seconds = value.split_once(';').map_or(value, |(seconds, _)| seconds);
    decimal(trim(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(extra: &str, expect: SessionTimer) {
        let text = format!(
            "UPDATE sip:a SIP/2.0\r\nVia: SIP/2.0/TCP h\r\nFrom: <sip:b>\r\nTo: <sip:a>\r\n\
             Call-ID: 1\r\nCSeq: 1 UPDATE\r\n{extra}\r\n"
        );
        let request = Message::parse(text.as_bytes(), text.len()).unwrap();
        assert_eq!(negotiate(&request, 1800, 90), expect, "{extra}");
    }

    #[test]
    fn wishes() {
        let accepted = |expires_s| SessionTimer::Accepted { expires_s };
        check("", accepted(1800));
        check("Session-Expires: soon\r\n", accepted(1800));
        check("Session-Expires: 600;refresher=uac\r\n", accepted(600));
        check("x: 90\r\n", accepted(90));
        check("Session-Expires: 7200\r\n", accepted(1800));
        check("Session-Expires: 89\r\n", accepted(90));
        let small = "Session-Expires: 89\r\nSupported: 100rel, Timer\r\n";
        check(small, SessionTimer::TooSmall { min_s: 90 });
    }

    #[test]
    fn delta_seconds() {
        let check = |value: &str, expect| assert_eq!(parse_expires_s(value), expect, "{value}");
        check("600", Some(600));
        check(" 600 ; refresher=uac", Some(600));
        check("0", Some(0));
        check("4294967296", None);
        check("-1", None);
        check(";refresher=uac", None);
    }
}
