//! Transactions over reliable transports (RFC 3261 §17): nothing is retransmitted, so what remains
//! is a few numbers and the little machine of an INVITE's 200 that waits for its ACK.

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
        let is_ours = *self == Accepted::AwaitingAck { cseq };
        if is_ours {
            *self = Accepted::Confirmed;
        }
        is_ours
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
    if cseq <= *highest {
        return Order::Stale;
    }
    *highest = cseq;
    Order::New
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ack_confirms_its_own_invite_once() {
        let mut accepted = Accepted::AwaitingAck { cseq: 3 };
        assert!(!accepted.ack(2));
        assert!(accepted.ack(3));
        assert_eq!(accepted, Accepted::Confirmed);
        assert!(!accepted.ack(3));
    }

    #[test]
    fn only_rising_numbers_are_new() {
        let mut highest = 1;
        let mut check = |cseq: u32, expect: Order, after: u32| {
            assert_eq!(order(&mut highest, cseq), expect, "{cseq}");
            assert_eq!(highest, after, "{cseq}");
        };
        check(1, Order::Stale, 1);
        check(2, Order::New, 2);
        check(9, Order::New, 9);
        check(8, Order::Stale, 9);
        check(9, Order::Stale, 9);
    }
}
