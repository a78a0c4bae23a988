//! `qib`: which rooms `cmd:chansrch` looks for (`xccos.md` §3.10, §6.10).

use super::write::Writer;
use super::{Behavior, Guid, Privacy, fields};
use crate::xml::Element;

/// A room search by name. What is `None` or false does not matter; what is there must all be so.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RoomSearch {
    /// Text the name contains, ignoring case; empty finds all visible rooms.
    pub criteria: String,
    /// Search descriptions too.
    pub extended: bool,
    /// Most rooms wanted.
    pub results_max: Option<u32>,
    /// Each word of the text, anywhere.
    pub all_words: bool,
    /// The text as it stands.
    pub exact_phrase: bool,
    /// In this category. Written without a domain, read with or without.
    pub category: Option<Guid>,
    /// This principal is on the list of members; a URI as written.
    pub member: Option<String>,
    /// This one is on the list of managers.
    pub manager: Option<String>,
    /// This user is in.
    pub joined: Option<String>,
    /// With this add-in.
    pub addin: Option<Guid>,
    /// Disabled or not.
    pub disabled: Option<bool>,
    /// Seen and entered by these.
    pub privacy: Option<Privacy>,
    /// Posted in by these.
    pub behavior: Option<Behavior>,
    /// Inviting or not.
    pub invite: Option<bool>,
}

/// Reads a `qib`.
pub(super) fn decode(qib: &Element<'_>) -> Option<RoomSearch> {
    // Another kind of search must not be answered as if it were one by name.
    let by_name = qib.attribute("qtype").is_none_or(|text| text.eq_ignore_ascii_case("byname"));
    by_name.then_some(RoomSearch {
        criteria: fields::text(qib, "criteria").unwrap_or_default(),
        extended: fields::flag(qib, "extended")? | fields::flag(qib, "searchDescription")?,
        results_max: fields::optional_number(qib, "maxResults")?,
        all_words: fields::flag(qib, "matchAll")?,
        exact_phrase: fields::flag(qib, "matchExactPhrase")?,
        category: fields::optional_category(qib, "categoryUri")?,
        member: fields::filled(qib, "memberUri"),
        manager: fields::filled(qib, "managerUri"),
        joined: fields::filled(qib, "joinedUri"),
        addin: fields::optional_guid(qib, "addinGuid")?,
        disabled: fields::optional_flag(qib, "disabled")?,
        privacy: fields::parsed(qib, "visibility", Privacy::parse)?,
        behavior: fields::parsed(qib, "behavior", Behavior::parse)?,
        invite: fields::optional_flag(qib, "invite")?,
    })
}

/// Writes a `qib`; filters only if they are used, so that a plain search looks as SIPE's does.
pub(super) fn encode(w: &mut Writer<'_>, search: &RoomSearch) {
    w.open("qib").plain("qtype", "BYNAME").attribute("criteria", &search.criteria);
    w.plain("extended", search.extended);
    w.optional("maxResults", search.results_max);
    for (name, is_used) in
        [("matchAll", search.all_words), ("matchExactPhrase", search.exact_phrase)]
    {
        w.optional(name, is_used.then_some(true));
    }
    w.optional("categoryUri", search.category);
    let uris = [
        ("memberUri", &search.member),
        ("managerUri", &search.manager),
        ("joinedUri", &search.joined),
    ];
    for (name, uri) in uris {
        if let Some(uri) = uri {
            w.attribute(name, uri);
        }
    }
    w.optional("addinGuid", search.addin).optional("disabled", search.disabled);
    w.optional("visibility", search.privacy.map(|privacy| privacy.words()[1]));
    w.optional("behavior", search.behavior.map(Behavior::word));
    w.optional("invite", search.invite).empty();
}
