//! Which rooms endpoints are in.

use crate::sql::Error;
use crate::sql::types::{join_rooms, split_rooms};
use parlance_core::Endpoint;
use rusqlite::{Connection, params};

/// See [`crate::sql::Store::endpoints_write`]. Inside the caller's transaction.
pub(super) fn write(connection: &Connection, endpoints: &[Endpoint]) -> Result<(), Error> {
    let mut keep = connection.prepare_cached(
        "INSERT INTO endpoint (owner, epid, rooms, is_told) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (owner, epid)
         DO UPDATE SET rooms = excluded.rooms, is_told = excluded.is_told",
    )?;
    let mut forget =
        connection.prepare_cached("DELETE FROM endpoint WHERE owner = ?1 AND epid = ?2")?;
    for Endpoint { owner, epid, rooms, is_told } in endpoints {
        match rooms.is_empty() {
            true => forget.execute(params![owner, epid])?,
            false => keep.execute(params![owner, epid, join_rooms(rooms), is_told])?,
        };
    }
    Ok(())
}

/// See [`crate::sql::Store::endpoints`].
pub(super) fn read(connection: &Connection, most: usize) -> Result<Vec<Endpoint>, Error> {
    const SQL: &str = "SELECT owner, epid, rooms, is_told FROM endpoint LIMIT ?1";
    let mut statement = connection.prepare_cached(SQL)?;
    let rows = statement.query_map([most as i64], |row| {
        let (owner, epid, rooms): (String, String, String) =
            (row.get(0)?, row.get(1)?, row.get(2)?);
        let is_told = row.get(3)?;
        let (owner, epid) = (owner.into(), epid.into());
        Ok(Endpoint { owner, epid, rooms: split_rooms(&rooms), is_told })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
