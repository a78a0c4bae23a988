//! Batches of the directory.

use crate::fixture::*;
use crate::organisation::*;
use parlance_core::directory::model::{LegacyEndpoint, Policy, PrincipalKind, Role, Room, Scope};
use parlance_core::directory::{Change, Directory, Inconsistent, Revision};
use parlance_storage::sql::{
    AnyStore, Conflict, DIRECTORY_ROWS_MAX, Error, INVITATIONS_MAX, Store, StoredInvitation,
};
use parlance_wire::xccos::{Guid, Timestamp};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

/// Commits a batch to the revision there is.
fn commit(store: &mut AnyStore, changes: &[Change]) -> Result<Revision, Error> {
    let base = store.directory_revision().unwrap();
    store.directory_commit(base, changes, &act(u128::from(base.0) + 1_000))
}

pub fn every_change_comes_back(fixture: &dyn Fixture) {
    let mut store = fixture.store();
    assert_eq!(store.directory_revision().unwrap(), Revision(0));
    assert_eq!(Model::load(&mut store), Model::default());
    let mut model = modelled(&everything());
    assert_eq!(commit(&mut store, &everything()), Ok(Revision(1)));
    assert_eq!(Model::load(&mut store), model.without_invitations());
    // Each once more, one at a time: changed, and then gone.
    let policy = Policy { scope: Scope::Global, is_enabled: false, description: "".into() };
    let endpoint = "sip:ocschat@contoso.example".to_owned();
    let changes = [
        Change::Pool(parlance_core::directory::model::Pool { site: "S".into(), ..pool() }),
        Change::Category(category(11, "Specific")),
        Change::Room(Room { addin: None, ..room(21, 12, "Hall") }),
        Change::Addin(addin(31, "Wall")),
        Change::Principal(principal(1, PrincipalKind::User, "sip:one@contoso.example")),
        parents(1, &[6]),
        parents(4, &[]),
        entries(21, Role::Member, &[], &[2, 5]),
        entries(22, Role::Member, &[1], &[3]),
        Change::Policy(policy),
        Change::Endpoint(LegacyEndpoint { uri: endpoint.clone(), display_name: "C".into() }),
        invited(22, 9, &[3, 99]),
        invited(21, 10, &[1, 3]),
        Change::PolicyRemoved(Scope::Tag("Sales".into())),
        Change::ConfigurationRemoved(Scope::Service("pool.contoso.example".into())),
        Change::EndpointRemoved(endpoint),
        Change::AddinRemoved(Guid(31)),
        Change::PrincipalRemoved(Guid(4)),
        Change::RoomRemoved(Guid(21)),
        Change::RoomRemoved(Guid(22)),
        Change::CategoryRemoved(Guid(11)),
    ];
    for change in changes {
        assert!(model.apply(&change), "{change:?}");
        let revision = commit(&mut store, std::slice::from_ref(&change)).unwrap();
        assert_eq!(Model::load(&mut store), model.without_invitations(), "{change:?}");
        assert_eq!(store.directory_revision().unwrap(), revision);
    }
    let rest = store.invitations_total().unwrap();
    assert_eq!(rest, model.invitations.len() as u64);
}

pub fn a_loaded_directory_can_be_applied(fixture: &dyn Fixture) {
    let mut store = fixture.store();
    commit(&mut store, &everything()).unwrap();
    let mut loaded = Vec::new();
    let revision = store.directory_load(&mut |change| loaded.push(change)).unwrap();
    assert_eq!(revision, Revision(1));
    let lists = loaded.iter().filter(|change| matches!(change, Change::Entries { .. })).count();
    assert_eq!(lists, 7, "a list is one change");
    let (directory, _) = Directory::empty("contoso.example").apply(&loaded).unwrap();
    assert_eq!(directory.rooms().count(), 3);
    assert_eq!(directory.pool.last_invitation, 5);
}

pub fn a_batch_for_another_revision_is_refused(fixture: &dyn Fixture) {
    let mut store = fixture.store();
    store.directory_commit(Revision(0), &everything(), &act(1)).unwrap();
    let mut other = fixture.open();
    let late = [Change::Category(category(50, "Late"))];
    for base in [0, 2] {
        let error = other.directory_commit(Revision(base), &late, &act(2)).unwrap_err();
        assert_eq!(error, Error::Conflict(Conflict::Directory { found: Revision(1) }));
        assert!(!error.is_retryable());
    }
    assert_eq!(Model::load(&mut other), modelled(&everything()).without_invitations());
    assert_eq!(other.directory_commit(Revision(1), &late, &act(2)), Ok(Revision(2)));
    assert_eq!(store.directory_commit(Revision(2), &[], &act(3)), Ok(Revision(3)));
}

pub fn a_repeated_batch_is_known_by_its_record(fixture: &dyn Fixture) {
    let mut store = fixture.store();
    let again = |store: &mut AnyStore| store.directory_commit(Revision(0), &everything(), &act(1));
    assert_eq!(again(&mut store), Ok(Revision(1)));
    assert_eq!(again(&mut store), Ok(Revision(1)));
    let next = [Change::RoomRemoved(Guid(21))];
    assert_eq!(store.directory_commit(Revision(1), &next, &act(2)), Ok(Revision(2)));
    assert_eq!(again(&mut store), Ok(Revision(1)), "though others came after it");
    assert_eq!(store.directory_revision().unwrap(), Revision(2));
    assert_eq!(store.admin_records(None, 10).unwrap().len(), 2);
}

pub fn a_batch_that_does_not_fit_leaves_nothing(fixture: &dyn Fixture) {
    let mut store = fixture.store();
    commit(&mut store, &everything()).unwrap();
    let before = Model::load(&mut store);
    let user = |id, uri: &str| Change::Principal(principal(id, PrincipalKind::User, uri));
    let fault = |fault| Conflict::Inconsistent(fault);
    let duplicate = |id| fault(Inconsistent::Duplicate(Guid(id)));
    let no_node = |id| fault(Inconsistent::NoNode(Guid(id)));
    let nobody = |id| fault(Inconsistent::NoPrincipal(Guid(id)));
    let wrong_list = |id| fault(Inconsistent::WrongList(Guid(id)));
    let cases = [
        (Change::Room(room(40, 11, "kITCHEN ")), duplicate(40)),
        (Change::Room(room(40, 11, "sales")), duplicate(40)),
        (Change::Category(category(40, "STRAßE")), duplicate(40)),
        (Change::Room(room(22, 11, "lobby")), duplicate(22)),
        (Change::Room(room(11, 12, "New")), duplicate(11)),
        (Change::Addin(addin(32, "Board")), duplicate(32)),
        (user(40, "sip:1@contoso.example"), duplicate(40)),
        (user(2, "sip:1@contoso.example"), duplicate(2)),
        (user(4, "sip:4@contoso.example"), fault(Inconsistent::Kind(Guid(4)))),
        (Change::Room(room(40, 99, "New")), no_node(99)),
        (Change::Room(room(40, 21, "New")), no_node(21)),
        (Change::Room(Room { addin: Some(Guid(99)), ..room(40, 11, "New") }), Conflict::NoAddin),
        (Change::AddinRemoved(Guid(31)), Conflict::NoAddin),
        (Change::CategoryRemoved(Guid(11)), fault(Inconsistent::NotEmpty(Guid(11)))),
        (Change::CategoryRemoved(Guid(21)), no_node(21)),
        (Change::RoomRemoved(Guid(11)), no_node(11)),
        (Change::RoomRemoved(Guid(99)), no_node(99)),
        (Change::PrincipalRemoved(Guid(99)), nobody(99)),
        (parents(1, &[99]), nobody(99)),
        (parents(99, &[1]), nobody(99)),
        (entries(21, Role::Member, &[99], &[]), nobody(99)),
        (entries(21, Role::Member, &[], &[99]), nobody(99)),
        (entries(99, Role::Member, &[1], &[]), no_node(99)),
        (entries(21, Role::Allowed, &[1], &[]), wrong_list(21)),
        (entries(11, Role::Member, &[], &[]), wrong_list(11)),
        (invited(99, 6, &[1]), no_node(99)),
    ];
    for (change, expected) in cases {
        // Something good before it, and a list of thousands behind it.
        let batch = [user(70, "sip:70@contoso.example"), change.clone(), invited(22, 8, &[1])];
        let error = commit(&mut store, &batch).unwrap_err();
        assert_eq!(error, Error::Conflict(expected), "{change:?}");
        assert_eq!(store.directory_revision().unwrap(), Revision(1));
        assert_eq!(Model::load(&mut store), before, "{change:?}");
    }
    assert_eq!(store.admin_records(None, 10).unwrap().len(), 1);
    assert_eq!(store.invitations_total().unwrap(), 2);
}

pub fn names_and_uris_change_hands_in_one_batch(fixture: &dyn Fixture) {
    let mut store = fixture.store();
    let user = |id, uri: &str| Change::Principal(principal(id, PrincipalKind::User, uri));
    let mut all = everything();
    commit(&mut store, &all).unwrap();
    let batch = [
        Change::Room(room(22, 11, "Aside")),
        Change::Category(category(12, "Kitchen")),
        Change::Room(room(22, 11, "Sales")),
        user(1, "sip:aside@contoso.example"),
        user(2, "sip:1@contoso.example"),
        user(1, "sip:2@contoso.example"),
        Change::RoomRemoved(Guid(23)),
        Change::Room(room(24, 12, "STRASSE")),
        Change::Room(room(25, 12, "straße")),
        // An add-in that goes before the room lets go of it, and one that comes after.
        Change::AddinRemoved(Guid(31)),
        Change::Room(Room { addin: None, ..room(21, 11, "lobby") }),
        Change::Addin(addin(32, "Board")),
    ];
    commit(&mut store, &batch).unwrap();
    all.extend(batch.into_iter().filter(|change| !matches!(change, Change::AddinRemoved(_))));
    let at = all.iter().position(|change| matches!(change, Change::Addin(_))).unwrap();
    all.retain(|change| *change != Change::Addin(addin(32, "Board")));
    let mut expected = modelled(&all);
    assert!(matches!(all[at], Change::Addin(_)));
    expected.addins = [(Guid(32), addin(32, "Board"))].into();
    assert_eq!(Model::load(&mut store), expected.without_invitations());
}

pub fn what_no_engine_can_keep_is_refused_whole(fixture: &dyn Fixture) {
    let mut store = fixture.store();
    let fine = act(1);
    let many = vec![1; DIRECTORY_ROWS_MAX];
    let batches = [
        vec![Change::Category(category(1, "a\0b"))],
        vec![Change::PolicyRemoved(Scope::Tag("\0".into()))],
        vec![Change::Addin(parlance_core::directory::model::Addin {
            version: 1 << 63,
            ..addin(1, "x")
        })],
        vec![entries(1, Role::Member, &many, &[])],
    ];
    for batch in batches {
        let error = store.directory_commit(Revision(0), &batch, &fine).unwrap_err();
        assert!(matches!(error, Error::Invalid(_)), "{error:?}");
    }
    let mut record = act(1);
    record.reason = "x".repeat(5_000);
    let error = store.directory_commit(Revision(0), &[], &record).unwrap_err();
    assert!(matches!(error, Error::Invalid(_)), "{error:?}");
    assert!(matches!(store.admin_note(&record), Err(Error::Invalid(_))));
    assert_eq!(store.directory_revision().unwrap(), Revision(0));
}

pub fn acts_are_recorded(fixture: &dyn Fixture) {
    let mut store = fixture.store();
    assert_eq!(store.admin_records(None, 10).unwrap(), []);
    let keyed = |id, key: &str| {
        let mut record = act(id);
        record.request_key = Some(key.into());
        record
    };
    store.directory_commit(Revision(0), &everything(), &keyed(1, "k1")).unwrap();
    store.admin_note(&act(2)).unwrap();
    store.admin_note(&keyed(3, "k3")).unwrap();
    store.admin_note(&keyed(3, "k3")).unwrap();
    let taken = Error::Conflict(Conflict::Request { revision: Revision(1) });
    assert_eq!(store.admin_note(&keyed(4, "k1")).unwrap_err(), taken);
    let batch = [Change::RoomRemoved(Guid(21))];
    let error = store.directory_commit(Revision(1), &batch, &keyed(4, "k3")).unwrap_err();
    assert_eq!(error, taken);
    assert_eq!(store.directory_revision().unwrap(), Revision(1));
    store.directory_commit(Revision(1), &batch, &keyed(4, "k4")).unwrap();
    let all = store.admin_records(None, 10).unwrap();
    let seen: Vec<_> = all.iter().map(|stored| (stored.record.id.0, stored.revision.0)).collect();
    assert_eq!(seen, [(4, 2), (3, 1), (2, 1), (1, 1)]);
    assert_eq!(all[3].record, keyed(1, "k1"));
    let page = store.admin_records(Some(all[1].row), 1).unwrap();
    assert_eq!(page, [all[2].clone()]);
    assert_eq!(store.admin_request("k1").unwrap(), Some(all[3].clone()));
    assert_eq!(store.admin_request("k2").unwrap(), None);
}

pub fn invitations_come_oldest_first(fixture: &dyn Fixture) {
    let mut store = fixture.store();
    let mut changes = everything();
    changes.extend([
        invited(23, 7, &[3]),
        invited(22, 6, &[3, 3, 77]),
        invited(22, 9, &[3, 2]),
        invited(21, 6, &[3]),
    ]);
    commit(&mut store, &changes).unwrap();
    let told =
        |number, room, on| StoredInvitation { number, room: Guid(room), created_on: Timestamp(on) };
    let mut check = |user, after, count, expected: &[StoredInvitation]| {
        let found = store.invitations(Guid(user), after, count).unwrap();
        assert_eq!(found, expected, "{user} {after} {count}");
    };
    let all = [told(6, 21, 60), told(6, 22, 60), told(7, 23, 70)];
    check(3, 0, 10, &all);
    check(3, 0, usize::MAX, &all);
    check(3, 0, 1, &all[..2]);
    check(3, 6, 10, &all[2..]);
    check(3, 7, 10, &[]);
    check(3, u64::MAX, 10, &[]);
    check(3, 0, 0, &[]);
    check(2, 5, 10, &[told(9, 22, 90)]);
    check(77, 0, INVITATIONS_MAX, &[]);
    assert_eq!(store.invitations_total().unwrap(), 6);
}

/// A change made of four bytes; it need not fit.
fn change((kind, a, b, c): (u8, u8, u8, u8)) -> Change {
    let ids = [a, b, c].map(|byte| u128::from(byte % 6));
    let [person, second, third] = ids;
    let name = ["a", "B", "c", "D", "e", "F"][usize::from(c % 6)];
    let (node, place) = (10 + u128::from(a % 4), 10 + u128::from(b % 4));
    let kinds = [PrincipalKind::User, PrincipalKind::Group];
    let roles = Role::of_node(b % 2 == 0);
    let role = roles[usize::from(b % 3)];
    let some = if c % 4 == 0 { vec![] } else { vec![second, third] };
    let scope = [Scope::Global, Scope::Site(name.into())][usize::from(a % 2)].clone();
    let configuration = parlance_core::directory::model::Configuration::new(scope.clone());
    match kind % 22 {
        0 => Change::Pool(pool()),
        1 => Change::Category(category(node, name)),
        2..=4 => Change::Room(Room {
            addin: (c % 5 == 0).then_some(Guid(person)),
            ..room(node + 2, place, name)
        }),
        5 => Change::CategoryRemoved(Guid(node)),
        6 => Change::RoomRemoved(Guid(node + 2)),
        7 => Change::Addin(addin(person, name)),
        8 => Change::AddinRemoved(Guid(person)),
        9..=11 => {
            Change::Principal(principal(person, kinds[usize::from(a % 2)], &format!("u:{second}")))
        }
        12 => Change::PrincipalRemoved(Guid(person)),
        13 => parents(person, &some),
        14..=16 => entries(node + 2 * u128::from(b % 2 == 0), role, &some, &[person]),
        17 => Change::Policy(Policy { scope, is_enabled: true, description: name.into() }),
        18 => Change::PolicyRemoved(scope),
        19 => Change::Configuration(configuration),
        20 => Change::ConfigurationRemoved(scope),
        // Numbers of invitations begin with 1.
        _ => invited(node + 2, 1 + u64::from(b), &some),
    }
}

pub fn who_is_made_later_in_a_batch_is_not_invited(fixture: &dyn Fixture) {
    let mut store = fixture.store();
    let user = |id: u128| {
        Change::Principal(principal(id, PrincipalKind::User, &format!("sip:u{id}@example.test")))
    };
    let batch = [
        Change::Category(category(10, "c")),
        Change::Room(room(12, 10, "r")),
        user(1),
        invited(12, 1, &[1, 2]),
        user(2),
        user(1),
    ];
    commit(&mut store, &batch).unwrap();
    assert_eq!(store.invitations(Guid(1), 0, 9).unwrap().len(), 1);
    assert_eq!(store.invitations(Guid(2), 0, 9).unwrap(), []);
}

pub fn random_batches_agree_with_plain_maps(fixture: &dyn Fixture) {
    let bytes = any::<(u8, u8, u8, u8)>();
    let batches = prop::collection::vec(prop::collection::vec(bytes, 0..40), 1..8);
    let config = Config { cases: 12, failure_persistence: None, ..Config::default() };
    let run = |batches: Vec<Vec<_>>| {
        let fixture = fixture.another();
        let (mut store, mut model) = (fixture.store(), Model::default());
        for batch in batches {
            let changes = batch.into_iter().map(change);
            let changes: Vec<Change> = changes.filter(|change| model.apply(change)).collect();
            commit(&mut store, &changes).unwrap();
            prop_assert_eq!(Model::load(&mut store), model.without_invitations());
        }
        prop_assert_eq!(store.invitations_total().unwrap(), model.invitations.len() as u64);
        for ((user, room), (number, on)) in &model.invitations {
            let told = StoredInvitation { number: *number, room: *room, created_on: *on };
            prop_assert!(store.invitations(*user, 0, 100).unwrap().contains(&told));
        }
        Ok(())
    };
    TestRunner::new(config).run(&batches, run).unwrap();
}
