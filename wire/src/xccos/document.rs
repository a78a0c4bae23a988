//! The root and what kind of document it holds (`xccos.md` §2.1, §2.2).

use super::{DocumentError, EnvId, NAMESPACE};
use crate::limits::{XCCOS_COMMANDS_MAX, XML_NAME_BYTES_MAX};
use crate::xml::Element;

/// The elements of a document, all of one kind.
pub(super) enum Content<'e, 'a> {
    Commands(Vec<&'e Element<'a>>),
    Replies(Vec<&'e Element<'a>>),
    Notices(Vec<&'e Element<'a>>),
    Message(&'e Element<'a>),
}

/// Reads the root. Children that are none of the four kinds are ignored.
pub(super) fn open<'e, 'a>(
    root: &'e Element<'a>,
) -> Result<(EnvId, Content<'e, 'a>), DocumentError> {
    // The prefix is cut off, so any declaration of the namespace counts.
    let declares = |(name, value): &(&str, std::borrow::Cow<'_, str>)| {
        (*name == "xmlns" || name.starts_with("xmlns:")) && value == NAMESPACE
    };
    if root.name != "xccos" || !root.attributes.iter().any(declares) {
        return Err(DocumentError::Root);
    }
    let envid = root.attribute("envid").and_then(EnvId::parse).ok_or(DocumentError::EnvId)?;
    Ok((envid, content(root)?))
}

fn content<'e, 'a>(root: &'e Element<'a>) -> Result<Content<'e, 'a>, DocumentError> {
    let is_kind = |e: &&Element<'_>| matches!(e.name, "cmd" | "rpl" | "ntc" | "grpchat");
    let elements: Vec<_> = root.children.iter().filter(is_kind).collect();
    let first = *elements.first().ok_or(DocumentError::Content)?;
    if elements.iter().any(|e| e.name != first.name) {
        return Err(DocumentError::Content);
    }
    match first.name {
        "cmd" if elements.len() > XCCOS_COMMANDS_MAX => Err(DocumentError::TooMany),
        "cmd" => Ok(Content::Commands(elements)),
        "rpl" => Ok(Content::Replies(elements)),
        "ntc" => Ok(Content::Notices(elements)),
        _ if elements.len() > 1 => Err(DocumentError::Content),
        _ => Ok(Content::Message(first)),
    }
}

/// Name behind the prefix of an element's `id`, in lower case.
pub(super) fn name_of(element: &Element<'_>, prefix: &str) -> Result<String, DocumentError> {
    let id = element.attribute("id").unwrap_or_default().trim();
    match id.split_at_checked(prefix.len()) {
        Some((head, name)) if head.eq_ignore_ascii_case(prefix) && !name.is_empty() => {
            Ok(name.to_ascii_lowercase())
        }
        _ => Err(DocumentError::ElementId),
    }
}

/// A name that we may repeat in an answer or a log: what is not `[a-z0-9_-]` becomes `_`.
pub(super) fn sanitised(name: &str) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
    name.chars().take(XML_NAME_BYTES_MAX).map(safe).collect::<String>().to_ascii_lowercase()
}
