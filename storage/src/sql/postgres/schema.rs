//! The tables and their versions.

use crate::sql::{Error, Migrated, SchemaFault, SchemaState};
use tokio_postgres::Client;

/// Steps from an empty database to this program's tables, the first being version 1. A step that
/// has been released is never changed.
const STEPS: [(&str, &str); 4] = [
    ("messages", include_str!("0001_messages.sql")),
    ("preferences", include_str!("0002_preferences.sql")),
    ("endpoints", include_str!("0003_endpoints.sql")),
    ("directory", include_str!("0004_directory.sql")),
];

/// Version of this program.
pub(super) const VERSION: u32 = STEPS.len() as u32;

/// Held while migrating: "parlance" as a number.
const LOCK: i64 = 0x7061_726c_616e_6365;

const TABLE: &str = "CREATE TABLE IF NOT EXISTS schema_version (
    version    integer PRIMARY KEY,
    name       text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)";

/// The database's version; 0 if it has no tables of ours.
async fn version(client: &Client) -> Result<u32, Error> {
    const EXISTS: &str = "SELECT to_regclass('schema_version') IS NOT NULL";
    let exists: bool = client.query_one(EXISTS, &[]).await?.try_get(0)?;
    if !exists {
        return Ok(0);
    }
    const NEWEST: &str = "SELECT coalesce(max(version), 0) FROM schema_version";
    let version: i32 = client.query_one(NEWEST, &[]).await?.try_get(0)?;
    u32::try_from(version).map_err(|_| Error::Corrupt(format!("schema version {version}")))
}

async fn setting(client: &Client, name: &str) -> Result<String, Error> {
    Ok(client.query_one("SELECT current_setting($1)", &[&name]).await?.try_get(0)?)
}

/// Refuses a database that is not this program's.
pub(super) async fn verify(client: &Client) -> Result<(), Error> {
    match version(client).await? {
        found if found > VERSION => Err(SchemaFault::Newer { found, known: VERSION }.into()),
        found if found < VERSION => Err(SchemaFault::Older { found, known: VERSION }.into()),
        _ => Ok(()),
    }
}

/// See [`crate::sql::Store::check`].
pub(super) async fn check(client: &Client) -> Result<SchemaState, Error> {
    let mut warnings = Vec::new();
    let reasons = [
        ("fsync", "a crash of the machine can damage the whole database"),
        ("full_page_writes", "a crash of the machine can damage the whole database"),
    ];
    for (name, reason) in reasons {
        if setting(client, name).await? == "off" {
            warnings.push(format!("{name} is off: {reason}"));
        }
    }
    if setting(client, "server_encoding").await? != "UTF8" {
        warnings.push(SchemaFault::Encoding.to_string());
    }
    Ok(SchemaState { version: version(client).await?, known: VERSION, warnings })
}

/// See [`crate::sql::Store::migrate_to`].
pub(super) async fn migrate(client: &mut Client, to: u32) -> Result<Migrated, Error> {
    if setting(client, "server_encoding").await? != "UTF8" {
        return Err(SchemaFault::Encoding.into());
    }
    // Of servers that start at once one migrates; the others wait, and find it done. They wait for
    // as long as it takes, which is why the session's bound is lifted.
    client.batch_execute("SET lock_timeout = 0").await?;
    client.execute("SELECT pg_advisory_lock($1)", &[&LOCK]).await?;
    let result = steps(client, to.min(VERSION)).await;
    client.execute("SELECT pg_advisory_unlock($1)", &[&LOCK]).await?;
    client.batch_execute("SET lock_timeout = '10s'").await?;
    result
}

async fn steps(client: &mut Client, to: u32) -> Result<Migrated, Error> {
    let from = version(client).await?;
    if from > VERSION {
        return Err(SchemaFault::Newer { found: from, known: VERSION }.into());
    }
    for (at, (name, step)) in STEPS.iter().enumerate().take(to as usize).skip(from as usize) {
        let number = at as i32 + 1;
        let transaction = client.transaction().await?;
        transaction.batch_execute(TABLE).await?;
        transaction.batch_execute(step).await?;
        let done = "INSERT INTO schema_version (version, name) VALUES ($1, $2)";
        transaction.execute(done, &[&number, name]).await?;
        transaction.commit().await?;
    }
    Ok(Migrated { from, to: to.max(from) })
}
