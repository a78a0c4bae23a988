//! Removes things of the directory.

use super::plan::Removal;
use super::{inconsistent, put, texts};
use crate::sql::Error;
use crate::sql::directory::scope_columns;
use crate::sql::postgres::erase;
use crate::sql::postgres::read::guid;
use crate::sql::postgres::work::Work;
use parlance_core::directory::Inconsistent;
use parlance_core::directory::model::Scope;
use parlance_wire::xccos::Guid;
use std::collections::BTreeSet;

/// Removes things of one kind.
pub(super) async fn all(work: &mut Work<'_>, removal: &Removal<'_>) -> Result<(), Error> {
    match removal {
        Removal::Categories(ids) => categories(work, ids).await,
        Removal::Rooms(ids) => {
            nodes(work, ids, true).await?;
            erase::rooms(work, ids).await
        }
        Removal::Addins(ids) => {
            let sql = "DELETE FROM addin WHERE id = ANY ($1::text[]::uuid[])";
            work.execute(sql, &[&texts(ids.iter().copied())]).await.map(drop)
        }
        Removal::Principals(ids) => principals(work, ids).await,
        Removal::Policies(names) => {
            let sql = "DELETE FROM policy
                USING unnest($1::smallint[], $2::text[]) AS gone (scope, name)
                WHERE (policy.scope, policy.name) = (gone.scope, gone.name)";
            scopes(work, sql, names).await
        }
        Removal::Configurations(names) => {
            let sql = "DELETE FROM configuration
                USING unnest($1::smallint[], $2::text[]) AS gone (scope, name)
                WHERE (configuration.scope, configuration.name) = (gone.scope, gone.name)";
            scopes(work, sql, names).await
        }
        Removal::Endpoints(uris) => {
            let uris: Vec<&str> = uris.iter().copied().collect();
            let sql = "DELETE FROM legacy_endpoint WHERE uri = ANY ($1)";
            work.execute(sql, &[&uris]).await.map(drop)
        }
    }
}

async fn scopes(
    work: &mut Work<'_>,
    sql: &'static str,
    names: &BTreeSet<&Scope>,
) -> Result<(), Error> {
    let (scopes, names): (Vec<i16>, Vec<&str>) =
        names.iter().map(|scope| scope_columns(scope)).unzip();
    work.execute(sql, &[&scopes, &names]).await.map(drop)
}

async fn categories(work: &mut Work<'_>, ids: &BTreeSet<Guid>) -> Result<(), Error> {
    const IN_USE: &str = "
        SELECT uuid_send(id) FROM node
        WHERE id = ANY ($1::text[]::uuid[])
            AND EXISTS (SELECT FROM chat_room WHERE chat_room.category = node.key)
        ORDER BY id LIMIT 1";
    if let Some(row) = work.query(IN_USE, &[&texts(ids.iter().copied())]).await?.first() {
        return Err(inconsistent(Inconsistent::NotEmpty(guid(row.try_get(0)?)?)));
    }
    nodes(work, ids, false).await
}

/// Removes rooms or categories with what hangs on them.
async fn nodes(work: &mut Work<'_>, ids: &BTreeSet<Guid>, is_room: bool) -> Result<(), Error> {
    let known = put::nodes(work, ids).await?;
    let is_there = |id: &&Guid| known.get(*id).is_some_and(|node| node.is_room == is_room);
    if let Some(id) = ids.iter().find(|id| !is_there(id)) {
        return Err(inconsistent(Inconsistent::NoNode(*id)));
    }
    let keys: Vec<i32> = known.values().map(|node| node.key).collect();
    for sql in [
        "DELETE FROM access_entry WHERE node = ANY ($1)",
        "DELETE FROM invitation WHERE room = ANY ($1)",
        "DELETE FROM node WHERE key = ANY ($1)",
    ] {
        work.execute(sql, &[&keys]).await?;
    }
    Ok(())
}

async fn principals(work: &mut Work<'_>, ids: &BTreeSet<Guid>) -> Result<(), Error> {
    let known = put::people(work, ids).await?;
    if let Some(id) = ids.iter().find(|id| !known.contains_key(id)) {
        return Err(inconsistent(Inconsistent::NoPrincipal(*id)));
    }
    let keys: Vec<i32> = known.values().map(|person| person.key).collect();
    for sql in [
        "DELETE FROM principal_parent WHERE child = ANY ($1)",
        "DELETE FROM principal_parent WHERE parent = ANY ($1)",
        "DELETE FROM access_entry WHERE principal = ANY ($1)",
        "DELETE FROM invitation WHERE principal = ANY ($1)",
        "DELETE FROM principal WHERE key = ANY ($1)",
    ] {
        work.execute(sql, &[&keys]).await?;
    }
    Ok(())
}
