//! The XML profile: what part of XML 1.0 we accept, and how little we write.
//!
//! Accepted: UTF-8; an optional XML declaration at the very start; elements, attributes, text, CDATA,
//! comments (dropped); the five predefined entities and references to legal characters. Refused at
//! the byte level, before the parser sees them: `<!DOCTYPE`, other declarations, processing
//! instructions, NUL. References to characters that XML 1.0 forbids (`&#x1;`, which SIPE sends) are
//! dropped, not refused (`xccos.md` §2.5). Prefixes are cut off; names are compared without them.
//! CR LF and CR become LF. Bounds are those of [`crate::limits`].

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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Element<'a> {
    /// Local name.
    pub name: &'a str,
    /// Attributes in document order: local name, value.
    pub attributes: Vec<(&'a str, Cow<'a, str>)>,
    /// All text directly inside, in order, joined.
    pub text: Cow<'a, str>,
    /// Child elements in order.
    pub children: Vec<Element<'a>>,
}

impl<'a> Element<'a> {
    /// Reads a whole document of at most `bytes_max` bytes.
    pub fn parse(bytes: &'a [u8], bytes_max: usize) -> Result<Element<'a>, XmlError> {
        let _ = (bytes, bytes_max);
        todo!()
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

/// Appends `text` with `& < > "` escaped, CR dropped (LF is the line end) and characters that XML 1.0
/// forbids left out: what we write is always well-formed, whatever we were given.
pub fn escape_into(out: &mut Vec<u8>, text: &str) {
    let _ = (out, text);
    todo!()
}
