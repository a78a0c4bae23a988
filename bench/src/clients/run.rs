//! Carrying out an order: posts as it says; what came, how late, and what it cost the server and
//! ourselves.

use super::cast::{Order, Window};
use super::crowd::Crowd;
use crate::Outcome;
use crate::counters::{Counters, Counts};
use crate::cpu::{self, CpuTime};
use parlance_loadgen::PostId;
use std::time::{Duration, Instant};

/// Posts of each stream before the window begins: buffers grow to their size.
const WARM_UP_POSTS: usize = 3;

/// Measures one window.
///
/// # Errors
/// If a delivery is missing, or anything comes that should not.
pub fn measure(crowd: &mut Crowd, order: &Order) -> Outcome<Window> {
    crowd.slow_down(&order.slow);
    for _ in 0..WARM_UP_POSTS {
        for (place, stream) in order.streams.iter().enumerate() {
            crowd.post(place, stream, Instant::now())?;
            crowd.until_served()?;
        }
    }
    let server_pid = crowd.cast().server_pid;
    let sample = || Ok::<_, Box<dyn std::error::Error>>((cpu::of(server_pid)?, own()?));
    let mut counters = Counters::start(server_pid)?;
    crowd.ledger.begin(order.streams.len());
    let before = crowd.ledger.tally;
    let (server, clients) = sample()?;
    let begin = Instant::now();
    post(crowd, order, begin)?;
    crowd.until_served()?;
    let wall_s = begin.elapsed().as_secs_f64();
    let (server_after, clients_after) = sample()?;
    let counts: Option<Option<Counts>> = counters.as_mut().map(Counters::read).transpose()?;
    let posts = crowd.ledger.tally.posts - before.posts;
    // The author's 200 comes before its own copy, unless the author is a slow one.
    let after = &crowd.ledger.tally;
    if order.slow.is_empty() && after.accepted != after.posts {
        return Err(format!("{} of {} posts were accepted", after.accepted, after.posts).into());
    }
    Ok(Window {
        wall_s,
        posts,
        deliveries: after.deliveries - before.deliveries,
        reads: after.reads - before.reads,
        bytes_in: after.bytes_in - before.bytes_in,
        bytes_out: after.bytes_out - before.bytes_out,
        server: server_after - server,
        clients: clients_after - clients,
        counts: counts.flatten(),
        last_ms: std::mem::take(&mut crowd.ledger.last_ms),
        groups: (0..crowd.cast().groups.len()).map(|group| crowd.ledger.latency(group)).collect(),
    })
}

fn own() -> Outcome<CpuTime> {
    cpu::of(std::process::id())
}

/// What a stream does next.
enum Next {
    /// Posts then.
    At(Instant),
    /// Waits until this one is with everybody.
    After(PostId),
}

/// Posts until the order's time is over.
fn post(crowd: &mut Crowd, order: &Order, begin: Instant) -> Outcome<()> {
    let end = begin + Duration::from_secs_f64(order.seconds);
    let mut nexts: Vec<Next> = order.streams.iter().map(|_| Next::At(begin)).collect();
    let mut posts = vec![0_u32; order.streams.len()];
    loop {
        let now = Instant::now();
        // Schedules are kept to, however late it is: what is due before the end is posted.
        let mut wait = end.saturating_duration_since(now);
        let mut is_over = wait.is_zero();
        for (place, stream) in order.streams.iter().enumerate() {
            let due = match nexts[place] {
                Next::At(due) => due,
                Next::After(post) if crowd.ledger.is_with_everybody(post) => now,
                Next::After(_) => continue,
            };
            if due >= end {
                continue;
            }
            if due > now {
                wait = wait.min(due - now);
                continue;
            }
            is_over = false;
            let post = crowd.post(place, stream, due)?;
            posts[place] += 1;
            nexts[place] = match stream.rate {
                None => Next::After(post),
                Some(rate) => {
                    Next::At(begin + Duration::from_secs_f64(f64::from(posts[place]) / rate))
                }
            };
            wait = Duration::ZERO;
        }
        if is_over {
            return Ok(());
        }
        crowd.turn(wait)?;
    }
}
