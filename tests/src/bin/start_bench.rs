//! `start-bench`: how long the real server takes to start when the database lacks much of the log,
//! and how fast the database then catches up.

use clap::Parser;
use parlance_core::Record;
use parlance_core::time::Timestamp;
use parlance_storage::disk::real::RealDisk;
use parlance_storage::log::Options as LogOptions;
use parlance_storage::{Log, Position};
use parlance_tests::server::{Options, Room, Server};
use parlance_wire::xccos::Guid;
use std::error::Error;
use std::path::Path;
use std::time::{Duration, Instant};

/// Starts the real server on a log that the database has nothing of, and tells how long it takes to
/// be ready, and how fast the database catches up.
#[derive(Debug, Parser)]
struct Args {
    /// Size of that log.
    #[arg(long, default_value_t = 1024)]
    mib: u64,
    /// Bytes of text in each message.
    #[arg(long, default_value_t = 600)]
    text_bytes: usize,
    /// Rooms the messages are spread over.
    #[arg(long, default_value_t = 1_000)]
    rooms: u32,
    /// `[store] sql`: `sqlite` or the URL of an empty PostgreSQL database.
    #[arg(long, default_value = "sqlite")]
    sql: String,
}

/// Records in one commit while the log is filled.
const BATCH: u64 = 256;
/// Catching up is given up after this long.
const PATIENCE: Duration = Duration::from_secs(1_800);

fn main() -> Result<(), Box<dyn Error>> {
    let args = Args::parse();
    let rooms: Vec<Room> = (1..=args.rooms).map(Room::numbered).collect();
    let options = Options { rooms: rooms.clone(), sql: args.sql.clone(), ..Options::default() };
    let mut server = Server::start(&options);
    assert!(server.stop().success(), "an empty server ends at once");
    let records = fill(&server.folder().join("data/log"), &rooms, &args)?;
    println!("log          {} MiB, {records} messages in {} rooms", args.mib, args.rooms);

    let begin = Instant::now();
    server.begin();
    server.until_ready()?;
    let ready = begin.elapsed();
    println!("ready        {:.2} s after its start", ready.as_secs_f64());
    println!("resident     {} MiB when ready", server.resident_kib() / 1024);
    let cpu = server.metric("parlance_cpu_seconds_total", "");
    let stored = |server: &Server| server.metric("parlance_store_rows_total", "");
    let (from, start) = (stored(&server), Instant::now());
    while stored(&server) < records as f64 {
        assert!(start.elapsed() < PATIENCE, "the database does not catch up");
        server.assert_alive();
        // Each look costs the server some work.
        std::thread::sleep(Duration::from_millis(100)); // tidy: paces
    }
    let took = start.elapsed().as_secs_f64();
    let rows = records as f64 - from;
    let cpu = server.metric("parlance_cpu_seconds_total", "") - cpu;
    println!("caught up    {took:.1} s after that, {:.0} messages/s", rows / took);
    println!("CPU          {:.1} us a message", cpu * 1e6 / rows);
    Ok(())
}

/// Appends messages until the log is as long as wanted; how many.
fn fill(folder: &Path, rooms: &[Room], args: &Args) -> Result<u64, Box<dyn Error>> {
    let quota_bytes = u64::MAX / 4;
    let (mut log, _) =
        Log::open(RealDisk::open(folder)?, LogOptions { quota_bytes, ..LogOptions::default() })?;
    log.attach("stored", Position(0))?;
    let rooms: Vec<Guid> =
        rooms.iter().map(|room| Guid::parse(&room.id).expect("a test room's id")).collect();
    let words = "pier level high water gate open closed at noon today again ";
    let chat: String = words.chars().cycle().take(args.text_bytes).collect();
    let mut count = 0;
    while log.watermarks().used_bytes < args.mib * 1024 * 1024 {
        for _ in 0..BATCH {
            let at = count as usize % rooms.len();
            let record = Record {
                ticket: 0,
                room: rooms[at],
                number: count / rooms.len() as u64 + 1,
                ts: Timestamp(17_000_000_000_000_000 + count as i64),
                author: format!("sip:user{}@example.test", count % 500),
                alert: false,
                chat: chat.clone(),
                rtf: None,
                is_history: true,
            };
            log.append(0, &record).map_err(|refused| refused.to_string())?;
            count += 1;
        }
        log.commit()?;
    }
    log.mark()?;
    Ok(count)
}
