//! The figures: medians over the rounds, with the least and the greatest.

use super::{Args, FAST, SLOW};
use crate::clients::Window;
use crate::spread::Spread;
use serde::Serialize;
use std::fmt;

/// The broker's own numbers at a moment of rest.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Sample {
    /// Sessions open.
    pub sessions: u64,
    /// Sessions that are behind.
    pub lagging: u64,
    /// What waits to be written on all links.
    pub outbox_bytes: u64,
    /// Resident memory of the process.
    pub resident_kib: u64,
    /// Memory of all TCP sockets of the machine.
    pub sockets_kib: u64,
}

/// One round.
#[derive(Debug, Serialize)]
pub struct Round {
    /// All read as fast as they can.
    pub without: Window,
    /// Some read slowly.
    pub with: Window,
    /// Between the two.
    pub before: Sample,
    /// After the second, when the slow ones are behind.
    pub lagging: Sample,
    /// Then all read as fast as they can.
    pub catching_up: Window,
}

/// The end of those who read and answer nothing any more.
#[derive(Debug, Serialize)]
pub struct Dead {
    /// All read as fast as they can.
    pub before: Sample,
    /// At half the time that the broker gives them.
    pub lagging: Sample,
    /// What the others noticed until then.
    pub window: Window,
    /// They are given up.
    pub after: Sample,
    /// When that was, after their last word.
    pub ended_s: f64,
}

/// Everything that was measured, and what it was.
#[derive(Debug, Serialize)]
pub struct Report {
    sessions: usize,
    slow: usize,
    slow_bytes_per_second: f64,
    rooms: usize,
    rate: f64,
    text_bytes: usize,
    info_timeout_ms: u64,
    rounds: Vec<Round>,
    dead: Dead,
}

impl Report {
    /// Of all rounds and the end.
    pub fn new(args: &Args, rounds: Vec<Round>, dead: Dead) -> Report {
        Report {
            sessions: args.sessions,
            slow: args.slow,
            slow_bytes_per_second: args.slow_bytes,
            rooms: args.rooms,
            rate: args.rate,
            text_bytes: args.text_bytes,
            info_timeout_ms: args.info_timeout_ms,
            rounds,
            dead,
        }
    }

    fn spread(&self, measure: impl Fn(&Round) -> f64) -> Spread {
        Spread::of(self.rounds.iter().map(measure))
    }
}

/// A line of the tables: its name, its number, digits behind the point.
type Row<T> = (&'static str, fn(&T) -> f64, usize);

const OF_OTHERS: [Row<Window>; 4] = [
    ("delivery to the others, us, median", |w| w.groups[FAST].p50_us, 0),
    ("delivery to the others, us, p99", |w| w.groups[FAST].p99_us, 0),
    ("delivery to the others, us, greatest", |w| w.groups[FAST].max_us, 0),
    ("server waited for its core, %", |w| 100.0 * w.server.waited_s / w.wall_s, 0),
];

const OF_SLOW: [Row<Round>; 7] = [
    ("sessions behind", |r| r.lagging.lagging as f64, 0),
    ("deliveries each is behind with", behind, 0),
    ("bytes on links, each", |r| per_lagging(r, r.lagging.outbox_bytes as f64), 0),
    ("resident memory more, bytes each", resident, 0),
    ("sockets of the machine more, KiB each", sockets_kib, 1),
    ("caught up in, s", |r| r.catching_up.wall_s, 2),
    ("deliveries/s meanwhile", |r| r.catching_up.deliveries as f64 / r.catching_up.wall_s, 0),
];

fn per_lagging(round: &Round, number: f64) -> f64 {
    number / round.lagging.lagging as f64
}

fn behind(round: &Round) -> f64 {
    per_lagging(round, round.with.groups[SLOW].owed as f64)
}

fn resident(round: &Round) -> f64 {
    let more_kib = round.lagging.resident_kib as f64 - round.before.resident_kib as f64;
    per_lagging(round, 1024.0 * more_kib)
}

fn sockets_kib(round: &Round) -> f64 {
    per_lagging(round, round.lagging.sockets_kib as f64 - round.before.sockets_kib as f64)
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report { sessions, slow, rooms, rate, text_bytes, .. } = self;
        writeln!(
            f,
            "{sessions} sessions in {rooms} rooms, {rate} posts/s of {text_bytes} B each;"
        )?;
        let (bytes, rounds) = (self.slow_bytes_per_second, self.rounds.len());
        writeln!(
            f,
            "{slow} of them read {bytes} B/s; {rounds} rounds, median (least to greatest)"
        )?;
        writeln!(f, "\n{:40}{:>25}{:>25}{:>22}", "", "all fast", "some slow", "ratio")?;
        for (name, measure, digits) in OF_OTHERS {
            let without = self.spread(|round| measure(&round.without));
            let with = self.spread(|round| measure(&round.with));
            let ratio = self.spread(|round| measure(&round.with) / measure(&round.without));
            writeln!(f, "{name:40}{without:25.digits$}{with:25.digits$}{ratio:22.2}")?;
        }
        writeln!(
            f,
            "\nthe slow ones, then as fast as they can; none missed or got anything twice"
        )?;
        for (name, measure, digits) in OF_SLOW {
            writeln!(f, "{name:40}{:25.digits$}", self.spread(measure))?;
        }
        let Dead { before, lagging, window, after, ended_s } = &self.dead;
        writeln!(f, "\nthe same, dead; given up after {ended_s:.1} s, {} ms allowed", {
            self.info_timeout_ms
        })?;
        writeln!(f, "{:40}{:>12}{:>12}{:>12}", "", "before", "dead", "given up")?;
        let row = |f: &mut fmt::Formatter<'_>, name, number: fn(&Sample) -> u64| {
            let [before, lagging, after] = [before, lagging, after].map(number);
            writeln!(f, "{name:40}{before:>12}{lagging:>12}{after:>12}")
        };
        row(f, "sessions", |sample| sample.sessions)?;
        row(f, "sessions behind", |sample| sample.lagging)?;
        row(f, "bytes on links", |sample| sample.outbox_bytes)?;
        row(f, "resident memory, KiB", |sample| sample.resident_kib)?;
        row(f, "sockets of the machine, KiB", |sample| sample.sockets_kib)?;
        let p99_us = window.groups[FAST].p99_us;
        writeln!(f, "delivery to the others meanwhile, us, p99: {p99_us:.0}")
    }
}
