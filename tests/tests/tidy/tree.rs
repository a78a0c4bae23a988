//! The files of the project, and what a rule says about them.

use crate::source::{self, Line};
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A place that breaks a rule, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Relative to the top of the project.
    pub path: String,
    /// From 1; 0 means the file as a whole.
    pub line: usize,
    /// What is wrong and what to do.
    pub advice: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.path, self.advice),
            line => write!(f, "{}:{line}: {}", self.path, self.advice),
        }
    }
}

/// A text file.
#[derive(Debug)]
pub struct File {
    /// Relative to the top of the project, `/` between folders.
    pub path: String,
    /// Contents.
    pub text: String,
    /// The same split by [`source::lines`]; empty unless it is Rust.
    pub lines: Vec<Line>,
}

impl File {
    fn new(path: &str, text: String) -> File {
        let lines = if path.ends_with(".rs") { source::lines(&text) } else { Vec::new() };
        File { path: path.to_owned(), text, lines }
    }

    /// A finding in this file; `line` counts from 0.
    pub fn finding(&self, line: usize, advice: impl Into<String>) -> Finding {
        Finding { path: self.path.clone(), line: line + 1, advice: advice.into() }
    }

    /// Is the whole file a test?
    pub fn is_test(&self) -> bool {
        let mut parts = self.path.split('/');
        parts.any(|part| matches!(part, "tests" | "tests.rs" | "test.rs" | "benches" | "examples"))
    }

    /// The package folder the file belongs to, e.g. `wire`.
    pub fn package(&self) -> &str {
        self.path.split('/').next().unwrap_or_default()
    }

    /// Lines of Rust with their number from 0.
    pub fn numbered(&self) -> impl Iterator<Item = (usize, &Line)> {
        self.lines.iter().enumerate()
    }
}

/// All text files that are, or would be, under version control.
#[derive(Debug)]
pub struct Tree {
    /// In path order.
    pub files: Vec<File>,
}

impl Tree {
    /// The project this test belongs to.
    pub fn of_project() -> Tree {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ has a parent");
        let mut paths = listed(root).unwrap_or_else(|| walked(root));
        paths.sort();
        paths.dedup();
        let read = |path: &String| {
            // A file that git knows but that is deleted, or is not text, is no file to judge.
            let text = std::fs::read_to_string(root.join(path)).ok()?;
            Some(File::new(path, text))
        };
        let files: Vec<File> = paths.iter().filter_map(read).collect();
        assert!(files.iter().any(|f| f.path == "Cargo.toml"), "no project at {}", root.display());
        Tree { files }
    }

    /// A made-up project, for the rules' own tests.
    pub fn of(files: &[(&str, &str)]) -> Tree {
        Tree { files: files.iter().map(|(path, text)| File::new(path, (*text).into())).collect() }
    }

    /// The Rust files.
    pub fn rust(&self) -> impl Iterator<Item = &File> {
        self.files.iter().filter(|f| f.path.ends_with(".rs"))
    }

    /// The file of that path.
    pub fn file(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|f| f.path == path)
    }
}

/// What git knows, and new files it does not ignore: they are about to be committed.
fn listed(root: &Path) -> Option<Vec<String>> {
    let arguments = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    let output = Command::new("git").current_dir(root).args(arguments).output().ok()?;
    let paths = String::from_utf8(output.stdout).ok()?;
    let paths: Vec<String> =
        paths.split('\0').filter(|p| !p.is_empty()).map(str::to_owned).collect();
    (output.status.success() && !paths.is_empty()).then_some(paths)
}

/// Everything but build output: for an unpacked archive without git.
fn walked(root: &Path) -> Vec<String> {
    let mut folders = vec![PathBuf::new()];
    let mut paths = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(root.join(&folder)).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let path = folder.join(&name);
            let is_folder = entry.file_type().is_ok_and(|t| t.is_dir());
            let is_output = ["target", ".git", "parlance-data"].iter().any(|n| name == *n);
            match (is_folder, path.to_str()) {
                (true, _) if !is_output => folders.push(path),
                (false, Some(path)) => paths.push(path.to_owned()),
                _ => {}
            }
        }
    }
    paths
}

#[test]
fn the_walk_finds_what_git_lists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ has a parent");
    let walked = walked(root);
    for path in ["Cargo.toml", "wire/src/lib.rs", "tests/tests/tidy/tree.rs"] {
        assert!(walked.iter().any(|p| p == path), "{path} not found");
    }
    assert!(walked.iter().all(|p| !p.starts_with("target/")));
}
