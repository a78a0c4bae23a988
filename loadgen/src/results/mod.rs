//! What a run measured, and what is made of it.
//!
//! Each process of a run fills one [`Measured`]; [`Measured::merge`] puts them together, and only
//! then a [`Summary`] is made. A [`Document`] is all of it with what was run. Times are
//! [`Duration`]s from the start of the run, the same moment for all its processes.
//!
//! ```
//! use parlance_loadgen::results::{Aspect, Kind, Measured};
//! use std::time::Duration;
//!
//! let mut measured = Measured::default();
//! let (large, storm) = (
//!     measured.classes.class(Aspect::Room, "large"),
//!     measured.classes.class(Aspect::Phase, "storm"),
//! );
//! let (at, latency) = (Duration::from_secs(7), Duration::from_micros(800));
//! measured.delivered(at);
//! measured.record(Kind::Delivery, at, latency, &[large, storm]);
//!
//! let of_another_process = measured.clone();
//! measured.merge(&of_another_process);
//! assert_eq!(measured.counts.delivered, 2);
//! ```

mod class;
mod compare;
mod document;
mod figures;
mod series;
mod summary;
#[cfg(test)]
mod tests;
mod timing;

pub use class::{Aspect, CLASSES_MAX, ClassId, Classes, Label, OTHER};
pub use compare::{Comparison, Difference, Row};
pub use document::{About, Argument, Document, Machine, ReadError, SCHEMA};
pub use figures::{Figure, figures};
pub use series::{CpuUse, OwnUse, POINTS_MAX, Point, Recent, Series, ServerUse};
pub use summary::{
    ClassSummary, Contract, Quantiles, Quantities, Readers, Returns, Setup, Summary, Used,
};
pub use timing::{Kind, TIME_US_MAX, Timing, Timings};

use crate::history::{Report, VIOLATIONS_KEPT_MAX};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// Kinds of errors kept apart; the rest is counted as one.
pub const ERROR_KINDS_MAX: usize = 64;
/// Marks kept; later ones are forgotten.
pub const MARKS_MAX: usize = 64;

/// Plain counts of a run.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Long dialogs opened.
    pub opened: u64,
    /// Sign-ins that failed for good.
    pub open_failed: u64,
    /// Rooms joined.
    pub joined: u64,
    /// Users whose dialog ended and was not to be built again.
    pub lost: u64,
    /// Users who said goodbye and were answered.
    pub left: u64,
    /// Posts sent.
    pub sent: u64,
    /// Posts that nobody was there to send.
    pub unsent: u64,
    /// Posts that were answered or given up.
    pub answered: u64,
    /// Messages shown to users.
    pub delivered: u64,
    /// Deliveries that did not come.
    pub missing: u64,
    /// Notices of rosters.
    pub notices: u64,
    /// Histories read.
    pub histories: u64,
    /// Messages of history that were read page by page.
    pub messages_read: u64,
    /// Links that ended before the run did.
    pub links_lost: u64,
    /// Links opened again.
    pub links_reopened: u64,
    /// Dialogs that ended before the run did.
    pub dialogs_lost: u64,
    /// Sign-ins that the server had no room for, which were repeated.
    pub sign_ins_refused: u64,
    /// Endpoints that read slowly for a while.
    pub slow: u64,
    /// Dialogs of theirs that the server gave up.
    pub slow_ended: u64,
    /// Endpoints that stopped reading.
    pub dead: u64,
    /// Those of them whose dialog or link the server gave up.
    pub dead_ended: u64,
}

impl Counts {
    /// Adds those of another process.
    pub fn merge(&mut self, other: &Counts) {
        // A field that is added above and forgotten here does not compile.
        let Counts {
            opened,
            open_failed,
            joined,
            lost,
            left,
            sent,
            unsent,
            answered,
            delivered,
            missing,
            notices,
            histories,
            messages_read,
            links_lost,
            links_reopened,
            dialogs_lost,
            sign_ins_refused,
            slow,
            slow_ended,
            dead,
            dead_ended,
        } = other;
        self.opened += opened;
        self.open_failed += open_failed;
        self.joined += joined;
        self.lost += lost;
        self.left += left;
        self.sent += sent;
        self.unsent += unsent;
        self.answered += answered;
        self.delivered += delivered;
        self.missing += missing;
        self.notices += notices;
        self.histories += histories;
        self.messages_read += messages_read;
        self.links_lost += links_lost;
        self.links_reopened += links_reopened;
        self.dialogs_lost += dialogs_lost;
        self.sign_ins_refused += sign_ins_refused;
        self.slow += slow;
        self.slow_ended += slow_ended;
        self.dead += dead;
        self.dead_ended += dead_ended;
    }
}

/// A moment of the run that a plot shows: a phase begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Seconds from the start of the run.
    pub at_s: u64,
    /// What begins.
    pub name: String,
}

/// How long the parts of a run took, seconds.
#[derive(Debug, Default, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Spans {
    /// Signing in and joining.
    pub sign_in_s: f64,
    /// Load and drain.
    pub load_s: f64,
    /// From the start of the load to the last delivery.
    pub delivering_s: f64,
}

/// What a process used during load and drain.
#[derive(Debug, Default, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    /// Processor time, seconds.
    pub cpu_s: f64,
    /// Most memory resident, bytes.
    pub resident_bytes_max: u64,
}

/// What the checker of the contract found.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// Posts whose authors got 200.
    pub accepted: u64,
    /// Posts whose authors were told of a failure.
    pub refused: u64,
    /// Posts whose authors were told that nobody knows.
    pub unknown: u64,
    /// Accepted posts that nobody was there to see.
    pub unwitnessed: u64,
    /// How many violations of each kind; empty when the contract was kept.
    pub counts: BTreeMap<String, u64>,
    /// The first of them in words, at most [`VIOLATIONS_KEPT_MAX`].
    pub violations: Vec<String>,
}

impl Verdict {
    /// The contract was kept.
    pub fn is_kept(&self) -> bool {
        self.counts.is_empty()
    }

    fn merge(&mut self, other: &Verdict) {
        self.accepted += other.accepted;
        self.refused += other.refused;
        self.unknown += other.unknown;
        self.unwitnessed += other.unwitnessed;
        for (kind, count) in &other.counts {
            *self.counts.entry(kind.clone()).or_default() += count;
        }
        self.violations.extend(other.violations.iter().cloned());
        self.violations.truncate(VIOLATIONS_KEPT_MAX);
    }
}

impl From<&Report> for Verdict {
    fn from(report: &Report) -> Verdict {
        Verdict {
            accepted: report.accepted,
            refused: report.refused,
            unknown: report.unknown,
            unwitnessed: report.unwitnessed,
            counts: report.counts.iter().map(|(kind, n)| ((*kind).to_owned(), *n)).collect(),
            violations: report.violations.iter().map(ToString::to_string).collect(),
        }
    }
}

/// The raw results of one process, or of several together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// How many processes these are the results of.
    pub processes: u32,
    /// Plain counts.
    pub counts: Counts,
    /// What went wrong, by what it says; at most [`ERROR_KINDS_MAX`] and "other".
    pub errors: BTreeMap<String, u64>,
    /// Times of the whole run.
    pub timings: Timings,
    /// The same by label.
    pub classes: Classes,
    /// Second by second.
    pub series: Series,
    /// When phases began, in order.
    pub marks: Vec<Mark>,
    /// How long its parts took.
    pub spans: Spans,
    /// Did the server keep its word?
    pub verdict: Verdict,
    /// What these processes used.
    pub own: Usage,
    /// Part of a core that the busiest of them used: near 1, it was the bottleneck.
    pub own_load_max: f64,
    /// What the server used; absent when nobody said which process it is.
    pub server: Option<Usage>,
}

impl Default for Measured {
    fn default() -> Measured {
        Measured {
            processes: 1,
            counts: Counts::default(),
            errors: BTreeMap::new(),
            timings: Timings::default(),
            classes: Classes::default(),
            series: Series::default(),
            marks: Vec::new(),
            spans: Spans::default(),
            verdict: Verdict::default(),
            own: Usage::default(),
            own_load_max: 0.0,
            server: None,
        }
    }
}

impl Measured {
    /// A dialog was opened.
    pub fn opened(&mut self, at: Duration) {
        self.counts.opened += 1;
        self.series.at(at).sign_ins += 1;
    }

    /// A post was sent, of all whose deliveries are to come.
    pub fn sent(&mut self, at: Duration) {
        self.counts.sent += 1;
        self.series.at(at).posts += 1;
    }

    /// A message was shown to a user.
    pub fn delivered(&mut self, at: Duration) {
        self.counts.delivered += 1;
        self.series.at(at).deliveries += 1;
    }

    /// So many deliveries are to come.
    pub fn outstanding(&mut self, at: Duration, deliveries: u64) {
        let point = self.series.at(at);
        point.outstanding = point.outstanding.max(deliveries);
    }

    /// Something took so long, for the whole run and each of these classes.
    pub fn record(&mut self, kind: Kind, at: Duration, time: Duration, classes: &[ClassId]) {
        self.timings.of_mut(kind).record(time);
        classes.iter().for_each(|class| self.classes.record(*class, kind, time));
        match kind {
            Kind::Delivery => self.series.at(at).delivery.record(time),
            Kind::Accept => self.series.at(at).accept.record(time),
            Kind::SignIn | Kind::Join | Kind::Lateness | Kind::Away => {}
        }
    }

    /// Something went wrong.
    pub fn error(&mut self, at: Duration, what: String) {
        self.series.at(at).errors += 1;
        self.count_errors(what, 1);
    }

    fn count_errors(&mut self, what: String, count: u64) {
        let is_new = !self.errors.contains_key(&what);
        let is_full = self.errors.len() >= ERROR_KINDS_MAX;
        let key = if is_new && is_full { "other".to_owned() } else { what };
        *self.errors.entry(key).or_default() += count;
    }

    /// A phase begins.
    pub fn mark(&mut self, at: Duration, name: &str) {
        if self.marks.len() < MARKS_MAX {
            self.marks.push(Mark { at_s: at.as_secs(), name: name.to_owned() });
        }
    }

    /// Adds what another process measured in the same run. Where both say the same thing once,
    /// such as how long signing in took, the longer counts.
    pub fn merge(&mut self, other: &Measured) {
        self.processes += other.processes;
        self.counts.merge(&other.counts);
        for (what, count) in &other.errors {
            self.count_errors(what.clone(), *count);
        }
        self.timings.merge(&other.timings);
        self.classes.merge(&other.classes);
        self.series.merge(&other.series);
        if self.marks.is_empty() {
            // All go through the same phases together.
            self.marks.clone_from(&other.marks);
        }
        let (spans, others) = (&mut self.spans, &other.spans);
        spans.sign_in_s = spans.sign_in_s.max(others.sign_in_s);
        spans.load_s = spans.load_s.max(others.load_s);
        spans.delivering_s = spans.delivering_s.max(others.delivering_s);
        self.verdict.merge(&other.verdict);
        self.own.cpu_s += other.own.cpu_s;
        self.own.resident_bytes_max += other.own.resident_bytes_max;
        self.own_load_max = self.own_load_max.max(other.own_load_max);
        self.server = self.server.or(other.server);
    }
}
