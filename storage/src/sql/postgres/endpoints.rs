//! Which rooms endpoints are in.

use super::Session;
use crate::sql::Error;
use crate::sql::types::{join_rooms, split_rooms};
use parlance_core::Endpoint;
use tokio_postgres::types::ToSql;

const KEEP: &str = "
    INSERT INTO endpoint (owner, epid, rooms, is_told)
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::boolean[])
    ON CONFLICT (owner, epid)
    DO UPDATE SET rooms = excluded.rooms, is_told = excluded.is_told";

const FORGET: &str = "
    DELETE FROM endpoint USING unnest($1::text[], $2::text[]) AS gone (owner, epid)
    WHERE endpoint.owner = gone.owner AND endpoint.epid = gone.epid";

/// See [`crate::sql::Store::endpoints_write`].
pub(super) async fn write(session: &mut Session, endpoints: &[Endpoint]) -> Result<(), Error> {
    let (kept, gone): (Vec<&Endpoint>, Vec<&Endpoint>) =
        endpoints.iter().partition(|endpoint| !endpoint.rooms.is_empty());
    let owners =
        |of: &[&Endpoint]| -> Vec<String> { of.iter().map(|e| e.owner.to_string()).collect() };
    let epids =
        |of: &[&Endpoint]| -> Vec<String> { of.iter().map(|e| e.epid.to_string()).collect() };
    let rooms: Vec<String> = kept.iter().map(|e| join_rooms(&e.rooms)).collect();
    let told: Vec<bool> = kept.iter().map(|e| e.is_told).collect();
    let (keep, forget) = (session.statement(KEEP).await?, session.statement(FORGET).await?);
    let transaction = session.client.transaction().await?;
    let columns: [&(dyn ToSql + Sync); 4] = [&owners(&kept), &epids(&kept), &rooms, &told];
    transaction.execute(&keep, &columns).await?;
    let columns: [&(dyn ToSql + Sync); 2] = [&owners(&gone), &epids(&gone)];
    transaction.execute(&forget, &columns).await?;
    Ok(transaction.commit().await?)
}

/// See [`crate::sql::Store::endpoints`].
pub(super) async fn read(session: &mut Session, most: usize) -> Result<Vec<Endpoint>, Error> {
    const SQL: &str = "SELECT owner, epid, rooms, is_told FROM endpoint LIMIT $1";
    let statement = session.statement(SQL).await?;
    let rows = session.client.query(&statement, &[&(most as i64)]).await?;
    let endpoint = |row: tokio_postgres::Row| {
        let (owner, epid, rooms): (String, String, String) =
            (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        let is_told = row.try_get(3)?;
        let (owner, epid) = (owner.into(), epid.into());
        Ok(Endpoint { owner, epid, rooms: split_rooms(&rooms), is_told })
    };
    rows.into_iter().map(endpoint).collect()
}
