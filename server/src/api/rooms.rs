//! Rooms: `…-CsPersistentChatRoom`. Lists of them are in `room_list`.

use super::auth::Caller;
use super::extract::{Body, Name, Write, WriteParams, present};
use super::problem::Problem;
use super::view::{ListEditBody, RoomView, Views};
use super::words::{InvitationsWord, PrivacyWord, TypeWord};
use super::{Api, Nothing, Outcome, segment, shown, told};
use crate::admin::{Done, find};
use axum::extract::State;
use axum::response::Response;
use parlance_core::Directory;
use parlance_core::admin::{Act, NewRoom, RoomEdit};
use parlance_core::directory::RoomEntry;
use parlance_core::policy::Right;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// A new room.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRoomBody {
    name: String,
    /// By name, id or URI.
    category: String,
    #[serde(default)]
    description: String,
    #[serde(default = "closed")]
    privacy: PrivacyWord,
    #[serde(default = "normal")]
    r#type: TypeWord,
    #[serde(default = "inherit")]
    invitations: InvitationsWord,
    /// By name or id.
    addin: Option<String>,
    #[serde(default)]
    disabled: bool,
    #[serde(default)]
    members: Vec<String>,
    #[serde(default)]
    managers: Vec<String>,
    #[serde(default)]
    presenters: Vec<String>,
}

fn closed() -> PrivacyWord {
    PrivacyWord::Closed
}

fn normal() -> TypeWord {
    TypeWord::Normal
}

fn inherit() -> InvitationsWord {
    InvitationsWord::Inherit
}

/// What is to change of a room.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RoomBody {
    name: Option<String>,
    description: Option<String>,
    /// Moves the room: principals that do not fit there are dropped from its lists.
    category: Option<String>,
    privacy: Option<PrivacyWord>,
    r#type: Option<TypeWord>,
    invitations: Option<InvitationsWord>,
    /// `null` takes it away.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    addin: Option<Option<String>>,
    disabled: Option<bool>,
    #[serde(default)]
    members: ListEditBody,
    #[serde(default)]
    managers: ListEditBody,
    #[serde(default)]
    presenters: ListEditBody,
}

/// May the caller see it at all?
pub fn may_see(directory: &Directory, caller: &Caller, room: &RoomEntry) -> bool {
    match caller.asker(directory) {
        None => true,
        Some(asker) => asker.is_some_and(|asker| directory.may(&asker, room, Right::See)),
    }
}

/// A room that the caller may see.
pub fn visible<'d>(
    directory: &'d Directory,
    caller: &Caller,
    name: &str,
) -> Result<&'d Arc<RoomEntry>, Problem> {
    let room = find::room(directory, name).filter(|room| may_see(directory, caller, room));
    room.ok_or_else(|| Problem::missing("room", name))
}

fn item(directory: &Directory, done: &Done) -> Option<RoomView> {
    let room = done.subject.and_then(|id| directory.room(id))?;
    Some(Views(directory).room(room, true))
}

/// One room, with its lists.
#[utoipa::path(get, path = "/api/v1/rooms/{room}", tag = "rooms",
    params(("room" = String, Path, description = "Name, id, URI or pool\\name")),
    responses((status = 200, body = RoomView)))]
pub async fn one(
    State(api): State<Api>,
    caller: Caller,
    Name(name): Name,
) -> Result<Response, Problem> {
    let directory = api.directory();
    let room = visible(&directory, &caller, &name)?;
    Ok(shown(Views(&directory).room(room, true)))
}

/// Makes a room. A user who does becomes its manager.
#[utoipa::path(post, path = "/api/v1/rooms", tag = "rooms", params(WriteParams),
    request_body = NewRoomBody, responses((status = 201, body = Outcome<RoomView>)))]
pub async fn new(
    State(api): State<Api>,
    caller: Caller,
    write: Write,
    Body(body): Body<NewRoomBody>,
) -> Result<Response, Problem> {
    let act = Act::NewRoom(NewRoom {
        name: body.name,
        category: body.category,
        description: body.description,
        privacy: body.privacy.into(),
        behavior: body.r#type.into(),
        invitations: body.invitations.into(),
        addin: body.addin,
        is_disabled: body.disabled,
        managers: body.managers,
        members: body.members,
        presenters: body.presenters,
    });
    let done = api.act(&caller, &write, act).await?;
    let item = item(&api.directory(), &done);
    let place = done.subject.map(|id| format!("/rooms/{}", segment(&id.to_string())));
    Ok(told(Outcome::new(done, &write, item), Some(place.unwrap_or_default())))
}

/// Changes a room.
#[utoipa::path(patch, path = "/api/v1/rooms/{room}", tag = "rooms",
    params(("room" = String, Path, description = "Name, id, URI or pool\\name"), WriteParams),
    request_body = RoomBody, responses((status = 200, body = Outcome<RoomView>)))]
pub async fn set(
    State(api): State<Api>,
    caller: Caller,
    Name(room): Name,
    write: Write,
    Body(body): Body<RoomBody>,
) -> Result<Response, Problem> {
    let edit = RoomEdit {
        version: write.version,
        name: body.name,
        description: body.description,
        category: body.category,
        privacy: body.privacy.map(Into::into),
        behavior: body.r#type.map(Into::into),
        invitations: body.invitations.map(Into::into),
        addin: body.addin,
        is_disabled: body.disabled,
        members: body.members.into(),
        managers: body.managers.into(),
        presenters: body.presenters.into(),
        force: write.force,
    };
    let done = api.act(&caller, &write, Act::SetRoom { room, edit }).await?;
    let item = item(&api.directory(), &done);
    Ok(told(Outcome::new(done, &write, item), None))
}

/// Removes a room with all that was said in it.
#[utoipa::path(delete, path = "/api/v1/rooms/{room}", tag = "rooms",
    params(("room" = String, Path, description = "Name, id, URI or pool\\name"), WriteParams),
    responses((status = 200, body = Outcome<Nothing>)))]
pub async fn remove(
    State(api): State<Api>,
    caller: Caller,
    Name(room): Name,
    write: Write,
) -> Result<Response, Problem> {
    let act = Act::RemoveRoom { room, version: write.version };
    let done = api.act(&caller, &write, act).await?;
    Ok(told(Outcome::<Nothing>::new(done, &write, None), None))
}
