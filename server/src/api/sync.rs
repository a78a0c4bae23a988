//! People read from the directory that is followed, at once (`docs/guide/people.md`).

use super::auth::Caller;
use super::extract::{NoParams, Params};
use super::problem::Problem;
use super::words::SyncKindWord;
use super::{Api, aside};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use parlance_people::ldap::Report;
use parlance_people::runner::Told;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use utoipa::ToSchema;

/// How a run went.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct SyncView {
    kind: SyncKindWord,
    /// Read.
    users: usize,
    groups: usize,
    folders: usize,
    /// Taken over, because they were other than here.
    changed: usize,
    /// Of these, those that are gone.
    departed: usize,
    took_ms: u64,
    /// Entries that were not taken over as they are, and why; the first 1,000.
    findings: Vec<String>,
}

impl SyncView {
    fn new(report: &Report, took: Duration) -> SyncView {
        SyncView {
            kind: report.kind.into(),
            users: report.users,
            groups: report.groups,
            folders: report.folders,
            changed: report.changed,
            departed: report.departed,
            took_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            findings: report.findings.list.iter().map(ToString::to_string).collect(),
        }
    }
}

/// Reads people from the directory that is followed, without waiting for its time; who is gone,
/// too. Answered when it is done.
#[utoipa::path(post, path = "/api/v1/sync", tag = "people",
    responses((status = 200, body = SyncView)))]
pub async fn run(
    State(api): State<Api>,
    caller: Caller,
    Params(NoParams {}): Params<NoParams>,
) -> Result<Json<SyncView>, Problem> {
    caller.must_administrate()?;
    let Some(trigger) = api.people.clone() else { return Err(nothing_to_follow()) };
    tracing::info!(by = caller.name, "people are read on request");
    let refused = |status, name, why: String| {
        let detail = format!("{why}; people stay as they were, and it is tried again by itself");
        Err(Problem::new(status, name, "People are not synchronised", detail))
    };
    match aside(move || trigger.run()).await? {
        Some(Told::Done { report, took }) => Ok(Json(SyncView::new(&report, took))),
        Some(Told::Unread(error)) => {
            refused(StatusCode::BAD_GATEWAY, "people-not-read", error.to_string())
        }
        Some(Told::Untaken(why)) => {
            refused(StatusCode::SERVICE_UNAVAILABLE, "people-not-taken-over", why)
        }
        None => refused(
            StatusCode::SERVICE_UNAVAILABLE,
            "people-not-read",
            "the server is about to end".to_owned(),
        ),
    }
}

fn nothing_to_follow() -> Problem {
    let detail = "no server runs here that reads people from elsewhere, so nothing was read; with \
                  [people.ldap] in its configuration a server reads when it starts, and on request";
    Problem::new(StatusCode::CONFLICT, "no-directory-followed", "Nothing to follow", detail)
}
