//! What a loop found.

use super::load::Report;
use std::fmt;
use std::time::Duration;

/// See the module's text.
#[derive(Debug)]
pub struct Outcome {
    /// Kills of a server that was ready.
    pub cycles: u32,
    /// Kills in the middle of a start.
    pub startup_kills: u32,
    /// From each start of the server, not killed, to the time it was ready.
    pub restarts: Vec<Duration>,
    /// All of it.
    pub total: Duration,
    /// The load generator's.
    pub report: Report,
}

impl Outcome {
    /// The contract was kept, all acknowledged posts were read, and nothing else went wrong.
    pub fn is_clean(&self) -> bool {
        let read = self.report.number("/messages_read");
        self.report.is_clean
            && self.report.violations() == 0
            && self.report.number("/contract/unwitnessed") == 0
            && read >= self.report.number("/posts_accepted")
            && read > 0
    }
}

/// The value below which `part` of the sorted values lie.
fn quantile(sorted: &[Duration], part: f64) -> Duration {
    let last = sorted.len().saturating_sub(1);
    sorted.get((last as f64 * part).round() as usize).copied().unwrap_or_default()
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Outcome { cycles, startup_kills, restarts, total, report } = self;
        let number = |path| report.number(path);
        let mut sorted = restarts.clone();
        sorted.sort_unstable();
        let (p50, max) = (quantile(&sorted, 0.5), quantile(&sorted, 1.0));
        writeln!(f, "cycles     {cycles}, and {startup_kills} kills in the middle of a start")?;
        writeln!(
            f,
            "posts      {} sent: {} acknowledged, {} unknown, {} refused; {} due with nobody there",
            number("/posts_sent"),
            number("/posts_accepted"),
            number("/posts_unknown"),
            number("/posts_refused"),
            number("/posts_unsent"),
        )?;
        writeln!(
            f,
            "deliveries {}, {} missing; {} messages in the history",
            number("/deliveries"),
            number("/deliveries_missing"),
            number("/messages_read"),
        )?;
        writeln!(
            f,
            "links      {} lost, {} opened again; users without service {} ms p50, {} ms p99, \
             {} ms max",
            number("/returns/links_lost"),
            number("/returns/links_reopened"),
            number("/returns/without_service_us/p50") / 1_000,
            number("/returns/without_service_us/p99") / 1_000,
            number("/returns/without_service_us/max") / 1_000,
        )?;
        writeln!(f, "restart    {} ms p50, {} ms max", p50.as_millis(), max.as_millis())?;
        writeln!(f, "total      {:.1} s", total.as_secs_f64())?;
        if self.is_clean() {
            return f.write_str("clean      no violation");
        }
        write!(
            f,
            "FAULTY     {} violations; the load generator's report:\n\n",
            report.violations()
        )?;
        f.write_str(&report.table)
    }
}
