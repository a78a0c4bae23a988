//! The rows of each table, as columns.
//!
//! Where a table gives out keys, known rows are updated and only new ones inserted: an insert that
//! turns out to be an update would use up a key.

use super::{Keys, texts};
use crate::sql::Error;
use crate::sql::directory::{
    BEHAVIORS, INVITATIONS, KINDS, PRIVACIES, STATES, code, folded, scope_columns,
};
use crate::sql::error::signed;
use crate::sql::postgres::directory::plan::Puts;
use crate::sql::postgres::work::Work;
use parlance_core::directory::model::{Audit, Principal};
use tokio_postgres::types::ToSql;

pub(super) async fn pool(work: &mut Work<'_>, puts: &Puts<'_>) -> Result<(), Error> {
    const SQL: &str = "
        UPDATE directory SET fqdn = $1, display_name = $2, site = $3,
            db_version = $4::text::uuid, root_category = $5::text::uuid, last_invitation = $6";
    let Some(pool) = puts.pool else { return Ok(()) };
    let (version, root) = (pool.db_version.to_string(), pool.root_category.to_string());
    let last = signed(pool.last_invitation)?;
    let values = [&pool.fqdn, &pool.display_name, &pool.site];
    let [fqdn, display_name, site] = values;
    work.execute(SQL, &[fqdn, display_name, site, &version, &root, &last]).await.map(drop)
}

const PRINCIPALS: &str = "
    WITH given AS (
        SELECT id::uuid AS id, kind, uri, display_name, account, email, company, path, state, policy
        FROM unnest($1::text[], $2::smallint[], $3::text[], $4::text[], $5::text[], $6::text[],
            $7::text[], $8::text[], $9::smallint[], $10::text[])
            AS row (id, kind, uri, display_name, account, email, company, path, state, policy)
    ), known AS (
        UPDATE principal SET uri = given.uri, display_name = given.display_name,
            account = given.account, email = given.email, company = given.company,
            path = given.path, state = given.state, policy = given.policy
        FROM given WHERE principal.id = given.id
        RETURNING principal.id
    )
    INSERT INTO principal
        (id, kind, uri, display_name, account, email, company, path, state, policy)
    SELECT * FROM given WHERE id NOT IN (SELECT id FROM known)";

pub(super) async fn principals(work: &mut Work<'_>, puts: &Puts<'_>) -> Result<(), Error> {
    let all: Vec<&Principal> = puts.principals.values().copied().collect();
    let column = |text: fn(&Principal) -> &String| -> Vec<&str> {
        all.iter().map(|principal| text(principal).as_str()).collect()
    };
    let ids = texts(all.iter().map(|principal| principal.id));
    let kinds: Vec<i16> = all.iter().map(|principal| code(&KINDS, principal.kind)).collect();
    let states: Vec<i16> = all.iter().map(|principal| code(&STATES, principal.state)).collect();
    let policies: Vec<Option<&str>> = all.iter().map(|p| p.policy.as_deref()).collect();
    let (uris, names) = (column(|p| &p.uri), column(|p| &p.display_name));
    let (accounts, emails) = (column(|p| &p.account), column(|p| &p.email));
    let (companies, paths) = (column(|p| &p.company), column(|p| &p.path));
    let head: [&(dyn ToSql + Sync); 10] =
        [&ids, &kinds, &uris, &names, &accounts, &emails, &companies, &paths, &states, &policies];
    work.execute(PRINCIPALS, &head).await.map(drop)
}

/// The names of rooms and categories.
pub(super) async fn names(work: &mut Work<'_>, puts: &Puts<'_>) -> Result<(), Error> {
    const SQL: &str = "
        WITH given AS (
            SELECT id::uuid AS id, folded, is_room
            FROM unnest($1::text[], $2::text[], $3::boolean[]) AS row (id, folded, is_room)
        ), known AS (
            UPDATE node SET folded = given.folded FROM given WHERE node.id = given.id
            RETURNING node.id
        )
        INSERT INTO node (id, folded, is_room)
        SELECT * FROM given WHERE id NOT IN (SELECT id FROM known)";
    let categories = puts.categories.values().map(|c| (c.id, &c.name, false));
    let rooms = puts.rooms.values().filter(|room| !puts.categories.contains_key(&room.id));
    let rooms = rooms.map(|room| (room.id, &room.name, true));
    let (mut ids, mut names, mut kinds) = (Vec::new(), Vec::new(), Vec::<bool>::new());
    for (id, name, is_room) in categories.chain(rooms) {
        ids.push(id);
        names.push(folded(name));
        kinds.push(is_room);
    }
    if ids.is_empty() {
        return Ok(());
    }
    work.execute(SQL, &[&texts(ids), &names, &kinds]).await.map(drop)
}

/// Who and when, as columns.
#[derive(Default)]
struct Audits<'a> {
    created_by: Vec<&'a str>,
    created_on: Vec<i64>,
    updated_by: Vec<&'a str>,
    updated_on: Vec<i64>,
}

impl<'a> Audits<'a> {
    fn new(audits: impl Iterator<Item = &'a Audit>) -> Audits<'a> {
        let mut columns = Audits::default();
        for audit in audits {
            columns.created_by.push(&audit.created_by);
            columns.created_on.push(audit.created_on.0);
            columns.updated_by.push(&audit.updated_by);
            columns.updated_on.push(audit.updated_on.0);
        }
        columns
    }
}

fn versions(numbers: impl Iterator<Item = u64>) -> Result<Vec<i64>, Error> {
    numbers.map(signed).collect()
}

pub(super) async fn categories(
    work: &mut Work<'_>,
    puts: &Puts<'_>,
    keys: &Keys,
) -> Result<(), Error> {
    const SQL: &str = "
        INSERT INTO category (key, name, description, invites, file_upload, chat_history,
            created_by, created_on, updated_by, updated_on, version)
        SELECT * FROM unnest($1::integer[], $2::text[], $3::text[], $4::boolean[], $5::boolean[],
            $6::boolean[], $7::text[], $8::bigint[], $9::text[], $10::bigint[], $11::bigint[])
        ON CONFLICT (key) DO UPDATE SET name = excluded.name, description = excluded.description,
            invites = excluded.invites, file_upload = excluded.file_upload,
            chat_history = excluded.chat_history, created_by = excluded.created_by,
            created_on = excluded.created_on, updated_by = excluded.updated_by,
            updated_on = excluded.updated_on, version = excluded.version";
    if puts.categories.is_empty() {
        return Ok(());
    }
    let all = || puts.categories.values();
    let own = all().map(|c| keys.named(c.id, false)).collect::<Result<Vec<i32>, _>>()?;
    let names: Vec<&str> = all().map(|c| c.name.as_str()).collect();
    let descriptions: Vec<&str> = all().map(|c| c.description.as_str()).collect();
    let invites: Vec<bool> = all().map(|c| c.invites).collect();
    let uploads: Vec<bool> = all().map(|c| c.file_upload).collect();
    let histories: Vec<bool> = all().map(|c| c.chat_history).collect();
    let audits = Audits::new(all().map(|c| &c.audit));
    let versions = versions(all().map(|c| c.version))?;
    let values: [&(dyn ToSql + Sync); 11] = [
        &own,
        &names,
        &descriptions,
        &invites,
        &uploads,
        &histories,
        &audits.created_by,
        &audits.created_on,
        &audits.updated_by,
        &audits.updated_on,
        &versions,
    ];
    work.execute(SQL, &values).await.map(drop)
}

const ROOMS: &str = "
    INSERT INTO chat_room (key, category, name, description, privacy, behavior, invitations,
        addin, is_disabled, created_by, created_on, updated_by, updated_on, version)
    SELECT key, category, name, description, privacy, behavior, invitations, addin::uuid,
        is_disabled, created_by, created_on, updated_by, updated_on, version
    FROM unnest($1::integer[], $2::integer[], $3::text[], $4::text[], $5::smallint[],
        $6::smallint[], $7::smallint[], $8::text[], $9::boolean[], $10::text[], $11::bigint[],
        $12::text[], $13::bigint[], $14::bigint[])
        AS row (key, category, name, description, privacy, behavior, invitations, addin,
            is_disabled, created_by, created_on, updated_by, updated_on, version)
    ON CONFLICT (key) DO UPDATE SET category = excluded.category, name = excluded.name,
        description = excluded.description, privacy = excluded.privacy,
        behavior = excluded.behavior, invitations = excluded.invitations, addin = excluded.addin,
        is_disabled = excluded.is_disabled, created_by = excluded.created_by,
        created_on = excluded.created_on, updated_by = excluded.updated_by,
        updated_on = excluded.updated_on, version = excluded.version";

pub(super) async fn rooms(work: &mut Work<'_>, puts: &Puts<'_>, keys: &Keys) -> Result<(), Error> {
    if puts.rooms.is_empty() {
        return Ok(());
    }
    let all = || puts.rooms.values();
    let own = all().map(|room| keys.named(room.id, true)).collect::<Result<Vec<i32>, _>>()?;
    let categories = all().map(|room| keys.node(room.category, false));
    let categories = categories.collect::<Result<Vec<i32>, _>>()?;
    let names: Vec<&str> = all().map(|room| room.name.as_str()).collect();
    let descriptions: Vec<&str> = all().map(|room| room.description.as_str()).collect();
    let privacies: Vec<i16> = all().map(|room| code(&PRIVACIES, room.privacy)).collect();
    let behaviors: Vec<i16> = all().map(|room| code(&BEHAVIORS, room.behavior)).collect();
    let invitations: Vec<i16> = all().map(|room| code(&INVITATIONS, room.invitations)).collect();
    let addins: Vec<Option<String>> = all().map(|room| room.addin.map(|a| a.to_string())).collect();
    let disabled: Vec<bool> = all().map(|room| room.is_disabled).collect();
    let audits = Audits::new(all().map(|room| &room.audit));
    let versions = versions(all().map(|room| room.version))?;
    let values: [&(dyn ToSql + Sync); 14] = [
        &own,
        &categories,
        &names,
        &descriptions,
        &privacies,
        &behaviors,
        &invitations,
        &addins,
        &disabled,
        &audits.created_by,
        &audits.created_on,
        &audits.updated_by,
        &audits.updated_on,
        &versions,
    ];
    work.execute(ROOMS, &values).await.map(drop)
}

pub(super) async fn addins(work: &mut Work<'_>, puts: &Puts<'_>) -> Result<(), Error> {
    const SQL: &str = "
        INSERT INTO addin (id, name, url, version) VALUES ($1::text::uuid, $2, $3, $4)
        ON CONFLICT (id) DO UPDATE SET name = excluded.name, url = excluded.url,
            version = excluded.version";
    for addin in puts.addins.values() {
        let (id, version) = (addin.id.to_string(), signed(addin.version)?);
        work.execute(SQL, &[&id, &addin.name, &addin.url, &version]).await?;
    }
    Ok(())
}

pub(super) async fn policies(work: &mut Work<'_>, puts: &Puts<'_>) -> Result<(), Error> {
    const SQL: &str = "
        INSERT INTO policy (scope, name, is_enabled, description) VALUES ($1, $2, $3, $4)
        ON CONFLICT (scope, name) DO UPDATE SET is_enabled = excluded.is_enabled,
            description = excluded.description";
    for policy in puts.policies.values() {
        let (scope, name) = scope_columns(&policy.scope);
        work.execute(SQL, &[&scope, &name, &policy.is_enabled, &policy.description]).await?;
    }
    Ok(())
}

pub(super) async fn configurations(work: &mut Work<'_>, puts: &Puts<'_>) -> Result<(), Error> {
    const SQL: &str = "
        INSERT INTO configuration (scope, name, default_chat_history, max_file_size_kb,
            participant_update_limit, room_management_url)
        VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (scope, name) DO UPDATE SET
            default_chat_history = excluded.default_chat_history,
            max_file_size_kb = excluded.max_file_size_kb,
            participant_update_limit = excluded.participant_update_limit,
            room_management_url = excluded.room_management_url";
    for configuration in puts.configurations.values() {
        let (scope, name) = scope_columns(&configuration.scope);
        let history = i32::from(configuration.default_chat_history);
        let size = i64::from(configuration.max_file_size_kb);
        let limit = i64::from(configuration.participant_update_limit);
        let url = &configuration.room_management_url;
        work.execute(SQL, &[&scope, &name, &history, &size, &limit, url]).await?;
    }
    Ok(())
}

pub(super) async fn endpoints(work: &mut Work<'_>, puts: &Puts<'_>) -> Result<(), Error> {
    const SQL: &str = "
        INSERT INTO legacy_endpoint (uri, display_name) VALUES ($1, $2)
        ON CONFLICT (uri) DO UPDATE SET display_name = excluded.display_name";
    for endpoint in puts.endpoints.values() {
        work.execute(SQL, &[&endpoint.uri, &endpoint.display_name]).await?;
    }
    Ok(())
}
