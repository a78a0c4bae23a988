//! Add-ins: web pages that clients show beside a room (`xccos.md` §3.2.2, §6.16).

use super::write::Writer;
use super::{Guid, fields};
use crate::xml::Element;

/// An add-in: `addin` in a list, attributes of a room's `chanib`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddinInfo {
    /// `siopid`.
    pub id: Guid,
    /// `siopname`.
    pub name: String,
    /// `siopurl`.
    pub url: String,
}

/// Writes the three attributes.
pub(super) fn attributes(w: &mut Writer<'_>, addin: &AddinInfo) {
    w.plain("siopid", addin.id);
    w.attribute("siopname", &addin.name).attribute("siopurl", &addin.url);
}

/// Reads the three attributes; `Some(None)` when there is no add-in.
pub(super) fn of(element: &Element<'_>) -> Option<Option<AddinInfo>> {
    let text = |name| fields::text(element, name).unwrap_or_default();
    let addin = |id| AddinInfo { id, name: text("siopname"), url: text("siopurl") };
    Some(fields::optional_guid(element, "siopid")?.map(addin))
}

/// Writes a list.
pub(super) fn encode(w: &mut Writer<'_>, addins: &[AddinInfo]) {
    for addin in addins {
        w.open("addin");
        attributes(w, addin);
        w.empty();
    }
}

/// Reads a list.
pub(super) fn decode(data: &Element<'_>) -> Option<Vec<AddinInfo>> {
    data.children_named("addin").map(|addin| of(addin)?).collect()
}
