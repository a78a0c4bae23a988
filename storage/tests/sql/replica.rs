//! A replica has what its database has, except messages, and follows it.

use crate::fixture::*;
use crate::organisation::{Model, act, everything, principal};
use parlance_core::Endpoint;
use parlance_core::directory::model::PrincipalKind;
use parlance_core::directory::{Change, Revision};
use parlance_storage::sql::sqlite::{Building, Replica};
use parlance_storage::sql::{AnyStore, Conflict, Cursor, Error, LogPosition, Store};
use std::path::Path;

/// The replica's file as any store.
fn read(path: &Path) -> AnyStore {
    AnyStore::open(&format!("sqlite:{}", path.display())).unwrap()
}

fn same(a: &mut AnyStore, b: &mut AnyStore, cursor: &str) {
    assert_eq!(a.db_version().unwrap(), b.db_version().unwrap());
    assert_eq!(a.directory_revision().unwrap(), b.directory_revision().unwrap());
    assert_eq!(Model::load(a), Model::load(b));
    assert_eq!(a.rooms().unwrap(), b.rooms().unwrap());
    let position = |store: &mut AnyStore| store.cursor(cursor).unwrap().unwrap_or_default();
    assert_eq!(position(a), position(b));
}

pub fn a_replica_follows_its_database(fixture: &dyn Fixture) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("replica");
    let mut store = fixture.store();
    let cursor = |position| Cursor { name: "log".into(), position: LogPosition(position) };
    let name = "log";
    store.directory_commit(Revision(0), &everything(), &act(1)).unwrap();
    store.append(&rows(1..=3), &cursor(3)).unwrap();
    let endpoint = Endpoint {
        owner: "sip:ada@example.test".into(),
        epid: "e1".into(),
        rooms: vec![ROOM],
        is_told: true,
    };
    store.endpoints_write(std::slice::from_ref(&endpoint)).unwrap();

    // What changes while it is built is in it all the same.
    let building = Building::begin(&path, &mut store).unwrap();
    let newcomer = |n: u128| {
        let uri = format!("sip:new{n}@example.test");
        vec![Change::Principal(principal(0xfee0 + n, PrincipalKind::User, &uri))]
    };
    let commit = |store: &mut AnyStore, base: u64| {
        store.directory_commit(Revision(base), &newcomer(base.into()), &act(100 + u128::from(base)))
    };
    commit(&mut store, 1).unwrap();
    store.append(&rows(4..=5), &cursor(5)).unwrap();
    assert!(!path.exists() && Replica::open(&path).unwrap().is_none(), "it is whole or not there");
    let mut replica = building.finish(&mut store, name, &[(Revision(1), newcomer(1))]).unwrap();
    same(&mut store, &mut read(&path), name);
    assert_eq!(read(&path).endpoints().unwrap(), std::slice::from_ref(&endpoint));
    assert_eq!(read(&path).last(ROOM, 9, None).unwrap(), [], "messages are left out");

    // It follows.
    commit(&mut store, 2).unwrap();
    replica.apply(Revision(2), &newcomer(2)).unwrap();
    store.append(&rows(6..=9), &cursor(9)).unwrap();
    replica.note(&rows(6..=9), &cursor(9)).unwrap();
    same(&mut store, &mut read(&path), name);

    // A change that it was not told of is noticed, at the next one or by looking.
    commit(&mut store, 3).unwrap();
    commit(&mut store, 4).unwrap();
    let error = replica.apply(Revision(4), &newcomer(4)).unwrap_err();
    assert_eq!(error, Error::Conflict(Conflict::Directory { found: Revision(3) }));
    assert_eq!(replica.verify(&mut store, name), Ok(false));
    replica.apply(Revision(3), &newcomer(3)).unwrap();
    replica.apply(Revision(4), &newcomer(4)).unwrap();
    // Messages that it was not told of are made up for.
    store.append(&rows(10..=12), &cursor(12)).unwrap();
    assert_eq!(replica.verify(&mut store, name), Ok(true));
    same(&mut store, &mut read(&path), name);

    // That of another database is none.
    let mut other = fixture.another().store();
    other.directory_commit(Revision(0), &everything(), &act(1)).unwrap();
    assert_eq!(replica.verify(&mut other, name), Ok(false));
    drop(replica);
    Replica::remove(&path).unwrap();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// Batches that do not fit what was read make no replica.
pub fn a_replica_that_lacks_a_batch_is_not_made(fixture: &dyn Fixture) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("replica");
    let mut store = fixture.store();
    store.directory_commit(Revision(0), &everything(), &act(1)).unwrap();
    let building = Building::begin(&path, &mut store).unwrap();
    let error = building.finish(&mut store, "log", &[(Revision(2), Vec::new())]).err().unwrap();
    assert_eq!(error, Error::Conflict(Conflict::Directory { found: Revision(1) }));
    assert!(!path.exists());
    // What is left of it is no obstacle.
    let building = Building::begin(&path, &mut store).unwrap();
    building.finish(&mut store, "log", &[]).unwrap();
    same(&mut store, &mut read(&path), "log");
}
