//! Lists in pages.

use super::problem::Problem;
use crate::admin::{hex, unhex};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Things in a page where nothing is said.
const LIMIT: usize = 100;
/// Most things in a page.
pub const LIMIT_MAX: usize = 1_000;

/// A page of a list.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Page<T> {
    /// In order.
    pub items: Vec<T>,
    /// Give this as `cursor` for the page behind; without it this is the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// How many are wanted, within the bound.
pub fn limit(wanted: Option<usize>) -> usize {
    wanted.unwrap_or(LIMIT).min(LIMIT_MAX)
}

/// Reads a cursor; empty at the beginning.
pub fn cursor(text: Option<&str>) -> Result<Option<String>, Problem> {
    let Some(text) = text else { return Ok(None) };
    let key = unhex(text).and_then(|bytes| String::from_utf8(bytes).ok());
    let faulty = || Problem::faulty("cursor", "a cursor is given as it was told, or left out");
    key.map(Some).ok_or_else(faulty)
}

/// Writes one.
pub fn cursor_at(key: &str) -> String {
    hex(key.as_bytes())
}

/// Cuts a page out of all that fit. Keys are unique; `view` is called for what is shown only.
pub fn page<T, V>(
    mut all: Vec<(String, T)>,
    after: Option<&str>,
    limit: usize,
    view: impl FnMut(T) -> V,
) -> Page<V> {
    all.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    let from = after.map_or(0, |after| all.partition_point(|(key, _)| key.as_str() <= after));
    let is_more = all.len() - from > limit;
    let shown: Vec<(String, T)> = all.drain(from..).take(limit).collect();
    let next = shown.last().filter(|_| is_more).map(|(key, _)| cursor_at(key));
    Page { items: shown.into_iter().map(|(_, thing)| thing).map(view).collect(), next }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_each_other_to_the_end() {
        let all = || ["c", "ä", "a", "b"].map(|key| (key.to_owned(), key)).to_vec();
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let page = page(all(), after.as_deref(), 3, |key| key);
            seen.extend(page.items);
            match page.next {
                Some(next) => after = cursor(Some(&next)).unwrap(),
                None => break,
            }
        }
        assert_eq!(seen, ["a", "b", "c", "ä"]);
        assert!(page(all(), None, 0, |key| key).items.is_empty());
        assert!(cursor(Some("x")).is_err() && cursor(Some("ff")).is_err());
    }
}
