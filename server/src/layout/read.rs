//! What this machine is, from `/sys` and `/proc`. What cannot be read is left out.

use super::Machine;
use crate::config::{CpuSet, parse_cpu_list};
use crate::machine;
use std::path::{Path, PathBuf};

/// Where the kernel shows cores, and control groups.
const CPUS: &str = "/sys/devices/system/cpu";
const GROUPS: &str = "/sys/fs/cgroup";

impl Machine {
    /// The machine this process runs on.
    pub fn read() -> Machine {
        let available = machine::available_cpus();
        let groups = Groups::read();
        let own = std::fs::read_to_string("/proc/meminfo").ok().and_then(|text| mem_total(&text));
        Machine {
            siblings: siblings(&available),
            nodes: machine::numa_nodes(),
            quota_cpus: groups.quota_cpus(),
            memory_bytes: own.into_iter().chain(groups.memory_bytes()).min(),
            descriptors_max: machine::descriptors().1,
            available,
        }
    }
}

/// The threads of each physical core that has one of these.
fn siblings(available: &CpuSet) -> Vec<CpuSet> {
    let mut cores: Vec<CpuSet> = Vec::new();
    for cpu in &available.0 {
        let path = format!("{CPUS}/cpu{cpu}/topology/thread_siblings_list");
        let list = std::fs::read_to_string(path).ok();
        if let Some(threads) = list.and_then(|list| parse_cpu_list(&list).ok())
            && !cores.contains(&threads)
        {
            cores.push(threads);
        }
    }
    cores
}

/// Bytes of the machine's memory, from `/proc/meminfo`.
fn mem_total(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kib| kib * 1024)
}

/// The control groups of this process, innermost first, of either version.
#[derive(Debug, Default)]
struct Groups {
    unified: Vec<PathBuf>,
    cpu: Vec<PathBuf>,
    memory: Vec<PathBuf>,
}

impl Groups {
    fn read() -> Groups {
        let text = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        Groups::parse(&text)
    }

    /// From the lines of `/proc/self/cgroup`: number, controllers, path.
    fn parse(text: &str) -> Groups {
        let mut groups = Groups::default();
        for line in text.lines() {
            let mut fields = line.splitn(3, ':').skip(1);
            let (Some(controllers), Some(path)) = (fields.next(), fields.next()) else { continue };
            let has = |name| controllers.split(',').any(|controller| controller == name);
            let up = |root: &str| -> Vec<PathBuf> {
                let path = Path::new(path.trim_start_matches('/'));
                path.ancestors().map(|path| Path::new(GROUPS).join(root).join(path)).collect()
            };
            if controllers.is_empty() {
                groups.unified = up("");
            } else if has("cpu") {
                groups.cpu = up("cpu");
            } else if has("memory") {
                groups.memory = up("memory");
            }
        }
        groups
    }

    /// The least quota of all groups the process is in.
    fn quota_cpus(&self) -> Option<f64> {
        let unified = self.unified.iter().filter_map(|group| cpu_max(&read(group, "cpu.max")?));
        let first = self.cpu.iter().filter_map(|group| {
            let quota = read(group, "cpu.cfs_quota_us")?;
            cpu_max(&format!("{} {}", quota.trim(), read(group, "cpu.cfs_period_us")?))
        });
        unified.chain(first).min_by(f64::total_cmp)
    }

    /// The least limit of memory of all groups the process is in.
    fn memory_bytes(&self) -> Option<u64> {
        let unified = self.unified.iter().filter_map(|group| read(group, "memory.max"));
        let first = self.memory.iter().filter_map(|group| read(group, "memory.limit_in_bytes"));
        // "max" is no number, and the first version's "no limit" is larger than any machine.
        unified.chain(first).filter_map(|text| text.trim().parse().ok()).min()
    }
}

fn read(group: &Path, name: &str) -> Option<String> {
    std::fs::read_to_string(group.join(name)).ok()
}

/// CPUs of a quota: `150000 100000` (microseconds in each period) are 1.5; `max` and `-1` none.
fn cpu_max(text: &str) -> Option<f64> {
    let (quota, period) = text.trim().split_once(' ')?;
    let (quota, period): (f64, f64) = (quota.parse().ok()?, period.parse().ok()?);
    (quota > 0.0 && period > 0.0).then(|| quota / period)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotas_are_read() {
        assert_eq!(cpu_max("150000 100000\n"), Some(1.5));
        assert_eq!(cpu_max("max 100000\n"), None);
        assert_eq!(cpu_max("-1 100000"), None);
        assert_eq!(cpu_max("odd"), None);
    }

    #[test]
    fn groups_of_either_version_are_found_with_those_around_them() {
        let groups = Groups::parse("4:memory:/a\n2:cpu,cpuacct:/\n3:cpuset:/b\n0::/system/x:y\n");
        let show = |paths: &[PathBuf]| -> Vec<String> {
            paths.iter().map(|path| path.display().to_string()).collect()
        };
        assert_eq!(show(&groups.memory), ["/sys/fs/cgroup/memory/a", "/sys/fs/cgroup/memory/"]);
        assert_eq!(show(&groups.cpu), ["/sys/fs/cgroup/cpu/"]);
        let unified = ["/sys/fs/cgroup/system/x:y", "/sys/fs/cgroup/system", "/sys/fs/cgroup/"];
        assert_eq!(show(&groups.unified), unified);
    }

    #[test]
    fn memory_is_read() {
        assert_eq!(mem_total("MemTotal:       24689212 kB\nMemFree: 1 kB\n"), Some(25_281_753_088));
        assert_eq!(mem_total("odd"), None);
    }

    #[test]
    fn this_machine_can_be_described() {
        let machine = Machine::read();
        assert!(!machine.available.0.is_empty());
        assert!(!machine.auto().shards.is_empty() && !machine.auto().background.0.is_empty());
    }
}
