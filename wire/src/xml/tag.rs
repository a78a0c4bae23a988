//! What stands between `<` and `>`: a name and attributes. The parser has found the ends; the
//! inside is read here because quick-xml is more forgiving than XML 1.0 (`a=1`, `a="1"b="2"`).

use super::unescape::unescape_value;
use super::{Element, XmlError};
use crate::limits::{XML_ATTRIBUTES_MAX, XML_NAME_BYTES_MAX, XML_VALUE_BYTES_MAX};
use memchr::memchr;
use std::borrow::Cow;

const BLANK: [char; 4] = [' ', '\t', '\r', '\n'];

/// Reads a start or empty tag without its brackets.
pub(super) fn read(content: &str) -> Result<Element<'_>, XmlError> {
    let name_len = content.find(BLANK).unwrap_or(content.len());
    let (name, mut rest) = content.split_at(name_len);
    let name = local_name(name)?;
    let mut attributes: Vec<(&str, Cow<'_, str>)> = Vec::new();
    loop {
        let trimmed = rest.trim_start_matches(BLANK);
        if trimmed.is_empty() {
            return Ok(Element { name, attributes, text: Cow::Borrowed(""), children: Vec::new() });
        }
        if trimmed.len() == rest.len() {
            return Err(XmlError::Malformed);
        }
        let (name, value, behind) = attribute(trimmed)?;
        // A repetition in another case is refused too: values are looked up without regard to it.
        if attributes.iter().any(|(n, _)| n.eq_ignore_ascii_case(name)) {
            return Err(XmlError::AttributeTwice);
        }
        if attributes.len() == XML_ATTRIBUTES_MAX {
            return Err(XmlError::TooManyAttributes);
        }
        attributes.push((name, value));
        rest = behind;
    }
}

/// Reads `name = "value"` at the start of `text`; also gives what follows.
fn attribute(text: &str) -> Result<(&str, Cow<'_, str>, &str), XmlError> {
    let (name, rest) = text.split_once('=').ok_or(XmlError::Malformed)?;
    let name = name.trim_end_matches(BLANK);
    let name = if name == "xmlns" || name.starts_with("xmlns:") {
        local_name(name).map(|_| name)?
    } else {
        local_name(name)?
    };
    let rest = rest.trim_start_matches(BLANK);
    let quote = match rest.as_bytes().first() {
        Some(&quote @ (b'"' | b'\'')) => quote,
        _ => return Err(XmlError::Malformed),
    };
    let end = 1 + memchr(quote, &rest.as_bytes()[1..]).ok_or(XmlError::Malformed)?;
    let raw = &rest[1..end];
    if raw.len() > XML_VALUE_BYTES_MAX {
        return Err(XmlError::ValueTooLong);
    }
    Ok((name, unescape_value(raw)?, &rest[end + 1..]))
}

/// Checks a name and cuts its prefix off.
fn local_name(name: &str) -> Result<&str, XmlError> {
    if name.len() > XML_NAME_BYTES_MAX {
        return Err(XmlError::NameTooLong);
    }
    let local = match name.split_once(':') {
        Some((prefix, local)) if is_name(prefix) => local,
        Some(_) => return Err(XmlError::Malformed),
        None => name,
    };
    if is_name(local) { Ok(local) } else { Err(XmlError::Malformed) }
}

/// A name without colon. Beyond ASCII everything goes: no name of ours is there.
fn is_name(text: &str) -> bool {
    let first = |b: u8| b.is_ascii_alphabetic() || b == b'_' || b >= 0x80;
    let other = |b: u8| first(b) || b.is_ascii_digit() || b == b'-' || b == b'.';
    let bytes = text.as_bytes();
    bytes.first().is_some_and(|&b| first(b)) && bytes.iter().all(|&b| other(b))
}
