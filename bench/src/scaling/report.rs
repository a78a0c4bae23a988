//! The figures: medians over the rounds, with the least and the greatest.

use crate::clients::Window;
use crate::spread::Spread;
use serde::Serialize;
use std::fmt;

/// What serves.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The bare limit.
    Bare,
    /// The broker with so many shards.
    Broker { shards: usize },
}

impl Kind {
    /// As it stands in tables.
    pub fn name(self) -> String {
        match self {
            Kind::Bare => "bare limit".to_owned(),
            Kind::Broker { shards: 1 } => "broker, 1 shard".to_owned(),
            Kind::Broker { shards } => format!("broker, {shards} shards"),
        }
    }
}

/// Direct links, or so many front ends.
pub fn layout(front_ends: Option<usize>) -> String {
    match front_ends {
        None => "direct links".to_owned(),
        Some(links) => format!("{links} front-end links"),
    }
}

/// One server of one size.
#[derive(Debug, Serialize)]
pub struct Point {
    /// None: each session has a link of its own.
    pub front_ends: Option<usize>,
    pub kind: Kind,
    /// Besides the author.
    pub sessions: usize,
    pub windows: Vec<Window>,
}

impl Point {
    /// Processor time of the server's shards for each delivery, microseconds.
    pub fn cost_us(&self) -> Spread {
        self.spread(|w| 1e6 * w.server.shard_s / w.deliveries as f64)
    }

    /// Of all windows together, as the kernel only samples it.
    fn user_share(&self) -> f64 {
        let servers = || self.windows.iter().map(|window| window.server);
        let user_s: f64 = servers().map(|server| server.user_s).sum();
        (user_s / servers().map(|server| server.shard_s).sum::<f64>()).clamp(0.0, 1.0)
    }

    fn spread(&self, measure: fn(&Window) -> f64) -> Spread {
        Spread::of(self.windows.iter().map(measure))
    }
}

/// Everything that was measured.
#[derive(Debug, Serialize)]
pub struct Report {
    pub text_bytes: usize,
    pub seconds: f64,
    pub points: Vec<Point>,
}

fn cache_misses(window: &Window) -> f64 {
    let counted = window.counts.map(|counts| counts.cache_misses as f64);
    counted.map_or(f64::NAN, |count| count / window.deliveries as f64)
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rounds = self.points.first().map_or(0, |point| point.windows.len());
        let Report { text_bytes, seconds, .. } = self;
        writeln!(f, "a post of {text_bytes} B to all, the next when everybody has it;")?;
        writeln!(f, "{rounds} windows of {seconds} s each, median (least to greatest)\n")?;
        writeln!(
            f,
            "{:20}{:18}{:>9}{:>24}{:>11}{:>11}{:>15}{:>8}",
            "", "", "sessions", "us/delivery", "in kernel", "per write", "cache misses", "waited"
        )?;
        for point in &self.points {
            let cache_misses = match point.spread(cache_misses).median {
                count if count.is_nan() => "not counted".to_owned(),
                count => format!("{count:.1}"),
            };
            writeln!(
                f,
                "{:20}{:18}{:>9}{:24.2}{:>9.0} %{:>11.1}{cache_misses:>15}{:>6.0} %",
                layout(point.front_ends),
                point.kind.name(),
                point.sessions,
                point.cost_us(),
                100.0 - 100.0 * point.user_share(),
                // One write is one read, unless a reader comes late.
                point.spread(|w| w.deliveries as f64 / w.reads as f64).median,
                point.spread(|w| 100.0 * w.server.waited_s / w.wall_s).median,
            )?;
        }
        Ok(())
    }
}
