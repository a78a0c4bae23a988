//! The per-dialog stamp: everything in an INFO that is the dialog's own and does not change,
//! rendered once.
//!
//! The CSeq is written last of it. So an INFO is two parts: what the stamp writes, in which only
//! the number varies, and what all INFOs with the same document have in common, which is rendered
//! once, too ([`info_rest`]), and never copied. A delivery to one more session costs two copies of
//! constant bytes and one number in two spellings.

use super::write::{push_clean, push_decimal, push_end, push_line};
use memchr::memmem::Finder;
use std::sync::LazyLock;

/// What a stamp is made of. All texts should be free of CR and LF (they come from parsed
/// messages); controls in them are left out, so that none can start a line of its own.
#[derive(Debug, Clone, Copy)]
pub struct StampFields<'a> {
    /// Request-URI: the peer's Contact (or its From URI).
    pub target: &'a str,
    /// `TCP` or `TLS`.
    pub transport: &'a str,
    /// `host:port` for the Via.
    pub sent_by: &'a str,
    /// Start of the branch behind `z9hG4bK`; unique for the dialog. The CSeq follows in eight
    /// digits.
    pub branch_key: u64,
    /// Whole value of From, tag included (our side).
    pub from: &'a str,
    /// Whole value of To, tag included (their side).
    pub to: &'a str,
    /// Call-ID.
    pub call_id: &'a str,
    /// Route set in the order to be written; empty for none.
    pub routes: &'a [&'a str],
}

/// Precomputed head of the INFOs of one dialog in one direction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    bytes: Box<[u8]>,
    /// Where the branch's CSeq digits go: `bytes[..split]` stands before them.
    split: u16,
    echo: EchoLengths,
}

/// How long the lines are that an answer repeats (RFC 3261 §8.2.6.2), in bytes with their line
/// ends: most clients repeat them letter by letter. 0 for one that is not known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EchoLengths {
    /// From.
    pub from: u16,
    /// To.
    pub to: u16,
    /// Call-ID.
    pub call_id: u16,
}

/// Most bytes that the number adds to a stamp: eight digits of a branch and ten decimal ones.
pub const STAMP_VARYING_BYTES_MAX: usize = 18;
/// Most bytes that [`info_rest`] puts in front of a document.
const REST_HEAD_BYTES_MAX: usize = 128;

const METHOD: &str = "INFO";
/// How every branch begins (RFC 3261 §8.1.1.7).
pub(super) const BRANCH_COOKIE: &str = "z9hG4bK";
/// Digits of a branch of ours: its key's and its CSeq number's. They are the letters `a` to `p`,
/// for 0 to 15: with digits and letters, reading them took three times the instructions, and one
/// is read for each delivery.
const BRANCH_DIGITS: usize = 24;
const DIGIT_ZERO: u8 = b'a';
const CSEQ: &str = "CSeq: ";
const MAX_FORWARDS: &str = "\r\nMax-Forwards: 70\r\n";
const CONTENT_TYPE: &str = "Content-Type: text/plain\r\n";

/// What all INFOs with a document have in common: everything behind the number of the CSeq. `write`
/// appends the document, which is `text/plain`, to the buffer, which is emptied first.
pub fn info_rest(buffer: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) -> &[u8] {
    buffer.clear();
    // The length stands in front of what is measured.
    buffer.resize(REST_HEAD_BYTES_MAX, b' ');
    write(buffer);
    let mut head = Vec::with_capacity(REST_HEAD_BYTES_MAX);
    push_rest_head(&mut head, buffer.len() - REST_HEAD_BYTES_MAX);
    let start = REST_HEAD_BYTES_MAX - head.len();
    buffer[start..REST_HEAD_BYTES_MAX].copy_from_slice(&head);
    &buffer[start..]
}

/// The document in what [`info_rest`] gave.
///
/// # Panics
/// If it is none of its.
pub fn document_of(rest: &[u8]) -> &[u8] {
    const END: &[u8] = b"\r\n\r\n";
    static FINDER: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(END));
    let end = FINDER.find(rest).expect("the head of an INFO ends");
    &rest[end + END.len()..]
}

fn push_rest_head(out: &mut Vec<u8>, document_len: usize) {
    for text in [" ", METHOD, MAX_FORWARDS, CONTENT_TYPE] {
        out.extend_from_slice(text.as_bytes());
    }
    push_end(out, document_len);
}

impl Stamp {
    /// Renders the constant parts.
    ///
    /// # Panics
    /// If they are longer than 64 KiB together: they come from the head of one message, which is
    /// at most [`crate::limits::SIP_HEAD_BYTES_MAX`].
    pub fn new(fields: &StampFields<'_>) -> Stamp {
        let mut bytes = Vec::with_capacity(512);
        let out = &mut bytes;
        push_clean(out, &[METHOD, " ", fields.target]);
        out.extend_from_slice(b" SIP/2.0\r\nVia: SIP/2.0/");
        push_clean(out, &[fields.transport, " ", fields.sent_by]);
        push_clean(out, &[";branch=", BRANCH_COOKIE]);
        push_digits(out, (fields.branch_key >> 32) as u32);
        push_digits(out, fields.branch_key as u32);
        let split = length(out.len());
        out.extend_from_slice(b"\r\n");
        let mut line = |name, value| {
            let start = out.len();
            push_line(out, name, value);
            length(out.len() - start)
        };
        let echo = EchoLengths {
            from: line("From", fields.from),
            to: line("To", fields.to),
            call_id: line("Call-ID", fields.call_id),
        };
        for route in fields.routes {
            push_line(out, "Route", route);
        }
        out.extend_from_slice(CSEQ.as_bytes());
        Stamp { bytes: bytes.into_boxed_slice(), split, echo }
    }

    /// Appends INFO number `cseq` up to that number in its CSeq; [`info_rest`] must follow.
    pub fn write(&self, out: &mut Vec<u8>, cseq: u32) {
        let (front, back) = self.bytes.split_at(self.split as usize);
        out.reserve(self.bytes.len() + STAMP_VARYING_BYTES_MAX);
        out.extend_from_slice(front);
        push_digits(out, cseq);
        out.extend_from_slice(back);
        push_decimal(out, cseq as usize);
    }

    /// Appends all of INFO number `cseq`, for those who send few.
    pub fn write_info(&self, out: &mut Vec<u8>, cseq: u32, document: &[u8]) {
        self.write(out, cseq);
        push_rest_head(out, document.len());
        out.extend_from_slice(document);
    }

    /// Appends another request of the dialog, without a body (BYE, UPDATE, ACK).
    pub fn write_bare(&self, out: &mut Vec<u8>, method: &str, cseq: u32) {
        let (front, back) = self.bytes.split_at(self.split as usize);
        push_clean(out, &[method]);
        out.extend_from_slice(&front[METHOD.len()..]);
        push_digits(out, cseq);
        out.extend_from_slice(back);
        push_decimal(out, cseq as usize);
        push_clean(out, &[" ", method]);
        out.extend_from_slice(MAX_FORWARDS.as_bytes());
        push_end(out, 0);
    }

    /// Of the lines that an answer repeats.
    pub fn echo_lengths(&self) -> EchoLengths {
        self.echo
    }

    /// Bytes the constant part takes in memory.
    pub fn constant_len(&self) -> usize {
        self.bytes.len()
    }
}

/// Reads back the key and CSeq number of a branch made by [`Stamp::write`]; `None` for any other.
pub fn parse_branch(branch: &str) -> Option<(u64, u32)> {
    branch_digits(branch.strip_prefix(BRANCH_COOKIE)?.as_bytes().try_into().ok()?)
}

/// The same of what follows the cookie.
pub(super) fn branch_digits(digits: &[u8; BRANCH_DIGITS]) -> Option<(u64, u32)> {
    let (words, []) = digits.as_chunks() else { unreachable!("three times eight") };
    let words: [u64; 3] = std::array::from_fn(|n| u64::from_be_bytes(words[n]));
    // A digit that is none leaves something in the upper half of its byte: the lowest of them is
    // not touched by what is borrowed for others.
    let values = words.map(|word| word.wrapping_sub(eight(DIGIT_ZERO)));
    if (values[0] | values[1] | values[2]) & eight(0xf0) != 0 {
        return None;
    }
    let [high, low, cseq] = values.map(number_of);
    Some((u64::from(high) << 32 | u64::from(low), cseq))
}

fn length(bytes: usize) -> u16 {
    bytes.try_into().expect("a head is far below 64 KiB")
}

fn push_digits(out: &mut Vec<u8>, number: u32) {
    out.extend_from_slice(&digits_of(number));
}

/// The same byte eight times: what follows works on eight digits at once.
const fn eight(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; 8])
}

/// A number as a branch of ours has it: with it, its CSeq number, each of them ends.
pub fn digits_of(number: u32) -> [u8; 8] {
    let mut values = u64::from(number);
    values = (values << 16 | values) & 0x0000_ffff_0000_ffff;
    values = (values << 8 | values) & 0x00ff_00ff_00ff_00ff;
    values = (values << 4 | values) & eight(0x0f);
    (values + eight(DIGIT_ZERO)).to_be_bytes()
}

/// The number that eight values of 0 to 15 make.
fn number_of(values: u64) -> u32 {
    let values = (values | values >> 4) & 0x00ff_00ff_00ff_00ff;
    let values = (values | values >> 8) & 0x0000_ffff_0000_ffff;
    (values | values >> 16) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIELDS: StampFields<'_> = StampFields {
        target: "sip:kay@contoso.example;gruu",
        transport: "TLS",
        sent_by: "198.51.100.7:5041",
        branch_key: 0x0123_4567_89ab_cdef,
        from: "<sip:gc@contoso.example>;tag=b7f2",
        to: "<sip:kay@contoso.example>;tag=33;epid=7a",
        call_id: "5C20gA1F1",
        routes: &["<sip:p1.example;lr>", "<sip:p2.example;lr>"],
    };

    #[test]
    fn an_info() {
        let mut out = b"before".to_vec();
        let stamp = Stamp::new(&FIELDS);
        stamp.write(&mut out, 7);
        let mut buffer = b"rubbish".to_vec();
        let rest = info_rest(&mut buffer, |out| out.extend(b"<x/>"));
        assert_eq!(document_of(rest), b"<x/>");
        out.extend_from_slice(rest);
        let expect = "beforeINFO sip:kay@contoso.example;gruu SIP/2.0\r\n\
            Via: SIP/2.0/TLS 198.51.100.7:5041;branch=z9hG4bKabcdefghijklmnopaaaaaaah\r\n\
            From: <sip:gc@contoso.example>;tag=b7f2\r\n\
            To: <sip:kay@contoso.example>;tag=33;epid=7a\r\n\
            Call-ID: 5C20gA1F1\r\n\
            Route: <sip:p1.example;lr>\r\n\
            Route: <sip:p2.example;lr>\r\n\
            CSeq: 7 INFO\r\n\
            Max-Forwards: 70\r\n\
            Content-Type: text/plain\r\n\
            Content-Length: 4\r\n\r\n<x/>";
        assert_eq!(String::from_utf8(out).unwrap(), expect);
        let mut whole = b"before".to_vec();
        stamp.write_info(&mut whole, 7, b"<x/>");
        assert_eq!(String::from_utf8(whole).unwrap(), expect);
        let EchoLengths { from, to, call_id } = stamp.echo_lengths();
        for (name, len) in [("From:", from), ("To:", to), ("Call-ID:", call_id)] {
            let line = expect.split_inclusive("\r\n").find(|line| line.starts_with(name));
            assert_eq!(line.map(str::len), Some(len.into()), "{name}");
        }
    }

    #[test]
    fn a_bye_has_no_content_type() {
        let mut out = Vec::new();
        let fields = StampFields { routes: &[], ..FIELDS };
        Stamp::new(&fields).write_bare(&mut out, "BYE", u32::MAX);
        let expect = "BYE sip:kay@contoso.example;gruu SIP/2.0\r\n\
            Via: SIP/2.0/TLS 198.51.100.7:5041;branch=z9hG4bKabcdefghijklmnoppppppppp\r\n\
            From: <sip:gc@contoso.example>;tag=b7f2\r\n\
            To: <sip:kay@contoso.example>;tag=33;epid=7a\r\n\
            Call-ID: 5C20gA1F1\r\n\
            CSeq: 4294967295 BYE\r\n\
            Max-Forwards: 70\r\n\
            Content-Length: 0\r\n\r\n";
        assert_eq!(String::from_utf8(out).unwrap(), expect);
    }

    #[test]
    fn fields_cannot_add_lines() {
        let evil = "x\r\nInjected: 1\r\n\r\n\0";
        let fields = StampFields {
            target: evil,
            transport: evil,
            sent_by: evil,
            branch_key: 0,
            from: evil,
            to: evil,
            call_id: evil,
            routes: &[evil],
        };
        let mut out = Vec::new();
        Stamp::new(&fields).write_info(&mut out, 1, b"");
        Stamp::new(&fields).write_bare(&mut out, evil, 1);
        let text = String::from_utf8(out).unwrap();
        let is_added = |line: &&str| line.starts_with("Injected");
        assert_eq!(text.split(['\r', '\n']).find(is_added), None, "{text}");
        assert_eq!(text.matches("\r\n\r\n").count(), 2, "{text}");
    }

    #[test]
    fn what_varies_fits_its_bounds() {
        let stamp = Stamp::new(&FIELDS);
        let mut out = Vec::new();
        stamp.write(&mut out, u32::MAX);
        assert_eq!(out.len() - stamp.constant_len(), STAMP_VARYING_BYTES_MAX);
        out.clear();
        push_rest_head(&mut out, usize::MAX);
        assert!(out.len() <= REST_HEAD_BYTES_MAX);
    }

    #[test]
    fn branches() {
        let check = |text: &str, expect| assert_eq!(parse_branch(text), expect, "{text}");
        check("z9hG4bKabcdefghijklmnopaaaaaaah", Some((0x0123_4567_89ab_cdef, 7)));
        check("z9hG4bKpppppppppppppppppppppppp", Some((u64::MAX, u32::MAX)));
        check("z9hG4bKabcdefghijklmnoPaaaaaaah", None);
        check("z9hG4bKabcdefghijklmnopaaaaaah", None);
        check("z9hG4bK+bcdefghijklmnopaaaaaaah", None);
        check("z9hG4bKabcdefghijklmnopaaaaaaä", None);
        check("abcdefghijklmnopaaaaaaah", None);
        check("", None);
    }

    #[test]
    fn digits_and_numbers() {
        for number in (0..=u32::MAX).step_by(65_521).chain([0, 9, 10, 15, 16, u32::MAX]) {
            let digits = digits_of(number);
            let shown = format!("{number:08x}");
            let expected = shown.bytes().map(|hex| match hex {
                b'0'..=b'9' => hex - b'0' + b'a',
                _ => hex - b'a' + b'k',
            });
            assert!(digits.iter().copied().eq(expected), "{digits:?} for {shown}");
            assert_eq!(branch_digits(&[digits; 3].concat().try_into().unwrap()), {
                Some((u64::from(number) << 32 | u64::from(number), number))
            });
        }
        for byte in 0..=u8::MAX {
            for at in 0..BRANCH_DIGITS {
                for other in [b'a', b'p'] {
                    let mut digits = [other; BRANCH_DIGITS];
                    digits[at] = byte;
                    let is_digit = (b'a'..=b'p').contains(&byte);
                    assert_eq!(branch_digits(&digits).is_some(), is_digit, "{byte:#x} at {at}");
                }
            }
        }
    }
}
