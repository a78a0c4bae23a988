//! Roles in a room and who has them (`xccos.md` §6.15).

use super::write::Writer;
use super::{PrincipalInfo, principal};
use crate::xml::Element;

/// What somebody is to a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum RoomRole {
    Member,
    Manager,
    Presenter,
}

impl RoomRole {
    /// The wire's word.
    pub fn word(self) -> &'static str {
        match self {
            RoomRole::Member => "member",
            RoomRole::Manager => "manager",
            RoomRole::Presenter => "presenter",
        }
    }

    /// Reads the word in any case.
    pub fn parse(text: &str) -> Option<RoomRole> {
        let all = [RoomRole::Member, RoomRole::Manager, RoomRole::Presenter];
        all.into_iter().find(|role| role.word().eq_ignore_ascii_case(text.trim()))
    }
}

/// `role` of a room that is shown: everybody on one list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleList {
    /// Which list.
    pub role: RoomRole,
    /// Who is on it.
    pub principals: Vec<PrincipalInfo>,
}

/// Writes a `role`.
pub(super) fn encode(w: &mut Writer<'_>, list: &RoleList) {
    w.open("role").plain("name", list.role.word());
    if list.principals.is_empty() {
        return w.empty();
    }
    w.inside("role", |w| list.principals.iter().for_each(|one| principal::encode(w, one)));
}

/// Reads a `role`.
pub(super) fn decode(element: &Element<'_>) -> Option<RoleList> {
    let role = RoomRole::parse(element.attribute("name")?)?;
    let principals = element.children_named("uib").map(principal::decode);
    Some(RoleList { role, principals: principals.collect::<Option<_>>()? })
}
