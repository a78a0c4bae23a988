//! What is owed at rest, and the checker's verdict.

use super::{Checker, Membership, Outcome, RoomId, SessionId, Violation};
use std::collections::{BTreeMap, HashMap};
use std::fmt;

/// The verdict of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Posts told of.
    pub posts: u64,
    /// Posts whose authors got 200.
    pub accepted: u64,
    /// Posts whose authors were told of a failure.
    pub refused: u64,
    /// Posts whose authors were told that nobody knows.
    pub unknown: u64,
    /// Deliveries told of.
    pub deliveries: u64,
    /// Accepted posts that nobody was there to see.
    pub unwitnessed: u64,
    /// The first violations found, at most [`super::VIOLATIONS_KEPT_MAX`].
    pub violations: Vec<Violation>,
    /// How many of each kind ([`Violation::kind`]); empty when the contract was kept.
    pub counts: BTreeMap<&'static str, u64>,
}

impl Report {
    /// The contract was kept.
    pub fn is_clean(&self) -> bool {
        self.counts.is_empty()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report { posts, accepted, refused, unknown, deliveries, .. } = self;
        write!(
            f,
            "{posts} posts ({accepted} accepted, {refused} refused, {unknown} unknown), \
             {deliveries} deliveries: "
        )?;
        if self.is_clean() {
            return f.write_str("the contract was kept");
        }
        write!(f, "{} violations", self.counts.values().sum::<u64>())?;
        for (kind, count) in &self.counts {
            write!(f, ", {kind} {count}")?;
        }
        self.violations.iter().take(10).try_for_each(|violation| write!(f, "\n  {violation}"))
    }
}

/// What a room owes to those who joined it at a certain time.
#[derive(Default)]
struct Owed {
    /// Accepted posts: when posted, number; in the order of posting.
    posts: Vec<(u64, u64)>,
    /// For each of `posts`: lowest and highest number of it and all behind it.
    bounds: Vec<(u64, u64)>,
    /// When the first of those who are still in it joined.
    witness_since: Option<u64>,
}

impl Owed {
    fn seal(&mut self) {
        self.posts.sort_unstable();
        let mut bound = (u64::MAX, 0);
        self.bounds = vec![bound; self.posts.len()];
        for (at, (_, chat_id)) in self.posts.iter().enumerate().rev() {
            bound = (bound.0.min(*chat_id), bound.1.max(*chat_id));
            self.bounds[at] = bound;
        }
    }

    /// Lowest and highest number of the accepted posts posted after `joined_at`.
    fn after(&self, joined_at: u64) -> Option<(u64, u64)> {
        let start = self.posts.partition_point(|(posted_at, _)| *posted_at < joined_at);
        self.bounds.get(start).copied()
    }
}

impl Checker {
    /// Checks what is owed at rest and gives the verdict.
    pub fn finish(mut self) -> Report {
        let owed = self.owed();
        self.check_posts(&owed);
        self.check_sessions(&owed);
        let told = |wanted: fn(&Outcome) -> bool| {
            self.posts.values().filter(|state| wanted(&state.outcome)).count() as u64
        };
        let lost = self.counts.get("lost").copied().unwrap_or_default();
        let unseen = self
            .posts
            .values()
            .filter(|state| state.outcome == Outcome::Accepted && state.chat_id.is_none())
            .count() as u64;
        Report {
            posts: self.posts.len() as u64,
            accepted: told(|outcome| *outcome == Outcome::Accepted),
            refused: told(|outcome| matches!(outcome, Outcome::Refused(_))),
            unknown: told(|outcome| *outcome == Outcome::Unknown),
            deliveries: self.deliveries,
            unwitnessed: unseen - lost,
            violations: self.violations,
            counts: self.counts,
        }
    }

    /// Where each session is, or was, that is not over.
    pub(super) fn memberships(&self) -> impl Iterator<Item = (SessionId, RoomId, Membership)> {
        self.rooms.iter().flat_map(|(&room, state)| {
            state.members.iter().map(move |(session, membership)| (*session, room, *membership))
        })
    }

    fn owed(&self) -> HashMap<RoomId, Owed> {
        let mut owed: HashMap<RoomId, Owed> = HashMap::new();
        for state in self.posts.values().filter(|state| state.outcome == Outcome::Accepted) {
            if let Some(chat_id) = state.chat_id {
                owed.entry(state.room).or_default().posts.push((state.posted_at, chat_id));
            }
        }
        for (_, room, membership) in self.memberships() {
            if let Membership::Joined { joined_at, .. } = membership {
                let since = &mut owed.entry(room).or_default().witness_since;
                *since = Some(since.map_or(joined_at, |since| since.min(joined_at)));
            }
        }
        owed.values_mut().for_each(Owed::seal);
        owed
    }

    fn check_posts(&mut self, owed: &HashMap<RoomId, Owed>) {
        let mut found = Vec::new();
        for (&post, state) in &self.posts {
            let room = state.room;
            let since = owed.get(&room).and_then(|owed| owed.witness_since);
            let is_read = self.rooms.get(&room).is_some_and(|room| room.is_known_whole);
            let is_witnessed = is_read || since.is_some_and(|since| since < state.posted_at);
            match (state.outcome, state.chat_id) {
                (Outcome::Pending, _) => found.push(Violation::Unanswered { post, room }),
                (Outcome::Accepted, None) if is_witnessed => {
                    found.push(Violation::Lost { post, room });
                }
                _ => {}
            }
        }
        self.violate_in_order(found);
    }

    fn check_sessions(&mut self, owed: &HashMap<RoomId, Owed>) {
        let mut found = Vec::new();
        for (session, room, membership) in self.memberships() {
            let Membership::Joined { joined_at, told } = membership else { continue };
            let highest = self.rooms.get(&room).and_then(|room| room.accepted_highest);
            let after = owed.get(&room).and_then(|owed| owed.after(joined_at));
            found.extend(session_violation(session, room, told, highest, after));
        }
        self.violate_in_order(found);
    }

    /// The maps have no order; a report of one seed must be the same each time.
    fn violate_in_order(&mut self, mut found: Vec<Violation>) {
        found.sort_by_cached_key(|violation| format!("{violation:?}"));
        found.into_iter().for_each(|violation| self.violate(violation));
    }
}

/// What is missing for one session that is in the room at rest. `highest`: of all accepted posts;
/// `after`: bounds of those posted after its join.
fn session_violation(
    session: SessionId,
    room: RoomId,
    told: Option<(u64, u64)>,
    highest: Option<u64>,
    after: Option<(u64, u64)>,
) -> Option<Violation> {
    let Some((first, last)) = told else {
        let (_, highest) = after?;
        return Some(Violation::Behind { room, session, reached: None, highest });
    };
    if let Some(highest) = highest.filter(|highest| *highest > last) {
        return Some(Violation::Behind { room, session, reached: Some(last), highest });
    }
    let missed = after?.0;
    (missed < first).then_some(Violation::LateStart { room, session, first, missed })
}
