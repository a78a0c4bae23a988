//! How long each step of the hot path takes: nanoseconds for each unit, alone on its core, with
//! everything it touches in the caches.

use criterion::{Criterion, criterion_group, criterion_main};
use parlance_bench::steps::{self, Step};
use std::time::{Duration, Instant};

/// Runs so often; the time for one unit of each run, summed as criterion wants it.
fn time(step: &mut dyn Step, times: u64) -> Duration {
    let mut total = Duration::ZERO;
    for _ in 0..times {
        step.run(&mut |work| {
            let begin = Instant::now();
            work();
            total += begin.elapsed();
        });
    }
    total / u32::try_from(step.units()).expect("a step does hundreds of units at most")
}

fn all(criterion: &mut Criterion) {
    for named in steps::ALL {
        let mut step = (named.make)();
        let name = format!("{}, each {}", named.name, named.unit);
        criterion.bench_function(&name, |bencher| {
            bencher.iter_custom(|times| time(step.as_mut(), times));
        });
    }
}

criterion_group!(benches, all);
criterion_main!(benches);
