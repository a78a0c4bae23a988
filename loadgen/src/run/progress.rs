//! What is shown while a run runs: a bar on a terminal, a line now and then elsewhere.

use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// How often a line is written where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(5);

pub struct Progress {
    bar: Option<ProgressBar>,
    phase: &'static str,
    last_line: Option<Instant>,
}

impl Progress {
    pub fn new() -> Progress {
        let is_terminal = std::io::stderr().is_terminal();
        let style = ProgressStyle::with_template("{prefix:>9} [{bar:32}] {msg}")
            .expect("the template is well-formed")
            .progress_chars("=> ");
        let bar = is_terminal.then(|| ProgressBar::new(1_000).with_style(style));
        Progress { bar, phase: "", last_line: None }
    }

    /// Shows how far (0 to 1) a phase is, in words too.
    pub fn show(&mut self, phase: &'static str, part: f64, words: impl FnOnce() -> String) {
        let is_new = self.phase != phase;
        self.phase = phase;
        if let Some(bar) = &self.bar {
            bar.set_prefix(phase);
            bar.set_message(words());
            return bar.set_position((part.clamp(0.0, 1.0) * 1_000.0) as u64);
        }
        let now = Instant::now();
        if is_new || self.last_line.is_none_or(|last| now - last >= LINE_EVERY) {
            self.last_line = Some(now);
            eprintln!("{phase:>9} {:3.0} %  {}", part.clamp(0.0, 1.0) * 100.0, words());
        }
    }

    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
