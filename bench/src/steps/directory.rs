//! What it takes to ask the directory.

use super::{Meter, Step};
use parlance_core::Directory;
use parlance_core::directory::sample::Sample;
use parlance_core::policy::Right;
use parlance_wire::xccos::Guid;
use std::hint::black_box;

/// Users of the organisation: what it takes does not grow with it, but for the last steps of
/// searches.
const USERS: u32 = 500;
/// Questions in one run.
const QUESTIONS: usize = 1_024;

/// May a user post in a room, both by their names?
struct Decide {
    directory: Directory,
    pairs: Vec<(String, Guid)>,
}

/// Makes [`Decide`].
pub fn decide() -> Box<dyn Step> {
    let sample = Sample::new(USERS, 1, "example.test");
    let directory = sample.build().expect("the sample fits together");
    let mut rooms: Vec<Guid> = directory.rooms().map(|room| room.room.id).collect();
    rooms.sort_unstable();
    let pair = |n: usize| {
        let user = sample.user_uri(n as u32 * 7 % USERS);
        (user, rooms[n * 13 % rooms.len()])
    };
    let pairs = (0..QUESTIONS).map(pair).collect();
    Box::new(Decide { directory, pairs })
}

impl Step for Decide {
    fn units(&self) -> u64 {
        self.pairs.len() as u64
    }

    fn run(&mut self, meter: &mut Meter<'_>) {
        meter(&mut || {
            for (user, room) in &self.pairs {
                black_box(self.directory.allows(black_box(user), *room, Right::Post));
            }
        });
    }
}
