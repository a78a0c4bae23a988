//! The second level of fan-out: one room's items, and the sessions of this shard that are in it.
//!
//! Every subscriber has its own place in the feed. In the steady state it is the end; a session
//! whose window is full falls behind and keeps nothing but this number, so a slow reader costs
//! eight bytes and no bodies. Items stay only while somebody is behind.
//!
//! A pass visits the subscribers in slices, so that a room of 16,000 does not hold up the others:
//! between two slices the shell writes what came of the first and takes in what has come. Small
//! rooms are done at once, the others take turns. Nor do the others hold up the large one: the more
//! was done for them since its last slice, the longer is the next.

use super::Shard;
use crate::mail::{Item, SessionKey};
use hashbrown::HashMap;
use parlance_wire::xccos::Guid;
use slotmap::{SlotMap, new_key_type};
use std::collections::VecDeque;

/// What a link that gets something to write counts in a slice, in deliveries: the system call takes
/// as long as it takes to make so many (`docs/performance.md`).
pub(super) const LINK_COST: usize = 16;
/// How many times `fanout_slice` a slice may be when others were busy: some milliseconds.
const SLICES_MAX: usize = 16;

new_key_type! {
    /// A feed of this shard.
    pub(super) struct FeedKey;
}

/// One session in the room.
#[derive(Debug, Clone, Copy)]
pub(super) struct Subscriber {
    pub(super) session: SessionKey,
    /// Index of the seat in the session that points back here.
    pub(super) seat: u32,
    /// Items from this position on wait for the reply to a join: nothing may overtake it.
    pub(super) hold: u64,
    /// Position of the next item it gets.
    pub(super) next: u64,
}

/// One room as this shard sees it.
#[derive(Debug)]
pub(super) struct Feed {
    pub(super) room: Guid,
    items: VecDeque<Item>,
    /// Position of the first item kept.
    first: u64,
    pub(super) subscribers: Vec<Subscriber>,
    /// Subscribers before this index have been visited in the current pass.
    cursor: usize,
    /// End of the feed when the current pass began: what came later needs another pass.
    pass_end: u64,
    /// Somebody visited in the current pass stayed behind.
    any_behind: bool,
    /// The feed waits in the queue of unfinished passes.
    pub(super) is_queued: bool,
}

/// What a subscriber finds at its place.
#[derive(Debug)]
pub(super) enum Next<'a> {
    Item(&'a Item),
    UpToDate,
    /// The item is no longer kept.
    Gap,
}

impl Feed {
    pub(super) fn new(room: Guid) -> Feed {
        Feed {
            room,
            items: VecDeque::new(),
            first: 0,
            subscribers: Vec::new(),
            cursor: 0,
            pass_end: 0,
            any_behind: false,
            is_queued: false,
        }
    }

    /// Position behind the newest item.
    pub(super) fn end(&self) -> u64 {
        self.first + self.items.len() as u64
    }

    /// Appends an item; the oldest goes when there are too many.
    pub(super) fn push(&mut self, item: Item, items_max: usize) {
        if self.items.len() == items_max {
            self.items.pop_front();
            self.first += 1;
        }
        self.items.push_back(item);
    }

    /// One more item would push out one that an unfinished pass has not offered to everybody.
    fn is_pass_in_the_way(&self, items_max: usize) -> bool {
        self.is_queued && self.items.len() >= items_max
    }

    pub(super) fn at(&self, next: u64) -> Next<'_> {
        match next.checked_sub(self.first) {
            None => Next::Gap,
            Some(offset) => match self.items.get(offset as usize) {
                Some(item) => Next::Item(item),
                None => Next::UpToDate,
            },
        }
    }

    /// Adds a session at the end of the feed; returns its index.
    pub(super) fn subscribe(&mut self, session: SessionKey, seat: u32) -> u32 {
        let next = self.end();
        self.subscribers.push(Subscriber { session, seat, hold: u64::MAX, next });
        self.subscribers.len() as u32 - 1
    }

    /// Takes out subscriber `at`. `moved` is called for each one whose index changed.
    pub(super) fn unsubscribe(&mut self, at: u32, mut moved: impl FnMut(&Subscriber, u32)) {
        let mut at = at as usize;
        let last = self.subscribers.len() - 1;
        // The hole must not be filled from behind the cursor, or a pass would miss the moved one.
        if at < self.cursor {
            self.cursor -= 1;
            if at != self.cursor {
                self.subscribers[at] = self.subscribers[self.cursor];
                moved(&self.subscribers[at], at as u32);
                at = self.cursor;
            }
        }
        if at != last {
            self.subscribers[at] = self.subscribers[last];
            moved(&self.subscribers[at], at as u32);
        }
        self.subscribers.pop();
    }

    /// Index of the next subscriber to visit in this pass, or `None` when the pass is over.
    pub(super) fn visit(&mut self) -> Option<usize> {
        if self.cursor == 0 {
            self.pass_end = self.end();
        }
        let at = self.cursor;
        (at < self.subscribers.len()).then(|| {
            self.cursor += 1;
            at
        })
    }

    /// The subscriber just visited could not take everything: the items must stay.
    pub(super) fn note_behind(&mut self) {
        self.any_behind = true;
    }

    /// Ends a pass. Returns true when another is needed because items came while it ran; else
    /// forgets the items, unless somebody is behind.
    pub(super) fn end_pass(&mut self) -> bool {
        let again = self.end() > self.pass_end;
        self.cursor = 0;
        if !again && !self.any_behind {
            self.first = self.end();
            self.items.clear();
        }
        self.any_behind = false;
        again
    }

    /// Takes the last [`Feed::visit`] back: the subscriber's turn comes later.
    fn unvisit(&mut self) {
        self.cursor -= 1;
    }
}

/// All feeds of a shard, and those whose pass is not over.
#[derive(Debug, Default)]
pub(super) struct Feeds {
    pub(super) table: SlotMap<FeedKey, Feed>,
    by_room: HashMap<Guid, FeedKey>,
    queue: VecDeque<FeedKey>,
    /// What was done besides passes that were put off since the last slice of one, as slices count.
    pub(super) done_besides: usize,
}

impl Feeds {
    /// The room's feed, made on first use.
    pub(super) fn open(&mut self, room: Guid) -> FeedKey {
        *self.by_room.entry(room).or_insert_with(|| self.table.insert(Feed::new(room)))
    }

    pub(super) fn of(&self, room: Guid) -> Option<FeedKey> {
        self.by_room.get(&room).copied()
    }

    pub(super) fn close(&mut self, key: FeedKey) {
        let feed = self.table.remove(key).expect("an open feed");
        self.by_room.remove(&feed.room);
    }

    pub(super) fn pending(&self) -> usize {
        self.queue.len()
    }
}

impl Shard {
    /// An item for all sessions of this shard that are in the room.
    pub(super) fn on_deliver(&mut self, room: Guid, item: Item) {
        let Some(key) = self.feeds.of(room) else { return };
        let items_max = self.setup.limits.feed_items_max;
        if self.feeds.table[key].is_pass_in_the_way(items_max) {
            // The oldest item must go: nobody may miss it only because a pass was put off.
            self.run_feed(key, usize::MAX);
        }
        let feed = &mut self.feeds.table[key];
        feed.push(item, items_max);
        if !feed.is_queued {
            let slice = self.setup.limits.fanout_slice.max(1);
            if feed.subscribers.len() <= slice / 2 {
                self.feeds.done_besides += self.run_feed(key, usize::MAX);
            } else {
                self.run_feed(key, slice);
            }
        }
    }

    /// Continues one unfinished pass, the one that has waited longest. It may do as much as was
    /// done for all others since the last slice: in a storm a turn does a thousand things, and a
    /// room of 16,000 would need five hundred turns.
    pub(super) fn run_queued_feed(&mut self) {
        let slice = self.setup.limits.fanout_slice.max(1);
        let done_besides = std::mem::take(&mut self.feeds.done_besides);
        while let Some(key) = self.feeds.queue.pop_front() {
            if let Some(feed) = self.feeds.table.get_mut(key) {
                feed.is_queued = false;
                self.run_feed(key, done_besides.clamp(slice, SLICES_MAX * slice));
                return;
            }
        }
    }

    /// Visits one slice of a feed's subscribers, as many as the budget pays for; the rest waits for
    /// its turn. Returns what it has cost.
    fn run_feed(&mut self, key: FeedKey, budget: usize) -> usize {
        let mut cost = 0;
        loop {
            // Offering never ends a session, so the feed stays.
            let feed = &mut self.feeds.table[key];
            match feed.visit() {
                None if feed.end_pass() => {}
                None => return cost,
                Some(_) if cost >= budget => {
                    feed.unvisit();
                    feed.is_queued = true;
                    if self.feeds.queue.is_empty() {
                        // What was done before it had to wait was not done instead of it.
                        self.feeds.done_besides = 0;
                    }
                    self.feeds.queue.push_back(key);
                    return cost;
                }
                Some(at) => {
                    let outputs = self.outputs.len();
                    if !self.offer(key, at) {
                        self.feeds.table[key].note_behind();
                    }
                    // Nothing comes of an offer but word of a link that has something to write now.
                    let links = self.outputs.len() - outputs;
                    cost += 1 + LINK_COST * links;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outbox::Body;
    use proptest::prelude::*;
    use slotmap::{Key, KeyData};

    fn session(n: u64) -> SessionKey {
        SessionKey::from(KeyData::from_ffi(0x1_0000_0000 | n))
    }

    fn item() -> Item {
        Item::Notice { body: Body::from(&b"x"[..]) }
    }

    proptest! {
        /// However subscribers come and go in the middle of a pass, each one is visited once, and
        /// back references stay true.
        #[test]
        fn a_pass_visits_everybody(acts in prop::collection::vec((0u8..3, 0u16..64), 0..120)) {
            let mut feed = Feed::new(Guid(1));
            feed.push(item(), 100);
            let mut index: Vec<(SessionKey, u32)> = Vec::new();
            let mut fresh = 0;
            for n in 0..20 {
                let at = feed.subscribe(session(n), 0);
                index.push((session(n), at));
                fresh = n + 1;
            }
            let mut visited = Vec::new();
            let mut removed = Vec::new();
            for (act, pick) in acts {
                match act {
                    0 => if let Some(at) = feed.visit() {
                        visited.push(feed.subscribers[at].session);
                    },
                    1 => {
                        let at = feed.subscribe(session(fresh), 0);
                        index.push((session(fresh), at));
                        fresh += 1;
                    }
                    _ => if !index.is_empty() {
                        let (gone, at) = index.swap_remove(pick as usize % index.len());
                        prop_assert_eq!(feed.subscribers[at as usize].session, gone);
                        removed.push(gone);
                        feed.unsubscribe(at, |moved, at| {
                            let entry = index.iter_mut().find(|(s, _)| *s == moved.session);
                            entry.unwrap().1 = at;
                        });
                    },
                }
                for (s, at) in &index {
                    prop_assert_eq!(feed.subscribers[*at as usize].session, *s);
                }
            }
            while let Some(at) = feed.visit() {
                visited.push(feed.subscribers[at].session);
            }
            let mut once = visited.clone();
            once.sort_by_key(|s| s.data().as_ffi());
            once.dedup();
            prop_assert_eq!(once.len(), visited.len(), "nobody is visited twice");
            for (s, _) in &index {
                prop_assert!(visited.contains(s), "nobody is missed");
            }
        }
    }

    #[test]
    fn items_stay_while_somebody_is_behind() {
        let mut feed = Feed::new(Guid(1));
        feed.subscribe(session(1), 0);
        feed.push(item(), 2);
        while feed.visit().is_some() {
            feed.note_behind();
        }
        assert!(!feed.end_pass());
        assert!(matches!(feed.at(0), Next::Item(_)));
        feed.push(item(), 2);
        feed.push(item(), 2);
        assert!(matches!(feed.at(0), Next::Gap), "the bound holds");
        assert!(matches!(feed.at(1), Next::Item(_)));
        while feed.visit().is_some() {}
        assert!(!feed.end_pass());
        assert_eq!(feed.end(), 3);
        assert!(matches!(feed.at(3), Next::UpToDate));
        assert!(matches!(feed.at(2), Next::Gap), "nobody was behind: forgotten");
    }
}
