//! Identifiers: rooms, categories, envelope numbers, times (`xccos.md` §4).

use std::fmt;

/// A GUID, shown in lower-case 8-4-4-4-12 form without braces.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Guid(pub u128);

impl Guid {
    /// Reads the 8-4-4-4-12 form in any case, with or without braces.
    pub fn parse(text: &str) -> Option<Guid> {
        let _ = text;
        todo!()
    }
}

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let _ = f;
        todo!()
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
        let _ = uri;
        todo!()
    }

    /// The identifier as a GUID, when it is one.
    pub fn guid(&self) -> Option<Guid> {
        Guid::parse(&self.value)
    }
}

/// `ma-chan://domain/guid` in the one spelling we emit: lower case (SIPE compares it byte for byte).
pub fn room_uri(domain: &str, room: Guid) -> String {
    format!("ma-chan://{}/{room}", domain.to_ascii_lowercase())
}

/// `ma-cat://domain/guid`, likewise.
pub fn category_uri(domain: &str, category: Guid) -> String {
    format!("ma-cat://{}/{category}", domain.to_ascii_lowercase())
}

/// A document's number: opaque decimal digits, at most 20 (`xccos.md` §2.1).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EnvId(Box<str>);

impl EnvId {
    /// Reads 1 to 20 decimal digits.
    pub fn parse(text: &str) -> Option<EnvId> {
        let _ = text;
        todo!()
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

/// UTC time in ticks of 100 ns since 1970-01-01, the original's resolution (`xccos.md` §4.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Reads ISO 8601 `YYYY-MM-DDThh:mm:ss[.fraction][Z]`; without zone it is UTC; offsets are
    /// understood. `None` when unreadable or out of years 1970 to 9999.
    pub fn parse(text: &str) -> Option<Timestamp> {
        let _ = text;
        todo!()
    }
}

impl fmt::Display for Timestamp {
    /// `2024-03-08T07:16:05.4417000Z`: seven digits and `Z`, the only zone SIPE understands.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let _ = f;
        todo!()
    }
}
