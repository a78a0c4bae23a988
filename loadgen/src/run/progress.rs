//! What is shown while a run runs: a bar on a terminal, a line now and then elsewhere.

use super::meeting::Status;
use super::watch::{Look, Watch, Watched};
use indicatif::{ProgressBar, ProgressStyle};
use parlance_loadgen::results::{Measured, Recent};
use std::fmt::Write;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// How often a line is written where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(10);
/// Seconds that "now" means in figures.
const RECENT_S: u64 = 3;
/// Time left is told when this part of a phase is over: before, it would jump about.
const TELLING_PART: f64 = 0.02;

pub struct Progress {
    bar: Option<ProgressBar>,
    /// Somebody looks.
    is_shown: bool,
    watch: Watch,
    start: Instant,
    phase: &'static str,
    phase_start: Instant,
    last_line: Option<Instant>,
    /// Processor that other processes of ours use, cores.
    pub workers_cores: f64,
    /// When phases began.
    marks: Vec<(Duration, &'static str)>,
}

impl Progress {
    /// Begins to look at the processes, too. Without `is_shown` it does no more than that.
    pub fn new(watched: Watched, is_shown: bool) -> Result<Progress, String> {
        let is_terminal = is_shown && std::io::stderr().is_terminal();
        let style = ProgressStyle::with_template("{prefix:>7} [{bar:8}] {wide_msg}")
            .expect("the template is well-formed")
            .progress_chars("=> ");
        let bar = is_terminal.then(|| ProgressBar::new(1_000).with_style(style));
        Ok(Progress {
            bar,
            is_shown,
            watch: Watch::start(watched)?,
            start: watched.start,
            phase: "",
            phase_start: watched.start,
            last_line: None,
            workers_cores: 0.0,
            marks: Vec::new(),
        })
    }

    /// Shows how far (0 to 1) a phase is, in words too.
    pub fn show(&mut self, phase: &'static str, part: f64, words: impl FnOnce() -> String) {
        self.show_more(phase, part, || (words(), String::new()));
    }

    /// The second words stand at the end, where a narrow terminal has no room.
    fn show_more(
        &mut self,
        phase: &'static str,
        part: f64,
        words: impl FnOnce() -> (String, String),
    ) {
        let now = Instant::now();
        let is_new = self.phase != phase;
        if is_new {
            (self.phase, self.phase_start) = (phase, now);
            self.marks.push((now - self.start, phase));
        }
        let part = part.clamp(0.0, 1.0);
        let line = || {
            let left = time_left(now - self.phase_start, part);
            let usage = usage(&self.watch.last(), self.workers_cores);
            let (words, more) = words();
            left.map_or(String::new(), told_left) + &words + &usage + &more
        };
        if let Some(bar) = &self.bar {
            bar.set_prefix(phase);
            bar.set_message(line());
            return bar.set_position((part * 1_000.0) as u64);
        }
        if !self.is_shown {
            return;
        }
        if is_new || self.last_line.is_none_or(|last| now - last >= LINE_EVERY) {
            self.last_line = Some(now);
            eprintln!("{phase:>9} {:3.0} %  {}", part * 100.0, line());
        }
    }

    /// Shows the load.
    pub fn show_load(&mut self, part: f64, status: &Status) {
        self.show_more("load", part, || {
            let Status { counts, recent, outstanding, errors, .. } = status;
            let Recent { posts_per_s, deliveries_per_s, delivery_p99_us } = recent;
            let p99 = time(*delivery_p99_us);
            let words = format!("{deliveries_per_s:.0} deliveries/s, p99 {p99}, {errors} errors");
            let mut more = format!("; {posts_per_s:.0} posts/s, {outstanding} outstanding");
            if counts.links_lost > 0 {
                let (lost, reopened) = (counts.links_lost, counts.links_reopened);
                let _ = write!(more, ", {lost} links lost, {reopened} opened again");
            }
            (words, more)
        });
    }

    /// How this process is doing.
    pub fn status(&self, measured: &Measured, outstanding: u64) -> Status {
        Status {
            counts: measured.counts,
            errors: measured.errors.values().sum(),
            outstanding,
            recent: measured.series.recent(self.start.elapsed(), RECENT_S),
            own_cores: self.watch.last().own.map_or(0.0, |own| own.cpu.cores()),
        }
    }

    /// Nothing is shown any more. Adds what was seen to what was measured.
    pub fn finish(&mut self, measured: &mut Measured) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        measured.series.merge(&self.watch.finish());
        for (at, phase) in self.marks.drain(..) {
            measured.mark(at, phase);
        }
    }
}

/// What the processes used in the last second: cores, and the server's memory.
fn usage(look: &Look, workers_cores: f64) -> String {
    let mut words = String::new();
    let mebibytes = |bytes: u64| bytes >> 20;
    if let Some(server) = look.server {
        let cores = server.shards.cores() + server.others.cores();
        let resident = mebibytes(server.resident_bytes);
        let _ = write!(words, "; server {cores:.2}, {resident} MiB");
        if let Some(lagging) = server.sessions_lagging.filter(|lagging| *lagging > 0) {
            let _ = write!(words, ", {lagging} lagging");
        }
    }
    if let Some(own) = look.own {
        let _ = write!(words, "; own {:.2}", own.cpu.cores() + workers_cores);
    }
    words
}

/// How long the rest takes when it goes on like this.
fn time_left(elapsed: Duration, part: f64) -> Option<Duration> {
    (TELLING_PART..1.0).contains(&part).then(|| elapsed.mul_f64((1.0 - part) / part))
}

fn told_left(left: Duration) -> String {
    let seconds = left.as_secs();
    match seconds {
        0..=99 => format!("{seconds} s left; "),
        _ => format!("{} min left; ", (seconds + 30) / 60),
    }
}

/// A time as a person reads it.
fn time(time_us: u64) -> String {
    match time_us {
        0..1_000 => format!("{time_us} us"),
        1_000..100_000 => format!("{:.1} ms", time_us as f64 / 1e3),
        100_000..1_000_000 => format!("{} ms", time_us / 1_000),
        _ => format!("{:.1} s", time_us as f64 / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_takes_as_long_as_the_part_behind() {
        let left = |elapsed_s, part| time_left(Duration::from_secs(elapsed_s), part);
        assert_eq!(left(30, 0.25), Some(Duration::from_secs(90)));
        assert_eq!((left(30, 1.0), left(1, 0.0)), (None, None));
        assert_eq!(told_left(Duration::from_secs(90)), "90 s left; ");
        assert_eq!(told_left(Duration::from_secs(200)), "3 min left; ");
    }

    #[test]
    fn times_are_short() {
        for (time_us, says) in
            [(870, "870 us"), (5_250, "5.2 ms"), (123_456, "123 ms"), (2_500_000, "2.5 s")]
        {
            assert_eq!(time(time_us), says);
        }
    }
}
