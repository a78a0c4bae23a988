//! What somebody belongs to, as decisions ask it.

use super::people::PrincipalId;

/// What somebody stands in at all, themselves left out.
///
/// A decision asks it about principal after principal, and nearly always of people whose data is
/// not in the nearest cache. So a no is mostly one bit, and a yes is that bit and one step to the
/// place that the bits before it count out: no search.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Affiliations {
    /// In the order of their slots, then by number; none twice.
    ids: Box<[PrincipalId]>,
    /// A Bloom filter with one hash function.
    filter: [Word; FILTER_WORDS],
}

/// A part of a filter.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Word {
    /// Which of its slots are taken.
    bits: u32,
    /// How many ids have slots in the words before.
    before: u32,
}

/// 1,024 bits: of those who belong to 200 things, which is the product's bound, one question in six
/// meets a bit that another has set.
const FILTER_WORDS: usize = 32;

impl Affiliations {
    pub(super) fn new(mut ids: Vec<PrincipalId>) -> Affiliations {
        ids.sort_unstable_by_key(|id| (slot(*id), *id));
        ids.dedup();
        let mut filter = [Word::default(); FILTER_WORDS];
        for id in &ids {
            let (word, bit) = slot(*id);
            filter[word].bits |= 1 << bit;
            filter[word + 1..].iter_mut().for_each(|word| word.before += 1);
        }
        Affiliations { filter, ids: ids.into() }
    }

    /// Is it one of them?
    pub fn includes(&self, id: PrincipalId) -> bool {
        let (word, bit) = slot(id);
        let Word { bits, before } = self.filter[word];
        if bits & (1 << bit) == 0 {
            return false;
        }
        // Here it stands, or a little later if some before it share a slot.
        let begin = before + (bits & ((1 << bit) - 1)).count_ones();
        let from_there = self.ids[begin as usize..].iter();
        from_there.take_while(|other| slot(**other) <= (word, bit)).any(|other| *other == id)
    }

    /// Those of them that are none of the others.
    pub(super) fn except(&self, others: &Affiliations) -> impl Iterator<Item = PrincipalId> {
        self.ids.iter().copied().filter(|id| !others.includes(*id))
    }

    /// All of them, each once, in an order of their own.
    pub fn ids(&self) -> &[PrincipalId] {
        &self.ids
    }
}

/// Its place in a filter: a word, and a bit of it.
fn slot(id: PrincipalId) -> (usize, u32) {
    // Groups that were made together have numbers in a row, or at even distances: mixed first
    // (Fibonacci hashing).
    let mixed = id.0.wrapping_mul(0x9e37_79b9) >> 22;
    ((mixed / 32) as usize, mixed % 32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// The filter never says no to one that is there.
        #[test]
        fn what_somebody_belongs_to_is_found(
            ids in prop::collection::vec(0u32..4_000, 0..400),
            others in prop::collection::vec(0u32..4_000, 0..100),
        ) {
            let affiliations = Affiliations::new(ids.iter().copied().map(PrincipalId).collect());
            for id in ids.iter().chain(&others) {
                prop_assert_eq!(affiliations.includes(PrincipalId(*id)), ids.contains(id));
            }
            let mut known = affiliations.ids().to_vec();
            known.sort_unstable();
            let mut wanted: Vec<PrincipalId> = ids.iter().copied().map(PrincipalId).collect();
            wanted.sort_unstable();
            wanted.dedup();
            prop_assert_eq!(known, wanted);
        }
    }
}
