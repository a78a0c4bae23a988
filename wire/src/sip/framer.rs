//! Finds message boundaries in a byte stream, however the stream is split.
//!
//! Strict on purpose: any ambiguity about where a message ends would let one peer of a shared link
//! smuggle a message past another, so it costs the link (`reliability.md` §4).

use std::fmt;

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
    /// The first bytes are no SIP request or status line.
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
    /// Content-Length that is not a plain decimal number.
    ContentLengthMalformed,
    /// Body longer than the bound.
    BodyTooLong,
    /// More than `SIP_KEEPALIVES_MAX` CRLF pairs in a row.
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
#[derive(Debug, Default)]
pub struct Framer {
    scanned: usize,
    total: usize,
}

impl Framer {
    /// Looks for one whole frame at the front of `buffer`; `None` asks for more bytes.
    pub fn next(&mut self, buffer: &[u8]) -> Result<Option<Frame>, FrameError> {
        let _ = (buffer, self.scanned, self.total);
        todo!()
    }

    /// True when the framer is inside a message, i.e. the peer owes more bytes.
    pub fn is_mid_message(&self) -> bool {
        self.scanned > 0
    }
}
