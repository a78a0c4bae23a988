//! From a machine to who runs where on it: pure, so that any machine can be described in a test.
//!
//! | module | subject |
//! |---|---|
//! | [`read`] | what this machine is |
//! | [`advice`] | the layout for it, what it bears, what speaks against a configured one |
//! | [`capacity`] | the measured figures behind that |

pub mod advice;
pub mod capacity;
mod read;
#[cfg(test)]
mod tests;

use crate::config::{CpuSet, SHARDS_MAX};
use std::collections::BTreeSet;

/// What a layout has to know of a machine.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Machine {
    /// Cores, by the kernel's numbers, that the affinity mask of this process allows. With SMT each
    /// hardware thread has a number.
    pub available: CpuSet,
    /// Numbers that are threads of one physical core, for each physical core; empty where the
    /// kernel tells nothing.
    pub siblings: Vec<CpuSet>,
    /// NUMA nodes with their cores; empty where the kernel tells nothing.
    pub nodes: Vec<(usize, CpuSet)>,
    /// Processor time that the control group may use, in CPUs; `None` without a limit.
    pub quota_cpus: Option<f64>,
    /// Memory that the process may use, bytes: the machine's, or the control group's if that is
    /// less; `None` where the kernel tells nothing.
    pub memory_bytes: Option<u64>,
    /// Most descriptors of the process once its limit is raised; `u64::MAX` without a limit.
    pub descriptors_max: u64,
}

/// Where shards and everything else run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// One core for each shard, at least one if the machine has any.
    pub shards: Vec<usize>,
    /// Cores of all other threads; shared with the shards only where nothing else is left.
    pub background: CpuSet,
}

/// Physical cores of a node from which on two of them, not one, are kept from the shards: the log
/// and the database can keep one busy, and the network's interrupts another.
const TWO_KEPT_FROM_CORES: usize = 8;

impl Machine {
    /// The layout of `cores.shards = "auto"`.
    ///
    /// Shards get a physical core each, all on one NUMA node. The first physical core, of eight the
    /// first two, are left to the log, the database, HTTP, and to interrupts, which the kernel
    /// brings there unless told otherwise. The second threads of the shards' cores stay idle: what
    /// runs there would slow the shard down.
    pub fn auto(&self) -> Layout {
        let cores = self.physical_cores(&self.roomiest_node());
        let kept = match cores.len() {
            0 | 1 => 0,
            count if count < TWO_KEPT_FROM_CORES => 1,
            _ => 2,
        };
        let count = (cores.len() - kept).min(self.shards_within_quota()).min(SHARDS_MAX);
        let seats = &cores[kept..kept + count];
        let shards: Vec<usize> =
            seats.iter().filter_map(|threads| threads.0.first().copied()).collect();
        let background = self.beside(&shards, &cores);
        Layout { shards, background }
    }

    /// The first `count` available cores for shards, each on a physical core of its own as long as
    /// there are such.
    pub fn first(&self, count: usize) -> Vec<usize> {
        let cores = self.physical_cores(&self.available);
        let most = cores.iter().map(|threads| threads.0.len()).max().unwrap_or(0);
        let nth = |nth: usize| cores.iter().filter_map(move |c| c.0.iter().nth(nth).copied());
        (0..most).flat_map(nth).take(count).collect()
    }

    /// One core of each physical core in `cpus` that the process may use.
    pub fn one_each(&self, cpus: &CpuSet) -> Vec<usize> {
        let cores = self.physical_cores(cpus);
        cores.iter().filter_map(|threads| threads.0.first().copied()).collect()
    }

    /// What is left for everything else where the shards are on these cores: whole physical cores
    /// if there are any, else their second threads, else all.
    pub fn background(&self, shards: &[usize]) -> CpuSet {
        self.beside(shards, &self.physical_cores(&self.available))
    }

    /// The same, out of these physical cores.
    fn beside(&self, shards: &[usize], cores: &[CpuSet]) -> CpuSet {
        let is_taken = |threads: &&CpuSet| threads.0.iter().any(|cpu| shards.contains(cpu));
        let all = |cores: &mut dyn Iterator<Item = &CpuSet>| -> BTreeSet<usize> {
            cores.flat_map(|threads| threads.0.iter().copied()).collect()
        };
        let free = all(&mut cores.iter().filter(|threads| !is_taken(threads)));
        let mut beside = all(&mut cores.iter());
        beside.retain(|cpu| !shards.contains(cpu));
        match (free.is_empty(), beside.is_empty()) {
            (false, _) => CpuSet(free),
            (true, false) => CpuSet(beside),
            (true, true) => self.available.clone(),
        }
    }

    /// Shards that the quota can keep running, one CPU of it left for everything else.
    fn shards_within_quota(&self) -> usize {
        // A quota is a small number; the cast keeps its whole part.
        self.quota_cpus.map_or(usize::MAX, |cpus| (cpus as usize).saturating_sub(1).max(1))
    }

    /// The NUMA node with the most physical cores, of equal ones the first; all cores where there
    /// are no nodes.
    fn roomiest_node(&self) -> CpuSet {
        let usable = |cpus: &CpuSet| self.physical_cores(cpus).len();
        let nodes = self.nodes.iter().map(|(_, cpus)| cpus);
        // Of equal ones `max_by_key` takes the last.
        match nodes.rev().max_by_key(|cpus| usable(cpus)).filter(|cpus| usable(cpus) > 0) {
            Some(cpus) => cpus.clone(),
            None => self.available.clone(),
        }
    }

    /// The physical cores among `cpus`, in order, with those of their threads that are among them
    /// and that the process may use.
    fn physical_cores(&self, cpus: &CpuSet) -> Vec<CpuSet> {
        let mut left: BTreeSet<usize> = self.available.0.intersection(&cpus.0).copied().collect();
        let mut cores = Vec::new();
        while let Some(cpu) = left.first().copied() {
            let threads = self.siblings.iter().find(|threads| threads.0.contains(&cpu));
            let mut own: BTreeSet<usize> =
                threads.iter().flat_map(|t| t.0.intersection(&left)).copied().collect();
            own.insert(cpu);
            left.retain(|cpu| !own.contains(cpu));
            cores.push(CpuSet(own));
        }
        cores
    }

    /// The NUMA node of a core.
    fn node_of(&self, cpu: usize) -> Option<usize> {
        self.nodes.iter().find(|(_, cpus)| cpus.0.contains(&cpu)).map(|(node, _)| *node)
    }
}
