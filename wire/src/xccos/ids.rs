//! Identifiers: rooms, categories, envelope numbers (`xccos.md` §4.1, §4.2, §4.4).

use crate::limits::XCCOS_ENVID_DIGITS_MAX;
use std::fmt;

#[cfg(test)]
mod tests;

/// A GUID, shown in lower-case 8-4-4-4-12 form without braces.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Guid(pub u128);

impl Guid {
    /// Reads the 8-4-4-4-12 form in any case, with or without braces.
    pub fn parse(text: &str) -> Option<Guid> {
        let inner = match text.strip_prefix('{') {
            Some(rest) => rest.strip_suffix('}')?,
            None => text,
        };
        if inner.len() != GUID_TEXT_LEN {
            return None;
        }
        let mut value: u128 = 0;
        for (at, byte) in inner.bytes().enumerate() {
            if GUID_HYPHENS.contains(&at) {
                if byte != b'-' {
                    return None;
                }
            } else {
                let digit = char::from(byte).to_digit(16)?;
                value = value << 4 | u128::from(digit);
            }
        }
        Some(Guid(value))
    }
}

const GUID_TEXT_LEN: usize = 36;
const GUID_HYPHENS: [usize; 4] = [8, 13, 18, 23];

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [b'-'; GUID_TEXT_LEN];
        let mut value = self.0;
        for (at, byte) in text.iter_mut().enumerate().rev() {
            if !GUID_HYPHENS.contains(&at) {
                *byte = b"0123456789abcdef"[(value & 15) as usize];
                value >>= 4;
            }
        }
        f.write_str(std::str::from_utf8(&text).expect("hex digits and hyphens are ASCII"))
    }
}

impl fmt::Debug for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A reference to a room as a client wrote it: domain and identifier, not yet known to exist.
/// SIPE passes on whatever its user typed, so the identifier need not be a GUID.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RoomRef {
    /// SIP domain, as written.
    pub domain: Box<str>,
    /// Identifier, as written.
    pub value: Box<str>,
}

impl RoomRef {
    /// Reads `ma-chan://domain/value`; `None` for anything else.
    pub fn parse(uri: &str) -> Option<RoomRef> {
        let (domain, value) = RoomRef::parts(uri)?;
        Some(RoomRef { domain: domain.into(), value: value.into() })
    }

    /// Can it be written as `ma-chan://domain/value`?
    pub(super) fn has_uri(&self) -> bool {
        !self.domain.is_empty() && !self.domain.contains('/') && !self.value.is_empty()
    }

    /// The domain of `ma-chan://domain/value`.
    pub(super) fn domain_of(uri: &str) -> Option<&str> {
        RoomRef::parts(uri).map(|(domain, _)| domain)
    }

    fn parts(uri: &str) -> Option<(&str, &str)> {
        const SCHEME: &str = "ma-chan://";
        let (scheme, rest) = uri.split_at_checked(SCHEME.len())?;
        let (domain, value) = rest.split_once('/')?;
        let is_complete = !domain.is_empty() && !value.is_empty();
        (scheme.eq_ignore_ascii_case(SCHEME) && is_complete).then_some((domain, value))
    }

    /// The identifier as a GUID, when it is one.
    pub fn guid(&self) -> Option<Guid> {
        Guid::parse(&self.value)
    }
}

/// `ma-chan://domain/guid` in the one spelling we emit: lower case (SIPE compares byte for byte).
pub fn room_uri(domain: &str, room: Guid) -> String {
    format!("ma-chan://{}/{room}", domain.to_ascii_lowercase())
}

/// `ma-cat://domain/guid`, likewise.
pub fn category_uri(domain: &str, category: Guid) -> String {
    format!("ma-cat://{}/{category}", domain.to_ascii_lowercase())
}

/// Reads `ma-cat://domain/guid`, or the GUID alone; `None` for anything else. The domain is not
/// looked at: GUIDs are unique without.
pub fn parse_category(text: &str) -> Option<Guid> {
    const SCHEME: &str = "ma-cat://";
    let guid = match text.split_at_checked(SCHEME.len()) {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case(SCHEME) => {
            rest.split_once('/').filter(|(domain, _)| !domain.is_empty())?.1
        }
        _ => text,
    };
    Guid::parse(guid)
}

/// A document's number: opaque decimal digits, at most 20 (`xccos.md` §2.1).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EnvId(Box<str>);

impl EnvId {
    /// Reads 1 to 20 decimal digits.
    pub fn parse(text: &str) -> Option<EnvId> {
        let is_valid = (1..=XCCOS_ENVID_DIGITS_MAX).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_digit());
        is_valid.then(|| EnvId(text.into()))
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<u64> for EnvId {
    fn from(number: u64) -> EnvId {
        EnvId(number.to_string().into())
    }
}

/// Which command a reply answers: `commandid@seqid`, `commandid@envid` (`xccos.md` §2.3).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CommandId {
    /// Number of the command's document.
    pub envid: EnvId,
    /// Number of the command in it.
    pub seqid: u32,
}
