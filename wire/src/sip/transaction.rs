//! Transactions over reliable transports (RFC 3261 §17): nothing is retransmitted, so what remains is
//! a few numbers and the little machine of an INVITE's 200 that waits for its ACK.

/// Timer F and timer B over reliable transports: 64 × T1, in milliseconds (RFC 3261 table 4).
pub const TIMEOUT_MS: u64 = 32_000;

/// State of the server side of an INVITE that was accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accepted {
    /// The 200 is out; the ACK must come within [`TIMEOUT_MS`] (RFC 3261 §13.3.1.4).
    AwaitingAck {
        /// CSeq number of the INVITE.
        cseq: u32,
    },
    /// The ACK came.
    Confirmed,
}

impl Accepted {
    /// Notes an ACK for `cseq`; false when it belongs to no open INVITE.
    pub fn ack(&mut self, cseq: u32) -> bool {
        let _ = cseq;
        todo!()
    }
}

/// What to do with a request by its CSeq (RFC 3261 §12.2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Strictly higher than every request before: process it.
    New,
    /// Not higher: answer 500, process nothing.
    Stale,
}

/// Compares and remembers a remote CSeq. ACK and CANCEL are not ordered and must not be passed.
pub fn order(highest: &mut u32, cseq: u32) -> Order {
    let _ = (highest, cseq);
    todo!()
}
