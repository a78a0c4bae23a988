//! Mail between shards: a bounded queue per ordered pair, so that order per pair needs no lock.
//!
//! A full queue does not lose mail and does not block: the sender keeps what did not fit, in order,
//! and stops reading from its links until it is rid of it ([`MeshEnd::is_congested`]). It goes on
//! taking in mail meanwhile; otherwise two shards with full queues would wait for each other for
//! ever.

use super::doorbell::Doorbell;
use crossbeam::queue::ArrayQueue;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering, fence};

/// Most letters in the queue of one ordered pair.
pub const MESH_QUEUE_MAX: usize = 4096;
/// With many shards the queues are shorter, so that all of them together stay below
/// `MESH_QUEUE_TOTAL × shards` slots.
const MESH_QUEUE_TOTAL: usize = 64 * 1024;
/// Shortest queue of a pair however many shards there are.
const MESH_QUEUE_MIN: usize = 256;
/// Letters taken from one sender before the next one's turn.
const BATCH: usize = 64;

/// One direction between two shards.
#[derive(Debug)]
struct Lane<T> {
    queue: ArrayQueue<T>,
    /// The sender holds letters that did not fit and wants a ring when there is room.
    is_awaited: AtomicBool,
}

/// All queues and bells of a server.
#[derive(Debug)]
pub struct Mesh<T> {
    shards: usize,
    /// Index: `from * shards + to`. A shard's lane to itself is never used.
    lanes: Vec<Lane<T>>,
    bells: Vec<Arc<Doorbell>>,
}

impl<T> Mesh<T> {
    /// A mesh of `shards` shards: hand end `n` to shard `n`.
    ///
    /// # Panics
    /// If `shards` is 0.
    pub fn build(shards: usize) -> Vec<MeshEnd<T>> {
        let capacity = (MESH_QUEUE_TOTAL / shards).clamp(MESH_QUEUE_MIN, MESH_QUEUE_MAX);
        Mesh::with_capacity(shards, capacity)
    }

    pub(super) fn with_capacity(shards: usize, capacity: usize) -> Vec<MeshEnd<T>> {
        assert!(shards > 0, "a server has at least one shard");
        let lane = |index: usize| {
            let is_own = index / shards == index % shards;
            let queue = ArrayQueue::new(if is_own { 1 } else { capacity });
            Lane { queue, is_awaited: AtomicBool::new(false) }
        };
        let lanes = (0..shards * shards).map(lane).collect();
        let bells = (0..shards).map(|_| Arc::default()).collect();
        let mesh = Arc::new(Mesh { shards, lanes, bells });
        (0..shards)
            .map(|me| MeshEnd {
                mesh: mesh.clone(),
                me,
                overflow: (0..shards).map(|_| VecDeque::new()).collect(),
                overflowing: 0,
                to_ring: vec![false; shards],
            })
            .collect()
    }

    fn lane(&self, from: usize, to: usize) -> &Lane<T> {
        &self.lanes[from * self.shards + to]
    }
}

/// One shard's end of the mesh.
#[derive(Debug)]
pub struct MeshEnd<T> {
    mesh: Arc<Mesh<T>>,
    me: usize,
    /// Per destination: what did not fit, oldest first. Bounded by what the shard held when it
    /// stopped reading: while this is not empty it takes in nothing new from its links.
    overflow: Vec<VecDeque<T>>,
    /// Letters in all of `overflow`.
    overflowing: usize,
    /// Destinations mailed since the last [`MeshEnd::flush`].
    to_ring: Vec<bool>,
}

impl<T> MeshEnd<T> {
    /// The bell that tells this shard to [`MeshEnd::receive`].
    pub fn bell(&self) -> Arc<Doorbell> {
        self.mesh.bells[self.me].clone()
    }

    /// True while letters wait for room: the shard must not read from its links.
    pub fn is_congested(&self) -> bool {
        self.overflowing > 0
    }

    /// Letters that wait for room.
    pub fn overflowing(&self) -> usize {
        self.overflowing
    }

    /// Letters from others that wait to be received.
    pub fn waiting(&self) -> usize {
        (0..self.mesh.shards).map(|from| self.mesh.lane(from, self.me).queue.len()).sum()
    }

    /// Sends a letter. The receiver is not woken before [`MeshEnd::flush`].
    ///
    /// # Panics
    /// If it goes to the sender itself: the core handles such mail without a shell.
    pub fn post(&mut self, to: usize, letter: T) {
        assert_ne!(to, self.me, "mail to oneself does not go through the mesh");
        self.to_ring[to] = true;
        // Behind older letters that did not fit: order per pair is a promise.
        let rejected = match self.overflow[to].is_empty() {
            true => self.mesh.lane(self.me, to).queue.push(letter).err(),
            false => Some(letter),
        };
        if let Some(letter) = rejected {
            self.overflow[to].push_back(letter);
            self.overflowing += 1;
        }
    }

    /// Moves what did not fit into queues that have room by now, then wakes each receiver of new
    /// letters once. To be called at the end of each turn.
    pub fn flush(&mut self) {
        for to in 0..self.mesh.shards {
            if !self.overflow[to].is_empty() {
                self.push_overflow(to);
                if !self.overflow[to].is_empty() {
                    // Ask for a ring, then look again: the receiver may have emptied the queue in
                    // between and not have seen that it is asked. The fences on both sides make
                    // sure that at least one of the two sees the other.
                    self.mesh.lane(self.me, to).is_awaited.store(true, Ordering::SeqCst);
                    fence(Ordering::SeqCst);
                    self.push_overflow(to);
                }
            }
            if std::mem::take(&mut self.to_ring[to]) {
                self.mesh.bells[to].ring();
            }
        }
    }

    fn push_overflow(&mut self, to: usize) {
        let queue = &self.mesh.lane(self.me, to).queue;
        while let Some(letter) = self.overflow[to].pop_front() {
            if let Err(letter) = queue.push(letter) {
                self.overflow[to].push_front(letter);
                break;
            }
            self.overflowing -= 1;
            self.to_ring[to] = true;
        }
    }

    /// Takes in up to `letters_max` letters, the senders in turn, each sender's in order. Returns
    /// true when there may be more.
    pub fn receive(&mut self, letters_max: usize, mut deliver: impl FnMut(usize, T)) -> bool {
        let mut left = letters_max;
        loop {
            let before = left;
            for from in 0..self.mesh.shards {
                if left == 0 {
                    return true;
                }
                left -= self.receive_batch(from, left.min(BATCH), &mut deliver);
            }
            if left == before {
                return false;
            }
        }
    }

    fn receive_batch(&self, from: usize, most: usize, deliver: &mut impl FnMut(usize, T)) -> usize {
        let lane = self.mesh.lane(from, self.me);
        let mut taken = 0;
        while taken < most {
            let Some(letter) = lane.queue.pop() else { break };
            deliver(from, letter);
            taken += 1;
        }
        if taken > 0 {
            // Counterpart of the fence in `flush`.
            fence(Ordering::SeqCst);
            if lane.is_awaited.swap(false, Ordering::SeqCst) {
                self.mesh.bells[from].ring();
            }
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_lite::future::{block_on, poll_fn};
    use std::task::{Context, Waker};

    fn received(end: &mut MeshEnd<u64>, most: usize) -> Vec<(usize, u64)> {
        let mut all = Vec::new();
        end.receive(most, |from, letter| all.push((from, letter)));
        all
    }

    #[test]
    fn a_full_queue_keeps_order_and_says_so() {
        let mut ends = Mesh::with_capacity(2, 4);
        let (mut b, mut a) = (ends.pop().unwrap(), ends.pop().unwrap());
        (0..10).for_each(|n| a.post(1, n));
        a.flush();
        assert!(a.is_congested());
        assert_eq!((a.overflowing(), b.waiting()), (6, 4));
        assert_eq!(received(&mut b, 2), [(0, 0), (0, 1)]);
        // Making room rings the sender.
        let mut cx = Context::from_waker(Waker::noop());
        assert!(a.bell().poll_rung(&mut cx).is_ready());
        a.post(1, 10);
        a.flush();
        // Six waited and one came; two found room.
        assert_eq!(a.overflowing(), 6 + 1 - 2);
        let mut all = Vec::new();
        while a.is_congested() || b.waiting() > 0 {
            all.extend(received(&mut b, 100).into_iter().map(|(_, n)| n));
            a.flush();
        }
        assert_eq!(all, (2..=10).collect::<Vec<_>>());
        assert!(!a.is_congested());
    }

    #[test]
    fn a_receiver_is_rung_once_per_turn_and_only_when_mailed() {
        let mut ends = Mesh::with_capacity(3, 4);
        let mut cx = Context::from_waker(Waker::noop());
        ends[0].post(1, 1);
        ends[0].post(1, 2);
        assert!(ends[1].bell().poll_rung(&mut cx).is_pending());
        ends[0].flush();
        assert!(ends[1].bell().poll_rung(&mut cx).is_ready());
        assert!(ends[2].bell().poll_rung(&mut cx).is_pending());
        ends[0].flush();
        assert!(ends[1].bell().poll_rung(&mut cx).is_pending());
    }

    #[test]
    fn senders_take_turns() {
        let mut ends = Mesh::with_capacity(3, 512);
        (0..200).for_each(|n| ends[0].post(2, n));
        (0..200).for_each(|n| ends[1].post(2, n));
        let all = received(&mut ends[2], 2 * BATCH);
        assert_eq!(all.iter().filter(|(from, _)| *from == 0).count(), BATCH);
        assert!(ends[2].receive(1, |_, _| ()));
        assert!(!ends[2].receive(1000, |_, _| ()));
    }

    #[test]
    fn a_mesh_of_many_shards_has_shorter_queues() {
        assert_eq!(Mesh::<u8>::build(2)[0].mesh.lane(0, 1).queue.capacity(), MESH_QUEUE_MAX);
        assert_eq!(Mesh::<u8>::build(64)[0].mesh.lane(0, 1).queue.capacity(), 1024);
    }

    /// Three threads mail each other through tiny queues, sleeping on their bells only. A lost
    /// wake-up hangs the test; lost or reordered letters fail it.
    #[test]
    fn nothing_is_lost_or_reordered_between_threads() {
        const LETTERS: u64 = 30_000;
        const SHARDS: usize = 3;
        let threads: Vec<_> = Mesh::with_capacity(SHARDS, 8)
            .into_iter()
            .map(|end| std::thread::spawn(move || run_end(end, LETTERS)))
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    }

    fn run_end(mut end: MeshEnd<u64>, letters: u64) {
        let bell = end.bell();
        let mut next = vec![0; end.mesh.shards];
        next[end.me] = letters;
        let mut sent = 0;
        loop {
            // As a shard does: nothing new while congested, but mail is taken in.
            while sent < letters && !end.is_congested() {
                for to in (0..end.mesh.shards).filter(|to| *to != end.me).collect::<Vec<_>>() {
                    end.post(to, sent);
                }
                sent += 1;
            }
            end.flush();
            let more = end.receive(16, |from, letter| {
                assert_eq!(letter, next[from], "letters of one sender come in order");
                next[from] += 1;
            });
            let is_done = sent == letters && !end.is_congested();
            if is_done && next.iter().all(|n| *n == letters) {
                return;
            }
            if !more && (is_done || end.is_congested()) {
                block_on(poll_fn(|cx| bell.poll_rung(cx)));
            }
        }
    }
}
