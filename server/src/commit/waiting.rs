//! With `ack = "sql"`: commits of the log whose posts wait for the database.

use parlance_storage::Position;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// When the oldest post has waited this long for the database, new ones are refused at once:
/// their authors learn now what they would learn when their own patience ends. SIP gives a request
/// 32 s.
pub(super) const ACK_PATIENCE: Duration = Duration::from_secs(5);
/// Most commits that are remembered one by one. What comes then is answered together with the
/// newest of them: later than need be, never earlier. The posts themselves are bounded by
/// `uncommitted_max` of each room and by the log's quota, and no new ones come after
/// [`ACK_PATIENCE`].
const COMMITS_MAX: usize = 4096;

/// One commit of the log, as far as it waits.
#[derive(Debug)]
pub(super) struct Commit {
    /// Its last record.
    pub last: Position,
    /// When its posts had been taken over from the shards.
    pub since: Instant,
    /// Posts in it.
    pub posts: u64,
    /// Highest ticket of each shard, if it has a post in it.
    pub tickets: Vec<Option<u64>>,
}

/// What [`Waiting::judge`] has found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// As before.
    Same,
    /// The database is late: refuse new posts.
    Late,
    /// It has everything: take them again.
    CaughtUp,
}

/// Commits in the order of the log.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    commits: VecDeque<Commit>,
    posts: u64,
    is_late: bool,
}

impl Waiting {
    /// Takes the next commit.
    pub fn push(&mut self, commit: Commit) {
        self.posts += commit.posts;
        let is_full = self.commits.len() == COMMITS_MAX;
        match self.commits.back_mut() {
            Some(newest) if is_full => newest.merge(commit),
            _ => self.commits.push_back(commit),
        }
    }

    /// Takes out the oldest commit if the database has all of it.
    pub fn pop(&mut self, stored: Position) -> Option<Commit> {
        let commit = self.commits.pop_front_if(|commit| commit.last <= stored)?;
        self.posts -= commit.posts;
        Some(commit)
    }

    /// Is the database in time? Once late, it must catch up with all that waits.
    pub fn judge(&mut self, now: Instant) -> Verdict {
        match self.commits.front() {
            None if self.is_late => {
                self.is_late = false;
                Verdict::CaughtUp
            }
            Some(oldest) if !self.is_late && now >= oldest.since + ACK_PATIENCE => {
                self.is_late = true;
                Verdict::Late
            }
            _ => Verdict::Same,
        }
    }

    /// Posts that wait.
    pub fn posts(&self) -> u64 {
        self.posts
    }

    /// Are new posts to be refused?
    pub fn is_late(&self) -> bool {
        self.is_late
    }
}

impl Commit {
    /// Both are answered when the database has the later one; patience counts from the earlier.
    fn merge(&mut self, later: Commit) {
        self.last = later.last;
        self.posts += later.posts;
        for (ticket, later) in self.tickets.iter_mut().zip(later.tickets) {
            *ticket = later.or(*ticket);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commit(last: u64, since: Instant, tickets: &[Option<u64>]) -> Commit {
        Commit { last: Position(last), since, posts: 1, tickets: tickets.to_vec() }
    }

    #[test]
    fn a_commit_is_let_go_when_the_database_has_all_of_it() {
        let (mut waiting, now) = (Waiting::default(), Instant::now());
        waiting.push(commit(3, now, &[Some(1)]));
        waiting.push(commit(5, now, &[Some(2)]));
        assert!(waiting.pop(Position(2)).is_none());
        assert_eq!(waiting.pop(Position(4)).map(|commit| commit.last), Some(Position(3)));
        assert!(waiting.pop(Position(4)).is_none());
        assert_eq!(waiting.posts(), 1);
        assert!(waiting.pop(Position(5)).is_some());
        assert_eq!(waiting.posts(), 0);
    }

    #[test]
    fn who_is_late_must_catch_up_with_everything() {
        let (mut waiting, now) = (Waiting::default(), Instant::now());
        waiting.push(commit(1, now, &[Some(1)]));
        waiting.push(commit(2, now + ACK_PATIENCE, &[Some(2)]));
        let early = now + ACK_PATIENCE - Duration::from_millis(1);
        assert_eq!(waiting.judge(early), Verdict::Same);
        assert_eq!(waiting.judge(now + ACK_PATIENCE), Verdict::Late);
        assert_eq!(waiting.judge(now + ACK_PATIENCE), Verdict::Same, "it is told once");
        // The one that is left has hardly waited; still the database has not caught up.
        waiting.pop(Position(1)).unwrap();
        assert_eq!((waiting.judge(now + ACK_PATIENCE), waiting.is_late()), (Verdict::Same, true));
        waiting.pop(Position(2)).unwrap();
        assert_eq!(waiting.judge(now + ACK_PATIENCE), Verdict::CaughtUp);
        assert_eq!((waiting.judge(now + ACK_PATIENCE), waiting.is_late()), (Verdict::Same, false));
    }

    #[test]
    fn what_is_beyond_the_bound_waits_with_the_newest() {
        let (mut waiting, now) = (Waiting::default(), Instant::now());
        let bound = COMMITS_MAX as u64;
        for last in 1..=bound {
            waiting.push(commit(last, now, &[Some(last), None]));
        }
        waiting.push(commit(bound + 1, now, &[None, Some(1)]));
        waiting.push(commit(bound + 2, now, &[None, Some(2)]));
        assert_eq!(waiting.posts(), bound + 2);
        while waiting.pop(Position(bound - 1)).is_some() {}
        assert!(waiting.pop(Position(bound + 1)).is_none(), "not before all of it is there");
        let last = waiting.pop(Position(bound + 2)).unwrap();
        assert_eq!((last.tickets, last.posts), (vec![Some(bound), Some(2)], 3));
        assert_eq!(waiting.posts(), 0);
    }
}
