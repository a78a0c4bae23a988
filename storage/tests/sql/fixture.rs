//! Databases for a test, and messages to put into them.

use crate::postgres::Cluster;
use parlance_storage::sql::{AnyStore, Cursor, LogPosition, Place, Row, Store};
use parlance_wire::xccos::{Guid, Timestamp};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use tempfile::TempDir;

/// An empty database.
pub trait Fixture: Sync {
    /// A store on it.
    fn open(&self) -> AnyStore;

    /// Runs SQL on it behind the store's back.
    fn execute(&self, sql: &str);

    /// Another, empty database of the same engine.
    fn another(&self) -> Box<dyn Fixture>;

    /// A store with its tables.
    fn store(&self) -> AnyStore {
        let mut store = self.open();
        store.migrate().unwrap();
        store
    }
}

/// A file in a temporary folder.
pub struct Sqlite {
    folder: TempDir,
}

impl Sqlite {
    pub fn new() -> Sqlite {
        Sqlite { folder: TempDir::new().unwrap() }
    }

    pub fn path(&self) -> std::path::PathBuf {
        self.folder.path().join("parlance.db")
    }
}

impl Fixture for Sqlite {
    fn open(&self) -> AnyStore {
        AnyStore::open(&format!("sqlite:{}", self.path().display())).unwrap()
    }

    fn execute(&self, sql: &str) {
        rusqlite::Connection::open(self.path()).unwrap().execute_batch(sql).unwrap();
    }

    fn another(&self) -> Box<dyn Fixture> {
        Box::new(Sqlite::new())
    }
}

/// A database in a cluster that tests running at the same time share.
pub struct Postgres {
    cluster: Arc<Cluster>,
    name: String,
}

static SHARED: Mutex<Weak<Cluster>> = Mutex::new(Weak::new());
static COUNT: AtomicUsize = AtomicUsize::new(0);

impl Postgres {
    /// `None` where there is no PostgreSQL; says so.
    pub fn new() -> Option<Postgres> {
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        let cluster = match shared.upgrade() {
            Some(cluster) => cluster,
            None => Arc::new(started(Cluster::start())?),
        };
        *shared = Arc::downgrade(&cluster);
        Some(Postgres::on(cluster))
    }

    fn on(cluster: Arc<Cluster>) -> Postgres {
        let name = format!("test{}", COUNT.fetch_add(1, Ordering::Relaxed));
        cluster.execute("postgres", &format!("CREATE DATABASE {name}"));
        Postgres { cluster, name }
    }

    pub fn url(&self) -> String {
        self.cluster.url(&self.name)
    }
}

/// The cluster, or a line that says why there is none.
pub fn started(cluster: Result<Cluster, String>) -> Option<Cluster> {
    cluster.map_err(|reason| eprintln!("SKIPPED: no PostgreSQL: {reason}")).ok()
}

impl Fixture for Postgres {
    fn open(&self) -> AnyStore {
        AnyStore::open(&self.url()).unwrap()
    }

    fn execute(&self, sql: &str) {
        self.cluster.execute(&self.name, sql);
    }

    fn another(&self) -> Box<dyn Fixture> {
        Box::new(Postgres::on(self.cluster.clone()))
    }
}

pub const ROOM: Guid = Guid(0x7f6a_1f0e_5a3e_4a53_9d1c_2f6f_0c8f_4b11);
pub const OTHER: Guid = Guid(0x0b0c_1f0e_5a3e_4a53_9d1c_2f6f_0c8f_4b12);

pub fn place(term: u64, number: u64) -> Place {
    Place { term, number }
}

/// Times of the tests, in seconds.
pub fn at(second: i64) -> Timestamp {
    Timestamp(second * 10_000_000)
}

/// A message of [`ROOM`], sent at as many seconds as its number.
pub fn row(number: u64, chat: &str) -> Row {
    Row {
        room: ROOM,
        place: place(1, number),
        ts: at(number as i64),
        author: "sip:lee@contoso.example".into(),
        author_name: "Lee".into(),
        alert: false,
        chat: chat.into(),
        rtf: None,
        is_history: true,
    }
}

/// Messages of [`ROOM`] with these numbers.
pub fn rows(numbers: std::ops::RangeInclusive<u64>) -> Vec<Row> {
    numbers.map(|number| row(number, &format!("message {number}"))).collect()
}

pub fn cursor(position: u64) -> Cursor {
    Cursor { name: "flusher".into(), position: LogPosition(position) }
}

/// Keeps rows, whatever the cursor.
pub fn keep(store: &mut AnyStore, rows: &[Row]) {
    for batch in rows.chunks(1_000) {
        assert_eq!(store.import(batch).unwrap().inserted, batch.len());
    }
}

pub fn numbers(rows: &[Row]) -> Vec<u64> {
    rows.iter().map(|row| row.place.number).collect()
}
