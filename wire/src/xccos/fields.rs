//! Reading values out of elements. `None` means: missing or malformed.

use super::ids::parse_category;
use super::room::marks_of;
use super::{Guid, Participant, RoomRef, Timestamp};
use crate::xml::Element;
use std::str::FromStr;

/// A number in decimal digits.
pub(super) fn number<T: FromStr>(element: &Element<'_>, name: &str) -> Option<T> {
    parse_number(element.attribute(name)?)
}

/// A number that may be missing (`Some(None)`) but not malformed.
pub(super) fn optional_number<T: FromStr>(element: &Element<'_>, name: &str) -> Option<Option<T>> {
    element.attribute(name).map_or(Some(None), |text| parse_number(text).map(Some))
}

/// A time that may be missing (`Some(None)`) but not malformed.
pub(super) fn optional_time(element: &Element<'_>, name: &str) -> Option<Option<Timestamp>> {
    element.attribute(name).map_or(Some(None), |text| Timestamp::parse(text).map(Some))
}

/// A GUID that may be missing or empty (`Some(None)`) but not malformed.
pub(super) fn optional_guid(element: &Element<'_>, name: &str) -> Option<Option<Guid>> {
    parsed(element, name, Guid::parse)
}

/// A category that may be missing or empty (`Some(None)`) but not malformed.
pub(super) fn optional_category(element: &Element<'_>, name: &str) -> Option<Option<Guid>> {
    parsed(element, name, parse_category)
}

/// A flag that may be missing or empty (`Some(None)`) but not malformed.
pub(super) fn optional_flag(element: &Element<'_>, name: &str) -> Option<Option<bool>> {
    parsed(element, name, parse_bool)
}

/// A value that may be missing or empty (`Some(None)`) but not malformed.
pub(super) fn parsed<T>(
    element: &Element<'_>,
    name: &str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Option<Option<T>> {
    match element.attribute(name) {
        None | Some("") => Some(None),
        Some(text) => parse(text).map(Some),
    }
}

pub(super) fn parse_number<T: FromStr>(text: &str) -> Option<T> {
    // `FromStr` would take a sign too.
    let is_decimal = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    is_decimal.then(|| text.parse().ok()).flatten()
}

/// A flag that is false when missing.
pub(super) fn flag(element: &Element<'_>, name: &str) -> Option<bool> {
    element.attribute(name).map_or(Some(false), parse_bool)
}

/// `true`, `false`, `1`, `0` in any case: schema booleans and what .NET prints.
pub(super) fn parse_bool(text: &str) -> Option<bool> {
    match text.trim() {
        "1" => Some(true),
        "0" => Some(false),
        text if text.eq_ignore_ascii_case("true") => Some(true),
        text if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

/// A text, owned.
pub(super) fn text(element: &Element<'_>, name: &str) -> Option<String> {
    element.attribute(name).map(str::to_owned)
}

/// A text that must not be empty.
pub(super) fn filled(element: &Element<'_>, name: &str) -> Option<String> {
    text(element, name).filter(|text| !text.is_empty())
}

/// The room that an element refers to, in any of the forms of `xccos.md` §3.2.5; `None` inside when
/// the reference is malformed, `None` outside when the element is no reference.
pub(super) fn room_reference(element: &Element<'_>) -> Option<Option<RoomRef>> {
    let uri = |name| element.attribute(name).and_then(RoomRef::parse);
    match element.name {
        "chanib" => Some(uri("uri")),
        "ftdb" => Some(uri("channelUri")),
        "grpchat" => Some(uri("chanUri")),
        "chanid" => {
            // An empty identifier is let through: one bad bookmark among many must not cost a
            // client its whole bjoin. No such room will be found.
            let domain = element.attribute("domain").map(Box::from);
            let value = element.attribute("value").map(Box::from);
            Some(domain.zip(value).map(|(domain, value)| RoomRef { domain, value }))
        }
        _ => None,
    }
}

/// The first room that `data` refers to.
pub(super) fn room(data: &Element<'_>) -> Option<RoomRef> {
    data.children.iter().find_map(room_reference).flatten()
}

/// A `uib` as participant; how a room marks them is told elsewhere.
pub(super) fn participant(uib: &Element<'_>) -> Option<Participant> {
    let uri = filled(uib, "uri")?;
    Some(Participant { uri, name: display_name(uib), is_operator: false, is_presenter: false })
}

/// The name that a `uib` shows.
pub(super) fn display_name(uib: &Element<'_>) -> String {
    text(uib, "dispname").or_else(|| text(uib, "disp")).unwrap_or_default()
}

/// A participant as the `key` of an `aib` marks them.
pub(super) fn marked(user: &Participant, aib: &Element<'_>) -> Participant {
    let (is_operator, is_presenter) = marks_of(number(aib, "key"));
    Participant { is_operator, is_presenter, ..user.clone() }
}
