//! Processor time of a process and its threads, by the kernel's own accounting.

use crate::Outcome;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use serde::{Deserialize, Serialize};
use std::ops::Sub;
use std::path::Path;

/// Name of the thread that carries the broker's only shard, and of a helper beside it that sleeps.
const SHARD: &str = "shard-0";

/// Time that a process has used since its start, or in a window of time. Seconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct CpuTime {
    /// Of the thread that carries the shard; of the only thread where there is no shard.
    pub shard_s: f64,
    /// Of all threads that still run.
    pub all_s: f64,
    /// How long that first thread was ready to run while something else had its core: what a shared
    /// machine takes away.
    pub waited_s: f64,
}

impl Sub for CpuTime {
    type Output = CpuTime;

    fn sub(self, before: CpuTime) -> CpuTime {
        CpuTime {
            shard_s: self.shard_s - before.shard_s,
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
    let (mut all_s, mut main, mut shard) = (0.0, None, None::<Thread>);
    for task in std::fs::read_dir(format!("/proc/{pid}/task"))? {
        let task = task?;
        let Some(thread) = thread(&task.path())? else { continue };
        all_s += thread.ran_s;
        if thread.name == SHARD {
            let is_busier = shard.as_ref().is_none_or(|other| other.ran_s < thread.ran_s);
            shard = if is_busier { Some(thread) } else { shard };
        } else if task.file_name().to_str() == Some(&pid.to_string()) {
            main = Some(thread);
        }
    }
    let first = shard.or(main).ok_or("a process without threads")?;
    Ok(CpuTime { shard_s: first.ran_s, all_s, waited_s: first.waited_s })
}

struct Thread {
    name: String,
    ran_s: f64,
    waited_s: f64,
}

/// `None` when the thread has just ended.
fn thread(task: &Path) -> Outcome<Option<Thread>> {
    let Ok(name) = std::fs::read_to_string(task.join("comm")) else { return Ok(None) };
    let Ok(text) = std::fs::read_to_string(task.join("schedstat")) else { return Ok(None) };
    let mut fields = text.split_ascii_whitespace().map(str::parse::<u64>);
    let (Some(Ok(ran_ns)), Some(Ok(waited_ns))) = (fields.next(), fields.next()) else {
        return Err(format!("{} says {text:?}", task.display()).into());
    };
    let name = name.trim_end().to_owned();
    Ok(Some(Thread { name, ran_s: ran_ns as f64 * 1e-9, waited_s: waited_ns as f64 * 1e-9 }))
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
