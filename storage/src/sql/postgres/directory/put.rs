//! Writes what is made, changed or listed: one statement for all rows of a table.
//!
//! Ids are looked up once, here, and lists are written by keys: so that what is not there is known
//! by its id, and a statement of 50,000 entries is small.

mod rows;

use super::plan::Puts;
use super::{inconsistent, texts};
use crate::sql::Error;
use crate::sql::directory::{KINDS, ROLES, code, is_of_room, value};
use crate::sql::error::signed;
use crate::sql::postgres::erase;
use crate::sql::postgres::read::guid;
use crate::sql::postgres::work::Work;
use parlance_core::directory::Inconsistent;
use parlance_wire::xccos::Guid;
use std::collections::{BTreeSet, HashMap};

/// A room or category, as other tables refer to it.
#[derive(Clone, Copy)]
pub(super) struct Node {
    pub key: i32,
    pub is_room: bool,
}

/// A principal, as other tables refer to it.
#[derive(Clone, Copy)]
pub(super) struct Person {
    pub key: i32,
    kind: i16,
}

/// Those of these rooms and categories that there are.
pub(super) async fn nodes(
    work: &mut Work<'_>,
    ids: &BTreeSet<Guid>,
) -> Result<HashMap<Guid, Node>, Error> {
    const SQL: &str = "
        SELECT uuid_send(id), key, is_room FROM node WHERE id = ANY ($1::text[]::uuid[])";
    let found = work.query(SQL, &[&texts(ids.iter().copied())]).await?;
    let read = |row: &tokio_postgres::Row| {
        let node = Node { key: row.try_get(1)?, is_room: row.try_get(2)? };
        Ok((guid(row.try_get(0)?)?, node))
    };
    found.iter().map(read).collect()
}

/// Those of these principals that there are.
pub(super) async fn people(
    work: &mut Work<'_>,
    ids: &BTreeSet<Guid>,
) -> Result<HashMap<Guid, Person>, Error> {
    const SQL: &str = "
        SELECT uuid_send(id), key, kind FROM principal WHERE id = ANY ($1::text[]::uuid[])";
    let found = work.query(SQL, &[&texts(ids.iter().copied())]).await?;
    let read = |row: &tokio_postgres::Row| {
        let person = Person { key: row.try_get(1)?, kind: row.try_get(2)? };
        Ok((guid(row.try_get(0)?)?, person))
    };
    found.iter().map(read).collect()
}

/// Writes all of it.
pub(super) async fn all(work: &mut Work<'_>, puts: &Puts<'_>) -> Result<(), Error> {
    rows::pool(work, puts).await?;
    principals(work, puts).await?;
    rows::addins(work, puts).await?;
    rows::policies(work, puts).await?;
    rows::configurations(work, puts).await?;
    rows::endpoints(work, puts).await?;
    rows::names(work, puts).await?;
    let keys = Keys::look_up(work, puts).await?;
    rows::categories(work, puts, &keys).await?;
    rows::rooms(work, puts, &keys).await?;
    erase::rooms_again(work, puts.rooms.keys()).await?;
    parents(work, puts, &keys).await?;
    entries(work, puts, &keys).await?;
    invitations(work, puts, &keys).await
}

/// Keys of whatever a batch refers to.
struct Keys {
    nodes: HashMap<Guid, Node>,
    people: HashMap<Guid, Person>,
}

impl Keys {
    async fn look_up(work: &mut Work<'_>, puts: &Puts<'_>) -> Result<Keys, Error> {
        let mut ids: BTreeSet<Guid> =
            puts.categories.keys().chain(puts.rooms.keys()).copied().collect();
        ids.extend(puts.rooms.values().map(|room| room.category));
        ids.extend(puts.lists.iter().map(|(node, _)| *node));
        ids.extend(&puts.inviting);
        let mut nodes_known = HashMap::new();
        if !ids.is_empty() {
            nodes_known = nodes(work, &ids).await?;
        }
        let mut ids: BTreeSet<Guid> = puts.parents.keys().copied().collect();
        ids.extend(puts.parents.values().copied().flatten());
        ids.extend(puts.entries.keys().map(|(_, _, principal)| *principal));
        ids.extend(puts.invited.keys().map(|(user, _)| *user));
        let mut people_known = HashMap::new();
        if !ids.is_empty() {
            people_known = people(work, &ids).await?;
        }
        let keys = Keys { nodes: nodes_known, people: people_known };
        keys.verify(puts)?;
        Ok(keys)
    }

    /// Are lists and invitations of things that have such?
    fn verify(&self, puts: &Puts<'_>) -> Result<(), Error> {
        for (node, role) in &puts.lists {
            let is_room = self.any_node(*node)?.is_room;
            if is_of_room(value(&ROLES, *role)?) != is_room {
                return Err(inconsistent(Inconsistent::WrongList(*node)));
            }
        }
        puts.inviting.iter().try_for_each(|room| self.node(*room, true).map(drop))
    }

    fn any_node(&self, id: Guid) -> Result<Node, Error> {
        let node = self.nodes.get(&id).copied();
        node.ok_or_else(|| inconsistent(Inconsistent::NoNode(id)))
    }

    /// The key of a room, or of a category.
    fn node(&self, id: Guid, is_room: bool) -> Result<i32, Error> {
        let node = self.any_node(id)?;
        let is_it = node.is_room == is_room;
        is_it.then_some(node.key).ok_or_else(|| inconsistent(Inconsistent::NoNode(id)))
    }

    /// The key of a room or category whose name was just written: the id may be the other's.
    fn named(&self, id: Guid, is_room: bool) -> Result<i32, Error> {
        self.node(id, is_room).map_err(|_| inconsistent(Inconsistent::Duplicate(id)))
    }

    fn person(&self, id: Guid) -> Result<i32, Error> {
        let person = self.people.get(&id).map(|person| person.key);
        person.ok_or_else(|| inconsistent(Inconsistent::NoPrincipal(id)))
    }
}

async fn principals(work: &mut Work<'_>, puts: &Puts<'_>) -> Result<(), Error> {
    if puts.principals.is_empty() {
        return Ok(());
    }
    let known = people(work, &puts.principals.keys().copied().collect()).await?;
    for (id, principal) in &puts.principals {
        let kind = code(&KINDS, principal.kind);
        if known.get(id).is_some_and(|person| person.kind != kind) {
            return Err(inconsistent(Inconsistent::Kind(*id)));
        }
    }
    rows::principals(work, puts).await
}

async fn parents(work: &mut Work<'_>, puts: &Puts<'_>, keys: &Keys) -> Result<(), Error> {
    if puts.parents.is_empty() {
        return Ok(());
    }
    let all = puts.parents.keys().map(|child| keys.person(*child));
    let all = all.collect::<Result<Vec<i32>, _>>()?;
    work.execute("DELETE FROM principal_parent WHERE child = ANY ($1)", &[&all]).await?;
    let (mut children, mut parents) = (Vec::new(), Vec::new());
    for (child, of_child) in &puts.parents {
        for parent in *of_child {
            children.push(keys.person(*child)?);
            parents.push(keys.person(*parent)?);
        }
    }
    const SQL: &str = "
        INSERT INTO principal_parent (child, parent)
        SELECT * FROM unnest($1::integer[], $2::integer[]) ON CONFLICT DO NOTHING";
    work.execute(SQL, &[&children, &parents]).await.map(drop)
}

/// Entries as columns: node, list, principal.
type Columns = (Vec<i32>, Vec<i16>, Vec<i32>);

async fn entries(work: &mut Work<'_>, puts: &Puts<'_>, keys: &Keys) -> Result<(), Error> {
    const REMOVE: &str = "
        DELETE FROM access_entry
        USING unnest($1::integer[], $2::smallint[], $3::integer[]) AS gone (node, role, principal)
        WHERE access_entry.node = gone.node AND access_entry.role = gone.role
            AND access_entry.principal = gone.principal";
    const ADD: &str = "
        INSERT INTO access_entry (node, role, principal)
        SELECT * FROM unnest($1::integer[], $2::smallint[], $3::integer[])
        ON CONFLICT DO NOTHING";
    let (mut added, mut removed) = (Columns::default(), Columns::default());
    for ((node, role, principal), is_in) in &puts.entries {
        let (nodes, roles, people) = if *is_in { &mut added } else { &mut removed };
        nodes.push(keys.any_node(*node)?.key);
        roles.push(*role);
        people.push(keys.person(*principal)?);
    }
    for (sql, (nodes, roles, people)) in [(REMOVE, removed), (ADD, added)] {
        if !nodes.is_empty() {
            work.execute(sql, &[&nodes, &roles, &people]).await?;
        }
    }
    Ok(())
}

/// Users who are unknown are passed over, as the directory in memory does.
async fn invitations(work: &mut Work<'_>, puts: &Puts<'_>, keys: &Keys) -> Result<(), Error> {
    if puts.inviting.is_empty() {
        return Ok(());
    }
    const RAISE: &str = "UPDATE directory SET last_invitation = greatest(last_invitation, $1)";
    work.execute(RAISE, &[&signed(puts.invitation_floor)?]).await?;
    let (mut people, mut rooms) = (Vec::<i32>::new(), Vec::<i32>::new());
    let (mut numbers, mut times) = (Vec::<i64>::new(), Vec::<i64>::new());
    for ((user, room), (number, on)) in &puts.invited {
        let Some(person) = keys.people.get(user) else { continue };
        people.push(person.key);
        rooms.push(keys.node(*room, true)?);
        numbers.push(signed(*number)?);
        times.push(on.0);
    }
    const SQL: &str = "
        INSERT INTO invitation (principal, room, number, created_on)
        SELECT * FROM unnest($1::integer[], $2::integer[], $3::bigint[], $4::bigint[])
        ON CONFLICT DO NOTHING";
    work.execute(SQL, &[&people, &rooms, &numbers, &times]).await.map(drop)
}
