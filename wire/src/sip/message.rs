//! One SIP message as spans over its bytes. Parsing allocates nothing.

use super::Address;
use crate::limits::SIP_HEADERS_MAX;
use std::fmt;

/// A request method. Unknown ones are kept: they are answered 501 by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Method<'a> {
    Invite,
    Ack,
    Info,
    Bye,
    Update,
    Cancel,
    Options,
    Register,
    Subscribe,
    Other(&'a str),
}

impl<'a> Method<'a> {
    /// The method as it stands on the wire (case-sensitive, RFC 3261 §7.1).
    pub fn as_str(self) -> &'a str {
        match self {
            Method::Invite => "INVITE",
            Method::Ack => "ACK",
            Method::Info => "INFO",
            Method::Bye => "BYE",
            Method::Update => "UPDATE",
            Method::Cancel => "CANCEL",
            Method::Options => "OPTIONS",
            Method::Register => "REGISTER",
            Method::Subscribe => "SUBSCRIBE",
            Method::Other(name) => name,
        }
    }
}

/// First line of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartLine<'a> {
    /// `METHOD uri SIP/2.0`
    Request {
        /// What is asked.
        method: Method<'a>,
        /// Request-URI, unparsed.
        uri: &'a str,
    },
    /// `SIP/2.0 status reason`
    Response {
        /// 100 to 699.
        status: u16,
        /// May be empty.
        reason: &'a str,
    },
}

/// Headers the program looks at; compact forms (RFC 3261 §7.3.3) are folded into the long ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum HeaderName {
    Via,
    From,
    To,
    CallId,
    CSeq,
    MaxForwards,
    Contact,
    RecordRoute,
    Route,
    ContentType,
    ContentLength,
    Expires,
    Event,
    SessionExpires,
    MinSe,
    Supported,
    Require,
    ProxyRequire,
    RetryAfter,
    UserAgent,
    PAssertedIdentity,
    Other,
}

/// Number and method of a CSeq header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CSeq<'a> {
    /// Below 2^31 (RFC 3261 §8.1.1.5).
    pub number: u32,
    /// Method of the request it belongs to.
    pub method: Method<'a>,
}

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

/// A header line: which one, its name as written and its trimmed value.
#[derive(Debug, Clone, Copy)]
pub struct Header<'a> {
    /// Folded name.
    pub name: HeaderName,
    /// Name as the peer wrote it.
    pub written: &'a str,
    /// Value without surrounding blanks.
    pub value: &'a str,
}

/// A message whose mandatory headers are present, single where they must be, and readable.
///
/// Guaranteed after [`Message::parse`]: Via (at least one), From, To, Call-ID and CSeq exist, their
/// values parse, a request's CSeq names the request's method, Max-Forwards (if any) is a number.
#[derive(Debug)]
pub struct Message<'a> {
    start: StartLine<'a>,
    headers: [Option<Header<'a>>; SIP_HEADERS_MAX],
    body: &'a [u8],
}

impl<'a> Message<'a> {
    /// Reads `bytes`, one whole message as cut by the framer, whose head is `head_len` bytes long.
    pub fn parse(bytes: &'a [u8], head_len: usize) -> Result<Message<'a>, MessageError> {
        let _ = (bytes, head_len);
        todo!()
    }

    /// The start line.
    pub fn start(&self) -> StartLine<'a> {
        self.start
    }

    /// All header lines in order.
    pub fn headers(&self) -> impl Iterator<Item = &Header<'a>> {
        self.headers.iter().flatten()
    }

    /// Value of the first header of that name.
    pub fn header(&self, name: HeaderName) -> Option<&'a str> {
        self.headers().find(|h| h.name == name).map(|h| h.value)
    }

    /// From: tag, URI, epid.
    pub fn from(&self) -> Address<'a> {
        todo!()
    }

    /// To.
    pub fn to(&self) -> Address<'a> {
        todo!()
    }

    /// Call-ID.
    pub fn call_id(&self) -> &'a str {
        todo!()
    }

    /// CSeq.
    pub fn cseq(&self) -> CSeq<'a> {
        todo!()
    }

    /// `branch` of the topmost Via; SIPE sends none on requests in a dialog.
    pub fn branch(&self) -> Option<&'a str> {
        todo!()
    }

    /// First Contact as an address; `None` when absent, unreadable or `*`.
    pub fn contact(&self) -> Option<Address<'a>> {
        todo!()
    }

    /// Expires in seconds, when present and a number.
    pub fn expires_s(&self) -> Option<u32> {
        todo!()
    }

    /// True when a comma-separated header of that name lists `token`, ignoring case.
    pub fn lists(&self, name: HeaderName, token: &str) -> bool {
        let _ = (name, token);
        todo!()
    }

    /// Media type of the body, lower case comparison, parameters cut off: is it `essence`?
    pub fn is_content_type(&self, essence: &str) -> bool {
        let _ = essence;
        todo!()
    }

    /// The body; may be empty.
    pub fn body(&self) -> &'a [u8] {
        self.body
    }
}

