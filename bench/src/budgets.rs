//! Instructions that each step takes, counted by callgrind, and how many it may take.
//!
//! Times differ from machine to machine and from minute to minute; instructions hardly do. So a
//! change that makes a hot path longer is seen by the ordinary test run. Another compiler, or a
//! processor for which libraries have other code, counts otherwise: the file says what it was
//! counted with, and only with the same are the budgets held to.

use crate::steps;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// How far a count may be from its budget, in both directions: what became cheaper must be noted,
/// or the next change could use it up unseen.
pub const TOLERANCE: f64 = 0.03;

/// The function of `budget-step` in which callgrind counts.
const COUNTED: &str = "*measured*";
/// The profile that `budget-step` is built with, whatever ours is.
const PROFILE: &str = "budget";

/// What a step takes and may take, instructions for each unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Count {
    /// The step.
    pub name: &'static str,
    /// What one unit is.
    pub unit: &'static str,
    /// Counted now.
    pub counted: f64,
    /// In the file; `None` when it is not there.
    pub budget: Option<f64>,
}

impl Count {
    /// By how much more the step takes than it may: 0.01 is one percent.
    pub fn excess(&self) -> f64 {
        self.budget.map_or(f64::INFINITY, |budget| self.counted / budget - 1.0)
    }

    /// Close enough.
    pub fn is_kept(&self) -> bool {
        self.excess().abs() <= TOLERANCE
    }
}

/// The committed file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Budgets {
    counted_with: String,
    instructions: BTreeMap<String, f64>,
}

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Where the budgets are.
pub fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("budgets.toml")
}

/// Is there a valgrind to count with?
pub fn can_count() -> bool {
    Command::new("valgrind").arg("--version").output().is_ok_and(|output| output.status.success())
}

/// What counts depend on beside the program: the compiler, and the processor as libraries see it.
///
/// # Errors
/// If there is no compiler.
pub fn environment() -> Outcome<String> {
    let output = Command::new("rustc").arg("--version").output()?;
    let version = String::from_utf8(output.stdout)?;
    let version: Vec<&str> = version.split_whitespace().take(2).collect();
    #[cfg(target_arch = "x86_64")]
    let wide = std::arch::is_x86_feature_detected!("avx2");
    #[cfg(not(target_arch = "x86_64"))]
    let wide = false;
    let wide = if wide { " with AVX2" } else { "" };
    Ok(format!("{}, {}{wide}", version.join(" "), std::env::consts::ARCH))
}

/// What the budgets in the file were counted with; see [`environment`].
///
/// # Errors
/// If the file cannot be read.
pub fn counted_with() -> Outcome<String> {
    Ok(read()?.counted_with)
}

fn read() -> Outcome<Budgets> {
    Ok(toml::from_str(&std::fs::read_to_string(path())?)?)
}

/// Builds the program that is counted in, counts all steps, and reads their budgets.
///
/// # Errors
/// If it does not build, valgrind fails, or the file cannot be read.
pub fn count_all() -> Outcome<Vec<Count>> {
    let budgets = read()?.instructions;
    let program = build()?;
    let count = |step: steps::Named| -> Outcome<Count> {
        let counted = count(&program, step.name)?;
        let budget = budgets.get(step.name).copied();
        Ok(Count { name: step.name, unit: step.unit, counted, budget })
    };
    let counts = steps::ALL.into_iter().map(count).collect::<Outcome<Vec<Count>>>()?;
    match budgets.keys().find(|name| steps::find(name).is_none()) {
        Some(name) => Err(format!("{}: there is no step {name:?}", path().display()).into()),
        None => Ok(counts),
    }
}

/// The file's text for these counts.
pub fn to_toml(counts: &[Count], environment: &str) -> String {
    let mut text = format!(
        "# Instructions of each hot step, as callgrind counts them: see docs/performance.md.\n\
         # Written by `cargo run -p parlance-bench -- budgets --update`.\n\
         counted_with = \"{environment}\"\n\n[instructions]\n",
    );
    for Count { name, unit, counted, .. } in counts {
        let _ = writeln!(text, "{name} = {counted:.1} # for each {unit}");
    }
    text
}

/// Builds `budget-step`, always with the same profile, and says where it is.
fn build() -> Outcome<PathBuf> {
    let folder = parlance_tests::server::profile_folder();
    let target = folder.parent().ok_or("a profile's folder lies in the target folder")?;
    // Set by cargo; whoever runs the program by hand builds by hand.
    if let Some(cargo) = std::env::var_os("CARGO") {
        let words = ["build", "--quiet", "--profile", PROFILE, "-p", "parlance-bench"];
        let mut command = Command::new(cargo);
        command.args(words).args(["--bin", "budget-step", "--no-default-features"]);
        command.arg("--target-dir").arg(target);
        parlance_tests::server::forget_package(&mut command);
        if !command.current_dir(env!("CARGO_MANIFEST_DIR")).status()?.success() {
            return Err("budget-step does not build".into());
        }
    }
    Ok(target.join(PROFILE).join("budget-step"))
}

/// Counts one step: instructions for each unit.
fn count(program: &Path, name: &str) -> Outcome<f64> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("callgrind.out");
    let mut command = Command::new("valgrind");
    command.args(["--quiet", "--tool=callgrind"]).arg(format!("--toggle-collect={COUNTED}"));
    command.arg(format!("--callgrind-out-file={}", file.display())).arg(program).arg(name);
    let output = command.output()?;
    if !output.status.success() {
        return Err(format!("{name}: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    let units: u64 = String::from_utf8(output.stdout)?.trim().parse()?;
    let text = std::fs::read_to_string(file)?;
    let total = text.lines().find_map(|line| line.strip_prefix("summary: "));
    let total: u64 = total.ok_or("callgrind wrote no summary")?.trim().parse()?;
    match total {
        0 => Err(format!("{name}: callgrind did not find {COUNTED}").into()),
        _ => Ok(total as f64 / units as f64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_keeps_to_its_budget_or_not() {
        let count = |counted, budget| Count { name: "x", unit: "y", counted, budget };
        for (counted, is_kept) in [(1_029.0, true), (1_031.0, false), (971.0, true), (969.0, false)]
        {
            assert_eq!(count(counted, Some(1_000.0)).is_kept(), is_kept, "{counted}");
        }
        assert!(!count(1.0, None).is_kept(), "a step needs a budget");
    }

    #[test]
    fn what_is_written_is_read() {
        let counts = [Count { name: "fan-out", unit: "delivery", counted: 12.34, budget: None }];
        let read: Budgets = toml::from_str(&to_toml(&counts, "rustc 1")).unwrap();
        assert_eq!(read.instructions.get("fan-out"), Some(&12.3));
        assert_eq!(read.counted_with, "rustc 1");
    }
}
