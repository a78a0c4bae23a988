//! `From`, `To`, `Contact`, `Record-Route`: an address with parameters, as spans.

use super::Uri;

/// A name-addr or addr-spec with its header parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Address<'a> {
    /// Display name without quotes, when given.
    pub display: Option<&'a str>,
    /// The URI between `<` and `>` (or the bare URI), unparsed.
    pub uri: &'a str,
    /// Everything behind the first `;` after the URI, without it.
    pub params: &'a str,
}

impl<'a> Address<'a> {
    /// Reads one address; `None` for unbalanced quotes or brackets or an empty URI.
    pub fn parse(text: &'a str) -> Option<Address<'a>> {
        let _ = text;
        todo!()
    }

    /// A header parameter, ignoring case of its name; quotes around the value are removed.
    pub fn param(&self, name: &str) -> Option<&'a str> {
        let _ = name;
        todo!()
    }

    /// The dialog tag.
    pub fn tag(&self) -> Option<&'a str> {
        self.param("tag")
    }

    /// The endpoint identifier of Lync-style clients ([MS-SIPRE]); SIPE sends 12 hex digits.
    pub fn epid(&self) -> Option<&'a str> {
        self.param("epid")
    }

    /// The URI, parsed.
    pub fn parsed_uri(&self) -> Option<Uri<'a>> {
        Uri::parse(self.uri)
    }
}

/// Splits a header value at its top-level commas (not inside quotes or `<>`), trimmed.
pub fn split_list(value: &str) -> impl Iterator<Item = &str> {
    let _ = value;
    std::iter::empty()
}
