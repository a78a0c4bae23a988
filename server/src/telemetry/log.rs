//! Log lines on stderr, written by a thread of their own: a reader that is slow, or a terminal that
//! is stopped, must not stop a shard. Lines that do not fit meanwhile are left out and counted.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// Lines that may wait for stderr.
const LINES_MAX: usize = 4096;
/// How long the end of the program waits for them.
const FLUSH_WAIT: Duration = Duration::from_secs(1);
/// After which it looks whether there is room for the request to flush.
const FLUSH_PAUSE: Duration = Duration::from_millis(10);

/// How lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// One JSON object per line.
    Json,
}

/// What the writing thread gets.
enum Line {
    Text(Vec<u8>),
    Flush(SyncSender<()>),
}

/// Starts logging for the whole process.
///
/// # Errors
/// If `levels` is not understood (as in `info` or `parlance=debug,warn`).
pub fn start(levels: &str, format: Format) -> Result<LogGuard, String> {
    let filter = EnvFilter::try_new(levels)
        .map_err(|e| format!("log levels {levels:?}: {e}; write \"info\" or \"parlance=debug\""))?;
    let (sender, receiver) = sync_channel(LINES_MAX);
    std::thread::Builder::new()
        .name("log-lines".into())
        .spawn(move || write_lines(&receiver, &mut io::stderr()))
        .map_err(|e| format!("no thread for log lines: {e}"))?;
    let lines = Lines { sender, lost: Arc::default() };
    let guard = LogGuard { lines: lines.clone() };
    // Colours are control characters: there are none in our lines.
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_target(false)
        .with_ansi(false)
        .with_writer(lines);
    let started = match format {
        Format::Text => builder.try_init(),
        Format::Json => builder.json().flatten_event(true).try_init(),
    };
    started.map_err(|e| e.to_string())?;
    Ok(guard)
}

/// Lets waiting lines out when dropped, and when asked to.
#[derive(Clone)]
pub struct LogGuard {
    lines: Lines,
}

impl LogGuard {
    /// Waits until the lines so far are out, a second at most: the program is about to end, and an
    /// end must not depend on somebody who reads.
    pub fn flush(&self) {
        let end = Instant::now() + FLUSH_WAIT;
        let (done, is_done) = sync_channel(1);
        let mut request = Line::Flush(done);
        while let Err(TrySendError::Full(refused)) = self.lines.sender.try_send(request) {
            if Instant::now() >= end {
                return;
            }
            request = refused;
            std::thread::park_timeout(FLUSH_PAUSE);
        }
        let _ = is_done.recv_timeout(end.saturating_duration_since(Instant::now()));
    }
}

impl Drop for LogGuard {
    fn drop(&mut self) {
        self.flush();
    }
}

fn write_lines(lines: &Receiver<Line>, out: &mut impl Write) {
    while let Ok(line) = lines.recv() {
        match line {
            // Nobody is left to be told that stderr is gone.
            Line::Text(text) => _ = out.write_all(&text),
            Line::Flush(done) => _ = done.send(()),
        }
    }
}

/// Where the subscriber writes.
#[derive(Clone)]
struct Lines {
    sender: SyncSender<Line>,
    lost: Arc<AtomicU64>,
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = LineWriter;

    fn make_writer(&'a self) -> LineWriter {
        LineWriter { lines: self.clone(), text: Vec::new() }
    }
}

/// One line while it is being made; handed over when dropped.
struct LineWriter {
    lines: Lines,
    text: Vec<u8>,
}

impl Write for LineWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for LineWriter {
    fn drop(&mut self) {
        if self.text.is_empty() {
            return;
        }
        let mut text = Vec::new();
        let lost = self.lines.lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            text.extend_from_slice(
                format!("({lost} lines lost: stderr was not read)\n").as_bytes(),
            );
        }
        text.extend_from_slice(escape(&String::from_utf8_lossy(&self.text)).as_bytes());
        if self.lines.sender.try_send(Line::Text(text)).is_err() {
            self.lines.lost.fetch_add(lost + 1, Ordering::Relaxed);
        }
    }
}

/// One line, whatever was in it: control characters (a line break inside included) and the
/// characters that turn the direction of text are written out, so that a peer cannot forge or hide
/// lines.
fn escape(line: &str) -> String {
    let mut safe = String::with_capacity(line.len() + 1);
    for c in line.trim_end_matches('\n').chars() {
        let turns = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}')
            || matches!(c, '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}');
        match c.is_control() || turns {
            true => safe.extend(c.escape_unicode()),
            false => safe.push(c),
        }
    }
    safe.push('\n');
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_stays_one_line() {
        assert_eq!(escape("plain ü\n"), "plain ü\n");
        assert_eq!(escape("a\nb\r\x1b[2J\n"), "a\\u{a}b\\u{d}\\u{1b}[2J\n");
        assert_eq!(escape("\u{202e}x\u{9b}\u{2028}"), "\\u{202e}x\\u{9b}\\u{2028}\n");
    }

    #[test]
    fn nobody_waits_long_for_an_end_that_nobody_reads() {
        let (sender, receiver) = sync_channel(1);
        let log = LogGuard { lines: Lines { sender, lost: Arc::default() } };
        writeln!(log.lines.make_writer(), "line").unwrap();
        // Full: the request itself does not fit.
        log.flush();
        assert!(matches!(receiver.recv(), Ok(Line::Text(_))));
        // Taken, but not answered.
        log.flush();
        assert!(matches!(receiver.recv(), Ok(Line::Flush(_))));
        drop(receiver);
        log.flush();
    }

    #[test]
    fn lines_that_do_not_fit_are_counted_and_nobody_waits() {
        let (sender, receiver) = sync_channel(1);
        let lines = Lines { sender, lost: Arc::default() };
        for n in 0..5 {
            let mut writer = lines.make_writer();
            writeln!(writer, "line {n}").unwrap();
        }
        let mut out = Vec::new();
        let Line::Text(text) = receiver.recv().unwrap() else { panic!("a line was expected") };
        out.extend(text);
        writeln!(lines.make_writer(), "line 5").unwrap();
        drop(lines);
        write_lines(&receiver, &mut out);
        let out = String::from_utf8(out).unwrap();
        assert_eq!(out, "line 0\n(4 lines lost: stderr was not read)\nline 5\n");
    }
}
