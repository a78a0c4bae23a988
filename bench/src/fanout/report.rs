//! The figures: medians over the rounds, with the least and the greatest.

use super::Layout;
use crate::clients::{Order, Window};
use crate::spread::Spread;
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

impl Report {
    /// Of the windows of both sides in the order of the rounds.
    pub fn new(layout: Layout, order: &Order, bare: Vec<Window>, broker: Vec<Window>) -> Report {
        let ratio = |measure: fn(&Window) -> f64| {
            Spread::of(bare.iter().zip(&broker).map(|(a, b)| measure(b) / measure(a)))
        };
        Report {
            links: layout.0,
            sessions_per_link: layout.1,
            text_bytes: order.streams[0].text_bytes,
            seconds: order.seconds,
            rate: order.streams[0].rate,
            ratio: ratio(per_shard_second),
            ratio_all_threads: ratio(per_second_of_all),
            bare,
            broker,
        }
    }

    /// What was measured, in short.
    pub fn title(&self) -> String {
        let Report { links, sessions_per_link, text_bytes, .. } = self;
        let pace = self.rate.map_or("max".to_owned(), |rate| format!("{rate:.1} posts/s"));
        format!("{links} x {sessions_per_link}, {text_bytes} B, {pace}")
    }

    /// The middle one of the rounds' ratios.
    pub fn ratio(&self) -> f64 {
        self.ratio.median
    }
}

fn per_shard_second(window: &Window) -> f64 {
    window.deliveries as f64 / window.server.shard_s
}

fn per_second_of_all(window: &Window) -> f64 {
    window.deliveries as f64 / window.server.all_s
}

fn user_instructions(window: &Window) -> f64 {
    let counted = window.counts.map(|counts| counts.user_instructions as f64);
    counted.map_or(f64::NAN, |count| count / window.deliveries as f64)
}

fn all_instructions(window: &Window) -> f64 {
    let counted = window.counts.map(|counts| counts.all_instructions as f64);
    counted.map_or(f64::NAN, |count| count / window.deliveries as f64)
}

/// A line of the table: its name, its number, digits behind the point.
type Row = (&'static str, fn(&Window) -> f64, usize);

const ROWS: [Row; 12] = [
    ("deliveries/CPU-s, shard", per_shard_second, 0),
    ("deliveries/CPU-s, all threads", per_second_of_all, 0),
    ("deliveries/s on the wall", |w| w.deliveries as f64 / w.wall_s, 0),
    ("bytes per delivery", |w| w.bytes_in as f64 / w.deliveries as f64, 1),
    ("bytes per answer", |w| w.bytes_out as f64 / w.deliveries as f64, 1),
    ("deliveries per read", |w| w.deliveries as f64 / w.reads as f64, 2),
    ("of the shard's time in the kernel, %", |w| 100.0 - 100.0 * w.server.user_share(), 0),
    ("instructions/delivery, user", user_instructions, 0),
    ("instructions/delivery, all", all_instructions, 0),
    ("server's core used, %", |w| 100.0 * w.server.shard_s / w.wall_s, 1),
    ("server waited for its core, %", |w| 100.0 * w.server.waited_s / w.wall_s, 1),
    ("clients' core used, %", |w| 100.0 * w.clients.all_s / w.wall_s, 1),
];

fn spread(windows: &[Window], measure: fn(&Window) -> f64) -> Spread {
    Spread::of(windows.iter().map(measure))
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.title())?;
        let (rounds, seconds) = (self.bare.len(), self.seconds);
        writeln!(f, "{rounds} rounds of {seconds} s, median (least to greatest)\n")?;
        writeln!(f, "{:38}{:>30}{:>30}", "", "bare limit", "broker")?;
        for (name, measure, digits) in ROWS {
            let (bare, broker) = (spread(&self.bare, measure), spread(&self.broker, measure));
            writeln!(f, "{name:38}{bare:30.digits$}{broker:30.digits$}")?;
        }
        writeln!(f, "ratio, shard's thread: {:.3}", self.ratio)?;
        writeln!(f, "ratio, all threads: {:.3}", self.ratio_all_threads)
    }
}

/// All cases of the matrix.
#[derive(Debug, Serialize)]
pub struct Summary {
    pub reports: Vec<Report>,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(first) = self.reports.first() else { return Ok(()) };
        let (rounds, seconds) = (first.bare.len(), first.seconds);
        writeln!(f, "deliveries per CPU-second of the shard's thread; waited: for its core, % of")?;
        writeln!(f, "the time; {rounds} rounds of {seconds} s, median (least to greatest)\n")?;
        writeln!(
            f,
            "{:34}{:>10}{:>10}{:>21}{:>8}{:>13}{:>13}",
            "sessions, text, posts",
            "bare",
            "broker",
            "ratio",
            "waited",
            "user instr.",
            "all instr."
        )?;
        for report in &self.reports {
            let median = |windows: &[Window], measure| spread(windows, measure).median;
            let counted = |measure| match median(&report.broker, measure) {
                count if count.is_nan() => "not counted".to_owned(),
                count => format!("{count:.0}"),
            };
            writeln!(
                f,
                "{:34}{:>10.0}{:>10.0}{:>21.2}{:>8.0}{:>13}{:>13}",
                report.title(),
                median(&report.bare, per_shard_second),
                median(&report.broker, per_shard_second),
                report.ratio,
                median(&report.broker, |w| 100.0 * w.server.waited_s / w.wall_s),
                counted(user_instructions),
                counted(all_instructions),
            )?;
        }
        Ok(())
    }
}
