//! Which links have endpoints that do not read as they should.

use super::share::Links;
use crate::cli::ReaderArgs;
use std::time::Duration;

/// How the endpoints of a link read during the load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    Good,
    /// Few bytes a second, for a while.
    Slow,
    /// Nothing from the start of the load on.
    Dead,
}

/// Direct links whose endpoints do not read as they should.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Laggards {
    /// Parts of the direct links, from 0 to 1.
    slow: f64,
    dead: f64,
    pub slow_bytes_per_second: u32,
    /// How long after the start of the load slow readers are slow at most.
    pub slow_for: Duration,
}

impl Laggards {
    /// Reads the arguments; what is wrong with them otherwise.
    pub fn new(args: &ReaderArgs, links: Links, reconnects: bool) -> Result<Laggards, String> {
        let (slow, dead) = (args.slow_readers, args.dead_readers);
        if !(0.0..=1.0).contains(&slow) || !(0.0..=1.0).contains(&dead) || slow + dead > 1.0 {
            let what = "slow and dead readers are parts of the direct links, together at most 1";
            return Err(what.to_owned());
        }
        if slow + dead > 0.0 && links.direct == 0 {
            return Err("only endpoints with a direct link can be slow or dead readers: a slow \
                        front end would slow all its endpoints; add --direct"
                .to_owned());
        }
        if dead > 0.0 && reconnects {
            return Err("dead readers stay away, and --reconnect brings everybody back".to_owned());
        }
        let slow_for = args.slow_until.map_or(Duration::MAX, Duration::from_secs);
        let slow_bytes_per_second = args.slow_bytes_per_second;
        Ok(Laggards { slow, dead, slow_bytes_per_second, slow_for })
    }

    /// Are there any?
    pub fn is_some(&self) -> bool {
        self.slow + self.dead > 0.0
    }

    /// How the endpoints of a direct link read: spread evenly over them.
    pub fn of(&self, link: u32) -> Reader {
        let both = self.slow + self.dead;
        let before = |count: f64, part: f64| (count * part).floor();
        let rank = before(f64::from(link), both);
        if before(f64::from(link) + 1.0, both) == rank {
            return Reader::Good;
        }
        let dead = self.dead / both;
        match before(rank + 1.0, dead) > before(rank, dead) {
            true => Reader::Dead,
            false => Reader::Slow,
        }
    }
}
