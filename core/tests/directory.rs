//! A directory is the sum of its changes, however they came: compared with a slow model that knows
//! no tables, no belonging worked out beforehand, and no order.

use parlance_core::directory::model::{
    Behavior, Category, Policy, Principal, PrincipalKind, PrincipalState, Privacy, Role, Room,
    Scope,
};
use parlance_core::directory::{Change, Directory, Inconsistent, guid_of, user_principal};
use parlance_core::policy::{Place, Rights, Standing, rights};
use parlance_wire::xccos::Guid;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

const DOMAIN: &str = "d.test";
const USERS: u64 = 4;
/// Groups; the first is the domain.
const GROUPS: u64 = 5;
const CATEGORIES: u64 = 2;
const ROOMS: u64 = 3;

fn user_uri(n: u64) -> String {
    format!("sip:user{n}@{DOMAIN}")
}

/// Users first, then groups.
fn person(n: u64) -> Principal {
    if n < USERS {
        return user_principal(&user_uri(n));
    }
    let (kind, uri) = match n - USERS {
        0 => (PrincipalKind::Domain, format!("ma-dom:{DOMAIN}")),
        group => (PrincipalKind::Group, format!("ma-grp:{group}@u.g")),
    };
    Principal { id: guid_of(&uri), kind, uri, ..user_principal("sip:x@x") }
}

fn category_id(n: u64) -> Guid {
    Guid(u128::from(n) + 100)
}

fn room_id(n: u64) -> Guid {
    Guid(u128::from(n) + 200)
}

fn room(n: u64) -> Room {
    Room {
        id: room_id(n),
        category: category_id(0),
        name: format!("room {n}"),
        description: String::new(),
        privacy: Privacy::Closed,
        behavior: Behavior::Normal,
        invitations: parlance_core::directory::model::Invitations::Inherit,
        addin: None,
        is_disabled: false,
        audit: Default::default(),
        version: 1,
    }
}

fn category(n: u64) -> Category {
    Category { id: category_id(n), name: format!("category {n}"), ..Category::default() }
}

/// What was said last, and nothing worked out.
#[derive(Debug, Clone, Default)]
struct Model {
    people: BTreeMap<Guid, Principal>,
    parents: BTreeMap<Guid, Vec<Guid>>,
    categories: BTreeMap<Guid, Category>,
    rooms: BTreeMap<Guid, Room>,
    lists: BTreeMap<(Guid, Role), BTreeSet<Guid>>,
    policies: BTreeMap<Scope, Policy>,
}

impl Model {
    fn apply(&mut self, change: &Change) {
        match change.clone() {
            Change::Principal(principal) => drop(self.people.insert(principal.id, principal)),
            Change::PrincipalRemoved(id) => {
                self.people.remove(&id);
                self.parents.remove(&id);
                self.parents.values_mut().for_each(|parents| parents.retain(|p| *p != id));
                self.lists.values_mut().for_each(|list| list.retain(|entry| *entry != id));
            }
            Change::Parents { child, parents } => drop(self.parents.insert(child, parents)),
            Change::Category(category) => drop(self.categories.insert(category.id, category)),
            Change::CategoryRemoved(id) => {
                self.categories.remove(&id);
                self.lists.retain(|(node, _), _| *node != id);
            }
            Change::Room(room) => drop(self.rooms.insert(room.id, room)),
            Change::RoomRemoved(id) => {
                self.rooms.remove(&id);
                self.lists.retain(|(node, _), _| *node != id);
            }
            Change::Entries { node, role, add, remove } => {
                let list = self.lists.entry((node, role)).or_default();
                list.retain(|id| !remove.contains(id));
                list.extend(add);
            }
            Change::Policy(policy) => drop(self.policies.insert(policy.scope.clone(), policy)),
            Change::PolicyRemoved(scope) => drop(self.policies.remove(&scope)),
            other => unreachable!("{other:?} is not made here"),
        }
    }

    /// Everything as one batch, in an order in which it fits.
    fn rebuilt(&self) -> Vec<Change> {
        let mut changes: Vec<Change> =
            self.people.values().cloned().map(Change::Principal).collect();
        changes.extend(
            self.parents.iter().map(|(child, parents)| Change::Parents {
                child: *child,
                parents: parents.clone(),
            }),
        );
        changes.extend(self.categories.values().cloned().map(Change::Category));
        changes.extend(self.rooms.values().cloned().map(Change::Room));
        changes.extend(self.lists.iter().map(|((node, role), list)| Change::Entries {
            node: *node,
            role: *role,
            add: list.iter().copied().collect(),
            remove: vec![],
        }));
        changes.extend(self.policies.values().cloned().map(Change::Policy));
        changes
    }

    /// Does a list name a user, or something reached from the user over things in use?
    fn has(&self, node: Guid, role: Role, user: &str) -> bool {
        let Some(list) = self.lists.get(&(node, role)) else { return false };
        let own = self.people.values().find(|p| p.uri == user);
        let domain = self.people.values().find(|p| p.kind == PrincipalKind::Domain);
        let mut next: Vec<Guid> = match own {
            Some(own) if list.contains(&own.id) => return true,
            Some(own) => self.parents.get(&own.id).cloned().unwrap_or_default(),
            None => domain.map(|domain| domain.id).into_iter().collect(),
        };
        let mut seen = BTreeSet::new();
        while let Some(id) = next.pop() {
            let is_used = self.people.get(&id).is_some_and(|p| p.state == PrincipalState::Active);
            if is_used && seen.insert(id) {
                next.extend(self.parents.get(&id).into_iter().flatten());
            }
        }
        !seen.is_disjoint(list)
    }

    fn is_served(&self, user: &str) -> bool {
        let own = self.people.values().find(|p| p.uri == user);
        let tag = own.and_then(|p| p.policy.clone()).map(Scope::Tag);
        let scopes = tag.into_iter().chain([Scope::Global]);
        let policy = scopes.into_iter().find_map(|scope| self.policies.get(&scope));
        policy.is_some_and(|policy| policy.is_enabled)
            && own.is_none_or(|own| own.state == PrincipalState::Active)
    }

    fn rights(&self, user: &str, room: Guid) -> Rights {
        let Some(room) = self.rooms.get(&room) else { return Rights::default() };
        if !self.is_served(user) {
            return Rights::default();
        }
        let standing = Standing {
            in_scope: self.has(room.category, Role::Allowed, user)
                && !self.has(room.category, Role::Denied, user),
            is_listed: self.has(room.id, Role::Member, user),
            is_manager: self.has(room.id, Role::Manager, user),
            is_presenter: self.has(room.id, Role::Presenter, user),
        };
        let takes_files = self.categories[&room.category].file_upload;
        let Room { privacy, behavior, is_disabled, .. } = *room;
        rights(standing, Place { privacy, behavior, is_disabled, takes_files })
    }
}

fn any_person() -> impl Strategy<Value = u64> {
    0..USERS + GROUPS
}

fn people_of(range: std::ops::Range<u64>) -> impl Strategy<Value = Vec<Guid>> {
    proptest::collection::btree_set(range, 0..3)
        .prop_map(|people| people.into_iter().map(|n| person(n).id).collect())
}

fn principal_change() -> impl Strategy<Value = Change> {
    let state = prop_oneof![
        3 => Just(PrincipalState::Active),
        1 => Just(PrincipalState::Disabled),
        1 => Just(PrincipalState::Deleted),
    ];
    let policy = prop_oneof![Just(None), Just(Some("tag".to_owned()))];
    (any_person(), state, policy)
        .prop_map(|(n, state, policy)| Change::Principal(Principal { state, policy, ..person(n) }))
}

fn entries() -> impl Strategy<Value = Change> {
    let node = (0..CATEGORIES + ROOMS, 0..3usize);
    let all = 0..USERS + GROUPS;
    (node, people_of(all.clone()), people_of(all)).prop_map(|((n, role), add, remove)| {
        let is_room = n >= CATEGORIES;
        let node = if is_room { room_id(n - CATEGORIES) } else { category_id(n) };
        Change::Entries { node, role: Role::of_node(is_room)[role], add, remove }
    })
}

fn room_change() -> impl Strategy<Value = Change> {
    let privacy = prop_oneof![Just(Privacy::Open), Just(Privacy::Closed), Just(Privacy::Secret)];
    let behavior = prop_oneof![Just(Behavior::Normal), Just(Behavior::Auditorium)];
    let place = (0..ROOMS, 0..CATEGORIES, 0..ROOMS + 1);
    (place, privacy, behavior, prop::bool::weighted(0.2)).prop_map(
        |((n, category, name), privacy, behavior, is_disabled)| {
            let (category, name) = (category_id(category), format!("Room {name}"));
            Change::Room(Room { category, name, privacy, behavior, is_disabled, ..room(n) })
        },
    )
}

fn change() -> impl Strategy<Value = Change> {
    let global = any::<bool>().prop_map(|is_enabled| {
        Change::Policy(Policy { scope: Scope::Global, is_enabled, description: String::new() })
    });
    let tag = any::<bool>().prop_map(|is_enabled| {
        let scope = Scope::Tag("tag".to_owned());
        Change::Policy(Policy { scope, is_enabled, description: String::new() })
    });
    prop_oneof![
        6 => principal_change(),
        2 => any_person().prop_map(|n| Change::PrincipalRemoved(person(n).id)),
        8 => (any_person(), people_of(USERS..USERS + GROUPS))
            .prop_map(|(n, parents)| Change::Parents { child: person(n).id, parents }),
        8 => entries(),
        4 => room_change(),
        1 => (0..ROOMS).prop_map(|n| Change::RoomRemoved(room_id(n))),
        1 => (0..CATEGORIES, any::<bool>()).prop_map(|(n, file_upload)| {
            Change::Category(Category { file_upload, ..category(n) })
        }),
        1 => (0..CATEGORIES).prop_map(|n| Change::CategoryRemoved(category_id(n))),
        1 => global,
        1 => tag,
        1 => Just(Change::PolicyRemoved(Scope::Tag("tag".to_owned()))),
    ]
}

/// Everybody may chat, in rooms and categories that are there.
fn beginning() -> Vec<Change> {
    let mut changes: Vec<Change> =
        (0..USERS + GROUPS).map(|n| Change::Principal(person(n))).collect();
    changes.extend((0..CATEGORIES).map(|n| Change::Category(category(n))));
    changes.extend((0..ROOMS).map(|n| Change::Room(room(n))));
    changes.push(Change::Policy(Policy {
        scope: Scope::Global,
        is_enabled: true,
        description: String::new(),
    }));
    for n in 0..CATEGORIES {
        let add = vec![person(USERS + 1).id, person(USERS + 2).id];
        changes.push(Change::Entries {
            node: category_id(n),
            role: Role::Allowed,
            add,
            remove: vec![],
        });
    }
    changes
}

fn begun() -> (Directory, Model) {
    let mut empty = Directory::empty(DOMAIN);
    empty.admits_unknown = true;
    let (directory, _) = empty.apply(&beginning()).expect("it fits");
    let mut model = Model::default();
    beginning().iter().for_each(|change| model.apply(change));
    (directory, model)
}

/// Rights of everybody, and of one whom nobody knows, to every room.
fn all_rights(rights: impl Fn(&str, Guid) -> Rights) -> Vec<(String, u64, Rights)> {
    let mut users: Vec<String> = (0..USERS).map(user_uri).collect();
    users.push(format!("sip:stranger@{DOMAIN}"));
    let pairs = users.iter().flat_map(|user| (0..ROOMS).map(move |room| (user, room)));
    pairs.map(|(user, room)| (user.clone(), room, rights(user, room_id(room)))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 400,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// After each batch everybody has the rights that the model says, and that a directory has
    /// which is made of the outcome at once; whose rights are others than before is touched.
    #[test]
    fn rights_follow_from_what_was_said_last(
        batches in prop::collection::vec(prop::collection::vec(change(), 1..5), 1..12)
    ) {
        let (mut directory, mut model) = begun();
        for batch in batches {
            // What does not fit is refused as a whole; then its parts are tried alone.
            let alone = batch.iter().map(std::slice::from_ref);
            let tries: Vec<&[Change]> = match directory.apply(&batch) {
                Ok(_) => vec![&batch],
                Err(_) => alone.collect(),
            };
            for batch in tries {
                let Ok((next, touched)) = directory.apply(batch) else { continue };
                batch.iter().for_each(|change| model.apply(change));
                let now = all_rights(|user, room| next.rights_of(user, room));
                prop_assert_eq!(&now, &all_rights(|user, room| model.rights(user, room)));
                let before = all_rights(|user, room| directory.rights_of(user, room));
                for ((user, room, old), (_, _, new)) in before.iter().zip(&now) {
                    let ids = [&directory, &next].map(|d| d.people().find_uri(user));
                    let is_touched = touched.everything
                        || touched.rooms.contains(&room_id(*room))
                        || ids.iter().flatten().any(|id| touched.people.contains(id))
                        // Strangers belong to the domain, and have no place of their own.
                        || ids == [None, None] && !touched.people.is_empty();
                    prop_assert!(old == new || is_touched, "{} {} {:?}", user, room, batch);
                }
                directory = next;
            }
        }
        let mut empty = Directory::empty(DOMAIN);
        empty.admits_unknown = true;
        let (rebuilt, _) = empty.apply(&model.rebuilt()).unwrap();
        let expect = all_rights(|user, room| rebuilt.rights_of(user, room));
        prop_assert_eq!(all_rights(|user, room| directory.rights_of(user, room)), expect);
        check_listed(&directory, &model)?;
    }
}

/// Principals know who names them.
fn check_listed(directory: &Directory, model: &Model) -> Result<(), TestCaseError> {
    for (_, person) in directory.people().iter() {
        let id = person.principal.id;
        let naming = model.lists.iter().filter(|(_, list)| list.contains(&id));
        let nodes: BTreeSet<Guid> = naming.map(|((node, _), _)| *node).collect();
        prop_assert_eq!(person.listed(), &nodes.into_iter().collect::<Vec<_>>());
    }
    Ok(())
}

/// Users in groups in groups, and one room for those of the outermost.
fn nested() -> Directory {
    let (directory, _) = begun();
    let stands = |child: u64, parent: u64| Change::Parents {
        child: person(child).id,
        parents: vec![person(parent).id],
    };
    let (inner, middle, outer) = (USERS + 3, USERS + 4, USERS + 1);
    let add = vec![person(outer).id];
    let changes = [
        stands(0, inner),
        stands(inner, middle),
        stands(middle, outer),
        Change::Entries { node: room_id(0), role: Role::Member, add, remove: vec![] },
    ];
    directory.apply(&changes).expect("it fits").0
}

fn joins(directory: &Directory) -> bool {
    directory.rights_of(&user_uri(0), room_id(0)).join
}

#[test]
fn a_group_in_between_gives_and_takes_what_is_above_it() {
    let nested = nested();
    assert!(joins(&nested));
    for group in [USERS + 3, USERS + 4, USERS + 1] {
        let state = PrincipalState::Disabled;
        let off = Change::Principal(Principal { state, ..person(group) });
        let (without, _) = nested.apply(&[off]).unwrap();
        assert!(!joins(&without), "group {group} is out of use");
        let (again, touched) = without.apply(&[Change::Principal(person(group))]).unwrap();
        assert!(joins(&again), "group {group} is in use again");
        assert!(touched.people.contains(&again.people().find_uri(&user_uri(0)).unwrap()));
        let gone = Change::PrincipalRemoved(person(group).id);
        assert!(!joins(&nested.apply(&[gone]).unwrap().0), "group {group} is gone");
    }
}

#[test]
fn a_batch_that_does_not_fit_changes_nothing() {
    let (directory, _) = begun();
    let before = all_rights(|user, room| directory.rights_of(user, room));
    let good = Change::Room(Room { privacy: Privacy::Open, ..room(0) });
    let nobody = Guid(1);
    let entries = |node, role, id| Change::Entries { node, role, add: vec![id], remove: vec![] };
    let user = person(0).id;
    let renamed = |n: u64, name: &str| Change::Room(Room { name: name.to_owned(), ..room(n) });
    let check = |bad: Change, expect: Inconsistent| {
        let outcome = directory.apply(&[good.clone(), bad.clone()]);
        assert_eq!(outcome.map(|_| ()), Err(expect), "{bad:?}");
        assert_eq!(all_rights(|user, room| directory.rights_of(user, room)), before);
    };
    check(renamed(1, "ROOM 2"), Inconsistent::Duplicate(room_id(1)));
    check(renamed(1, " category 1 "), Inconsistent::Duplicate(room_id(1)));
    check(Change::RoomRemoved(nobody), Inconsistent::NoNode(nobody));
    check(Change::CategoryRemoved(category_id(0)), Inconsistent::NotEmpty(category_id(0)));
    check(Change::CategoryRemoved(nobody), Inconsistent::NoNode(nobody));
    check(Change::PrincipalRemoved(nobody), Inconsistent::NoPrincipal(nobody));
    check(entries(room_id(0), Role::Member, nobody), Inconsistent::NoPrincipal(nobody));
    check(entries(room_id(0), Role::Allowed, user), Inconsistent::WrongList(room_id(0)));
    check(entries(category_id(0), Role::Member, user), Inconsistent::WrongList(category_id(0)));
    check(entries(nobody, Role::Member, user), Inconsistent::NoNode(nobody));
    let group = Principal { kind: PrincipalKind::Group, ..person(0) };
    check(Change::Principal(group), Inconsistent::Kind(user));
    let twin = Principal { id: nobody, ..person(0) };
    check(Change::Principal(twin), Inconsistent::Duplicate(nobody));
    let parents = vec![person(1).id];
    check(Change::Parents { child: user, parents }, Inconsistent::Kind(person(1).id));
    let category = Category { id: room_id(0), name: "new".to_owned(), ..Category::default() };
    check(Change::Category(category), Inconsistent::Duplicate(room_id(0)));
    check(
        Change::Room(Room { id: category_id(0), name: "new".to_owned(), ..room(0) }),
        Inconsistent::Duplicate(category_id(0)),
    );
}

#[test]
fn what_a_batch_does_not_touch_is_shared() {
    let (directory, _) = begun();
    let renamed = Room { name: "Something else".to_owned(), ..room(0) };
    let (next, touched) = directory.apply(&[Change::Room(renamed)]).unwrap();
    let is_shared =
        |n: u64| Arc::ptr_eq(directory.room(room_id(n)).unwrap(), next.room(room_id(n)).unwrap());
    assert_eq!([0, 1, 2].map(is_shared), [false, true, true]);
    assert!(std::ptr::eq(directory.people(), next.people()), "nobody was looked at");
    assert_eq!(touched.rooms.into_iter().collect::<Vec<_>>(), [room_id(0)]);
    assert_eq!((touched.everything, touched.people.len()), (false, 0));
    assert_eq!(next.revision.0, directory.revision.0 + 1);
}

#[test]
fn a_name_that_was_given_up_is_free() {
    let (directory, _) = begun();
    let named = |n: u64, name: &str| Change::Room(Room { name: name.to_owned(), ..room(n) });
    let (next, _) = directory.apply(&[named(0, "Other"), named(1, "room 0")]).unwrap();
    assert_eq!(next.named("ROOM 0"), Some(parlance_core::directory::Node::Room(room_id(1))));
    assert_eq!(next.named("room 1"), None);
    let (same, _) = next.apply(&[named(0, "OTHER")]).unwrap();
    assert_eq!(same.room(room_id(0)).unwrap().room.name, "OTHER", "its own, in another case");
}
