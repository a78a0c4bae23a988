//! What the operating system says about processes: CPU time, memory, descriptors.

use rustix::param::{clock_ticks_per_second, page_size};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors a run needs besides its links.
const DESCRIPTORS_OTHER: u64 = 64;

/// A process at one time.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Sample {
    /// User and system time so far, seconds.
    pub cpu_s: f64,
    /// Memory resident, bytes.
    pub resident_bytes: u64,
}

/// Looks at a process; `None` when it is not there.
pub fn sample(pid: u32) -> Option<Sample> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let ticks = parse_cpu_ticks(&stat)?;
    let statm = std::fs::read_to_string(format!("/proc/{pid}/statm")).ok()?;
    let pages: u64 = statm.split(' ').nth(1)?.parse().ok()?;
    Some(Sample {
        cpu_s: ticks as f64 / clock_ticks_per_second() as f64,
        resident_bytes: pages * page_size() as u64,
    })
}

/// utime and stime (proc(5), fields 14 and 15); the name in field 2 may hold anything.
fn parse_cpu_ticks(stat: &str) -> Option<u64> {
    let behind_name = stat.rsplit_once(')')?.1;
    let mut fields = behind_name.split_ascii_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
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
    use super::parse_cpu_ticks;

    #[test]
    fn names_do_not_confuse_the_fields() {
        let stat = "12 (a ) b) S 1 1 1 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 1 0 5 6 7";
        assert_eq!(parse_cpu_ticks(stat), Some(300));
        assert_eq!(parse_cpu_ticks("12 (x) S 1"), None);
    }
}
