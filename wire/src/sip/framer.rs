//! Finds message boundaries in a byte stream, however the stream is split.
//!
//! Strict on purpose: any ambiguity about where a message ends would let one peer of a shared link
//! smuggle a message past another, so it costs the link (`reliability.md` §4).

use super::grammar::{is_blank, is_token_byte};
use crate::limits::{
    SIP_HEAD_BYTES_MAX, SIP_HEADERS_MAX, SIP_KEEPALIVES_MAX, SIP_LINE_BYTES_MAX,
    SIP_MESSAGE_BYTES_MAX,
};
use memchr::{memchr, memchr3, memmem};
use std::fmt;

/// Longest method. The longest one registered has 9 letters; RFC 4475 tries 43.
const METHOD_BYTES_MAX: usize = 64;

/// One thing found at the front of the buffer. Lengths are in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frame {
    /// CRLFs between messages (RFC 3261 §7.5, RFC 5626 keep-alive); skip `len` bytes.
    KeepAlive {
        /// Bytes to skip.
        len: usize,
    },
    /// A whole message: `head_len` bytes up to and including the blank line, `len` bytes in all.
    Message {
        /// Start line, header lines and the blank line.
        head_len: usize,
        /// Head and body.
        len: usize,
    },
}

/// Why the stream cannot be read further. Fatal for its link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FrameError {
    /// The first line is no SIP request or status line.
    NotSip,
    /// LF without CR or CR without LF in a head, or a NUL byte.
    BareLineEnd,
    /// A line longer than `SIP_LINE_BYTES_MAX`.
    LineTooLong,
    /// A head longer than `SIP_HEAD_BYTES_MAX`.
    HeadTooLong,
    /// More than `SIP_HEADERS_MAX` header lines.
    TooManyHeaders,
    /// A header line that continues the one before (obsolete folding) or has no colon.
    MalformedHeader,
    /// No Content-Length: on a stream the end of the message is then unknown (RFC 3261 §20.14).
    ContentLengthMissing,
    /// Content-Length twice, in either form, even with equal values.
    ContentLengthTwice,
    /// Content-Length that is not a plain decimal number, or whose name is hidden by controls.
    ContentLengthMalformed,
    /// Body longer than the bound.
    BodyTooLong,
    /// More than `SIP_KEEPALIVES_MAX` CRLFs in a row, all of them unread.
    KeepAliveFlood,
}

impl FrameError {
    /// Short stable name for counters and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            FrameError::NotSip => "not_sip",
            FrameError::BareLineEnd => "bare_line_end",
            FrameError::LineTooLong => "line_too_long",
            FrameError::HeadTooLong => "head_too_long",
            FrameError::TooManyHeaders => "too_many_headers",
            FrameError::MalformedHeader => "malformed_header",
            FrameError::ContentLengthMissing => "content_length_missing",
            FrameError::ContentLengthTwice => "content_length_twice",
            FrameError::ContentLengthMalformed => "content_length_malformed",
            FrameError::BodyTooLong => "body_too_long",
            FrameError::KeepAliveFlood => "keep_alive_flood",
        }
    }
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::error::Error for FrameError {}

/// The framer of one link: remembers how far it has looked, never the bytes themselves.
///
/// The caller keeps the unread bytes and passes them from the first unread byte on. Between two
/// calls the buffer may only grow until a [`Frame`] is returned; then the caller skips its `len`.
/// Work is linear in the bytes received, even when they come one at a time.
#[derive(Debug)]
pub struct Framer {
    body_bytes_max: usize,
    progress: Progress,
    failed: Option<FrameError>,
}

/// What is known of the message at the front of the buffer.
#[derive(Debug, Default)]
struct Progress {
    /// Bytes that were looked at and need no second look.
    scanned: usize,
    /// Where the line being looked at starts.
    line_start: usize,
    /// The first bytes can only be SIP.
    is_sip: bool,
    headers: usize,
    body_len: Option<usize>,
    /// Known once the blank line was seen.
    head_len: Option<usize>,
}

impl Default for Framer {
    fn default() -> Framer {
        Framer::with_body_bytes_max(SIP_MESSAGE_BYTES_MAX - SIP_HEAD_BYTES_MAX)
    }
}

impl Framer {
    /// A framer with a bound of its own for bodies. A client needs it: what the server writes may
    /// be longer (`XCCOS_REPLY_BYTES_MAX`) than what the server reads.
    pub fn with_body_bytes_max(body_bytes_max: usize) -> Framer {
        Framer { body_bytes_max, progress: Progress::default(), failed: None }
    }

    /// Looks for one whole frame at the front of `buffer`; `None` asks for more bytes. After an
    /// error there is no way back: every further call returns the same one.
    pub fn next(&mut self, buffer: &[u8]) -> Result<Option<Frame>, FrameError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        self.find(buffer).inspect_err(|error| self.failed = Some(*error))
    }

    /// True when the framer is inside a message, i.e. the peer owes more bytes.
    pub fn is_mid_message(&self) -> bool {
        self.progress.scanned > 0
    }

    fn find(&mut self, buffer: &[u8]) -> Result<Option<Frame>, FrameError> {
        if !self.is_mid_message() && matches!(buffer.first(), Some(b'\r' | b'\n')) {
            return keep_alive(buffer);
        }
        let progress = &mut self.progress;
        let head_len = match progress.head_len {
            Some(known) => known,
            None => match progress.scan_head(buffer, self.body_bytes_max)? {
                Some(found) => *progress.head_len.insert(found),
                None => return Ok(None),
            },
        };
        let len = head_len + progress.body_len.ok_or(FrameError::ContentLengthMissing)?;
        if buffer.len() < len {
            return Ok(None);
        }
        *progress = Progress::default();
        Ok(Some(Frame::Message { head_len, len }))
    }
}

impl Progress {
    /// Goes on with the head; its length once the blank line is there.
    fn scan_head(
        &mut self,
        buffer: &[u8],
        body_bytes_max: usize,
    ) -> Result<Option<usize>, FrameError> {
        if !self.is_sip {
            self.is_sip = starts_like_sip(buffer)?;
            if !self.is_sip {
                self.scanned = buffer.len();
                return Ok(None);
            }
        }
        while let Some(end) = self.find_line_end(buffer)? {
            let line = &buffer[self.line_start..end];
            let is_first = self.line_start == 0;
            self.line_start = end + 2;
            self.scanned = end + 2;
            if is_first {
                check_start_line(line)?;
            } else if line.is_empty() {
                return Ok(Some(end + 2));
            } else {
                self.header_line(line, body_bytes_max)?;
            }
        }
        Ok(None)
    }

    /// Position of the CR that ends the current line. The search never looks past the bounds, so
    /// that the verdict is the same whether the bytes come at once or one by one.
    fn find_line_end(&mut self, buffer: &[u8]) -> Result<Option<usize>, FrameError> {
        use FrameError::{HeadTooLong, LineTooLong};
        let line_limit = self.line_start + SIP_LINE_BYTES_MAX + 1;
        let limit = line_limit.min(SIP_HEAD_BYTES_MAX - 1);
        let visible = buffer.len().min(limit);
        let fresh = buffer.get(self.scanned..visible).unwrap_or_default();
        let Some(found) = memchr3(b'\r', b'\n', 0, fresh) else {
            if buffer.len() >= limit {
                let is_head = limit < line_limit;
                return Err(if is_head { HeadTooLong } else { LineTooLong });
            }
            self.scanned = visible;
            return Ok(None);
        };
        self.scanned += found;
        match (fresh[found], buffer.get(self.scanned + 1)) {
            (b'\r', Some(b'\n')) => Ok(Some(self.scanned)),
            (b'\r', None) => Ok(None),
            _ => Err(FrameError::BareLineEnd),
        }
    }

    fn header_line(&mut self, line: &[u8], body_bytes_max: usize) -> Result<(), FrameError> {
        self.headers += 1;
        if self.headers > SIP_HEADERS_MAX {
            return Err(FrameError::TooManyHeaders);
        }
        if is_blank(line[0]) {
            return Err(FrameError::MalformedHeader);
        }
        let colon = memchr(b':', line).ok_or(FrameError::MalformedHeader)?;
        if !is_length_name(&line[..colon])? {
            return Ok(());
        }
        if self.body_len.is_some() {
            return Err(FrameError::ContentLengthTwice);
        }
        let len = parse_length(&line[colon + 1..])?;
        if len > body_bytes_max {
            return Err(FrameError::BodyTooLong);
        }
        self.body_len = Some(len);
        Ok(())
    }
}

/// Counts the CRLFs at the front. Only what lies unread at once is counted: an idle client sends
/// two CRLFs a minute for hours, and slow ones are a matter for the link's rate limit.
fn keep_alive(buffer: &[u8]) -> Result<Option<Frame>, FrameError> {
    let pairs = buffer.chunks_exact(2).take_while(|pair| pair == b"\r\n");
    match pairs.take(SIP_KEEPALIVES_MAX + 1).count() {
        0 if buffer == b"\r" => Ok(None),
        0 => Err(FrameError::BareLineEnd),
        count if count > SIP_KEEPALIVES_MAX => Err(FrameError::KeepAliveFlood),
        count => Ok(Some(Frame::KeepAlive { len: 2 * count })),
    }
}

/// True once the first bytes are `METHOD ` or `SIP/2.0 `, false while they still may become so.
/// Whoever speaks TLS, HTTP/2 or noise to us is found out here, without waiting for a line end.
fn starts_like_sip(buffer: &[u8]) -> Result<bool, FrameError> {
    const STATUS: &[u8] = b"SIP/2.0 ";
    let token_len = buffer.iter().take_while(|byte| is_token_byte(**byte)).count();
    if token_len > METHOD_BYTES_MAX {
        return Err(FrameError::NotSip);
    }
    match buffer.get(token_len) {
        None => Ok(false),
        Some(b' ') if token_len > 0 => Ok(true),
        Some(b'/') if buffer.starts_with(STATUS) => Ok(true),
        Some(b'/') if STATUS.starts_with(buffer) => Ok(false),
        Some(_) => Err(FrameError::NotSip),
    }
}

/// Refuses other protocols with a similar first line, such as HTTP. A wrong SIP version is left to
/// the message parser: it costs the message only.
fn check_start_line(line: &[u8]) -> Result<(), FrameError> {
    let is_sip = line.starts_with(b"SIP/2.0 ")
        || line.ends_with(b" SIP/2.0")
        || memmem::find(line, b" SIP/").is_some();
    if is_sip { Ok(()) } else { Err(FrameError::NotSip) }
}

/// Is this the name of the header that says where the message ends? One that only a careless
/// reader would take for it (other control characters around it) is an ambiguity, hence an error.
fn is_length_name(name: &[u8]) -> Result<bool, FrameError> {
    let is_noise = |byte: &u8| *byte <= b' ' || *byte == 0x7f;
    let Some(start) = name.iter().position(|byte| !is_noise(byte)) else { return Ok(false) };
    let end = name.iter().rposition(|byte| !is_noise(byte)).map_or(start, |last| last + 1);
    let core = &name[start..end];
    if !core.eq_ignore_ascii_case(b"l") && !core.eq_ignore_ascii_case(b"content-length") {
        return Ok(false);
    }
    if start > 0 || !name[end..].iter().all(|byte| is_blank(*byte)) {
        return Err(FrameError::ContentLengthMalformed);
    }
    Ok(true)
}

/// Reads digits between blanks. A number too big for the type is as good as any beyond the bound.
fn parse_length(value: &[u8]) -> Result<usize, FrameError> {
    let start = value.iter().position(|byte| !is_blank(*byte)).unwrap_or(0);
    let end = value.iter().rposition(|byte| !is_blank(*byte)).map_or(0, |last| last + 1);
    let digits = &value[start..end];
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(FrameError::ContentLengthMalformed);
    }
    Ok(digits
        .iter()
        .fold(0usize, |sum, digit| sum.saturating_mul(10).saturating_add((digit - b'0').into())))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OK: &str = "SIP/2.0 200 OK\r\nVia: SIP/2.0/TCP h\r\nCSeq: 1 INFO\r\n";
    const INFO: &str = "INFO sip:a@b SIP/2.0\r\nVia: SIP/2.0/TCP h\r\n";

    /// What a link does: keeps what is unread, skips what was framed. The lengths of the messages
    /// and the sum of the keep-alives, or the error.
    fn run(chunks: &[&[u8]]) -> (Vec<(usize, usize)>, usize, Option<FrameError>) {
        let (mut framer, mut unread) = (Framer::default(), Vec::new());
        let (mut messages, mut skipped) = (Vec::new(), 0);
        for chunk in chunks {
            unread.extend_from_slice(chunk);
            loop {
                let len = match framer.next(&unread) {
                    Err(error) => return (messages, skipped, Some(error)),
                    Ok(None) => break,
                    Ok(Some(Frame::KeepAlive { len })) => {
                        skipped += len;
                        len
                    }
                    Ok(Some(Frame::Message { head_len, len })) => {
                        messages.push((head_len, len));
                        len
                    }
                };
                unread.drain(..len);
            }
        }
        (messages, skipped, None)
    }

    fn whole(bytes: &[u8]) -> Result<Option<Frame>, FrameError> {
        Framer::default().next(bytes)
    }

    /// The same error for the whole input at once, byte by byte, and a second time.
    #[track_caller]
    fn check_error(input: &str, expect: FrameError) {
        let mut framer = Framer::default();
        assert_eq!(framer.next(input.as_bytes()), Err(expect), "{input:.200}");
        assert_eq!(framer.next(input.as_bytes()), Err(expect), "{input:.200}");
        let bytes: Vec<&[u8]> = input.as_bytes().chunks(1).collect();
        assert_eq!(run(&bytes).2, Some(expect), "{input:.200}");
    }

    #[test]
    fn any_split_finds_the_same_messages() {
        let stream = format!(
            "\r\n\r\n{OK}Content-Length: 0\r\n\r\n{INFO}l : 5 \r\n\r\na\r\n\0b\r\n\
             {OK}CONTENT-LENGTH:0003\r\nX: y\r\n\r\nabc{INFO}L:0\r\n\r\n\r\n"
        );
        let bytes = stream.as_bytes();
        let (messages, skipped, error) = run(&[bytes]);
        assert_eq!((messages.len(), skipped, error), (4, 8, None));
        assert_eq!(messages.iter().map(|m| m.1).sum::<usize>() + skipped, bytes.len());
        for split in 0..bytes.len() {
            let (front, back) = bytes.split_at(split);
            assert_eq!(run(&[front, back]), (messages.clone(), skipped, None), "{split}");
        }
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(run(&single), (messages, skipped, None));
    }

    #[test]
    fn inside_and_between() {
        let mut framer = Framer::default();
        let message = format!("{INFO}Content-Length: 2\r\n\r\nab");
        for len in 1..message.len() {
            assert_eq!(framer.next(&message.as_bytes()[..len]), Ok(None));
            assert!(framer.is_mid_message(), "{len}");
        }
        let head_len = message.len() - 2;
        let frame = Frame::Message { head_len, len: message.len() };
        assert_eq!(framer.next(message.as_bytes()), Ok(Some(frame)));
        assert!(!framer.is_mid_message());
        for between in ["", "\r", "\r\n"] {
            framer.next(between.as_bytes()).unwrap();
            assert!(!framer.is_mid_message(), "{between:?}");
        }
    }

    #[test]
    fn keep_alives() {
        let check = |count: usize, tail: &str, expect| {
            let input = "\r\n".repeat(count) + tail;
            assert_eq!(whole(input.as_bytes()), expect, "{count} {tail:?}");
        };
        check(1, "", Ok(Some(Frame::KeepAlive { len: 2 })));
        check(2, "\r", Ok(Some(Frame::KeepAlive { len: 4 })));
        check(2, "INFO", Ok(Some(Frame::KeepAlive { len: 4 })));
        check(SIP_KEEPALIVES_MAX, "x", Ok(Some(Frame::KeepAlive { len: 2 * SIP_KEEPALIVES_MAX })));
        check(SIP_KEEPALIVES_MAX + 1, "", Err(FrameError::KeepAliveFlood));
        check(SIP_KEEPALIVES_MAX * 100, "", Err(FrameError::KeepAliveFlood));
        check(0, "\r", Ok(None));
        check(0, "\n", Err(FrameError::BareLineEnd));
        check(0, "\rI", Err(FrameError::BareLineEnd));
        // An idle client's hours of keep-alives are no flood.
        let hours = ["\r\n\r\n".as_bytes(); 500];
        assert_eq!(run(&hours), (Vec::new(), 2000, None));
    }

    #[test]
    fn other_protocols_are_told_at_once() {
        let check = |input: &[u8]| {
            assert_eq!(whole(input), Err(FrameError::NotSip), "{input:?}");
        };
        check(b"\x16\x03\x01\x02");
        check(b"\0");
        check(b" ");
        check(b"<xml");
        check(b"INFO\t");
        check(b"INFO\r\n");
        check(b"SIP/1");
        check(b"SIP/2.0\r");
        check(b"sip/2.0 200 OK");
        check(b"HTTP/1.1");
        check(b"GET / HTTP/1.1\r\n");
        check("M".repeat(METHOD_BYTES_MAX + 1).as_bytes());
        for partial in ["S", "SIP", "SIP/", "SIP/2.0", "SIP/2.0 ", "INFO sip:a@b"] {
            assert_eq!(whole(partial.as_bytes()), Ok(None), "{partial}");
        }
        // Another version of SIP costs the message only.
        let newer = format!("{}l: 0\r\n\r\n", INFO.replace("b SIP/2.0", "b SIP/7.0"));
        assert!(matches!(whole(newer.as_bytes()), Ok(Some(Frame::Message { .. }))));
    }

    #[test]
    fn line_ends() {
        check_error(&format!("{INFO}a: b\n"), FrameError::BareLineEnd);
        check_error(&format!("{INFO}a: b\rc"), FrameError::BareLineEnd);
        check_error(&format!("{INFO}a: b\r\r\n"), FrameError::BareLineEnd);
        check_error(&format!("{INFO}a: b\0c\r\n"), FrameError::BareLineEnd);
        check_error(&format!("{INFO}l: 0\r\n\n"), FrameError::BareLineEnd);
        check_error("INFO sip:a@b SIP/2.0\n", FrameError::BareLineEnd);
    }

    #[test]
    fn bounds() {
        let longest = "x".repeat(SIP_LINE_BYTES_MAX - 2);
        let fits = format!("{INFO}a:{longest}\r\nl: 0\r\n\r\n");
        assert!(matches!(whole(fits.as_bytes()), Ok(Some(_))));
        check_error(&format!("{INFO}a:{longest}x\r\nl: 0\r\n\r\n"), FrameError::LineTooLong);
        check_error(&format!("{INFO}a:{longest}x\0"), FrameError::LineTooLong);
        check_error(&format!("INFO {longest}xxxx"), FrameError::LineTooLong);

        let long_head = |len: usize| {
            let lines = format!("a:{longest}\r\n").repeat(3);
            let start = format!("{INFO}l: 0\r\n{lines}b:");
            let fill = "x".repeat(len - start.len() - 4);
            start + &fill + "\r\n\r\n"
        };
        let fits = long_head(SIP_HEAD_BYTES_MAX);
        let frame = Frame::Message { head_len: SIP_HEAD_BYTES_MAX, len: SIP_HEAD_BYTES_MAX };
        assert_eq!(whole(fits.as_bytes()), Ok(Some(frame)));
        check_error(&long_head(SIP_HEAD_BYTES_MAX + 1), FrameError::HeadTooLong);
        check_error(&long_head(SIP_HEAD_BYTES_MAX + 3), FrameError::HeadTooLong);

        let lines = |count: usize| format!("{INFO}l: 0\r\n{}\r\n", "a: b\r\n".repeat(count - 2));
        assert!(matches!(whole(lines(SIP_HEADERS_MAX).as_bytes()), Ok(Some(_))));
        check_error(&lines(SIP_HEADERS_MAX + 1), FrameError::TooManyHeaders);
    }

    #[test]
    fn header_lines() {
        check_error(&format!("{INFO} folded\r\n"), FrameError::MalformedHeader);
        check_error(&format!("{INFO}\tfolded: x\r\n"), FrameError::MalformedHeader);
        check_error(&format!("{INFO}no colon\r\n"), FrameError::MalformedHeader);
        // A bad name is the message parser's business.
        let odd = format!("{INFO}:\r\n: x\r\na b: c\r\nl: 0\r\n\r\n");
        assert!(matches!(whole(odd.as_bytes()), Ok(Some(_))));
    }

    #[test]
    fn lengths() {
        let check = |lines: &str, expect| check_error(&format!("{INFO}{lines}\r\n\r\n"), expect);
        check("a: b", FrameError::ContentLengthMissing);
        check("Content-Length: 1\r\nContent-Length: 1", FrameError::ContentLengthTwice);
        check("l: 1\r\nX: y\r\ncontent-length: 1", FrameError::ContentLengthTwice);
        for value in ["", " ", "-1", "+1", "0x1", "1 2", "1,1", "1;a", "1.0", "\u{661}"] {
            check(&format!("Content-Length:{value}"), FrameError::ContentLengthMalformed);
        }
        for name in ["\u{b}l", "l\u{b}", "Content-Length\u{7f}", "\u{1} Content-Length"] {
            check(&format!("{name}: 1"), FrameError::ContentLengthMalformed);
        }
        let body_max = SIP_MESSAGE_BYTES_MAX - SIP_HEAD_BYTES_MAX;
        check(&format!("l: {}", body_max + 1), FrameError::BodyTooLong);
        check("l: 99999999999999999999999999999999999999", FrameError::BodyTooLong);
        let largest = format!("{INFO}l: {body_max}\r\n\r\n");
        assert_eq!(whole(largest.as_bytes()), Ok(None));
        let mut generous = Framer::with_body_bytes_max(body_max + 1);
        let larger = format!("{INFO}l: {}\r\n\r\n", body_max + 1);
        assert_eq!(generous.next(larger.as_bytes()), Ok(None));
    }
}
