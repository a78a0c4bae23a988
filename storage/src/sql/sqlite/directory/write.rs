//! Applies changes one by one, in their order, inside the caller's transaction.

use crate::sql::directory::{
    BEHAVIORS, INVITATIONS, KINDS, PRIVACIES, ROLES, STATES, code, folded, is_of_room,
    scope_columns,
};
use crate::sql::error::signed;
use crate::sql::sqlite::erase;
use crate::sql::{Conflict, Error};
use parlance_core::directory::model::{
    Addin, Category, Configuration, Policy, Pool, Principal, Role, Room,
};
use parlance_core::directory::{Change, Inconsistent};
use parlance_wire::xccos::{Guid, Timestamp};
use rusqlite::{Connection, ErrorCode, OptionalExtension, Params, params};
use std::collections::HashMap;

/// A room or category, as lists refer to it.
#[derive(Clone, Copy)]
struct Node {
    key: i64,
    is_room: bool,
}

/// A batch being applied.
pub(super) struct Writer<'a> {
    connection: &'a Connection,
    /// What has been looked up already.
    principals: HashMap<Guid, i64>,
    nodes: HashMap<Guid, Node>,
}

fn inconsistent(fault: Inconsistent) -> Error {
    Conflict::Inconsistent(fault).into()
}

fn bytes(id: Guid) -> [u8; 16] {
    id.0.to_be_bytes()
}

impl<'a> Writer<'a> {
    pub(super) fn new(connection: &'a Connection) -> Writer<'a> {
        Writer { connection, principals: HashMap::new(), nodes: HashMap::new() }
    }

    pub(super) fn apply(&mut self, change: &Change) -> Result<(), Error> {
        match change {
            Change::Pool(pool) => self.pool(pool),
            Change::Category(category) => self.category(category),
            Change::CategoryRemoved(id) => self.category_removed(*id),
            Change::Room(room) => self.room(room),
            Change::RoomRemoved(id) => self.room_removed(*id),
            Change::Addin(addin) => self.addin(addin),
            Change::AddinRemoved(id) => self.run("DELETE FROM addin WHERE id = ?1", [bytes(*id)]),
            Change::Principal(principal) => self.principal(principal),
            Change::PrincipalRemoved(id) => self.principal_removed(*id),
            Change::Parents { child, parents } => self.parents(*child, parents),
            Change::Entries { node, role, add, remove } => self.entries(*node, *role, add, remove),
            Change::Policy(policy) => self.policy(policy),
            Change::PolicyRemoved(scope) => {
                let sql = "DELETE FROM policy WHERE (scope, name) = (?1, ?2)";
                self.run(sql, scope_columns(scope))
            }
            Change::Configuration(configuration) => self.configuration(configuration),
            Change::ConfigurationRemoved(scope) => {
                let sql = "DELETE FROM configuration WHERE (scope, name) = (?1, ?2)";
                self.run(sql, scope_columns(scope))
            }
            Change::Endpoint(endpoint) => self.run(
                "INSERT INTO legacy_endpoint (uri, display_name) VALUES (?1, ?2)
                 ON CONFLICT (uri) DO UPDATE SET display_name = excluded.display_name",
                [&endpoint.uri, &endpoint.display_name],
            ),
            Change::EndpointRemoved(uri) => {
                self.run("DELETE FROM legacy_endpoint WHERE uri = ?1", [uri])
            }
            Change::Invited { room, number, on, users } => self.invited(*room, *number, *on, users),
        }
    }

    fn run(&self, sql: &'static str, params: impl Params) -> Result<(), Error> {
        self.connection.prepare_cached(sql)?.execute(params)?;
        Ok(())
    }

    /// Runs a statement whose only constraint is that a name or URI is nobody else's.
    fn run_unique<T>(
        &self,
        id: Guid,
        sql: &'static str,
        params: impl Params,
        read: impl FnOnce(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, Error> {
        let result = self.connection.prepare_cached(sql)?.query_row(params, read);
        result.map_err(|error| match error.sqlite_error_code() {
            Some(ErrorCode::ConstraintViolation) => inconsistent(Inconsistent::Duplicate(id)),
            _ => Error::from(error),
        })
    }

    fn find_principal(&mut self, id: Guid) -> Result<Option<i64>, Error> {
        if let Some(key) = self.principals.get(&id) {
            return Ok(Some(*key));
        }
        let mut statement =
            self.connection.prepare_cached("SELECT key FROM principal WHERE id = ?1")?;
        let found: Option<i64> = statement.query_row([bytes(id)], |row| row.get(0)).optional()?;
        self.principals.extend(found.map(|key| (id, key)));
        Ok(found)
    }

    fn principal_key(&mut self, id: Guid) -> Result<i64, Error> {
        self.find_principal(id)?.ok_or_else(|| inconsistent(Inconsistent::NoPrincipal(id)))
    }

    fn node(&mut self, id: Guid) -> Result<Node, Error> {
        if let Some(node) = self.nodes.get(&id) {
            return Ok(*node);
        }
        let mut statement =
            self.connection.prepare_cached("SELECT key, is_room FROM node WHERE id = ?1")?;
        let read = |row: &rusqlite::Row<'_>| Ok(Node { key: row.get(0)?, is_room: row.get(1)? });
        let node = statement.query_row([bytes(id)], read).optional()?;
        let node = node.ok_or_else(|| inconsistent(Inconsistent::NoNode(id)))?;
        self.nodes.insert(id, node);
        Ok(node)
    }

    fn node_of_kind(&mut self, id: Guid, is_room: bool) -> Result<i64, Error> {
        let node = self.node(id)?;
        let is_it = node.is_room == is_room;
        is_it.then_some(node.key).ok_or_else(|| inconsistent(Inconsistent::NoNode(id)))
    }

    fn pool(&self, pool: &Pool) -> Result<(), Error> {
        let Pool { fqdn, display_name, site, db_version, root_category, last_invitation } = pool;
        self.run(
            "UPDATE directory SET fqdn = ?1, display_name = ?2, site = ?3, db_version = ?4,
                 root_category = ?5, last_invitation = ?6",
            params![
                fqdn,
                display_name,
                site,
                bytes(*db_version),
                bytes(*root_category),
                signed(*last_invitation)?
            ],
        )
    }

    /// Takes a name for a room or category, new or known.
    fn named(&mut self, id: Guid, name: &str, is_room: bool) -> Result<i64, Error> {
        let sql = "INSERT INTO node (id, folded, is_room) VALUES (?1, ?2, ?3)
             ON CONFLICT (id) DO UPDATE SET folded = excluded.folded RETURNING key, is_room";
        let read = |row: &rusqlite::Row<'_>| Ok(Node { key: row.get(0)?, is_room: row.get(1)? });
        let node = self.run_unique(id, sql, params![bytes(id), folded(name), is_room], read)?;
        if node.is_room != is_room {
            return Err(inconsistent(Inconsistent::Duplicate(id)));
        }
        self.nodes.insert(id, node);
        Ok(node.key)
    }

    fn category(&mut self, category: &Category) -> Result<(), Error> {
        let key = self.named(category.id, &category.name, false)?;
        let Category { name, description, invites, file_upload, chat_history, audit, .. } =
            category;
        self.run(
            "INSERT INTO category (key, name, description, invites, file_upload, chat_history,
                 created_by, created_on, updated_by, updated_on, version)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
             ON CONFLICT (key) DO UPDATE SET name = excluded.name,
                 description = excluded.description, invites = excluded.invites,
                 file_upload = excluded.file_upload, chat_history = excluded.chat_history,
                 created_by = excluded.created_by, created_on = excluded.created_on,
                 updated_by = excluded.updated_by, updated_on = excluded.updated_on,
                 version = excluded.version",
            params![
                key,
                name,
                description,
                invites,
                file_upload,
                chat_history,
                audit.created_by,
                audit.created_on.0,
                audit.updated_by,
                audit.updated_on.0,
                signed(category.version)?
            ],
        )
    }

    fn category_removed(&mut self, id: Guid) -> Result<(), Error> {
        let key = self.node_of_kind(id, false)?;
        let sql = "SELECT EXISTS (SELECT 1 FROM chat_room WHERE category = ?1)";
        if self.connection.prepare_cached(sql)?.query_row([key], |row| row.get(0))? {
            return Err(inconsistent(Inconsistent::NotEmpty(id)));
        }
        self.nodes.remove(&id);
        self.run("DELETE FROM node WHERE key = ?1", [key])
    }

    fn room(&mut self, room: &Room) -> Result<(), Error> {
        let category = self.node_of_kind(room.category, false)?;
        let key = self.named(room.id, &room.name, true)?;
        let audit = &room.audit;
        self.run(
            "INSERT INTO chat_room (key, category, name, description, privacy, behavior,
                 invitations, addin, is_disabled, created_by, created_on, updated_by, updated_on,
                 version)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
             ON CONFLICT (key) DO UPDATE SET category = excluded.category, name = excluded.name,
                 description = excluded.description, privacy = excluded.privacy,
                 behavior = excluded.behavior, invitations = excluded.invitations,
                 addin = excluded.addin, is_disabled = excluded.is_disabled,
                 created_by = excluded.created_by, created_on = excluded.created_on,
                 updated_by = excluded.updated_by, updated_on = excluded.updated_on,
                 version = excluded.version",
            params![
                key,
                category,
                room.name,
                room.description,
                code(&PRIVACIES, room.privacy),
                code(&BEHAVIORS, room.behavior),
                code(&INVITATIONS, room.invitations),
                room.addin.map(bytes),
                room.is_disabled,
                audit.created_by,
                audit.created_on.0,
                audit.updated_by,
                audit.updated_on.0,
                signed(room.version)?
            ],
        )?;
        erase::room_again(self.connection, room.id)
    }

    fn room_removed(&mut self, id: Guid) -> Result<(), Error> {
        let key = self.node_of_kind(id, true)?;
        self.nodes.remove(&id);
        self.run("DELETE FROM node WHERE key = ?1", [key])?;
        erase::room(self.connection, id)
    }

    fn addin(&self, addin: &Addin) -> Result<(), Error> {
        let sql = "INSERT INTO addin (id, name, url, version) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (id) DO UPDATE SET name = excluded.name, url = excluded.url,
                 version = excluded.version
             RETURNING 0";
        let Addin { id, name, url, version } = addin;
        let values = params![bytes(*id), name, url, signed(*version)?];
        self.run_unique(*id, sql, values, |_| Ok(()))
    }

    fn principal(&mut self, principal: &Principal) -> Result<(), Error> {
        let Principal { id, uri, display_name, account, email, company, path, policy, .. } =
            principal;
        let kind = code(&KINDS, principal.kind);
        let sql = "INSERT INTO principal (id, kind, uri, display_name, account, email, company,
                 path, state, policy)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
             ON CONFLICT (id) DO UPDATE SET uri = excluded.uri,
                 display_name = excluded.display_name, account = excluded.account,
                 email = excluded.email, company = excluded.company, path = excluded.path,
                 state = excluded.state, policy = excluded.policy
             RETURNING key, kind";
        let values = params![
            bytes(*id),
            kind,
            uri,
            display_name,
            account,
            email,
            company,
            path,
            code(&STATES, principal.state),
            policy
        ];
        let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
        let (key, stored): (i64, i16) = self.run_unique(*id, sql, values, read)?;
        if stored != kind {
            return Err(inconsistent(Inconsistent::Kind(*id)));
        }
        self.principals.insert(*id, key);
        Ok(())
    }

    fn principal_removed(&mut self, id: Guid) -> Result<(), Error> {
        let key = self.principal_key(id)?;
        self.principals.remove(&id);
        self.run("DELETE FROM principal WHERE key = ?1", [key])
    }

    fn parents(&mut self, child: Guid, parents: &[Guid]) -> Result<(), Error> {
        let child = self.principal_key(child)?;
        self.run("DELETE FROM principal_parent WHERE child = ?1", [child])?;
        for parent in parents {
            let parent = self.principal_key(*parent)?;
            let sql = "INSERT INTO principal_parent (child, parent) VALUES (?1, ?2)
                 ON CONFLICT DO NOTHING";
            self.run(sql, [child, parent])?;
        }
        Ok(())
    }

    fn entries(
        &mut self,
        node: Guid,
        role: Role,
        add: &[Guid],
        remove: &[Guid],
    ) -> Result<(), Error> {
        let Node { key, is_room } = self.node(node)?;
        if is_of_room(role) != is_room {
            return Err(inconsistent(Inconsistent::WrongList(node)));
        }
        let role = i64::from(code(&ROLES, role));
        for id in remove {
            let principal = self.principal_key(*id)?;
            let sql = "DELETE FROM access_entry
                 WHERE (node, role, principal) = (?1, ?2, ?3)";
            self.run(sql, [key, role, principal])?;
        }
        for id in add {
            let principal = self.principal_key(*id)?;
            let sql = "INSERT INTO access_entry (node, role, principal) VALUES (?1, ?2, ?3)
                 ON CONFLICT DO NOTHING";
            self.run(sql, [key, role, principal])?;
        }
        Ok(())
    }

    fn policy(&self, policy: &Policy) -> Result<(), Error> {
        let (scope, name) = scope_columns(&policy.scope);
        self.run(
            "INSERT INTO policy (scope, name, is_enabled, description) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (scope, name) DO UPDATE SET is_enabled = excluded.is_enabled,
                 description = excluded.description",
            params![scope, name, policy.is_enabled, policy.description],
        )
    }

    fn configuration(&self, configuration: &Configuration) -> Result<(), Error> {
        let (scope, name) = scope_columns(&configuration.scope);
        self.run(
            "INSERT INTO configuration (scope, name, default_chat_history, max_file_size_kb,
                 participant_update_limit, room_management_url)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (scope, name) DO UPDATE SET
                 default_chat_history = excluded.default_chat_history,
                 max_file_size_kb = excluded.max_file_size_kb,
                 participant_update_limit = excluded.participant_update_limit,
                 room_management_url = excluded.room_management_url",
            params![
                scope,
                name,
                configuration.default_chat_history,
                configuration.max_file_size_kb,
                configuration.participant_update_limit,
                configuration.room_management_url
            ],
        )
    }

    /// Users who are unknown are passed over, as the directory in memory does.
    fn invited(
        &mut self,
        room: Guid,
        number: u64,
        on: Timestamp,
        users: &[Guid],
    ) -> Result<(), Error> {
        let room = self.node_of_kind(room, true)?;
        let number = signed(number)?;
        let sql = "UPDATE directory SET last_invitation = max(last_invitation, ?1)";
        self.run(sql, [number])?;
        for user in users {
            let Some(principal) = self.find_principal(*user)? else { continue };
            let sql = "INSERT INTO invitation (principal, room, number, created_on)
                 VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING";
            self.run(sql, [principal, room, number, on.0])?;
        }
        Ok(())
    }
}
