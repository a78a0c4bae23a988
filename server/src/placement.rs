//! Which shard runs on which core: the configuration meets the machine.

use crate::config::{Cores, CpuSet, ShardSpec};
use crate::layout::Machine;

/// Where everything runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placement {
    /// One entry per shard: its core, or `None` to let the kernel choose.
    pub shards: Vec<Option<usize>>,
    /// Cores of all other threads.
    pub background: CpuSet,
}

impl Placement {
    /// Places `cores` on a machine.
    ///
    /// # Errors
    /// What does not fit, with the next step.
    pub fn plan(cores: &Cores, machine: &Machine) -> Result<Placement, String> {
        let chosen = choose(&cores.shards, cores.pin, machine)?;
        if chosen.is_empty() {
            return Err("no core is left for a shard; see `parlance check` for the cores this \
                        process may use"
                .into());
        }
        let shards: Vec<Option<usize>> =
            chosen.iter().map(|cpu| cpu.filter(|_| cores.pin)).collect();
        let background = match (&cores.background, &cores.shards) {
            (Some(cpus), _) if !cores.pin => {
                return Err(format!(
                    "cores.background = \"{cpus}\" would have no effect: with cores.pin = false \
                     shards run anywhere, also there; leave it out, or set cores.pin = true"
                ));
            }
            (Some(cpus), _) => {
                all_available(cpus, &machine.available, "cores.background")?;
                cpus.clone()
            }
            // Shards that go anywhere leave nothing over.
            (None, _) if !cores.pin => machine.available.clone(),
            (None, ShardSpec::Auto) => machine.auto().background,
            (None, _) => {
                let taken: Vec<usize> = shards.iter().flatten().copied().collect();
                machine.background(&taken)
            }
        };
        Ok(Placement { shards, background })
    }
}

/// One entry per shard; `None` where there are more shards than cores.
fn choose(spec: &ShardSpec, pin: bool, machine: &Machine) -> Result<Vec<Option<usize>>, String> {
    let available = &machine.available;
    match spec {
        ShardSpec::Auto => Ok(machine.auto().shards.into_iter().map(Some).collect()),
        ShardSpec::Count(count) if *count > available.0.len() && pin => Err(format!(
            "cores.shards asks for {count} pinned shards, but the process may use only {} cores \
             ({available}); ask for fewer, or set cores.pin = false to let them share",
            available.0.len()
        )),
        ShardSpec::Count(count) => {
            let cpus = machine.first(*count).into_iter().map(Some);
            Ok(cpus.chain(std::iter::repeat(None)).take(*count).collect())
        }
        ShardSpec::Cpus(cpus) => {
            all_available(cpus, available, "cores.shards")?;
            Ok(cpus.0.iter().copied().map(Some).collect())
        }
        ShardSpec::Numa(node) => {
            let Some((_, cpus)) = machine.nodes.iter().find(|(n, _)| n == node) else {
                let known: Vec<_> = machine.nodes.iter().map(|(n, _)| n.to_string()).collect();
                return Err(format!(
                    "cores.shards names NUMA node {node}, but this machine has [{}]; choose one of \
                     them or \"auto\"",
                    known.join(", ")
                ));
            };
            Ok(machine.one_each(cpus).into_iter().map(Some).collect())
        }
    }
}

fn all_available(cpus: &CpuSet, available: &CpuSet, key: &str) -> Result<(), String> {
    match cpus.0.difference(&available.0).next() {
        None => Ok(()),
        Some(missing) => Err(format!(
            "{key} names core {missing}, which this process may not use (it may use {available}); \
             correct the list, or widen the affinity mask (taskset, cpuset, AllowedCPUs=)"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Io, parse_cpu_list};

    fn check(spec: ShardSpec, pin: bool, background: Option<&str>, expect: Result<&str, &str>) {
        let set = |text: &str| parse_cpu_list(text).unwrap();
        let background = background.map(set);
        let cores = Cores { shards: spec, pin, background, io: Io::Epoll };
        let nodes = vec![(0, set("0-3")), (1, set("4-7"))];
        let machine = Machine { available: set("2-5"), nodes, ..Machine::default() };
        let got = Placement::plan(&cores, &machine).map(|placement| {
            let name = |cpu: &Option<usize>| cpu.map_or("any".into(), |cpu| cpu.to_string());
            let shards: Vec<String> = placement.shards.iter().map(name).collect();
            format!("{} | {}", shards.join(" "), placement.background)
        });
        match expect {
            Ok(expect) => assert_eq!(got.as_deref(), Ok(expect)),
            Err(expect) => assert!(got.as_ref().is_err_and(|e| e.contains(expect)), "{got:?}"),
        }
    }

    #[test]
    fn shards_go_where_they_may() {
        let cpus = |text: &str| ShardSpec::Cpus(parse_cpu_list(text).unwrap());
        check(ShardSpec::Auto, true, None, Ok("3 | 2"));
        check(ShardSpec::Auto, false, None, Ok("any | 2-5"));
        check(ShardSpec::Count(2), true, None, Ok("2 3 | 4-5"));
        check(ShardSpec::Count(6), true, None, Err("cores.pin = false"));
        check(ShardSpec::Count(6), false, None, Ok("any any any any any any | 2-5"));
        check(cpus("3,5"), true, None, Ok("3 5 | 2,4"));
        check(cpus("3,5"), true, Some("2"), Ok("3 5 | 2"));
        check(cpus("3,5"), true, Some("7"), Err("cores.background names core 7"));
        check(cpus("3,5"), false, Some("2"), Err("cores.pin = false"));
        check(cpus("1-3"), true, None, Err("core 1, which this process may not use"));
        check(cpus("2-5"), true, None, Ok("2 3 4 5 | 2-5"));
        check(ShardSpec::Numa(1), true, None, Ok("4 5 | 2-3"));
        check(ShardSpec::Numa(2), true, None, Err("this machine has [0, 1]"));
    }
}
