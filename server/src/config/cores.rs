//! Which cores: `"auto"`, `4`, `"2-7"`, `"0,2,4"`, `"numa:0"`.

use std::collections::BTreeSet;
use std::fmt;

/// Highest core number that is believed: a typing error must not allocate a bitmap of the world.
pub const CPU_MAX: usize = 4095;

/// Most shards: room owners are counted in 16 bits, and queues in pairs of shards.
pub const SHARDS_MAX: usize = 256;

/// A set of cores, by the kernel's numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CpuSet(pub BTreeSet<usize>);

impl fmt::Display for CpuSet {
    /// `0,2-5`: the kernel's own way of writing it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut cpus = self.0.iter().copied().peekable();
        let mut first = true;
        while let Some(from) = cpus.next() {
            let mut to = from;
            while let Some(next) = cpus.next_if_eq(&(to + 1)) {
                to = next;
            }
            let comma = if std::mem::take(&mut first) { "" } else { "," };
            match to - from {
                0 => write!(f, "{comma}{from}")?,
                _ => write!(f, "{comma}{from}-{to}")?,
            }
        }
        Ok(())
    }
}

/// `cores.shards`, before the machine is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ShardSpec {
    /// As `layout` chooses: a physical core each, on one NUMA node, some left for the rest.
    Auto,
    /// This many, on the first cores the process may use, physical ones before second threads.
    Count(usize),
    /// One on each of these.
    Cpus(CpuSet),
    /// One on each physical core of a NUMA node that the process may use.
    Numa(usize),
}

impl ShardSpec {
    /// Reads the text form.
    ///
    /// # Errors
    /// What is wrong with it, as the end of a sentence about the value.
    pub fn parse(text: &str) -> Result<ShardSpec, String> {
        let text = text.trim();
        if text == "auto" {
            return Ok(ShardSpec::Auto);
        }
        if let Some(node) = text.strip_prefix("numa:") {
            let node = node.parse().map_err(|_| format!("{node:?} is no NUMA node number"))?;
            return Ok(ShardSpec::Numa(node));
        }
        let cpus = parse_cpu_list(text)?;
        if cpus.0.len() > SHARDS_MAX {
            return Err(format!("{} cores are more than {SHARDS_MAX} shards", cpus.0.len()));
        }
        Ok(ShardSpec::Cpus(cpus))
    }

    /// Reads a number of shards.
    ///
    /// # Errors
    /// If it is not within 1 to [`SHARDS_MAX`].
    pub fn count(count: i64) -> Result<ShardSpec, String> {
        match usize::try_from(count) {
            Ok(count @ 1..=SHARDS_MAX) => Ok(ShardSpec::Count(count)),
            _ => Err(format!("{count} is not a number of shards from 1 to {SHARDS_MAX}")),
        }
    }
}

/// Reads `"2-7"`, `"0,2,4"` and mixtures: the form of the kernel's own `cpulist` files.
///
/// # Errors
/// What is wrong with it, as the end of a sentence about the value.
pub fn parse_cpu_list(text: &str) -> Result<CpuSet, String> {
    let mut cpus = BTreeSet::new();
    for part in text.trim().split(',') {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        let (from, to) = (cpu(from)?, cpu(to)?);
        if from > to {
            return Err(format!("the range {part:?} runs backwards"));
        }
        for cpu in from..=to {
            if !cpus.insert(cpu) {
                return Err(format!("core {cpu} is named twice"));
            }
        }
    }
    Ok(CpuSet(cpus))
}

fn cpu(text: &str) -> Result<usize, String> {
    match text.trim().parse() {
        Ok(cpu @ 0..=CPU_MAX) => Ok(cpu),
        Ok(cpu) => Err(format!("core {cpu} is beyond {CPU_MAX}")),
        Err(_) => Err(format!("{text:?} is no core number")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: Result<&str, &str>) {
        let got = parse_cpu_list(text).map(|set| set.to_string());
        match expect {
            Ok(expect) => assert_eq!(got.as_deref(), Ok(expect), "{text:?}"),
            Err(expect) => {
                let error = got.expect_err(text);
                assert!(error.contains(expect), "{text:?} gave {error:?}");
            }
        }
    }

    #[test]
    fn lists_of_cores_are_read_and_written_as_the_kernel_does() {
        check("0", Ok("0"));
        check("2-7", Ok("2-7"));
        check("0,2,4", Ok("0,2,4"));
        check("4,0-2, 3\n", Ok("0-4"));
        check("", Err("no core number"));
        check("a", Err("no core number"));
        check("1,", Err("no core number"));
        check("-1", Err("no core number"));
        check("7-2", Err("runs backwards"));
        check("1,0-2", Err("core 1 is named twice"));
        check("0-99999999", Err("beyond 4095"));
    }

    #[test]
    fn shard_specs_are_read() {
        assert_eq!(ShardSpec::parse("auto"), Ok(ShardSpec::Auto));
        assert_eq!(ShardSpec::parse("numa:1"), Ok(ShardSpec::Numa(1)));
        assert!(ShardSpec::parse("numa:x").is_err());
        assert!(ShardSpec::parse("0-300").is_err());
        assert_eq!(ShardSpec::count(4), Ok(ShardSpec::Count(4)));
        assert!(ShardSpec::count(0).is_err());
        assert!(ShardSpec::count(-1).is_err());
        assert!(ShardSpec::count(257).is_err());
    }
}
