//! What the processor itself counts while a server works, where the machine lets us read it.
//!
//! Virtual machines often have no such counters, and a system may forbid them
//! (`kernel.perf_event_paranoid`). Then nothing is counted, and the tables say so.

use crate::{Outcome, cpu};
use perf_event::events::Hardware;
use perf_event::{Builder, Counter};
use serde::{Deserialize, Serialize};
use std::io;

/// Of the threads that carry shards, in one window of time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Counts {
    /// Instructions outside of the kernel.
    pub user_instructions: u64,
    /// Instructions, also those of the kernel.
    pub all_instructions: u64,
    /// Times that the last level of the caches had not what was asked for, also in the kernel.
    pub cache_misses: u64,
}

/// Counters of one process that run.
pub struct Counters {
    of_threads: Vec<[Counter; 3]>,
}

impl Counters {
    /// Counts from now on. `None` when the machine or the system has no counters for us.
    ///
    /// # Errors
    /// If the process is not there.
    pub fn start(pid: u32) -> Outcome<Option<Counters>> {
        let of_threads: io::Result<Vec<_>> = cpu::carriers(pid)?.into_iter().map(open).collect();
        Ok(of_threads.ok().map(|of_threads| Counters { of_threads }))
    }

    /// What was counted until now; `None` if the kernel could not count all the time.
    ///
    /// # Errors
    /// The system's.
    pub fn read(&mut self) -> io::Result<Option<Counts>> {
        let mut sums = [0; 3];
        for counters in &mut self.of_threads {
            for (sum, counter) in sums.iter_mut().zip(counters) {
                let read = counter.read_count_and_time()?;
                if read.time_running < read.time_enabled {
                    return Ok(None);
                }
                *sum += read.count;
            }
        }
        let [user_instructions, all_instructions, cache_misses] = sums;
        Ok(Some(Counts { user_instructions, all_instructions, cache_misses }))
    }
}

fn open(thread: u32) -> io::Result<[Counter; 3]> {
    let thread = thread.try_into().map_err(|_| io::ErrorKind::InvalidInput)?;
    let open = |kind, is_kernel_left_out| {
        let mut builder = Builder::new().observe_pid(thread).kind(kind);
        builder.exclude_kernel(is_kernel_left_out);
        let mut counter = builder.build()?;
        counter.enable()?;
        io::Result::Ok(counter)
    };
    Ok([
        open(Hardware::INSTRUCTIONS, true)?,
        open(Hardware::INSTRUCTIONS, false)?,
        open(Hardware::CACHE_MISSES, false)?,
    ])
}
