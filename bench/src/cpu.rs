//! Processor time of a process and its threads, by the kernel's own accounting.

use crate::Outcome;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use serde::{Deserialize, Serialize};
use std::ops::Sub;
use std::path::Path;

/// What the names of the broker's threads that carry a shard begin with, and of a helper beside
/// each that sleeps.
const SHARD: &str = "shard-";
/// Unit of the fields of `/proc/PID/task/TID/stat` that are read here: it is 100 Hz on every Linux
/// system of today, whatever the kernel's own clock is.
const TICK_S: f64 = 0.01;

/// Time that a process has used since its start, or in a window of time. Seconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct CpuTime {
    /// Of the threads that carry shards; of the only thread where there is no shard.
    pub shard_s: f64,
    /// What of that was spent outside of the kernel; to a hundredth of a second, and the kernel
    /// only samples it.
    pub user_s: f64,
    /// Of all threads that still run.
    pub all_s: f64,
    /// How long those first threads were ready to run while something else had their cores: what a
    /// shared machine takes away.
    pub waited_s: f64,
}

impl CpuTime {
    /// How much of the shards' time was spent outside of the kernel, 0 to 1.
    pub fn user_share(&self) -> f64 {
        (self.user_s / self.shard_s).clamp(0.0, 1.0)
    }
}

impl Sub for CpuTime {
    type Output = CpuTime;

    fn sub(self, before: CpuTime) -> CpuTime {
        CpuTime {
            shard_s: self.shard_s - before.shard_s,
            user_s: self.user_s - before.user_s,
            all_s: self.all_s - before.all_s,
            waited_s: self.waited_s - before.waited_s,
        }
    }
}

/// Looks at a process.
///
/// # Errors
/// If it is not there, or the kernel keeps no such account (CONFIG_SCHED_INFO).
pub fn of(pid: u32) -> Outcome<CpuTime> {
    let mut time = CpuTime::default();
    let carriers = carriers(pid)?;
    for task in std::fs::read_dir(format!("/proc/{pid}/task"))? {
        let task = task?;
        let Some(thread) = thread(&task.path())? else { continue };
        time.all_s += thread.ran_s;
        if carriers.iter().any(|tid| task.file_name().to_str() == Some(&tid.to_string())) {
            time.shard_s += thread.ran_s;
            time.user_s += thread.user_s;
            time.waited_s += thread.waited_s;
        }
    }
    Ok(time)
}

/// The threads that carry shards; the first thread where there is no shard.
///
/// # Errors
/// If the process is not there.
pub fn carriers(pid: u32) -> Outcome<Vec<u32>> {
    let mut shards = Vec::new();
    for task in std::fs::read_dir(format!("/proc/{pid}/task"))? {
        let path = task?.path();
        let name = std::fs::read_to_string(path.join("comm")).unwrap_or_default();
        let tid: Option<u32> = path.file_name().and_then(|name| name.to_str()?.parse().ok());
        shards.extend(tid.filter(|_| name.starts_with(SHARD)));
    }
    Ok(if shards.is_empty() { vec![pid] } else { shards })
}

struct Thread {
    ran_s: f64,
    user_s: f64,
    waited_s: f64,
}

/// `None` when the thread has just ended.
fn thread(task: &Path) -> Outcome<Option<Thread>> {
    let Ok(stat) = std::fs::read_to_string(task.join("stat")) else { return Ok(None) };
    let Ok(text) = std::fs::read_to_string(task.join("schedstat")) else { return Ok(None) };
    let mut fields = text.split_ascii_whitespace().map(str::parse::<u64>);
    let (Some(Ok(ran_ns)), Some(Ok(waited_ns))) = (fields.next(), fields.next()) else {
        return Err(format!("{} says {text:?}", task.display()).into());
    };
    // The name, in parentheses, may have blanks; `utime` is the twelfth field behind it.
    let behind = stat.rsplit_once(')').map_or("", |(_, behind)| behind);
    let user = behind.split_ascii_whitespace().nth(11).and_then(|field| field.parse::<u64>().ok());
    let user_s = user.ok_or_else(|| format!("{} says {stat:?}", task.display()))? as f64 * TICK_S;
    Ok(Some(Thread { ran_s: ran_ns as f64 * 1e-9, user_s, waited_s: waited_ns as f64 * 1e-9 }))
}

/// The cores this process may use, in order.
pub fn cores() -> Vec<usize> {
    let mask = sched_getaffinity(None).unwrap_or_default();
    (0..CpuSet::MAX_CPU).filter(|cpu| mask.is_set(*cpu)).collect()
}

/// Binds the calling thread to one core.
///
/// # Errors
/// If the process may not use it.
pub fn bind(core: usize) -> Outcome<()> {
    let mut mask = CpuSet::new();
    mask.set(core);
    Ok(sched_setaffinity(None, &mask)?)
}

/// Raises the soft limit of descriptors to the hard one; every link is a descriptor. What starts
/// afterwards inherits it.
pub fn raise_descriptors() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    let _ = setrlimit(Resource::Nofile, raised);
}
