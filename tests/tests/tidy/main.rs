//! The project's rules as a test: each says where it is broken and what to do about it.
//!
//! Some rules are laws of the design (who may depend on whom, what the pure crates may name, where
//! `unsafe` may stand); the others keep the house style from eroding. A rule is a function from the
//! [`Tree`] of files to its findings, and comes with tests that it can fail.

mod links;
mod manifests;
mod purity;
mod source;
mod style;
mod tree;
mod words;

use tree::{Finding, Tree};

/// A rule: what is wrong in this tree?
type Rule = fn(&Tree) -> Vec<Finding>;

fn hold(rule: Rule) {
    let findings = rule(&Tree::of_project());
    let list: Vec<String> = findings.iter().map(Finding::to_string).collect();
    assert!(list.is_empty(), "{} found:\n{}", list.len(), list.join("\n"));
}

/// Tests of a rule: it fires at this line of this file, alone.
fn fires(rule: Rule, files: &[(&str, &str)], at: (&str, usize)) {
    let findings = rule(&Tree::of(files));
    let places: Vec<(&str, usize)> = findings.iter().map(|f| (f.path.as_str(), f.line)).collect();
    assert_eq!(places, [at], "in {files:?}: {findings:?}");
}

/// Tests of a rule: it is content.
fn accepts(rule: Rule, files: &[(&str, &str)]) {
    let findings = rule(&Tree::of(files));
    assert!(findings.is_empty(), "in {files:?}: {findings:?}");
}

#[test]
fn dependencies_point_one_way() {
    hold(manifests::direction);
}

#[test]
fn every_dependency_is_accounted_for() {
    hold(manifests::accounted);
}

#[test]
fn pure_crates_touch_nothing_outside() {
    hold(purity::sans_io);
}

#[test]
fn unsafe_stands_where_it_may_and_says_why() {
    hold(purity::unsafe_code);
}

#[test]
fn no_unwrap_outside_tests() {
    hold(style::unwraps);
}

#[test]
fn files_stay_short() {
    hold(style::file_length);
}

#[test]
fn lines_stay_short() {
    hold(style::line_width);
}

#[test]
fn documents_point_to_what_exists() {
    hold(links::dangling);
}

#[test]
fn nothing_is_left_unfinished() {
    hold(words::unfinished);
}

#[test]
fn tests_neither_sleep_nor_rest() {
    hold(words::idle_tests);
}

#[test]
fn no_path_of_one_machine() {
    hold(words::machine_paths);
}
