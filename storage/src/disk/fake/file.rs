//! One file of the fake disk: what is seen, what is on the platter, what waits in between.

use super::Dice;

/// Piece in which unsynced bytes are written back, in bytes.
const PAGE_BYTES: u64 = 4096;

#[derive(Debug, Clone)]
enum Waiting {
    Write { offset: u64, bytes: Vec<u8> },
    Truncate(u64),
}

#[derive(Debug, Clone, Default)]
pub(super) struct File {
    seen: Vec<u8>,
    platter: Vec<u8>,
    waiting: Vec<Waiting>,
}

impl File {
    pub fn synced(bytes: &[u8]) -> File {
        File { seen: bytes.to_vec(), platter: bytes.to_vec(), waiting: Vec::new() }
    }

    pub fn seen(&self) -> &[u8] {
        &self.seen
    }

    pub fn write(&mut self, offset: u64, bytes: &[u8]) {
        put_at(&mut self.seen, offset, bytes);
        self.waiting.push(Waiting::Write { offset, bytes: bytes.to_vec() });
    }

    pub fn truncate(&mut self, length: u64) {
        self.seen.truncate(length as usize);
        self.waiting.push(Waiting::Truncate(length));
    }

    pub fn sync(&mut self) {
        for waiting in std::mem::take(&mut self.waiting) {
            match waiting {
                Waiting::Write { offset, bytes } => put_at(&mut self.platter, offset, &bytes),
                Waiting::Truncate(length) => self.platter.truncate(length as usize),
            }
        }
    }

    /// What waited is taken for written, and is not.
    pub fn forget_waiting(&mut self) {
        self.waiting.clear();
    }

    pub fn lose_power(&mut self, dice: &mut Dice) {
        for waiting in std::mem::take(&mut self.waiting) {
            settle(&mut self.platter, waiting, dice);
        }
        self.seen.clone_from(&self.platter);
    }

    pub fn flip(&mut self, offset: u64, mask: u8) {
        for bytes in [&mut self.seen, &mut self.platter] {
            if let Some(byte) = bytes.get_mut(offset as usize) {
                *byte ^= mask;
            }
        }
    }
}

/// Lets of something unsynced arrive what the dice say.
fn settle(platter: &mut Vec<u8>, waiting: Waiting, dice: &mut Dice) {
    let (offset, bytes) = match waiting {
        Waiting::Truncate(length) => {
            if dice.below(2) == 0 {
                platter.truncate(length as usize);
            }
            return;
        }
        Waiting::Write { offset, bytes } => (offset, bytes),
    };
    let end = offset + bytes.len() as u64;
    let mut at = offset;
    while at < end {
        let page_end = (at / PAGE_BYTES + 1) * PAGE_BYTES;
        let piece = &bytes[(at - offset) as usize..(page_end.min(end) - offset) as usize];
        let kept = match dice.below(4) {
            0 | 1 => piece.len(),
            2 => 0,
            _ => dice.below(piece.len() as u64 + 1) as usize,
        };
        // What lies before a piece that arrived is zeros, if nothing else arrived there.
        if kept > 0 {
            put_at(platter, at, &piece[..kept]);
        }
        at = page_end;
    }
}

fn put_at(file: &mut Vec<u8>, offset: u64, bytes: &[u8]) {
    let (start, end) = (offset as usize, offset as usize + bytes.len());
    if file.len() < end {
        file.resize(end, 0);
    }
    file[start..end].copy_from_slice(bytes);
}
