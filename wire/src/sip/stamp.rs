//! The per-dialog stamp: everything in front of an INFO's body that does not change, rendered once.
//!
//! Per delivery only three things vary: the branch, the CSeq number and the Content-Length. So a
//! delivery to one more session costs two copies of constant bytes and three numbers; the body is
//! shared by all sessions and never copied here.

/// What a stamp is made of. All texts must be free of CR and LF (they come from parsed messages).
#[derive(Debug, Clone, Copy)]
pub struct StampFields<'a> {
    /// Request-URI: the peer's Contact (or its From URI).
    pub target: &'a str,
    /// `TCP` or `TLS`.
    pub transport: &'a str,
    /// `host:port` for the Via.
    pub sent_by: &'a str,
    /// Start of the branch behind `z9hG4bK`; unique for the dialog. The CSeq follows as 8 hex digits.
    pub branch_key: u64,
    /// Whole value of From, tag included (our side).
    pub from: &'a str,
    /// Whole value of To, tag included (their side).
    pub to: &'a str,
    /// Call-ID.
    pub call_id: &'a str,
    /// Route set in the order to be written; empty for none.
    pub routes: &'a [&'a str],
    /// A whole further line (with CRLF) such as `Contact: …\r\n`; may be empty.
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

impl Stamp {
    /// Renders the constant parts.
    pub fn new(fields: &StampFields<'_>) -> Stamp {
        let _ = fields;
        todo!()
    }

    /// Appends the head of INFO number `cseq` with a `text/plain` body of `body_len` bytes.
    pub fn write(&self, out: &mut Vec<u8>, cseq: u32, body_len: usize) {
        let _ = (out, cseq, body_len, self.split);
        todo!()
    }

    /// Appends the head of another request of the dialog without a body (BYE, UPDATE, ACK).
    pub fn write_bare(&self, out: &mut Vec<u8>, method: &str, cseq: u32) {
        let _ = (out, method, cseq);
        todo!()
    }

    /// Bytes the constant part takes in memory.
    pub fn constant_len(&self) -> usize {
        self.bytes.len()
    }
}

/// Reads back the key and CSeq number of a branch made by [`Stamp::write`]; `None` for any other.
pub fn parse_branch(branch: &str) -> Option<(u64, u32)> {
    let _ = branch;
    todo!()
}
