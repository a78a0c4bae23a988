//! An organisation of any size, made up: people, groups, categories and rooms in the proportions of
//! the product's own sample (`product.md` §4.2, §4.3, §4.5).
//!
//! For measurements, load tests and trials. The same [`Sample`] always makes the same [`Change`]s,
//! and each thing depends only on the seed and its own number, so that a load generator can ask who
//! user 4,711 is without making the other ones.
//!
//! | of 80,000 users | small | medium | large |
//! |---|---|---|---|
//! | rooms | 32,000 | 1,067 | 10 |
//! | users in each | 30 | 150 | 16,000 |
//! | rooms of a user | 12 | 2 | 2 |
//!
//! Fewer users have fewer rooms, except that there are always ten large ones with a fifth of all;
//! more users have more of each.

mod people;
mod rooms;

pub use rooms::{CLASSES, Class};

use super::{Change, Directory, Inconsistent};
use parlance_wire::xccos::Guid;
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use std::ops::Range;

/// Users of the product's sample.
pub const USERS: u32 = 80_000;
/// Things made in one batch: some thousand changes.
const PER_BATCH: u32 = 1_000;

/// What to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// How many users: [`USERS`] in the product's sample.
    pub users: u32,
    /// Another one makes another organisation of the same size.
    pub seed: u64,
    /// SIP domain, lower case.
    pub domain: String,
    /// Entries in the lists of all rooms together, if more than follow from the users: the lists of
    /// rooms that are not open become longer by users until there are so many (or no more users).
    /// The product allows 2,000,000 (`product.md` §4.1).
    pub entries: Option<u32>,
}

impl Sample {
    /// An organisation of so many users.
    pub fn new(users: u32, seed: u64, domain: &str) -> Sample {
        Sample { users, seed, domain: domain.to_ascii_lowercase(), entries: None }
    }

    /// With as many entries in lists as the product allows, and not what follows from the users.
    pub fn with_entries(self, entries: u32) -> Sample {
        Sample { entries: Some(entries), ..self }
    }

    /// All changes in batches, in the order in which they can be applied. The first is
    /// [`Directory::first_changes`], which a directory that has them already can do without.
    pub fn batches(&self) -> impl Iterator<Item = Vec<Change>> {
        let first = std::iter::once_with(|| Directory::empty(&self.domain).first_changes());
        let groups = chunks(people::groups(self)).map(|part| self.make_groups(part));
        let users = chunks(self.users).map(|part| self.make_users(part));
        let categories = std::iter::once_with(|| self.make_categories());
        let rooms = CLASSES.iter().flat_map(|class| {
            chunks(class.rooms(self.users)).map(|part| self.make_rooms(class, part))
        });
        first.chain(groups).chain(users).chain(categories).chain(rooms)
    }

    /// The directory that comes of it.
    ///
    /// # Errors
    /// None, unless this module is wrong.
    pub fn build(&self) -> Result<Directory, Inconsistent> {
        let mut directory = Directory::empty(&self.domain);
        for batch in self.batches() {
            (directory, _) = directory.apply(&batch)?;
        }
        Ok(directory)
    }

    fn id(&self, what: &str, number: u32) -> Guid {
        super::guid_of(&format!("{what} {number} of the sample {}", self.domain))
    }

    fn dice(&self, what: What, number: u32) -> Dice {
        Dice::new(self.seed, what, number)
    }
}

/// `0..count` in parts.
fn chunks(count: u32) -> impl Iterator<Item = Range<u32>> {
    (0..count.div_ceil(PER_BATCH)).map(move |part| {
        let begin = part * PER_BATCH;
        begin..count.min(begin + PER_BATCH)
    })
}

/// What something is drawn for.
#[derive(Debug, Clone, Copy)]
enum What {
    Group,
    User,
    Room,
}

/// Chance, the same for the same seed, thing and number.
struct Dice(ChaCha8Rng);

impl Dice {
    fn new(seed: u64, what: What, number: u32) -> Dice {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8] = what as u8;
        key[9..13].copy_from_slice(&number.to_le_bytes());
        Dice(ChaCha8Rng::from_seed(key))
    }

    /// A number below `end`, which is not 0.
    fn below(&mut self, end: u32) -> u32 {
        assert!(end > 0, "there is something to choose from");
        ((u64::from(self.0.next_u32()) * u64::from(end)) >> 32) as u32
    }

    /// Different numbers below `end` that are `fit`; fewer than `count` where there are no more, or
    /// hardly any.
    fn choose(&mut self, count: usize, end: u32, fit: impl Fn(u32) -> bool) -> Vec<u32> {
        if count >= end as usize {
            return (0..end).filter(|number| fit(*number)).collect();
        }
        let mut chosen = hashbrown::HashSet::with_capacity(count);
        // Draws that hit what is chosen already, or does not fit, are drawn again, not for ever.
        for _ in 0..16 * count + 64 {
            let number = self.below(end);
            if fit(number) {
                chosen.insert(number);
            }
            if chosen.len() == count {
                break;
            }
        }
        let mut chosen: Vec<u32> = chosen.into_iter().collect();
        chosen.sort_unstable();
        chosen
    }
}

/// Which of many have something that so many of a hundred have, spread evenly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// Of a hundred.
    pub percent: u32,
    /// Two shares with different offsets do not fall on the same ones.
    offset: u32,
}

impl Share {
    const fn new(percent: u32, offset: u32) -> Share {
        Share { percent, offset }
    }

    /// How many of the first `count` have it.
    pub fn of(self, count: u32) -> u32 {
        let hundreds = u64::from(count) * u64::from(self.percent) + u64::from(self.offset);
        (hundreds / 100) as u32
    }

    /// Has the one of this number it?
    pub fn hits(self, number: u32) -> bool {
        self.of(number) != self.of(number + 1)
    }
}

#[cfg(test)]
mod tests;
