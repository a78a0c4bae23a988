//! Legacy endpoints: `…-CsPersistentChatEndpoint`.

use super::auth::Caller;
use super::extract::{Body, Name, Write, WriteParams};
use super::page::Page;
use super::problem::Problem;
use super::settings::EndpointView;
use super::{Api, Nothing, Outcome, segment, shown, told};
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use parlance_core::Directory;
use parlance_core::admin::Act;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A new endpoint.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewEndpointBody {
    /// `sip:` URI.
    uri: String,
    #[serde(default)]
    display_name: String,
}

/// By URI, without case, or by display name.
fn of(directory: &Directory, name: &str) -> Option<EndpointView> {
    let name = name.to_lowercase();
    let mut all = directory.endpoints().values();
    let found = all.find(|it| it.uri == name || it.display_name.to_lowercase() == name);
    found.map(Into::into)
}

/// All endpoints. There are few: a page has them all.
#[utoipa::path(get, path = "/api/v1/endpoints", tag = "endpoints",
    responses((status = 200, body = Page<EndpointView>)))]
pub async fn list(
    State(api): State<Api>,
    caller: Caller,
) -> Result<Json<Page<EndpointView>>, Problem> {
    caller.must_read_all()?;
    let items = api.directory().endpoints().values().map(Into::into).collect();
    Ok(Json(Page { items, next: None }))
}

/// One endpoint.
#[utoipa::path(get, path = "/api/v1/endpoints/{endpoint}", tag = "endpoints",
    params(("endpoint" = String, Path, description = "URI or display name")),
    responses((status = 200, body = EndpointView)))]
pub async fn one(
    State(api): State<Api>,
    caller: Caller,
    Name(name): Name,
) -> Result<Response, Problem> {
    caller.must_read_all()?;
    let found = of(&api.directory(), &name);
    Ok(shown(found.ok_or_else(|| Problem::missing("endpoint", &name))?))
}

/// Makes an endpoint.
#[utoipa::path(post, path = "/api/v1/endpoints", tag = "endpoints", params(WriteParams),
    request_body = NewEndpointBody, responses((status = 201, body = Outcome<EndpointView>)))]
pub async fn new(
    State(api): State<Api>,
    caller: Caller,
    write: Write,
    Body(NewEndpointBody { uri, display_name }): Body<NewEndpointBody>,
) -> Result<Response, Problem> {
    let act = Act::NewEndpoint { uri: uri.clone(), display_name };
    let done = api.act(&caller, &write, act).await?;
    let place = format!("/endpoints/{}", segment(&uri));
    let item = of(&api.directory(), &uri);
    Ok(told(Outcome::new(done, &write, item), Some(place)))
}

/// Removes an endpoint.
#[utoipa::path(delete, path = "/api/v1/endpoints/{endpoint}", tag = "endpoints",
    params(("endpoint" = String, Path, description = "URI or display name"), WriteParams),
    responses((status = 200, body = Outcome<Nothing>)))]
pub async fn remove(
    State(api): State<Api>,
    caller: Caller,
    Name(name): Name,
    write: Write,
) -> Result<Response, Problem> {
    let uri = of(&api.directory(), &name).map_or(name, |endpoint| endpoint.uri);
    let done = api.act(&caller, &write, Act::RemoveEndpoint { uri }).await?;
    Ok(told(Outcome::<Nothing>::new(done, &write, None), None))
}
