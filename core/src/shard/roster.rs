//! Who is in a room, and what others have been told about it.
//!
//! A participant is a user, however many endpoints they have. What clients know (*told*) follows
//! what is true (*present*) in steps: each step's difference is one notice, so a hundred users who
//! come within a quarter of a second are one notice, and one who comes and goes within it is none.
//!
//! Above the participant limit nothing is told any more and what clients know stays as it was;
//! below the lower threshold the next step tells the whole difference (`product.md` §4.1, 75 and
//! 60).

use crate::mail::{Address, Leave, Roles, User};
use crate::time::Instant;
use hashbrown::HashMap;
use smallvec::SmallVec;
use std::sync::Arc;

#[derive(Debug, Default)]
struct Person {
    /// Endpoints in the room: most users have one, and there are hundreds of thousands of these.
    sessions: SmallVec<[Address; 1]>,
    /// Counts as being here: has an endpoint, or lost the last one a moment ago.
    is_present: bool,
    /// Clients believe that the user is here.
    is_told: bool,
    /// What clients believe them to be.
    roles: Roles,
    /// In `changed`.
    is_changed: bool,
    /// When the grace of a lost endpoint ends.
    grace_until: Option<Instant>,
}

/// What a step tells.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) joined: Vec<Arc<User>>,
    pub(super) parted: Vec<Arc<User>>,
}

/// What became of an endpoint that left.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// It was not in.
    NotIn,
    /// The user is still in by another endpoint.
    Other,
    /// The user has no endpoint in the room any more: [`Roster::depart`] when it is its turn.
    Gone,
    /// The user counts as in for a while.
    Grace,
}

#[derive(Debug, Default)]
pub(super) struct Roster {
    people: HashMap<Arc<User>, Person>,
    changed: Vec<Arc<User>>,
    present: usize,
    pub(super) is_large: bool,
}

impl Roster {
    /// Users who count as present.
    pub(super) fn present(&self) -> usize {
        self.present
    }

    pub(super) fn is_empty(&self) -> bool {
        self.people.is_empty()
    }

    /// Something changed since the last step.
    pub(super) fn has_changed(&self) -> bool {
        !self.changed.is_empty()
    }

    /// Is this endpoint in the room?
    pub(super) fn has(&self, user: &User, session: Address) -> bool {
        self.people.get(user).is_some_and(|person| person.sessions.contains(&session))
    }

    /// Everybody present, in no particular order.
    pub(super) fn users(&self) -> impl Iterator<Item = &Arc<User>> {
        self.people.iter().filter(|(_, person)| person.is_present).map(|(user, _)| user)
    }

    /// Everybody whom clients believe to be here, by URI: after a step that is everybody present,
    /// unless the room is large.
    pub(super) fn believed(&self) -> Vec<(Arc<User>, Roles)> {
        let told = self.people.iter().filter(|(_, person)| person.is_told);
        let mut all: Vec<_> = told.map(|(user, person)| (user.clone(), person.roles)).collect();
        all.sort_unstable_by(|(a, _), (b, _)| a.uri.cmp(&b.uri));
        all
    }

    /// Everybody whom clients believe to be here, with what they believe of them; in no particular
    /// order.
    pub(super) fn told(&mut self) -> impl Iterator<Item = (&Arc<User>, &mut Roles)> {
        let told = self.people.iter_mut().filter(|(_, person)| person.is_told);
        told.map(|(user, person)| (user, &mut person.roles))
    }

    /// What clients believe of a user who has no endpoint here any more, and of whom they have not
    /// been told yet.
    pub(super) fn believed_of_absent(&self, user: &User) -> Option<Roles> {
        let person = self.people.get(user)?;
        (person.is_told && person.sessions.is_empty()).then_some(person.roles)
    }

    /// Clients are told that the user is this.
    pub(super) fn note_roles(&mut self, user: &User, roles: Roles) {
        if let Some(person) = self.people.get_mut(user) {
            person.roles = roles;
        }
    }

    /// Lets an endpoint in. False when it was in already.
    pub(super) fn enter(&mut self, user: &Arc<User>, session: Address) -> bool {
        let person = self.people.entry(user.clone()).or_default();
        person.grace_until = None;
        if person.sessions.contains(&session) {
            return false;
        }
        person.sessions.push(session);
        if !person.is_present {
            person.is_present = true;
            self.present += 1;
            self.note_changed(user);
        }
        true
    }

    /// Lets an endpoint out; `grace_until` applies when [`Leave::Grace`].
    pub(super) fn leave(
        &mut self,
        user: &Arc<User>,
        session: Address,
        leave: Leave,
        grace_until: Instant,
    ) -> Left {
        let Some(person) = self.people.get_mut(&**user) else { return Left::NotIn };
        let Some(at) = person.sessions.iter().position(|s| *s == session) else {
            return Left::NotIn;
        };
        person.sessions.swap_remove(at);
        if !person.sessions.is_empty() {
            return Left::Other;
        }
        match leave {
            Leave::Grace => {
                person.grace_until = Some(grace_until);
                Left::Grace
            }
            Leave::Now => {
                person.grace_until = None;
                Left::Gone
            }
        }
    }

    /// Ends the grace of a user, if it is over. True when the user is to [`Roster::depart`].
    pub(super) fn end_grace(&mut self, user: &Arc<User>, now: Instant) -> bool {
        let Some(person) = self.people.get_mut(&**user) else { return false };
        let is_over = person.grace_until.is_some_and(|until| until <= now);
        if is_over {
            person.grace_until = None;
        }
        is_over
    }

    /// A user whose last endpoint left is out now, unless they came back.
    pub(super) fn depart(&mut self, user: &Arc<User>) {
        let Some(person) = self.people.get_mut(&**user) else { return };
        let is_out = person.sessions.is_empty() && person.grace_until.is_none();
        if is_out && std::mem::take(&mut person.is_present) {
            self.present -= 1;
            self.note_changed(user);
        }
    }

    fn note_changed(&mut self, user: &Arc<User>) {
        let person = self.people.get_mut(&**user).expect("the caller found the user");
        if !std::mem::replace(&mut person.is_changed, true) {
            self.changed.push(user.clone());
        }
    }

    /// Brings what is told up to what is true, as far as the limits allow, and says the difference.
    pub(super) fn step(&mut self, max: usize, resume: usize) -> Step {
        let was_large = self.is_large;
        self.is_large = if was_large { self.present >= resume } else { self.present > max };
        let mut candidates = std::mem::take(&mut self.changed);
        if was_large && !self.is_large {
            candidates = self.people.keys().cloned().collect();
            // The table has no order of its own that two runs would agree on.
            candidates.sort_by(|a, b| a.uri.cmp(&b.uri));
        }
        let mut step = Step::default();
        for user in candidates {
            let person = self.people.get_mut(&user).expect("listed users have an entry");
            person.is_changed = false;
            if !self.is_large && person.is_present != person.is_told {
                person.is_told = person.is_present;
                let list = if person.is_told { &mut step.joined } else { &mut step.parted };
                list.push(user.clone());
            }
            let is_nobody = !person.is_present && !person.is_told && person.sessions.is_empty();
            if is_nobody {
                self.people.remove(&user);
            }
        }
        step
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::{SessionKey, ShardId};
    use proptest::prelude::*;
    use slotmap::KeyData;
    use std::collections::BTreeSet;

    fn user(n: u8) -> Arc<User> {
        Arc::new(User { uri: format!("sip:u{n}@x").into(), name: format!("u{n}").into() })
    }

    fn endpoint(n: u8) -> Address {
        let session = SessionKey::from(KeyData::from_ffi(0x1_0000_0000 | u64::from(n)));
        Address { shard: ShardId(0), session }
    }

    #[test]
    fn a_user_is_told_once_whatever_the_number_of_endpoints() {
        let mut roster = Roster::default();
        assert!(roster.enter(&user(1), endpoint(1)));
        assert!(roster.enter(&user(1), endpoint(2)));
        assert!(!roster.enter(&user(1), endpoint(2)));
        assert_eq!(roster.step(75, 60).joined, vec![user(1)]);
        let now = Instant(0);
        assert_eq!(roster.leave(&user(1), endpoint(1), Leave::Now, now), Left::Other);
        assert_eq!(roster.step(75, 60), Step::default());
        assert_eq!(roster.leave(&user(1), endpoint(2), Leave::Now, now), Left::Gone);
        assert_eq!(roster.step(75, 60), Step::default());
        roster.depart(&user(1));
        assert_eq!(roster.step(75, 60).parted, vec![user(1)]);
        assert!(roster.is_empty());
    }

    #[test]
    fn a_user_who_comes_back_within_the_grace_never_left() {
        let mut roster = Roster::default();
        roster.enter(&user(1), endpoint(1));
        roster.step(75, 60);
        let until = Instant(2_000_000);
        assert_eq!(roster.leave(&user(1), endpoint(1), Leave::Grace, until), Left::Grace);
        assert!(!roster.end_grace(&user(1), Instant(1_999_999)));
        roster.enter(&user(1), endpoint(2));
        assert!(!roster.end_grace(&user(1), until));
        assert_eq!(roster.step(75, 60), Step::default());
        roster.leave(&user(1), endpoint(2), Leave::Grace, until);
        assert!(roster.end_grace(&user(1), until));
        roster.depart(&user(1));
        assert_eq!(roster.step(75, 60).parted, vec![user(1)]);
    }

    #[test]
    fn above_the_limit_nothing_is_told_and_below_the_threshold_the_difference_is() {
        let mut roster = Roster::default();
        for n in 0..75 {
            roster.enter(&user(n), endpoint(n));
        }
        assert_eq!(roster.step(75, 60).joined.len(), 75);
        roster.enter(&user(75), endpoint(75));
        assert_eq!(roster.step(75, 60), Step::default());
        assert!(roster.is_large);
        for n in 0..16 {
            roster.leave(&user(n), endpoint(n), Leave::Now, Instant(0));
            roster.depart(&user(n));
        }
        assert_eq!(roster.present(), 60);
        assert_eq!(roster.step(75, 60), Step::default());
        assert!(roster.is_large, "60 is not below 60");
        roster.leave(&user(16), endpoint(16), Leave::Now, Instant(0));
        roster.depart(&user(16));
        let step = roster.step(75, 60);
        assert!(!roster.is_large);
        assert_eq!((step.joined.len(), step.parted.len()), (1, 17));
    }

    proptest! {
        /// A client that replays the steps knows the truth after each step, below the limit.
        #[test]
        fn replaying_the_steps_gives_the_roster(
            acts in prop::collection::vec((0u8..4, 0u8..12), 1..200),
        ) {
            let mut roster = Roster::default();
            let (mut known, mut inside) = (BTreeSet::new(), BTreeSet::new());
            for (act, n) in acts {
                // Two endpoints per user.
                let (who, from) = (user(n / 2), endpoint(n));
                match act {
                    0 | 1 => { roster.enter(&who, from); inside.insert(n); }
                    2 => {
                        roster.leave(&who, from, Leave::Now, Instant(0));
                        roster.depart(&who);
                        inside.remove(&n);
                    }
                    _ => {
                        let step = roster.step(4, 3);
                        for u in &step.joined { prop_assert!(known.insert(u.uri.clone())); }
                        for u in &step.parted { prop_assert!(known.remove(&u.uri)); }
                        let truth: BTreeSet<Box<str>> =
                            inside.iter().map(|n| user(n / 2).uri.clone()).collect();
                        prop_assert_eq!(roster.present(), truth.len());
                        if !roster.is_large { prop_assert_eq!(&known, &truth); }
                    }
                }
            }
        }
    }
}
