//! Distinguished names (RFC 4514) in one spelling, so that they can be compared.

use std::fmt;

/// A distinguished name in the spelling we compare by: types and values in lower case, spaces
/// around separators gone and runs of them one, escapes only where they are needed, the parts of a
/// name with several (`cn=a+uid=b`) sorted.
///
/// Servers compare by the rules of each attribute; nearly all that names are made of ignores case
/// (RFC 4519), and an over-eager match of two names that differ only in case has not been seen.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Dn(Box<str>);

impl Dn {
    /// Reads any spelling of RFC 4514; `None` when it is none, or empty.
    pub fn parse(text: &str) -> Option<Dn> {
        let parts = split(text, ',').map(normal_rdn).collect::<Option<Vec<String>>>()?;
        Some(Dn(parts.join(",").into()))
    }

    /// What it stands in; `None` at the top.
    pub fn parent(&self) -> Option<Dn> {
        let at = unescaped(&self.0, ',')?;
        Some(Dn(self.0[at + 1..].into()))
    }

    /// Does it stand in `base`, or is it `base`?
    pub fn is_under(&self, base: &Dn) -> bool {
        // A comma that is part of a value is escaped: it never stands after anything but `\`.
        let rest = self.0.strip_suffix(&*base.0);
        rest.is_some_and(|rest| rest.is_empty() || (rest.ends_with(',') && !rest.ends_with("\\,")))
    }

    /// The DNS domain that its end spells: `dc=example,dc=com` is `example.com` (RFC 2247).
    pub fn domain(&self) -> Option<String> {
        let mut labels: Vec<&str> = Vec::new();
        for part in split(&self.0, ',') {
            match part.strip_prefix("dc=") {
                Some(label) => labels.push(label),
                None => labels.clear(),
            }
        }
        let is_label = |label: &&str| {
            !label.is_empty()
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
        };
        (!labels.is_empty() && labels.iter().all(is_label)).then(|| labels.join("."))
    }

    /// In the spelling compared by.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Dn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where the first separator is that no backslash precedes.
fn unescaped(text: &str, separator: char) -> Option<usize> {
    let mut is_escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            c if c == separator => return Some(at),
            _ => {}
        }
    }
    None
}

fn split(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let at = unescaped(text, separator);
        rest = at.map(|at| &text[at + 1..]);
        Some(&text[..at.unwrap_or(text.len())])
    })
}

fn normal_rdn(text: &str) -> Option<String> {
    let mut parts = split(text, '+').map(normal_part).collect::<Option<Vec<String>>>()?;
    parts.sort_unstable();
    Some(parts.join("+"))
}

/// `Type = Value` in one spelling.
fn normal_part(text: &str) -> Option<String> {
    let (kind, value) = text.split_once('=')?;
    let kind = kind.trim().to_ascii_lowercase();
    let is_type = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
    if kind.is_empty() || !kind.bytes().all(is_type) {
        return None;
    }
    let value = unescape(trim_value(value))?;
    let words: Vec<String> = value.split_whitespace().map(str::to_lowercase).collect();
    let mut part = kind;
    part.push('=');
    for c in words.join(" ").chars() {
        if matches!(c, ',' | '+' | '\\') {
            part.push('\\');
        }
        part.push(c);
    }
    Some(part)
}

/// Takes spaces away at both ends, but not one that is escaped.
fn trim_value(value: &str) -> &str {
    let value = value.trim_start();
    let trimmed = value.trim_end();
    match trimmed.ends_with('\\') && trimmed.len() < value.len() {
        true => &value[..trimmed.len() + 1],
        false => trimmed,
    }
}

/// Undoes `\,` and `\2C`; the bytes must be UTF-8 in the end.
fn unescape(value: &str) -> Option<String> {
    if !value.contains('\\') {
        return Some(value.to_owned());
    }
    let hex = |byte: Option<&u8>| Some(char::from(*byte?).to_digit(16)? as u8);
    let bytes = value.as_bytes();
    let (mut plain, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while let Some(byte) = bytes.get(at) {
        at += 1;
        if *byte != b'\\' {
            plain.push(*byte);
            continue;
        }
        let pair = hex(bytes.get(at)).zip(hex(bytes.get(at + 1)));
        match pair {
            Some((high, low)) => {
                plain.push(high << 4 | low);
                at += 2;
            }
            None => {
                plain.push(*bytes.get(at)?);
                at += 1;
            }
        }
    }
    String::from_utf8(plain).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dn(text: &str) -> Dn {
        Dn::parse(text).unwrap_or_else(|| panic!("{text:?} is a name"))
    }

    #[test]
    fn spellings_of_one_name_are_one() {
        let table = [
            ("CN=Ann Lee,OU=Ops,DC=Example,DC=com", "cn=ann lee,ou=ops,dc=example,dc=com"),
            ("cn = Ann  Lee , ou=Ops", "cn=ann lee,ou=ops"),
            ("cn=Lee\\, Ann,ou=x", "cn=lee\\, ann,ou=x"),
            ("cn=Lee\\2C Ann,ou=x", "cn=lee\\, ann,ou=x"),
            ("cn=J\\C3\\B6rg,ou=x", "cn=jörg,ou=x"),
            ("cn=JÖRG,ou=x", "cn=jörg,ou=x"),
            ("uid=b+cn=A,ou=x", "cn=a+uid=b,ou=x"),
            ("cn=a\\\\b", "cn=a\\\\b"),
            ("cn=a=b", "cn=a=b"),
        ];
        for (text, normal) in table {
            assert_eq!(dn(text).as_str(), normal, "{text}");
            assert_eq!(dn(normal).as_str(), normal, "the spelling is stable");
        }
        for bad in ["", "ann", "=x", "cn=a,,ou=b", "cn=a\\", "c n=a", "cn=\\FF"] {
            assert_eq!(Dn::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn a_name_knows_what_it_stands_in() {
        let ann = dn("cn=Lee\\, Ann,ou=Ops,dc=example,dc=com");
        assert_eq!(ann.parent(), Some(dn("OU=ops,DC=example,DC=com")));
        assert_eq!(dn("dc=com").parent(), None);
        assert_eq!(ann.domain().as_deref(), Some("example.com"));
        assert_eq!(dn("cn=a,o=x").domain(), None);
        assert_eq!(dn("dc=old,cn=a,dc=x").domain().as_deref(), Some("x"));
        assert!(ann.is_under(&dn("dc=example,dc=com")) && ann.is_under(&ann));
        assert!(!ann.is_under(&dn("dc=ample,dc=com")));
        assert!(!dn("cn=a\\,dc=com").is_under(&dn("dc=com")));
    }
}
