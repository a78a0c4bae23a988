//! What the documents point to.

use crate::tree::{File, Finding, Tree};

/// Links between documents, and files that documents name, exist.
pub fn dangling(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.files.iter().filter(|f| f.path.ends_with(".md")) {
        for (at, line) in file.text.lines().enumerate() {
            let linked = targets(line).filter(|target| !exists(tree, &resolve(file, target)));
            let named = paths(line).filter(|path| !exists(tree, path));
            for path in linked.chain(named) {
                let advice = format!("there is no `{path}`: mend it or take it out");
                findings.push(file.finding(at, advice));
            }
        }
    }
    findings
}

/// Targets of `[text](target)` inside the project, without their `#part`.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    let all = line.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let inside = all.filter(|target| !target.contains("://") && !target.starts_with('#'));
    inside.filter_map(|target| target.split('#').next())
}

/// Things between backticks that look like files of the project from its top.
fn paths(line: &str) -> impl Iterator<Item = &str> {
    let quoted = line.split('`').skip(1).step_by(2);
    quoted.filter(|text| {
        let is_plain = text.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c));
        let is_file = [".rs", ".md", ".sh", ".toml"].iter().any(|end| text.ends_with(end));
        is_plain && is_file && text.contains('/') && !text.starts_with(['/', '.'])
    })
}

/// A target as a path from the top.
fn resolve(file: &File, target: &str) -> String {
    let mut parts: Vec<&str> = file.path.split('/').collect();
    parts.pop();
    for part in target.split('/').filter(|part| !part.is_empty() && *part != ".") {
        match part {
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// A file, or a folder with files in it.
fn exists(tree: &Tree, path: &str) -> bool {
    let folder = format!("{path}/");
    tree.files.iter().any(|f| f.path == path || f.path.starts_with(&folder))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{accepts, fires};

    #[test]
    fn links_and_names_that_lead_nowhere_are_found() {
        let there = ("docs/guide/a.md", "x\n");
        for text in ["see\n[a](guide/b.md)\n", "see\n[a](../a.md#part)\n", "see\n`core/src/x.rs`\n"]
        {
            fires(dangling, &[there, ("docs/index.md", text)], ("docs/index.md", 2));
        }
        let good = "[a](guide/a.md#part), [up](../docs/guide), [out](https://example.com/x), \
                    [here](#part), `docs/guide/a.md`, `tests/<name>.rs`, `a.rs`, `cargo run -p x`";
        accepts(dangling, &[there, ("docs/index.md", good)]);
    }
}
