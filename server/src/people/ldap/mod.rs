//! Synchronisation with LDAP servers (RFC 4511) and Active Directory.
//!
//! | module | subject |
//! |---|---|
//! | [`dn`] | distinguished names and when two are the same |
//! | [`schema`] | which attributes and filters a directory uses: presets |
//! | [`entry`] | an entry as plain data |
//! | [`person`] | one entry as a principal, or why it is none |
//! | [`known`] | what the directory in force knows of the people below the base |
//! | [`records`] | all entries as records: addresses, parents, who is gone |
//! | [`cookie`] | how far the last run got |
//! | [`sync`] | a run: what is asked of the server, and when everything is read again |
//! | [`client`] | the only one that reaches a server |
//!
//! Everything but `client` computes on plain data.

mod circles;
pub mod client;
pub mod cookie;
pub mod dn;
pub mod entry;
mod error;
pub mod known;
pub mod person;
mod reading;
pub mod records;
pub mod schema;
mod settings;
pub mod sync;

pub use cookie::Cookie;
pub use error::LdapError;
pub use schema::{Preset, Schema};
pub use settings::{Credentials, PAGE_SIZES, Security, Settings};
pub use sync::{Outcome, Report, RunKind, Sync};

/// Entries that one search may return: more than three times the largest deployment
/// (`product.md` §4.1: 150,000 users), and what we are ready to hold in memory.
pub const ENTRIES_MAX: usize = 500_000;
/// Longest value of an attribute that is looked at; longer ones count as absent. The longest that
/// is of use is a distinguished name.
pub const VALUE_BYTES_MAX: usize = 4_096;
/// Values of one attribute, members left out, that are looked at.
pub const VALUES_MAX: usize = 1_000;
/// Members of one group. A group with more is left as it is, because a list that ends somewhere
/// would take away rights.
pub const GROUP_MEMBERS_MAX: usize = 200_000;
/// Members of all groups of a run together.
pub const MEMBERS_MAX: usize = 5_000_000;
/// New or moved people whose groups are looked up one by one; above it everything is read again.
pub const NEWCOMERS_MAX: usize = 200;
/// So many people may always be missing at once; above it the share of `departures_percent_max`
/// counts.
pub const DEPARTURES_FREE: usize = 20;
