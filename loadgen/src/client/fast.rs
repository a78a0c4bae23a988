//! The short way through a delivery: no message, no tree, no allocation.
//!
//! A load generator must not be slower than the server it measures, and nine of ten messages it
//! reads are deliveries. Everything that does not look exactly as our server writes it returns
//! `None` here and takes the long way through `parlance-wire`.

use super::ClientEvent;
use crate::payload::PostId;
use memchr::memmem::Finder;
use memchr::{memchr, memchr_iter};
use std::sync::LazyLock;

/// Value of the Call-ID line, when it is written in full.
pub(crate) fn call_id(head: &[u8]) -> Option<&[u8]> {
    const NAME: &[u8] = b"\r\nCall-ID: ";
    static FINDER: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(NAME));
    let start = FINDER.find(head)? + NAME.len();
    let end = start + memchr(b'\r', &head[start..])?;
    Some(&head[start..end])
}

/// Appends the 200 to the request whose head is `head`; false (and nothing appended) when a header
/// it must repeat is missing or abbreviated.
fn answer_ok(head: &[u8], out: &mut Vec<u8>) -> bool {
    let start = out.len();
    let mut seen = 0u8;
    out.extend_from_slice(b"SIP/2.0 200 OK\r\n");
    let mut begin = 0;
    for end in memchr_iter(b'\n', head) {
        let line = &head[begin..=end];
        begin = end + 1;
        let which = match line {
            [b'V', b'i', b'a', b':', ..] => 1,
            [b'F', b'r', b'o', b'm', b':', ..] => 2,
            [b'T', b'o', b':', ..] => 4,
            [b'C', b'a', b'l', b'l', b'-', b'I', b'D', b':', ..] => 8,
            [b'C', b'S', b'e', b'q', b':', ..] => 16,
            _ => continue,
        };
        seen |= which;
        out.extend_from_slice(line);
    }
    if seen != 31 {
        out.truncate(start);
        return false;
    }
    out.extend_from_slice(b"Content-Length: 0\r\n\r\n");
    true
}

/// The body of the delivery read last on a link, and what it says. A post comes to many clients of
/// a link one after the other with the same body, which is read once and then only compared.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    body: Vec<u8>,
    room_uri: String,
    author: String,
    chat_id: u64,
    text: String,
    post: Option<PostId>,
    /// Notices are counted instead of read.
    pub(crate) counts: bool,
}

impl Recent {
    /// A message for a client that lets deliveries take the short way is answered and told; false
    /// when it is none for it, and nothing was done.
    pub(crate) fn deliver(
        &mut self,
        head: &[u8],
        body: &[u8],
        out: &mut Vec<u8>,
        events: &mut dyn FnMut(ClientEvent<'_>),
    ) -> bool {
        if !head.starts_with(b"INFO ") {
            return false;
        }
        let Some(event) = self.read(body) else { return false };
        let is_answered = answer_ok(head, out);
        if is_answered {
            events(event);
        }
        is_answered
    }

    /// What a body says; `None` for one that the short way cannot read.
    fn read(&mut self, body: &[u8]) -> Option<ClientEvent<'_>> {
        if self.body != body {
            let Some(FastDelivery { room_uri, author, chat_id, text }) = delivery(body) else {
                let counted = if self.counts { count_notices(body) } else { None };
                return counted.map(|notices| ClientEvent::Counted { notices });
            };
            self.body.clear();
            self.body.extend_from_slice(body);
            room_uri.clone_into(&mut self.room_uri);
            author.clone_into(&mut self.author);
            text.clone_into(&mut self.text);
            (self.chat_id, self.post) = (chat_id, PostId::parse(text));
        }
        let Recent { room_uri, author, chat_id, text, post, .. } = self;
        let (chat_id, post) = (*chat_id, *post);
        Some(ClientEvent::Delivered { room_uri, chat_id, author, text, post })
    }
}

/// How many notices a body has that holds nothing else.
fn count_notices(body: &[u8]) -> Option<u64> {
    const NOTICE: &[u8] = b"<ntc ";
    static FINDER: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(NOTICE));
    let root_end = memchr(b'>', body)?;
    let is_whole = body.starts_with(b"<xccos ")
        && body[root_end + 1..].starts_with(NOTICE)
        && body.ends_with(b"</ntc></xccos>");
    // Within a notice none begins: what people write is escaped.
    is_whole.then(|| FINDER.find_iter(body).count() as u64)
}

/// What a delivery says, borrowed from its body.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FastDelivery<'a> {
    pub(super) room_uri: &'a str,
    pub(super) author: &'a str,
    pub(super) chat_id: u64,
    pub(super) text: &'a str,
}

/// Reads a body that holds one `grpchat` and needs no unescaping.
pub(super) fn delivery(body: &[u8]) -> Option<FastDelivery<'_>> {
    if !body.starts_with(b"<xccos ") {
        return None;
    }
    let root_end = memchr(b'>', body)?;
    let element = body[root_end + 1..].strip_prefix(b"<grpchat ")?;
    let tag_end = memchr(b'>', element)?;
    let (room_uri, author, chat_id) = attributes(&element[..tag_end])?;
    let rest = element[tag_end + 1..].strip_prefix(b"<chat>")?;
    let text_end = memchr(b'<', rest)?;
    let (text, tail) = rest.split_at(text_end);
    let is_whole = tail == b"</chat></grpchat></xccos>" && !text.is_empty();
    if !is_whole || memchr::memchr2(b'&', b'\r', text).is_some() {
        return None;
    }
    Some(FastDelivery { room_uri, author, chat_id, text: std::str::from_utf8(text).ok()? })
}

/// `chanUri`, `author` and `chatId` of a start tag; `None` when one is missing or escaped.
fn attributes(tag: &[u8]) -> Option<(&str, &str, u64)> {
    let (mut room_uri, mut author, mut chat_id) = (None, None, None);
    let mut rest = tag;
    while let Some(equals) = memchr(b'=', rest) {
        let name = rest[..equals].trim_ascii();
        let value = rest[equals + 1..].strip_prefix(b"\"")?;
        let end = memchr(b'"', value)?;
        rest = &value[end + 1..];
        let slot = match name {
            b"chanUri" => &mut room_uri,
            b"author" => &mut author,
            b"chatId" => &mut chat_id,
            _ => continue,
        };
        let value = &value[..end];
        if slot.is_some() || memchr(b'&', value).is_some() {
            return None;
        }
        *slot = Some(std::str::from_utf8(value).ok()?);
    }
    Some((room_uri?, author?, chat_id?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = concat!(
        "<xccos xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\" ver=\"1\" envid=\"7\" ",
        "xmlns=\"urn:parlano:xml:ns:xccos\"><grpchat id=\"grpchat\" seqid=\"1\" ",
        "chanUri=\"ma-chan://example.test/x\" author=\"sip:kay@example.test\" ",
        "authdisp=\"Kay &amp; co\" alert=\"false\" chatId=\"420\" ",
        "ts=\"2024-03-08T07:16:05.4417000Z\"><chat>p:1:2 abc</chat></grpchat></xccos>"
    );

    #[test]
    fn reads_a_delivery() {
        let expect = FastDelivery {
            room_uri: "ma-chan://example.test/x",
            author: "sip:kay@example.test",
            chat_id: 420,
            text: "p:1:2 abc",
        };
        assert_eq!(delivery(BODY.as_bytes()), Some(expect));
    }

    #[test]
    fn what_was_read_before_is_told_for_the_same_body_alone() {
        let mut recent = Recent::default();
        let mut told = |body: &str| match recent.read(body.as_bytes()) {
            Some(ClientEvent::Delivered { chat_id, text, post, .. }) => {
                Some((chat_id, text.to_owned(), post))
            }
            _ => None,
        };
        let first = Some((420, "p:1:2 abc".to_owned(), PostId::parse("p:1:2")));
        assert_eq!(told(BODY), first);
        assert_eq!(told(BODY), first);
        let next = BODY.replace("420", "421").replace("p:1:2 abc", "p:3:4 abc");
        assert_eq!(told(&next), Some((421, "p:3:4 abc".to_owned(), PostId::parse("p:3:4"))));
        assert_eq!(told(&BODY.replace("abc", "&lt;")), None);
        assert_eq!(told(BODY), first);
    }

    #[test]
    fn counts_notices_and_nothing_else() {
        let (root, rest) = BODY.split_once('>').expect("a root");
        let notice = "<ntc id=\"ntc:part\" seqid=\"1\"><data></data></ntc>";
        let one = format!("{root}>{notice}</xccos>");
        assert_eq!(count_notices(one.as_bytes()), Some(1));
        assert_eq!(count_notices(format!("{root}>{notice}{notice}</xccos>").as_bytes()), Some(2));
        for other in [BODY, &format!("{root}>{notice}{rest}"), &format!("{notice}</xccos>"), ""] {
            assert_eq!(count_notices(other.as_bytes()), None, "{other}");
        }
        for cut in 0..one.len() {
            assert_eq!(count_notices(&one.as_bytes()[..cut]), None);
        }
    }

    #[test]
    fn leaves_everything_else_to_the_long_way() {
        let changes = [
            ("p:1:2 abc", "a &amp; b"),
            ("p:1:2 abc", ""),
            ("<chat>", "<rtf>x</rtf><chat>"),
            ("chatId=\"420\"", "chatId=\"x\""),
            ("chatId=\"420\" ", ""),
            ("chanUri=\"", "chanUri=\"&amp;"),
            ("</xccos>", ""),
            ("<xccos ", "<?xml version=\"1.0\"?><xccos "),
            ("grpchat ", "rpl "),
        ];
        for (old, new) in changes {
            assert_eq!(delivery(BODY.replace(old, new).as_bytes()), None, "{old} -> {new}");
        }
        for cut in 0..BODY.len() {
            assert_eq!(delivery(&BODY.as_bytes()[..cut]), None);
        }
    }

    #[test]
    fn answers_with_what_must_be_repeated() {
        let head = b"INFO sip:a@b SIP/2.0\r\nVia: SIP/2.0/TCP h:1;branch=z9hG4bK1\r\n\
            Max-Forwards: 70\r\nFrom: <sip:c@b>;tag=1\r\nTo: <sip:a@b>;tag=2\r\nCall-ID: 77\r\n\
            CSeq: 9 INFO\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\n";
        let mut out = Vec::new();
        assert!(answer_ok(head, &mut out));
        let expect = "SIP/2.0 200 OK\r\nVia: SIP/2.0/TCP h:1;branch=z9hG4bK1\r\n\
            From: <sip:c@b>;tag=1\r\nTo: <sip:a@b>;tag=2\r\nCall-ID: 77\r\nCSeq: 9 INFO\r\n\
            Content-Length: 0\r\n\r\n";
        assert_eq!(String::from_utf8(out).unwrap(), expect);
        assert_eq!(call_id(head), Some(&b"77"[..]));
    }

    #[test]
    fn does_not_answer_with_half_a_head() {
        let mut out = b"before".to_vec();
        assert!(!answer_ok(b"INFO sip:a@b SIP/2.0\r\nv: x\r\nCall-ID: 7\r\n\r\n", &mut out));
        assert_eq!(out, b"before");
    }
}
