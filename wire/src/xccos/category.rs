//! `catib`: categories in which a user may create rooms (`xccos.md` §3.14, §6.14).

use super::fields;
use super::room::{decode_flags, encode_flags};
use super::write::Writer;
use crate::xml::Element;

/// A category, and what rooms in it may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CategoryInfo {
    /// `ma-cat://…` in canonical spelling.
    pub uri: String,
    /// What it is called.
    pub name: String,
    /// May be empty.
    pub description: String,
    /// Invitations are sent, unless a room does not want them.
    pub invite: bool,
    /// Files may be posted.
    pub file_post: bool,
    /// History is kept.
    pub logged: bool,
}

/// Writes a list.
pub(super) fn encode(w: &mut Writer<'_>, categories: &[CategoryInfo]) {
    for category in categories {
        w.open("catib").attribute("name", &category.name);
        w.attribute("description", &category.description).attribute("uri", &category.uri);
        w.inside("catib", |w| {
            encode_flags(w, category.file_post, category.invite, category.logged);
        });
    }
}

/// Reads a list.
pub(super) fn decode(data: &Element<'_>) -> Option<Vec<CategoryInfo>> {
    let category = |catib: &Element<'_>| {
        let (file_post, invite, logged) = decode_flags(catib)?;
        Some(CategoryInfo {
            uri: fields::filled(catib, "uri")?,
            name: fields::text(catib, "name")?,
            description: fields::text(catib, "description").unwrap_or_default(),
            invite,
            file_post,
            logged,
        })
    };
    data.children_named("catib").map(category).collect()
}
