//! The figures: medians over the rounds, with the least and the greatest.

use super::SMALL;
use crate::Outcome;
use crate::clients::Window;
use crate::spread::Spread;
use serde::Serialize;
use std::fmt;

/// One layout of the large room.
#[derive(Debug, Serialize)]
pub struct Report {
    members: u32,
    links: usize,
    sessions_per_link: usize,
    small_members: usize,
    small_rate: f64,
    /// Posts to the large room, each when everybody has the one before.
    bare: Vec<Window>,
    broker: Vec<Window>,
    /// The small room alone, and beside posts to the large one.
    alone: Vec<Window>,
    beside: Vec<Window>,
}

impl Report {
    /// Of what was measured, without the measurements.
    pub fn new(
        members: u32,
        (links, sessions_per_link): (usize, usize),
        small_members: usize,
        small_rate: f64,
    ) -> Report {
        let (bare, broker, alone, beside) = Default::default();
        Report {
            members,
            links,
            sessions_per_link,
            small_members,
            small_rate,
            bare,
            broker,
            alone,
            beside,
        }
    }

    /// Takes in the windows of a round.
    ///
    /// # Errors
    /// If there are not four.
    pub fn add(&mut self, windows: Vec<Window>) -> Outcome<()> {
        let [bare, broker, alone, beside] =
            <[Window; 4]>::try_from(windows).map_err(|_| "a round has four windows")?;
        self.bare.push(bare);
        self.broker.push(broker);
        self.alone.push(alone);
        self.beside.push(beside);
        Ok(())
    }

    /// What was measured, in short.
    pub fn title(&self) -> String {
        let Report { members, links, sessions_per_link, .. } = self;
        format!("a room of {members}: {links} links of {sessions_per_link}")
    }
}

/// The middle of the times until the last delivery, milliseconds.
fn last_ms(window: &Window) -> f64 {
    Spread::of(window.last_ms[0].iter().copied()).median
}

/// The greatest of them.
fn last_ms_max(window: &Window) -> f64 {
    Spread::of(window.last_ms[0].iter().copied()).max
}

/// Of the server's shard, milliseconds.
fn cpu_ms_per_post(window: &Window) -> f64 {
    1e3 * window.server.shard_s / window.posts as f64
}

/// A line of the tables: its name, its number, digits behind the point.
type Row = (&'static str, fn(&Window) -> f64, usize);

const OF_LARGE: [Row; 3] = [
    ("until the last delivery, ms, median", last_ms, 1),
    ("until the last delivery, ms, greatest", last_ms_max, 1),
    ("processor time of each post, ms", cpu_ms_per_post, 1),
];

const OF_SMALL: [Row; 3] = [
    ("delivery, us, median", |w| w.groups[SMALL].p50_us, 0),
    ("delivery, us, p99", |w| w.groups[SMALL].p99_us, 0),
    ("delivery, us, greatest", |w| w.groups[SMALL].max_us, 0),
];

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rounds = self.bare.len();
        writeln!(f, "{}; {rounds} rounds, median (least to greatest)", self.title())?;
        table(f, ["bare limit", "broker"], &OF_LARGE, &self.bare, &self.broker)?;
        let Report { small_members, small_rate, .. } = self;
        writeln!(f, "beside it a room of {small_members} with {small_rate} posts/s")?;
        table(f, ["alone", "beside large posts"], &OF_SMALL, &self.alone, &self.beside)?;
        let waited = |w: &Window| 100.0 * w.server.waited_s / w.wall_s;
        let waited = Spread::of(self.alone.iter().chain(&self.beside).map(waited));
        writeln!(f, "the server waited for its core meanwhile, %: {waited:.0}")
    }
}

fn table(
    f: &mut fmt::Formatter<'_>,
    names: [&str; 2],
    rows: &[Row],
    left: &[Window],
    right: &[Window],
) -> fmt::Result {
    writeln!(f, "{:38}{:>25}{:>25}{:>22}", "", names[0], names[1], "ratio")?;
    for (name, measure, digits) in rows {
        let of = |windows: &[Window]| Spread::of(windows.iter().map(measure));
        let ratio = Spread::of(left.iter().zip(right).map(|(a, b)| measure(b) / measure(a)));
        writeln!(f, "{name:38}{:25.digits$}{:25.digits$}{ratio:22.2}", of(left), of(right))?;
    }
    Ok(())
}

/// All layouts.
#[derive(Debug, Serialize)]
pub struct Summary {
    pub reports: Vec<Report>,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reports.iter().try_for_each(|report| writeln!(f, "{report}"))
    }
}
