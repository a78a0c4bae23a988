//! People from elsewhere: LDAP and Active Directory ([`ldap`]), CSV files ([`csv`]), and the thread
//! that keeps the directory up to date with them ([`runner`]).
//!
//! Whatever the source, people reach the directory as a list of
//! [`PersonRecord`](parlance_core::admin::PersonRecord)s in one act, `Act::SyncPeople`. What cannot
//! be taken over is a [`Finding`] that names the entry or line and the reason; it never stops the
//! rest.
//!
//! A library beside the server's binary, so that its tests do not build all of the server.
#![forbid(unsafe_code)]

pub mod csv;
mod finding;
pub mod ldap;
pub mod runner;

pub use finding::{FINDINGS_MAX, Finding, Findings};

#[cfg(test)]
mod tests;
