//! Machines that nobody here has, and what is said of them.

use super::advice::{advise, warnings};
use super::*;
use crate::config::{Cores, Io, ShardSpec, parse_cpu_list};
use crate::placement::Placement;
use parlance_core::Limits;

fn set(list: &str) -> CpuSet {
    parse_cpu_list(list).unwrap()
}

/// A machine that has enough of everything but cores.
fn machine(available: &str, siblings: &[&str], nodes: &[&str]) -> Machine {
    Machine {
        available: set(available),
        siblings: siblings.iter().map(|list| set(list)).collect(),
        nodes: nodes.iter().map(|list| set(list)).enumerate().collect(),
        quota_cpus: None,
        memory_bytes: Some(1 << 40),
        descriptors_max: 1 << 20,
    }
}

/// Eight physical cores, two threads each.
fn smt() -> Machine {
    let siblings = ["0,8", "1,9", "2,10", "3,11", "4,12", "5,13", "6,14", "7,15"];
    machine("0-15", &siblings, &["0-15"])
}

/// Two sockets with 16 cores each.
fn numa() -> Machine {
    machine("0-31", &[], &["0-15", "16-31"])
}

fn with_quota(machine: Machine, quota_cpus: f64) -> Machine {
    Machine { quota_cpus: Some(quota_cpus), ..machine }
}

fn auto(machine: &Machine) -> String {
    let layout = machine.auto();
    let shards = CpuSet(layout.shards.iter().copied().collect());
    assert_eq!(shards.0.len(), layout.shards.len(), "each shard has a core of its own");
    format!("{shards} | {}", layout.background)
}

#[test]
fn a_layout_leaves_room_for_what_is_no_shard() {
    for (what, machine, expect) in [
        ("one core", machine("0", &["0"], &[]), "0 | 0"),
        ("one core with two threads", machine("0-1", &["0-1"], &["0-1"]), "0 | 1"),
        ("two cores", machine("0-1", &["0", "1"], &["0-1"]), "1 | 0"),
        ("four cores", machine("0-3", &[], &[]), "1-3 | 0"),
        ("eight cores", machine("0-7", &[], &["0-7"]), "2-7 | 0-1"),
        ("eight cores with SMT", smt(), "2-7 | 0-1,8-9"),
        (
            "neighbours as threads",
            machine("0-7", &["0-1", "2-3", "4-5", "6-7"], &[]),
            "2,4,6 | 0-1",
        ),
        ("two nodes", numa(), "2-15 | 0-1"),
        ("a cpuset", machine("4-5", &[], &["0-15"]), "5 | 4"),
        ("a cpuset over two nodes", machine("14-17,19", &[], &["0-15", "16-31"]), "17,19 | 16"),
        ("half a core each", machine("2,10,3", &["2,10", "3,11"], &[]), "3 | 2,10"),
        ("nodes without cores of ours", machine("0-1", &[], &["8-9"]), "1 | 0"),
        ("a quota of 1.5", with_quota(smt(), 1.5), "2 | 0-1,3-9,11-15"),
        ("a quota of 4", with_quota(smt(), 4.0), "2-4 | 0-1,5-9,13-15"),
    ] {
        assert_eq!(auto(&machine), expect, "{what}");
    }
}

#[test]
fn advice_can_be_pasted() {
    let lines = |machine: &Machine| advise(machine, &Limits::default(), None).lines;
    let pinned = "[cores]\nshards     = \"2-7\"\npin        = true\nbackground = \"0-1,8-9\"\n";
    assert_eq!(lines(&smt()), pinned);
    let throttled = with_quota(machine("0-7", &[], &[]), 1.5);
    assert_eq!(lines(&throttled), "[cores]\nshards     = 1\npin        = false\n");
    for machine in [smt(), numa(), throttled] {
        let config = crate::config::Config::parse(None, &lines(&machine)).unwrap();
        let placement = Placement::plan(&config.cores, &machine).unwrap();
        assert_eq!(placement.shards.len(), machine.auto().shards.len());
        let said = warnings(&machine, &placement, &Limits::default());
        assert_eq!(said, [""; 0], "nothing speaks against what is recommended");
    }
}

#[test]
fn advice_for_a_number_of_users_says_what_is_missing() {
    let two = machine("0-1", &[], &[]);
    let limits = Limits::default();
    let advice = advise(&two, &limits, Some(1_000));
    assert_eq!(advice.warnings, [""; 0]);
    assert!(advice.notes.iter().any(|note| note.contains("1500 links")), "{advice:?}");
    let small = Machine { descriptors_max: 20_000, memory_bytes: Some(256 << 20), ..two };
    let said = advise(&small, &limits, Some(80_000)).warnings;
    for part in [
        "need 2 shards, and there is room for 1",
        "set links_max = 126000",
        "set sessions_max = 126000",
        "LimitNOFILE=120832",
        "more memory",
    ] {
        assert!(said.iter().any(|warning| warning.contains(part)), "{part}: {said:?}");
    }
    assert_eq!(said.len(), 5, "{said:?}");
    // Six shards with 20,000 links each.
    assert_eq!(advise(&smt(), &limits, Some(75_000)).warnings, [""; 0]);
}

/// What is said of a configured placement.
fn said(machine: &Machine, shards: ShardSpec, limits: &Limits) -> Vec<String> {
    let cores = Cores { shards, pin: true, background: None, io: Io::Epoll };
    warnings(machine, &Placement::plan(&cores, machine).unwrap(), limits)
}

#[test]
fn what_speaks_against_a_placement_is_said() {
    let cpus = |list: &str| ShardSpec::Cpus(set(list));
    let small = Machine { memory_bytes: Some(1 << 28), ..smt() };
    for (what, machine, shards, expect) in [
        ("threads of one core", smt(), cpus("2-7,10"), "shards on [2, 10] are threads of one"),
        ("more shards than cores", smt(), ShardSpec::Count(9), "shards on [0, 8] are threads"),
        ("two nodes", numa(), cpus("14-17"), "NUMA nodes {0, 1}"),
        ("all cores", numa(), cpus("0-31"), "share cores with shards"),
        ("a quota", with_quota(smt(), 1.5), cpus("2-3"), "may use 1.5 CPUs, fewer than the 2"),
        ("little memory", small, cpus("2"), "lower them, or add memory"),
    ] {
        let said = said(&machine, shards, &Limits::default());
        assert!(said.iter().any(|warning| warning.contains(expect)), "{what}: {said:?}");
    }
    for (machine, shards) in [
        (smt(), ShardSpec::Auto),
        (smt(), ShardSpec::Count(6)),
        (numa(), ShardSpec::Numa(1)),
        (machine("0-1", &[], &[]), ShardSpec::Count(1)),
    ] {
        assert_eq!(said(&machine, shards.clone(), &Limits::default()), [""; 0], "{shards:?}");
    }
}

#[test]
fn a_number_of_shards_takes_physical_cores_first() {
    assert_eq!(smt().first(3), [0, 1, 2]);
    assert_eq!(smt().first(10), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    let neighbours = machine("0-7", &["0-1", "2-3", "4-5", "6-7"], &[]);
    assert_eq!(neighbours.first(3), [0, 2, 4]);
    assert_eq!(neighbours.first(6), [0, 2, 4, 6, 1, 3]);
    assert_eq!(neighbours.background(&[0, 2]), set("4-7"));
    assert_eq!(neighbours.background(&[0, 2, 4, 6]), set("1,3,5,7"));
}
