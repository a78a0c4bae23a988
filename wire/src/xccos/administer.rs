//! Rooms are looked up, made, changed and deleted: data of `cmd:chaninfo`, `cmd:chancreate`,
//! `cmd:chanmodify` (`xccos.md` §3.15, §6.15).

use super::command::encode_chanib;
use super::ids::category_uri;
use super::room::{INFO_VISIBILITY, PROP_INVITE, described, privacy_of};
use super::write::Writer;
use super::{Behavior, Guid, Privacy, RoomRef, RoomRole, Timestamp, fields};
use crate::xml::Element;

/// A room to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomDraft {
    /// What it shall be called.
    pub name: String,
    /// May be empty.
    pub description: String,
    /// Where. Written without a domain, read with or without.
    pub category: Option<Guid>,
    /// Closed when the client does not say.
    pub privacy: Privacy,
    /// Who may post.
    pub behavior: Behavior,
    /// Invitations are sent if the category's rooms send any; otherwise not in any case.
    pub invite_inherits: bool,
    /// Which page to show beside it.
    pub addin: Option<Guid>,
    /// URIs as written. At most `XCCOS_PRINCIPALS_MAX` on the three lists together.
    pub members: Vec<String>,
    /// Likewise.
    pub managers: Vec<String>,
    /// Likewise.
    pub presenters: Vec<String>,
}

impl RoomDraft {
    /// As a client makes a room that says its name only.
    pub fn new(name: String) -> RoomDraft {
        RoomDraft {
            name,
            description: String::new(),
            category: None,
            privacy: Privacy::Closed,
            behavior: Behavior::Normal,
            invite_inherits: true,
            addin: None,
            members: Vec::new(),
            managers: Vec::new(),
            presenters: Vec::new(),
        }
    }
}

/// What shall be different about a room; `None` leaves a property as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomChange {
    /// Which room.
    pub room: RoomRef,
    /// Another name.
    pub name: Option<String>,
    /// Another description, maybe none.
    pub description: Option<String>,
    /// Others may see and enter it.
    pub privacy: Option<Privacy>,
    /// Others may post.
    pub behavior: Option<Behavior>,
    /// As in [`RoomDraft`].
    pub invite_inherits: Option<bool>,
    /// Disable or enable it.
    pub disabled: Option<bool>,
    /// Move it.
    pub category: Option<Guid>,
    /// Another page beside it, or none.
    pub addin: Option<Option<Guid>>,
    /// `audit@updatedon` of the description that the change is based on.
    pub seen_on: Option<Timestamp>,
    /// In the order written. At most `XCCOS_PRINCIPALS_MAX` principals together.
    pub roles: Vec<RoleChange>,
}

impl RoomChange {
    /// Nothing is different.
    pub fn new(room: RoomRef) -> RoomChange {
        RoomChange {
            room,
            name: None,
            description: None,
            privacy: None,
            behavior: None,
            invite_inherits: None,
            disabled: None,
            category: None,
            addin: None,
            seen_on: None,
            roles: Vec::new(),
        }
    }
}

/// `role` in a change: what happens to one of a room's lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleChange {
    /// Which list.
    pub role: RoomRole,
    /// What happens.
    pub op: RoleOp,
    /// URIs as written.
    pub principals: Vec<String>,
}

/// What happens to a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum RoleOp {
    /// These are added; so it is when the client does not say, for it takes nothing away.
    #[default]
    Add,
    /// These are taken off.
    Remove,
    /// These are the list.
    Replace,
}

impl RoleOp {
    fn word(self) -> &'static str {
        match self {
            RoleOp::Add => "add",
            RoleOp::Remove => "remove",
            RoleOp::Replace => "replace",
        }
    }

    fn parse(text: &str) -> Option<RoleOp> {
        let all = [RoleOp::Add, RoleOp::Remove, RoleOp::Replace];
        all.into_iter().find(|op| op.word().eq_ignore_ascii_case(text.trim()))
    }
}

/// Reads which room is asked for, by reference, by name or both.
pub(super) fn decode_lookup(data: &Element<'_>) -> Option<(Option<RoomRef>, Option<String>)> {
    let name = data.child("chanib").and_then(|chanib| fields::filled(chanib, "name"));
    let has_no_uri = |e: &Element<'_>| e.attribute("uri").is_none_or(str::is_empty);
    let mut references = data.children.iter().filter(|e| e.name != "chanib" || !has_no_uri(e));
    match references.find_map(fields::room_reference) {
        Some(room) => Some((Some(room?), name)),
        None => name.map(|name| (None, Some(name))),
    }
}

/// Writes which room is asked for.
pub(super) fn encode_lookup(w: &mut Writer<'_>, room: Option<&RoomRef>, name: Option<&str>) {
    match (room, name) {
        (Some(room), Some(name)) if room.has_uri() => {
            w.open("chanib").room("uri", room).attribute("name", name).empty();
        }
        _ => {
            if let Some(room) = room {
                encode_chanib(w, room);
            }
            if let Some(name) = name {
                w.open("chanib").attribute("name", name).empty();
            }
        }
    }
}

/// Reads a room to be made.
pub(super) fn decode_draft(data: &Element<'_>) -> Option<RoomDraft> {
    let chanib = data.child("chanib")?;
    let mut draft = RoomDraft {
        description: fields::text(chanib, "description").unwrap_or_default(),
        category: fields::optional_category(chanib, "parent")?,
        privacy: privacy_of(chanib)?.unwrap_or(Privacy::Closed),
        behavior: fields::parsed(chanib, "behavior", Behavior::parse)?.unwrap_or_default(),
        invite_inherits: invite_of(chanib)?.unwrap_or(true),
        addin: fields::optional_guid(chanib, "siopid")?,
        ..RoomDraft::new(fields::filled(chanib, "name")?)
    };
    for change in decode_roles(chanib)? {
        let list = match change.role {
            RoomRole::Member => &mut draft.members,
            RoomRole::Manager => &mut draft.managers,
            RoomRole::Presenter => &mut draft.presenters,
        };
        if change.op == RoleOp::Remove {
            return None;
        }
        list.extend(change.principals);
    }
    Some(draft)
}

/// Writes a room to be made.
pub(super) fn encode_draft(w: &mut Writer<'_>, draft: &RoomDraft) {
    w.open("chanib").attribute("name", &draft.name).attribute("description", &draft.description);
    w.optional("parent", draft.category).plain("behavior", draft.behavior.word());
    w.optional("siopid", draft.addin);
    w.inside("chanib", |w| {
        encode_privacy(w, draft.privacy);
        encode_invite(w, draft.invite_inherits);
        let lists = [
            (RoomRole::Member, &draft.members),
            (RoomRole::Manager, &draft.managers),
            (RoomRole::Presenter, &draft.presenters),
        ];
        lists.into_iter().for_each(|(role, principals)| encode_role(w, role, None, principals));
    });
}

/// Reads what shall be different.
pub(super) fn decode_change(data: &Element<'_>) -> Option<RoomChange> {
    let chanib = data.child("chanib")?;
    let addin = match chanib.attribute("siopid") {
        None => None,
        Some("") => Some(None),
        Some(text) => Some(Some(Guid::parse(text)?)),
    };
    let seen_on = |audit| fields::optional_time(audit, "updatedon");
    Some(RoomChange {
        room: fields::room_reference(chanib)??,
        name: fields::text(chanib, "name"),
        description: fields::text(chanib, "description"),
        privacy: privacy_of(chanib)?,
        behavior: fields::parsed(chanib, "behavior", Behavior::parse)?,
        invite_inherits: invite_of(chanib)?,
        disabled: fields::optional_flag(chanib, "disabled")?,
        category: fields::optional_category(chanib, "parent")?,
        addin,
        seen_on: chanib.child("audit").map_or(Some(None), seen_on)?,
        roles: decode_roles(chanib)?,
    })
}

/// Writes what shall be different.
pub(super) fn encode_change(w: &mut Writer<'_>, change: &RoomChange) {
    w.open("chanib").room("uri", &change.room);
    for (name, text) in [("name", &change.name), ("description", &change.description)] {
        if let Some(text) = text {
            w.attribute(name, text);
        }
    }
    if let Some(category) = change.category {
        w.attribute("parent", &category_uri(&change.room.domain, category));
    }
    w.optional("behavior", change.behavior.map(Behavior::word));
    w.optional("disabled", change.disabled);
    w.optional(
        "siopid",
        change.addin.map(|addin| addin.map_or_else(String::new, |id| id.to_string())),
    );
    let is_childless = change.privacy.is_none()
        && change.invite_inherits.is_none()
        && change.seen_on.is_none()
        && change.roles.is_empty();
    if is_childless {
        return w.empty();
    }
    w.inside("chanib", |w| {
        if let Some(privacy) = change.privacy {
            encode_privacy(w, privacy);
        }
        if let Some(inherits) = change.invite_inherits {
            encode_invite(w, inherits);
        }
        if let Some(time) = change.seen_on {
            w.open("audit").plain("updatedon", time).empty();
        }
        for RoleChange { role, op, principals } in &change.roles {
            encode_role(w, *role, Some(*op), principals);
        }
    });
}

fn encode_privacy(w: &mut Writer<'_>, privacy: Privacy) {
    let [_, upper] = privacy.words();
    w.open("info").plain("id", INFO_VISIBILITY).inside_display("info", upper);
}

fn encode_invite(w: &mut Writer<'_>, inherits: bool) {
    let word = if inherits { INHERIT } else { "false" };
    w.open("prop").plain("id", PROP_INVITE).inside_display("prop", word);
}

const INHERIT: &str = "inherit";

/// Does the room invite as its category does? `true` means the same as `inherit`: a room can only
/// switch invitations off.
fn invite_of(chanib: &Element<'_>) -> Option<Option<bool>> {
    match described(chanib, "prop", PROP_INVITE) {
        None => Some(None),
        Some(text) if text.trim().eq_ignore_ascii_case(INHERIT) => Some(Some(true)),
        Some(text) => fields::parse_bool(text).map(Some),
    }
}

fn encode_role(w: &mut Writer<'_>, role: RoomRole, op: Option<RoleOp>, principals: &[String]) {
    w.open("role").plain("name", role.word());
    w.optional("op", op.map(RoleOp::word));
    if principals.is_empty() {
        return w.empty();
    }
    w.inside("role", |w| {
        for uri in principals {
            w.open("uib").attribute("uri", uri).empty();
        }
    });
}

/// How many principals a document names, all lists of its room together.
pub(super) fn principals(data: &Element<'_>) -> usize {
    let roles = data.child("chanib").into_iter().flat_map(|chanib| chanib.children_named("role"));
    roles.map(|role| role.children_named("uib").count()).sum()
}

/// Reads the lists.
fn decode_roles(chanib: &Element<'_>) -> Option<Vec<RoleChange>> {
    let role = |role: &Element<'_>| {
        let principals = role.children_named("uib").map(|uib| fields::filled(uib, "uri"));
        Some(RoleChange {
            role: RoomRole::parse(role.attribute("name")?)?,
            op: fields::parsed(role, "op", RoleOp::parse)?.unwrap_or_default(),
            principals: principals.collect::<Option<_>>()?,
        })
    };
    chanib.children_named("role").map(role).collect()
}
