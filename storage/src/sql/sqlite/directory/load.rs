//! The whole directory as changes, each table walked once.

use super::revision;
use crate::sql::Error;
use crate::sql::directory::{
    BEHAVIORS, INVITATIONS, KINDS, PRIVACIES, ROLES, STATES, scope, value,
};
use crate::sql::error::unsigned;
use parlance_core::directory::model::{
    Addin, Audit, Category, Configuration, LegacyEndpoint, Policy, Pool, Principal, Role, Room,
};
use parlance_core::directory::{Change, Revision};
use parlance_wire::xccos::{Guid, Timestamp};
use rusqlite::{Connection, Row as SqlRow};
use std::collections::HashMap;

type Ids = HashMap<i64, Guid>;

/// See [`crate::sql::Store::directory_load`]. Inside the caller's transaction.
pub(in crate::sql::sqlite) fn load(
    connection: &Connection,
    each: &mut dyn FnMut(Change),
) -> Result<Revision, Error> {
    let revision = revision(connection)?;
    walk(connection, POOL, |row| pool(row).map(|pool| each(Change::Pool(pool))))?;
    let mut people = Ids::new();
    walk(connection, PRINCIPALS, |row| {
        let principal = principal(row)?;
        people.insert(row.get(0)?, principal.id);
        each(Change::Principal(principal));
        Ok(())
    })?;
    parents(connection, &people, each)?;
    let mut nodes = Ids::new();
    walk(connection, CATEGORIES, |row| {
        let category = category(row)?;
        nodes.insert(row.get(0)?, category.id);
        each(Change::Category(category));
        Ok(())
    })?;
    walk(connection, ADDINS, |row| addin(row).map(|addin| each(Change::Addin(addin))))?;
    walk(connection, ROOMS, |row| {
        let room = room(row, &nodes)?;
        nodes.insert(row.get(0)?, room.id);
        each(Change::Room(room));
        Ok(())
    })?;
    entries(connection, &nodes, &people, each)?;
    walk(connection, POLICIES, |row| policy(row).map(|policy| each(Change::Policy(policy))))?;
    walk(connection, CONFIGURATIONS, |row| {
        configuration(row).map(|configuration| each(Change::Configuration(configuration)))
    })?;
    walk(connection, ENDPOINTS, |row| {
        let (uri, display_name) = (row.get(0)?, row.get(1)?);
        each(Change::Endpoint(LegacyEndpoint { uri, display_name }));
        Ok(())
    })?;
    Ok(revision)
}

const POOL: &str = "SELECT fqdn, display_name, site, db_version, root_category, last_invitation
     FROM directory WHERE fqdn IS NOT NULL";
const PRINCIPALS: &str = "SELECT key, id, kind, uri, display_name, account, email, company, path,
         state, policy
     FROM principal ORDER BY key";
const PARENTS: &str = "SELECT child, parent FROM principal_parent ORDER BY child, parent";
const CATEGORIES: &str = "SELECT key, id, name, description, invites, file_upload, chat_history,
         created_by, created_on, updated_by, updated_on, version
     FROM category JOIN node USING (key) ORDER BY key";
const ADDINS: &str = "SELECT id, name, url, version FROM addin ORDER BY id";
const ROOMS: &str = "SELECT key, id, category, name, description, privacy, behavior, invitations,
         addin, is_disabled, created_by, created_on, updated_by, updated_on, version
     FROM chat_room JOIN node USING (key) ORDER BY key";
const ENTRIES: &str =
    "SELECT node, role, principal FROM access_entry ORDER BY node, role, principal";
const POLICIES: &str =
    "SELECT scope, name, is_enabled, description FROM policy ORDER BY scope, name";
const CONFIGURATIONS: &str = "SELECT scope, name, default_chat_history, max_file_size_kb,
         participant_update_limit, room_management_url
     FROM configuration ORDER BY scope, name";
const ENDPOINTS: &str = "SELECT uri, display_name FROM legacy_endpoint ORDER BY uri";

fn walk(
    connection: &Connection,
    sql: &'static str,
    mut each: impl FnMut(&SqlRow<'_>) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        each(row)?;
    }
    Ok(())
}

fn guid(bytes: [u8; 16]) -> Guid {
    Guid(u128::from_be_bytes(bytes))
}

fn id_of(ids: &Ids, key: i64) -> Result<Guid, Error> {
    let found = ids.get(&key).copied();
    found
        .ok_or_else(|| Error::Corrupt(format!("the directory refers to {key}, which is not there")))
}

/// Collects rows that belong together, and hands them over when the next group begins.
struct Groups<K, F: FnMut(K, Vec<Guid>)> {
    open: Option<(K, Vec<Guid>)>,
    done: F,
}

impl<K: PartialEq, F: FnMut(K, Vec<Guid>)> Groups<K, F> {
    fn new(done: F) -> Groups<K, F> {
        Groups { open: None, done }
    }

    fn add(&mut self, group: K, id: Guid) {
        match &mut self.open {
            Some((open, ids)) if *open == group => ids.push(id),
            _ => {
                self.end();
                self.open = Some((group, vec![id]));
            }
        }
    }

    fn end(&mut self) {
        if let Some((group, mut ids)) = self.open.take() {
            ids.sort_unstable();
            (self.done)(group, ids);
        }
    }
}

fn parents(
    connection: &Connection,
    people: &Ids,
    each: &mut dyn FnMut(Change),
) -> Result<(), Error> {
    let mut groups = Groups::new(|child, parents| each(Change::Parents { child, parents }));
    walk(connection, PARENTS, |row| {
        groups.add(id_of(people, row.get(0)?)?, id_of(people, row.get(1)?)?);
        Ok(())
    })?;
    groups.end();
    Ok(())
}

fn entries(
    connection: &Connection,
    nodes: &Ids,
    people: &Ids,
    each: &mut dyn FnMut(Change),
) -> Result<(), Error> {
    let mut groups = Groups::new(|(node, role): (Guid, Role), add| {
        each(Change::Entries { node, role, add, remove: Vec::new() });
    });
    walk(connection, ENTRIES, |row| {
        let list = (id_of(nodes, row.get(0)?)?, value(&ROLES, row.get(1)?)?);
        groups.add(list, id_of(people, row.get(2)?)?);
        Ok(())
    })?;
    groups.end();
    Ok(())
}

fn pool(row: &SqlRow<'_>) -> Result<Pool, Error> {
    Ok(Pool {
        fqdn: row.get(0)?,
        display_name: row.get(1)?,
        site: row.get(2)?,
        db_version: guid(row.get(3)?),
        root_category: guid(row.get(4)?),
        last_invitation: unsigned(row.get(5)?)?,
    })
}

fn principal(row: &SqlRow<'_>) -> Result<Principal, Error> {
    Ok(Principal {
        id: guid(row.get(1)?),
        kind: value(&KINDS, row.get(2)?)?,
        uri: row.get(3)?,
        display_name: row.get(4)?,
        account: row.get(5)?,
        email: row.get(6)?,
        company: row.get(7)?,
        path: row.get(8)?,
        state: value(&STATES, row.get(9)?)?,
        policy: row.get(10)?,
    })
}

/// Four columns from `first` on.
fn audit(row: &SqlRow<'_>, first: usize) -> Result<Audit, Error> {
    Ok(Audit {
        created_by: row.get(first)?,
        created_on: Timestamp(row.get(first + 1)?),
        updated_by: row.get(first + 2)?,
        updated_on: Timestamp(row.get(first + 3)?),
    })
}

fn category(row: &SqlRow<'_>) -> Result<Category, Error> {
    Ok(Category {
        id: guid(row.get(1)?),
        name: row.get(2)?,
        description: row.get(3)?,
        invites: row.get(4)?,
        file_upload: row.get(5)?,
        chat_history: row.get(6)?,
        audit: audit(row, 7)?,
        version: unsigned(row.get(11)?)?,
    })
}

fn addin(row: &SqlRow<'_>) -> Result<Addin, Error> {
    let (id, version) = (guid(row.get(0)?), unsigned(row.get(3)?)?);
    Ok(Addin { id, name: row.get(1)?, url: row.get(2)?, version })
}

fn room(row: &SqlRow<'_>, categories: &Ids) -> Result<Room, Error> {
    let addin: Option<[u8; 16]> = row.get(8)?;
    Ok(Room {
        id: guid(row.get(1)?),
        category: id_of(categories, row.get(2)?)?,
        name: row.get(3)?,
        description: row.get(4)?,
        privacy: value(&PRIVACIES, row.get(5)?)?,
        behavior: value(&BEHAVIORS, row.get(6)?)?,
        invitations: value(&INVITATIONS, row.get(7)?)?,
        addin: addin.map(guid),
        is_disabled: row.get(9)?,
        audit: audit(row, 10)?,
        version: unsigned(row.get(14)?)?,
    })
}

fn policy(row: &SqlRow<'_>) -> Result<Policy, Error> {
    let scope = scope(row.get(0)?, row.get(1)?)?;
    Ok(Policy { scope, is_enabled: row.get(2)?, description: row.get(3)? })
}

fn configuration(row: &SqlRow<'_>) -> Result<Configuration, Error> {
    Ok(Configuration {
        scope: scope(row.get(0)?, row.get(1)?)?,
        default_chat_history: row.get(2)?,
        max_file_size_kb: row.get(3)?,
        participant_update_limit: row.get(4)?,
        room_management_url: row.get(5)?,
    })
}
