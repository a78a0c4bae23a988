//! Migrations.

use crate::fixture::*;
use parlance_storage::sql::{Error, LogPosition, Migrated, SchemaFault, Store};

pub fn an_empty_database_is_migrated(fixture: &dyn Fixture) {
    let mut store = fixture.open();
    let known = store.version_known();
    assert_eq!(store.check().unwrap().version, 0);
    let older = Error::Schema(SchemaFault::Older { found: 0, known });
    assert_eq!(store.rooms().unwrap_err(), older);
    assert_eq!(store.append(&rows(1..=1), &cursor(1)).unwrap_err(), older);
    assert_eq!(store.migrate().unwrap(), Migrated { from: 0, to: known });
    assert_eq!(store.migrate().unwrap(), Migrated { from: known, to: known });
    let state = store.check().unwrap();
    assert_eq!((state.version, state.known, state.warnings), (known, known, vec![]));
    store.append(&rows(1..=1), &cursor(1)).unwrap();
}

pub fn every_earlier_version_is_migrated(fixture: &dyn Fixture) {
    let known = fixture.open().version_known();
    for version in 1..known {
        let fixture = fixture.another();
        let mut store = fixture.open();
        assert_eq!(store.migrate_to(version).unwrap(), Migrated { from: 0, to: version });
        let older = Error::Schema(SchemaFault::Older { found: version, known });
        assert_eq!(store.rooms().unwrap_err(), older);
        fixture.execute("INSERT INTO log_cursor (name, position) VALUES ('flusher', 7)");
        assert_eq!(store.migrate().unwrap(), Migrated { from: version, to: known });
        assert_eq!(store.cursor("flusher").unwrap(), Some(LogPosition(7)));
        store.append(&rows(1..=1), &cursor(8)).unwrap();
        store.preference_write("sip:lee@contoso.example", "x", 0, "y").unwrap();
    }
}

pub fn a_newer_version_is_refused(fixture: &dyn Fixture) {
    let mut before = fixture.store();
    before.append(&rows(1..=1), &cursor(1)).unwrap();
    fixture.execute("INSERT INTO schema_version (version, name) VALUES (99, 'future')");
    let mut store = fixture.open();
    let known = store.version_known();
    let newer = Error::Schema(SchemaFault::Newer { found: 99, known });
    assert_eq!(store.migrate().unwrap_err(), newer);
    assert_eq!(store.append(&rows(2..=2), &cursor(2)).unwrap_err(), newer);
    assert_eq!(store.last(ROOM, 1, None).unwrap_err(), newer);
    assert!(newer.to_string().contains("99"), "{newer}");
    assert!(!newer.is_retryable());
    assert_eq!(store.check().unwrap().version, 99);
}

pub fn two_that_migrate_at_once_agree(fixture: &dyn Fixture) {
    std::thread::scope(|scope| {
        let both = [(); 4].map(|()| scope.spawn(|| fixture.open().migrate().unwrap()));
        let done = both.map(|thread| thread.join().unwrap());
        let known = fixture.open().version_known();
        assert!(done.iter().all(|migrated| migrated.to == known), "{done:?}");
        assert!(done.iter().any(|migrated| migrated.from == 0), "{done:?}");
    });
}

pub fn the_version_of_the_data_stays(fixture: &dyn Fixture) {
    let mut store = fixture.store();
    let version = store.db_version().unwrap();
    store.migrate().unwrap();
    assert_eq!(store.db_version().unwrap(), version);
    assert_eq!(fixture.open().db_version().unwrap(), version);
    assert_ne!(fixture.another().store().db_version().unwrap(), version);
}

pub fn health_names_the_engine(fixture: &dyn Fixture) {
    let health = fixture.store().health().unwrap();
    let engines = ["sqlite 3.", "postgresql 1"];
    assert!(engines.iter().any(|engine| health.engine.starts_with(engine)), "{health:?}");
    assert!(health.size_bytes > 0);
}
