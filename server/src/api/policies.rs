//! Policies: `…-CsPersistentChatPolicy`.

use super::auth::Caller;
use super::extract::{Body, Name, Write, WriteParams, present};
use super::page::Page;
use super::problem::Problem;
use super::settings::PolicyView;
use super::view::{PersonView, Views};
use super::{Api, Nothing, Outcome, segment, shown, told};
use crate::admin::find;
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use parlance_core::Directory;
use parlance_core::admin::{Act, PolicyEdit};
use parlance_core::directory::model::{Policy, Scope};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A new policy.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPolicyBody {
    /// `site:NAME`, `service:FQDN`, or a tag.
    identity: String,
    /// They may chat; off where nothing is said.
    enabled: Option<bool>,
    description: Option<String>,
}

/// What is to change of a policy.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyBody {
    enabled: Option<bool>,
    description: Option<String>,
}

/// Which policy a user gets.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GrantBody {
    /// Tag without prefix; `null` takes the grant back.
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    policy: Option<Option<String>>,
}

/// Reads an identity.
pub fn scope(text: &str) -> Result<Scope, Problem> {
    Scope::parse(text).ok_or_else(|| {
        let detail = format!(
            "{text:?} is no identity, so nothing was done; write global, site:NAME, service:FQDN \
             or a tag"
        );
        Problem::faulty("scope", detail)
    })
}

fn of(directory: &Directory, scope: &Scope) -> Option<PolicyView> {
    let found = directory.policies().get(scope).map(PolicyView::from);
    found.or_else(|| (*scope == Scope::Global).then(default_policy))
}

/// The global policy where nobody has set it.
fn default_policy() -> PolicyView {
    let policy = Policy { scope: Scope::Global, is_enabled: false, description: String::new() };
    PolicyView::from(&policy)
}

/// All policies.
#[utoipa::path(get, path = "/api/v1/policies", tag = "policies",
    responses((status = 200, body = Page<PolicyView>)))]
pub async fn list(
    State(api): State<Api>,
    caller: Caller,
) -> Result<Json<Page<PolicyView>>, Problem> {
    caller.must_read_all()?;
    let directory = api.directory();
    let is_global_set = directory.policies().contains_key(&Scope::Global);
    let mut items: Vec<PolicyView> = directory.policies().values().map(Into::into).collect();
    if !is_global_set {
        items.insert(0, default_policy());
    }
    Ok(Json(Page { items, next: None }))
}

/// One policy.
#[utoipa::path(get, path = "/api/v1/policies/{identity}", tag = "policies",
    params(("identity" = String, Path, description = "global, site:NAME, service:FQDN or a tag")),
    responses((status = 200, body = PolicyView)))]
pub async fn one(
    State(api): State<Api>,
    caller: Caller,
    Name(name): Name,
) -> Result<Response, Problem> {
    caller.must_read_all()?;
    let found = of(&api.directory(), &scope(&name)?);
    Ok(shown(found.ok_or_else(|| Problem::missing("policy", &name))?))
}

/// Makes a policy.
#[utoipa::path(post, path = "/api/v1/policies", tag = "policies", params(WriteParams),
    request_body = NewPolicyBody, responses((status = 201, body = Outcome<PolicyView>)))]
pub async fn new(
    State(api): State<Api>,
    caller: Caller,
    write: Write,
    Body(body): Body<NewPolicyBody>,
) -> Result<Response, Problem> {
    let scope = scope(&body.identity)?;
    let edit = PolicyEdit { is_enabled: body.enabled, description: body.description };
    let act = Act::NewPolicy { scope: scope.clone(), edit };
    let done = api.act(&caller, &write, act).await?;
    let place = format!("/policies/{}", segment(&scope.to_string()));
    let item = of(&api.directory(), &scope);
    Ok(told(Outcome::new(done, &write, item), Some(place)))
}

/// Changes a policy.
#[utoipa::path(patch, path = "/api/v1/policies/{identity}", tag = "policies",
    params(("identity" = String, Path, description = "global, site:NAME, service:FQDN or a tag"),
        WriteParams),
    request_body = PolicyBody, responses((status = 200, body = Outcome<PolicyView>)))]
pub async fn set(
    State(api): State<Api>,
    caller: Caller,
    Name(name): Name,
    write: Write,
    Body(body): Body<PolicyBody>,
) -> Result<Response, Problem> {
    let scope = scope(&name)?;
    let edit = PolicyEdit { is_enabled: body.enabled, description: body.description };
    let done = api.act(&caller, &write, Act::SetPolicy { scope: scope.clone(), edit }).await?;
    let item = of(&api.directory(), &scope);
    Ok(told(Outcome::new(done, &write, item), None))
}

/// Removes a policy; the global one gets its defaults again.
#[utoipa::path(delete, path = "/api/v1/policies/{identity}", tag = "policies",
    params(("identity" = String, Path, description = "global, site:NAME, service:FQDN or a tag"),
        WriteParams),
    responses((status = 200, body = Outcome<Nothing>)))]
pub async fn remove(
    State(api): State<Api>,
    caller: Caller,
    Name(name): Name,
    write: Write,
) -> Result<Response, Problem> {
    let act = Act::RemovePolicy { scope: scope(&name)?, force: write.force };
    let done = api.act(&caller, &write, act).await?;
    Ok(told(Outcome::<Nothing>::new(done, &write, None), None))
}

/// Grants a policy to a user, or takes the grant back.
#[utoipa::path(put, path = "/api/v1/people/{person}/policy", tag = "policies",
    params(("person" = String, Path, description = "URI, id, account, address or name"),
        WriteParams),
    request_body = GrantBody, responses((status = 200, body = Outcome<PersonView>)))]
pub async fn grant(
    State(api): State<Api>,
    caller: Caller,
    Name(user): Name,
    write: Write,
    Body(body): Body<GrantBody>,
) -> Result<Response, Problem> {
    let policy = body.policy.flatten();
    let act = Act::GrantPolicy { user: user.clone(), policy };
    let done = api.act(&caller, &write, act).await?;
    let directory = api.directory();
    let item = find::user(&directory, &user).map(|person| Views(&directory).person(person));
    Ok(told(Outcome::new(done, &write, item), None))
}
