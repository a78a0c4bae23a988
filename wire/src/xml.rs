//! The XML profile: what part of XML 1.0 we accept, and how little we write.
//!
//! Accepted: UTF-8; an optional XML declaration at the very start; elements, attributes, text,
//! CDATA, comments (dropped); the five predefined entities and references to legal characters.
//! Refused at the byte level, before the parser sees them: `<!DOCTYPE`, other declarations,
//! processing instructions, NUL, a byte order mark. Characters that XML 1.0 forbids are dropped,
//! not refused, be they references (`&#x1;`, which SIPE sends) or bare (`xccos.md` §2.5). Prefixes
//! are cut off; names are compared without them. CR LF and CR become LF. Bounds are those of
//! [`crate::limits`].

mod build;
mod escape;
mod prescan;
mod tag;
#[cfg(test)]
mod tests;
mod unescape;

pub use escape::{escape_attribute_into, escape_into};

use crate::limits::XML_ELEMENTS_MAX;
use std::borrow::Cow;
use std::fmt;

/// Why a document is refused. It costs its sender the command, not the link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum XmlError {
    TooLong,
    NotUtf8,
    Forbidden,
    Malformed,
    TooDeep,
    TooManyElements,
    TooManyAttributes,
    NameTooLong,
    ValueTooLong,
    AttributeTwice,
    UnknownEntity,
}

impl XmlError {
    /// Short stable name for counters and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            XmlError::TooLong => "too_long",
            XmlError::NotUtf8 => "not_utf8",
            XmlError::Forbidden => "forbidden",
            XmlError::Malformed => "malformed",
            XmlError::TooDeep => "too_deep",
            XmlError::TooManyElements => "too_many_elements",
            XmlError::TooManyAttributes => "too_many_attributes",
            XmlError::NameTooLong => "name_too_long",
            XmlError::ValueTooLong => "value_too_long",
            XmlError::AttributeTwice => "attribute_twice",
            XmlError::UnknownEntity => "unknown_entity",
        }
    }
}

impl fmt::Display for XmlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::error::Error for XmlError {}

/// An element with its content, borrowed from the document where nothing had to be unescaped.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Element<'a> {
    /// Local name.
    pub name: &'a str,
    /// Attributes in document order: local name, value. Namespace declarations are kept under
    /// their full name (`xmlns`, `xmlns:x`), so that no prefix can pass for an attribute.
    pub attributes: Vec<(&'a str, Cow<'a, str>)>,
    /// All text directly inside, in order, joined.
    pub text: Cow<'a, str>,
    /// Child elements in order.
    pub children: Vec<Element<'a>>,
}

impl<'a> Element<'a> {
    /// Reads a whole document of at most `bytes_max` bytes.
    pub fn parse(bytes: &'a [u8], bytes_max: usize) -> Result<Element<'a>, XmlError> {
        Element::parse_bounded(bytes, bytes_max, XML_ELEMENTS_MAX)
    }

    /// The same with its own bound on the number of elements, for documents of our own server.
    pub(crate) fn parse_bounded(
        bytes: &'a [u8],
        bytes_max: usize,
        elements_max: usize,
    ) -> Result<Element<'a>, XmlError> {
        if bytes.len() > bytes_max {
            return Err(XmlError::TooLong);
        }
        let document = std::str::from_utf8(bytes).map_err(|_| XmlError::NotUtf8)?;
        prescan::refuse_forbidden(document)?;
        build::build(document, elements_max)
    }

    /// Value of an attribute; names compare without regard to ASCII case (as SIPE's do).
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_ref())
    }

    /// First child of that name.
    pub fn child(&self, name: &str) -> Option<&Element<'a>> {
        self.children.iter().find(|c| c.name == name)
    }

    /// Children of that name.
    pub fn children_named<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s Element<'a>> {
        self.children.iter().filter(move |c| c.name == name)
    }
}
