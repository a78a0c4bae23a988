//! How long a directory of an organisation takes to go into the store and to come out of it, and
//! how large it is there.
//!
//! ```text
//! cargo run --release -p parlance-storage --example directory_bench -- \
//!     [PRINCIPALS] [ROOMS] [ENTRIES] [FOLDER]
//! ```
//!
//! Without arguments it is the product's sample organisation: 80,000 principals, 33,077 rooms,
//! 731,088 entries, and as many invitations. `FOLDER` is where SQLite's file lies and should be on
//! the disk that matters. PostgreSQL is a server of its own with its default settings in the
//! temporary folder; without one installed that half is left out.

#![allow(clippy::unwrap_used)]

#[path = "../tests/postgres/mod.rs"]
#[allow(dead_code)]
mod postgres;

use parlance_core::directory::model::{
    Audit, Behavior, Category, Invitations, Principal, PrincipalKind, PrincipalState, Privacy,
    Role, Room,
};
use parlance_core::directory::{Change, Revision};
use parlance_storage::sql::{AdminRecord, AnyStore, Store};
use parlance_wire::xccos::{Guid, Timestamp};
use std::time::Instant;

/// Rows of a batch.
const BATCH: usize = 50_000;
/// Principals of each group, and of which each user has three.
const GROUP: usize = 100;
/// Small acts that are timed.
const ACTS: usize = 200;

/// Sizes of an organisation.
#[derive(Clone, Copy)]
struct Sizes {
    principals: usize,
    rooms: usize,
    entries: usize,
}

fn id(kind: u128, number: usize) -> Guid {
    // Spread like random identifiers are.
    Guid((kind << 64 | number as u128).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835))
}

fn principal(number: usize) -> Principal {
    let is_group = number.is_multiple_of(GROUP);
    let kind = if is_group { PrincipalKind::Group } else { PrincipalKind::User };
    let id = id(1, number);
    let uri = if is_group {
        format!("ma-grp:{id}@u.g")
    } else {
        format!("sip:user{number}@contoso.example")
    };
    Principal {
        id,
        kind,
        uri,
        display_name: format!("User Number {number}"),
        account: format!("CONTOSO\\user{number}"),
        email: format!("user{number}@contoso.example"),
        company: "Contoso".into(),
        path: format!("CN=user{number},OU=People,OU=Site {},DC=contoso,DC=example", number % 50),
        state: PrincipalState::Active,
        policy: None,
    }
}

fn people(sizes: Sizes) -> Vec<Change> {
    let all = || 0..sizes.principals;
    let mut changes: Vec<Change> = all().map(|n| Change::Principal(principal(n))).collect();
    changes.extend(all().filter(|n| !n.is_multiple_of(GROUP)).map(|n| {
        let groups = [n, n * 7, n * 31].map(|n| n % sizes.principals / GROUP * GROUP);
        let mut parents = groups.map(|group| id(1, group)).to_vec();
        parents.sort_unstable();
        parents.dedup();
        Change::Parents { child: id(1, n), parents }
    }));
    changes
}

fn room(number: usize) -> Room {
    Room {
        id: id(2, number),
        category: id(3, number % 10),
        name: format!("Room Number {number}"),
        description: format!("What is talked about in room {number}"),
        privacy: Privacy::Closed,
        behavior: Behavior::Normal,
        invitations: Invitations::Inherit,
        addin: None,
        is_disabled: false,
        audit: Audit { created_by: "Administrator".into(), ..Audit::default() },
        version: 1,
    }
}

fn rooms(sizes: Sizes) -> Vec<Change> {
    let category = |number| Category {
        id: id(3, number),
        name: format!("Category {number}"),
        version: 1,
        ..Category::default()
    };
    let categories = (0..10).map(|number| Change::Category(category(number)));
    categories.chain((0..sizes.rooms).map(|number| Change::Room(room(number)))).collect()
}

/// Members of each room, most rooms having few and some having many.
fn members(sizes: Sizes) -> Vec<(Guid, Vec<Guid>)> {
    let large = (sizes.rooms / 1_000).max(1);
    let of_large = (sizes.entries / 4 / large).min(sizes.principals);
    let of_small = (sizes.entries - large * of_large) / (sizes.rooms - large).max(1);
    let all = (0..sizes.rooms).map(|number| {
        let count = if number < large { of_large } else { of_small };
        let people = (0..count).map(|at| id(1, (number * 37 + at * 11) % sizes.principals));
        (id(2, number), people.collect())
    });
    all.collect()
}

/// Batches of at most [`BATCH`] rows, as far as a change is not larger.
fn batches(changes: Vec<Change>) -> Vec<Vec<Change>> {
    let mut all = vec![Vec::new()];
    let mut rows = 0;
    for change in changes {
        let more = match &change {
            Change::Entries { add, .. } => add.len(),
            Change::Parents { parents, .. } => parents.len(),
            Change::Invited { users, .. } => users.len(),
            _ => 1,
        };
        if rows + more > BATCH && rows > 0 {
            all.push(Vec::new());
            rows = 0;
        }
        rows += more;
        all.last_mut().expect("there is one from the start").push(change);
    }
    all
}

struct Bench {
    store: AnyStore,
    revision: Revision,
}

impl Bench {
    fn commit(&mut self, changes: &[Change]) {
        let id = Guid(u128::from(self.revision.0) + 1);
        let record = AdminRecord { id, act: "import".into(), ..AdminRecord::default() };
        self.revision = self.store.directory_commit(self.revision, changes, &record).unwrap();
    }

    /// Commits changes in large batches.
    fn put(&mut self, name: &str, changes: Vec<Change>) {
        let batches = batches(changes);
        let start = Instant::now();
        let mut slowest = 0_f64;
        for batch in &batches {
            let start = Instant::now();
            self.commit(batch);
            slowest = slowest.max(start.elapsed().as_secs_f64());
        }
        let seconds = start.elapsed().as_secs_f64();
        let count = batches.len();
        println!("  {name:<28} {seconds:>7.2} s in {count} batches, the slowest {slowest:.2} s");
    }

    fn load(&mut self) {
        let start = Instant::now();
        let (mut changes, mut entries) = (0_u64, 0);
        let count = |change: Change| {
            changes += 1;
            if let Change::Entries { add, .. } = change {
                entries += add.len();
            }
        };
        let mut count = count;
        self.store.directory_load(&mut count).unwrap();
        let seconds = start.elapsed().as_secs_f64();
        println!("  load: {changes} changes, {entries} entries {seconds:>6.2} s");
    }

    fn small_acts(&mut self, sizes: Sizes) {
        let start = Instant::now();
        for at in 0..ACTS {
            let number = at * 31 % sizes.rooms;
            let (node, role) = (id(2, number), Role::Manager);
            let add = vec![id(1, at % sizes.principals)];
            let changed = Room { version: 2, ..room(number) };
            let list = Change::Entries { node, role, add, remove: Vec::new() };
            self.commit(&[Change::Room(changed), list]);
        }
        let each = start.elapsed().as_secs_f64() * 1_000.0 / ACTS as f64;
        println!("  a room changed and a manager made: {each:.1} ms each");
        let start = Instant::now();
        for at in 0..ACTS {
            let user = id(1, at * 97 % sizes.principals);
            self.store.invitations(user, 0, 1_000).unwrap();
        }
        let each = start.elapsed().as_secs_f64() * 1_000.0 / ACTS as f64;
        println!("  a user's invitations: {each:.2} ms each");
    }
}

fn run(name: &str, store: AnyStore, sizes: Sizes) {
    println!("{name}");
    let mut bench = Bench { store, revision: Revision(0) };
    bench.store.migrate().unwrap();
    bench.put("principals and parents", people(sizes));
    bench.put("categories and rooms", rooms(sizes));
    let members = members(sizes);
    let role = Role::Member;
    let lists = members.iter().map(|(node, add)| Change::Entries {
        node: *node,
        role,
        add: add.clone(),
        remove: Vec::new(),
    });
    bench.put("entries", lists.collect());
    let size = |bench: &mut Bench| bench.store.health().unwrap().size_bytes >> 20;
    println!("  size: {} MiB", size(&mut bench));
    let invited = members.into_iter().enumerate().map(|(at, (room, users))| Change::Invited {
        room,
        number: at as u64 + 1,
        on: Timestamp(1),
        users,
    });
    bench.put("invitations", invited.collect());
    println!("  size with invitations: {} MiB", size(&mut bench));
    bench.load();
    bench.small_acts(sizes);
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let mut number = |missing| arguments.next().map_or(missing, |text| text.parse().unwrap());
    let (principals, rooms, entries) = (number(80_000), number(33_077), number(731_088));
    let sizes = Sizes { principals, rooms, entries };
    let folder = arguments.next().map_or_else(std::env::temp_dir, Into::into);
    let folder = tempfile::tempdir_in(folder).unwrap();
    let url = format!("sqlite:{}", folder.path().join("bench.db").display());
    println!("{principals} principals, {rooms} rooms, {entries} entries");
    run("SQLite", AnyStore::open(&url).unwrap(), sizes);
    match postgres::Cluster::start() {
        Ok(cluster) => {
            run("PostgreSQL", AnyStore::open(&cluster.url("postgres")).unwrap(), sizes);
        }
        Err(reason) => println!("no PostgreSQL: {reason}"),
    }
}
