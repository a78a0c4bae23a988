//! What could not be taken over, and why.

use std::fmt;

/// Findings that are kept; the rest is counted. Who has more has one fault many times.
pub const FINDINGS_MAX: usize = 1_000;

/// Something that was left out, or only partly understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Distinguished name of the entry, or a URI.
    pub what: String,
    /// Cause, effect and, where there is one, next step.
    pub reason: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.reason)
    }
}

/// At most [`FINDINGS_MAX`] findings, or another number, and how many more there were.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Findings {
    /// The first ones.
    pub list: Vec<Finding>,
    /// How many are not in the list.
    pub more: usize,
    max: usize,
}

impl Default for Findings {
    fn default() -> Findings {
        Findings::at_most(FINDINGS_MAX)
    }
}

impl Findings {
    /// None yet; no more than `max` are kept.
    pub fn at_most(max: usize) -> Findings {
        Findings { list: Vec::new(), more: 0, max }
    }

    /// One more.
    pub fn add(&mut self, what: &str, reason: impl Into<String>) {
        if self.list.len() == self.max {
            self.more += 1;
            return;
        }
        self.list.push(Finding { what: what.to_owned(), reason: reason.into() });
    }

    /// How many there were.
    pub fn len(&self) -> usize {
        self.list.len() + self.more
    }

    /// Nothing was left out.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}
