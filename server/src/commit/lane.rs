//! Records on their way from a shard to the log's thread, and word of them on the way back.

use super::numbers::LogNumbers;
use crate::shell::doorbell::Doorbell;
use crossbeam::queue::ArrayQueue;
use parlance_core::Record;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::Thread;

/// Most records of one shard that wait for the log's thread in its lane. What a shard appends
/// beyond stays with the shard, which then stops reading from its links.
const LANE_MAX: usize = 4096;

#[derive(Debug)]
struct Lane {
    records: ArrayQueue<Record>,
    /// Highest ticket of the shard that is kept: durable in the log, and in the database where
    /// authors wait for that.
    durable: AtomicU64,
    bell: Arc<Doorbell>,
}

/// Where all shards, the log's thread and the feeder of the database meet.
#[derive(Debug)]
pub struct Desk {
    lanes: Vec<Lane>,
    /// There is something for the log's thread that it has not looked for yet.
    is_called: AtomicBool,
    is_full: AtomicBool,
    /// No shard will append any more.
    is_closing: AtomicBool,
    thread: OnceLock<Thread>,
    numbers: Arc<LogNumbers>,
}

impl Desk {
    /// A desk for the shards with these bells.
    pub fn new(bells: Vec<Arc<Doorbell>>) -> Arc<Desk> {
        let lane =
            |bell| Lane { records: ArrayQueue::new(LANE_MAX), durable: AtomicU64::new(0), bell };
        Arc::new(Desk {
            lanes: bells.into_iter().map(lane).collect(),
            is_called: AtomicBool::new(false),
            is_full: AtomicBool::new(false),
            is_closing: AtomicBool::new(false),
            thread: OnceLock::new(),
            numbers: Arc::default(),
        })
    }

    /// How far what has come.
    pub fn numbers(&self) -> Arc<LogNumbers> {
        self.numbers.clone()
    }

    /// The end of one shard.
    pub fn end(self: &Arc<Desk>, shard: usize) -> LogEnd {
        LogEnd {
            desk: self.clone(),
            shard,
            held: VecDeque::new(),
            is_new: false,
            durable: 0,
            is_full: false,
        }
    }

    /// The bell of one shard.
    #[cfg(test)]
    pub(super) fn bell(&self, shard: usize) -> Arc<Doorbell> {
        self.lanes[shard].bell.clone()
    }

    /// Names the thread that is to be woken. Once.
    pub(super) fn attend(&self, thread: Thread) {
        self.thread.set(thread).expect("one thread attends a desk");
    }

    /// Notes that what was called for is being looked at: later calls will wake the thread again.
    pub(super) fn hear(&self) {
        // Taking the callers' value is what makes visible what they wrote before they called.
        self.is_called.swap(false, Ordering::SeqCst);
    }

    /// True when somebody called since [`Desk::hear`].
    pub(super) fn is_called(&self) -> bool {
        self.is_called.load(Ordering::SeqCst)
    }

    pub(super) fn lanes(&self) -> usize {
        self.lanes.len()
    }

    pub(super) fn take(&self, lane: usize) -> Option<Record> {
        self.lanes[lane].records.pop()
    }

    /// Tells a shard up to which ticket its records are kept, so that it may answer their authors.
    pub(super) fn tell(&self, lane: usize, ticket: u64) {
        let lane = &self.lanes[lane];
        lane.durable.store(ticket, Ordering::SeqCst);
        lane.bell.ring();
    }

    /// Tells all shards whether posts must be refused.
    pub(super) fn tell_full(&self, is_full: bool) {
        if self.is_full.swap(is_full, Ordering::SeqCst) != is_full {
            self.lanes.iter().for_each(|lane| lane.bell.ring());
        }
    }

    /// Tells the log's thread to end when it has made everything durable. The shards have drained.
    pub fn close(&self) {
        self.is_closing.store(true, Ordering::SeqCst);
        self.call();
    }

    pub(super) fn is_closing(&self) -> bool {
        self.is_closing.load(Ordering::SeqCst)
    }

    /// Wakes the log's thread: there is something in a lane, or the database has got further.
    pub(super) fn call(&self) {
        if !self.is_called.swap(true, Ordering::SeqCst)
            && let Some(thread) = self.thread.get()
        {
            thread.unpark();
        }
    }
}

/// One shard's end of the log.
#[derive(Debug)]
pub struct LogEnd {
    desk: Arc<Desk>,
    shard: usize,
    /// What did not fit into the lane, oldest first. Bounded like the lane: while there is any, the
    /// shard takes in nothing new from its links.
    held: VecDeque<Record>,
    is_new: bool,
    durable: u64,
    is_full: bool,
}

/// What the log's thread has to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    /// Everything up to this ticket is durable, as `[log] ack` understands it.
    Durable(u64),
    /// Posts cannot be taken, because there is no room or the database is late; or can be again.
    Full(bool),
}

impl LogEnd {
    /// Takes a record. The log's thread hears of it at the next [`LogEnd::flush`].
    pub fn append(&mut self, record: Record) {
        self.held.push_back(record);
    }

    /// Hands over what fits, and wakes the log's thread once. To be called at the end of each turn.
    pub fn flush(&mut self) {
        while let Some(record) = self.held.pop_front() {
            if let Err(record) = self.desk.lanes[self.shard].records.push(record) {
                self.held.push_front(record);
                break;
            }
            self.is_new = true;
        }
        if std::mem::take(&mut self.is_new) {
            self.desk.call();
        }
    }

    /// True while records wait for room: the shard must not read from its links.
    pub fn is_congested(&self) -> bool {
        self.held.len() > LANE_MAX
    }

    /// What there is to hear, one piece a call.
    pub fn news(&mut self) -> Option<News> {
        let is_full = self.desk.is_full.load(Ordering::SeqCst);
        if is_full != self.is_full {
            self.is_full = is_full;
            return Some(News::Full(is_full));
        }
        let durable = self.desk.lanes[self.shard].durable.load(Ordering::SeqCst);
        if durable > self.durable {
            self.durable = durable;
            return Some(News::Durable(durable));
        }
        None
    }
}
