//! What this machine gives the process. Only reads, except [`raise_descriptors`].

use crate::config::{CpuSet, parse_cpu_list};
use crate::rings;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::path::Path;

/// io_uring refuses to work with less locked memory than this in older kernels, and glommio checks
/// for it in all of them, bytes.
pub const MEMLOCK_MIN_BYTES: u64 = 512 * 1024;

/// Oldest kernel on which the io_uring operations we use all work.
pub const KERNEL_MIN: (u32, u32) = (5, 8);

/// Kernel release, such as `6.1.0-18-amd64`.
pub fn kernel() -> String {
    rustix::system::uname().release().to_string_lossy().into_owned()
}

/// Major and minor number of a kernel release.
pub fn version(release: &str) -> Option<(u32, u32)> {
    let mut parts = release.split(|c: char| !c.is_ascii_digit());
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// Cores that the affinity mask of this process allows.
pub fn available_cpus() -> CpuSet {
    let mask = rustix::thread::sched_getaffinity(None).unwrap_or_default();
    let cpus = (0..rustix::thread::CpuSet::MAX_CPU).filter(|cpu| mask.is_set(*cpu));
    CpuSet(cpus.collect())
}

/// NUMA nodes with their cores; empty where the kernel tells nothing.
pub fn numa_nodes() -> Vec<(usize, CpuSet)> {
    let Ok(entries) = std::fs::read_dir("/sys/devices/system/node") else { return Vec::new() };
    let mut nodes: Vec<_> = entries
        .flatten()
        .filter_map(|entry| {
            let node = entry.file_name().to_str()?.strip_prefix("node")?.parse().ok()?;
            let list = std::fs::read_to_string(entry.path().join("cpulist")).ok()?;
            Some((node, parse_cpu_list(&list).ok()?))
        })
        .collect();
    nodes.sort_by_key(|(node, _)| *node);
    nodes
}

/// Binds the calling thread to `cpus`. Best effort: a wrong place costs speed, not correctness.
pub fn bind_thread(cpus: &CpuSet) {
    let _ = rustix::thread::sched_setaffinity(None, &mask(cpus));
}

/// Binds all threads there are, and so all that they start.
pub fn bind_process(cpus: &CpuSet) {
    let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let ids = tasks.filter_map(|task| task.file_name().to_str()?.parse().ok());
    for thread in ids.filter_map(rustix::thread::Pid::from_raw) {
        let _ = rustix::thread::sched_setaffinity(Some(thread), &mask(cpus));
    }
}

fn mask(cpus: &CpuSet) -> rustix::thread::CpuSet {
    let mut mask = rustix::thread::CpuSet::new();
    let known = cpus.0.iter().filter(|cpu| **cpu < rustix::thread::CpuSet::MAX_CPU);
    known.for_each(|cpu| mask.set(*cpu));
    mask
}

/// Most descriptors the process may open: now, and when raised. `u64::MAX` means no limit.
pub fn descriptors() -> (u64, u64) {
    let limit = getrlimit(Resource::Nofile);
    (limit.current.unwrap_or(u64::MAX), limit.maximum.unwrap_or(u64::MAX))
}

/// Raises the soft limit of descriptors to the hard one: every link is a descriptor. Returns what
/// is in force afterwards.
pub fn raise_descriptors() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    let _ = setrlimit(Resource::Nofile, raised);
    descriptors().0
}

/// Bytes the process may lock in memory; `u64::MAX` means no limit.
pub fn memlock_bytes() -> u64 {
    getrlimit(Resource::Memlock).current.unwrap_or(u64::MAX)
}

/// What is to be known by whoever chose io_uring (docs/adr/0008).
pub const URING_WARNING: &str = "io_uring: a shard on it costs more per message and has been seen \
    to stop serving under load; set cores.io to \"auto\" unless you are trying it";

/// Sets up what a shard on io_uring sets up, on a thread of its own, and tears it down again.
///
/// # Errors
/// Why io_uring cannot be used, with the next step.
pub fn probe_uring() -> Result<(), String> {
    if memlock_bytes() < MEMLOCK_MIN_BYTES {
        return Err(format!(
            "only {} may be locked in memory, and io_uring needs {}; raise it with `ulimit -l` or \
             LimitMEMLOCK= in the systemd unit",
            bytes(memlock_bytes()),
            bytes(MEMLOCK_MIN_BYTES)
        ));
    }
    // What the executor finds missing it takes for a fault of its own: it panics, and a panic ends
    // the process. So the two usual causes are looked for before it.
    let release = kernel();
    if version(&release).is_some_and(|found| found < KERNEL_MIN) {
        let (major, minor) = KERNEL_MIN;
        return Err(format!("kernel {release} is older than {major}.{minor}; update it"));
    }
    rings::allowed().map_err(|error| refused(&error.to_string()))?;
    let probe = std::thread::Builder::new().name("probe".into()).spawn(|| {
        let builder = || glommio::LocalExecutorBuilder::new(glommio::Placement::Unbound);
        let executor = rings::executor(|| builder().ring_depth(8).io_memory(0))?;
        executor.run(async { glommio::timer::sleep(std::time::Duration::from_micros(1)).await });
        Ok::<(), String>(())
    });
    let outcome = match probe.map(std::thread::JoinHandle::join) {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(_)) => Err("the probe panicked".into()),
        Err(error) => Err(error.to_string()),
    };
    outcome.map_err(|cause| refused(&cause))
}

/// The next step for somebody whom the kernel gives no ring.
fn refused(cause: &str) -> String {
    let disabled = Path::new("/proc/sys/kernel/io_uring_disabled");
    let disabled = std::fs::read_to_string(disabled).unwrap_or_default();
    match disabled.trim() {
        "" | "0" => format!(
            "{cause}; kernel 5.8 or later is needed, and a container must allow io_uring (its \
             seccomp profile, e.g. `--security-opt seccomp=unconfined`)"
        ),
        value => format!(
            "{cause}; it is switched off: set kernel.io_uring_disabled (now {value}) to 0 with \
             sysctl"
        ),
    }
}

/// `1536 KiB`, `8 MiB`, `no limit`: for people.
pub fn bytes(count: u64) -> String {
    const UNITS: [&str; 4] = ["bytes", "KiB", "MiB", "GiB"];
    if count == u64::MAX {
        return "no limit".into();
    }
    let mut unit = 0;
    let mut count = count;
    while count >= 2048 && unit + 1 < UNITS.len() {
        count /= 1024;
        unit += 1;
    }
    format!("{count} {}", UNITS[unit])
}
