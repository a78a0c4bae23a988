//! An entry of a directory as plain data.

use super::{VALUE_BYTES_MAX, VALUES_MAX};
use parlance_core::directory::model::PrincipalKind;
use parlance_wire::xccos::Guid;

/// An entry as the server told it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Entry {
    /// As the server spells it.
    pub dn: String,
    /// Names in lower case, options such as `;range=0-1499` included, with their values.
    pub attributes: Vec<(String, Vec<Vec<u8>>)>,
}

/// An entry and what it was searched as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Typed {
    /// User, group or folder, by the filter that found it.
    pub kind: PrincipalKind,
    /// What was found.
    pub entry: Entry,
}

impl Entry {
    /// Values of an attribute, by its name in any case, that are not too long, as many as we look
    /// at.
    pub fn values<'e>(&'e self, name: &str) -> impl Iterator<Item = &'e [u8]> + use<'e> {
        let all = self.all_values(name).unwrap_or_default();
        all.iter().map(Vec::as_slice).filter(|v| v.len() <= VALUE_BYTES_MAX).take(VALUES_MAX)
    }

    /// Values of an attribute that are text, trimmed, without empty ones.
    pub fn texts<'e>(&'e self, name: &str) -> impl Iterator<Item = &'e str> + use<'e> {
        let texts = self.values(name).filter_map(|value| std::str::from_utf8(value).ok());
        texts.map(str::trim).filter(|text| !text.is_empty())
    }

    /// First text of an attribute.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.texts(name).next()
    }

    /// First text of the first of these attributes that has one.
    pub fn first_text<'e>(&'e self, names: &[String]) -> Option<&'e str> {
        names.iter().find_map(|name| self.text(name))
    }

    /// Everything the server said of an attribute.
    pub fn all_values(&self, name: &str) -> Option<&[Vec<u8>]> {
        let found = self.attributes.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, values)| values.as_slice())
    }

    /// The part of an attribute that Active Directory sent instead of all of it, with the number
    /// of its last value, or `None` there if there is nothing behind it
    /// ([MS-ADTS] §3.1.1.3.1.3.3).
    pub fn take_range(&mut self, name: &str) -> Option<(Vec<Vec<u8>>, Option<usize>)> {
        let found = self
            .attributes
            .iter()
            .position(|(known, values)| !values.is_empty() && range_end(known, name).is_some())?;
        let (known, values) = self.attributes.swap_remove(found);
        Some((values, range_end(&known, name).flatten()))
    }

    /// Values of an attribute become these, and nothing is left of its parts.
    pub fn set(&mut self, name: &str, values: Vec<Vec<u8>>) {
        self.attributes.retain(|(known, _)| {
            !known.eq_ignore_ascii_case(name) && range_end(known, name).is_none()
        });
        self.attributes.push((name.to_ascii_lowercase(), values));
    }
}

/// Reads `member;range=0-1499`: `Some(Some(1499))`; `Some(None)` for `*`; `None` for another name.
fn range_end(known: &str, name: &str) -> Option<Option<usize>> {
    let (attribute, option) = known.split_once(';')?;
    let range = option.to_ascii_lowercase();
    let (_, end) = range.strip_prefix("range=")?.split_once('-')?;
    if !attribute.eq_ignore_ascii_case(name) {
        return None;
    }
    if end == "*" { Some(None) } else { end.parse().ok().map(Some) }
}

/// Reads an identifier: text as `entryUUID` is (RFC 4530), or the 16 bytes of `objectGUID`, whose
/// first three fields are in little-endian order ([MS-DTYP] §2.3.4.2).
pub fn guid(value: &[u8]) -> Option<Guid> {
    if let Ok(bytes) = <[u8; 16]>::try_from(value) {
        let [a, b, c, d, e, f, g, h, rest @ ..] = bytes;
        let mut big = [d, c, b, a, f, e, h, g, 0, 0, 0, 0, 0, 0, 0, 0];
        big[8..].copy_from_slice(&rest);
        return Some(Guid(u128::from_be_bytes(big)));
    }
    Guid::parse(std::str::from_utf8(value).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(attributes: &[(&str, &[&str])]) -> Entry {
        let values = |v: &[&str]| v.iter().map(|v| v.as_bytes().to_vec()).collect();
        let all = attributes.iter().map(|(name, v)| (name.to_string(), values(v)));
        Entry { dn: "cn=x".into(), attributes: all.collect() }
    }

    #[test]
    fn identifiers_in_both_orders() {
        let text = "00112233-4455-6677-8899-aabbccddeeff";
        let active_directory = [
            0x33, 0x22, 0x11, 0x00, 0x55, 0x44, 0x77, 0x66, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd,
            0xee, 0xff,
        ];
        assert_eq!(guid(&active_directory).expect("16 bytes").to_string(), text);
        assert_eq!(guid(text.as_bytes()).expect("text").to_string(), text);
        assert_eq!(guid(b"nonsense"), None);
    }

    #[test]
    fn parts_of_attributes_are_told_from_whole_ones() {
        let mut whole = entry(&[("member", &["a"])]);
        assert_eq!(whole.take_range("member"), None);
        // Active Directory names the attribute itself, too, and empty.
        let mut part = entry(&[("member", &[]), ("member;range=0-1499", &["a", "b"])]);
        let (values, end) = part.take_range("Member").expect("a part");
        assert_eq!((values.len(), end), (2, Some(1499)));
        part.set("member", values);
        assert_eq!(part.texts("member").collect::<Vec<_>>(), ["a", "b"]);
        let mut last = entry(&[("member;range=1500-*", &["c"])]);
        assert_eq!(last.take_range("member").expect("a part").1, None);
        assert_eq!(entry(&[("memberof;range=0-1", &["c"])]).take_range("member"), None);
    }

    #[test]
    fn what_is_too_long_or_no_text_is_absent() {
        let long = "x".repeat(VALUE_BYTES_MAX + 1);
        let mut odd = entry(&[("mail", &[&long, " ", " a@b "])]);
        assert_eq!(odd.text("Mail"), Some("a@b"));
        odd.set("mail", vec![vec![0xff]]);
        assert_eq!(odd.text("mail"), None);
    }
}
