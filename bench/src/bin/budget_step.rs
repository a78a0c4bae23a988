//! `budget-step NAME`: runs one step a few times, for callgrind to count in [`measured`] alone.
#![forbid(unsafe_code)]

use parlance_bench::steps;
use std::hint::black_box;
use std::process::ExitCode;

/// Runs before the count: memory grows to its size, code that runs once has run.
const WARM_UP_RUNS: usize = 12;
/// Runs that are counted.
const RUNS: u64 = 4;

fn main() -> ExitCode {
    let name = std::env::args().nth(1).unwrap_or_default();
    let Some(named) = steps::find(&name) else {
        let names = steps::ALL.map(|step| step.name).join(", ");
        eprintln!("budget-step: {name:?} is none of {names}");
        return ExitCode::FAILURE;
    };
    let mut step = (named.make)();
    for _ in 0..WARM_UP_RUNS {
        step.run(&mut |work| work());
    }
    for _ in 0..RUNS {
        step.run(&mut |work| measured(work));
    }
    println!("{}", RUNS * step.units());
    ExitCode::SUCCESS
}

/// What is counted: callgrind knows it by its name, so it must stay a function.
#[inline(never)]
fn measured(work: &mut dyn FnMut()) {
    work();
    // A call at a function's end would become a jump, and the function would be left before it.
    black_box(());
}
