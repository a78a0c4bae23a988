//! How soon a small change is in force: time to make the next snapshot, and to let go of it.

use super::{Spread, ms_since, resident_mib};
use crate::Outcome;
use parlance_core::directory::model::{Role, Room};
use parlance_core::directory::sample::{CLASSES, Sample};
use parlance_core::directory::{Change, Directory, guid_of};
use parlance_wire::xccos::Guid;
use serde::Serialize;
use std::time::Instant;

/// One change.
#[derive(Debug, Serialize)]
pub struct Row {
    pub name: &'static str,
    /// To make the next directory.
    pub apply_ms: Spread,
    /// To drop one that nobody else has.
    pub drop_ms: Spread,
    /// What it touches.
    pub rooms: usize,
    pub people: usize,
}

/// What a second snapshot takes beside the first, in MiB.
pub fn memory(sample: &Sample, directory: &Directory) -> Outcome<f64> {
    let before = resident_mib()?;
    let next = directory.apply(&[into_small_room(sample)])?;
    let after = resident_mib()?;
    drop(next);
    Ok(after - before)
}

/// Applies each change to the same directory, again and again.
pub fn measure(sample: &Sample, directory: &Directory, rounds: usize) -> Outcome<Vec<Row>> {
    let (directory, crowded) = with_crowded_room(sample, directory)?;
    let user = sample.user(17);
    let (category, room) = first_room(sample, &directory)?;
    let named = Room { name: "another name".to_owned(), ..room };
    let stranger = parlance_core::directory::user_principal("sip:new@example.test");
    let cases: [(&'static str, Vec<Change>); 8] = [
        ("a user into a small room", vec![into_small_room(sample)]),
        ("a user into a list of 16,000", vec![add(crowded, Role::Member, user)]),
        ("a user into a group of 20,000", vec![with_parent(&directory, user, sample.line(1))?]),
        (
            "a group of 20,000 into another",
            vec![with_parent(&directory, sample.line(1), sample.list(5))?],
        ),
        ("a category denies a group", vec![add(category, Role::Denied, sample.list(9))]),
        ("a room gets another name", vec![Change::Room(named)]),
        ("a room is removed", vec![Change::RoomRemoved(sample.room(&CLASSES[0], 1))]),
        ("a new user", vec![Change::Principal(stranger)]),
    ];
    let rows = cases.into_iter().map(|(name, changes)| row(name, &changes, &directory, rounds));
    rows.collect()
}

fn row(
    name: &'static str,
    changes: &[Change],
    directory: &Directory,
    rounds: usize,
) -> Outcome<Row> {
    let (mut apply_ms, mut drop_ms) = (Vec::new(), Vec::new());
    let (_, touched) = directory.apply(changes)?;
    for _ in 0..rounds {
        let begin = Instant::now();
        let (next, _) = directory.apply(changes)?;
        apply_ms.push(ms_since(begin));
        let begin = Instant::now();
        drop(next);
        drop_ms.push(ms_since(begin));
    }
    let (apply_ms, drop_ms) = (Spread::of(apply_ms), Spread::of(drop_ms));
    Ok(Row { name, apply_ms, drop_ms, rooms: touched.rooms.len(), people: touched.people.len() })
}

fn add(node: Guid, role: Role, id: Guid) -> Change {
    Change::Entries { node, role, add: vec![id], remove: vec![] }
}

fn into_small_room(sample: &Sample) -> Change {
    add(sample.room(&CLASSES[0], 0), Role::Member, sample.user(17))
}

/// A principal stands in one more thing.
fn with_parent(directory: &Directory, child: Guid, parent: Guid) -> Outcome<Change> {
    let people = directory.people();
    let person = people.find(child).and_then(|id| people.get(id)).ok_or("no such principal")?;
    let parents = person.parents().iter().filter_map(|id| people.get(*id));
    let mut parents: Vec<Guid> = parents.map(|parent| parent.principal.id).collect();
    parents.push(parent);
    parents.sort_unstable();
    Ok(Change::Parents { child, parents })
}

fn first_room(sample: &Sample, directory: &Directory) -> Outcome<(Guid, Room)> {
    let room = directory.room(sample.room(&CLASSES[0], 0)).ok_or("there is a first room")?;
    Ok((room.room.category, room.room.clone()))
}

/// A room whose list names 16,000 users: the product's large rooms name groups.
fn with_crowded_room(sample: &Sample, directory: &Directory) -> Outcome<(Directory, Guid)> {
    let (_, room) = first_room(sample, directory)?;
    let id = guid_of("a crowded room");
    let room = Room { id, name: "a crowded room".to_owned(), ..room };
    let users = (100..16_100_u32.min(sample.users)).map(|user| sample.user(user)).collect();
    let entries = Change::Entries { node: id, role: Role::Member, add: users, remove: vec![] };
    let (next, _) = directory.apply(&[Change::Room(room), entries])?;
    Ok((next, id))
}
