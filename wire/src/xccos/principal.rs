//! Principals: users, and what users belong to (`xccos.md` §3.2.3, §3.16).

use super::write::Writer;
use super::{Guid, RoomRole, fields};
use crate::xml::Element;

/// What a principal is; the number is `uib@type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum PrincipalKind {
    /// A person.
    #[default]
    User = 5,
    /// A domain.
    Domain = 8,
    /// A group.
    Group = 9,
    /// A folder of the directory service.
    Folder = 10,
}

impl PrincipalKind {
    fn from_number(number: u32) -> Option<PrincipalKind> {
        use PrincipalKind::*;
        [User, Domain, Group, Folder].into_iter().find(|kind| *kind as u32 == number)
    }
}

/// `uib`: a principal with what the directory knows of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PrincipalInfo {
    /// `sip:…` or `ma-grp:…`; never empty.
    pub uri: String,
    /// What it is.
    pub kind: PrincipalKind,
    /// `uname`.
    pub account: String,
    /// `dispname`.
    pub name: String,
    /// Not written when empty.
    pub email: String,
    /// Not written when empty.
    pub company: String,
    /// May not sign in.
    pub disabled: bool,
}

/// `uqb`: which principals `cmd:usersearch` looks for. What is empty or `None` does not matter.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PrincipalSearch {
    /// How the last name begins; groups have one name, which is this.
    pub last_name: String,
    /// How the first name begins.
    pub first_name: String,
    /// How the mail address begins.
    pub email: String,
    /// Who may have this role.
    pub role: Option<RoomRole>,
    /// In rooms of this category. Written without a domain, read with or without.
    pub category: Option<Guid>,
    /// Most principals wanted.
    pub results_max: Option<u32>,
}

/// Writes a `uqb`.
pub(super) fn encode_search(w: &mut Writer<'_>, search: &PrincipalSearch) {
    w.open("uqb").attribute("lastname", &search.last_name);
    w.attribute("firstname", &search.first_name).attribute("email", &search.email);
    w.optional("role", search.role.map(RoomRole::word)).optional("parent", search.category);
    w.optional("maxResults", search.results_max).empty();
}

/// Reads a `uqb`.
pub(super) fn decode_search(uqb: &Element<'_>) -> Option<PrincipalSearch> {
    let text = |name| fields::text(uqb, name).unwrap_or_default();
    Some(PrincipalSearch {
        last_name: text("lastname"),
        first_name: text("firstname"),
        email: text("email"),
        role: fields::parsed(uqb, "role", RoomRole::parse)?,
        category: fields::optional_category(uqb, "parent")?,
        results_max: fields::optional_number(uqb, "maxResults")?,
    })
}

/// Writes a `uib`.
pub(super) fn encode(w: &mut Writer<'_>, principal: &PrincipalInfo) {
    w.open("uib").attribute("uri", &principal.uri).plain("type", principal.kind as u32);
    w.attribute("uname", &principal.account).attribute("dispname", &principal.name);
    for (name, text) in [("email", &principal.email), ("company", &principal.company)] {
        if !text.is_empty() {
            w.attribute(name, text);
        }
    }
    w.plain("disabled", principal.disabled).empty();
}

/// Reads a `uib`.
pub(super) fn decode(uib: &Element<'_>) -> Option<PrincipalInfo> {
    let text = |name| fields::text(uib, name).unwrap_or_default();
    let number = fields::optional_number(uib, "type")?;
    Some(PrincipalInfo {
        uri: fields::filled(uib, "uri")?,
        kind: number.map_or(Some(PrincipalKind::User), PrincipalKind::from_number)?,
        account: text("uname"),
        name: fields::display_name(uib),
        email: text("email"),
        company: text("company"),
        disabled: fields::flag(uib, "disabled")?,
    })
}

/// Writes what a search found.
pub(super) fn encode_found(w: &mut Writer<'_>, principals: &[PrincipalInfo], more: bool) {
    principals.iter().for_each(|principal| encode(w, principal));
    w.open("more").plain("available", more).empty();
}

/// Reads what a search found, and whether there is more.
pub(super) fn decode_found(data: &Element<'_>) -> Option<(Vec<PrincipalInfo>, bool)> {
    let principals = data.children_named("uib").map(decode).collect::<Option<_>>()?;
    let more = data.child("more").map_or(Some(false), |more| fields::flag(more, "available"))?;
    Some((principals, more))
}
