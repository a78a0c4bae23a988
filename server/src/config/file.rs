//! What a configuration file may say. Nothing here is checked beyond its type: that is `resolve`'s.

use super::error::{ConfigError, Faults};
use serde::Deserialize;
use std::path::Path;
use toml::Spanned;

/// A value with its place in the file.
pub type At<T> = Option<Spanned<T>>;

/// The whole file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct File {
    pub server: Server,
    pub cores: Cores,
    pub listen: Listen,
    pub tls: Tls,
    pub log: Log,
    pub store: Store,
    pub limits: Limits,
    pub people: super::people::File,
    pub room: Vec<Room>,
}

/// `[server]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Server {
    pub domain: At<String>,
    pub data: At<String>,
}

/// `[cores]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Cores {
    pub shards: At<CountOrText>,
    pub pin: Option<bool>,
    pub background: At<String>,
    pub io: At<String>,
}

/// `4` or `"2-7"`.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected \"auto\", a number of shards, or a list of cores")]
pub enum CountOrText {
    Count(i64),
    Text(String),
}

/// `[listen]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Listen {
    pub sip: Option<Vec<Spanned<String>>>,
    pub sips: Option<Vec<Spanned<String>>>,
    pub http: At<String>,
    pub peer: At<String>,
}

/// `[tls]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tls {
    pub certificate: At<String>,
    pub key: At<String>,
    pub trust: At<String>,
    pub front_ends: At<Vec<String>>,
}

/// `[log]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    pub ack: At<String>,
    pub engine: At<String>,
    pub quota: At<String>,
}

/// `[store]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Store {
    pub sql: At<String>,
}

/// `[limits]`: see `limits.rs` for bounds and meaning.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    pub links_max: At<u64>,
    pub sessions_max: At<u64>,
    pub link_outbox_bytes_max: At<u64>,
    pub link_stall_ms: At<u64>,
    pub link_idle_ms: At<u64>,
    pub dialogs_per_second: At<u64>,
    pub dialogs_burst: At<u64>,
    pub session_requests_per_second: At<u64>,
    pub session_requests_burst: At<u64>,
    pub window: At<u64>,
    pub info_timeout_ms: At<u64>,
    pub lag_ms_max: At<u64>,
    pub session_expires_s: At<u64>,
    pub session_rooms_max: At<u64>,
    pub feed_items_max: At<u64>,
    pub recent_max: At<u64>,
    pub history_max: At<u64>,
    pub uncommitted_max: At<u64>,
    pub participants_max: At<u64>,
    pub roster_tick_ms: At<u64>,
    pub notice_writes_per_second: At<u64>,
    pub notice_hold_ms: At<u64>,
    pub rejoin_grace_ms: At<u64>,
    pub message_bytes_max: At<u64>,
    pub drain_ms: At<u64>,
}

/// `[[room]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Room {
    pub name: Spanned<String>,
    pub id: Spanned<String>,
    #[serde(default)]
    pub description: String,
    #[serde(default)]
    pub managers: Vec<Spanned<String>>,
}

/// Reads TOML.
///
/// # Errors
/// Anything that is no TOML, an unknown key, or a value of the wrong type.
pub fn parse(path: Option<&Path>, text: &str) -> Result<File, ConfigError> {
    toml::from_str(text).map_err(|error| {
        let what = error.message().trim_end();
        let message =
            format!("{what}; the server does not start with a file it does not understand");
        Faults { path, text }.at(error.span(), "", message)
    })
}
