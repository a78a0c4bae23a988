//! What one delivery to one subscriber costs in allocations and copies, counted: from the author's
//! bytes to the last reader's answer, written out and read as a shell does it.

mod harness;

use harness::{Client, World};
use parlance_core::{Input, Limits, LinkId, Output};
use parlance_wire::sip::{Response, StartLine};

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

/// Posts before counting begins: they grow buffers to their working size.
const WARM_UP_POSTS: u64 = 10;
const POSTS: u64 = 50;
/// Two sizes of the room: what the larger one costs more, its deliveries cost.
const FEW: usize = 250;
const MANY: usize = 1_000;

fn allocations() -> u64 {
    dhat::HeapStats::get().total_blocks
}

/// A shard whose allocations are counted, and nobody else's.
struct Counted {
    world: World,
    clients: Vec<Client>,
    spent: u64,
    /// Bodies on links that were not the one shared body.
    copies: usize,
}

impl Counted {
    /// A room with so many subscribers on each of so many links.
    fn new(links: usize, per_link: usize) -> Counted {
        let mut world = World::new(1, Limits::default());
        let mut clients = Vec::new();
        for link in 0..links {
            let wire = world.link(0);
            for place in 0..per_link {
                let mut client = Client::open(&mut world, wire, &format!("u{link}p{place}"));
                client.join(&mut world, 1);
                client.seen(&mut world);
                clients.push(client);
            }
        }
        world.advance(1_000);
        for client in &mut clients {
            client.seen(&mut world);
        }
        Counted { world, clients, spent: 0, copies: 0 }
    }

    fn handle(&mut self, input: Input<'_>) {
        let before = allocations();
        self.world.shards[0].handle(self.world.now, input);
        self.spent += allocations() - before;
    }

    /// A post to everybody and everybody's answer.
    fn post(&mut self, number: u64) {
        let chat = format!("message {number} {}", "x".repeat(500));
        let post = self.clients[0].post_request(1, &chat);
        self.handle(Input::Bytes { link: self.clients[0].wire.link, bytes: &post });
        let Some(Output::Append { .. }) = self.world.shards[0].poll_output() else {
            panic!("a record")
        };
        self.handle(Input::Committed { ticket: number });
        let (mut deliveries, mut shared) = (0, None);
        loop {
            let (some, answers) = self.write(&mut shared);
            deliveries += some;
            for (link, bytes) in &answers {
                self.handle(Input::Bytes { link: *link, bytes });
            }
            let shard = &self.world.shards[0];
            if shard.poll_timeout().is_none_or(|due| due > self.world.now.instant) {
                break;
            }
            self.handle(Input::Timeout);
        }
        assert_eq!(deliveries, self.clients.len());
    }

    /// Writes out all links; how many messages to subscribers that was, and their answers.
    fn write(&mut self, shared: &mut Option<*const u8>) -> (usize, Vec<(LinkId, Vec<u8>)>) {
        let (mut deliveries, mut answers) = (0, Vec::new());
        while let Some(output) = self.world.shards[0].poll_output() {
            let Output::Write { link } = output else { panic!("only writes are left: {output:?}") };
            let slices: Vec<&[u8]> = self.world.shards[0].outgoing(link).collect();
            for body in slices.iter().filter(|slice| slice.starts_with(b" INFO")) {
                let first = *shared.get_or_insert(body.as_ptr());
                self.copies += usize::from(first != body.as_ptr());
                deliveries += 1;
            }
            let bytes = slices.concat();
            let mut answer = Vec::new();
            harness::each_message(&bytes, |message| {
                if matches!(message.start(), StartLine::Request { .. }) {
                    Response::to(message, &mut answer, 200, None).empty();
                }
            });
            self.handle(Input::Drained { link, written: bytes.len() });
            answers.push((link, answer));
        }
        (deliveries, answers)
    }
}

/// Allocations per post in the steady state.
fn per_post(links: usize, per_link: usize) -> f64 {
    let mut counted = Counted::new(links, per_link);
    (1..=WARM_UP_POSTS).for_each(|number| counted.post(number));
    counted.spent = 0;
    (WARM_UP_POSTS + 1..=WARM_UP_POSTS + POSTS).for_each(|number| counted.post(number));
    assert_eq!(counted.copies, 0, "every link waits with the same body");
    counted.spent as f64 / POSTS as f64
}

#[test]
fn a_delivery_allocates_nothing_and_copies_no_body() {
    let _profiler = dhat::Profiler::builder().testing().build();
    for (name, few, many) in [
        ("direct links", per_post(FEW, 1), per_post(MANY, 1)),
        ("four front ends", per_post(4, FEW / 4), per_post(4, MANY / 4)),
    ] {
        let per_delivery = (many - few) / (MANY - FEW) as f64;
        println!(
            "{name}: {per_delivery:.4} allocations for each delivery and its answer; {few:.1} for \
             each post to {FEW}, {many:.1} to {MANY}"
        );
        assert!(per_delivery < 0.005, "{name}: {per_delivery:.4} per delivery");
        // Decoding the post, its record, its body, its place in the history: whatever the room.
        assert!(many <= 48.0, "{name}: {many:.1} allocations per post to {MANY}");
    }
}
