//! The directory changes while people chat: rights come and go, rooms close, accounts end.
//!
//! The checker is [`Walls`]: it knows which directory was in force when, and that shards take one
//! over within a bound. Whoever was denied a room for longer than that when a message was released
//! must not be told it, whatever happens later.

use super::agenda::Event;
use super::dice::Dice;
use super::ledger::Roles;
use super::world::{DOMAIN, Phase, World};
use parlance_core::Input;
use parlance_core::directory::model::{
    Behavior, Category, Policy, Principal, PrincipalKind, PrincipalState, Privacy, Role, Room,
    Scope,
};
use parlance_core::directory::{
    Change, Directory, Node, Touched, domain_principal, user_principal,
};
use parlance_wire::xccos::{Guid, RoomRef};
use std::sync::Arc;

/// The group whose members manage all rooms: who comes and goes.
const OFFICERS: &str = "ma-grp:officers@u.g";
/// Name of the policy that lets nobody chat.
const OFF: &str = "off";

/// Which directory was in force when.
#[derive(Debug)]
pub struct Walls {
    /// In order of time; the first from the beginning on.
    in_force: Vec<(u64, Arc<Directory>)>,
    /// Longest time until all shards have taken a directory over, µs.
    grace_us: u64,
}

impl Walls {
    /// The first directory.
    pub fn new(directory: Arc<Directory>, grace_us: u64) -> Walls {
        Walls { in_force: vec![(0, directory)], grace_us }
    }

    /// Another one is in force.
    pub fn change(&mut self, now: u64, directory: Arc<Directory>) {
        self.in_force.push((now, directory));
    }

    /// Was somebody denied a room all the time from `from`, and as long before as shards may need
    /// to know, to `to`?
    pub fn is_denied(&self, uri: &str, room: Guid, from: u64, to: u64) -> bool {
        self.between(from, to).all(|directory| !directory.rights_of(uri, room).join)
    }

    /// Was a room's history off at any moment that a question asked at `from` and answered at `to`
    /// may have been answered by?
    pub fn is_history_off(&self, room: Guid, from: u64, to: u64) -> bool {
        let is_off = |directory: &Directory| {
            directory.room(room).is_some_and(|entry| !directory.keeps_history(entry))
        };
        self.between(from, to).any(is_off)
    }

    /// What a user is to a room by the newest directory.
    pub fn roles(&self, user: &str, room_uri: &str) -> Roles {
        let (_, directory) = self.in_force.last().expect("there is a first");
        let room = RoomRef::parse(room_uri).and_then(|room| room.guid());
        let rights = room.map(|room| directory.rights_of(user, room)).unwrap_or_default();
        Roles { is_operator: rights.manage, is_presenter: rights.present }
    }

    /// What shards may have believed to be in force.
    fn between(&self, from: u64, to: u64) -> impl Iterator<Item = &Directory> {
        let from = from.saturating_sub(self.grace_us);
        let ends = self.in_force.iter().skip(1).map(|(end, _)| *end).chain([u64::MAX]);
        let spans = self.in_force.iter().zip(ends);
        let meant = spans.filter(move |((begin, _), end)| *begin <= to && *end > from);
        meant.map(|((_, directory), _)| &**directory)
    }
}

/// The directory a world begins with: the configuration's, in which the users are principals.
pub fn with_people(directory: &Directory, users: usize) -> Directory {
    let mut changes = Vec::new();
    for user in 0..users {
        let principal = user_principal(&format!("sip:u{user}@{DOMAIN}"));
        let child = principal.id;
        changes.push(Change::Principal(principal));
        changes.push(Change::Parents { child, parents: vec![domain_principal(DOMAIN).id] });
    }
    let kind = PrincipalKind::Group;
    let uri = OFFICERS.to_owned();
    changes.push(Change::Principal(Principal { kind, uri, ..user_principal(OFFICERS) }));
    for room in directory.rooms() {
        let officers = vec![user_principal(OFFICERS).id];
        changes.push(entries(room.room.id, Role::Manager, officers, Vec::new()));
    }
    let (scope, description) = (Scope::Tag(OFF.into()), String::new());
    changes.push(Change::Policy(Policy { scope, is_enabled: false, description }));
    directory.apply(&changes).expect("new people fit").0
}

impl World {
    /// Somebody administers.
    pub fn change_directory(&mut self) {
        if self.phase != Phase::Chaos {
            return;
        }
        let when = self.now + self.dice.between(1, 2 * self.plan.walls_us);
        self.agenda.at(when, Event::Directory);
        let changes = some_change(&mut self.dice, &self.directory, self.plan.users);
        self.put_in_force(&changes);
    }

    pub(super) fn put_in_force(&mut self, changes: &[Change]) {
        self.trace.tell(self.now, || format!("administration: {changes:?}"));
        self.trace.number(0xd1c7);
        let (next, mut touched) = self.directory.apply(changes).expect("the change fits");
        if self.plan.roles_untold {
            touched.roles.clear();
        }
        self.directory = Arc::new(next);
        self.ledger.walls.change(self.now, self.directory.clone());
        self.ledger.marks.hit("directory_changed");
        for shard in 0..self.nodes.len() {
            self.nodes[shard].news.get_or_insert_with(Touched::default).extend(touched.clone());
            let when = self.now + self.dice.between(1, self.plan.publish_us);
            if !self.plan.walls_leak {
                self.agenda.at(when, Event::Publish(shard));
            }
        }
    }

    /// A shard is told of the newest directory, and of all that was touched since the last time.
    pub fn publish(&mut self, shard: usize) {
        if let Some(touched) = self.nodes[shard].news.take() {
            let (directory, touched) = (self.directory.clone(), Arc::new(touched));
            self.input(shard, Input::Directory { directory, touched });
        }
    }

    /// Every other user becomes an officer, and nothing else changes.
    pub fn name_officers(&mut self) {
        let users = (0..self.plan.users).step_by(2);
        let user = |n: usize| user_principal(&format!("sip:u{n}@{DOMAIN}")).id;
        let changes: Vec<Change> = users.map(|n| stands_in(user(n), true)).collect();
        self.put_in_force(&changes);
    }

    /// Everybody may do everything again.
    pub fn tear_walls_down(&mut self) {
        let directory = self.directory.clone();
        let mut changes = Vec::new();
        for (_, person) in directory.people().iter() {
            if person.principal.uri.starts_with("sip:") {
                let state = PrincipalState::Active;
                let principal = Principal { state, policy: None, ..person.principal.clone() };
                let child = principal.id;
                changes.push(Change::Principal(principal));
                changes.push(Change::Parents { child, parents: vec![domain_principal(DOMAIN).id] });
            }
        }
        for entry in directory.categories() {
            let remove = names(&directory, entry.category.id, Role::Denied);
            changes.push(entries(entry.category.id, Role::Denied, Vec::new(), remove));
            changes
                .push(Change::Category(Category { chat_history: true, ..entry.category.clone() }));
        }
        for entry in directory.rooms() {
            changes.push(Change::Room(Room {
                privacy: Privacy::Open,
                behavior: Behavior::Normal,
                is_disabled: false,
                ..entry.room.clone()
            }));
        }
        changes.sort_by_key(|change| format!("{change:?}"));
        self.put_in_force(&changes);
    }
}

/// A user of the domain, who is an officer or not.
fn stands_in(user: Guid, is_officer: bool) -> Change {
    let mut parents = vec![domain_principal(DOMAIN).id];
    parents.extend(is_officer.then(|| user_principal(OFFICERS).id));
    Change::Parents { child: user, parents }
}

fn entries(node: Guid, role: Role, add: Vec<Guid>, remove: Vec<Guid>) -> Change {
    Change::Entries { node, role, add, remove }
}

/// Everybody in a list.
fn names(directory: &Directory, node: Guid, role: Role) -> Vec<Guid> {
    let list = directory.list(node, role).expect("the node has the list");
    let people = list.iter().filter_map(|id| directory.people().get(id));
    people.map(|person| person.principal.id).collect()
}

/// In, if out; out, if in.
fn toggle(directory: &Directory, node: Guid, role: Role, who: Guid) -> Change {
    match names(directory, node, role).contains(&who) {
        true => entries(node, role, Vec::new(), vec![who]),
        false => entries(node, role, vec![who], Vec::new()),
    }
}

/// One act of an administrator who is not sure what to want.
fn some_change(dice: &mut Dice, directory: &Directory, users: usize) -> Vec<Change> {
    let user = user_principal(&format!("sip:u{}@{DOMAIN}", dice.below(users))).id;
    let person = directory.people().find(user).and_then(|id| directory.people().get(id));
    let person = person.expect("all users are principals");
    let mut rooms: Vec<Guid> = directory.rooms().map(|room| room.room.id).collect();
    rooms.sort_unstable();
    let entry = directory.room(dice.pick(&rooms)).expect("listed above");
    let (room, category) = (entry.room.clone(), entry.room.category);
    assert!(matches!(directory.named(&room.name), Some(Node::Room(_))));
    let change = match dice.below(15) {
        0 | 1 => toggle(directory, category, Role::Denied, user),
        2 => Change::Room(Room { privacy: Privacy::Open, ..room }),
        3 => Change::Room(Room { privacy: dice.pick(&[Privacy::Closed, Privacy::Secret]), ..room }),
        4 | 5 => toggle(directory, room.id, Role::Member, user),
        6 => Change::Room(Room { is_disabled: !room.is_disabled, ..room }),
        7 => {
            let behavior = dice.pick(&[Behavior::Normal, Behavior::Auditorium]);
            Change::Room(Room { behavior, ..room })
        }
        8 => toggle(directory, room.id, Role::Presenter, user),
        9 => {
            let state = dice.pick(&[PrincipalState::Active, PrincipalState::Disabled]);
            Change::Principal(Principal { state, ..person.principal.clone() })
        }
        10 => {
            let category = &directory.category(category).expect("a room is in one").category;
            let chat_history = !category.chat_history;
            Change::Category(Category { chat_history, ..category.clone() })
        }
        11 => {
            let policy = person.principal.policy.is_none().then(|| OFF.to_owned());
            Change::Principal(Principal { policy, ..person.principal.clone() })
        }
        12 => {
            let is_out = person.parents().is_empty();
            let parents = is_out.then(|| domain_principal(DOMAIN).id);
            Change::Parents { child: user, parents: parents.into_iter().collect() }
        }
        _ => stands_in(user, person.parents().len() < 2),
    };
    vec![change]
}
