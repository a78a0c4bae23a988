//! What was done and refused.

use super::Api;
use super::auth::Caller;
use super::extract::Params;
use super::page::{Page, cursor, cursor_at, limit};
use super::problem::Problem;
use crate::admin::StoredRecord;
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// What is written down of an act.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct RecordView {
    /// Permanent identifier.
    id: String,
    /// The directory's revision after it.
    revision: u64,
    /// When.
    at: String,
    /// Who.
    actor: String,
    /// Which way.
    surface: String,
    /// What, such as `room.set`.
    act: String,
    /// Of what, as the actor named it.
    target: String,
    /// What was wanted.
    detail: serde_json::Value,
    /// Why.
    reason: String,
    /// Key of the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_key: Option<String>,
    /// What came of it.
    outcome: serde_json::Value,
}

/// Which records.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RecordParams {
    /// Most records wanted.
    limit: Option<usize>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// Records, from the newest on.
#[utoipa::path(get, path = "/api/v1/records", tag = "records", params(RecordParams),
    responses((status = 200, body = Page<RecordView>)))]
pub async fn list(
    State(api): State<Api>,
    caller: Caller,
    Params(params): Params<RecordParams>,
) -> Result<Json<Page<RecordView>>, Problem> {
    caller.must_read_all()?;
    let before = match cursor(params.cursor.as_deref())? {
        None => None,
        Some(key) => Some(key.parse().map_err(|_| {
            Problem::faulty("cursor", "a cursor is given as it was told, or left out")
        })?),
    };
    let limit = limit(params.limit);
    if limit == 0 {
        return Ok(Json(Page { items: Vec::new(), next: None }));
    }
    let records = api.admin.records(before, limit).await?;
    let next = records.last().filter(|_| records.len() == limit);
    let next = next.map(|record| cursor_at(&record.row.to_string()));
    Ok(Json(Page { items: records.into_iter().map(view).collect(), next }))
}

fn view(StoredRecord { revision, record, .. }: StoredRecord) -> RecordView {
    // What was cut is no JSON any more, and shown as text.
    let json = |text: String| serde_json::from_str(&text).unwrap_or(text.into());
    RecordView {
        id: record.id.to_string(),
        revision: revision.0,
        at: record.at.to_string(),
        actor: record.actor,
        surface: record.surface,
        act: record.act,
        target: record.target,
        detail: json(record.detail),
        reason: record.reason,
        request_key: record.request_key,
        outcome: json(record.outcome),
    }
}
