//! Replays the fuzzers' corpus, and a fixed number of mutants of each input, in the ordinary test
//! run. What a fuzzer finds is kept by putting its input into `fuzz/corpus/<target>`.

use parlance_tests::fuzz::TARGETS;
use parlance_tests::mutate::Mutator;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

/// Mutants of each input; a count, so that every run does the same work.
const MUTANTS: usize = 25_000;

fn corpus(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
    let entries = std::fs::read_dir(&folder).expect("each target has a corpus");
    let mut paths: Vec<PathBuf> =
        entries.map(|e| e.expect("a folder can be read").path()).collect();
    paths.sort();
    let read = |path: PathBuf| {
        let bytes = std::fs::read(&path).expect("a seed can be read");
        (path, bytes)
    };
    paths.into_iter().map(read).collect()
}

/// Runs one input; a panic is told with the input that caused it.
fn run(name: &str, target: fn(&[u8]), input: &[u8], origin: &Path) {
    if catch_unwind(|| target(input)).is_err() {
        panic!("{name} fails on\n{}\nmade from {}", input.escape_ascii(), origin.display());
    }
}

fn replay(name: &str) {
    let (_, target) = *TARGETS.iter().find(|(n, _)| *n == name).expect("the target exists");
    let seeds = corpus(name);
    assert!(seeds.len() >= 10, "{name} has {} seeds", seeds.len());
    for (index, (path, seed)) in seeds.iter().enumerate() {
        run(name, target, seed, path);
        let mut mutator = Mutator::new(index as u64);
        for _ in 0..MUTANTS {
            let mut input = seed.clone();
            let (_, other) = mutator.pick(&seeds);
            mutator.mutate(&mut input, other);
            run(name, target, &input, path);
        }
    }
}

#[test]
fn sip_framer() {
    replay("sip_framer");
}

#[test]
fn sip_message() {
    replay("sip_message");
}

#[test]
fn xccos_client() {
    replay("xccos_client");
}

#[test]
fn xccos_server() {
    replay("xccos_server");
}

#[test]
fn every_target_is_replayed_and_built() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz");
    let manifest = std::fs::read_to_string(root.join("Cargo.toml")).expect("fuzz has a manifest");
    for (name, _) in TARGETS {
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name} is not built");
        let text = std::fs::read_to_string(root.join(format!("fuzz_targets/{name}.rs")));
        let call = format!("fuzz::{name}(data)");
        assert!(text.is_ok_and(|text| text.contains(&call)), "{name} does not call its target");
    }
}
