//! A server that goes away, dies, and speaks TLS.

use crate::fixture::*;
use crate::postgres::Cluster;
use parlance_core::time::Instant;
use parlance_storage::flusher::{Flusher, Settings, Step};
use parlance_storage::sql::{AnyStore, Cursor, Error, LogPosition, Query, Row, Store, export};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A store in a cluster's first database.
fn store(cluster: &Cluster) -> AnyStore {
    let mut store = AnyStore::open(&cluster.url("postgres")).unwrap();
    store.migrate().unwrap();
    store
}

#[test]
fn a_server_that_is_away_may_come_back() {
    let Some(mut cluster) = started(Cluster::start()) else { return };
    let mut store = store(&cluster);
    store.append(&rows(1..=2), &cursor(2)).unwrap();
    cluster.stop();
    for _ in 0..2 {
        let error = store.append(&rows(3..=3), &cursor(3)).unwrap_err();
        assert!(error.is_retryable(), "{error:?}");
        assert!(store.last(ROOM, 1, None).unwrap_err().is_retryable());
        assert!(store.by_date(&Query::default()).unwrap_err().is_retryable());
    }
    let mut other = AnyStore::open(&cluster.url("postgres")).unwrap();
    assert!(other.check().unwrap_err().is_retryable(), "opened while it was away");
    cluster.run();
    store.append(&rows(3..=3), &cursor(3)).unwrap();
    assert_eq!(other.last(ROOM, 9, None).unwrap(), rows(1..=3));
    // A connection that broke while nobody looked costs no error.
    cluster.stop();
    cluster.run();
    assert_eq!(store.last(ROOM, 9, None).unwrap(), rows(1..=3));
    cluster.stop();
    cluster.run();
    let query = Query { rooms: vec![ROOM], limit: 9, ..Query::default() };
    assert_eq!(store.by_date(&query).unwrap().rows, rows(1..=3));
    let missing = AnyStore::open(&cluster.url("nowhere")).unwrap().check().unwrap_err();
    assert!(matches!(missing, Error::Permanent(_)), "{missing:?}");
}

#[test]
fn a_search_that_takes_too_long_is_ended() {
    let Some(fixture) = Postgres::new() else { return };
    let mut store = fixture.store();
    store.append(&rows(1..=2), &cursor(2)).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let query = Query { rooms: vec![ROOM], limit: 9, ..Query::default() };
    runtime.block_on(async {
        let (client, connection) =
            tokio_postgres::connect(&fixture.url(), tokio_postgres::NoTls).await.unwrap();
        let connection = tokio::spawn(connection);
        client.batch_execute("BEGIN; LOCK TABLE message IN ACCESS EXCLUSIVE MODE").await.unwrap();
        let slow = query.clone();
        let search = move || (store.by_date(&slow), store);
        let (found, mut store) = tokio::task::spawn_blocking(search).await.unwrap();
        assert_eq!(found, Err(Error::TimedOut));
        client.batch_execute("ROLLBACK").await.unwrap();
        drop(client);
        connection.await.unwrap().unwrap();
        let again = move || store.by_date(&Query { limit: 1, ..query });
        assert!(
            tokio::task::spawn_blocking(again).await.unwrap().is_ok(),
            "no trace of it is left"
        );
    });
}

/// Makes an authority's certificate and a server's, signed by it, for TLS.
fn certificates(folder: &std::path::Path) {
    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
    let mut authority = CertificateParams::new(Vec::<String>::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_key = KeyPair::generate().unwrap();
    let root = authority.self_signed(&authority_key).unwrap();
    let key = KeyPair::generate().unwrap();
    let server = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let server = server.signed_by(&key, &Issuer::new(authority, &authority_key)).unwrap();
    std::fs::write(folder.join("root.pem"), root.pem()).unwrap();
    std::fs::write(folder.join("server.pem"), server.pem()).unwrap();
    std::fs::write(folder.join("server.key"), key.serialize_pem()).unwrap();
    use std::os::unix::fs::PermissionsExt;
    let private = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(folder.join("server.key"), private).unwrap();
}

#[test]
fn tls_is_spoken_and_verified() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut root = String::new();
    let cluster = Cluster::start_with(|folder| {
        certificates(folder);
        root = folder.join("root.pem").display().to_string();
        let file = |name: &str| folder.join(name).display().to_string();
        vec![
            "listen_addresses=127.0.0.1".into(),
            format!("port={free}"),
            "ssl=on".into(),
            format!("ssl_cert_file={}", file("server.pem")),
            format!("ssl_key_file={}", file("server.key")),
        ]
    });
    let Some(_cluster) = started(cluster) else { return };
    let url = |host: &str, options: &str| {
        format!("postgresql://postgres@{host}:{free}/postgres?{options}")
    };
    let trusting = format!("sslmode=verify-full&sslrootcert={root}");
    let mut store = AnyStore::open(&url("localhost", &trusting)).unwrap();
    store.migrate().unwrap();
    store.append(&rows(1..=1), &cursor(1)).unwrap();
    let strangers = AnyStore::open(&url("localhost", "sslmode=require")).unwrap().check();
    assert!(strangers.is_err(), "an authority this machine does not know");
    let wrong_name = AnyStore::open(&url("127.0.0.1", &trusting)).unwrap().check();
    assert!(wrong_name.is_err(), "a certificate for another name");
}

/// Rounds of [`killed_in_mid_commit_nothing_is_lost_or_doubled`].
const KILLS: usize = 20;
const BATCH: usize = 200;

/// A flusher, its log, and the store it flushes into.
struct Shell {
    flusher: Flusher,
    store: AnyStore,
    log: Vec<Row>,
    now: Instant,
}

impl Shell {
    /// Lets the log grow and flushes until the store fails. Gives the position of that flush.
    fn until_failure(&mut self) -> LogPosition {
        loop {
            let end = self.log.len() as u64;
            self.log.extend(rows(end + 1..=end + BATCH as u64));
            self.flusher.committed(self.now, LogPosition(self.log.len() as u64));
            if let Some(position) = self.step() {
                return position;
            }
        }
    }

    /// One step; where it failed.
    fn step(&mut self) -> Option<LogPosition> {
        match self.flusher.poll(self.now) {
            Step::AskCursor => match self.store.cursor("flusher") {
                Ok(cursor) => self.flusher.cursor_read(self.now, cursor),
                Err(error) => return Some(self.failed(error)),
            },
            Step::Flush { from, to, rows_max } => {
                let to = LogPosition(to.0.min(from.0 + rows_max as u64));
                let batch = &self.log[from.0 as usize..to.0 as usize];
                let cursor = Cursor { name: "flusher".into(), position: to };
                match self.store.append(batch, &cursor) {
                    Ok(_) => self.flusher.flushed(to),
                    Err(error) => {
                        self.failed(error);
                        return Some(to);
                    }
                }
            }
            Step::Wait(until) => self.now = until.unwrap_or(self.now.plus_ms(1)),
            Step::Refuse(refusal) => panic!("{refusal}"),
        }
        None
    }

    fn failed(&mut self, error: Error) -> LogPosition {
        assert!(error.is_retryable(), "{error:?}");
        self.flusher.failed(self.now, error);
        self.flusher.stored().unwrap_or_default()
    }
}

#[test]
fn killed_in_mid_commit_nothing_is_lost_or_doubled() {
    let Some(cluster) = started(Cluster::start()) else { return };
    let settings = Settings { rows_max: BATCH, linger_ms: 0, ..Settings::default() };
    let mut shell = Shell {
        flusher: Flusher::new(settings, 1, LogPosition(0), LogPosition(0)),
        store: store(&cluster),
        log: Vec::new(),
        now: Instant(0),
    };
    let cluster = Arc::new(Mutex::new(cluster));
    let mut random = ChaCha8Rng::seed_from_u64(20);
    let (mut committed, mut lost) = (0, 0);
    for _ in 0..KILLS {
        let pace = Duration::from_micros(20_000 + random.next_u64() % 60_000);
        let victim = cluster.clone();
        let killer = std::thread::spawn(move || {
            // tidy: paces
            std::thread::sleep(pace);
            victim.lock().unwrap().kill();
        });
        let position = shell.until_failure();
        killer.join().unwrap();
        cluster.lock().unwrap().run();
        if shell.flusher.stored() < Some(position) {
            let cursor = shell.store.cursor("flusher").unwrap();
            *(if cursor >= Some(position) { &mut committed } else { &mut lost }) += 1;
        }
        while shell.flusher.lag_rows() > 0 {
            assert_eq!(shell.step(), None, "the server is there again");
        }
    }
    let mut found = Vec::new();
    export::<Error>(&mut shell.store, None, |row| {
        found.push(row);
        Ok(())
    })
    .unwrap();
    assert_eq!(found.len(), shell.log.len());
    assert_eq!(found, shell.log, "each once, in order, no hole");
    println!(
        "{KILLS} kills, {} rows; of the appends cut off {committed} had committed, {lost} had not",
        found.len()
    );
}
