//! What an operator chooses.

use super::dn::Dn;
use super::schema::Schema;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

/// Entries per page that may be asked for: Active Directory gives at most 1,000 unless told
/// otherwise, and a page is how often a stopping server looks up.
pub const PAGE_SIZES: RangeInclusive<u16> = 1..=10_000;

/// How the connection is protected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Security {
    /// Not at all: `ldap://` on loopback, or `ldapi://`.
    Plain,
    /// From the first byte: `ldaps://`.
    Tls,
    /// `ldap://`, then StartTLS (RFC 4511 §4.14).
    StartTls,
}

/// As whom to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Name.
    pub bind_dn: String,
    /// Where the password stands; read anew each time, so that it can be changed.
    pub password_file: PathBuf,
}

/// A directory and how to read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `ldap://`, `ldaps://` or `ldapi://`, with host and port.
    pub url: String,
    /// TLS or none.
    pub security: Security,
    /// PEM file of the authorities to trust; the machine's own without it.
    pub ca_file: Option<PathBuf>,
    /// `None` reads as nobody.
    pub credentials: Option<Credentials>,
    /// What is read: this and everything below it, as the operator spells it.
    pub base: String,
    /// The same, to compare by.
    pub base_dn: Dn,
    /// Attributes and filters.
    pub schema: Schema,
    /// Entries per page (RFC 2696).
    pub page_size: u16,
    /// For connecting, and between two answers.
    pub timeout: Duration,
    /// Between runs.
    pub interval: Duration,
    /// Each so many runs it is looked who is gone.
    pub sweep_every: u32,
    /// Each so many runs everything is read again.
    pub full_every: u32,
    /// If a larger share of those known is missing, nobody is taken for gone.
    pub departures_percent_max: u8,
}
