//! What a server goes on from: its log, and its database or, while that is away, the replica.

use crate::admin::{self, Loaded};
use crate::commit::{self, Archive, Opened, Replication, replica_path, unusable};
use crate::config::{Ack, Config};
use crate::tools;
use parlance_core::Endpoint;
use parlance_storage::sql::Error;
use parlance_wire::xccos::Guid;
use std::path::PathBuf;
use std::sync::Arc;

/// All of it, ready.
pub struct Ground {
    /// The database, to be fed.
    pub archive: Archive,
    /// The log, and what the rooms go on from.
    pub opened: Opened,
    /// Which rooms endpoints were in.
    pub endpoints: Arc<[Endpoint]>,
    /// The directory, to be administered.
    pub administration: Loaded,
    /// Keeps the replica; `None` for a database that cannot be away.
    pub replication: Option<Arc<Replication>>,
}

/// Opens everything. `fresh` identifies the log if it has to be made.
///
/// # Errors
/// Why the server must not start: cause, effect, next step.
pub fn open(config: &Config, shards: usize, fresh: Guid) -> Result<Ground, String> {
    tools::refuse_left_behind(config)?;
    let identity = commit::identity(&config.data, config.log.engine, fresh)?;
    let mut archive = Archive::new(&config.store, &identity)?;
    match archive.migrate() {
        Ok(()) => {
            let cursor = archive.cursor().to_owned();
            let replication =
                Replication::of(&config.data, &config.store, &cursor, archive.store())?;
            // Before the rooms' ends are read: rooms that are made now may have been before.
            let administration = admin::open_configured(config, replication.clone())?;
            let (opened, endpoints) = recall(config, &mut archive, shards)?;
            Ok(Ground { archive, opened, endpoints, administration, replication })
        }
        Err(away) => match replica_of(config, &away) {
            None => Err(unusable(&away)),
            Some(path) => without_database(config, archive, path, &identity, shards, &away),
        },
    }
}

/// The replica, if there is one and it is of use: where authors wait for the database nobody could
/// post.
fn replica_of(config: &Config, away: &Error) -> Option<PathBuf> {
    let path = replica_path(&config.data, &config.store)?;
    (away.is_retryable() && config.log.ack == Ack::Log && path.exists()).then_some(path)
}

fn without_database(
    config: &Config,
    archive: Archive,
    path: PathBuf,
    identity: &str,
    shards: usize,
    away: &Error,
) -> Result<Ground, String> {
    let unreadable = |error: &str| {
        format!(
            "{away}, and its replica {} cannot stand in for it ({error}), so nothing is served; \
             bring the database back",
            path.display()
        )
    };
    let mut replica = Archive::new(&format!("sqlite:{}", path.display()), identity)?;
    replica.migrate().map_err(|e| unreadable(&e.to_string()))?;
    let replication = Replication::without(path.clone(), &config.store, archive.cursor());
    let replication = replication.map_err(|e| unreadable(&e.to_string()))?;
    let administration = admin::open_replica(config, replica.store(), replication.clone());
    let administration = administration.map_err(|e| unreadable(&e))?;
    let recalled = recall(config, &mut replica, shards).map_err(|e| unreadable(&e));
    let (opened, endpoints) = recalled?;
    tracing::warn!(
        cause = %away,
        effect = "the server starts from what it knew last: older messages, searches and \
                  administration wait for the database, chat does not",
        next_step = "look after the database; nothing is to be done here when it is back",
        "the database is away"
    );
    Ok(Ground { archive, opened, endpoints, administration, replication })
}

/// Opens the log, and reads what the rooms go on from.
fn recall(
    config: &Config,
    archive: &mut Archive,
    shards: usize,
) -> Result<(Opened, Arc<[Endpoint]>), String> {
    let stored = archive.stored()?;
    let depth = usize::from(config.directory.configuration().default_chat_history);
    let known = archive.recall(depth.min(config.limits.recent_max))?;
    let endpoints = archive.endpoints()?.into();
    let opened = commit::open(&config.data, &config.log, stored, known, shards)?;
    Ok((opened, endpoints))
}
