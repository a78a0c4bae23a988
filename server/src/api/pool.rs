//! The pool's own settings.

use super::auth::Caller;
use super::extract::{Body, Write, WriteParams};
use super::problem::Problem;
use super::settings::PoolView;
use super::{Api, Outcome, shown, told};
use axum::extract::State;
use axum::response::Response;
use parlance_core::admin::Act;
use parlance_core::directory::model::Pool;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What is to change of the pool.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PoolBody {
    /// DNS name: prefix of every identity.
    fqdn: Option<String>,
    display_name: Option<String>,
    /// Chooses policies and configurations of that site.
    site: Option<String>,
}

/// The pool.
#[utoipa::path(get, path = "/api/v1/pool", tag = "pool",
    responses((status = 200, body = PoolView)))]
pub async fn one(State(api): State<Api>, caller: Caller) -> Result<Response, Problem> {
    caller.must_read_all()?;
    Ok(shown(PoolView::of(&api.directory())))
}

/// Changes the pool's settings.
#[utoipa::path(patch, path = "/api/v1/pool", tag = "pool", params(WriteParams),
    request_body = PoolBody, responses((status = 200, body = Outcome<PoolView>)))]
pub async fn set(
    State(api): State<Api>,
    caller: Caller,
    write: Write,
    Body(body): Body<PoolBody>,
) -> Result<Response, Problem> {
    let old = api.directory().pool.clone();
    let pool = Pool {
        fqdn: body.fqdn.unwrap_or(old.fqdn),
        display_name: body.display_name.unwrap_or(old.display_name),
        site: body.site.unwrap_or(old.site),
        ..old
    };
    let done = api.act(&caller, &write, Act::SetPool(pool)).await?;
    let item = PoolView::of(&api.directory());
    Ok(told(Outcome::new(done, &write, Some(item)), None))
}
