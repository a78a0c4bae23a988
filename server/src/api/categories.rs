//! Categories: `…-CsPersistentChatCategory`.

use super::auth::Caller;
use super::extract::{Body, Name, Params, Write, WriteParams};
use super::page::{Page, cursor, limit, page};
use super::problem::Problem;
use super::view::{CategoryView, ListEditBody, Views};
use super::{Api, Nothing, Outcome, segment, shown, told};
use crate::admin::find;
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use parlance_core::Directory;
use parlance_core::admin::{Act, CategoryEdit, NewCategory};
use parlance_core::directory::CategoryEntry;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// A new category.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCategoryBody {
    name: String,
    #[serde(default)]
    description: String,
    /// Rooms invite their members.
    #[serde(default)]
    invites: bool,
    /// Files may be posted.
    #[serde(default)]
    file_upload: bool,
    /// What is said can be read later.
    #[serde(default = "yes")]
    chat_history: bool,
    #[serde(default)]
    allowed: Vec<String>,
    #[serde(default)]
    denied: Vec<String>,
    #[serde(default)]
    creators: Vec<String>,
}

fn yes() -> bool {
    true
}

/// What is to change of a category.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CategoryBody {
    name: Option<String>,
    description: Option<String>,
    invites: Option<bool>,
    file_upload: Option<bool>,
    chat_history: Option<bool>,
    #[serde(default)]
    allowed: ListEditBody,
    #[serde(default)]
    denied: ListEditBody,
    #[serde(default)]
    creators: ListEditBody,
}

/// Which part of the list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListParams {
    /// Most things wanted.
    limit: Option<usize>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// May the caller see it? Users see those that they may create rooms in.
fn may_see(directory: &Directory, caller: &Caller, category: &CategoryEntry) -> bool {
    match caller.asker(directory) {
        None => true,
        Some(asker) => {
            asker.is_some_and(|asker| directory.may_create(&asker, category.category.id))
        }
    }
}

/// All categories.
#[utoipa::path(get, path = "/api/v1/categories", tag = "categories", params(ListParams),
    responses((status = 200, body = Page<CategoryView>)))]
pub async fn list(
    State(api): State<Api>,
    caller: Caller,
    Params(params): Params<ListParams>,
) -> Result<Json<Page<CategoryView>>, Problem> {
    let directory = api.directory();
    let all = directory.categories().filter(|entry| may_see(&directory, &caller, entry));
    let keyed = all.map(|entry| (entry.category.name.to_lowercase(), entry));
    let after = cursor(params.cursor.as_deref())?;
    let view = |entry: &Arc<CategoryEntry>| Views(&directory).category(entry, false);
    Ok(Json(page(keyed.collect(), after.as_deref(), limit(params.limit), view)))
}

/// One category, with its lists.
#[utoipa::path(get, path = "/api/v1/categories/{category}", tag = "categories",
    params(("category" = String, Path, description = "Name, id, URI or pool\\name")),
    responses((status = 200, body = CategoryView)))]
pub async fn one(
    State(api): State<Api>,
    caller: Caller,
    Name(name): Name,
) -> Result<Response, Problem> {
    let directory = api.directory();
    let entry = find::category(&directory, &name);
    let entry = entry.filter(|entry| may_see(&directory, &caller, entry));
    let entry = entry.ok_or_else(|| Problem::missing("category", &name))?;
    Ok(shown(Views(&directory).category(entry, caller.user().is_none())))
}

/// Makes a category.
#[utoipa::path(post, path = "/api/v1/categories", tag = "categories", params(WriteParams),
    request_body = NewCategoryBody, responses((status = 201, body = Outcome<CategoryView>)))]
pub async fn new(
    State(api): State<Api>,
    caller: Caller,
    write: Write,
    Body(body): Body<NewCategoryBody>,
) -> Result<Response, Problem> {
    let act = Act::NewCategory(NewCategory {
        name: body.name,
        description: body.description,
        invites: body.invites,
        file_upload: body.file_upload,
        chat_history: body.chat_history,
        allowed: body.allowed,
        denied: body.denied,
        creators: body.creators,
    });
    let done = api.act(&caller, &write, act).await?;
    let directory = api.directory();
    let entry = done.subject.and_then(|id| directory.category(id));
    let place = done.subject.map(|id| format!("/categories/{}", segment(&id.to_string())));
    let item = entry.map(|entry| Views(&directory).category(entry, true));
    Ok(told(Outcome::new(done, &write, item), Some(place.unwrap_or_default())))
}

/// Changes a category.
#[utoipa::path(patch, path = "/api/v1/categories/{category}", tag = "categories",
    params(("category" = String, Path, description = "Name, id, URI or pool\\name"), WriteParams),
    request_body = CategoryBody, responses((status = 200, body = Outcome<CategoryView>)))]
pub async fn set(
    State(api): State<Api>,
    caller: Caller,
    Name(category): Name,
    write: Write,
    Body(body): Body<CategoryBody>,
) -> Result<Response, Problem> {
    let edit = CategoryEdit {
        version: write.version,
        name: body.name,
        description: body.description,
        invites: body.invites,
        file_upload: body.file_upload,
        chat_history: body.chat_history,
        allowed: body.allowed.into(),
        denied: body.denied.into(),
        creators: body.creators.into(),
    };
    let done = api.act(&caller, &write, Act::SetCategory { category, edit }).await?;
    let directory = api.directory();
    let entry = done.subject.and_then(|id| directory.category(id));
    let item = entry.map(|entry| Views(&directory).category(entry, true));
    Ok(told(Outcome::new(done, &write, item), None))
}

/// Removes an empty category.
#[utoipa::path(delete, path = "/api/v1/categories/{category}", tag = "categories",
    params(("category" = String, Path, description = "Name, id, URI or pool\\name"), WriteParams),
    responses((status = 200, body = Outcome<Nothing>)))]
pub async fn remove(
    State(api): State<Api>,
    caller: Caller,
    Name(category): Name,
    write: Write,
) -> Result<Response, Problem> {
    let act = Act::RemoveCategory { category, version: write.version };
    let done = api.act(&caller, &write, act).await?;
    Ok(told(Outcome::<Nothing>::new(done, &write, None), None))
}
