//! What a session takes when nothing happens, counted: the kernel's part and the allocator's own
//! are not in it.

mod harness;

use harness::{Client, World};
use parlance_core::Limits;

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

/// Rooms that everybody is in; the product's users are in twice as many (`product.md` §4.2).
const ROOMS: u64 = 8;
/// Two numbers of sessions: what the larger one takes more, its sessions take.
const FEW: u64 = 32;
const MANY: u64 = 128;
/// Most that a session behind a front end may take, in bytes.
const SESSION_BYTES_MAX: u64 = 3_500;

/// Bytes of a shard with so many sessions behind one front end, a minute after the last signed in.
fn at_rest(sessions: u64) -> u64 {
    let mut world = World::new(1, Limits::default());
    let wire = world.link(0);
    let mut clients: Vec<Client> = Vec::new();
    for n in 0..sessions {
        let mut client = Client::open(&mut world, wire, &format!("u{n}"));
        (1..=ROOMS).for_each(|room| client.join(&mut world, room));
        clients.push(client);
        // Everybody answers what they are told: queues of the shard do not grow with the number.
        for _ in 0..2 {
            clients.iter_mut().for_each(|client| _ = client.seen(&mut world));
            world.advance(300);
        }
    }
    drop(clients);
    (0..60).for_each(|_| world.advance(1_000));
    let gauges = world.shards[0].gauges();
    assert_eq!((gauges.sessions as u64, gauges.sessions_lagging), (sessions, 0));
    assert_eq!(gauges.subscriptions as u64, sessions * ROOMS);
    dhat::HeapStats::get().curr_bytes as u64
}

#[test]
fn a_session_at_rest_is_small() {
    let _profiler = dhat::Profiler::builder().testing().build();
    let (few, many) = (at_rest(FEW), at_rest(MANY));
    let each = (many - few) / (MANY - FEW);
    println!("{each} bytes for each session in {ROOMS} rooms");
    assert!(each <= SESSION_BYTES_MAX, "{each} bytes for each session");
}
