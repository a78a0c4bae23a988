//! Rooms of thousands beside small ones on one shard: who comes first, and how much at once.

mod harness;

use harness::{Client, World};
use parlance_core::{Input, Limits, LinkId, Output};
use parlance_wire::xccos::{FromServer, decode_server, room_uri};
use std::collections::HashSet;
use std::ops::RangeInclusive;

const LARGE: usize = 1_000;
const SMALL: usize = 30;
/// Units of one slice; a link to write to counts 17 with its delivery (`Limits::fanout_slice`).
const SLICE: usize = 512;
const LINKS_PER_SLICE: usize = SLICE / 17 + 1;

/// Room 1 with [`LARGE`] sessions, `per_link` on each link, and room 2 with [`SMALL`] on one each.
fn rooms(per_link: usize) -> (World, Vec<Client>, Vec<Client>) {
    let limits = Limits { fanout_slice: SLICE, ..Limits::default() };
    let mut world = World::new(1, limits);
    let mut wires = Vec::new();
    let mut member = |n: usize, per_link: usize, room: u64| {
        if n.is_multiple_of(per_link) {
            wires.push(world.link(0));
        }
        let wire = *wires.last().expect("the first comes on a new link");
        let mut client = Client::open(&mut world, wire, &format!("r{room}u{n}"));
        client.join(&mut world, room);
        client.seen(&mut world);
        client
    };
    let mut large: Vec<Client> = (0..LARGE).map(|n| member(n, per_link, 1)).collect();
    let mut small: Vec<Client> = (0..SMALL).map(|n| member(n, 1, 2)).collect();
    world.advance(1_000);
    large.iter_mut().chain(&mut small).for_each(|client| _ = client.seen(&mut world));
    (world, large, small)
}

/// Hands a post to the shard and makes it durable; nothing is written yet.
fn post(world: &mut World, author: &mut Client, room: u64, ticket: u64) {
    let bytes = author.post_request(room, "hello");
    let input = Input::Bytes { link: author.wire.link, bytes: &bytes };
    world.shards[0].handle(world.now, input);
    world.shards[0].handle(world.now, Input::Committed { ticket });
}

/// Links that the shard wants to be written now; how many bytes wait on them. They are drained.
fn written(world: &mut World) -> (HashSet<LinkId>, usize) {
    let shard = &mut world.shards[0];
    let (mut links, mut bytes) = (HashSet::new(), 0);
    while let Some(output) = shard.poll_output() {
        if let Output::Write { link } = output {
            let written = shard.outgoing(link).map(<[u8]>::len).sum();
            shard.handle(world.now, Input::Drained { link, written });
            links.insert(link);
            bytes += written;
        }
    }
    (links, bytes)
}

/// The next slice, as a shell asks for it between other inputs. False when no work is put off.
fn next_slice(world: &mut World) -> bool {
    let is_due = world.shards[0].poll_timeout().is_some_and(|due| due <= world.now.instant);
    if is_due {
        world.shards[0].handle(world.now, Input::Timeout);
    }
    is_due
}

#[test]
fn a_small_room_does_not_wait_for_a_large_one() {
    let (mut world, mut large, mut small) = rooms(1);
    let small_links: HashSet<LinkId> = small.iter().map(|client| client.wire.link).collect();
    post(&mut world, &mut large[0], 1, 1);
    let (mut links, _) = written(&mut world);
    // The author's 200 and the first slice.
    assert!((1..=LINKS_PER_SLICE + 1).contains(&links.len()), "{} links at once", links.len());
    for ticket in 2..6 {
        post(&mut world, &mut small[0], 2, ticket);
        let (now, _) = written(&mut world);
        assert_eq!(now, small_links, "all of the small room, and nobody else before them");
        assert!(next_slice(&mut world), "the large room is far from done");
        let (slice, _) = written(&mut world);
        // One post to the small room is about a slice; the large one gets as much.
        assert!((1..=LINKS_PER_SLICE + 2).contains(&slice.len()), "{} at once", slice.len());
        links.extend(slice);
    }
    while next_slice(&mut world) {
        let (slice, _) = written(&mut world);
        assert!(slice.len() <= LINKS_PER_SLICE, "{} links at once", slice.len());
        links.extend(slice);
    }
    assert_eq!(links.len(), LARGE, "everybody has it");
}

/// Nor does the large one wait for the small one: of what a shard does it gets half, up to a bound.
#[test]
fn a_large_room_keeps_up_with_a_busy_small_one() {
    let (mut world, mut large, mut small) = rooms(1);
    post(&mut world, &mut large[0], 1, 1);
    written(&mut world);
    let mut ticket = 1;
    // Links of the large room that are written after so many posts to the small one.
    let mut slice_after = |world: &mut World, posts: usize| {
        for _ in 0..posts {
            ticket += 1;
            post(world, &mut small[0], 2, ticket);
            // What waits for the shell is written together.
            written(world);
        }
        assert!(next_slice(world), "the large room is not done");
        written(world).0.len()
    };
    for (posts, least, most) in [(0, 30, 31), (1, 30, 33), (4, 115, 130), (8, 230, 260)] {
        let links = slice_after(&mut world, posts);
        assert!((least..=most).contains(&links), "{links} links after {posts} posts");
    }
    let links = slice_after(&mut world, 50);
    assert!(links <= 16 * LINKS_PER_SLICE, "{links} links at once");
}

#[test]
fn deliveries_that_share_a_link_share_a_slice() {
    let (mut world, mut large, mut small) = rooms(250);
    post(&mut world, &mut large[0], 1, 1);
    let (first, bytes) = written(&mut world);
    assert!(first.len() <= 2 && bytes > 200 * 400, "{} links, {bytes} bytes", first.len());
    let mut slices = 1;
    while next_slice(&mut world) {
        slices += 1;
        written(&mut world);
    }
    assert!(slices <= LARGE.div_ceil(SLICE) + 1, "{slices} slices");
    post(&mut world, &mut small[0], 2, 2);
    assert_eq!(written(&mut world).0.len(), SMALL);
}

/// A shard that writes one notice a second and lets the others wait for half a second.
fn sparing_world() -> World {
    let limits = Limits {
        notice_writes_per_second: 1,
        notice_hold_ms: 500,
        roster_tick_ms: 0,
        ..Limits::default()
    };
    World::new(1, limits)
}

/// A user on a link of their own comes into these rooms.
fn come_into(world: &mut World, user: &str, rooms: RangeInclusive<u64>) -> Client {
    let wire = world.link(0);
    let mut client = Client::open(world, wire, user);
    rooms.for_each(|room| client.join(world, room));
    client
}

#[test]
fn notices_wait_for_company_when_there_are_many() {
    let mut world = sparing_world();
    let come = |world: &mut World, user: &str| come_into(world, user, 1..=1);
    let mut clients: Vec<Client> =
        ["u0", "u1", "u2"].iter().map(|user| come(&mut world, user)).collect();
    // How many of them have got something, and in how many of these are these words.
    let got = |world: &mut World, clients: &[Client], words: &str| {
        let inboxes: Vec<Vec<u8>> = clients
            .iter()
            .map(|client| world.take(client.wire))
            .filter(|i| !i.is_empty())
            .collect();
        let has = |inbox: &&Vec<u8>| String::from_utf8_lossy(inbox).contains(words);
        (inboxes.len(), inboxes.iter().filter(has).count())
    };
    world.advance(10_000);
    got(&mut world, &clients, "");
    come(&mut world, "early");
    assert_eq!(got(&mut world, &clients, "sip:early@"), (1, 1), "as far as the bucket goes");
    world.advance(499);
    assert_eq!(got(&mut world, &clients, ""), (0, 0), "the others wait");
    world.advance(1);
    assert_eq!(got(&mut world, &clients, "sip:early@"), (2, 2), "but not longer");
    world.advance(10_000);
    come(&mut world, "late");
    assert_eq!(got(&mut world, &clients, "sip:late@").1, 1);
    clients[0].post(&mut world, 1, "hello");
    assert_eq!(got(&mut world, &clients, "hello"), (3, 3), "a post does not wait");
    world.advance(1_000);
    assert_eq!(got(&mut world, &clients, ""), (0, 0), "it took the notices along");
}

/// Notices of several rooms that wait together are one INFO, whose answer is one, too.
#[test]
fn notices_in_company_are_one_message() {
    let mut world = sparing_world();
    let come = |world: &mut World, user: &str| come_into(world, user, 1..=3);
    let reader = come(&mut world, "reader");
    world.advance(10_000);
    world.take(reader.wire);
    let mut others: Vec<Client> = ["kay", "lee"].iter().map(|u| come(&mut world, u)).collect();
    // Notices in each INFO that has come.
    let infos = |world: &mut World| {
        let mut infos = Vec::new();
        harness::each_message(&world.take(reader.wire), |message| {
            match decode_server(message.body()) {
                Ok(FromServer::Notices(notices)) => infos.push(notices.len()),
                Ok(FromServer::Delivery(_)) => infos.push(0),
                other => panic!("{other:?}"),
            }
        });
        infos
    };
    assert_eq!(infos(&mut world), [1], "as far as the bucket goes");
    world.advance(500);
    assert_eq!(infos(&mut world), [5], "the others together");
    world.advance(10_000);
    come(&mut world, "max");
    assert_eq!(infos(&mut world), [1]);
    others[0].post(&mut world, 1, "hello");
    assert_eq!(infos(&mut world), [2, 0], "told before the post that takes them along");
}

#[test]
fn large_rooms_take_turns() {
    let (mut world, mut large, _) = rooms(1);
    // Everybody of the large room is in another one, too.
    for client in &mut large {
        client.join(&mut world, 3);
        client.seen(&mut world);
    }
    world.advance(1_000);
    large.iter_mut().for_each(|client| _ = client.seen(&mut world));
    let deliveries = |world: &World| world.shards[0].counters().deliveries;
    let before = deliveries(&world);
    post(&mut world, &mut large[0], 1, 1);
    post(&mut world, &mut large[1], 3, 2);
    written(&mut world);
    let mut turns: Vec<u64> = Vec::new();
    while next_slice(&mut world) {
        turns.push(room_of_slice(&mut world));
    }
    assert_eq!(deliveries(&world) - before, 2 * LARGE as u64);
    let repeated = turns.windows(2).filter(|pair| pair[0] == pair[1]).count();
    assert!(repeated <= 1, "only when one of the two is done: {turns:?}");
}

/// The one room whose messages wait on the links, which are drained.
fn room_of_slice(world: &mut World) -> u64 {
    let shard = &mut world.shards[0];
    let mut rooms = HashSet::new();
    while let Some(output) = shard.poll_output() {
        let Output::Write { link } = output else { panic!("nothing but writes: {output:?}") };
        let bytes = shard.outgoing(link).collect::<Vec<_>>().concat();
        harness::each_message(&bytes, |message| {
            let FromServer::Delivery(delivery) = decode_server(message.body()).expect("it is read")
            else {
                panic!("nothing but deliveries")
            };
            rooms.insert(delivery.room_uri);
        });
        shard.handle(world.now, Input::Drained { link, written: bytes.len() });
    }
    let is_of = |n: &u64| rooms.contains(&room_uri(harness::DOMAIN, harness::room(*n)));
    assert_eq!(rooms.len(), 1, "a slice is of one room: {rooms:?}");
    [1, 3].into_iter().find(is_of).expect("one of the two")
}
