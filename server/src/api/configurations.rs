//! Configurations: `…-CsPersistentChatConfiguration`.

use super::auth::Caller;
use super::extract::{Body, Name, Write, WriteParams};
use super::page::Page;
use super::policies::scope;
use super::problem::Problem;
use super::settings::ConfigurationView;
use super::{Api, Nothing, Outcome, segment, shown, told};
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use parlance_core::Directory;
use parlance_core::admin::{Act, ConfigurationEdit};
use parlance_core::directory::model::{Configuration, Scope};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A new configuration; what is left out has the product's defaults.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewConfigurationBody {
    /// `site:NAME` or `service:FQDN`.
    identity: String,
    default_chat_history: Option<u16>,
    max_file_size_kb: Option<u32>,
    participant_update_limit: Option<u32>,
    room_management_url: Option<String>,
}

/// What is to change of a configuration.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfigurationBody {
    /// 1 to 500.
    default_chat_history: Option<u16>,
    max_file_size_kb: Option<u32>,
    participant_update_limit: Option<u32>,
    /// http or https; empty for the built-in pages.
    room_management_url: Option<String>,
}

fn of(directory: &Directory, scope: &Scope) -> Option<ConfigurationView> {
    let found = directory.configurations().get(scope).map(ConfigurationView::from);
    let default = || ConfigurationView::from(&Configuration::new(Scope::Global));
    found.or_else(|| (*scope == Scope::Global).then(default))
}

/// All configurations.
#[utoipa::path(get, path = "/api/v1/configurations", tag = "configurations",
    responses((status = 200, body = Page<ConfigurationView>)))]
pub async fn list(
    State(api): State<Api>,
    caller: Caller,
) -> Result<Json<Page<ConfigurationView>>, Problem> {
    caller.must_read_all()?;
    let directory = api.directory();
    let others = directory.configurations().keys().filter(|scope| **scope != Scope::Global);
    let scopes = std::iter::once(&Scope::Global).chain(others);
    let items = scopes.filter_map(|scope| of(&directory, scope)).collect();
    Ok(Json(Page { items, next: None }))
}

/// One configuration.
#[utoipa::path(get, path = "/api/v1/configurations/{identity}", tag = "configurations",
    params(("identity" = String, Path, description = "global, site:NAME or service:FQDN")),
    responses((status = 200, body = ConfigurationView)))]
pub async fn one(
    State(api): State<Api>,
    caller: Caller,
    Name(name): Name,
) -> Result<Response, Problem> {
    caller.must_read_all()?;
    let found = of(&api.directory(), &scope(&name)?);
    Ok(shown(found.ok_or_else(|| Problem::missing("configuration", &name))?))
}

/// Makes a configuration.
#[utoipa::path(post, path = "/api/v1/configurations", tag = "configurations", params(WriteParams),
    request_body = NewConfigurationBody,
    responses((status = 201, body = Outcome<ConfigurationView>)))]
pub async fn new(
    State(api): State<Api>,
    caller: Caller,
    write: Write,
    Body(body): Body<NewConfigurationBody>,
) -> Result<Response, Problem> {
    let scope = scope(&body.identity)?;
    let edit = ConfigurationEdit {
        default_chat_history: body.default_chat_history,
        max_file_size_kb: body.max_file_size_kb,
        participant_update_limit: body.participant_update_limit,
        room_management_url: body.room_management_url,
    };
    let act = Act::NewConfiguration { scope: scope.clone(), edit };
    let done = api.act(&caller, &write, act).await?;
    let place = format!("/configurations/{}", segment(&scope.to_string()));
    let item = of(&api.directory(), &scope);
    Ok(told(Outcome::new(done, &write, item), Some(place)))
}

/// Changes a configuration.
#[utoipa::path(patch, path = "/api/v1/configurations/{identity}", tag = "configurations",
    params(("identity" = String, Path, description = "global, site:NAME or service:FQDN"),
        WriteParams),
    request_body = ConfigurationBody,
    responses((status = 200, body = Outcome<ConfigurationView>)))]
pub async fn set(
    State(api): State<Api>,
    caller: Caller,
    Name(name): Name,
    write: Write,
    Body(body): Body<ConfigurationBody>,
) -> Result<Response, Problem> {
    let scope = scope(&name)?;
    let edit = ConfigurationEdit {
        default_chat_history: body.default_chat_history,
        max_file_size_kb: body.max_file_size_kb,
        participant_update_limit: body.participant_update_limit,
        room_management_url: body.room_management_url,
    };
    let act = Act::SetConfiguration { scope: scope.clone(), edit };
    let done = api.act(&caller, &write, act).await?;
    let item = of(&api.directory(), &scope);
    Ok(told(Outcome::new(done, &write, item), None))
}

/// Removes a configuration; the global one gets its defaults again.
#[utoipa::path(delete, path = "/api/v1/configurations/{identity}", tag = "configurations",
    params(("identity" = String, Path, description = "global, site:NAME or service:FQDN"),
        WriteParams),
    responses((status = 200, body = Outcome<Nothing>)))]
pub async fn remove(
    State(api): State<Api>,
    caller: Caller,
    Name(name): Name,
    write: Write,
) -> Result<Response, Problem> {
    let act = Act::RemoveConfiguration { scope: scope(&name)? };
    let done = api.act(&caller, &write, act).await?;
    Ok(told(Outcome::<Nothing>::new(done, &write, None), None))
}
