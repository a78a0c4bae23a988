//! Who may do what, and why: `Get-CsPersistentChatEligiblePrincipal`, and explanations.

use super::Api;
use super::auth::Caller;
use super::extract::Params;
use super::page::{Page, cursor, limit, page};
use super::problem::Problem;
use super::room_list::Wildcards;
use super::rooms::visible;
use super::view::{Named, PrincipalView, principal};
use crate::admin::find;
use axum::Json;
use axum::extract::State;
use parlance_core::Directory;
use parlance_core::admin::Cause;
use parlance_core::directory::model::{Behavior, PrincipalKind};
use parlance_core::directory::{Asker, NotServed, Person, RoomEntry};
use parlance_core::policy::{Rights, Standing};
use parlance_wire::xccos::Guid;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
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
pub struct Explanation {
    /// `sip:` URI.
    user: String,
    /// Which room.
    room: Named,
    /// The service is for this user.
    served: bool,
    /// What they may do.
    rights: RightsView,
    /// How they relate to the room.
    standing: StandingView,
    /// Why, as sentences.
    reasons: Vec<String>,
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
    responses((status = 200, body = Explanation)))]
pub async fn explain(
    State(api): State<Api>,
    caller: Caller,
    Params(params): Params<ExplainParams>,
) -> Result<Json<Explanation>, Problem> {
    let directory = api.directory();
    let person = find::user(&directory, &params.user);
    let uri = match person {
        Some(person) => person.principal.uri.clone(),
        // Nobody in the directory, but perhaps let in all the same.
        None => params.user.trim().to_lowercase(),
    };
    if caller.user().is_some_and(|own| own != uri) {
        let message = "users are told their own rights only; ask with an administrator's token";
        return Err(Problem::forbidden(message));
    }
    let room = visible(&directory, &caller, &params.room)?;
    Ok(Json(explanation(&directory, uri, room)))
}

fn explanation(directory: &Directory, uri: String, room: &RoomEntry) -> Explanation {
    let served = directory.serve(&uri);
    let (rights, standing) = match &served {
        Ok(asker) => (directory.rights(asker, room), directory.standing(asker, room)),
        Err(_) => (Rights::default(), Standing::default()),
    };
    let reasons = match &served {
        Err(why) => vec![not_served(*why).to_owned()],
        Ok(asker) => reasons(directory, asker, room),
    };
    Explanation {
        user: uri,
        room: Named { id: room.room.id.to_string(), name: room.room.name.clone() },
        served: served.is_ok(),
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
        reasons,
    }
}

fn not_served(why: NotServed) -> &'static str {
    match why {
        NotServed::NotProvisioned => "the user is not in the directory",
        NotServed::Disabled => "the user is disabled, or gone from the directory",
        NotServed::NotEnabled => "no policy enables the user",
    }
}

fn reasons(_: &Directory, _: &Asker<'_>, _: &RoomEntry) -> Vec<String> {
    Vec::new()
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

/// Who can be put on the lists of a category or room?
#[utoipa::path(get, path = "/api/v1/eligible", tag = "rights", params(EligibleParams),
    responses((status = 200, body = Page<PrincipalView>)))]
pub async fn eligible(
    State(api): State<Api>,
    caller: Caller,
    Params(params): Params<EligibleParams>,
) -> Result<Json<Page<PrincipalView>>, Problem> {
    let directory = api.directory();
    let place = place(&directory, &caller, &params)?;
    let text = params.filter.as_deref().map(Wildcards::new);
    let all = directory.people().iter();
    let fitting = all.filter(|(id, person)| {
        let is_user = person.principal.kind == PrincipalKind::User && person.is_active();
        let asker = Asker { id: Some(*id), affiliations: person.affiliations() };
        is_user
            && text.as_ref().is_none_or(|text| text.fits(&person.principal.uri))
            && place.takes(&directory, &asker)
    });
    let keyed = fitting.map(|(_, person)| (person.principal.uri.clone(), person)).collect();
    let after = cursor(params.cursor.as_deref())?;
    let view = |person: &Person| principal(person);
    Ok(Json(page(keyed, after.as_deref(), limit(params.limit), view)))
}

/// What is looked for.
enum Place {
    Category(Guid),
    Room(Arc<RoomEntry>),
    Presenters(Arc<RoomEntry>),
}

impl Place {
    fn takes(&self, directory: &Directory, asker: &Asker<'_>) -> bool {
        match self {
            Place::Category(id) => directory.is_in_scope(asker, *id),
            Place::Room(room) => directory.is_in_scope(asker, room.room.category),
            Place::Presenters(room) => directory.standing(asker, room).is_listed,
        }
    }
}

fn place(
    directory: &Directory,
    caller: &Caller,
    params: &EligibleParams,
) -> Result<Place, Problem> {
    match (&params.category, &params.room) {
        (Some(name), None) if !params.presenters => {
            caller.must_read_all()?;
            let category = find::category(directory, name);
            let category = category.ok_or_else(|| Problem::missing("category", name))?;
            Ok(Place::Category(category.category.id))
        }
        (None, Some(name)) => {
            let room = visible(directory, caller, name)?.clone();
            let manages = match caller.asker(directory) {
                None => true,
                Some(asker) => asker.is_some_and(|asker| directory.rights(&asker, &room).manage),
            };
            if !manages {
                let message = "only managers of the room are told who could be in it";
                return Err(Problem::forbidden(message));
            }
            match (params.presenters, room.room.behavior) {
                (false, _) => Ok(Place::Room(room)),
                (true, Behavior::Auditorium) => Ok(Place::Presenters(room)),
                (true, Behavior::Normal) => {
                    let detail = format!("{:?} is no auditorium: it has no presenters", name);
                    Err(Problem::of(Cause::InvalidArgument, "presenters", detail))
                }
            }
        }
        _ => Err(Problem::faulty(
            "room",
            "either a room or a category is to be named, and presenters with a room only",
        )),
    }
}
