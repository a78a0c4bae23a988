//! Two runs side by side.

use super::{Document, Figure, figures};
use std::collections::BTreeSet;
use std::fmt;

/// A figure of both.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Of the first run.
    pub a: Figure,
    /// Of the second.
    pub b: Figure,
}

impl Row {
    /// The second by the first, where that means something.
    pub fn ratio(&self) -> Option<f64> {
        let (a, b) = self.a.value.zip(self.b.value)?;
        (a != 0.0).then_some(b / a)
    }

    /// The ratio in words: "1.25", or "—".
    pub fn say_ratio(&self) -> String {
        self.ratio().map_or_else(|| "—".to_owned(), |ratio| format!("{ratio:.2}"))
    }
}

/// An argument, or a circumstance, that was not the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Which.
    pub name: String,
    /// What it was in the first run; absent when it was not there.
    pub a: Option<String>,
    /// And in the second.
    pub b: Option<String>,
}

/// Two runs side by side.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// What was run differently.
    pub differences: Vec<Difference>,
    /// What came of it.
    pub rows: Vec<Row>,
    /// Which of the two found nothing wrong.
    pub are_clean: [bool; 2],
}

/// Arguments that only say where results go, or which process to look at.
const NO_DIFFERENCE: [&str; 3] = ["json", "html", "server-pid"];

impl Comparison {
    /// Of two reports.
    pub fn new(a: &Document, b: &Document) -> Comparison {
        let (summary_a, summary_b) = (a.summary(), b.summary());
        let rows = figures(&summary_a).into_iter().zip(figures(&summary_b));
        Comparison {
            differences: differences(a, b),
            rows: rows.map(|(a, b)| Row { a, b }).collect(),
            are_clean: [summary_a.is_clean(), summary_b.is_clean()],
        }
    }
}

fn differences(a: &Document, b: &Document) -> Vec<Difference> {
    let (a, b) = (circumstances(a), circumstances(b));
    // In the order of the first; what only the second has comes last.
    let mut seen = BTreeSet::new();
    let names = a.iter().chain(&b).map(|(name, _)| *name).filter(|name| seen.insert(*name));
    let value = |all: &[(&str, String)], wanted: &str| {
        all.iter().find(|(name, _)| *name == wanted).map(|(_, value)| value.clone())
    };
    names
        .map(|name| Difference { name: name.to_owned(), a: value(&a, name), b: value(&b, name) })
        .filter(|difference| difference.a != difference.b)
        .collect()
}

/// Arguments and whatever else makes runs differ.
fn circumstances(document: &Document) -> Vec<(&str, String)> {
    let about = &document.about;
    let told = about.arguments.iter().filter(|one| !NO_DIFFERENCE.contains(&one.name.as_str()));
    let server_version = about.server_version.clone().map(|version| ("server version", version));
    let machine = &about.machine;
    told.map(|one| (one.name.as_str(), one.value.clone()))
        .chain([
            ("version", about.version.clone()),
            ("processor", machine.processor.clone()),
            ("cores", machine.cores.to_string()),
            ("kernel", machine.kernel.clone()),
        ])
        .chain(server_version)
        .collect()
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Difference { name, a, b } in &self.differences {
            let said = |value: &Option<String>| value.clone().unwrap_or_else(|| "—".to_owned());
            writeln!(f, "differs    {name}: A {}, B {}", said(a), said(b))?;
        }
        if self.differences.is_empty() {
            writeln!(f, "differs    nothing: same arguments, machine and versions")?;
        }
        writeln!(f, "\n{:<32} {:>14} {:>14} {:>8}", "", "A", "B", "B/A")?;
        for row in &self.rows {
            let (a, b, ratio) = (row.a.say(), row.b.say(), row.say_ratio());
            writeln!(f, "{:<32} {a:>14} {b:>14} {ratio:>8}", row.a.name)?;
        }
        let verdict = |is_clean: bool| if is_clean { "clean" } else { "FAULTY" };
        let [a, b] = self.are_clean.map(verdict);
        write!(f, "{:<32} {a:>14} {b:>14}", "verdict")
    }
}
