//! `From`, `To`, `Contact`, `Record-Route`: an address with parameters, as spans.

use super::Uri;
use super::grammar::{is_balanced, param, quoted_end, split_outside, trim};
use memchr::memchr;

/// A name-addr or addr-spec with its header parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Address<'a> {
    /// Display name without quotes, when given. Backslash escapes in it are left as they are.
    pub display: Option<&'a str>,
    /// The URI between `<` and `>` (or the bare URI), unparsed.
    pub uri: &'a str,
    /// Everything behind the first `;` after the URI, without it.
    pub params: &'a str,
}

impl<'a> Address<'a> {
    /// Reads one address; `None` for unbalanced quotes or brackets or an empty URI.
    pub fn parse(text: &'a str) -> Option<Address<'a>> {
        let text = trim(text);
        if text.starts_with('"') {
            let end = quoted_end(text.as_bytes(), 0)?;
            let rest = trim(&text[end..]).strip_prefix('<')?;
            return Address::bracketed(Some(&text[1..end - 1]), rest);
        }
        match memchr(b'<', text.as_bytes()) {
            // A colon or semicolon in front belongs to a bare URI whose parameters hold the `<`.
            Some(open) if !text[..open].contains([':', ';']) => {
                let display = trim(&text[..open]);
                if display.contains(['"', ',', '>']) {
                    return None;
                }
                let display = (!display.is_empty()).then_some(display);
                Address::bracketed(display, &text[open + 1..])
            }
            _ => Address::bare(text),
        }
    }

    /// What follows the opening bracket.
    fn bracketed(display: Option<&'a str>, rest: &'a str) -> Option<Address<'a>> {
        let (uri, rest) = rest.split_once('>')?;
        let rest = trim(rest);
        let params = if rest.is_empty() { "" } else { trim(rest.strip_prefix(';')?) };
        Address { display, uri, params }.checked()
    }

    /// A URI without brackets: its parameters are the header's (RFC 3261 §20.10), and it must not
    /// hold a comma or question mark, because nobody could say where it ends.
    fn bare(text: &'a str) -> Option<Address<'a>> {
        let (uri, params) = text.split_once(';').unwrap_or((text, ""));
        let uri = trim(uri);
        if uri.contains([',', '?', '>']) {
            return None;
        }
        Address { display: None, uri, params: trim(params) }.checked()
    }

    fn checked(self) -> Option<Address<'a>> {
        let is_uri_byte = |byte: u8| byte > b' ' && !matches!(byte, b'"' | b'<' | 0x7f);
        let is_uri = !self.uri.is_empty() && self.uri.bytes().all(is_uri_byte);
        (is_uri && is_balanced(self.params)).then_some(self)
    }

    /// A header parameter, ignoring case of its name; quotes around the value are removed.
    /// `Some("")` for one without value.
    pub fn param(&self, name: &str) -> Option<&'a str> {
        param(self.params, name)
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

/// Splits a header value at its top-level commas (not inside quotes or `<>`), trimmed; empty pieces
/// are left out.
pub fn split_list(value: &str) -> impl Iterator<Item = &str> {
    split_outside(value, b',')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readable_addresses() {
        let check = |text: &str, display: Option<&str>, uri: &str, params: &str| {
            assert_eq!(Address::parse(text), Some(Address { display, uri, params }), "{text}");
        };
        check("<sip:a@b>", None, "sip:a@b", "");
        check(" <sip:a@b;x=1> ; tag=1 ", None, "sip:a@b;x=1", "tag=1");
        check("sip:a@b;tag=1", None, "sip:a@b", "tag=1");
        check("tel:+123", None, "tel:+123", "");
        check("Kay Doe <sip:a@b>", Some("Kay Doe"), "sip:a@b", "");
        check("Käthe <sip:a@b>", Some("Käthe"), "sip:a@b", "");
        check(r#""a <b>, \"c" <sip:a@b>;tag=1"#, Some(r#"a <b>, \"c"#), "sip:a@b", "tag=1");
        check(r#""" <sip:a@b>"#, Some(""), "sip:a@b", "");
        check(r#"sip:a@b;x="<";y"#, None, "sip:a@b", r#"x="<";y"#);
        check("*", None, "*", "");
    }

    #[test]
    fn unreadable_addresses() {
        let check = |text: &str| assert_eq!(Address::parse(text), None, "{text}");
        check("");
        check(" ");
        check("<>");
        check("<sip:a@b");
        check("sip:a@b>");
        check(r#""open <sip:a@b>"#);
        check(r#""a" sip:a@b"#);
        check("a, b <sip:a@b>");
        check("sip:a@b, sip:c@d");
        check("sip:a@b?x=y");
        check("< sip:a@b >");
        check("<sip:a@b> junk");
        check("<sip:a@b>, <sip:c@d>");
        check(r#"<sip:a@b>;x="open"#);
        check("<sip:a@b>;t<ag=1");
        check("<sip:a\u{1}@b>");
    }

    #[test]
    fn tags_and_endpoints() {
        let address = Address::parse("<sip:a@b;tag=no>;tag=1;EPID=0a1b2c").unwrap();
        assert_eq!((address.tag(), address.epid()), (Some("1"), Some("0a1b2c")));
        assert_eq!(address.parsed_uri().unwrap().user, Some("a"));
        let instance = Address::parse(r#"<sip:a@b>;+sip.instance="<urn:uuid:1>""#).unwrap();
        assert_eq!(instance.param("+sip.instance"), Some("<urn:uuid:1>"));
        assert_eq!(instance.tag(), None);
    }
}
