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
        assert!(self.span() < WINDOW_MAX, "the window is full");
        let cseq = self.next;
        self.next = cseq.wrapping_add(1);
        cseq
    }

    /// Notes the final answer to `cseq`. Returns false for one that is not outstanding (answered
    /// already, or never sent), which changes nothing.
    pub fn answer(&mut self, cseq: u32) -> bool {
        let distance = cseq.wrapping_sub(self.base);
        if distance >= self.span() || self.answered & (1 << distance) != 0 {
            return false;
        }
        self.answered |= 1 << distance;
        // Whatever is answered without a gap from the oldest on leaves the window.
        let done = self.answered.trailing_ones();
        self.answered = self.answered.checked_shr(done).unwrap_or(0);
        self.base = self.base.wrapping_add(done);
        true
    }

    /// Requests sent and not answered.
    pub fn unanswered(&self) -> u32 {
        self.span() - self.answered.count_ones()
    }

    /// Distance from the oldest unanswered request to the next one: what the bound applies to.
    pub fn span(&self) -> u32 {
        self.next.wrapping_sub(self.base)
    }

    /// True when the dialog has used up the CSeq numbers (below 2^31, RFC 3261 §8.1.1.5) and must
    /// be opened anew. At a hundred messages a second that is after eight months.
    pub fn is_exhausted(&self) -> bool {
        self.next >= 1 << 31
    }

    /// The oldest unanswered request, if any.
    pub fn oldest(&self) -> Option<u32> {
        (self.base != self.next).then_some(self.base)
    }

    /// The CSeq the next request gets.
    pub fn next_cseq(&self) -> u32 {
        self.next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_in_any_order() {
        let mut window = Window::new(7);
        assert_eq!(window.oldest(), None);
        assert_eq!([window.send(), window.send(), window.send()], [7, 8, 9]);
        let mut check = |cseq: u32, expect: bool, oldest: Option<u32>, unanswered: u32| {
            assert_eq!(window.answer(cseq), expect, "{cseq}");
            assert_eq!((window.oldest(), window.unanswered()), (oldest, unanswered), "{cseq}");
        };
        check(6, false, Some(7), 3);
        check(10, false, Some(7), 3);
        check(8, true, Some(7), 2);
        check(8, false, Some(7), 2);
        check(7, true, Some(9), 1);
        check(7, false, Some(9), 1);
        check(9, true, None, 0);
        check(9, false, None, 0);
        assert_eq!((window.span(), window.next_cseq()), (0, 10));
    }

    #[test]
    fn full_window_empties_at_once() {
        let mut window = Window::new(1);
        for _ in 0..WINDOW_MAX {
            window.send();
        }
        assert_eq!(window.span(), WINDOW_MAX);
        for cseq in (2..=WINDOW_MAX).rev() {
            assert!(window.answer(cseq));
            assert_eq!(window.span(), WINDOW_MAX);
        }
        assert_eq!(window.unanswered(), 1);
        assert!(window.answer(1));
        assert_eq!((window.span(), window.oldest()), (0, None));
    }

    #[test]
    #[should_panic(expected = "full")]
    fn sending_into_a_full_window_is_a_bug() {
        let mut window = Window::new(1);
        for _ in 0..=WINDOW_MAX {
            window.send();
        }
    }

    #[test]
    fn numbers_run_out_without_a_panic() {
        let mut window = Window::new((1 << 31) - 1);
        assert!(!window.is_exhausted());
        window.send();
        assert!(window.is_exhausted());
        let mut window = Window::new(u32::MAX);
        assert_eq!([window.send(), window.send()], [u32::MAX, 0]);
        assert!(window.answer(0) && window.answer(u32::MAX) && !window.answer(1));
    }
}
