//! The header lines of one message as spans, found in one pass.

use super::grammar::{is_token, line_end, trim_back, trim_front};
use super::message::MessageError;
use crate::limits::{SIP_HEAD_BYTES_MAX, SIP_HEADERS_MAX};
use memchr::memchr;

/// Headers the program looks at; compact forms (RFC 3261 §7.3.3) are folded into the long ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
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
    #[default]
    Other,
}

impl HeaderName {
    const COUNT: usize = HeaderName::Other as usize + 1;

    /// The header of that name, in either form and any case.
    pub fn of(name: &str) -> HeaderName {
        use HeaderName::*;
        let is = |known: &str, header: HeaderName| {
            if name.eq_ignore_ascii_case(known) { header } else { Other }
        };
        let first = name.as_bytes().first().map_or(0, u8::to_ascii_lowercase);
        match (name.len(), first) {
            (1, _) => HeaderName::of_compact(first),
            (2, b't') => is("To", To),
            (3, b'v') => is("Via", Via),
            (4, b'f') => is("From", From),
            (4, b'c') => is("CSeq", CSeq),
            (5, b'r') => is("Route", Route),
            (5, b'e') => is("Event", Event),
            (6, b'm') => is("Min-SE", MinSe),
            (7, b'c') if name.as_bytes()[1].eq_ignore_ascii_case(&b'a') => is("Call-ID", CallId),
            (7, b'c') => is("Contact", Contact),
            (7, b'r') => is("Require", Require),
            (7, b'e') => is("Expires", Expires),
            (9, b's') => is("Supported", Supported),
            (10, b'u') => is("User-Agent", UserAgent),
            (11, b'r') => is("Retry-After", RetryAfter),
            (12, b'm') => is("Max-Forwards", MaxForwards),
            (12, b'r') => is("Record-Route", RecordRoute),
            (12, b'c') => is("Content-Type", ContentType),
            (13, b'p') => is("Proxy-Require", ProxyRequire),
            (14, b'c') => is("Content-Length", ContentLength),
            (15, b's') => is("Session-Expires", SessionExpires),
            (19, b'p') => is("P-Asserted-Identity", PAssertedIdentity),
            _ => Other,
        }
    }

    fn of_compact(letter: u8) -> HeaderName {
        match letter {
            b'v' => HeaderName::Via,
            b'f' => HeaderName::From,
            b't' => HeaderName::To,
            b'i' => HeaderName::CallId,
            b'm' => HeaderName::Contact,
            b'c' => HeaderName::ContentType,
            b'l' => HeaderName::ContentLength,
            b'o' => HeaderName::Event,
            b'x' => HeaderName::SessionExpires,
            b'k' => HeaderName::Supported,
            _ => HeaderName::Other,
        }
    }

    /// True for a header whose second line would leave open which of the two counts. A second
    /// User-Agent is against the grammar as well, but means nothing to us.
    fn is_single(self) -> bool {
        use HeaderName::*;
        match self {
            From | To | CallId | CSeq | MaxForwards | ContentType | ContentLength => true,
            Expires | Event | SessionExpires | MinSe | RetryAfter => true,
            Via | Contact | RecordRoute | Route | Supported | Require | ProxyRequire => false,
            UserAgent | PAssertedIdentity | Other => false,
        }
    }
}

/// A header line: which one, its name as written and its trimmed value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header<'a> {
    /// Folded name.
    pub name: HeaderName,
    /// Name as the peer wrote it.
    pub written: &'a str,
    /// Value without surrounding blanks.
    pub value: &'a str,
}

/// Where one header line's parts stand. A head is at most 32 KiB, so 16 bits will do.
#[derive(Debug, Clone, Copy, Default)]
struct Line {
    start: u16,
    name_end: u16,
    value_start: u16,
    value_end: u16,
    name: HeaderName,
}

/// All header lines of a head, with the first line of each known header at hand.
#[derive(Debug)]
pub(super) struct Table {
    lines: [Line; SIP_HEADERS_MAX],
    len: u8,
    /// Index into `lines` plus one; 0 for a header that is absent.
    first: [u8; HeaderName::COUNT],
}

const _: () =
    assert!(SIP_HEAD_BYTES_MAX <= u16::MAX as usize && SIP_HEADERS_MAX < u8::MAX as usize);

impl Table {
    /// Reads the header lines of `head` from `start` on, up to the blank line that ends it.
    pub(super) fn parse(head: &str, start: usize) -> Result<Table, MessageError> {
        let bytes = head.as_bytes();
        let mut table = Table {
            lines: [Line::default(); SIP_HEADERS_MAX],
            len: 0,
            first: [0; HeaderName::COUNT],
        };
        let mut at = start;
        loop {
            let end = line_end(bytes, at).ok_or(MessageError::HeaderLine)?;
            if end == at {
                break;
            }
            table.push(head, at, end)?;
            at = end + 2;
        }
        if at + 2 == bytes.len() { Ok(table) } else { Err(MessageError::HeaderLine) }
    }

    fn push(&mut self, head: &str, start: usize, end: usize) -> Result<(), MessageError> {
        let bytes = head.as_bytes();
        let colon = start + memchr(b':', &bytes[start..end]).ok_or(MessageError::HeaderLine)?;
        let name_end = trim_back(bytes, start, colon);
        let written = &head[start..name_end];
        let name = HeaderName::of(written);
        if name == HeaderName::Other && !is_token(written) {
            return Err(MessageError::HeaderLine);
        }
        let index = usize::from(self.len);
        let line = self.lines.get_mut(index).ok_or(MessageError::TooManyHeaders)?;
        self.len += 1;
        let first = &mut self.first[name as usize];
        if *first == 0 {
            *first = self.len;
        } else if name.is_single() {
            return Err(MessageError::HeaderTwice(name));
        }
        let value_start = trim_front(bytes, colon + 1, end);
        let value_end = trim_back(bytes, value_start, end);
        let short = |at: usize| u16::try_from(at).expect("the caller bounds the head");
        *line = Line {
            start: short(start),
            name_end: short(name_end),
            value_start: short(value_start),
            value_end: short(value_end),
            name,
        };
        Ok(())
    }

    pub(super) fn iter<'t, 'a>(&'t self, head: &'a str) -> impl Iterator<Item = Header<'a>> + 't
    where
        'a: 't,
    {
        self.lines[..usize::from(self.len)].iter().map(move |line| line.header(head))
    }

    /// Value of the first header of that name.
    pub(super) fn first<'a>(&self, head: &'a str, name: HeaderName) -> Option<&'a str> {
        let index = usize::from(self.first[name as usize]).checked_sub(1)?;
        Some(self.lines[index].header(head).value)
    }
}

impl Line {
    fn header<'a>(&self, head: &'a str) -> Header<'a> {
        Header {
            name: self.name,
            written: &head[usize::from(self.start)..usize::from(self.name_end)],
            value: &head[usize::from(self.value_start)..usize::from(self.value_end)],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_any_case_and_form() {
        let check = |name: &str, expect| assert_eq!(HeaderName::of(name), expect, "{name}");
        check("Via", HeaderName::Via);
        check("v", HeaderName::Via);
        check("F", HeaderName::From);
        check("call-id", HeaderName::CallId);
        check("CONTACT", HeaderName::Contact);
        check("m", HeaderName::Contact);
        check("i", HeaderName::CallId);
        check("cseq", HeaderName::CSeq);
        check("l", HeaderName::ContentLength);
        check("c", HeaderName::ContentType);
        check("k", HeaderName::Supported);
        check("o", HeaderName::Event);
        check("x", HeaderName::SessionExpires);
        check("p-asserted-identity", HeaderName::PAssertedIdentity);
        check("s", HeaderName::Other);
        check("Subject", HeaderName::Other);
        check("Vix", HeaderName::Other);
        check("", HeaderName::Other);
    }

    #[test]
    fn lines_in_order() {
        let head = "Subject:\r\nv :\t a \r\nVia: b\r\n\r\n";
        let table = Table::parse(head, 0).unwrap();
        let lines: Vec<_> = table.iter(head).map(|h| (h.written, h.value)).collect();
        assert_eq!(lines, [("Subject", ""), ("v", "a"), ("Via", "b")]);
        assert_eq!(table.first(head, HeaderName::Via), Some("a"));
        assert_eq!(table.first(head, HeaderName::To), None);
    }
}
