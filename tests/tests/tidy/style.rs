//! Widths, lengths and `unwrap`.

use crate::source::has_word;
use crate::tree::{Finding, Tree};

/// Columns of a line of Rust or Markdown.
const COLUMNS_MAX: usize = 100;
/// Lines of a Rust file that is not a test.
const LINES_MAX: usize = 800;

/// Rust and Markdown fit side by side on a screen.
pub fn line_width(tree: &Tree) -> Vec<Finding> {
    let wide =
        |file: &&crate::tree::File| [".rs", ".md"].iter().any(|end| file.path.ends_with(end));
    let mut findings = Vec::new();
    for file in tree.files.iter().filter(wide) {
        for (at, line) in file.text.lines().enumerate() {
            let columns = line.chars().count();
            if columns > COLUMNS_MAX {
                let advice = format!("{columns} columns: break it at {COLUMNS_MAX}");
                findings.push(file.finding(at, advice));
            }
        }
    }
    findings
}

/// A file that grows past this has more than one subject.
pub fn file_length(tree: &Tree) -> Vec<Finding> {
    let files = tree.rust().filter(|f| !f.is_test());
    files
        .filter_map(|file| {
            let count = file.text.lines().count();
            let advice = format!("{count} lines: split it by subject below {LINES_MAX}");
            (count > LINES_MAX).then(|| file.finding(count - 1, advice))
        })
        .collect()
}

/// `unwrap` says nothing about why it holds.
pub fn unwraps(tree: &Tree) -> Vec<Finding> {
    let files = tree.rust().filter(|f| !f.is_test());
    files
        .flat_map(|file| {
            let lines = file.numbered().filter(|(_, l)| !l.is_test);
            lines.filter(|(_, l)| has_word(&l.code, ".unwrap()")).map(|(at, _)| {
                file.finding(at, "handle it, or say with `expect` why it cannot fail")
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{accepts, fires};

    #[test]
    fn wide_lines_are_found() {
        let exact = "ä".repeat(COLUMNS_MAX);
        let wide = format!("one\n{exact}x\n");
        fires(line_width, &[("docs/a.md", &wide)], ("docs/a.md", 2));
        fires(line_width, &[("wire/src/a.rs", &wide)], ("wire/src/a.rs", 2));
        accepts(line_width, &[("docs/a.md", &exact), ("Cargo.lock", &wide)]);
    }

    #[test]
    fn long_files_are_found() {
        let long = "\n".repeat(LINES_MAX + 1);
        fires(file_length, &[("core/src/a.rs", &long)], ("core/src/a.rs", LINES_MAX + 1));
        accepts(file_length, &[("core/src/a.rs", &long[1..]), ("tests/tests/a.rs", &long)]);
    }

    #[test]
    fn unwraps_are_found() {
        let text = "fn f() {\n    g().unwrap();\n}\n";
        fires(unwraps, &[("server/src/a.rs", text)], ("server/src/a.rs", 2));
        let tested = format!("#[cfg(test)]\nmod tests {{\n{text}}}\n");
        accepts(unwraps, &[("server/src/a.rs", &tested), ("tests/src/a.rs", text)]);
        accepts(unwraps, &[("server/src/a.rs", "g().unwrap_or_default(); // never .unwrap()\n")]);
    }
}
