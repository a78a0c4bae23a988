//! The whole directory as changes, in pieces, out of one moment.

use crate::sql::Error;
use crate::sql::directory::{
    BEHAVIORS, INVITATIONS, KINDS, PRIVACIES, ROLES, STATES, scope, value,
};
use crate::sql::error::unsigned;
use crate::sql::postgres::Session;
use crate::sql::postgres::read::guid;
use parlance_core::directory::model::{
    Addin, Audit, Category, Configuration, LegacyEndpoint, Policy, Pool, Principal, Room,
};
use parlance_core::directory::{Change, Revision};
use parlance_wire::xccos::{Guid, Timestamp};
use std::collections::HashMap;
use tokio_postgres::{IsolationLevel, Row, Transaction};

/// Rows that are fetched at a time; a list is one row.
const FETCH_ROWS: i32 = 2_000;

type Ids = HashMap<i32, Guid>;

/// See [`crate::sql::Store::directory_load`].
pub(in crate::sql::postgres) async fn load(
    session: &mut Session,
    each: &mut dyn FnMut(Change),
) -> Result<Revision, Error> {
    let transaction = session.client.build_transaction();
    let transaction = transaction.isolation_level(IsolationLevel::RepeatableRead).read_only(true);
    let transaction = transaction.start().await?;
    let row = transaction.query_one("SELECT revision FROM directory", &[]).await?;
    let revision = Revision(unsigned(row.try_get(0)?)?);
    let (mut people, mut nodes) = (Ids::new(), Ids::new());
    walk(&transaction, POOL, |row| pool(row).map(|pool| each(Change::Pool(pool)))).await?;
    walk(&transaction, PRINCIPALS, |row| {
        let principal = principal(row)?;
        people.insert(row.try_get(0)?, principal.id);
        each(Change::Principal(principal));
        Ok(())
    })
    .await?;
    walk(&transaction, PARENTS, |row| {
        let (child, parents) = (id_of(&people, row.try_get(0)?)?, ids_of(&people, row, 1)?);
        each(Change::Parents { child, parents });
        Ok(())
    })
    .await?;
    walk(&transaction, CATEGORIES, |row| {
        let category = category(row)?;
        nodes.insert(row.try_get(0)?, category.id);
        each(Change::Category(category));
        Ok(())
    })
    .await?;
    walk(&transaction, ADDINS, |row| addin(row).map(|addin| each(Change::Addin(addin)))).await?;
    walk(&transaction, ROOMS, |row| {
        let room = room(row, &nodes)?;
        nodes.insert(row.try_get(0)?, room.id);
        each(Change::Room(room));
        Ok(())
    })
    .await?;
    walk(&transaction, ENTRIES, |row| {
        let (node, role) = (id_of(&nodes, row.try_get(0)?)?, value(&ROLES, row.try_get(1)?)?);
        let add = ids_of(&people, row, 2)?;
        each(Change::Entries { node, role, add, remove: Vec::new() });
        Ok(())
    })
    .await?;
    settings(&transaction, each).await?;
    transaction.rollback().await?;
    Ok(revision)
}

/// Policies, configurations and endpoints.
async fn settings(
    transaction: &Transaction<'_>,
    each: &mut dyn FnMut(Change),
) -> Result<(), Error> {
    walk(transaction, POLICIES, |row| policy(row).map(|policy| each(Change::Policy(policy))))
        .await?;
    walk(transaction, CONFIGURATIONS, |row| {
        configuration(row).map(|configuration| each(Change::Configuration(configuration)))
    })
    .await?;
    walk(transaction, ENDPOINTS, |row| {
        let (uri, display_name) = (row.try_get(0)?, row.try_get(1)?);
        each(Change::Endpoint(LegacyEndpoint { uri, display_name }));
        Ok(())
    })
    .await
}

const POOL: &str = "
    SELECT fqdn, display_name, site, uuid_send(db_version), uuid_send(root_category),
        last_invitation
    FROM directory WHERE fqdn IS NOT NULL";
const PRINCIPALS: &str = "
    SELECT key, uuid_send(id), kind, uri, display_name, account, email, company, path, state,
        policy
    FROM principal ORDER BY key";
const PARENTS: &str = "
    SELECT child, array_agg(parent) FROM principal_parent GROUP BY child ORDER BY child";
const CATEGORIES: &str = "
    SELECT key, uuid_send(id), name, description, invites, file_upload, chat_history, created_by,
        created_on, updated_by, updated_on, version
    FROM category JOIN node USING (key) ORDER BY key";
const ADDINS: &str = "SELECT uuid_send(id), name, url, version FROM addin ORDER BY id";
const ROOMS: &str = "
    SELECT key, uuid_send(id), category, name, description, privacy, behavior, invitations,
        uuid_send(addin), is_disabled, created_by, created_on, updated_by, updated_on, version
    FROM chat_room JOIN node USING (key) ORDER BY key";
const ENTRIES: &str = "
    SELECT node, role, array_agg(principal) FROM access_entry
    GROUP BY node, role ORDER BY node, role";
const POLICIES: &str =
    "SELECT scope, name, is_enabled, description FROM policy ORDER BY scope, name";
const CONFIGURATIONS: &str = "
    SELECT scope, name, default_chat_history, max_file_size_kb, participant_update_limit,
        room_management_url
    FROM configuration ORDER BY scope, name";
const ENDPOINTS: &str = "SELECT uri, display_name FROM legacy_endpoint ORDER BY uri";

async fn walk(
    transaction: &Transaction<'_>,
    sql: &'static str,
    mut each: impl FnMut(&Row) -> Result<(), Error>,
) -> Result<(), Error> {
    let portal = transaction.bind(sql, &[]).await?;
    loop {
        let rows = transaction.query_portal(&portal, FETCH_ROWS).await?;
        rows.iter().try_for_each(&mut each)?;
        if rows.len() < FETCH_ROWS as usize {
            return Ok(());
        }
    }
}

fn id_of(ids: &Ids, key: i32) -> Result<Guid, Error> {
    let found = ids.get(&key).copied();
    found
        .ok_or_else(|| Error::Corrupt(format!("the directory refers to {key}, which is not there")))
}

/// A column of keys as ids, sorted.
fn ids_of(ids: &Ids, row: &Row, column: usize) -> Result<Vec<Guid>, Error> {
    let keys: Vec<i32> = row.try_get(column)?;
    let mut found = keys.into_iter().map(|key| id_of(ids, key)).collect::<Result<Vec<_>, _>>()?;
    found.sort_unstable();
    Ok(found)
}

fn pool(row: &Row) -> Result<Pool, Error> {
    Ok(Pool {
        fqdn: row.try_get(0)?,
        display_name: row.try_get(1)?,
        site: row.try_get(2)?,
        db_version: guid(row.try_get(3)?)?,
        root_category: guid(row.try_get(4)?)?,
        last_invitation: unsigned(row.try_get(5)?)?,
    })
}

fn principal(row: &Row) -> Result<Principal, Error> {
    Ok(Principal {
        id: guid(row.try_get(1)?)?,
        kind: value(&KINDS, row.try_get(2)?)?,
        uri: row.try_get(3)?,
        display_name: row.try_get(4)?,
        account: row.try_get(5)?,
        email: row.try_get(6)?,
        company: row.try_get(7)?,
        path: row.try_get(8)?,
        state: value(&STATES, row.try_get(9)?)?,
        policy: row.try_get(10)?,
    })
}

/// Four columns from `first` on.
fn audit(row: &Row, first: usize) -> Result<Audit, Error> {
    Ok(Audit {
        created_by: row.try_get(first)?,
        created_on: Timestamp(row.try_get(first + 1)?),
        updated_by: row.try_get(first + 2)?,
        updated_on: Timestamp(row.try_get(first + 3)?),
    })
}

fn category(row: &Row) -> Result<Category, Error> {
    Ok(Category {
        id: guid(row.try_get(1)?)?,
        name: row.try_get(2)?,
        description: row.try_get(3)?,
        invites: row.try_get(4)?,
        file_upload: row.try_get(5)?,
        chat_history: row.try_get(6)?,
        audit: audit(row, 7)?,
        version: unsigned(row.try_get(11)?)?,
    })
}

fn addin(row: &Row) -> Result<Addin, Error> {
    let (id, version) = (guid(row.try_get(0)?)?, unsigned(row.try_get(3)?)?);
    Ok(Addin { id, name: row.try_get(1)?, url: row.try_get(2)?, version })
}

fn room(row: &Row, categories: &Ids) -> Result<Room, Error> {
    let addin: Option<&[u8]> = row.try_get(8)?;
    Ok(Room {
        id: guid(row.try_get(1)?)?,
        category: id_of(categories, row.try_get(2)?)?,
        name: row.try_get(3)?,
        description: row.try_get(4)?,
        privacy: value(&PRIVACIES, row.try_get(5)?)?,
        behavior: value(&BEHAVIORS, row.try_get(6)?)?,
        invitations: value(&INVITATIONS, row.try_get(7)?)?,
        addin: addin.map(guid).transpose()?,
        is_disabled: row.try_get(9)?,
        audit: audit(row, 10)?,
        version: unsigned(row.try_get(14)?)?,
    })
}

fn policy(row: &Row) -> Result<Policy, Error> {
    let scope = scope(row.try_get(0)?, row.try_get(1)?)?;
    Ok(Policy { scope, is_enabled: row.try_get(2)?, description: row.try_get(3)? })
}

fn configuration(row: &Row) -> Result<Configuration, Error> {
    let (history, size, limit): (i32, i64, i64) =
        (row.try_get(2)?, row.try_get(3)?, row.try_get(4)?);
    let wrong = || Error::Corrupt("a configuration has a number out of bounds".into());
    Ok(Configuration {
        scope: scope(row.try_get(0)?, row.try_get(1)?)?,
        default_chat_history: u16::try_from(history).map_err(|_| wrong())?,
        max_file_size_kb: u32::try_from(size).map_err(|_| wrong())?,
        participant_update_limit: u32::try_from(limit).map_err(|_| wrong())?,
        room_management_url: row.try_get(5)?,
    })
}
