//! What the operating system says about processes: CPU time, memory, descriptors.

use rustix::param::{clock_ticks_per_second, page_size};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::path::Path;

/// Descriptors a run needs besides its links.
const DESCRIPTORS_OTHER: u64 = 64;
/// How the names of the server's threads that carry shards begin.
const SHARD: &str = "shard-";

/// A process at one time.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Sample {
    /// User and system time so far, seconds.
    pub cpu_s: f64,
    /// Memory resident, bytes.
    pub resident_bytes: u64,
}

/// Looks at a process; `None` when it is not there, or has ended and waits for its parent.
pub fn sample(pid: u32) -> Option<Sample> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let ticks = parse_stat(&stat)?.cpu_ticks;
    Some(Sample {
        cpu_s: ticks as f64 / clock_ticks_per_second() as f64,
        resident_bytes: resident_bytes(pid)?,
    })
}

fn resident_bytes(pid: u32) -> Option<u64> {
    let statm = std::fs::read_to_string(format!("/proc/{pid}/statm")).ok()?;
    let pages: u64 = statm.split(' ').nth(1)?.parse().ok()?;
    Some(pages * page_size() as u64)
}

struct Stat {
    cpu_ticks: u64,
    started_ticks: u64,
}

/// State, utime, stime and starttime (proc(5), fields 3, 14, 15 and 22); the name in field 2 may
/// hold anything. `None` for a process that has ended.
fn parse_stat(stat: &str) -> Option<Stat> {
    let behind_name = stat.rsplit_once(')')?.1;
    let fields: Vec<&str> = behind_name.split_ascii_whitespace().collect();
    if matches!(*fields.first()?, "Z" | "X") {
        return None;
    }
    let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
    Some(Stat { cpu_ticks: field(14)? + field(15)?, started_ticks: field(22)? })
}

/// A process and its threads at one time, by the scheduler's own account.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Threads {
    /// When the process was started, so that another one with its number is told apart.
    pub started_ticks: u64,
    /// Processor time so far of the threads that carry shards, microseconds.
    pub shards_us: u64,
    /// Of all others, microseconds.
    pub others_us: u64,
    /// Memory resident, bytes.
    pub resident_bytes: u64,
}

/// Looks at a process and its threads; `None` as for [`sample`]. Threads that have ended are no
/// longer counted.
pub fn threads(pid: u32) -> Option<Threads> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut threads = Threads {
        started_ticks: parse_stat(&stat)?.started_ticks,
        resident_bytes: resident_bytes(pid)?,
        ..Threads::default()
    };
    for task in std::fs::read_dir(format!("/proc/{pid}/task")).ok()?.flatten() {
        let Some((is_shard, ran_us)) = thread(&task.path()) else { continue };
        *(if is_shard { &mut threads.shards_us } else { &mut threads.others_us }) += ran_us;
    }
    Some(threads)
}

/// Does a thread carry a shard, and how long did it run? `None` when it has just ended.
fn thread(task: &Path) -> Option<(bool, u64)> {
    let name = std::fs::read_to_string(task.join("comm")).ok()?;
    let account = std::fs::read_to_string(task.join("schedstat")).ok()?;
    let ran_ns: u64 = account.split_ascii_whitespace().next()?.parse().ok()?;
    Some((name.starts_with(SHARD), ran_ns / 1_000))
}

/// Links that one process can have, by the hard limit of descriptors.
pub fn links_max() -> u32 {
    let most = getrlimit(Resource::Nofile).maximum.unwrap_or(u64::MAX);
    u32::try_from(most.saturating_sub(DESCRIPTORS_OTHER)).unwrap_or(u32::MAX).max(1)
}

/// Raises the soft limit of descriptors to the hard one; an error when that is not enough.
pub fn raise_descriptor_limit(links: u64) -> Result<(), String> {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    let _ = setrlimit(Resource::Nofile, raised);
    let needed = links + DESCRIPTORS_OTHER;
    match getrlimit(Resource::Nofile).current {
        Some(current) if current < needed => {
            Err(format!("{links} links need {needed} descriptors, the limit is {current}"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_do_not_confuse_the_fields() {
        let stat = "12 (a ) b) S 1 1 1 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 1 0 5 6 7";
        let Some(Stat { cpu_ticks, started_ticks }) = parse_stat(stat) else {
            panic!("it is well-formed");
        };
        assert_eq!((cpu_ticks, started_ticks), (300, 5));
        assert!(parse_stat("12 (x) S 1").is_none());
        assert!(parse_stat(&stat.replace(" S ", " Z ")).is_none(), "it has ended");
    }

    #[test]
    fn threads_that_carry_shards_are_counted_apart() {
        let (spun, is_spun) = std::sync::mpsc::channel();
        let (end, is_ended) = std::sync::mpsc::channel::<()>();
        let spin = move || {
            // Work that the scheduler's account, which counts nanoseconds, cannot miss.
            let sum = (0..3_000_000u64).fold(0u64, |sum, n| std::hint::black_box(sum ^ n));
            spun.send(sum).expect("the test waits");
            let _ = is_ended.recv();
        };
        let before = threads(std::process::id()).expect("we are there");
        let thread = std::thread::Builder::new().name("shard-7".into()).spawn(spin);
        is_spun.recv().expect("the thread works");
        let after = threads(std::process::id()).expect("we are there");
        assert!(after.shards_us > before.shards_us, "{before:?} {after:?}");
        assert_eq!(after.started_ticks, before.started_ticks);
        drop(end);
        thread.expect("there is room for a thread").join().expect("it ends well");
        assert_eq!(threads(0), None);
    }
}
