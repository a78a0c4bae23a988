//! The per-dialog stamp: everything in front of an INFO's body that does not change, rendered once.
//!
//! Per delivery only three things vary: the branch, the CSeq number and the Content-Length. So a
//! delivery to one more session costs two copies of constant bytes and three numbers; the body is
//! shared by all sessions and never copied here.

use super::write::{push_clean, push_decimal, push_line};

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
    /// Start of the branch behind `z9hG4bK`; unique for the dialog. The CSeq follows as 8 hex
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
    /// Whole further lines (each with CRLF) such as `Contact: …\r\n`; may be empty.
    pub extra: &'a str,
}

/// Precomputed head of the INFOs of one dialog in one direction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    bytes: Box<[u8]>,
    /// Where the branch's CSeq digits go: `bytes[..split]` stands before them.
    split: u32,
}

/// Most bytes that the varying parts add to a stamp.
pub const STAMP_VARYING_BYTES_MAX: usize = 64;

const METHOD: &str = "INFO";
/// How every branch begins (RFC 3261 §8.1.1.7).
pub(super) const BRANCH_COOKIE: &str = "z9hG4bK";
/// Digits of a branch of ours: its key's and its CSeq number's.
const BRANCH_DIGITS: usize = 24;
const CONTENT_TYPE: &str = "Content-Type: text/plain\r\n";
const CSEQ: &str = "CSeq: ";

impl Stamp {
    /// Renders the constant parts.
    pub fn new(fields: &StampFields<'_>) -> Stamp {
        let mut bytes = Vec::with_capacity(512);
        let out = &mut bytes;
        push_clean(out, &[METHOD, " ", fields.target]);
        out.extend_from_slice(b" SIP/2.0\r\nVia: SIP/2.0/");
        push_clean(out, &[fields.transport, " ", fields.sent_by]);
        push_clean(out, &[";branch=", BRANCH_COOKIE]);
        push_hex(out, (fields.branch_key >> 32) as u32);
        push_hex(out, fields.branch_key as u32);
        let split = u32::try_from(out.len()).expect("a head is far below 4 GiB");
        out.extend_from_slice(b"\r\nMax-Forwards: 70\r\n");
        push_line(out, "From", fields.from);
        push_line(out, "To", fields.to);
        push_line(out, "Call-ID", fields.call_id);
        for route in fields.routes {
            push_line(out, "Route", route);
        }
        for line in fields.extra.split("\r\n").filter(|line| !line.is_empty()) {
            push_clean(out, &[line]);
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(CONTENT_TYPE.as_bytes());
        out.extend_from_slice(CSEQ.as_bytes());
        Stamp { bytes: bytes.into_boxed_slice(), split }
    }

    /// Appends the head of INFO number `cseq` with a `text/plain` body of `body_len` bytes.
    pub fn write(&self, out: &mut Vec<u8>, cseq: u32, body_len: usize) {
        let (front, back) = self.bytes.split_at(self.split as usize);
        out.reserve(self.bytes.len() + STAMP_VARYING_BYTES_MAX);
        out.extend_from_slice(front);
        push_hex(out, cseq);
        out.extend_from_slice(back);
        push_decimal(out, cseq as usize);
        out.extend_from_slice(b" INFO\r\nContent-Length: ");
        push_decimal(out, body_len);
        out.extend_from_slice(b"\r\n\r\n");
    }

    /// Appends the head of another request of the dialog without a body (BYE, UPDATE, ACK).
    pub fn write_bare(&self, out: &mut Vec<u8>, method: &str, cseq: u32) {
        let (front, back) = self.bytes.split_at(self.split as usize);
        let typed_len = back.len() - CONTENT_TYPE.len() - CSEQ.len();
        out.reserve(self.bytes.len() + STAMP_VARYING_BYTES_MAX);
        push_clean(out, &[method]);
        out.extend_from_slice(&front[METHOD.len()..]);
        push_hex(out, cseq);
        out.extend_from_slice(&back[..typed_len]);
        out.extend_from_slice(CSEQ.as_bytes());
        push_decimal(out, cseq as usize);
        push_clean(out, &[" ", method]);
        out.extend_from_slice(b"\r\nContent-Length: 0\r\n\r\n");
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
    // Upper case is refused as well: peers repeat a branch as it is, so it would not be ours.
    let ([high, low, cseq], []) = digits.as_chunks() else { unreachable!("three times eight") };
    let (high, low, cseq) = (hex_value(*high)?, hex_value(*low)?, hex_value(*cseq)?);
    Some((u64::from(high) << 32 | u64::from(low), cseq))
}

fn push_hex(out: &mut Vec<u8>, number: u32) {
    out.extend_from_slice(&hex_digits(number));
}

/// The same byte eight times: what follows works on eight digits at once.
const fn eight(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; 8])
}

/// Digits `0` to `9` and `a` to `f` of values of 0 to 15, one in each byte.
fn digits_of(values: u64) -> u64 {
    let is_letter = (values + eight(6)) >> 4 & eight(1);
    values + eight(b'0') + is_letter * u64::from(b'a' - b'9' - 1)
}

fn hex_digits(number: u32) -> [u8; 8] {
    let mut values = u64::from(number);
    values = (values << 16 | values) & 0x0000_ffff_0000_ffff;
    values = (values << 8 | values) & 0x00ff_00ff_00ff_00ff;
    values = (values << 4 | values) & eight(0x0f);
    digits_of(values).to_be_bytes()
}

/// `None` unless all eight are digits, letters in lower case.
fn hex_value(digits: [u8; 8]) -> Option<u32> {
    let digits = u64::from_be_bytes(digits);
    let is_letter = digits >> 6 & eight(1);
    let mut values = ((digits & eight(0x0f)) + is_letter * 9) & eight(0x0f);
    if digits_of(values) != digits {
        return None;
    }
    values = (values | values >> 4) & 0x00ff_00ff_00ff_00ff;
    values = (values | values >> 8) & 0x0000_ffff_0000_ffff;
    Some((values | values >> 16) as u32)
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
        extra: "Contact: <sip:gc.example>\r\n",
    };

    #[test]
    fn an_info() {
        let mut out = b"before".to_vec();
        Stamp::new(&FIELDS).write(&mut out, 7, 512);
        let expect = "beforeINFO sip:kay@contoso.example;gruu SIP/2.0\r\n\
            Via: SIP/2.0/TLS 198.51.100.7:5041;branch=z9hG4bK0123456789abcdef00000007\r\n\
            Max-Forwards: 70\r\n\
            From: <sip:gc@contoso.example>;tag=b7f2\r\n\
            To: <sip:kay@contoso.example>;tag=33;epid=7a\r\n\
            Call-ID: 5C20gA1F1\r\n\
            Route: <sip:p1.example;lr>\r\n\
            Route: <sip:p2.example;lr>\r\n\
            Contact: <sip:gc.example>\r\n\
            Content-Type: text/plain\r\n\
            CSeq: 7 INFO\r\n\
            Content-Length: 512\r\n\r\n";
        assert_eq!(String::from_utf8(out).unwrap(), expect);
    }

    #[test]
    fn a_bye_has_no_content_type() {
        let mut out = Vec::new();
        let fields = StampFields { routes: &[], extra: "", ..FIELDS };
        Stamp::new(&fields).write_bare(&mut out, "BYE", u32::MAX);
        let expect = "BYE sip:kay@contoso.example;gruu SIP/2.0\r\n\
            Via: SIP/2.0/TLS 198.51.100.7:5041;branch=z9hG4bK0123456789abcdefffffffff\r\n\
            Max-Forwards: 70\r\n\
            From: <sip:gc@contoso.example>;tag=b7f2\r\n\
            To: <sip:kay@contoso.example>;tag=33;epid=7a\r\n\
            Call-ID: 5C20gA1F1\r\n\
            CSeq: 4294967295 BYE\r\n\
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
            extra: "A: 1\nB: 2\r\r\n\r\nC: 3",
        };
        let mut out = Vec::new();
        Stamp::new(&fields).write(&mut out, 1, 0);
        Stamp::new(&fields).write_bare(&mut out, evil, 1);
        let text = String::from_utf8(out).unwrap();
        let starts = |line: &&str| line.starts_with("Injected") || line.starts_with("B:");
        assert_eq!(text.split(['\r', '\n']).find(starts), None, "{text}");
        assert_eq!(text.matches("\r\n\r\n").count(), 2, "{text}");
        assert!(text.contains("A: 1B: 2\r\nC: 3\r\nContent-Type"), "{text}");
    }

    #[test]
    fn the_varying_part_fits_its_bound() {
        let stamp = Stamp::new(&FIELDS);
        let mut out = Vec::new();
        stamp.write(&mut out, u32::MAX, crate::limits::XCCOS_REPLY_BYTES_MAX);
        assert!(out.len() - stamp.constant_len() <= STAMP_VARYING_BYTES_MAX);
    }

    #[test]
    fn branches() {
        let check = |text: &str, expect| assert_eq!(parse_branch(text), expect, "{text}");
        check("z9hG4bK0123456789abcdef00000007", Some((0x0123_4567_89ab_cdef, 7)));
        check("z9hG4bKffffffffffffffffffffffff", Some((u64::MAX, u32::MAX)));
        check("z9hG4bK0123456789ABCDEF00000007", None);
        check("z9hG4bK0123456789abcdef0000007", None);
        check("z9hG4bK+123456789abcdef00000007", None);
        check("z9hG4bK0123456789abcdef000000ä", None);
        check("0123456789abcdef00000007", None);
        check("", None);
    }

    #[test]
    fn digits_and_numbers() {
        for number in (0..=u32::MAX).step_by(65_521).chain([0, 9, 10, 15, 16, u32::MAX]) {
            let digits = hex_digits(number);
            assert_eq!(digits, *format!("{number:08x}").as_bytes());
            assert_eq!(hex_value(digits), Some(number));
        }
        for byte in 0..=u8::MAX {
            for at in 0..8 {
                let mut digits = *b"09af1234";
                digits[at] = byte;
                let is_digit = matches!(byte, b'0'..=b'9' | b'a'..=b'f');
                assert_eq!(hex_value(digits).is_some(), is_digit, "{byte:#x} at {at}");
            }
        }
    }
}
