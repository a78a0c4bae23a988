//! Groups that stand in each other in a circle.

use super::person::Found;
use crate::Findings;
use hashbrown::{HashMap, HashSet};
use parlance_core::directory::model::PrincipalKind;
use parlance_wire::xccos::Guid;

/// Groups that stand in each other in a circle: each then has everything that any of them has.
pub fn report(groups_of: &HashMap<Guid, Vec<Guid>>, found: &[Found], findings: &mut Findings) {
    let groups = || found.iter().filter(|found| found.record.kind == PrincipalKind::Group);
    let mut nodes: HashSet<Guid> = groups().map(|group| group.record.id).collect();
    let mut below: HashMap<Guid, Vec<Guid>> = HashMap::new();
    for child in &nodes {
        for parent in groups_of.get(child).into_iter().flatten() {
            below.entry(*parent).or_default().push(*child);
        }
    }
    // What is left after taking off the ends on both sides, again and again, are the circles.
    trim(&mut nodes, groups_of);
    trim(&mut nodes, &below);
    for group in groups().filter(|group| nodes.contains(&group.record.id)) {
        let reason = "groups stand in each other in a circle here; whoever is in one is in all";
        findings.add(&group.record.path, reason);
    }
}

/// Takes away those that no edge leads to, until there are none.
fn trim(nodes: &mut HashSet<Guid>, edges: &HashMap<Guid, Vec<Guid>>) {
    let targets = |id: &Guid| edges.get(id).into_iter().flatten();
    let mut arriving: HashMap<Guid, usize> = nodes.iter().map(|id| (*id, 0)).collect();
    for target in nodes.iter().flat_map(targets) {
        arriving.entry(*target).and_modify(|count| *count += 1);
    }
    let mut ends: Vec<Guid> = nodes.iter().filter(|id| arriving[*id] == 0).copied().collect();
    while let Some(end) = ends.pop() {
        nodes.remove(&end);
        for target in targets(&end).filter(|target| nodes.contains(*target)) {
            let left = arriving.entry(*target).or_default();
            *left -= 1;
            if *left == 0 {
                ends.push(*target);
            }
        }
    }
}
