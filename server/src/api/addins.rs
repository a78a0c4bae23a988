//! Add-ins: `…-CsPersistentChatAddin`.

use super::auth::Caller;
use super::extract::{Body, Name, Write, WriteParams};
use super::page::Page;
use super::problem::Problem;
use super::{Api, Nothing, Outcome, Versioned, segment, shown, told};
use crate::admin::{Done, find};
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use parlance_core::Directory;
use parlance_core::admin::Act;
use parlance_core::directory::model::Addin;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A web page that a room may show beside the chat.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AddinView {
    /// Permanent identifier.
    pub id: String,
    /// `pool\name`.
    pub identity: String,
    /// Unique among add-ins.
    pub name: String,
    /// http or https.
    pub url: String,
    /// Rooms that show it.
    pub rooms: usize,
    /// Rises with each change.
    pub version: u64,
}

impl Versioned for AddinView {
    fn version(&self) -> Option<u64> {
        Some(self.version)
    }
}

/// A new add-in.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAddinBody {
    name: String,
    url: String,
}

/// What is to change of an add-in.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddinBody {
    name: Option<String>,
    url: Option<String>,
}

fn view(directory: &Directory, addin: &Addin) -> AddinView {
    AddinView {
        id: addin.id.to_string(),
        identity: format!("{}\\{}", directory.pool.fqdn, addin.name),
        name: addin.name.clone(),
        url: addin.url.clone(),
        rooms: directory.rooms().filter(|room| room.room.addin == Some(addin.id)).count(),
        version: addin.version,
    }
}

fn item(directory: &Directory, done: &Done) -> Option<AddinView> {
    done.subject.and_then(|id| directory.addin(id)).map(|addin| view(directory, addin))
}

/// All add-ins. There are few: a page has them all.
#[utoipa::path(get, path = "/api/v1/addins", tag = "add-ins",
    responses((status = 200, body = Page<AddinView>)))]
pub async fn list(State(api): State<Api>, _: Caller) -> Json<Page<AddinView>> {
    let directory = api.directory();
    let mut items: Vec<AddinView> = directory.addins().map(|it| view(&directory, it)).collect();
    items.sort_by_key(|addin| addin.name.to_lowercase());
    Json(Page { items, next: None })
}

/// One add-in.
#[utoipa::path(get, path = "/api/v1/addins/{addin}", tag = "add-ins",
    params(("addin" = String, Path, description = "Name, id or pool\\name")),
    responses((status = 200, body = AddinView)))]
pub async fn one(State(api): State<Api>, _: Caller, Name(name): Name) -> Result<Response, Problem> {
    let directory = api.directory();
    let addin = find::addin(&directory, &name);
    let addin = addin.ok_or_else(|| Problem::missing("add-in", &name))?;
    Ok(shown(view(&directory, addin)))
}

/// Registers an add-in.
#[utoipa::path(post, path = "/api/v1/addins", tag = "add-ins", params(WriteParams),
    request_body = NewAddinBody, responses((status = 201, body = Outcome<AddinView>)))]
pub async fn new(
    State(api): State<Api>,
    caller: Caller,
    write: Write,
    Body(NewAddinBody { name, url }): Body<NewAddinBody>,
) -> Result<Response, Problem> {
    let done = api.act(&caller, &write, Act::NewAddin { name, url }).await?;
    let item = item(&api.directory(), &done);
    let place = done.subject.map(|id| format!("/addins/{}", segment(&id.to_string())));
    Ok(told(Outcome::new(done, &write, item), Some(place.unwrap_or_default())))
}

/// Changes an add-in.
#[utoipa::path(patch, path = "/api/v1/addins/{addin}", tag = "add-ins",
    params(("addin" = String, Path, description = "Name, id or pool\\name"), WriteParams),
    request_body = AddinBody, responses((status = 200, body = Outcome<AddinView>)))]
pub async fn set(
    State(api): State<Api>,
    caller: Caller,
    Name(addin): Name,
    write: Write,
    Body(AddinBody { name, url }): Body<AddinBody>,
) -> Result<Response, Problem> {
    let act = Act::SetAddin { addin, version: write.version, name, url };
    let done = api.act(&caller, &write, act).await?;
    let item = item(&api.directory(), &done);
    Ok(told(Outcome::new(done, &write, item), None))
}

/// Removes an add-in; with `force` also one that rooms show.
#[utoipa::path(delete, path = "/api/v1/addins/{addin}", tag = "add-ins",
    params(("addin" = String, Path, description = "Name, id or pool\\name"), WriteParams),
    responses((status = 200, body = Outcome<Nothing>)))]
pub async fn remove(
    State(api): State<Api>,
    caller: Caller,
    Name(addin): Name,
    write: Write,
) -> Result<Response, Problem> {
    let act = Act::RemoveAddin { addin, version: write.version, force: write.force };
    let done = api.act(&caller, &write, act).await?;
    Ok(told(Outcome::<Nothing>::new(done, &write, None), None))
}
