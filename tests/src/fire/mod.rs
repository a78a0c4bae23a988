//! Walls under fire: a real server whose access lists change all the time while everybody posts.
//!
//! Each user is a thread with a link of its own, which posts to the rooms it is in and tries to get
//! into those it is not in. An administrator takes users off the lists of members and puts them
//! back, and notes when the server said that it was done. Nobody may be told anything of a room
//! later than two seconds after the server said that they are out (`reliability.md` §1, line 5).

mod user;

pub use user::{Heard, Shared, User};

use crate::server::{DOMAIN, Room};
use parlance_loadgen::history::Checker;
use rand_chacha::ChaCha12Rng;
use rand_core::{Rng, SeedableRng};
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A revocation is in force within this time (`reliability.md` §1, line 5).
pub const REVOCATION_MAX: Duration = Duration::from_secs(2);

/// What is to be done.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Users, each with one endpoint.
    pub users: usize,
    /// Closed rooms; everybody is a member of each at first.
    pub rooms: Vec<Room>,
    /// How long.
    pub duration: Duration,
    /// Mean pause of a user between two posts.
    pub post_pause: Duration,
    /// Pause of the administrator between two changes.
    pub change_pause: Duration,
    /// Decides who is taken off which list.
    pub seed: u64,
}

/// One change of a list, as the administrator saw it.
#[derive(Debug, Clone, Copy)]
struct Changed {
    user: usize,
    room: usize,
    is_member: bool,
    asked: Instant,
    done: Instant,
}

/// What came of it.
#[derive(Debug)]
pub struct Verdict {
    /// Changes of lists.
    pub changes: usize,
    /// Messages accepted.
    pub accepted: u64,
    /// Messages that reached somebody.
    pub deliveries: usize,
    /// Joins that were refused.
    pub joins_refused: u64,
    /// For each revocation: time from the moment it was asked for to the last message of the room
    /// that its user got, sorted. Zero where none came after it.
    pub silences: Vec<Duration>,
    /// What was wrong, one sentence each.
    pub violations: Vec<String>,
}

impl Verdict {
    /// The silence that so many of a thousand revocations stay below.
    pub fn silence(&self, permille: usize) -> Duration {
        let last = self.silences.len().saturating_sub(1);
        self.silences.get(last * permille / 1_000).copied().unwrap_or_default()
    }
}

/// Name of a user.
pub fn user_uri(user: usize) -> String {
    format!("sip:u{user}@{DOMAIN}")
}

/// Lets the users loose on a server and changes the lists by `set_member(user, room, is_member)`,
/// which returns when the server says that it is done.
pub fn burn(
    sip: SocketAddr,
    plan: &Plan,
    mut set_member: impl FnMut(usize, usize, bool),
) -> Verdict {
    let shared = Arc::new(Shared::new(Checker::new(), plan.rooms.clone(), plan.post_pause));
    let start = |number| {
        let shared = shared.clone();
        let user = move || User::new(number, sip, shared).run();
        std::thread::Builder::new().stack_size(256 * 1024).spawn(user).expect("a thread")
    };
    let users: Vec<JoinHandle<Heard>> = (0..plan.users).map(start).collect();
    shared.await_joined(plan.users * plan.rooms.len());
    let changes = administer(plan, &mut set_member);
    shared.stop();
    let heard: Vec<Heard> =
        users.into_iter().map(|user| user.join().expect("no user panics")).collect();
    let shared = Arc::into_inner(shared).expect("all users are gone");
    judge(plan, &changes, &heard, shared)
}

/// Changes lists until the time is up.
fn administer(plan: &Plan, set_member: &mut impl FnMut(usize, usize, bool)) -> Vec<Changed> {
    let mut dice = ChaCha12Rng::seed_from_u64(plan.seed);
    let mut is_out = vec![vec![false; plan.rooms.len()]; plan.users];
    let end = Instant::now() + plan.duration;
    let mut changes = Vec::new();
    let mut due = Instant::now();
    while Instant::now() < end {
        let user = (dice.next_u64() % plan.users as u64) as usize;
        let room = (dice.next_u64() % plan.rooms.len() as u64) as usize;
        let is_member = is_out[user][room];
        let asked = Instant::now();
        set_member(user, room, is_member);
        changes.push(Changed { user, room, is_member, asked, done: Instant::now() });
        is_out[user][room] = !is_member;
        due += plan.change_pause;
        // tidy: paces
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
    }
    changes
}

fn judge(plan: &Plan, changes: &[Changed], heard: &[Heard], shared: Shared) -> Verdict {
    let mut verdict = Verdict {
        changes: changes.len(),
        accepted: heard.iter().map(|heard| heard.accepted).sum(),
        deliveries: heard.iter().map(|heard| heard.deliveries.len()).sum(),
        joins_refused: heard.iter().map(|heard| heard.joins_refused).sum(),
        silences: Vec::new(),
        violations: heard.iter().flat_map(|heard| heard.violations.clone()).collect(),
    };
    for (at, change) in changes.iter().enumerate().filter(|(_, change)| !change.is_member) {
        let is_same = |later: &&Changed| (later.user, later.room) == (change.user, change.room);
        let back = changes[at + 1..].iter().find(is_same).map(|later| later.asked);
        let told = heard[change.user].deliveries.iter().filter(|(room, when)| {
            *room == change.room && *when >= change.asked && back.is_none_or(|back| *when < back)
        });
        let last = told.map(|(_, when)| *when).max();
        let silence = last.map_or(Duration::ZERO, |last| last - change.asked);
        verdict.silences.push(silence);
        if last.is_some_and(|last| last > change.done + REVOCATION_MAX) {
            verdict.violations.push(format!(
                "{} was told something of room {} {silence:?} after the revocation",
                user_uri(change.user),
                change.room,
            ));
        }
    }
    verdict.silences.sort_unstable();
    let report = shared.into_checker().finish();
    verdict.violations.extend(report.violations.iter().map(ToString::to_string));
    if verdict.silences.is_empty() || plan.users == 0 {
        verdict.violations.push("nobody was taken off a list: nothing was shown".to_owned());
    }
    verdict
}
