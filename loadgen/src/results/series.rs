//! What happened in each second of a run, in bounded memory.

use super::timing::{Timing, read_coarse};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Points kept. A run that is longer doubles the seconds of each.
pub const POINTS_MAX: usize = 900;

/// Processor time of a process and how long it was watched for it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct CpuUse {
    /// Processor time, microseconds.
    pub cpu_us: u64,
    /// Time on the wall, microseconds.
    pub span_us: u64,
}

impl CpuUse {
    /// Cores that were busy on average: 1 is one core.
    pub fn cores(self) -> f64 {
        self.cpu_us as f64 / self.span_us.max(1) as f64
    }

    /// Of the same process, a while later.
    fn then(self, other: CpuUse) -> CpuUse {
        CpuUse { cpu_us: self.cpu_us + other.cpu_us, span_us: self.span_us + other.span_us }
    }

    /// Of another process at the same time.
    fn beside(self, other: CpuUse) -> CpuUse {
        CpuUse { cpu_us: self.cpu_us + other.cpu_us, span_us: self.span_us.max(other.span_us) }
    }
}

/// The server in a step of the run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct ServerUse {
    /// Of the threads that carry shards.
    pub shards: CpuUse,
    /// Of all other threads.
    pub others: CpuUse,
    /// Most memory resident, bytes.
    pub resident_bytes: u64,
    /// Most sessions that were behind at a time; absent without the server's metrics.
    pub sessions_lagging: Option<u64>,
    /// Most bytes that waited on the server's links; absent without its metrics.
    pub outbox_bytes: Option<u64>,
}

impl ServerUse {
    fn then(self, other: ServerUse) -> ServerUse {
        ServerUse {
            shards: self.shards.then(other.shards),
            others: self.others.then(other.others),
            resident_bytes: self.resident_bytes.max(other.resident_bytes),
            sessions_lagging: self.sessions_lagging.max(other.sessions_lagging),
            outbox_bytes: self.outbox_bytes.max(other.outbox_bytes),
        }
    }
}

/// The load generator itself in a step of the run: all its processes together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct OwnUse {
    /// Processor time.
    pub cpu: CpuUse,
    /// Most memory resident, bytes.
    pub resident_bytes: u64,
}

/// One step of the run. Counts are of the step, not per second.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Posts sent.
    pub posts: u64,
    /// Deliveries that came.
    pub deliveries: u64,
    /// Dialogs opened.
    pub sign_ins: u64,
    /// Errors of any kind.
    pub errors: u64,
    /// Most deliveries that were to come at a time. Where steps were doubled before parts of a run
    /// were put together, their sum is a bound from above.
    pub outstanding: u64,
    /// Times to the deliveries that came.
    #[serde(deserialize_with = "read_coarse")]
    pub delivery: Timing,
    /// Times to the authors' 200s that came.
    #[serde(deserialize_with = "read_coarse")]
    pub accept: Timing,
    /// Absent while nobody looked.
    pub own: Option<OwnUse>,
    /// Absent while there was no process to look at.
    pub server: Option<ServerUse>,
}

impl Default for Point {
    fn default() -> Point {
        Point {
            posts: 0,
            deliveries: 0,
            sign_ins: 0,
            errors: 0,
            outstanding: 0,
            delivery: Timing::coarse(),
            accept: Timing::coarse(),
            own: None,
            server: None,
        }
    }
}

impl Point {
    fn add_counts(&mut self, other: &Point) {
        self.posts += other.posts;
        self.deliveries += other.deliveries;
        self.sign_ins += other.sign_ins;
        self.errors += other.errors;
        self.delivery.merge(&other.delivery);
        self.accept.merge(&other.accept);
    }

    /// The next step of the same process becomes part of this one.
    fn then(&mut self, other: &Point) {
        self.add_counts(other);
        self.outstanding = self.outstanding.max(other.outstanding);
        self.own = both(self.own, other.own, |one, two| OwnUse {
            cpu: one.cpu.then(two.cpu),
            resident_bytes: one.resident_bytes.max(two.resident_bytes),
        });
        self.server = both(self.server, other.server, ServerUse::then);
    }

    /// The same step of another process. There is one server, and one process looks at it.
    fn beside(&mut self, other: &Point) {
        self.add_counts(other);
        self.outstanding += other.outstanding;
        self.own = both(self.own, other.own, |one, two| OwnUse {
            cpu: one.cpu.beside(two.cpu),
            resident_bytes: one.resident_bytes + two.resident_bytes,
        });
        self.server = self.server.or(other.server);
    }
}

/// What there is of two.
fn both<T>(one: Option<T>, two: Option<T>, join: impl FnOnce(T, T) -> T) -> Option<T> {
    match (one, two) {
        (Some(one), Some(two)) => Some(join(one, two)),
        (one, two) => one.or(two),
    }
}

/// What happened of late.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Recent {
    /// Posts sent, each second.
    pub posts_per_s: f64,
    /// Deliveries that came, each second.
    pub deliveries_per_s: f64,
    /// The time, microseconds, that 99 % of them did not exceed.
    pub delivery_p99_us: u64,
}

impl Recent {
    /// With what happened in another process, of whose p99 only the greater is known to hold.
    pub fn beside(self, other: Recent) -> Recent {
        Recent {
            posts_per_s: self.posts_per_s + other.posts_per_s,
            deliveries_per_s: self.deliveries_per_s + other.deliveries_per_s,
            delivery_p99_us: self.delivery_p99_us.max(other.delivery_p99_us),
        }
    }
}

/// Steps of equal length from the start of the run on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Series {
    step_s: u64,
    points: Vec<Point>,
}

impl Default for Series {
    fn default() -> Series {
        Series { step_s: 1, points: Vec::new() }
    }
}

impl Series {
    /// Seconds of each step.
    pub fn step_s(&self) -> u64 {
        self.step_s
    }

    /// The steps; at most [`POINTS_MAX`].
    pub fn points(&self) -> &[Point] {
        &self.points
    }

    /// The step at a time from the start of the run.
    pub fn at(&mut self, at: Duration) -> &mut Point {
        while at.as_secs() / self.step_s >= POINTS_MAX as u64 {
            self.halve();
        }
        let index = (at.as_secs() / self.step_s) as usize;
        if index >= self.points.len() {
            self.points.resize_with(index + 1, Point::default);
        }
        &mut self.points[index]
    }

    /// Adds what was seen of the processes.
    pub fn seen(&mut self, at: Duration, own: Option<OwnUse>, server: Option<ServerUse>) {
        let seen = Point { own, server, ..Point::default() };
        self.at(at).then(&seen);
    }

    /// What happened in the last whole seconds before `at`, or steps where those are longer.
    pub fn recent(&self, at: Duration, seconds: u64) -> Recent {
        let end = ((at.as_secs() / self.step_s) as usize).min(self.points.len());
        let steps = seconds.div_ceil(self.step_s).max(1);
        let start = end.saturating_sub(steps as usize);
        let mut sum = Point::default();
        self.points[start..end].iter().for_each(|point| sum.then(point));
        let span_s = ((end - start) as u64 * self.step_s).max(1) as f64;
        Recent {
            posts_per_s: sum.posts as f64 / span_s,
            deliveries_per_s: sum.deliveries as f64 / span_s,
            delivery_p99_us: sum.delivery.at(0.99),
        }
    }

    /// Puts each two steps together.
    fn halve(&mut self) {
        self.step_s *= 2;
        let mut halved: Vec<Point> = Vec::with_capacity(POINTS_MAX);
        for (point, index) in std::mem::take(&mut self.points).into_iter().zip(0..) {
            match halved.get_mut(index / 2) {
                Some(first) => first.then(&point),
                None => halved.push(point),
            }
        }
        self.points = halved;
    }

    /// Adds what another process saw, from the same start on.
    pub fn merge(&mut self, other: &Series) {
        while self.step_s < other.step_s {
            self.halve();
        }
        let mut other = other.clone();
        while other.step_s < self.step_s {
            other.halve();
        }
        for (point, index) in other.points.iter().zip(0..) {
            self.at(Duration::from_secs(index * self.step_s)).beside(point);
        }
    }
}
