//! Files that are not ours.

use crate::fixture::*;
use parlance_storage::sql::{AnyStore, Error, SchemaFault, Store};

#[test]
fn another_programs_file_is_left_alone() {
    let fixture = Sqlite::new();
    fixture.execute("CREATE TABLE schema_version (version INTEGER); CREATE TABLE stamps (x)");
    let before = std::fs::read(fixture.path()).unwrap();
    let mut store = fixture.open();
    let foreign = Error::Schema(SchemaFault::Foreign);
    assert_eq!(store.migrate().unwrap_err(), foreign);
    assert_eq!(store.check().unwrap_err(), foreign);
    assert_eq!(store.rooms().unwrap_err(), foreign);
    drop(store);
    assert_eq!(std::fs::read(fixture.path()).unwrap(), before);
}

#[test]
fn a_damaged_file_is_named_so() {
    let fixture = Sqlite::new();
    std::fs::write(
        fixture.path(),
        "no database at all, but long enough to be looked at".repeat(99),
    )
    .unwrap();
    let error = AnyStore::open(&format!("sqlite:{}", fixture.path().display())).err().unwrap();
    assert!(matches!(error, Error::Corrupt(_)), "{error:?}");
    assert!(!error.is_retryable());
}

#[test]
fn a_missing_folder_may_come_back() {
    let error = AnyStore::open("sqlite:/nonexistent/folder/parlance.db").err().unwrap();
    assert!(error.is_retryable(), "{error:?}");
}

#[test]
fn a_url_of_another_kind_is_refused() {
    for url in ["mysql://localhost/x", "parlance.db", ""] {
        assert!(matches!(AnyStore::open(url), Err(Error::Invalid(_))), "{url}");
    }
}

#[test]
fn a_writer_waits_for_another_and_then_says_so() {
    let fixture = Sqlite::new();
    let mut store = fixture.store();
    let other = rusqlite::Connection::open(fixture.path()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = store.append(&rows(1..=1), &cursor(1)).unwrap_err();
    assert!(error.is_retryable(), "{error:?}");
    other.execute_batch("ROLLBACK").unwrap();
    store.append(&rows(1..=1), &cursor(1)).unwrap();
}
