//! Damage to inputs, the same for the same seed: what a broken or hostile peer may send.

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

/// Pieces that have meaning for one of our parsers.
const PIECES: [&[u8]; 24] = [
    b"\r\n",
    b"\r\n\r\n",
    b"\r",
    b"\0",
    b": ",
    b";tag=",
    b",",
    b"\"",
    b"<",
    b">",
    b"/>",
    b"&amp;",
    b"&#x1;",
    b"&x;",
    b"<!--",
    b"-->",
    b"<![CDATA[",
    b"]]>",
    b"<!DOCTYPE a>",
    b"<?x?>",
    b"Content-Length: 1\r\n",
    b"SIP/2.0 ",
    b"4294967296",
    b"\xc3\x28",
];

/// Longest input a mutation makes of a shorter one.
const GROWN_BYTES_MAX: usize = 64 * 1024;

/// Makes mutants of inputs.
#[derive(Debug)]
pub struct Mutator {
    rng: ChaCha8Rng,
}

impl Mutator {
    /// The same seed makes the same mutants.
    pub fn new(seed: u64) -> Mutator {
        Mutator { rng: ChaCha8Rng::seed_from_u64(seed) }
    }

    /// A number below `bound`, which must not be 0.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.rng.next_u64() % bound as u64) as usize
    }

    /// One of `all`.
    pub fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }

    /// Damages `input` once or a few times. `other` is spliced in at times.
    pub fn mutate(&mut self, input: &mut Vec<u8>, other: &[u8]) {
        for _ in 0..=self.below(3) {
            match self.below(8) {
                0 | 1 => self.flip(input),
                2 => input.truncate(self.below(input.len() + 1)),
                3 => self.duplicate(input),
                4 => self.splice(input, other),
                5 => self.insert(input),
                6 => self.cut_out(input),
                _ => self.lie(input),
            }
            input.truncate(GROWN_BYTES_MAX);
        }
    }

    /// A range inside `input`, often short.
    fn range(&mut self, input: &[u8]) -> std::ops::Range<usize> {
        let start = self.below(input.len() + 1);
        let longest = input.len() - start;
        let longest = if self.below(2) == 0 { longest.min(16) } else { longest };
        start..start + self.below(longest + 1)
    }

    fn flip(&mut self, input: &mut [u8]) {
        if !input.is_empty() {
            let at = self.below(input.len());
            input[at] ^= 1 << self.below(8);
        }
    }

    fn duplicate(&mut self, input: &mut Vec<u8>) {
        let copy = input[self.range(input)].to_vec();
        let at = self.below(input.len() + 1);
        input.splice(at..at, copy);
    }

    fn splice(&mut self, input: &mut Vec<u8>, other: &[u8]) {
        let (hole, piece) = (self.range(input), self.range(other));
        input.splice(hole, other[piece].iter().copied());
    }

    fn insert(&mut self, input: &mut Vec<u8>) {
        let at = self.below(input.len() + 1);
        let piece = *self.pick(&PIECES);
        input.splice(at..at, piece.iter().copied());
    }

    fn cut_out(&mut self, input: &mut Vec<u8>) {
        input.drain(self.range(input));
    }

    /// Changes a digit: mostly that is a length, a number or a code that no longer fits.
    fn lie(&mut self, input: &mut [u8]) {
        let is_digit = |at: &usize| input[*at].is_ascii_digit();
        let digits: Vec<usize> = (0..input.len()).filter(is_digit).collect();
        if !digits.is_empty() {
            let at = *self.pick(&digits);
            input[at] = b'0' + self.below(10) as u8;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_makes_one_sequence() {
        let mutants = |seed| -> Vec<Vec<u8>> {
            let mut mutator = Mutator::new(seed);
            let make = |_| {
                let mut input = b"Content-Length: 10\r\n\r\n0123456789".to_vec();
                mutator.mutate(&mut input, b"<a b='1'>x</a>");
                input
            };
            (0..500).map(make).collect()
        };
        assert_eq!(mutants(1), mutants(1));
        assert_ne!(mutants(1), mutants(2));
        assert!(mutants(1).iter().any(Vec::is_empty), "truncation to nothing happens");
    }
}
