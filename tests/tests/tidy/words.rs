//! Words that must not stand in the project.
//!
//! They are put together from halves here, or the rules would find themselves.

use crate::source::has_word;
use crate::tree::{Finding, Tree};

const UNFINISHED: [&str; 4] = [
    concat!("to", "do!"),
    concat!("unimple", "mented!"),
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
];

/// Either it works or it is not there.
pub fn unfinished(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    let is_text = |path: &str| !path.ends_with(".lock") && !path.starts_with("fuzz/corpus/");
    for file in tree.files.iter().filter(|f| is_text(&f.path)) {
        for (at, line) in file.text.lines().enumerate() {
            let found = UNFINISHED.iter().find(|word| has_word(line, word));
            findings.extend(found.map(|word| {
                file.finding(at, format!("`{word}`: finish it, or leave it out and say so"))
            }));
        }
    }
    findings
}

/// Lets a test sleep where that is its subject: a pace, never a wait for something to happen.
const PACES: &str = concat!("tidy", ": paces");
const IGNORE: &str = concat!("#[ig", "nore");

/// A sleep in a test is a race with a slow machine; an ignored test proves nothing.
pub fn idle_tests(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.rust() {
        for (at, line) in file.numbered().filter(|(_, l)| l.is_test || file.is_test()) {
            let above = at.checked_sub(1).map_or("", |above| &file.lines[above].comment);
            let is_pace = line.comment.contains(PACES) || above.contains(PACES);
            if has_word(&line.code, "sleep") && line.code.contains("sleep(") && !is_pace {
                let advice =
                    format!("wait for the event itself; if this sets a pace: `// {PACES}`");
                findings.push(file.finding(at, advice));
            }
            if line.code.contains(IGNORE) {
                findings.push(file.finding(at, "run it, or take it out"));
            }
        }
    }
    findings
}

/// Folders that exist on one machine only.
const MACHINE: [&str; 3] = [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/home", "/")];

/// Nothing depends on, or speaks of, one machine's folders.
pub fn machine_paths(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in &tree.files {
        for (at, line) in file.text.lines().enumerate() {
            let found = MACHINE.iter().find(|path| is_path(line, path));
            findings.extend(found.map(|path| {
                file.finding(at, format!("`{path}`: name it relative to the project"))
            }));
        }
    }
    findings
}

/// `path` at the start of a path, not in the middle of one.
fn is_path(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || "._-/:".contains(c))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{accepts, fires};

    #[test]
    fn unfinished_work_is_found() {
        for word in UNFINISHED {
            let text = format!("//! A.\n// {word}\n");
            fires(unfinished, &[("core/src/a.rs", &text)], ("core/src/a.rs", 2));
        }
        accepts(unfinished, &[("core/src/a.rs", "//! Lists of todos are fine.\n")]);
    }

    #[test]
    fn sleeps_and_ignored_tests_are_found() {
        let sleep = "fn t() {\n    std::thread::sleep(d);\n}\n";
        fires(idle_tests, &[("tests/tests/a.rs", sleep)], ("tests/tests/a.rs", 2));
        let inside = format!("#[cfg(test)]\nmod tests {{\n{sleep}}}\n");
        fires(idle_tests, &[("core/src/a.rs", &inside)], ("core/src/a.rs", 4));
        accepts(idle_tests, &[("server/src/a.rs", sleep)]);
        let paced = format!("fn t() {{\n    sleep(d); // {PACES}\n}}\n");
        accepts(idle_tests, &[("tests/tests/a.rs", &paced)]);
        let ignored = format!("{IGNORE}]\nfn t() {{}}\n");
        fires(idle_tests, &[("tests/tests/a.rs", &ignored)], ("tests/tests/a.rs", 1));
    }

    #[test]
    fn machine_paths_are_found() {
        for path in MACHINE {
            let text = format!("fine\nsee {path}x\n");
            fires(machine_paths, &[("docs/a.md", &text)], ("docs/a.md", 2));
        }
        accepts(machine_paths, &[("docs/a.md", concat!("https://example.com/home", "/x\n"))]);
    }
}
