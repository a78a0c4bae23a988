//! How fast the log is beside the disk itself.
//!
//! Alternates each commit of the log with a write and sync of the same number of bytes to a bare
//! file in the same folder, so that both see the same disk at the same time. Prints
//! durable records per second, commit latency, the ratio to the bare loop, and CPU per record.
//!
//! ```text
//! cargo run --release -p parlance-storage --example log_bench [FOLDER [COMMITS]]
//! ```
//!
//! With `--features sled` the second engine is measured likewise.

use hdrhistogram::Histogram;
use parlance_core::Record;
use parlance_core::time::Timestamp;
use parlance_storage::disk::real::RealDisk;
use parlance_storage::{Engine, Log, Options};
use parlance_wire::xccos::Guid;
use std::error::Error;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// What a record takes in the log, in bytes.
const RECORD_BYTES: usize = 1024;
/// Over the columns of [`print_row`].
const HEADINGS: [&str; 2] = [
    "engine   records    records/s   log p50  bare p50   log p99  bare p99     p50    mean     \
     log CPU    bare CPU",
    "         /commit      durable        µs        µs        µs        µs   ratio   ratio   \
     µs/record   µs/record",
];

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let above = arguments.next().map_or_else(std::env::temp_dir, PathBuf::from);
    let commits: usize = arguments.next().map_or(Ok(2000), |text| text.parse())?;
    let folder = tempfile::tempdir_in(&above)?;
    println!("{commits} commits each in {}, records of {RECORD_BYTES} bytes", above.display());
    for line in HEADINGS {
        println!("{line}");
    }
    for records in [1, 32, 256] {
        let path = folder.path().join(format!("log-{records}"));
        let (mut log, _) = Log::open(RealDisk::open(&path)?, Options::default())?;
        measure(folder.path(), &mut log, "segment", records, commits)?;
    }
    #[cfg(feature = "sled")]
    for records in [1, 32, 256] {
        let path = folder.path().join(format!("sled-{records}"));
        let mut log = parlance_storage::engine::sled::SledLog::open(&path, Options::default())?;
        measure(folder.path(), &mut log, "sled", records, commits)?;
    }
    Ok(())
}

/// Latencies and costs of one side.
struct Side {
    latency_us: Histogram<u64>,
    time: Duration,
    cpu: Duration,
}

impl Side {
    fn new() -> Result<Side, Box<dyn Error>> {
        let latency_us = Histogram::new_with_bounds(1, 60_000_000, 3)?;
        Ok(Side { latency_us, time: Duration::ZERO, cpu: Duration::ZERO })
    }

    /// Takes its turn; `commit` returns how long the commit took.
    fn turn(
        &mut self,
        commit: impl FnOnce() -> Result<Duration, Box<dyn Error>>,
    ) -> Result<(), Box<dyn Error>> {
        let (start, cpu) = (Instant::now(), cpu_time());
        let took = commit()?;
        self.latency_us.record((took.as_nanos() as u64).div_ceil(1000))?;
        self.time += start.elapsed();
        self.cpu += cpu_time() - cpu;
        Ok(())
    }
}

fn measure(
    folder: &Path,
    log: &mut dyn Engine,
    name: &str,
    records: usize,
    commits: usize,
) -> Result<(), Box<dyn Error>> {
    let bare_file = File::create_new(folder.join(format!("bare-{name}-{records}")))?;
    let record = record();
    check_size(folder, &record)?;
    let bytes = vec![b'x'; records * RECORD_BYTES];
    let (mut log_side, mut bare_side) = (Side::new()?, Side::new()?);
    let mut offset = 0;
    for _ in 0..commits {
        log_side.turn(|| {
            for _ in 0..records {
                log.append(0, &record)?;
            }
            let start = Instant::now();
            log.commit()?;
            Ok(start.elapsed())
        })?;
        bare_side.turn(|| {
            let start = Instant::now();
            bare_file.write_all_at(&bytes, offset)?;
            bare_file.sync_data()?;
            offset += bytes.len() as u64;
            Ok(start.elapsed())
        })?;
    }
    print_row(name, records, &log_side, &bare_side);
    Ok(())
}

/// Both sides write the same.
fn check_size(folder: &Path, record: &Record) -> Result<(), Box<dyn Error>> {
    let scratch = tempfile::tempdir_in(folder)?;
    let (mut log, _) = Log::open(RealDisk::open(scratch.path())?, Options::default())?;
    log.append(0, record)?;
    assert_eq!(log.waiting_bytes(), RECORD_BYTES, "a record takes what it is said to take");
    Ok(())
}

fn print_row(name: &str, records: usize, log: &Side, bare: &Side) {
    let total = (log.latency_us.len() * records as u64) as f64;
    let at = |side: &Side, quantile| side.latency_us.value_at_quantile(quantile);
    println!(
        "{name:<8} {records:>7} {:>12.0} {:>9} {:>9} {:>9} {:>9} {:>7.2} {:>7.2} {:>11.2} {:>11.2}",
        total / log.time.as_secs_f64(),
        at(log, 0.5),
        at(bare, 0.5),
        at(log, 0.99),
        at(bare, 0.99),
        at(log, 0.5) as f64 / at(bare, 0.5) as f64,
        log.latency_us.mean() / bare.latency_us.mean(),
        log.cpu.as_secs_f64() * 1e6 / total,
        bare.cpu.as_secs_f64() * 1e6 / total,
    );
}

/// A message that takes [`RECORD_BYTES`] in the log.
fn record() -> Record {
    let author = "sip:user@example.com".to_owned();
    // The head and the archived form of the payload take the rest.
    let chat = "x".repeat(RECORD_BYTES - 80 - 32 - author.len());
    let (room, ts) = (Guid(7), Timestamp(1));
    let is_history = true;
    Record { ticket: 0, room, number: 1, ts, author, alert: false, chat, rtf: None, is_history }
}

/// CPU time of this process, in user and kernel.
fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}
