//! What is posted when, where and by whom. It follows from the plan alone, so that all processes of
//! a run know of every post, and each sends those whose authors are its own.

use super::mix::below;
use super::pace::Schedule;
use super::plan::{Plan, Stream};
use rand_chacha::ChaCha8Rng;
use rand_core::Rng;
use std::rc::Rc;
use std::time::Instant;

/// A post that is due.
#[derive(Debug, Clone, Copy)]
pub struct Post {
    /// Counts the posts of the run.
    pub number: u32,
    pub due: Instant,
    pub room: u32,
    /// Bytes of its text.
    pub bytes: usize,
    /// Chooses its author.
    draw: u64,
}

impl Post {
    /// Who is to post it, if those before in this order cannot: members of the room by chance.
    pub fn author(&self, plan: &Plan, order: u32) -> u32 {
        let members = &plan.rooms[self.room as usize].members;
        let draw = mixed(self.draw.wrapping_add(u64::from(order)));
        let user = members[(draw >> 32) as usize % members.len()];
        let endpoints = plan.endpoints_of(user);
        endpoints.start + draw as u32 % endpoints.len() as u32
    }
}

/// All posts of the run, one after the other.
pub struct Posts {
    plan: Rc<Plan>,
    schedule: Schedule,
    random: ChaCha8Rng,
    next: u32,
}

impl Posts {
    /// From `start` on.
    pub fn new(plan: Rc<Plan>, start: Instant) -> Posts {
        let even = Schedule::lasting(start, plan.rate(), plan.duration);
        let schedule = plan.arrivals(even, Stream::PostTimes);
        let random = plan.random(Stream::Posts);
        Posts { schedule, random, next: 0, plan }
    }

    /// When the next is due; `None` after the last.
    pub fn due(&self) -> Option<Instant> {
        self.schedule.due()
    }

    /// The next, if it is due at `now`.
    pub fn take(&mut self, now: Instant) -> Option<Post> {
        let due = self.schedule.take(now)?;
        let class = self.plan.class_at(part(self.random.next_u64()));
        let room = class.rooms.start + below(&mut self.random, class.rooms.len()) as u32;
        let bytes = self.plan.message_bytes.at(part(self.random.next_u64()));
        let draw = self.random.next_u64();
        let number = self.next;
        self.next += 1;
        Some(Post { number, due, room, bytes, draw })
    }
}

/// From 0 to below 1.
fn part(draw: u64) -> f64 {
    (draw >> 11) as f64 / (1u64 << 53) as f64
}

/// A number that looks random (SplitMix64's mixing step).
fn mixed(mut z: u64) -> u64 {
    z = z.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
