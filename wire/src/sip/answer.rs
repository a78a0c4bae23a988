//! The short way for the message that comes most often: the bodiless answer to one of our INFOs.
//!
//! One comes back per delivery, so it is worth not being parsed in full. Where [`super::Framer`]
//! and [`super::Message`] accept what is recognised here, they make the same of it; the values of
//! From, To and Call-ID are not looked at, since the branch says all. Whatever is unusual in any
//! way is left to them.

use super::stamp::parse_branch;
use memchr::memchr3_iter;

/// Longest head recognised, in bytes.
const ANSWER_BYTES_MAX: usize = 4 * 1024;
/// Most lines recognised.
const LINES_MAX: usize = 32;

/// An answer to a request of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// Bytes it takes at the front of the buffer.
    pub len: usize,
    /// 100 to 699.
    pub status: u16,
    /// Branch key of the stamp that the request was written with.
    pub key: u64,
    /// CSeq number, the same in branch and CSeq header.
    pub cseq: u32,
}

/// Headers that may stand anywhere, any number of times, without meaning here.
const HARMLESS: [&[u8]; 4] = [b"User-Agent: ", b"Server: ", b"Supported: ", b"Record-Route: "];

/// Which of the headers that must stand exactly once were seen.
#[derive(Debug, Default)]
struct Seen {
    from: bool,
    to: bool,
    call_id: bool,
    content_length: bool,
    branch: Option<(u64, u32)>,
    cseq: Option<u32>,
}

/// Recognises a whole bodiless answer to an INFO of ours at the front of `buffer`.
pub fn recognise(buffer: &[u8]) -> Option<Answer> {
    let head = &buffer[..buffer.len().min(ANSWER_BYTES_MAX)];
    let status = status(head.strip_prefix(b"SIP/2.0 ")?)?;
    let mut seen = Seen::default();
    let mut start = 0;
    let mut lines = 0;
    let mut ends = memchr3_iter(b'\r', b'\n', 0, head);
    while let Some(end) = ends.next() {
        // A CR must be followed by its LF; a lone LF or a NUL is for the framer to refuse.
        if head[end] != b'\r' || ends.next() != Some(end + 1) || head[end + 1] != b'\n' {
            return None;
        }
        let line = &head[start..end];
        start = end + 2;
        if line.is_empty() {
            return seen.answer(start, status);
        }
        if lines > 0 {
            seen.note(line, lines)?;
        }
        lines += 1;
        if lines > LINES_MAX {
            return None;
        }
    }
    None
}

fn status(rest: &[u8]) -> Option<u16> {
    let [a @ b'1'..=b'6', b @ b'0'..=b'9', c @ b'0'..=b'9', b' ', ..] = rest else { return None };
    Some(u16::from(a - b'0') * 100 + u16::from(b - b'0') * 10 + u16::from(c - b'0'))
}

impl Seen {
    /// Takes in one header line; `None` for anything that needs a closer look.
    fn note(&mut self, line: &[u8], index: usize) -> Option<()> {
        match line[0] {
            b'V' if index == 1 => {
                let value = std::str::from_utf8(line.strip_prefix(b"Via: ")?).ok()?;
                let (_, branch) = value.split_once(";branch=")?;
                // One Via with one branch: ours. Behind a quote or bracket it might be none.
                if value.contains([',', '"', '<']) || branch.contains("branch=") {
                    return None;
                }
                self.branch = Some(parse_branch(branch.split(';').next()?)?);
            }
            b'F' => once(&mut self.from, line, b"From: ")?,
            b'T' => once(&mut self.to, line, b"To: ")?,
            b'C' if line.starts_with(b"Ca") => once(&mut self.call_id, line, b"Call-ID: ")?,
            b'C' if line.starts_with(b"CS") => {
                let number = line.strip_prefix(b"CSeq: ")?.strip_suffix(b" INFO")?;
                if self.cseq.replace(decimal(number)?).is_some() {
                    return None;
                }
            }
            b'C' if line == b"Content-Length: 0" => {
                if std::mem::replace(&mut self.content_length, true) {
                    return None;
                }
            }
            _ => return HARMLESS.iter().any(|name| line.starts_with(name)).then_some(()),
        }
        Some(())
    }

    fn answer(&self, len: usize, status: u16) -> Option<Answer> {
        let (key, cseq) = self.branch?;
        let is_whole = self.from && self.to && self.call_id && self.content_length;
        (is_whole && self.cseq == Some(cseq)).then_some(Answer { len, status, key, cseq })
    }
}

/// A header with a plain text value that must not stand twice. Values that need unquoting, escapes
/// or more than a look are left to the parser, and so are names not written as usual.
fn once(seen: &mut bool, line: &[u8], name: &[u8]) -> Option<()> {
    let value = line.strip_prefix(name)?;
    let is_plain = value.first() != Some(&b'"') && !value.is_empty() && value.is_ascii();
    (is_plain && !std::mem::replace(seen, true)).then_some(())
}

/// At most nine digits, no sign.
fn decimal(digits: &[u8]) -> Option<u32> {
    if digits.is_empty() || digits.len() > 9 {
        return None;
    }
    digits
        .iter()
        .try_fold(0, |n, digit| digit.is_ascii_digit().then(|| n * 10 + u32::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::super::{Frame, Framer, Message, Response, Stamp, StampFields, StartLine};
    use super::*;
    use proptest::prelude::*;

    fn answer() -> Vec<u8> {
        let stamp = Stamp::new(&StampFields {
            target: "sip:kay@contoso.example",
            transport: "TCP",
            sent_by: "127.0.0.1:5060",
            branch_key: 0x0000_0001_0000_002a,
            from: "<sip:ocschat@contoso.example>;tag=a1",
            to: "<sip:kay@contoso.example>;tag=b2;epid=c3",
            call_id: "d4",
            routes: &[],
            extra: "",
        });
        let (mut info, mut answer) = (Vec::new(), Vec::new());
        stamp.write(&mut info, 1234, 4);
        let head_len = info.len();
        info.extend_from_slice(b"body");
        let message = Message::parse(&info, head_len).unwrap();
        Response::to(&message, &mut answer, 200, None).header("User-Agent", "x").empty();
        answer
    }

    #[test]
    fn an_ordinary_answer_is_recognised_and_measured() {
        let one = answer();
        let two = [&one[..], b"INFO and more"].concat();
        let expect = Answer { len: one.len(), status: 200, key: 0x0000_0001_0000_002a, cseq: 1234 };
        assert_eq!(recognise(&two), Some(expect));
        for end in 0..one.len() {
            assert_eq!(recognise(&one[..end]), None, "an incomplete one is not");
        }
    }

    #[test]
    fn what_is_unusual_is_left_to_the_parser() {
        let text = String::from_utf8(answer()).unwrap();
        for (from, to) in [
            ("Content-Length: 0", "Content-Length: 00"),
            ("Content-Length: 0", "Content-Length: 0\r\nContent-Length: 0"),
            ("Content-Length: 0", "Content-Length: 0\r\nl: 9"),
            ("Content-Length: 0", "X: 0"),
            ("User-Agent: x", "Content-Type: text/plain"),
            ("User-Agent: x", " folded"),
            ("User-Agent: x", "User-Agent: \0"),
            ("User-Agent: x", "User-Agent: x\ry"),
            ("User-Agent: x\r\n", "User-Agent: x\n"),
            ("SIP/2.0 200", "SIP/2.0 99"),
            ("1234 INFO", "1235 INFO"),
            ("1234 INFO", "1234 BYE"),
            ("z9hG4bK", "z9hG4bX"),
            ("Via:", "v:"),
        ] {
            let changed = text.replacen(from, to, 1);
            assert_ne!(changed, text);
            assert_eq!(recognise(changed.as_bytes()), None, "{to:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]
        /// Whatever a mutation does: what is recognised is what the framer and the parser see.
        #[test]
        fn the_short_way_agrees_with_the_long_one(
            edits in prop::collection::vec(
                (any::<prop::sample::Index>(), any::<u8>(), 0u8..4),
                0..4,
            ),
        ) {
            let mut bytes = answer();
            for (at, byte, kind) in edits {
                let at = at.index(bytes.len());
                match kind {
                    0 => bytes[at] = byte,
                    1 => bytes.insert(at, byte),
                    2 => { bytes.remove(at); }
                    _ => { let tail = bytes[at..].to_vec(); bytes.extend(tail); }
                }
            }
            if let Some(found) = recognise(&bytes) {
                let Ok(Some(Frame::Message { head_len, len })) = Framer::default().next(&bytes)
                else { return Err(TestCaseError::fail("the framer sees no message")) };
                prop_assert_eq!((len, head_len), (found.len, found.len));
                if let Ok(message) = Message::parse(&bytes[..len], head_len) {
                    let StartLine::Response { status, .. } = message.start() else { panic!() };
                    prop_assert_eq!(status, found.status);
                    prop_assert_eq!(message.cseq().number, found.cseq);
                    let branch = message.branch().and_then(parse_branch);
                    prop_assert_eq!(branch, Some((found.key, found.cseq)));
                }
            }
        }
    }
}
