//! What happened, as one number: two runs of one seed must agree on it.

/// A running hash over everything that crosses a border of the world, and the diary of a replay.
#[derive(Debug, Clone)]
pub struct Trace {
    hash: u64,
    /// Print what happens, for the replay of a seed.
    pub is_told: bool,
}

impl Default for Trace {
    fn default() -> Trace {
        Trace { hash: 0xcbf2_9ce4_8422_2325, is_told: false }
    }
}

impl Trace {
    /// Takes a number in.
    pub fn number(&mut self, number: u64) {
        self.hash = (self.hash.rotate_left(5) ^ number).wrapping_mul(0x517c_c1b7_2722_0a95);
    }

    /// Takes bytes in.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        let mut chunks = bytes.chunks_exact(8);
        for chunk in &mut chunks {
            self.number(u64::from_le_bytes(chunk.try_into().expect("chunks of eight")));
        }
        chunks.remainder().iter().for_each(|byte| self.number(u64::from(*byte)));
    }

    /// The number.
    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// Writes a line of the diary.
    pub fn tell(&self, now: u64, line: impl FnOnce() -> String) {
        if self.is_told {
            println!("{:>10}.{:03} {}", now / 1000, now % 1000, line());
        }
    }
}
