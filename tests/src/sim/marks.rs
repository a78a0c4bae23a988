//! Which interesting things happened: a simulator that never meets a bound proves nothing about it.

use std::collections::BTreeMap;

/// Counts by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Marks(BTreeMap<String, u64>);

impl Marks {
    /// It happened once more.
    pub fn hit(&mut self, name: &str) {
        self.add(name, 1);
    }

    /// It happened `count` times more.
    pub fn add(&mut self, name: &str, count: u64) {
        if count > 0 {
            *self.0.entry(name.to_owned()).or_default() += count;
        }
    }

    /// How often it happened.
    pub fn count(&self, name: &str) -> u64 {
        self.0.get(name).copied().unwrap_or_default()
    }

    /// Takes those of another world in.
    pub fn merge(&mut self, other: &Marks) {
        other.0.iter().for_each(|(name, count)| self.add(name, *count));
    }

    /// Names that never happened.
    pub fn missing<'n>(&self, wanted: &[&'n str]) -> Vec<&'n str> {
        wanted.iter().copied().filter(|name| self.count(name) == 0).collect()
    }

    /// All, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0.iter().map(|(name, count)| (name.as_str(), *count))
    }
}
