//! What it costs to ask the directory.

use super::Spread;
use parlance_core::directory::sample::Sample;
use parlance_core::directory::{Asker, Directory, RoomEntry};
use parlance_core::policy::Right;
use parlance_wire::xccos::Guid;
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use serde::Serialize;
use std::hint::black_box;
use std::time::Instant;

/// Pairs of user and room that are busy at one time: some posts a second, for some minutes.
const BUSY: usize = 1_000;

/// One way to ask.
#[derive(Debug, Serialize)]
pub struct Row {
    pub name: &'static str,
    pub nanoseconds: Spread,
}

/// Who is asked about and where: all prepared, so that what is measured is the answer.
struct Pair<'a> {
    uri: &'a str,
    asker: Asker<'a>,
    /// Beside the entry that has it, too: to ask that would fetch what the lookup is to find.
    room: Guid,
    entry: &'a RoomEntry,
}

/// Asks for random pairs, so many in each round.
pub fn measure(sample: &Sample, directory: &Directory, rounds: usize, count: usize) -> Vec<Row> {
    let uris: Vec<String> = (0..sample.users).map(|user| sample.user_uri(user)).collect();
    let rooms: Vec<Guid> = directory.rooms().map(|room| room.room.id).collect();
    let mut rng = ChaCha8Rng::seed_from_u64(sample.seed);
    let mut below = |end: usize| (rng.next_u64() % end as u64) as usize;
    let serve = |uri: &'_ str| directory.serve(uri).expect("all users of the sample are served");
    let mut pairs = |own: bool| -> Vec<Pair<'_>> {
        let pair = |_| {
            let uri = &*uris[below(uris.len())];
            let asker = serve(uri);
            let room = match directory.rooms_listing(&asker) {
                listing if own && !listing.is_empty() => listing[below(listing.len())].room.id,
                _ => rooms[below(rooms.len())],
            };
            let entry = directory.room(room).expect("rooms of the sample are there");
            Pair { uri, asker, room, entry }
        };
        (0..count).map(pair).collect()
    };
    let (any, own) = (pairs(false), pairs(true));
    // Those who talk now, and where: the processor's caches have them.
    let busy: Vec<&Pair<'_>> = own.iter().take(BUSY).cycle().take(count).collect();
    let by_uri = |pair: &Pair<'_>| directory.allows(pair.uri, pair.room, Right::Join);
    let by_asker = |pair: &Pair<'_>| {
        directory.room(pair.room).is_some_and(|room| directory.may(&pair.asker, room, Right::Join))
    };
    let at_hand = |pair: &Pair<'_>| directory.may(&pair.asker, pair.entry, Right::Join);
    let lookup = |pair: &Pair<'_>| directory.serve(pair.uri).is_ok();
    let listing = |pair: &Pair<'_>| !directory.rooms_listing(&pair.asker).is_empty();
    let few = &any[..count.div_ceil(100)];
    // As a search or a list of rooms asks: for one user, room after room.
    let entries: Vec<&RoomEntry> = directory.rooms().map(|room| &**room).collect();
    let searches = any.chunks(entries.len()).flat_map(|pairs| {
        let asker = pairs[0].asker;
        entries.iter().take(pairs.len()).map(move |entry| (asker, *entry))
    });
    let searches: Vec<(Asker<'_>, &RoomEntry)> = searches.collect();
    let finds = |(asker, entry): &(Asker<'_>, &RoomEntry)| directory.may(asker, entry, Right::Find);
    vec![
        row("any user, any room, by URI", rounds, &any, by_uri),
        row("any user, any room, user at hand", rounds, &any, by_asker),
        row("any user, a room of theirs, by URI", rounds, &own, by_uri),
        row("any user, a room of theirs, user at hand", rounds, &own, by_asker),
        row("a busy user in a busy room, by URI", rounds, &busy, |pair| by_uri(pair)),
        row("a busy user in a busy room, user at hand", rounds, &busy, |pair| by_asker(pair)),
        row("a busy user in a busy room, both at hand", rounds, &busy, |pair| at_hand(pair)),
        row("one user, all rooms, one after the other", rounds, &searches, finds),
        row("is this user served?", rounds, &any, lookup),
        row("all rooms that list a user", rounds, few, listing),
    ]
}

fn row<P>(name: &'static str, rounds: usize, pairs: &[P], ask: impl Fn(&P) -> bool) -> Row {
    let round = |_| {
        let begin = Instant::now();
        let yes = pairs.iter().filter(|pair| ask(pair)).count();
        black_box(yes);
        begin.elapsed().as_nanos() as f64 / pairs.len() as f64
    };
    Row { name, nanoseconds: Spread::of((0..rounds).map(round)) }
}
