//! Writing messages. One buffer, one pass. Texts should be free of CR and LF already; controls are
//! left out of whatever is written, so that no text can start a line of its own.

use super::{HeaderName, Message};
use std::fmt::{self, Display, Write};

/// A response under construction. Copies Via, From, To, Call-ID and CSeq from the request.
#[derive(Debug)]
#[must_use = "the message is whole only after `body` or `empty`"]
pub struct Response<'o> {
    out: &'o mut Vec<u8>,
}

/// The headers of a request that its response must repeat, kept while the response is held open
/// (a post waits for the log). `to_tag` is already part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Echo(Box<[u8]>);

impl Echo {
    /// Takes Via, From, To (with `to_tag` added when the request has none), Call-ID, CSeq.
    pub fn of(request: &Message<'_>, to_tag: Option<&str>) -> Echo {
        let mut lines = Vec::with_capacity(320);
        push_echo(&mut lines, request, to_tag);
        Echo(lines.into_boxed_slice())
    }

    /// Header lines that were put together elsewhere.
    pub(super) fn from_lines(lines: Vec<u8>) -> Echo {
        Echo(lines.into_boxed_slice())
    }

    /// Starts the held response.
    pub fn respond<'o>(&self, out: &'o mut Vec<u8>, status: u16) -> Response<'o> {
        push_status_line(out, status);
        out.extend_from_slice(&self.0);
        Response { out }
    }

    /// Bytes kept.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Never true; exists for symmetry with `len`.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'o> Response<'o> {
    /// Starts a response; `to_tag` is added to To when the request's To has none. The reason phrase
    /// is [`reason`]'s.
    pub fn to(
        request: &Message<'_>,
        out: &'o mut Vec<u8>,
        status: u16,
        to_tag: Option<&str>,
    ) -> Response<'o> {
        push_status_line(out, status);
        push_echo(out, request, to_tag);
        Response { out }
    }

    /// Adds a header line.
    pub fn header(self, name: &str, value: impl Display) -> Self {
        push_line(self.out, name, value);
        self
    }

    /// Repeats the request's Record-Route lines (RFC 3261 §12.1.1).
    pub fn record_routes(self, request: &Message<'_>) -> Self {
        for value in request.all(HeaderName::RecordRoute) {
            push_line(self.out, "Record-Route", value);
        }
        self
    }

    /// Ends the message with a body.
    pub fn body(self, content_type: &str, body: &[u8]) {
        push_body(self.out, content_type, body);
    }

    /// Ends the message without one.
    pub fn empty(self) {
        push_end(self.out, 0);
    }
}

/// A request under construction, for clients (load generator, simulator, tests).
#[derive(Debug)]
#[must_use = "the message is whole only after `body` or `empty`"]
pub struct Request<'o> {
    out: &'o mut Vec<u8>,
}

impl<'o> Request<'o> {
    /// Writes the request line.
    pub fn new(out: &'o mut Vec<u8>, method: &str, uri: &str) -> Request<'o> {
        push_clean(out, &[method, " ", uri, " SIP/2.0"]);
        out.extend_from_slice(b"\r\n");
        Request { out }
    }

    /// Adds a header line.
    pub fn header(self, name: &str, value: impl Display) -> Self {
        push_line(self.out, name, value);
        self
    }

    /// Ends the message with a body.
    pub fn body(self, content_type: &str, body: &[u8]) {
        push_body(self.out, content_type, body);
    }

    /// Ends the message without one.
    pub fn empty(self) {
        push_end(self.out, 0);
    }
}

/// Standard reason phrase of a status code (RFC 3261 §21 and extensions); `"Unknown"` otherwise.
pub fn reason(status: u16) -> &'static str {
    match status {
        100 => "Trying",
        180 => "Ringing",
        183 => "Session Progress",
        200 => "OK",
        202 => "Accepted",
        301 => "Moved Permanently",
        302 => "Moved Temporarily",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        407 => "Proxy Authentication Required",
        408 => "Request Timeout",
        410 => "Gone",
        413 => "Request Entity Too Large",
        414 => "Request-URI Too Long",
        415 => "Unsupported Media Type",
        416 => "Unsupported URI Scheme",
        420 => "Bad Extension",
        421 => "Extension Required",
        422 => "Session Interval Too Small",
        423 => "Interval Too Brief",
        429 => "Provide Referrer Identity",
        430 => "Flow Failed",
        433 => "Anonymity Disallowed",
        437 => "Unsupported Certificate",
        439 => "First Hop Lacks Outbound Support",
        469 => "Bad Info Package",
        480 => "Temporarily Unavailable",
        481 => "Call/Transaction Does Not Exist",
        482 => "Loop Detected",
        483 => "Too Many Hops",
        484 => "Address Incomplete",
        485 => "Ambiguous",
        486 => "Busy Here",
        487 => "Request Terminated",
        488 => "Not Acceptable Here",
        489 => "Bad Event",
        491 => "Request Pending",
        493 => "Undecipherable",
        494 => "Security Agreement Required",
        500 => "Server Internal Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Server Time-out",
        505 => "Version Not Supported",
        513 => "Message Too Large",
        580 => "Precondition Failure",
        600 => "Busy Everywhere",
        603 => "Decline",
        604 => "Does Not Exist Anywhere",
        606 => "Not Acceptable",
        _ => "Unknown",
    }
}

fn push_status_line(out: &mut Vec<u8>, status: u16) {
    out.extend_from_slice(b"SIP/2.0 ");
    push_decimal(out, status.into());
    out.push(b' ');
    out.extend_from_slice(reason(status).as_bytes());
    out.extend_from_slice(b"\r\n");
}

fn push_echo(out: &mut Vec<u8>, request: &Message<'_>, to_tag: Option<&str>) {
    for value in request.all(HeaderName::Via) {
        push_line(out, "Via", value);
    }
    push_line(out, "From", request.header(HeaderName::From).unwrap_or_default());
    let to = request.header(HeaderName::To).unwrap_or_default();
    match to_tag {
        Some(tag) if request.to().tag().is_none() => {
            push_line(out, "To", format_args!("{to};tag={tag}"));
        }
        _ => push_line(out, "To", to),
    }
    push_line(out, "Call-ID", request.call_id());
    push_line(out, "CSeq", request.header(HeaderName::CSeq).unwrap_or_default());
}

fn push_body(out: &mut Vec<u8>, content_type: &str, body: &[u8]) {
    push_line(out, "Content-Type", content_type);
    push_end(out, body.len());
    out.extend_from_slice(body);
}

pub(super) fn push_end(out: &mut Vec<u8>, body_len: usize) {
    out.extend_from_slice(b"Content-Length: ");
    push_decimal(out, body_len);
    out.extend_from_slice(b"\r\n\r\n");
}

/// Appends `name: value` and CRLF.
pub(super) fn push_line(out: &mut Vec<u8>, name: &str, value: impl Display) {
    push_clean(out, &[name, ": "]);
    let _ = write!(Clean(out), "{value}");
    out.extend_from_slice(b"\r\n");
}

/// Appends texts without their control characters (the tab stays).
pub(super) fn push_clean(out: &mut Vec<u8>, texts: &[&str]) {
    let is_clean = |byte: &u8| *byte >= b' ' && *byte != 0x7f || *byte == b'\t';
    for text in texts {
        if text.as_bytes().iter().all(is_clean) {
            out.extend_from_slice(text.as_bytes());
        } else {
            out.extend(text.bytes().filter(is_clean));
        }
    }
}

/// Appends a number.
pub(super) fn push_decimal(out: &mut Vec<u8>, number: usize) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// Lets any `Display` write into the buffer, cleaned.
struct Clean<'o>(&'o mut Vec<u8>);

impl Write for Clean<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        push_clean(self.0, &[text]);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INVITE: &str = "INVITE sip:gc@h SIP/2.0\r\n\
        v: SIP/2.0/TCP proxy.example;branch=z9hG4bK1, SIP/2.0/TCP two.example\r\n\
        Record-Route: <sip:p2;lr>\r\n\
        Via: SIP/2.0/TCP client.example\r\n\
        Record-Route: <sip:p1;lr>\r\n\
        f: \"Kay\" <sip:kay@h>;tag=1;epid=2\r\n\
        t: <sip:gc@h>\r\n\
        i: abc\r\n\
        CSeq:   1   INVITE\r\n\
        l: 0\r\n\r\n";

    const ECHO: &str = "Via: SIP/2.0/TCP proxy.example;branch=z9hG4bK1, SIP/2.0/TCP two.example\r\n\
        Via: SIP/2.0/TCP client.example\r\n\
        From: \"Kay\" <sip:kay@h>;tag=1;epid=2\r\n\
        To: <sip:gc@h>;tag=ours\r\n\
        Call-ID: abc\r\n\
        CSeq: 1   INVITE\r\n";

    fn invite(text: &str) -> Message<'_> {
        Message::parse(text.as_bytes(), text.len()).unwrap()
    }

    fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_response_repeats_what_it_must() {
        let request = invite(INVITE);
        let written = text(|out| {
            Response::to(&request, out, 200, Some("ours"))
                .record_routes(&request)
                .header("Session-Expires", format_args!("{};refresher=uac", 1800))
                .body("application/sdp", b"v=0\r\n");
        });
        let expect = format!(
            "SIP/2.0 200 OK\r\n{ECHO}Record-Route: <sip:p2;lr>\r\nRecord-Route: <sip:p1;lr>\r\n\
             Session-Expires: 1800;refresher=uac\r\nContent-Type: application/sdp\r\n\
             Content-Length: 5\r\n\r\nv=0\r\n"
        );
        assert_eq!(written, expect);
    }

    #[test]
    fn an_echo_is_the_same_response_later() {
        let echo = Echo::of(&invite(INVITE), Some("ours"));
        assert_eq!((echo.len(), echo.is_empty()), (ECHO.len(), false));
        let expect = format!("SIP/2.0 503 Service Unavailable\r\n{ECHO}Content-Length: 0\r\n\r\n");
        assert_eq!(text(|out| echo.respond(out, 503).empty()), expect);
    }

    #[test]
    fn a_tag_is_added_only_where_none_is() {
        let tagged = INVITE.replace("t: <sip:gc@h>", "To: <sip:gc@h>;tag=old");
        let check = |request: &str, to_tag: Option<&str>, expect: &str| {
            let written = text(|out| Response::to(&invite(request), out, 100, to_tag).empty());
            assert!(written.contains(expect), "{written}");
        };
        check(&tagged, Some("new"), "\r\nTo: <sip:gc@h>;tag=old\r\n");
        check(INVITE, None, "\r\nTo: <sip:gc@h>\r\n");
        let bare = INVITE.replace("t: <sip:gc@h>", "To: sip:gc@h");
        check(&bare, Some("new"), "\r\nTo: sip:gc@h;tag=new\r\n");
    }

    #[test]
    fn values_cannot_add_lines() {
        let evil = "a\r\nB: b\0\x7f\tc\r\n\r\n";
        let written = text(|out| {
            Request::new(out, evil, evil).header(evil, evil).body(evil, b"\r\n");
        });
        let one = "aB: b\tc";
        let expect = format!(
            "{one} {one} SIP/2.0\r\n{one}: {one}\r\nContent-Type: {one}\r\n\
             Content-Length: 2\r\n\r\n\r\n"
        );
        assert_eq!(written, expect);
        let tag = text(|out| Response::to(&invite(INVITE), out, 200, Some(evil)).empty());
        assert!(tag.contains("To: <sip:gc@h>;tag=aB: b\tc\r\nCall-ID"), "{tag}");
    }

    #[test]
    fn numbers_and_reasons() {
        let check = |number: usize| {
            assert_eq!(text(|out| push_decimal(out, number)), number.to_string());
        };
        [0, 9, 10, 12345, usize::MAX].into_iter().for_each(check);
        assert_eq!(reason(481), "Call/Transaction Does Not Exist");
        assert_eq!(reason(799), "Unknown");
        assert!((100..700).all(|status| !reason(status).is_empty()));
    }
}
