//! Events of a shard as log lines, in bounded number: a flood of faulty peers must not become a
//! flood of lines.

use crate::shell::Report;
use parlance_core::{Close, Event, Instant, Refusal, ShardId};
use std::net::SocketAddr;
use std::sync::mpsc::Sender;

/// Lines a shard may write per second, and the burst on top of a quiet time.
const LINES_PER_SECOND: u64 = 20;
const LINES_BURST: u64 = 200;

/// Turns one shard's events into log lines and reports.
#[derive(Debug)]
pub struct Reporter {
    shard: ShardId,
    supervisor: Sender<Report>,
    budget: Budget,
}

impl Reporter {
    /// A reporter of `shard`; the end of draining is told to `supervisor`.
    pub fn new(shard: ShardId, supervisor: Sender<Report>) -> Reporter {
        Reporter { shard, supervisor, budget: Budget::default() }
    }

    /// Something happened in the core.
    pub fn report(&mut self, now: Instant, event: Event) {
        if event == Event::Drained {
            tracing::info!(shard = self.shard.0, "all links of the shard are closed");
            // Without a supervisor the process is ending anyway.
            let _ = self.supervisor.send(Report::Drained(self.shard));
            return;
        }
        if !self.may_write(now) {
            return;
        }
        match event {
            Event::Refused { peer, refusal } => {
                let cause = Refusal::KINDS[refusal.kind()];
                let detail = refusal.detail();
                let effect = effect(refusal);
                tracing::warn!(shard = self.shard.0, %peer, cause, detail, effect, "input refused");
            }
            Event::SessionDropped { peer, reason } => {
                let effect = "the dialog is forgotten; the client must open a new one";
                let shard = self.shard.0;
                tracing::info!(shard, %peer, cause = reason, effect, "session dropped");
            }
            Event::Drained => unreachable!("handled above"),
        }
    }

    /// A link was closed by the server.
    pub fn closed(&mut self, now: Instant, peer: SocketAddr, reason: Close) {
        let (cause, detail) = match reason {
            Close::Refused(refusal) => (Refusal::KINDS[refusal.kind()], refusal.detail()),
            Close::TooSlow => ("too_slow", ""),
            Close::Stalled => ("stalled", ""),
            Close::Drained => ("drained", ""),
        };
        if self.may_write(now) {
            tracing::info!(shard = self.shard.0, %peer, cause, detail, "link closed");
        }
    }

    /// TLS with a peer failed.
    pub fn tls_failed(&mut self, now: Instant, peer: SocketAddr, error: &rustls::Error) {
        if self.may_write(now) {
            let effect = "the link is closed";
            tracing::info!(shard = self.shard.0, %peer, cause = %error, effect, "TLS failed");
        }
    }

    fn may_write(&mut self, now: Instant) -> bool {
        let allowed = self.budget.take(now);
        if allowed && self.budget.suppressed > 0 {
            let count = std::mem::take(&mut self.budget.suppressed);
            tracing::warn!(
                shard = self.shard.0,
                count,
                "lines were left out, for there were too many; the metrics count every one"
            );
        }
        allowed
    }
}

/// What a refusal costs the peer.
fn effect(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::Frame(_) => "the link is closed: its stream cannot be trusted",
        Refusal::TooSlow => "the link is closed",
        Refusal::StrayResponse => "the response is dropped",
        Refusal::Overload => "the peer is asked to try again later",
        _ => "the request is answered with an error",
    }
}

/// A token bucket of lines.
#[derive(Debug, Default)]
struct Budget {
    /// Lines not written since the last one that was.
    suppressed: u64,
    /// Microseconds' worth of lines that are spent; shrinks with time.
    spent_until: u64,
}

impl Budget {
    fn take(&mut self, now: Instant) -> bool {
        const LINE_US: u64 = 1_000_000 / LINES_PER_SECOND;
        let from = self.spent_until.max(now.0);
        if from - now.0 > LINES_BURST * LINE_US {
            self.suppressed += 1;
            return false;
        }
        self.spent_until = from + LINE_US;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_lines_is_cut_and_counted() {
        let mut budget = Budget::default();
        let now = Instant(5_000_000);
        let written = (0..10_000).filter(|_| budget.take(now)).count() as u64;
        assert_eq!(written, LINES_BURST + 1);
        assert_eq!(budget.suppressed, 10_000 - written);
        let second = now.plus_ms(1_000);
        let written = (0..10_000).filter(|_| budget.take(second)).count() as u64;
        assert_eq!(written, LINES_PER_SECOND);
    }
}
