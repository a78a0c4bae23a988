//! Who may do what, and why: `Get-CsPersistentChatEligiblePrincipal`, and explanations.

use super::Api;
use super::auth::Caller;
use super::extract::Params;
use super::page::{Page, cursor, limit, page};
use super::problem::Problem;
use super::rooms::visible;
use super::view::{Named, PrincipalView, principal};
use crate::admin::AdminError;
use axum::Json;
use axum::extract::State;
use parlance_core::Directory;
use parlance_core::admin::{
    Eligible, Explanation, Reason, eligible as eligible_for, explain as explain_to,
};
use parlance_core::directory::NotServed;
use parlance_core::directory::model::Room;
use parlance_core::policy::Right;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Whom and where.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ExplainParams {
    /// `sip:` URI, id, account, address or name.
    user: String,
    /// Name, id, URI or pool\\name.
    room: String,
}

/// What somebody may do with a room, and why.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ExplanationView {
    /// `sip:` URI.
    user: String,
    /// Which room.
    room: Named,
    /// The policy that decides whether the service is for them; none leaves it off.
    policy: Option<String>,
    /// Why the service is not for them at all: `not-provisioned`, `disabled` or `not-enabled`.
    refused: Option<String>,
    /// What they may do.
    rights: RightsView,
    /// How they relate to the room.
    standing: StandingView,
    /// Entries of lists that name them or something they belong to.
    reasons: Vec<ReasonView>,
}

/// An entry of a list that concerns a user.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ReasonView {
    /// Which list: `allowed`, `denied`, `creator`, `member`, `manager` or `presenter`.
    list: String,
    /// From the user to the entry, through what they belong to.
    path: Vec<String>,
}

/// What somebody may do with a room.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct RightsView {
    /// Find it by searching and browsing.
    find: bool,
    /// See its room card.
    see: bool,
    /// Enter.
    join: bool,
    /// Post, once in.
    post: bool,
    /// Read and search what was said.
    read: bool,
    /// Upload files.
    upload: bool,
    /// Change it.
    manage: bool,
}

/// How somebody relates to a room.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct StandingView {
    /// The category allows and does not deny.
    in_scope: bool,
    /// On the list of members, by themselves or by a group.
    member: bool,
    /// On the list of managers.
    manager: bool,
    /// On the list of presenters.
    presenter: bool,
}

/// What may this user do with this room, and why?
#[utoipa::path(get, path = "/api/v1/explain", tag = "rights", params(ExplainParams),
    responses((status = 200, body = ExplanationView)))]
pub async fn explain(
    State(api): State<Api>,
    caller: Caller,
    Params(params): Params<ExplainParams>,
) -> Result<Json<ExplanationView>, Problem> {
    let directory = api.directory();
    let room = visible(&directory, &caller, &params.room)?;
    let found = explain_to(&directory, &params.user, &room.room.id.to_string());
    let found = found.map_err(AdminError::from)?;
    if caller.user().is_some_and(|own| own != found.user) {
        let message = "users are told their own rights only; ask with an administrator's token";
        return Err(Problem::forbidden(message));
    }
    Ok(Json(view(&room.room, found)))
}

fn view(room: &Room, found: Explanation) -> ExplanationView {
    let (rights, standing) = (found.rights, found.standing);
    let reason = |reason: Reason| {
        let list = format!("{:?}", reason.role).to_lowercase();
        ReasonView { list, path: reason.path }
    };
    ExplanationView {
        user: found.user,
        room: Named { id: room.id.to_string(), name: room.name.clone() },
        policy: found.policy.map(|scope| scope.to_string()),
        refused: found.refused.map(|why| not_served(why).to_owned()),
        rights: RightsView {
            find: rights.find,
            see: rights.see,
            join: rights.join,
            post: rights.post,
            read: rights.read,
            upload: rights.upload,
            manage: rights.manage,
        },
        standing: StandingView {
            in_scope: standing.in_scope,
            member: standing.is_listed,
            manager: standing.is_manager,
            presenter: standing.is_presenter,
        },
        reasons: found.reasons.into_iter().map(reason).collect(),
    }
}

fn not_served(why: NotServed) -> &'static str {
    match why {
        NotServed::NotProvisioned => "not-provisioned",
        NotServed::Disabled => "disabled",
        NotServed::NotEnabled => "not-enabled",
    }
}

/// For what.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EligibleParams {
    /// For the lists of this category; either this or `room`.
    category: Option<String>,
    /// For the lists of this room.
    room: Option<String>,
    /// For the list of presenters of the room, an auditorium.
    #[serde(default)]
    presenters: bool,
    /// Wildcards `*` and `?` for the URI.
    filter: Option<String>,
    /// Most principals wanted.
    limit: Option<usize>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// Who can be put on the lists of a category or room, by URI?
#[utoipa::path(get, path = "/api/v1/eligible", tag = "rights", params(EligibleParams),
    responses((status = 200, body = Page<PrincipalView>)))]
pub async fn eligible(
    State(api): State<Api>,
    caller: Caller,
    Params(params): Params<EligibleParams>,
) -> Result<Json<Page<PrincipalView>>, Problem> {
    let directory = api.directory();
    let place = place(&directory, &caller, &params)?;
    let scope = match &place {
        Place::Category(name) => Eligible::Category(name),
        Place::Room(room) => Eligible::Room { room, presenters: params.presenters },
    };
    let filter = params.filter.as_deref().unwrap_or_default();
    let found = eligible_for(&directory, scope, filter, usize::MAX).map_err(AdminError::from)?;
    let keyed = found.into_iter().map(|of| (of.uri.clone(), of)).collect();
    let after = cursor(params.cursor.as_deref())?;
    Ok(Json(page(keyed, after.as_deref(), limit(params.limit), principal)))
}

/// What is looked for.
enum Place {
    Category(String),
    Room(String),
}

/// A place whose lists the caller may know.
fn place(
    directory: &Directory,
    caller: &Caller,
    params: &EligibleParams,
) -> Result<Place, Problem> {
    match (&params.category, &params.room) {
        (Some(name), None) if !params.presenters => {
            caller.must_read_all()?;
            Ok(Place::Category(name.clone()))
        }
        (None, Some(name)) => {
            let room = visible(directory, caller, name)?;
            let manages = caller.asker(directory).is_none_or(|asker| {
                asker.is_some_and(|asker| directory.may(&asker, room, Right::Manage))
            });
            match manages {
                true => Ok(Place::Room(room.room.id.to_string())),
                false => {
                    Err(Problem::forbidden("only managers of the room are told who could be in it"))
                }
            }
        }
        _ => Err(Problem::faulty(
            "room",
            "either a room or a category is to be named, and presenters with a room only",
        )),
    }
}
