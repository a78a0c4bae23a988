//! How fast the SQL store is: rows flushed per second by size of the batch, and how long the last
//! 30 messages of a room and a search take in a store of many rows.
//!
//! ```text
//! cargo run --release -p parlance-storage --example sql_bench -- [ROWS] [FOLDER]
//! ```
//!
//! `ROWS` is the size of the big store, 1,000,000 if missing; `FOLDER` is where SQLite's file lies
//! and should be on the disk that matters. PostgreSQL is a server of its own with its default
//! settings in the temporary folder; without one installed that half is left out.

#![allow(clippy::unwrap_used)]

#[path = "../tests/postgres/mod.rs"]
#[allow(dead_code)]
mod postgres;

use hdrhistogram::Histogram;
use parlance_storage::sql::{AnyStore, Cursor, LogPosition, Order, Place, Query, Row, Store};
use parlance_wire::xccos::{Guid, Timestamp};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use std::time::{Duration, Instant};

/// Rooms of the store.
const ROOMS: u64 = 1_000;
/// Batch sizes measured.
const BATCHES: [usize; 5] = [1, 32, 256, 1_000, 5_000];
/// How long each batch size is measured.
const MEASURE: Duration = Duration::from_secs(4);
/// Reads of each kind.
const READS: usize = 2_000;
/// Searches of each kind.
const SEARCHES: usize = 100;

/// Makes messages like those of people: about 120 characters, words by their frequency.
struct Source {
    random: ChaCha8Rng,
    /// Last number of each room.
    numbers: Vec<u64>,
    count: u64,
}

impl Source {
    fn new() -> Source {
        let random = ChaCha8Rng::seed_from_u64(1);
        Source { random, numbers: vec![0; ROOMS as usize], count: 0 }
    }

    fn row(&mut self) -> Row {
        // Half of the messages are in a tenth of the rooms.
        let spread = if self.random.next_u64().is_multiple_of(2) { ROOMS / 10 } else { ROOMS };
        let room = self.random.next_u64() % spread;
        self.numbers[room as usize] += 1;
        self.count += 1;
        let user = self.random.next_u64() % 5_000;
        Row {
            room: room_id(room),
            place: Place { term: 1, number: self.numbers[room as usize] },
            ts: Timestamp(self.count as i64 * 100_000),
            author: format!("sip:user{user}@contoso.example"),
            author_name: format!("User {user}"),
            alert: false,
            chat: self.text(),
            rtf: None,
            is_history: true,
        }
    }

    fn text(&mut self) -> String {
        let words: Vec<String> = (0..20)
            .map(|_| {
                // Zipf's law, roughly: the n-th word is used as often as 1/n.
                let share = self.random.next_u64() as f64 / u64::MAX as f64;
                format!("w{}", (20_000_f64.powf(share)) as u64)
            })
            .collect();
        words.join(" ")
    }

    fn rows(&mut self, count: usize) -> Vec<Row> {
        (0..count).map(|_| self.row()).collect()
    }

    fn append(&mut self, store: &mut AnyStore, rows: &[Row]) {
        let cursor = Cursor { name: "bench".into(), position: LogPosition(self.count) };
        assert_eq!(store.append(rows, &cursor).unwrap().inserted, rows.len());
    }
}

fn room_id(number: u64) -> Guid {
    // Spread like random identifiers are.
    Guid(u128::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835))
}

/// Flushes with each batch size.
fn flush(store: &mut AnyStore, source: &mut Source) {
    for batch in BATCHES {
        let (mut rows, mut spent) = (0, Duration::ZERO);
        while spent < MEASURE {
            let next = source.rows(batch);
            let start = Instant::now();
            source.append(store, &next);
            spent += start.elapsed();
            rows += batch;
        }
        let rate = rows as f64 / spent.as_secs_f64();
        println!("  flush, batches of {batch:>5}: {rate:>9.0} rows/s");
    }
}

/// Fills the store up to a size.
fn fill(store: &mut AnyStore, source: &mut Source, size: u64) {
    let (start, before) = (Instant::now(), source.count);
    while source.count < size {
        let rows = source.rows(2_000);
        source.append(store, &rows);
    }
    let rate = (source.count - before) as f64 / start.elapsed().as_secs_f64();
    let bytes = store.health().unwrap().size_bytes / source.count;
    println!("  filled to {} rows: {rate:.0} rows/s, {bytes} bytes a row", source.count);
}

fn measure(name: &str, count: usize, mut run: impl FnMut(usize) -> usize) {
    let mut latency = Histogram::<u64>::new(3).unwrap();
    let mut rows = 0;
    for at in 0..count {
        let start = Instant::now();
        rows += run(at);
        latency.record(start.elapsed().as_micros() as u64).unwrap();
    }
    let at = |quantile| latency.value_at_quantile(quantile);
    let (p50, p99, max) = (at(0.5), at(0.99), latency.max());
    let rows = rows as f64 / count as f64;
    println!("  {name:<42} p50 {p50:>7} µs  p99 {p99:>7} µs  max {max:>7} µs  ({rows:.1} rows)");
}

/// Reads and searches.
fn read(store: &mut AnyStore, source: &mut Source) {
    let mut random = ChaCha8Rng::seed_from_u64(2);
    let mut room = move || room_id(random.next_u64() % ROOMS);
    measure("last 30 of a room", READS, |_| store.last(room(), 30, None).unwrap().len());
    let now = source.count as i64 * 100_000;
    let base = Query { limit: 100, search: Order::NewestFirst, ..Query::default() };
    let cases = [
        ("last tenth of the time, 1 room", "", 1, 9),
        ("a rare word, 1 room", "w15000", 1, 0),
        ("a common word, 1 room", "w1", 1, 0),
        ("a rare word, 16 rooms", "w15000", 16, 0),
        ("a common word, 16 rooms", "w1", 16, 0),
        ("a word nobody wrote, 500 rooms", "nothing", 500, 0),
    ];
    for (name, text, rooms, tenth) in cases {
        measure(name, SEARCHES, |_| {
            let rooms = (0..rooms).map(|_| room()).collect();
            let from = Some(Timestamp(now / 10 * tenth));
            let query = Query { rooms, from, text: text.into(), ..base.clone() };
            store.by_date(&query).unwrap().rows.len()
        });
    }
    // The whole store in one busy room, at worst: upper case that nobody wrote.
    let hardest =
        Query { rooms: vec![room_id(0)], text: "W1".into(), case_sensitive: true, ..base.clone() };
    measure("a common word in the wrong case, 1 room", 10, |_| {
        store.by_date(&hardest).map_or(0, |found| found.rows.len())
    });
    measure("append of 1,000 that are there already", 20, |_| {
        let rows = store.last(room_id(0), 1_000, None).unwrap();
        store.import(&rows).unwrap().repeated
    });
}

fn bench(mut store: AnyStore, size: u64) {
    store.migrate().unwrap();
    println!("{}", store.health().unwrap().engine);
    let mut source = Source::new();
    flush(&mut store, &mut source);
    fill(&mut store, &mut source, size);
    read(&mut store, &mut source);
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let size = arguments.next().map_or(1_000_000, |size| size.parse().unwrap());
    let folder = match arguments.next() {
        Some(parent) => tempfile::tempdir_in(parent).unwrap(),
        None => tempfile::tempdir().unwrap(),
    };
    let path = folder.path().join("bench.db");
    bench(AnyStore::open(&format!("sqlite:{}", path.display())).unwrap(), size);
    match postgres::Cluster::start() {
        Ok(cluster) => bench(AnyStore::open(&cluster.url("postgres")).unwrap(), size),
        Err(reason) => println!("PostgreSQL left out: {reason}"),
    }
}
