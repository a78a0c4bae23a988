//! One SIP message as spans over its bytes. Parsing allocates nothing.

pub use super::header::{Header, HeaderName};
pub use super::start::{CSeq, Method, StartLine};

use super::Address;
use super::address::split_list;
use super::grammar::{decimal, find_outside, is_balanced, line_end, param, trim};
use super::header::Table;
use crate::limits::SIP_HEAD_BYTES_MAX;
use std::fmt;

/// Why a framed message is not a SIP message we can work with. The link stays usable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MessageError {
    /// Not UTF-8.
    NotUtf8,
    /// Start line is no request line and no status line, or the version is not SIP/2.0.
    StartLine,
    /// A header line without a valid name.
    HeaderLine,
    /// More than `SIP_HEADERS_MAX` lines.
    TooManyHeaders,
    /// From, To, Call-ID, CSeq or Via is missing.
    HeaderMissing(HeaderName),
    /// A header that may stand once stands twice.
    HeaderTwice(HeaderName),
    /// A mandatory header whose value cannot be read, or a CSeq method unlike the request's.
    HeaderMalformed(HeaderName),
}

impl MessageError {
    /// Short stable name for counters and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            MessageError::NotUtf8 => "not_utf8",
            MessageError::StartLine => "start_line",
            MessageError::HeaderLine => "header_line",
            MessageError::TooManyHeaders => "too_many_headers",
            MessageError::HeaderMissing(_) => "header_missing",
            MessageError::HeaderTwice(_) => "header_twice",
            MessageError::HeaderMalformed(_) => "header_malformed",
        }
    }
}

impl fmt::Display for MessageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::error::Error for MessageError {}

/// A message whose mandatory headers are present, single where they must be, and readable.
///
/// Guaranteed after [`Message::parse`]: Via (at least one), From, To, Call-ID and CSeq exist, their
/// values parse (of the Vias the topmost one), a request's CSeq names the request's method,
/// Max-Forwards (if any) is a number up to 255.
#[derive(Debug)]
pub struct Message<'a> {
    start: StartLine<'a>,
    head: &'a str,
    headers: Table,
    from: Address<'a>,
    to: Address<'a>,
    call_id: &'a str,
    cseq: CSeq<'a>,
    /// Parameters of the topmost Via.
    via_params: &'a str,
    max_forwards: Option<u8>,
    body: &'a [u8],
}

impl<'a> Message<'a> {
    /// Reads `bytes`, one whole message as cut by the framer, whose head is `head_len` bytes long.
    pub fn parse(bytes: &'a [u8], head_len: usize) -> Result<Message<'a>, MessageError> {
        let (head, body) = bytes.split_at_checked(head_len).ok_or(MessageError::HeaderLine)?;
        if head_len > SIP_HEAD_BYTES_MAX {
            return Err(MessageError::HeaderLine);
        }
        let head = std::str::from_utf8(head).map_err(|_| MessageError::NotUtf8)?;
        let end = line_end(head.as_bytes(), 0).ok_or(MessageError::StartLine)?;
        let start = StartLine::parse(&head[..end]).ok_or(MessageError::StartLine)?;
        let headers = Table::parse(head, end + 2)?;

        let from = mandatory(&headers, head, HeaderName::From, Address::parse)?;
        let to = mandatory(&headers, head, HeaderName::To, Address::parse)?;
        let call_id = mandatory(&headers, head, HeaderName::CallId, parse_call_id)?;
        let cseq = mandatory(&headers, head, HeaderName::CSeq, CSeq::parse)?;
        let via_params = mandatory(&headers, head, HeaderName::Via, parse_via)?;
        let max_forwards = headers.first(head, HeaderName::MaxForwards).map(parse_hops);
        let max_forwards = max_forwards.transpose()?;
        if let StartLine::Request { method, .. } = start
            && cseq.method != method
        {
            return Err(MessageError::HeaderMalformed(HeaderName::CSeq));
        }
        if has_controls(head) {
            return Err(MessageError::HeaderLine);
        }
        Ok(Message {
            start,
            head,
            headers,
            from,
            to,
            call_id,
            cseq,
            via_params,
            max_forwards,
            body,
        })
    }

    /// The start line.
    pub fn start(&self) -> StartLine<'a> {
        self.start
    }

    /// All header lines in order.
    pub fn headers(&self) -> impl Iterator<Item = Header<'a>> {
        self.headers.iter(self.head)
    }

    /// Value of the first header of that name; of the first unknown one for `Other`.
    pub fn header(&self, name: HeaderName) -> Option<&'a str> {
        self.headers.first(self.head, name)
    }

    /// Values of all lines of that name, in order.
    pub fn all(&self, name: HeaderName) -> impl Iterator<Item = &'a str> {
        self.headers().filter(move |header| header.name == name).map(|header| header.value)
    }

    /// From: tag, URI, epid.
    pub fn from(&self) -> Address<'a> {
        self.from
    }

    /// To.
    pub fn to(&self) -> Address<'a> {
        self.to
    }

    /// Call-ID.
    pub fn call_id(&self) -> &'a str {
        self.call_id
    }

    /// CSeq.
    pub fn cseq(&self) -> CSeq<'a> {
        self.cseq
    }

    /// `branch` of the topmost Via; SIPE sends none on requests in a dialog.
    pub fn branch(&self) -> Option<&'a str> {
        param(self.via_params, "branch").filter(|branch| !branch.is_empty())
    }

    /// Max-Forwards, when given.
    pub fn max_forwards(&self) -> Option<u8> {
        self.max_forwards
    }

    /// First Contact as an address; `None` when absent, unreadable or `*`.
    pub fn contact(&self) -> Option<Address<'a>> {
        let first = split_list(self.header(HeaderName::Contact)?).next()?;
        Address::parse(first).filter(|address| address.uri != "*")
    }

    /// Expires in seconds, when present and a number.
    pub fn expires_s(&self) -> Option<u32> {
        decimal(self.header(HeaderName::Expires)?)
    }

    /// True when a comma-separated header of that name lists `token`, ignoring case.
    pub fn lists(&self, name: HeaderName, token: &str) -> bool {
        self.all(name).flat_map(split_list).any(|item| item.eq_ignore_ascii_case(token))
    }

    /// Media type of the body, lower case comparison, parameters cut off: is it `essence`?
    pub fn is_content_type(&self, essence: &str) -> bool {
        self.header(HeaderName::ContentType).is_some_and(|value| {
            let written = value.split_once(';').map_or(value, |(written, _params)| written);
            trim(written).eq_ignore_ascii_case(essence)
        })
    }

    /// The body; may be empty.
    pub fn body(&self) -> &'a [u8] {
        self.body
    }
}

/// Controls that mean nothing in a head (RFC 3261 §25.1 has them only behind a backslash). Echoed
/// without them, as we write, a text could say something else than it said with them.
fn has_controls(head: &str) -> bool {
    let is_control =
        |byte: u8| byte < b' ' && !matches!(byte, b'\t' | b'\r' | b'\n') || byte == 0x7f;
    // Without an early exit the loop becomes vector instructions.
    head.bytes().fold(false, |found, byte| found | is_control(byte))
}

fn mandatory<'a, T>(
    headers: &Table,
    head: &'a str,
    name: HeaderName,
    parse: impl FnOnce(&'a str) -> Option<T>,
) -> Result<T, MessageError> {
    let value = headers.first(head, name).ok_or(MessageError::HeaderMissing(name))?;
    parse(value).ok_or(MessageError::HeaderMalformed(name))
}

fn parse_call_id(value: &str) -> Option<&str> {
    let is_word = !value.is_empty() && value.bytes().all(|byte| byte > b' ' && byte != 0x7f);
    is_word.then_some(value)
}

fn parse_hops(value: &str) -> Result<u8, MessageError> {
    decimal(value)
        .and_then(|hops| u8::try_from(hops).ok())
        .ok_or(MessageError::HeaderMalformed(HeaderName::MaxForwards))
}

/// Checks the topmost Via, `SIP/2.0/transport sent-by;params`, and cuts out its parameters. Blanks
/// around the slashes are legal (RFC 3261 §25.1, SLASH).
fn parse_via(value: &str) -> Option<&str> {
    let topmost = &value[..find_outside(value.as_bytes(), b',').unwrap_or(value.len())];
    let (sent, params) = topmost.split_once(';').unwrap_or((topmost, ""));
    let mut parts = sent.splitn(3, '/').map(trim);
    let is_sip = parts.next()?.eq_ignore_ascii_case("SIP") && parts.next()? == "2.0";
    let (transport, sent_by) = parts.next()?.split_once([' ', '\t'])?;
    let is_whole = !transport.is_empty() && !trim(sent_by).is_empty() && is_balanced(params);
    (is_sip && is_whole).then_some(params)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::SIP_HEADERS_MAX;

    const INFO: &str = "INFO sip:gc@h SIP/2.0\r\n\
        Via: SIP/2.0/tcp 192.0.2.44:50522\r\n\
        From: <sip:kay@h>;tag=33;epid=7a1c\r\n\
        To: <sip:gc@h>;tag=b7\r\n\
        Call-ID: 5C20gA1F1\r\n\
        CSeq: 2 INFO\r\n";

    fn parse(text: &str) -> Result<Message<'_>, MessageError> {
        let head_len = text.find("\r\n\r\n").map_or(text.len(), |at| at + 4);
        Message::parse(text.as_bytes(), head_len)
    }

    #[track_caller]
    fn check_error(text: &str, expect: MessageError) {
        assert_eq!(parse(text).err(), Some(expect), "{text:.400}");
    }

    #[test]
    fn a_request_of_sipe() {
        let text = format!("{INFO}Content-Type: text/plain\r\nContent-Length: 3\r\n\r\nabc");
        let message = parse(&text).unwrap();
        let start = StartLine::Request { method: Method::Info, uri: "sip:gc@h" };
        assert_eq!(message.start(), start);
        assert_eq!((message.from().tag(), message.from().epid()), (Some("33"), Some("7a1c")));
        assert_eq!((message.to().uri, message.to().tag()), ("sip:gc@h", Some("b7")));
        assert_eq!(message.call_id(), "5C20gA1F1");
        assert_eq!(message.cseq(), CSeq { number: 2, method: Method::Info });
        assert_eq!((message.branch(), message.max_forwards()), (None, None));
        assert!(message.contact().is_none());
        assert!(message.is_content_type("text/plain") && !message.is_content_type("text"));
        assert_eq!(message.body(), b"abc");
        let names: Vec<_> = message.headers().map(|header| header.written).collect();
        let expect = ["Via", "From", "To", "Call-ID", "CSeq", "Content-Type", "Content-Length"];
        assert_eq!(names, expect);
    }

    #[test]
    fn a_response_in_compact_form() {
        let text = "SIP/2.0 487 Request Terminated\r\nv: SIP / 2.0 / TLS h;branch=z9hG4bK1 , x\r\n\
            v: y\r\nf: sip:a@b;tag=1\r\nt: sip:c@d\r\ni: 1@h\r\nCSeq: 9 INFO\r\nl: 0\r\n\r\n";
        let message = parse(text).unwrap();
        let start = StartLine::Response { status: 487, reason: "Request Terminated" };
        assert_eq!(message.start(), start);
        assert_eq!(message.branch(), Some("z9hG4bK1"));
        assert_eq!(message.all(HeaderName::Via).count(), 2);
        assert_eq!(message.header(HeaderName::Via), Some("SIP / 2.0 / TLS h;branch=z9hG4bK1 , x"));
        assert_eq!((message.to().uri, message.to().tag()), ("sip:c@d", None));
    }

    #[test]
    fn optional_values() {
        let text = format!(
            "{INFO}m: \"a,b\" <sip:k@h;gruu>;x, <sip:other>\r\nSupported: timer, 100rel\r\n\
             k: Ms-Sender\r\nExpires: 600\r\nMax-Forwards: 0070\r\n\
             c: Text/Plain ; charset=x\r\n\r\n"
        );
        let message = parse(&text).unwrap();
        assert_eq!(message.contact().unwrap().uri, "sip:k@h;gruu");
        for token in ["TIMER", "100rel", "ms-sender"] {
            assert!(message.lists(HeaderName::Supported, token), "{token}");
        }
        assert!(!message.lists(HeaderName::Supported, "time"));
        assert!(!message.lists(HeaderName::Require, "timer"));
        assert_eq!((message.expires_s(), message.max_forwards()), (Some(600), Some(70)));
        assert!(message.is_content_type("text/plain"));
        let text = format!("{INFO}Contact: *\r\nExpires: soon\r\n\r\n");
        let message = parse(&text).unwrap();
        assert!(message.contact().is_none() && message.expires_s().is_none());
        assert!(!message.is_content_type("text/plain"));
    }

    #[test]
    fn shape() {
        check_error("", MessageError::StartLine);
        check_error("\r\n", MessageError::StartLine);
        check_error(INFO, MessageError::HeaderLine);
        check_error(&(INFO.replace("h SIP/2.0", "h SIP/7.0") + "\r\n"), MessageError::StartLine);
        check_error(&(INFO.replace("INFO sip", "INFO  sip") + "\r\n"), MessageError::StartLine);
        for line in [
            "no colon",
            ": x",
            "a b: c",
            " folded: x",
            "a\u{b}: c",
            "a: b\nc",
            "a: b\rc",
            "a: \u{7f}",
        ] {
            check_error(&format!("{INFO}{line}\r\n\r\n"), MessageError::HeaderLine);
        }
        let many = "a: b\r\n".repeat(SIP_HEADERS_MAX - 4);
        check_error(&format!("{INFO}{many}\r\n"), MessageError::TooManyHeaders);
        let long = "x".repeat(SIP_HEAD_BYTES_MAX);
        check_error(&format!("{INFO}a: {long}\r\n\r\n"), MessageError::HeaderLine);
        let not_utf8 = [INFO.as_bytes(), b"a: \xff\r\n\r\n"].concat();
        let parsed = Message::parse(&not_utf8, not_utf8.len());
        assert_eq!(parsed.err(), Some(MessageError::NotUtf8));
        // Lengths that are not the framer's.
        for head_len in [0, 1, INFO.len(), INFO.len() + 1, INFO.len() + 3, usize::MAX] {
            assert!(Message::parse(format!("{INFO}\r\n").as_bytes(), head_len).is_err());
        }
    }

    #[test]
    fn mandatory_headers() {
        let check = |name: &str, header: HeaderName, broken: &[&str]| {
            let line = INFO.lines().find(|line| line.starts_with(name)).unwrap();
            let with = |line: &str, value: &str| INFO.replace(line, value) + "\r\n";
            let missing = with(&format!("{line}\r\n"), "");
            check_error(&missing, MessageError::HeaderMissing(header));
            for value in broken {
                let malformed = with(line, &format!("{name}: {value}"));
                check_error(&malformed, MessageError::HeaderMalformed(header));
            }
        };
        check("From", HeaderName::From, &["", "<sip:a", "a, b <sip:c>"]);
        check("To", HeaderName::To, &["", "\"x <sip:a>"]);
        check("Call-ID", HeaderName::CallId, &["", "a b", "a\u{1}"]);
        check("CSeq", HeaderName::CSeq, &["", "2", "x INFO", "2147483648 INFO", "2 BYE"]);
        let vias = ["", "SIP/2.0/TCP", "SIP/2.0/TCP ;x", "SIP/3.0/TCP h", "HTTP/2.0/TCP h", "h"];
        let open = ["SIP/2.0/TCP h;x=\"", "SIP/2.0/TCP h;x=<"];
        check("Via", HeaderName::Via, &open);
        check("Via", HeaderName::Via, &vias);
    }

    #[test]
    fn single_headers() {
        let check = |lines: &str, header: HeaderName| {
            check_error(&format!("{INFO}{lines}\r\n"), MessageError::HeaderTwice(header));
        };
        check("f: <sip:kay@h>\r\n", HeaderName::From);
        check("TO: <sip:gc@h>\r\n", HeaderName::To);
        check("i: 1\r\n", HeaderName::CallId);
        check("CSEQ: 2 INFO\r\n", HeaderName::CSeq);
        check("l: 0\r\nContent-Length: 0\r\n", HeaderName::ContentLength);
        check("c: a/b\r\nContent-Type: a/b\r\n", HeaderName::ContentType);
        check("Max-Forwards: 1\r\nMax-Forwards: 1\r\n", HeaderName::MaxForwards);
        check("Expires: 1\r\nExpires: 1\r\n", HeaderName::Expires);
        check("x: 1\r\nSession-Expires: 1\r\n", HeaderName::SessionExpires);
        check("Min-SE: 1\r\nMin-SE: 1\r\n", HeaderName::MinSe);
        let repeated = ["Via", "Route", "Supported", "User-Agent", "Unknown"];
        let repeated = repeated.map(|name| format!("{name}: x\r\n{name}: x\r\n")).concat();
        assert!(parse(&format!("{INFO}{repeated}\r\n")).is_ok());
    }

    #[test]
    fn hops() {
        for value in ["-1", "256", "300", "a", "", "1, 1"] {
            let text = format!("{INFO}Max-Forwards: {value}\r\n\r\n");
            check_error(&text, MessageError::HeaderMalformed(HeaderName::MaxForwards));
        }
        let text = format!("{INFO}Max-Forwards: 0\r\n\r\n");
        assert_eq!(parse(&text).unwrap().max_forwards(), Some(0));
    }
}
