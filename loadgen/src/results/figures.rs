//! The figures that a run is judged by, in one list for tables of one run and of two.

use super::{Quantiles, Summary};
use crate::units::Unit;

/// A figure.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// What it is.
    pub name: &'static str,
    /// What it counts.
    pub unit: Unit,
    /// How much; absent when it was not measured.
    pub value: Option<f64>,
}

impl Figure {
    /// In words.
    pub fn say(&self) -> String {
        self.value.map_or_else(|| "—".to_owned(), |value| self.unit.say(value))
    }
}

/// Bytes of the server's memory by session, start-up included.
fn memory_by_session(summary: &Summary) -> Option<f64> {
    let used = summary.server_usage?;
    Some(used.resident_bytes_max as f64 / f64::from(summary.setup.endpoints.max(1)))
}

/// All figures of a run, the same ones in the same order for each.
pub fn figures(summary: &Summary) -> Vec<Figure> {
    let server = summary.server_usage;
    let own = &summary.own_usage;
    let time = |quantiles: &Quantiles, of: fn(&Quantiles) -> u64| {
        (quantiles.count > 0).then(|| of(quantiles) as f64)
    };
    let times = &summary.timings;
    use Unit::{Bytes, Cores, Count, Micros, PerSecond, Seconds};
    let list = [
        ("deliveries", PerSecond, Some(summary.deliveries_per_s)),
        ("delivery p50", Micros, time(&times.delivery_us, |q| q.p50)),
        ("delivery p99", Micros, time(&times.delivery_us, |q| q.p99)),
        ("delivery p99.9", Micros, time(&times.delivery_us, |q| q.p999)),
        ("delivery max", Micros, time(&times.delivery_us, |q| q.max)),
        ("accept p50", Micros, time(&times.accept_us, |q| q.p50)),
        ("accept p99", Micros, time(&times.accept_us, |q| q.p99)),
        ("deliveries by server CPU second", Count, server.map(|used| used.deliveries_per_cpu_s)),
        ("server's processor", Cores, server.map(|used| used.cores)),
        ("server's memory", Bytes, server.map(|used| used.resident_bytes_max as f64)),
        ("server's memory by session", Bytes, memory_by_session(summary)),
        ("own processor", Cores, Some(own.cores)),
        ("own busiest process", Cores, Some(summary.own_load)),
        ("own delay p99", Micros, time(&times.lateness_us, |q| q.p99)),
        ("sign-in p50", Micros, time(&times.sign_in_us, |q| q.p50)),
        ("sign-in p99", Micros, time(&times.sign_in_us, |q| q.p99)),
        ("all rooms joined p99", Micros, time(&times.join_us, |q| q.p99)),
        ("everybody signed in", Seconds, Some(summary.sign_in_s)),
        ("posts sent", Count, Some(summary.posts_sent as f64)),
        ("posts accepted", Count, Some(summary.posts_accepted as f64)),
        ("deliveries in all", Count, Some(summary.deliveries as f64)),
        ("deliveries missing", Count, Some(summary.deliveries_missing as f64)),
        ("errors", Count, Some(summary.errors.values().sum::<u64>() as f64)),
        ("violations", Count, Some(summary.contract.counts.values().sum::<u64>() as f64)),
    ];
    list.map(|(name, unit, value)| Figure { name, unit, value }).into()
}
