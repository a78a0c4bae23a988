//! What to tell an operator of a machine and a placement.

use super::{Machine, capacity};
use crate::config::CpuSet;
use crate::machine::bytes;
use crate::placement::Placement;
use parlance_core::Limits;
use std::collections::BTreeSet;

/// Descriptors that are no links: per shard (epoll or rings, events, listening sockets), and for
/// the rest.
pub const DESCRIPTORS_PER_SHARD: u64 = 16;
pub const DESCRIPTORS_APART: u64 = 128;

/// A recommended layout and what is to be known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advice {
    /// `[cores]`, ready to be pasted.
    pub lines: String,
    /// Sentences on what it means and what it bears.
    pub notes: Vec<String>,
    /// What speaks against running so many users on this machine.
    pub warnings: Vec<String>,
}

/// The layout for a machine; with `users`, whether machine and bounds are enough for them.
pub fn advise(machine: &Machine, limits: &Limits, users: Option<u32>) -> Advice {
    let layout = machine.auto();
    let shards = layout.shards.len() as u64;
    let cores = CpuSet(layout.shards.iter().copied().collect());
    // Where the kernel takes processor time away by quota, a shard that cannot move would wait
    // for a core that others use, while another is free.
    let is_throttled = machine.quota_cpus.is_some_and(|q| q < machine.available.0.len() as f64);
    let lines = match is_throttled {
        true => format!("[cores]\nshards     = {shards}\npin        = false\n"),
        false => format!(
            "[cores]\nshards     = \"{cores}\"\npin        = true\nbackground = \"{}\"\n",
            layout.background
        ),
    };
    let place = match is_throttled {
        true => "not pinned, because a quota limits the processor time".into(),
        false => format!("on {cores}, everything else and interrupts on {}", layout.background),
    };
    let mut notes = vec![format!("{shards} shard(s) {place}")];
    let mut idle = machine.available.0.clone();
    idle.retain(|cpu| !cores.0.contains(cpu) && !layout.background.0.contains(cpu));
    if !idle.is_empty() && !is_throttled {
        let idle = CpuSet(idle);
        notes.push(format!("cores {idle} stay idle: second threads, or another NUMA node"));
    }
    let direct = shards * capacity::DIRECT_DELIVERIES_PER_SHARD_S;
    let front_end = shards * capacity::FRONT_END_DELIVERIES_PER_SHARD_S;
    notes.push(format!(
        "at half load some {direct} deliveries a second to clients with TLS links of their own, \
         {front_end} through front ends"
    ));
    let mut warnings = Vec::new();
    if let Some(users) = users {
        notes.push(need(users, shards));
        warnings = missing(machine, limits, users, shards);
    }
    Advice { lines, notes, warnings }
}

/// What so many users need.
fn need(users: u32, shards: u64) -> String {
    let endpoints = capacity::endpoints(users);
    let all_back_s = endpoints.div_ceil(shards.max(1) * capacity::HANDSHAKES_PER_SHARD_S);
    format!(
        "{users} users with {endpoints} links and sessions need {} shard(s) and {}; after a \
         restart all are back within some {all_back_s} s",
        capacity::shards_for(users),
        bytes(capacity::memory_for_bytes(users, shards))
    )
}

/// What they lack.
fn missing(machine: &Machine, limits: &Limits, users: u32, shards: u64) -> Vec<String> {
    let mut warnings = Vec::new();
    let endpoints = capacity::endpoints(users);
    let needed = capacity::shards_for(users);
    if needed > shards {
        warnings.push(format!(
            "{users} users need {needed} shards, and there is room for {shards}: deliveries would \
             come late at peak times; use a larger machine, or fewer users"
        ));
    }
    let links = capacity::links_per_shard(users, shards);
    if links > limits.links_max as u64 {
        warnings.push(format!(
            "each of {shards} shard(s) gets up to {links} links, and limits.links_max is {}: the \
             last clients would not get in; set links_max = {}",
            limits.links_max,
            links.next_multiple_of(1_000)
        ));
    }
    if links > limits.sessions_max as u64 {
        warnings.push(format!(
            "each of {shards} shard(s) gets up to {links} sessions, and limits.sessions_max is {}: \
             the last clients would not get in; set sessions_max = {}",
            limits.sessions_max,
            links.next_multiple_of(1_000)
        ));
    }
    let wanted = endpoints + DESCRIPTORS_APART + shards * DESCRIPTORS_PER_SHARD;
    if wanted > machine.descriptors_max {
        let (max, enough) = (machine.descriptors_max, wanted.next_multiple_of(1024));
        warnings.push(format!(
            "{endpoints} links need {wanted} descriptors, and there are {max}: the last clients \
             would not get in; set LimitNOFILE={enough} or `ulimit -Hn {enough}`"
        ));
    }
    let memory = capacity::memory_for_bytes(users, shards);
    if let Some(has) = machine.memory_bytes.filter(|has| *has < memory) {
        warnings.push(format!(
            "{users} users need {}, and there are {}: the kernel would end the server; give it \
             more memory",
            bytes(memory),
            bytes(has)
        ));
    }
    warnings
}

/// What speaks against a placement, on this machine and with these bounds.
pub fn warnings(machine: &Machine, placement: &Placement, limits: &Limits) -> Vec<String> {
    let seats: BTreeSet<usize> = placement.shards.iter().flatten().copied().collect();
    let shards = placement.shards.len() as u64;
    let mut warnings = Vec::new();
    for threads in &machine.siblings {
        let shared: Vec<usize> = threads.0.intersection(&seats).copied().collect();
        if shared.len() > 1 {
            warnings.push(format!(
                "shards on {shared:?} are threads of one physical core, so each gets about half \
                 of it; name one of them only in cores.shards"
            ));
        }
    }
    let nodes: BTreeSet<usize> = seats.iter().filter_map(|cpu| machine.node_of(*cpu)).collect();
    if let Some(first) = nodes.first().filter(|_| nodes.len() > 1) {
        warnings.push(format!(
            "shards lie on NUMA nodes {nodes:?}, so mail between them is slower; \"numa:{first}\" \
             keeps them together"
        ));
    }
    if !seats.is_disjoint(&placement.background.0) {
        warnings.push(
            "the log, the database and HTTP share cores with shards, so that deliveries wait \
             behind them; leave a core to them: `parlance check` shows a layout"
                .into(),
        );
    }
    if let Some(quota) = machine.quota_cpus.filter(|quota| *quota < shards as f64) {
        warnings.push(format!(
            "the control group may use {quota} CPUs, fewer than the {shards} shard(s): the kernel \
             stops all of them for parts of each 100 ms; raise the quota (CPUQuota=, --cpus), or \
             ask for fewer shards"
        ));
    }
    let needed = capacity::memory_bytes(limits, shards, machine.descriptors_max);
    if let Some(has) = machine.memory_bytes.filter(|has| *has < needed) {
        warnings.push(format!(
            "limits.links_max and limits.sessions_max of {shards} shard(s) may take {}, and there \
             are {}: the kernel would end a server that is full; lower them, or add memory",
            bytes(needed),
            bytes(has)
        ));
    }
    warnings
}
