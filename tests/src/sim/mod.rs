//! The simulator: the real core, many times over, in one thread, from one seed.
//!
//! A [`World`] is a server of one to four shards with logs, mail between them, a network, and the
//! clients on it; all of it is driven by one queue of events and one generator of random numbers,
//! so that a seed is a run. Bounds, delays and habits are drawn by seed ([`Plan`]).
//!
//! | module | subject |
//! |---|---|
//! | `plan` | what a seed makes of every knob |
//! | `world`, `agenda` | everything there is; time passing |
//! | `shell` | mail, log and timers of the shards; bounds that hold at any moment |
//! | `database` | what the shards ask of it; the server killed and started again |
//! | `network`, `pipe` | bytes on their way: split, late, held up, lost |
//! | `host`, `acts`, `faults` | well-meaning clients, and what goes wrong with them |
//! | `villain` | peers that mean harm |
//! | `walls` | the directory changes: who may not, is not told |
//! | `witness` | checks SIP on one link: answers, order, window |
//! | `ledger` | checks what clients are told: order, gaps, ghosts, seams, rosters |
//! | `finale` | faults stop: what must come true |
//! | `sabotage` | deliberate damage, to see that the checkers can fail |
//! | `marks`, `trace` | what was covered; one run as one number |

pub mod acts;
pub mod agenda;
pub mod database;
pub mod dice;
pub mod faults;
pub mod finale;
pub mod host;
pub mod ledger;
pub mod marks;
pub mod network;
pub mod pipe;
pub mod plan;
pub mod sabotage;
pub mod shell;
pub mod trace;
pub mod villain;
pub mod walls;
pub mod witness;
pub mod world;

pub use marks::Marks;
pub use plan::Plan;
pub use sabotage::{Damage, Sabotage};
pub use world::World;

/// What came of one run.
#[derive(Debug)]
pub struct Outcome {
    /// Sentences about what was wrong; empty when all promises were kept.
    pub violations: Vec<String>,
    /// What was covered.
    pub marks: Marks,
    /// The run as one number.
    pub hash: u64,
}

/// Runs a seed.
pub fn run(seed: u64, is_told: bool) -> Outcome {
    run_plan(seed, Plan::of(seed), None, is_told)
}

/// Runs a plan of one's own.
pub fn run_plan(seed: u64, plan: Plan, sabotage: Option<Sabotage>, is_told: bool) -> Outcome {
    let mut world = World::new(seed, plan);
    world.trace.is_told = is_told;
    world.ledger.is_told = is_told;
    let checks_order = sabotage.is_none();
    world.hosts.iter_mut().for_each(|host| host.witness.checks_order = checks_order);
    world.sabotage = sabotage;
    world.live();
    world.collect();
    if let Some(sabotage) = &world.sabotage {
        world.ledger.marks.add("sabotaged", sabotage.done as u64);
    }
    let hash = world.trace.hash();
    let (violations, marks) = world.ledger.finish();
    Outcome { violations, marks, hash }
}
