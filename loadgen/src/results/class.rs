//! Labels by which times are told apart: kinds of rooms, phases of a run, kinds of readers.

use super::timing::{Kind, Timings};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// Classes kept apart; further names of an aspect share one class, [`OTHER`].
pub const CLASSES_MAX: usize = 24;
/// The class of names that came when all classes were taken.
pub const OTHER: &str = "other";

/// What a label speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Aspect {
    /// The room: "small", "large".
    Room,
    /// The time: "storm", "steady".
    Phase,
    /// Who reads: "slow".
    Reader,
}

/// A label.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Label {
    /// What it speaks of.
    pub aspect: Aspect,
    /// What it says.
    pub name: String,
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Label { aspect, name } = self;
        match aspect {
            Aspect::Room => write!(f, "room: {name}"),
            Aspect::Phase => write!(f, "phase: {name}"),
            Aspect::Reader => write!(f, "reader: {name}"),
        }
    }
}

/// A class of one [`Classes`], for recording without looking its label up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClassId(usize);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Class {
    label: Label,
    timings: Timings,
}

/// Times by label.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Classes(Vec<Class>);

impl Classes {
    /// The class of a label, which is made if need be.
    pub fn class(&mut self, aspect: Aspect, name: &str) -> ClassId {
        let known = |classes: &[Class], name: &str| {
            classes
                .iter()
                .position(|class| class.label.aspect == aspect && class.label.name == name)
        };
        let name = match known(&self.0, name) {
            Some(at) => return ClassId(at),
            None if self.0.len() < CLASSES_MAX => name,
            None => OTHER,
        };
        let at = known(&self.0, name).unwrap_or_else(|| {
            let label = Label { aspect, name: name.to_owned() };
            self.0.push(Class { label, timings: Timings::default() });
            self.0.len() - 1
        });
        ClassId(at)
    }

    /// Counts one time.
    pub fn record(&mut self, class: ClassId, kind: Kind, time: Duration) {
        self.0[class.0].timings.of_mut(kind).record(time);
    }

    /// Counts all that the others count, label by label.
    pub fn merge(&mut self, other: &Classes) {
        for Class { label, timings } in &other.0 {
            let class = self.class(label.aspect, &label.name);
            self.0[class.0].timings.merge(timings);
        }
    }

    /// All, in the order of their labels' first use.
    pub fn iter(&self) -> impl Iterator<Item = (&Label, &Timings)> {
        self.0.iter().map(|class| (&class.label, &class.timings))
    }
}
