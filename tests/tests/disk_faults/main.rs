//! The real binary on a disk that fails, fills up and loses its power: what was acknowledged is
//! kept, what was not is never said to be, and every failure is told.
//!
//! `PARLANCE_POWER_CUTS` says how often the power goes, `PARLANCE_SEED` where chance begins.

mod faults;
mod machine;
mod power;
mod segments;

/// Times the power goes in an ordinary run.
const POWER_CUTS: usize = 48;

/// How often the power goes.
fn power_cuts() -> usize {
    number("PARLANCE_POWER_CUTS", POWER_CUTS)
}

/// The first seed.
fn first_seed() -> usize {
    number("PARLANCE_SEED", 1)
}

fn number(variable: &str, default: usize) -> usize {
    let text = std::env::var(variable).ok();
    text.map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{variable}: {text:?}")))
}
