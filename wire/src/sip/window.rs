//! The window of unanswered INFOs of one dialog: SIP's client transactions as data.
//!
//! Every INFO is answered by the peer (RFC 3261 §17.1.2, timer F), so we always know who has what:
//! the window of unanswered ones is free flow control. Answers may come in any order.

/// Most requests of a dialog that may be unanswered at once (`xccos.md` §5.4 rule 7).
pub const WINDOW_MAX: u32 = 64;

/// Which of the requests sent in a dialog are unanswered.
#[derive(Debug, Clone)]
pub struct Window {
    /// CSeq of the oldest unanswered request, or the next one to be sent when none is.
    base: u32,
    /// CSeq the next request gets.
    next: u32,
    /// Bit n: request `base + n` is answered. Bit 0 is never set.
    answered: u64,
}

impl Window {
    /// A window whose first request gets the CSeq `first`.
    pub fn new(first: u32) -> Window {
        Window { base: first, next: first, answered: 0 }
    }

    /// Takes the next CSeq. Panics when [`WINDOW_MAX`] requests are unanswered: ask
    /// [`Window::span`] first.
    pub fn send(&mut self) -> u32 {
        todo!()
    }

    /// Notes the final answer to `cseq`. Returns false for one that is not outstanding (answered
    /// already, or never sent), which changes nothing.
    pub fn answer(&mut self, cseq: u32) -> bool {
        let _ = cseq;
        todo!()
    }

    /// Requests sent and not answered.
    pub fn unanswered(&self) -> u32 {
        todo!()
    }

    /// Distance from the oldest unanswered request to the next one: what the bound applies to.
    pub fn span(&self) -> u32 {
        self.next - self.base
    }

    /// The oldest unanswered request, if any.
    pub fn oldest(&self) -> Option<u32> {
        (self.base != self.next).then_some(self.base)
    }

    /// The CSeq the next request gets.
    pub fn next_cseq(&self) -> u32 {
        let _ = self.answered;
        self.next
    }
}
