//! How policies, configurations, endpoints and the pool look in documents.

use super::Versioned;
use parlance_core::Directory;
use parlance_core::directory::model::{Configuration, LegacyEndpoint, Policy, Pool};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A policy.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PolicyView {
    /// `global`, `site:NAME`, `service:FQDN` or `tag:NAME`.
    pub identity: String,
    /// They may chat.
    pub enabled: bool,
    /// What it is for.
    pub description: String,
}

impl From<&Policy> for PolicyView {
    fn from(policy: &Policy) -> PolicyView {
        PolicyView {
            identity: policy.scope.to_string(),
            enabled: policy.is_enabled,
            description: policy.description.clone(),
        }
    }
}

/// A configuration.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ConfigurationView {
    /// `global`, `site:NAME` or `service:FQDN`.
    pub identity: String,
    /// Messages shown on entering a room.
    pub default_chat_history: u16,
    /// Largest file, in KB.
    pub max_file_size_kb: u32,
    /// Participants above which joins and leaves are not told any more.
    pub participant_update_limit: u32,
    /// Replaces the built-in room management pages; empty for those.
    pub room_management_url: String,
}

impl From<&Configuration> for ConfigurationView {
    fn from(of: &Configuration) -> ConfigurationView {
        ConfigurationView {
            identity: of.scope.to_string(),
            default_chat_history: of.default_chat_history,
            max_file_size_kb: of.max_file_size_kb,
            participant_update_limit: of.participant_update_limit,
            room_management_url: of.room_management_url.clone(),
        }
    }
}

/// A further address of the service.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct EndpointView {
    /// `sip:` URI.
    pub uri: String,
    /// Shown to others.
    pub display_name: String,
}

impl From<&LegacyEndpoint> for EndpointView {
    fn from(of: &LegacyEndpoint) -> EndpointView {
        EndpointView { uri: of.uri.clone(), display_name: of.display_name.clone() }
    }
}

/// The pool.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PoolView {
    /// DNS name: prefix of every identity.
    pub fqdn: String,
    /// Shown by clients.
    pub display_name: String,
    /// Site it belongs to.
    pub site: String,
    /// SIP domain of its users.
    pub domain: String,
    /// Where clients find it.
    pub service_uri: String,
    /// Made once with the data.
    pub db_version: String,
    /// Number of the newest invitation.
    pub last_invitation: u64,
    /// How many batches the directory is made of.
    pub revision: u64,
    /// How many there are.
    pub categories: usize,
    /// How many there are.
    pub rooms: usize,
    /// How many principals there are.
    pub people: usize,
}

impl PoolView {
    /// Of a directory.
    pub fn of(directory: &Directory) -> PoolView {
        let pool: &Pool = &directory.pool;
        PoolView {
            fqdn: pool.fqdn.clone(),
            display_name: pool.display_name.clone(),
            site: pool.site.clone(),
            domain: directory.domain.clone(),
            service_uri: directory.service_uri.clone(),
            db_version: pool.db_version.to_string(),
            last_invitation: pool.last_invitation,
            revision: directory.revision.0,
            categories: directory.categories().count(),
            rooms: directory.rooms().count(),
            people: directory.people().len(),
        }
    }
}

macro_rules! unversioned {
    ($($view:ty),+) => {
        $(impl Versioned for $view {
            fn version(&self) -> Option<u64> {
                None
            }
        })+
    };
}

unversioned!(PolicyView, ConfigurationView, EndpointView, PoolView);
