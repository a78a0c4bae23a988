//! What each Cargo.toml depends on.

use crate::tree::{File, Finding, Tree};

/// Which of our own packages each package may see. The design in one table.
const MAY_SEE: [(&str, &[&str]); 7] = [
    ("parlance-wire", &[]),
    ("parlance-core", &["parlance-wire"]),
    ("parlance-storage", &["parlance-core", "parlance-wire"]),
    ("parlance-web", &["parlance-storage", "parlance-core", "parlance-wire"]),
    ("parlance-compliance", &["parlance-storage", "parlance-core", "parlance-wire"]),
    (
        "parlance",
        &[
            "parlance-web",
            "parlance-compliance",
            "parlance-storage",
            "parlance-core",
            "parlance-wire",
        ],
    ),
    ("parlance-loadgen", &["parlance-wire"]),
];

/// Packages that test or measure the others, and so may see all of them.
const SEE_ALL: [&str; 3] = ["parlance-tests", "parlance-bench", "parlance-fuzz"];

/// Foreign packages that act on the world: not for the pure crates.
const ACTING: [&str; 9] = [
    "tokio",
    "tokio-uring",
    "glommio",
    "rustix",
    "libc",
    "mio",
    "socket2",
    "getrandom",
    "crossbeam",
];

/// One dependency of a manifest.
struct Dependency {
    name: String,
    line: usize,
}

/// The `[…dependencies]` of a manifest, whatever their target and kind; not the workspace's list.
fn dependencies(manifest: &File) -> Vec<Dependency> {
    let mut found = Vec::new();
    let mut inside = false;
    for (line, text) in manifest.text.lines().enumerate() {
        let text = text.split('#').next().unwrap_or_default().trim();
        if let Some(header) = text.strip_prefix('[') {
            let header = header.trim_end_matches(']');
            inside = header.ends_with("dependencies") && !header.starts_with("workspace.");
            // `[dependencies.name]` is a dependency of its own.
            if let Some((table, name)) = header.rsplit_once('.')
                && table.ends_with("dependencies")
                && !table.starts_with("workspace")
            {
                found.push(Dependency { name: name.to_owned(), line });
            }
        } else if inside && let Some((key, _)) = text.split_once('=') {
            let name = key.split('.').next().unwrap_or_default().trim().trim_matches('"');
            found.push(Dependency { name: name.to_owned(), line });
        }
    }
    found
}

fn package_name(manifest: &File) -> Option<&str> {
    let after = manifest.text.split("[package]").nth(1)?;
    let line = after.lines().find(|l| l.trim_start().starts_with("name"))?;
    line.split('"').nth(1)
}

fn manifests(tree: &Tree) -> impl Iterator<Item = &File> {
    tree.files.iter().filter(|f| f.path == "Cargo.toml" || f.path.ends_with("/Cargo.toml"))
}

/// wire <- core <- storage <- { web, compliance } <- server; loadgen -> wire; tests see all.
pub fn direction(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for manifest in manifests(tree) {
        let Some(name) = package_name(manifest) else { continue };
        if SEE_ALL.contains(&name) {
            continue;
        }
        let Some((_, may_see)) = MAY_SEE.iter().find(|(package, _)| *package == name) else {
            findings.push(manifest.finding(0, format!("say in `MAY_SEE` what {name} may see")));
            continue;
        };
        for Dependency { name: seen, line } in dependencies(manifest) {
            let is_ours = seen == "parlance" || seen.starts_with("parlance-");
            if is_ours && !may_see.contains(&seen.as_str()) {
                let advice = format!("{name} may not see {seen}: turn the dependency round");
                findings.push(manifest.finding(line, advice));
            }
            let is_pure = matches!(name, "parlance-wire" | "parlance-core");
            if is_pure && ACTING.contains(&seen.as_str()) {
                let advice = format!("{seen} in the pure {name}: use it in server/");
                findings.push(manifest.finding(line, advice));
            }
        }
    }
    findings
}

const ACCOUNT: &str = "docs/dependencies.md";

/// Each direct dependency has a line that says why it, and none is listed that is gone.
pub fn accounted(tree: &Tree) -> Vec<Finding> {
    let listed = listed(tree);
    let mut findings = Vec::new();
    let mut used = Vec::new();
    for manifest in manifests(tree) {
        for Dependency { name, line } in dependencies(manifest) {
            if name.starts_with("parlance") {
                continue;
            }
            if !listed.iter().any(|(_, listed)| *listed == name) {
                let advice = format!("add an entry \"- `{name}` …\" to {ACCOUNT}: why it?");
                findings.push(manifest.finding(line, advice));
            }
            used.push(name);
        }
    }
    for (line, name) in listed.iter().filter(|(_, name)| !used.iter().any(|u| u == name)) {
        let advice = format!("nobody depends on {name} any more: take the line out");
        findings.push(Finding { path: ACCOUNT.into(), line: line + 1, advice });
    }
    findings
}

/// Names of the account's entries, with their line from 0.
fn listed(tree: &Tree) -> Vec<(usize, &str)> {
    let text = tree.file(ACCOUNT).map_or("", |file| &file.text);
    let entries = text.lines().enumerate().filter_map(|(at, line)| {
        let name = line.strip_prefix("- `")?.split_once('`')?.0;
        Some((at, name))
    });
    entries.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{accepts, fires};

    const CORE: &str = "[package]\nname = \"parlance-core\"\n";

    #[test]
    fn a_dependency_in_the_wrong_direction_is_found() {
        for section in ["dependencies", "dev-dependencies", "target.'cfg(unix)'.dependencies"] {
            let text = format!("{CORE}[{section}]\nparlance-loadgen = {{ path = \"x\" }}\n");
            fires(direction, &[("core/Cargo.toml", &text)], ("core/Cargo.toml", 4));
        }
        let table = format!("{CORE}[dependencies.parlance]\nworkspace = true\n");
        fires(direction, &[("core/Cargo.toml", &table)], ("core/Cargo.toml", 3));
        let acting = format!("{CORE}[dependencies]\nrustix.workspace = true\n");
        fires(direction, &[("core/Cargo.toml", &acting)], ("core/Cargo.toml", 4));
        let stranger = "[package]\nname = \"parlance-new\"\n";
        fires(direction, &[("new/Cargo.toml", stranger)], ("new/Cargo.toml", 1));
    }

    #[test]
    fn the_right_direction_is_accepted() {
        let text =
            format!("{CORE}[dependencies]\nparlance-wire.workspace = true\nslotmap = \"1\"\n");
        accepts(direction, &[("core/Cargo.toml", &text)]);
        let workspace = "[workspace.dependencies]\nparlance-core = { path = \"core\" }\n";
        accepts(direction, &[("Cargo.toml", workspace)]);
    }

    #[test]
    fn an_unaccounted_dependency_is_found() {
        let text = format!("{CORE}[dependencies]\nslotmap = \"1\" # why\n");
        let manifest = ("core/Cargo.toml", text.as_str());
        fires(accounted, &[manifest], ("core/Cargo.toml", 4));
        let account = (ACCOUNT, "# Dependencies\n\n- `slotmap`: keys\n");
        accepts(accounted, &[manifest, account]);
        let more = (ACCOUNT, "- `slotmap`: keys\n- `serde`: gone\n");
        fires(accounted, &[manifest, more], (ACCOUNT, 2));
    }
}
