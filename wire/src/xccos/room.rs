//! `chanib`, `uib`, `aib`, `fib`: rooms and who is in them (`xccos.md` §3.2).

/// `aib@key` of an ordinary participant (captured; `xccos.md` §3.2.4).
pub const KEY_PARTICIPANT: u32 = 3984;
/// `aib@key` of an operator: the only key SIPE shows as one.
pub const KEY_OPERATOR: u32 = 12276;

/// Who sees and enters a room (`product.md` §1.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Privacy {
    Open,
    Closed,
    Secret,
}

/// `chanib`: a room's description. Both spellings of the visibility id are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomInfo {
    /// `ma-chan://…` in canonical spelling.
    pub uri: String,
    /// Never empty (SIPE crashes without).
    pub name: String,
    /// May be empty; always written.
    pub description: String,
    /// Number of participants, when known.
    pub participants: Option<u32>,
    /// Written as `open`, `scoped`, `private`.
    pub privacy: Privacy,
    /// Files may be posted.
    pub file_post: bool,
    /// Invitations are sent.
    pub invite: bool,
    /// History is kept.
    pub logged: bool,
}

/// `uib`: a participant.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Participant {
    /// `sip:user@domain`, the same spelling everywhere.
    pub uri: String,
    /// Display name.
    pub name: String,
    /// Marked by [`KEY_OPERATOR`] instead of [`KEY_PARTICIPANT`].
    pub is_operator: bool,
}

/// `fib`: one room of a bjoin that failed, as the client named it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// SIP domain as the client wrote it.
    pub domain: String,
    /// Room identifier as the client wrote it.
    pub value: String,
}
