//! Lists of rooms: the filters of `Get-CsPersistentChatRoom` (`product.md` §3.2).

use super::Api;
use super::auth::Caller;
use super::extract::Params;
use super::page::{Page, cursor, limit, page};
use super::problem::Problem;
use super::rooms::may_see;
use super::view::{RoomView, Views};
use super::words::{InvitationsWord, PrivacyWord, TypeWord};
use crate::admin::find;
use axum::Json;
use axum::extract::State;
use parlance_core::Directory;
use parlance_core::directory::{Asker, Person, RoomEntry};
use parlance_wire::xccos::Guid;
use serde::Deserialize;
use std::collections::HashMap;
use std::sync::Arc;
use utoipa::IntoParams;

/// Most that can be asked of what was said in a room, in MB.
const CONTENT_MB_MAX: u64 = 1_000_000;

/// Which rooms; all that is given must fit.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RoomParams {
    /// Name with wildcards `*` and `?`, any case; without a wildcard a part of it is enough.
    filter: Option<String>,
    /// `filter` may fit the description instead.
    #[serde(default)]
    search_description: bool,
    /// In this category: name, id or URI.
    category: Option<String>,
    /// With this add-in: name or id.
    addin: Option<String>,
    /// This user is among the members, also by a group.
    member: Option<String>,
    /// This user is among the managers, also by a group.
    manager: Option<String>,
    /// Only disabled rooms, or only others.
    disabled: Option<bool>,
    /// With this setting.
    invitations: Option<InvitationsWord>,
    /// With this privacy.
    privacy: Option<PrivacyWord>,
    /// Of this type.
    r#type: Option<TypeWord>,
    /// What was said takes more than so many MB; asks the database.
    // CONTENT_MB_MAX
    #[param(maximum = 1_000_000)]
    chat_content_exceeds_mb: Option<u64>,
    /// Most rooms wanted.
    limit: Option<usize>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// Rooms by name.
#[utoipa::path(get, path = "/api/v1/rooms", tag = "rooms", params(RoomParams),
    responses((status = 200, body = Page<RoomView>)))]
pub async fn list(
    State(api): State<Api>,
    caller: Caller,
    Params(params): Params<RoomParams>,
) -> Result<Json<Page<RoomView>>, Problem> {
    let sizes = match params.chat_content_exceeds_mb {
        None => None,
        Some(mb) if mb > CONTENT_MB_MAX => {
            let detail = format!("a room has at most {CONTENT_MB_MAX} MB, so none was looked for");
            return Err(Problem::faulty("chat_content_exceeds_mb", detail));
        }
        Some(_) => {
            caller.must_read_all()?;
            Some(api.admin.room_bytes().await?.into_iter().collect())
        }
    };
    let directory = api.directory();
    let wanted = Wanted::new(&directory, &params, sizes)?;
    let all = directory.rooms().filter(|room| wanted.fits(room));
    let seen = all.filter(|room| may_see(&directory, &caller, room));
    let keyed = seen.map(|room| (room.room.name.to_lowercase(), room)).collect();
    let after = cursor(params.cursor.as_deref())?;
    let view = |room: &Arc<RoomEntry>| Views(&directory).room(room, false);
    Ok(Json(page(keyed, after.as_deref(), limit(params.limit), view)))
}

/// Parameters that have been looked up.
struct Wanted<'d> {
    params: &'d RoomParams,
    text: Option<Wildcards>,
    category: Option<Guid>,
    addin: Option<Guid>,
    member: Option<Asker<'d>>,
    manager: Option<Asker<'d>>,
    sizes: Option<HashMap<Guid, u64>>,
}

impl<'d> Wanted<'d> {
    fn new(
        directory: &'d Directory,
        params: &'d RoomParams,
        sizes: Option<HashMap<Guid, u64>>,
    ) -> Result<Wanted<'d>, Problem> {
        let category = params.category.as_deref().map(|name| {
            let found = find::category(directory, name).map(|entry| entry.category.id);
            found.ok_or_else(|| Problem::missing("category", name))
        });
        let addin = params.addin.as_deref().map(|name| {
            let found = find::addin(directory, name).map(|addin| addin.id);
            found.ok_or_else(|| Problem::missing("add-in", name))
        });
        Ok(Wanted {
            text: params.filter.as_deref().map(Wildcards::new),
            category: category.transpose()?,
            addin: addin.transpose()?,
            member: params.member.as_deref().map(|who| asker(directory, who)).transpose()?,
            manager: params.manager.as_deref().map(|who| asker(directory, who)).transpose()?,
            sizes,
            params,
        })
    }

    fn fits(&self, room: &RoomEntry) -> bool {
        let (of, params) = (&room.room, self.params);
        let is_called = self.text.as_ref().is_none_or(|text| {
            text.fits(&of.name) || params.search_description && text.fits(&of.description)
        });
        let least = params.chat_content_exceeds_mb.map(|mb| mb.saturating_mul(1024 * 1024));
        let is_large = match (&self.sizes, least) {
            (Some(sizes), Some(least)) => sizes.get(&of.id).is_some_and(|size| *size > least),
            _ => true,
        };
        is_called
            && is_large
            && self.category.is_none_or(|id| of.category == id)
            && self.addin.is_none_or(|id| of.addin == Some(id))
            && self.member.is_none_or(|asker| room.members().has(&asker))
            && self.manager.is_none_or(|asker| room.managers().has(&asker))
            && params.disabled.is_none_or(|disabled| of.is_disabled == disabled)
            && params.invitations.is_none_or(|it| of.invitations == it.into())
            && params.privacy.is_none_or(|it| of.privacy == it.into())
            && params.r#type.is_none_or(|it| of.behavior == it.into())
    }
}

/// A user as lists see one, whether the service is for them or not.
fn asker<'d>(directory: &'d Directory, who: &str) -> Result<Asker<'d>, Problem> {
    let missing = || Problem::missing("user", who);
    let person: &Person = find::user(directory, who).ok_or_else(missing)?;
    let id = directory.people().find(person.principal.id);
    Ok(Asker { id, affiliations: person.affiliations() })
}

/// A text with `*` for anything and `?` for one character, compared without case.
pub struct Wildcards {
    pattern: Vec<char>,
}

impl Wildcards {
    /// Without a wildcard a part is enough.
    pub fn new(text: &str) -> Wildcards {
        let lower = text.to_lowercase();
        let whole = if lower.contains(['*', '?']) { lower } else { format!("*{lower}*") };
        Wildcards { pattern: whole.chars().collect() }
    }

    /// Does it fit, from the beginning to the end?
    pub fn fits(&self, text: &str) -> bool {
        let text: Vec<char> = text.to_lowercase().chars().collect();
        let (mut p, mut t) = (0, 0);
        // Where the last `*` stands, and how much it has swallowed: all there is to go back to.
        let mut star: Option<(usize, usize)> = None;
        while t < text.len() {
            match self.pattern.get(p) {
                Some('*') => {
                    star = Some((p, t));
                    p += 1;
                }
                Some(c) if *c == '?' || *c == text[t] => {
                    p += 1;
                    t += 1;
                }
                _ => match &mut star {
                    Some((at, swallowed)) => {
                        *swallowed += 1;
                        (p, t) = (*at + 1, *swallowed);
                    }
                    None => return false,
                },
            }
        }
        self.pattern[p..].iter().all(|c| *c == '*')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_fit_as_in_a_shell() {
        let check = |pattern: &str, text: &str, fits: bool| {
            assert_eq!(Wildcards::new(pattern).fits(text), fits, "{pattern:?} and {text:?}");
        };
        check("lob", "The Lobby", true);
        check("lob*", "The Lobby", false);
        check("*LOB*", "The Lobby", true);
        check("r?om *", "Room 1", true);
        check("*a*b*c", "aXbXbXc", true);
        check("*a*b*c", "aXbXbX", false);
        check("", "anything", true);
        check("?", "", false);
        check("grü*", "GRÜSSE", true);
    }
}
