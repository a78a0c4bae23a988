//! `cmd`: what a client asks (`xccos.md` §3, master table).

use super::RoomRef;

/// A command, by its name on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// `cmd:requri`: at which URI shall I open my long dialog?
    ReqUri,
    /// `cmd:getserverinfo`; `info_type` is echoed.
    GetServerInfo {
        /// Selector; `123` in everything seen.
        info_type: String,
    },
    /// `cmd:getassociations`: rooms I am connected with.
    GetAssociations {
        /// As member or as manager.
        kind: AssociationKind,
        /// Most rooms wanted.
        results_max: Option<u32>,
    },
    /// `cmd:bjoin`: join many rooms, in this order.
    BJoin(Vec<RoomRef>),
    /// `cmd:join`.
    Join(RoomRef),
    /// `cmd:part`.
    Part(RoomRef),
    /// `cmd:bccontext`: the newest `count` messages.
    BcContext {
        /// Which room.
        room: RoomRef,
        /// How many; the server's cap wins.
        count: u32,
    },
    /// `cmd:chansrch`.
    ChanSrch(RoomSearch),
    /// `cmd:getinv`: invitations with a number above `after`.
    GetInv {
        /// Last number known to the client.
        after: u64,
        /// SIP domain.
        domain: String,
    },
    /// `cmd:getpref`; `content` is `None`.
    GetPref(Preference),
    /// `cmd:setpref`.
    SetPref(Preference),
    /// `cmd:nodespermcreatechild`: categories where I may create rooms.
    NodesPermCreateChild,
    /// `cmd:getfutok`: an upload token.
    GetFuTok {
        /// Which room.
        room: RoomRef,
        /// Original file name.
        file: String,
    },
    /// `cmd:getfdtok`: a download token.
    GetFdTok {
        /// Which room.
        room: RoomRef,
        /// Name under which the user saves it.
        file: String,
    },
    /// A known command whose values are missing or malformed: answered 400 `INVALID_ARGUMENT`.
    Malformed {
        /// Name behind `cmd:`, lower case.
        name: String,
    },
    /// Any other command: answered 501 `MSG_NOT_SUPPORTED`.
    Unknown {
        /// Name behind `cmd:`, lower case; at most `XML_NAME_BYTES_MAX` bytes, `[a-z0-9_-]` only.
        name: String,
    },
}

impl Command {
    /// Name behind `cmd:`.
    pub fn name(&self) -> &str {
        match self {
            Command::ReqUri => "requri",
            Command::GetServerInfo { .. } => "getserverinfo",
            Command::GetAssociations { .. } => "getassociations",
            Command::BJoin(_) => "bjoin",
            Command::Join(_) => "join",
            Command::Part(_) => "part",
            Command::BcContext { .. } => "bccontext",
            Command::ChanSrch(_) => "chansrch",
            Command::GetInv { .. } => "getinv",
            Command::GetPref(_) => "getpref",
            Command::SetPref(_) => "setpref",
            Command::NodesPermCreateChild => "nodespermcreatechild",
            Command::GetFuTok { .. } => "getfutok",
            Command::GetFdTok { .. } => "getfdtok",
            Command::Malformed { name } | Command::Unknown { name } => name,
        }
    }

    /// Name behind `rpl:` of the answer: the command's own, except that both file-token commands are
    /// answered by `getftok` (`xccos.md` §2.3).
    pub fn reply_name(&self) -> &str {
        match self.name() {
            "getfutok" | "getfdtok" => "getftok",
            name => name,
        }
    }
}

/// In which role (`xccos.md` §3.11; attribute values are our reading).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum AssociationKind {
    Member,
    Manager,
}

/// `qib`: a room search by name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RoomSearch {
    /// Text the name contains, ignoring case; empty finds all visible rooms.
    pub criteria: String,
    /// Search descriptions too.
    pub extended: bool,
    /// Most rooms wanted.
    pub results_max: Option<u32>,
}

/// `pref`: a user's numbered blob (`xccos.md` §3.13).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preference {
    /// At most 255 bytes.
    pub label: String,
    /// Number the sender knows.
    pub seqid: u64,
    /// Create an empty one if missing.
    pub create_default: bool,
    /// Base64 text, opaque to us.
    pub content: Option<String>,
}
