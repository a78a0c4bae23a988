//! The decision tables of `product.md` §2 as texts. `core/tests/policy.rs` holds the core to them,
//! `tests/tests/admin/tables` a server, by each of its surfaces.
//!
//! A table has a row of headings and rows of cells, between bars. Lines that begin with `#` say of
//! what it is.

#![allow(dead_code, reason = "each test has some of it for itself")]

pub const SCOPES: &str = include_str!("scopes.txt");
pub const SEE: &str = include_str!("see.txt");
pub const JOIN: &str = include_str!("join.txt");
pub const POST: &str = include_str!("post.txt");
pub const READ: &str = include_str!("read.txt");
pub const UPLOAD: &str = include_str!("upload.txt");
pub const CREATE: &str = include_str!("create.txt");
pub const MANAGE: &str = include_str!("manage.txt");
pub const ENABLE: &str = include_str!("enable.txt");
pub const ADMINISTER: &str = include_str!("administer.txt");

/// One decision.
#[derive(Debug, Clone, Copy)]
pub struct Cell<'t> {
    /// The row's first cell.
    pub row: &'t str,
    /// The column's heading.
    pub column: &'t str,
    /// What is decided.
    pub says: &'t str,
}

/// All lines of a table, cut into cells.
fn lines(text: &str) -> impl Iterator<Item = Vec<&str>> {
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    lines.map(|line| line.split('|').map(str::trim).collect())
}

/// The rows of a table, without its headings.
pub fn rows(text: &str) -> impl Iterator<Item = Vec<&str>> {
    lines(text).skip(1)
}

/// The decisions of a table that has one in each cell behind the row's first. A heading may be of
/// several columns that are alike, with commas between them.
pub fn cells(text: &str) -> Vec<Cell<'_>> {
    let headings = lines(text).next().expect("a table has headings");
    let mut cells = Vec::new();
    for row in rows(text) {
        assert_eq!(row.len(), headings.len(), "a cell for each heading: {row:?}");
        for (heading, says) in headings.iter().zip(&row).skip(1) {
            let columns = heading.split(", ");
            cells.extend(columns.map(|column| Cell { row: row[0], column, says }));
        }
    }
    cells
}
