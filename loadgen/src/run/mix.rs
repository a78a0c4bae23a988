//! Which users are in which rooms of an organisation: everybody in as many rooms of a size as
//! anybody else, in company that chance has chosen.

use super::profile::{Organisation, RoomSize};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

/// Members of each room of this size who are on the run's server, by number of user and in order.
/// Each user is in exactly `rooms_per_user` of them; all rooms are full but perhaps the last, and
/// where several servers share a room's members, each has as many as the others, give or take one.
/// It follows from the seed.
pub fn members(
    size: &RoomSize,
    organisation: &Organisation,
    seed: u64,
    stream: u64,
) -> Vec<Vec<u32>> {
    let &Organisation { users, servers, .. } = organisation;
    let (count, full) = size.rooms(organisation.users_whole());
    // Seats of all rooms lie one behind the other.
    let seats_before = |rooms: usize| rooms * full as usize / servers as usize;
    let seats = |room| seats_before(room + 1) - seats_before(room);
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(stream);
    let mut rooms: Vec<Vec<u32>> = vec![Vec::new(); count as usize];
    let mut at = 0;
    for _ in 0..size.rooms_per_user {
        let mut order = shuffled(users, &mut random);
        let free = seats(at) - rooms[at].len();
        yield_to_strangers(&mut order, &rooms[at], free);
        for user in order {
            while rooms[at].len() == seats(at) {
                at += 1;
            }
            rooms[at].push(user);
        }
    }
    rooms.iter_mut().for_each(|room| room.sort_unstable());
    rooms
}

fn shuffled(users: u32, random: &mut ChaCha8Rng) -> Vec<u32> {
    let mut order: Vec<u32> = (0..users).collect();
    for at in (1..order.len()).rev() {
        order.swap(at, below(random, at + 1));
    }
    order
}

/// The first of `order` fill up a room that has users already: those who are in it must come later.
fn yield_to_strangers(order: &mut [u32], room: &[u32], free: usize) {
    let mut is_in = vec![false; order.len()];
    room.iter().for_each(|user| is_in[*user as usize] = true);
    let mut stranger = free;
    for at in 0..free {
        if is_in[order[at] as usize] {
            while is_in[order[stranger] as usize] {
                stranger += 1;
            }
            order.swap(at, stranger);
            stranger += 1;
        }
    }
}

/// A number below `bound`, near enough to even for choosing.
pub fn below(random: &mut ChaCha8Rng, bound: usize) -> usize {
    ((u128::from(random.next_u64()) * bound as u128) >> 64) as usize
}
