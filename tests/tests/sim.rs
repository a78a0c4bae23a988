//! The broker against the simulator: many seeds in each test run, one seed on demand.
//!
//! `PARLANCE_SEED=n cargo test -p parlance-tests --test sim replay -- --nocapture` replays a seed
//! with its diary; `PARLANCE_SEEDS=n` changes how many are run, `PARLANCE_FIRST_SEED=n` which.

use parlance_core::Limits;
use parlance_tests::sim::{self, Damage, Marks, Outcome, Plan, Sabotage};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// Seeds of the ordinary test run.
const SEEDS: u64 = 600;

/// What must happen at least once in the ordinary run, or the simulator proves less than it says.
const WANTED: &[&str] = &[
    // Contract: posts of every outcome, everybody told.
    "accepted",
    "unknown",
    "post_200",
    "post_403",
    "post_413",
    "post_481",
    "post_503",
    // Bounds that were met.
    "notices_joined",
    "lags",
    "caught_up",
    "window_full",
    "link_full",
    "link_refused",
    "input_held",
    "command_503",
    "open_failed_503",
    "reply_bjoin_413",
    "reply_setpref_409",
    "reply_setpref_413",
    // The database, and the server killed beside it.
    "older_asked",
    "reply_bccontext_503",
    "reply_bcbydate_200",
    "reply_bcbydate_413",
    "reply_bcbydate_503",
    "reply_getpref_503",
    "search_exceeded",
    "read_whole",
    "server_crashed",
    "forgotten",
    // Sessions and links given up.
    "dropped_backlog",
    "dropped_client_forgot",
    "dropped_expired",
    "dropped_gap",
    "dropped_info_timeout",
    "dropped_lag",
    "dropped_no_ack",
    "dropped_superseded",
    "closed_drained",
    "closed_refused",
    "closed_stalled",
    "closed_too_slow",
    "drained",
    // Rooms.
    "joined",
    "joined_large",
    "became_large",
    "became_small",
    "notice_join",
    "notice_part",
    "restored",
    "back_within_grace",
    // Walls.
    "directory_changed",
    "expelled",
    "told_expelled",
    "silent",
    "history_off",
    "dropped_expelled",
    "dropped_not_served",
    "open_failed_403",
    "reply_join_403",
    "reply_join_404",
    "reply_join_410",
    "reply_bccontext_404",
    "reply_bcbydate_404",
    "refused_denied",
    "refused_not_served",
    "refused_room_disabled",
    "notice_chanmodify",
    "notice_permmodify",
    "notice_kick",
    "reply_chanmodify_200",
    "reply_chanmodify_403",
    "reply_chaninfo_200",
    "reply_getparticipants_200",
    "reply_getparticipants_412",
    "reply_usersearch_200",
    "reply_usersearch_403",
    // Refusals.
    "refused_document",
    "refused_frame",
    "refused_message",
    "refused_no_dialog",
    "refused_not_joined",
    "refused_overload",
    "refused_session_timer",
    "refused_spoofed",
    "refused_stray_response",
    "refused_unknown_room",
    "refused_unsupported",
    "roomy",
    "tight",
];

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is no number: {text}")))
}

/// Runs a seed; a panic of the core is a violation like others.
fn outcome(seed: u64) -> Outcome {
    let run = catch_unwind(AssertUnwindSafe(|| sim::run(seed, false)));
    run.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned()));
        let violations = vec![format!("panic: {}", text.unwrap_or_default())];
        Outcome { violations, marks: Marks::default(), hash: 0 }
    })
}

#[test]
fn all_seeds_keep_the_contract() {
    let first = number("PARLANCE_FIRST_SEED").unwrap_or(0);
    let seeds = number("PARLANCE_SEEDS").unwrap_or(SEEDS);
    let next = AtomicU64::new(first);
    let (marks, failures) = (Mutex::new(Marks::default()), Mutex::new(Vec::new()));
    let hashes = AtomicU64::new(0);
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= first + seeds {
                return;
            }
            let outcome = outcome(seed);
            marks.lock().unwrap().merge(&outcome.marks);
            hashes.fetch_xor(outcome.hash.rotate_left(seed as u32), Ordering::Relaxed);
            if let Some(first) = outcome.violations.first() {
                println!(
                    "PARLANCE_SEED={seed} cargo test -p parlance-tests --test sim replay -- \
                     --nocapture # {} wrong, first: {first}",
                    outcome.violations.len()
                );
                failures.lock().unwrap().push(seed);
            }
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get());
    std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
    let marks = marks.into_inner().unwrap();
    for (name, count) in marks.iter() {
        println!("{count:>9} {name}");
    }
    // The same in every process, or something in the core depends on more than its input.
    println!("{:>9x} all traces", hashes.into_inner());
    let mut failures = failures.into_inner().unwrap();
    failures.sort_unstable();
    assert!(failures.is_empty(), "{} seeds failed: {failures:?}", failures.len());
    if seeds >= SEEDS {
        let missing = marks.missing(WANTED);
        assert!(missing.is_empty(), "never happened: {missing:?}");
    }
}

#[test]
fn replay() {
    let Some(seed) = number("PARLANCE_SEED") else { return };
    let outcome = sim::run(seed, true);
    assert!(outcome.violations.is_empty(), "seed {seed}:\n{}", outcome.violations.join("\n"));
}

#[test]
fn two_runs_of_a_seed_are_the_same() {
    for seed in [3, 11, 26, 59, 108, 196] {
        let (one, two) = (sim::run(seed, false), sim::run(seed, false));
        assert_eq!(one.hash, two.hash, "seed {seed}");
        assert_eq!(one.marks, two.marks, "seed {seed}");
    }
    assert_ne!(sim::run(3, false).hash, sim::run(11, false).hash);
}

/// A world without faults in which everybody posts: what goes wrong in it is the damage.
fn calm_plan(seed: u64) -> Plan {
    Plan {
        is_roomy: true,
        limits: Limits::default(),
        shards: 2,
        rooms: 2,
        users: 6,
        direct: 4,
        front_ends: vec![3],
        villains: 0,
        chaos_us: 4_000_000,
        pause_us: 100_000,
        network_us: 500,
        socket_bytes: 64_000,
        dribble_one_in: 1_000_000,
        fault_percent: 0,
        naughty_percent: 0,
        post_percent: 50,
        storm_us: 0,
        drain_at_us: None,
        crash_us: 0,
        walls_us: 0,
        ..Plan::of(seed)
    }
}

/// The checkers see each kind of damage, in each of some worlds that are in order without it.
fn finds(damage: Damage, kind: &str) {
    for seed in 0..8 {
        let clean = sim::run_plan(seed, calm_plan(seed), None, false);
        assert_eq!(clean.violations, [""; 0], "seed {seed} without damage");
        let sabotage = Sabotage::new(damage, 100);
        let outcome = sim::run_plan(seed, calm_plan(seed), Some(sabotage), false);
        assert!(outcome.marks.count("sabotaged") > 0, "seed {seed}: nothing was damaged");
        let is_found = outcome.violations.iter().any(|what| what.starts_with(kind));
        assert!(is_found, "seed {seed}: {damage:?} was not found: {:?}", outcome.violations);
    }
}

#[test]
fn a_dropped_delivery_is_found() {
    finds(Damage::Drop, "gap:");
}

#[test]
fn two_swapped_deliveries_are_found() {
    finds(Damage::Swap, "repeated:");
}

#[test]
fn a_repeated_delivery_is_found() {
    finds(Damage::Repeat, "repeated:");
}

/// Shards that are not told of a new directory are found out.
#[test]
fn walls_that_leak_are_found() {
    for seed in 0..8 {
        // So often that somebody loses a right while in a room whatever the seed.
        let plan = Plan { walls_us: 30_000, publish_us: 20_000, ..calm_plan(seed) };
        let clean = sim::run_plan(seed, plan.clone(), None, false);
        assert_eq!(clean.violations, [""; 0], "seed {seed} without damage");
        assert!(clean.marks.count("expelled") > 0, "seed {seed}");
        let outcome = sim::run_plan(seed, Plan { walls_leak: true, ..plan }, None, false);
        let is_found = outcome.violations.iter().any(|what| what.ends_with("denied"));
        assert!(is_found, "seed {seed}: nothing was found");
    }
}

/// Roles that come and go with a group, and of which nobody is told, are found out at rest.
#[test]
fn roles_that_are_not_told_are_found() {
    for seed in 0..8 {
        let plan = Plan { walls_us: 100_000, publish_us: 20_000, ..calm_plan(seed) };
        let clean = sim::run_plan(seed, plan.clone(), None, false);
        assert_eq!(clean.violations, [""; 0], "seed {seed} without damage");
        let outcome = sim::run_plan(seed, Plan { roles_untold: true, ..plan }, None, false);
        let is_found = outcome.violations.iter().any(|what| what.contains("believes"));
        assert!(is_found, "seed {seed}: nothing was found");
    }
}

/// A database that keeps what was said while history was off is found out when history is on again.
#[test]
fn a_database_that_keeps_too_much_is_found() {
    let mut found = 0;
    for seed in 0..8 {
        let plan = Plan { walls_us: 50_000, publish_us: 20_000, ..calm_plan(seed) };
        let clean = sim::run_plan(seed, plan.clone(), None, false);
        assert_eq!(clean.violations, [""; 0], "seed {seed} without damage");
        let outcome = sim::run_plan(seed, Plan { archive_leaks: true, ..plan }, None, false);
        found += usize::from(outcome.violations.iter().any(|what| what.ends_with("no history")));
        // What leaks is found where it was asked for, and nowhere else.
        assert!(found > 0 || clean.marks.count("silent") == 0, "seed {seed}: nothing was found");
    }
    assert!(found > 0);
}

/// A server whose log forgets what it had confirmed is found out after a kill.
#[test]
fn a_log_that_forgets_is_found() {
    for seed in 0..8 {
        let plan = Plan { crash_us: 1_000_000, chaos_us: 6_000_000, ..calm_plan(seed) };
        let clean = sim::run_plan(seed, plan.clone(), None, false);
        assert_eq!(clean.violations, [""; 0], "seed {seed} without damage");
        assert!(clean.marks.count("server_crashed") > 0, "seed {seed}");
        let outcome = sim::run_plan(seed, Plan { log_forgets: true, ..plan }, None, false);
        assert!(!outcome.violations.is_empty(), "seed {seed}: nothing was found");
    }
}

#[test]
fn a_delivery_to_a_session_that_left_is_found() {
    finds(Damage::ToParted, "not_joined:");
}
