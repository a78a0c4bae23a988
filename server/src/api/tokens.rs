//! Tokens of the API itself.

use super::auth::Caller;
use super::extract::{Body, Name, NoParams, Params};
use super::page::Page;
use super::problem::Problem;
use super::{Api, Nothing};
use crate::admin::{Token, TokenRole, Tokens};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// A token, without what it is made of.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct TokenView {
    /// Permanent identifier.
    id: String,
    /// Who or what has it.
    name: String,
    /// `administrator`, `auditor` or `user:<sip uri>`.
    role: String,
    /// When it was made.
    created_on: String,
}

/// A token that was just made.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct NewTokenView {
    /// What is kept of it.
    token: TokenView,
    /// What its holder says behind `Authorization: Bearer`. It is not shown again.
    secret: String,
}

/// A new token.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTokenBody {
    /// Who or what will use it; unique.
    name: String,
    /// `administrator`, `auditor` or `user:<sip uri>`.
    role: String,
}

fn view(token: &Token) -> TokenView {
    TokenView {
        id: token.id.to_string(),
        name: token.name.clone(),
        role: token.role.to_string(),
        created_on: token.created_on.to_string(),
    }
}

fn tokens(api: &Api) -> Result<Arc<Tokens>, Problem> {
    api.tokens.clone().ok_or_else(|| Problem::missing("list of tokens", "tokens"))
}

/// All tokens.
#[utoipa::path(get, path = "/api/v1/tokens", tag = "tokens",
    responses((status = 200, body = Page<TokenView>)))]
pub async fn list(
    State(api): State<Api>,
    caller: Caller,
) -> Result<Json<Page<TokenView>>, Problem> {
    caller.must_read_all()?;
    let items = tokens(&api)?.list().iter().map(view).collect();
    Ok(Json(Page { items, next: None }))
}

/// Makes a token.
#[utoipa::path(post, path = "/api/v1/tokens", tag = "tokens", request_body = NewTokenBody,
    responses((status = 201, body = NewTokenView)))]
pub async fn new(
    State(api): State<Api>,
    caller: Caller,
    Params(NoParams {}): Params<NoParams>,
    Body(NewTokenBody { name, role }): Body<NewTokenBody>,
) -> Result<Response, Problem> {
    caller.must_administrate()?;
    let role = TokenRole::parse(&role).ok_or_else(|| {
        let detail = format!(
            "{role:?} is no role, so no token was made; write administrator, auditor or \
             user:sip:name@domain"
        );
        Problem::faulty("role", detail)
    })?;
    let made = tokens(&api)?.new_token(&name, role)?;
    let (by, name, role) = (&caller.name, &made.token.name, &made.token.role);
    tracing::info!(by, name, %role, "a token was made");
    let shown = NewTokenView { token: view(&made.token), secret: made.secret };
    Ok((StatusCode::CREATED, [(CACHE_CONTROL, "no-store")], Json(shown)).into_response())
}

/// Takes a token away.
#[utoipa::path(delete, path = "/api/v1/tokens/{token}", tag = "tokens",
    params(("token" = String, Path, description = "Id or name")),
    responses((status = 200, body = Nothing)))]
pub async fn revoke(
    State(api): State<Api>,
    caller: Caller,
    Params(NoParams {}): Params<NoParams>,
    Name(which): Name,
) -> Result<Json<Nothing>, Problem> {
    caller.must_administrate()?;
    let gone = tokens(&api)?.revoke(&which)?;
    tracing::info!(by = caller.name, name = gone.name, "a token was revoked");
    Ok(Json(Nothing {}))
}
