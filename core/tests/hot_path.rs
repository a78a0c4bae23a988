//! What one delivery to one subscriber costs in allocations and copies, counted.

mod harness;

use harness::{Client, World};
use parlance_core::{Input, Limits, Output};
use parlance_wire::sip::Response;

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

const SUBSCRIBERS: usize = 500;
const POSTS: usize = 20;

fn allocations() -> u64 {
    dhat::HeapStats::get().total_blocks
}

/// One post into a room of [`SUBSCRIBERS`] direct links, from the author's bytes to the last
/// answer, `POSTS` times. Returns allocations per post for the broker alone, and how many body
/// slices that waited on the links were not the one shared body.
fn measure() -> (u64, usize) {
    let mut world = World::new(1, Limits::default());
    let mut clients: Vec<Client> = Vec::new();
    for n in 0..SUBSCRIBERS {
        let wire = world.link(0);
        let mut client = Client::open(&mut world, wire, &format!("u{n}"));
        client.join(&mut world, 1);
        clients.push(client);
    }
    world.advance(1_000);
    for client in &mut clients {
        client.seen(&mut world);
    }
    let mut copies = 0;
    let mut spent = 0;
    for round in 0..POSTS {
        let chat = format!("message {round} {}", "x".repeat(500));
        let post = clients[0].post_request(1, &chat);
        let before = allocations();
        let input = Input::Bytes { link: clients[0].wire.link, bytes: &post };
        world.shards[0].handle(world.now, input);
        let Some(Output::Append { .. }) = world.shards[0].poll_output() else { panic!("a record") };
        let ticket = round as u64 + 1;
        world.shards[0].handle(world.now, Input::Committed { ticket });
        let fan_out = allocations() - before;
        let (inboxes, answers) = drain(&mut world, &mut copies);
        let before = allocations();
        for (link, bytes) in &answers {
            world.shards[0].handle(world.now, Input::Bytes { link: *link, bytes });
        }
        let answered = allocations() - before;
        assert_eq!(inboxes, SUBSCRIBERS);
        // The first rounds grow the outboxes to their working size.
        if round >= POSTS / 2 {
            spent += fan_out + answered;
        }
    }
    (spent / (POSTS as u64 / 2), copies)
}

/// Writes out all links as a shell would and makes the clients' answers.
fn drain(world: &mut World, copies: &mut usize) -> (usize, Vec<(parlance_core::LinkId, Vec<u8>)>) {
    let (mut shared, mut inboxes, mut answers) = (None, 0, Vec::new());
    while world.shards[0].poll_timeout().is_some_and(|due| due <= world.now.instant) {
        world.shards[0].handle(world.now, Input::Timeout);
    }
    while let Some(output) = world.shards[0].poll_output() {
        let Output::Write { link } = output else { panic!("only writes are left: {output:?}") };
        let slices: Vec<&[u8]> = world.shards[0].outgoing(link).collect();
        let body = *slices.last().expect("something to write");
        assert!(body.starts_with(b"<xccos"), "the body is a slice of its own");
        *copies += usize::from(*shared.get_or_insert(body.as_ptr()) != body.as_ptr());
        inboxes += 1;
        let bytes = slices.concat();
        let written = bytes.len();
        let mut answer = Vec::new();
        harness::each_message(&bytes, |message| {
            if matches!(message.start(), parlance_wire::sip::StartLine::Request { .. }) {
                Response::to(message, &mut answer, 200, None).empty();
            }
        });
        world.shards[0].handle(world.now, Input::Drained { link, written });
        answers.push((link, answer));
    }
    (inboxes, answers)
}

#[test]
fn a_delivery_allocates_nothing_and_copies_no_body() {
    let _profiler = dhat::Profiler::builder().testing().build();
    let (per_post, copies) = measure();
    println!(
        "{per_post} allocations per post to {SUBSCRIBERS} subscribers ({:.3} per delivery and \
         answer), {copies} copies of the body",
        per_post as f64 / SUBSCRIBERS as f64
    );
    assert_eq!(copies, 0, "every link waits with the same body");
    // Decoding the post, its record, its body, its place in the history: per post, whatever the
    // room.
    assert!(per_post <= 48, "{per_post} allocations per post: one per delivery would be 500");
}
