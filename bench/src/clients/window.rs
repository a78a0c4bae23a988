//! One window of time: posts at a rate, or each when the one before is with everybody; what came,
//! and what it cost the server and ourselves.

use super::{Args, Crowd};
use crate::Outcome;
use crate::cpu::{self, CpuTime};
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

/// What to measure.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Order {
    /// How long.
    pub seconds: f64,
    /// Posts per second; `None` posts when the last delivery of the post before has come.
    pub rate: Option<f64>,
}

/// What was measured.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Window {
    /// How long it took, until the last delivery.
    pub wall_s: f64,
    /// Posts, each delivered to everybody.
    pub posts: u64,
    /// Deliveries that came.
    pub deliveries: u64,
    /// Reads that brought something: how much the server wrote together shows in deliveries per
    /// read.
    pub reads: u64,
    /// Bytes read.
    pub bytes_in: u64,
    /// Bytes of answers.
    pub bytes_out: u64,
    /// The server's processor time.
    pub server: CpuTime,
    /// Our own.
    pub clients: CpuTime,
}

/// Posts before the window begins: buffers grow to their size.
const WARM_UP_POSTS: u64 = 3;

/// Measures one window.
///
/// # Errors
/// If a delivery is missing, or anything comes that should not.
pub fn measure(crowd: &mut Crowd, args: &Args, order: &Order) -> Outcome<Window> {
    for _ in 0..WARM_UP_POSTS {
        post_and_wait(crowd, args.text_bytes)?;
    }
    let before = crowd.tally.clone();
    let sample = || Ok::<_, Box<dyn std::error::Error>>((cpu::of(args.server_pid)?, own()?));
    let (server, clients) = sample()?;
    let begin = Instant::now();
    let end = begin + Duration::from_secs_f64(order.seconds);
    let posts = match order.rate {
        None => closed(crowd, args.text_bytes, end)?,
        Some(rate) => open(crowd, args.text_bytes, begin, end, rate)?,
    };
    let wall_s = begin.elapsed().as_secs_f64();
    let (server_after, clients_after) = sample()?;
    let after = &crowd.tally;
    let deliveries = after.deliveries - before.deliveries;
    if deliveries != posts * crowd.sessions() || after.accepted - before.accepted != posts {
        let sessions = crowd.sessions();
        return Err(format!("{posts} posts to {sessions} came {deliveries} times").into());
    }
    Ok(Window {
        wall_s,
        posts,
        deliveries,
        reads: after.reads - before.reads,
        bytes_in: after.bytes_in - before.bytes_in,
        bytes_out: after.bytes_out - before.bytes_out,
        server: server_after - server,
        clients: clients_after - clients,
    })
}

fn own() -> Outcome<CpuTime> {
    cpu::of(std::process::id())
}

fn post_and_wait(crowd: &mut Crowd, text_bytes: usize) -> Outcome<()> {
    let deliveries = crowd.tally.deliveries + crowd.sessions();
    crowd.post(text_bytes)?;
    crowd.until(|tally, _| tally.deliveries == deliveries)
}

/// Each post when the one before is with everybody.
fn closed(crowd: &mut Crowd, text_bytes: usize, end: Instant) -> Outcome<u64> {
    let mut posts = 0;
    while Instant::now() < end {
        post_and_wait(crowd, text_bytes)?;
        posts += 1;
    }
    Ok(posts)
}

/// Posts on a schedule, whatever has come of the ones before.
fn open(
    crowd: &mut Crowd,
    text_bytes: usize,
    begin: Instant,
    end: Instant,
    rate: f64,
) -> Outcome<u64> {
    let mut posts = 0;
    let all = crowd.tally.deliveries;
    loop {
        let due = begin + Duration::from_secs_f64(posts as f64 / rate);
        if due >= end {
            break;
        }
        match due.checked_duration_since(Instant::now()) {
            Some(wait) if !wait.is_zero() => _ = crowd.turn(wait)?,
            _ => {
                crowd.post(text_bytes)?;
                posts += 1;
            }
        }
    }
    let all = all + posts * crowd.sessions();
    crowd.until(|tally, _| tally.deliveries == all)?;
    Ok(posts)
}
