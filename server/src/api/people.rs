//! People and groups: search, look-up, records made by hand, invitations of a user.

use super::auth::Caller;
use super::extract::{Body, Name, Params, Write, WriteParams};
use super::page::{Page, cursor, cursor_at, limit, page};
use super::problem::Problem;
use super::room_list::Wildcards;
use super::view::{Named, PersonView, Views};
use super::words::{KindWord, StateWord};
use super::{Api, Nothing, Outcome, segment, shown, told};
use crate::admin::{find, fresh_guid};
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use parlance_core::Directory;
use parlance_core::admin::{Act, PersonRecord};
use parlance_core::directory::model::{PrincipalKind, PrincipalState};
use parlance_core::directory::{Person, guid_of};
use parlance_wire::xccos::Guid;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Which people.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PeopleParams {
    /// Part of the name, URI, address or account; or wildcards `*` and `?` for the whole of one.
    search: Option<String>,
    /// Only of this kind.
    kind: Option<KindWord>,
    /// Only in this state.
    state: Option<StateWord>,
    /// Most principals wanted.
    limit: Option<usize>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// A principal made by hand.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPersonBody {
    /// A person, where nothing is said.
    kind: Option<KindWord>,
    /// Permanent identifier; made up where nothing is said.
    id: Option<String>,
    /// `sip:` URI of a user; made of the id for all others, where nothing is said.
    uri: Option<String>,
    #[serde(default)]
    display_name: String,
    #[serde(default)]
    account: String,
    #[serde(default)]
    email: String,
    #[serde(default)]
    company: String,
    #[serde(default)]
    path: String,
    /// What it stands in directly; the domain, where nothing is said of a user of it.
    parents: Option<Vec<String>>,
}

/// What is to change of a principal.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PersonBody {
    uri: Option<String>,
    display_name: Option<String>,
    account: Option<String>,
    email: Option<String>,
    company: Option<String>,
    path: Option<String>,
    state: Option<StateWord>,
    /// In place of what it stands in directly.
    parents: Option<Vec<String>>,
}

/// An invitation.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct InvitationView {
    /// Rises for every user.
    number: u64,
    /// Where to; without a name when the room is gone.
    room: Named,
    /// When.
    on: String,
}

/// Which invitations.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct InvitationParams {
    /// Only those behind this number.
    #[serde(default)]
    since: u64,
    /// Most invitations wanted.
    limit: Option<usize>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// Users see other active users, and of them what an address book has.
fn may_see(caller: &Caller, person: &Person) -> bool {
    let is_active_user = person.is_active() && person.principal.kind == PrincipalKind::User;
    caller.user().is_none_or(|uri| is_active_user || person.principal.uri == uri)
}

fn view(directory: &Directory, caller: &Caller, person: &Person) -> PersonView {
    let view = Views(directory).person(person);
    match caller.user() {
        Some(uri) if uri != view.uri => PersonView {
            account: String::new(),
            path: String::new(),
            policy: None,
            parents: Vec::new(),
            affiliation_count: 0,
            ..view
        },
        _ => view,
    }
}

/// People and groups, by URI.
#[utoipa::path(get, path = "/api/v1/people", tag = "people", params(PeopleParams),
    responses((status = 200, body = Page<PersonView>)))]
pub async fn list(
    State(api): State<Api>,
    caller: Caller,
    Params(params): Params<PeopleParams>,
) -> Result<Json<Page<PersonView>>, Problem> {
    let directory = api.directory();
    let text = params.search.as_deref().map(Wildcards::new);
    let fits = |person: &Person| {
        let of = &person.principal;
        let texts = [&of.display_name, &of.uri, &of.email, &of.account];
        params.kind.is_none_or(|kind| of.kind == kind.into())
            && params.state.is_none_or(|state| of.state == state.into())
            && text.as_ref().is_none_or(|text| texts.into_iter().any(|it| text.fits(it)))
    };
    let all = directory.people().iter().map(|(_, person)| person);
    let seen = all.filter(|person| fits(person) && may_see(&caller, person));
    let keyed = seen.map(|person| (person.principal.uri.clone(), person)).collect();
    let after = cursor(params.cursor.as_deref())?;
    let view = |person| view(&directory, &caller, person);
    Ok(Json(page(keyed, after.as_deref(), limit(params.limit), view)))
}

/// One principal.
#[utoipa::path(get, path = "/api/v1/people/{person}", tag = "people",
    params(("person" = String, Path, description = "URI, id, account, address or name")),
    responses((status = 200, body = PersonView)))]
pub async fn one(
    State(api): State<Api>,
    caller: Caller,
    Name(name): Name,
) -> Result<Response, Problem> {
    let directory = api.directory();
    let person = find::person(&directory, &name).filter(|person| may_see(&caller, person));
    let person = person.ok_or_else(|| missing(&name))?;
    Ok(shown(view(&directory, &caller, person)))
}

fn missing(name: &str) -> Problem {
    let cause = parlance_core::admin::Cause::NoSuchPrincipal;
    let detail = format!("nobody is called {name:?}, or several are; give a URI or id");
    Problem::of(cause, "", detail)
}

/// Makes a principal by hand: where no other directory is followed.
#[utoipa::path(post, path = "/api/v1/people", tag = "people", params(WriteParams),
    request_body = NewPersonBody, responses((status = 201, body = Outcome<PersonView>)))]
pub async fn new(
    State(api): State<Api>,
    caller: Caller,
    write: Write,
    Body(body): Body<NewPersonBody>,
) -> Result<Response, Problem> {
    caller.must_administrate()?;
    let record = record(&api.directory(), body)?;
    let id = record.id;
    let done = api.act(&caller, &write, Act::SyncPeople(vec![record])).await?;
    let directory = api.directory();
    let item = find::person(&directory, &id.to_string());
    let item = item.map(|person| Views(&directory).person(person));
    let place = format!("/people/{}", segment(&id.to_string()));
    Ok(told(Outcome::new(done, &write, item), Some(place)))
}

/// A record out of what was given and what follows from it.
fn record(directory: &Directory, body: NewPersonBody) -> Result<PersonRecord, Problem> {
    let kind: PrincipalKind = body.kind.unwrap_or(KindWord::User).into();
    let uri = body.uri.map(|uri| uri.trim().to_lowercase());
    let given = match body.id.as_deref() {
        None => None,
        Some(text) => Some(Guid::parse(text).ok_or_else(|| {
            Problem::faulty("id", format!("{text:?} is no GUID, so nobody was made"))
        })?),
    };
    let id = given.or_else(|| uri.as_deref().map(guid_of)).unwrap_or_else(fresh_guid);
    let uri = match (uri, kind) {
        (Some(uri), _) => uri,
        (None, PrincipalKind::Group) => format!("ma-grp:{id}@u.g"),
        (None, PrincipalKind::Folder) => format!("ma-fld:{id}@u.f"),
        (None, PrincipalKind::User | PrincipalKind::Domain) => {
            return Err(Problem::faulty("uri", "users and domains are made with their URI"));
        }
    };
    let taken = find::person(directory, &uri).or_else(|| find::person(directory, &id.to_string()));
    if let Some(taken) = taken {
        let detail = format!("{} is there already, so nobody was made", taken.principal.uri);
        let cause = parlance_core::admin::Cause::PrincipalsAlreadyDefined;
        return Err(Problem::of(cause, "uri", detail));
    }
    let is_ours = uri.rsplit_once('@').is_some_and(|(_, domain)| domain == directory.domain);
    let parents = match body.parents {
        Some(names) => ids(directory, &names)?,
        None if kind == PrincipalKind::User && is_ours => {
            let domain = find::person(directory, &format!("ma-dom:{}", directory.domain));
            domain.into_iter().map(|person| person.principal.id).collect()
        }
        None => Vec::new(),
    };
    Ok(PersonRecord {
        id,
        kind,
        uri,
        display_name: body.display_name,
        account: body.account,
        email: body.email,
        company: body.company,
        path: body.path,
        state: PrincipalState::Active,
        parents: Some(parents),
    })
}

fn ids(directory: &Directory, names: &[String]) -> Result<Vec<Guid>, Problem> {
    let id = |name: &String| {
        let person = find::person(directory, name).ok_or_else(|| missing(name))?;
        Ok(person.principal.id)
    };
    names.iter().map(id).collect()
}

/// Changes a principal by hand.
#[utoipa::path(patch, path = "/api/v1/people/{person}", tag = "people",
    params(("person" = String, Path, description = "URI, id, account, address or name"),
        WriteParams),
    request_body = PersonBody, responses((status = 200, body = Outcome<PersonView>)))]
pub async fn set(
    State(api): State<Api>,
    caller: Caller,
    Name(name): Name,
    write: Write,
    Body(body): Body<PersonBody>,
) -> Result<Response, Problem> {
    caller.must_administrate()?;
    let record = {
        let directory = api.directory();
        let person = find::person(&directory, &name).ok_or_else(|| missing(&name))?;
        let of = person.principal.clone();
        let parents = body.parents.map(|names| ids(&directory, &names)).transpose()?;
        PersonRecord {
            id: of.id,
            kind: of.kind,
            uri: body.uri.map_or(of.uri, |uri| uri.trim().to_lowercase()),
            display_name: body.display_name.unwrap_or(of.display_name),
            account: body.account.unwrap_or(of.account),
            email: body.email.unwrap_or(of.email),
            company: body.company.unwrap_or(of.company),
            path: body.path.unwrap_or(of.path),
            state: body.state.map_or(of.state, Into::into),
            parents,
        }
    };
    let id = record.id;
    let done = api.act(&caller, &write, Act::SyncPeople(vec![record])).await?;
    let directory = api.directory();
    let item = find::person(&directory, &id.to_string());
    let item = item.map(|person| Views(&directory).person(person));
    Ok(told(Outcome::new(done, &write, item), None))
}

/// Forgets a principal.
#[utoipa::path(delete, path = "/api/v1/people/{person}", tag = "people",
    params(("person" = String, Path, description = "URI, id, account, address or name"),
        WriteParams),
    responses((status = 200, body = Outcome<Nothing>)))]
pub async fn remove(
    State(api): State<Api>,
    caller: Caller,
    Name(person): Name,
    write: Write,
) -> Result<Response, Problem> {
    let done = api.act(&caller, &write, Act::RemovePerson { person }).await?;
    Ok(told(Outcome::<Nothing>::new(done, &write, None), None))
}

/// Invitations of a user, from the oldest on.
#[utoipa::path(get, path = "/api/v1/people/{person}/invitations", tag = "people",
    params(("person" = String, Path, description = "URI, id, account, address or name"),
        InvitationParams),
    responses((status = 200, body = Page<InvitationView>)))]
pub async fn invitations(
    State(api): State<Api>,
    caller: Caller,
    Name(name): Name,
    Params(params): Params<InvitationParams>,
) -> Result<Json<Page<InvitationView>>, Problem> {
    let directory = api.directory();
    let person = find::user(&directory, &name).filter(|person| may_see(&caller, person));
    let person = person.ok_or_else(|| missing(&name))?;
    if caller.user().is_some_and(|uri| uri != person.principal.uri) {
        return Err(Problem::forbidden("invitations are their receiver's, so none is shown"));
    }
    let behind = match cursor(params.cursor.as_deref())?.map(|key| key.parse()) {
        None => params.since,
        Some(number) => number.map_err(|_| {
            Problem::faulty("cursor", "a cursor is given as it was told, or left out")
        })?,
    };
    let count = limit(params.limit);
    let found = match count {
        0 => Vec::new(),
        _ => api.admin.invitations(person.principal.id, behind, count).await?,
    };
    // Those of one act share their number and come together.
    let next = found.last().filter(|_| found.len() >= count);
    let next = next.map(|last| cursor_at(&last.number.to_string()));
    let view = |invitation: crate::admin::Invitation| {
        let room = directory.room(invitation.room);
        let name = room.map(|room| room.room.name.clone()).unwrap_or_default();
        let room = Named { id: invitation.room.to_string(), name };
        InvitationView { number: invitation.number, room, on: invitation.created_on.to_string() }
    };
    let items = found.into_iter().map(view).collect();
    Ok(Json(Page { items, next }))
}
