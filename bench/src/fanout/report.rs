//! The figures: medians over the rounds, with the least and the greatest.

use super::Args;
use crate::clients::{Order, Window};
use serde::Serialize;
use std::fmt;

/// Everything that was measured, and what it was.
#[derive(Debug, Serialize)]
pub struct Report {
    links: usize,
    sessions_per_link: usize,
    text_bytes: usize,
    seconds: f64,
    /// Posts per second; none: each post when the one before is with everybody.
    rate: Option<f64>,
    /// Deliveries per CPU-second of the shard's thread: broker by bare limit, round by round.
    ratio: Spread,
    /// The same by all threads of the broker.
    ratio_all_threads: Spread,
    bare: Vec<Window>,
    broker: Vec<Window>,
}

/// The middle of some numbers and how far they go.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    median: f64,
    min: f64,
    max: f64,
}

impl Spread {
    /// Of at least one number; the lower of two in the middle.
    fn of(numbers: impl Iterator<Item = f64>) -> Spread {
        let mut numbers: Vec<f64> = numbers.collect();
        numbers.sort_by(f64::total_cmp);
        let at = |place: usize| numbers.get(place).copied().unwrap_or(f64::NAN);
        let last = numbers.len().saturating_sub(1);
        Spread { median: at(last / 2), min: at(0), max: at(last) }
    }
}

impl Report {
    /// Of the windows of both sides in the order of the rounds.
    pub fn new(args: &Args, order: &Order, bare: Vec<Window>, broker: Vec<Window>) -> Report {
        let ratio = |measure: fn(&Window) -> f64| {
            Spread::of(bare.iter().zip(&broker).map(|(a, b)| measure(b) / measure(a)))
        };
        Report {
            links: args.links,
            sessions_per_link: args.sessions_per_link,
            text_bytes: args.text_bytes,
            seconds: order.seconds,
            rate: order.rate,
            ratio: ratio(per_shard_second),
            ratio_all_threads: ratio(per_second_of_all),
            bare,
            broker,
        }
    }
}

fn per_shard_second(window: &Window) -> f64 {
    window.deliveries as f64 / window.server.shard_s
}

fn per_second_of_all(window: &Window) -> f64 {
    window.deliveries as f64 / window.server.all_s
}

/// A line of the table: its name, its number, digits behind the point.
type Row = (&'static str, fn(&Window) -> f64, usize);

const ROWS: [Row; 9] = [
    ("deliveries/CPU-s, shard", per_shard_second, 0),
    ("deliveries/CPU-s, all threads", per_second_of_all, 0),
    ("deliveries/s on the wall", |w| w.deliveries as f64 / w.wall_s, 0),
    ("bytes per delivery", |w| w.bytes_in as f64 / w.deliveries as f64, 1),
    ("bytes per answer", |w| w.bytes_out as f64 / w.deliveries as f64, 1),
    ("deliveries per read", |w| w.deliveries as f64 / w.reads as f64, 2),
    ("server's core used, %", |w| 100.0 * w.server.shard_s / w.wall_s, 1),
    ("server waited for its core, %", |w| 100.0 * w.server.waited_s / w.wall_s, 1),
    ("clients' core used, %", |w| 100.0 * w.clients.all_s / w.wall_s, 1),
];

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report { links, sessions_per_link, text_bytes, seconds, .. } = self;
        let pace = match self.rate {
            None => "each post when the last is with everybody".to_owned(),
            Some(rate) => format!("{rate:.1} posts/s"),
        };
        writeln!(f, "{links} links x {sessions_per_link} sessions, {text_bytes} bytes, {pace}")?;
        writeln!(f, "{} rounds of {seconds} s, median (least to greatest)\n", self.bare.len())?;
        writeln!(f, "{:32}{:>32}{:>32}", "", "bare limit", "broker")?;
        for (name, measure, digits) in ROWS {
            let cell = |windows: &[Window]| {
                let Spread { median, min, max } = Spread::of(windows.iter().map(measure));
                format!("{median:.digits$} ({min:.digits$} to {max:.digits$})")
            };
            writeln!(f, "{name:32}{:>32}{:>32}", cell(&self.bare), cell(&self.broker))?;
        }
        for (name, spread) in
            [("shard's thread", self.ratio), ("all threads", self.ratio_all_threads)]
        {
            let Spread { median, min, max } = spread;
            writeln!(f, "ratio, {name}: {median:.3} ({min:.3} to {max:.3})")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Spread;

    #[test]
    fn the_middle_of_some_numbers() {
        let spread = |numbers: &[f64]| Spread::of(numbers.iter().copied());
        assert_eq!(spread(&[3.0, 1.0, 2.0]), Spread { median: 2.0, min: 1.0, max: 3.0 });
        assert_eq!(spread(&[4.0, 1.0]), Spread { median: 1.0, min: 1.0, max: 4.0 });
    }
}
