//! `rpl`: the server's answers (`xccos.md` §2.3, §2.4).

use super::{CommandId, Delivery, Failure, Participant, Preference, RoomInfo, Timestamp};

/// `resp@code` with its text. Only 200 is a confirmed wire code; the others are our choice after the
/// vendor's error names (`xccos.md` §2.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum ResponseCode {
    Success,
    InvalidArgument,
    ErrorPermission,
    NoSuchNode,
    InvalidFlowOfOperations,
    DataCollision,
    NodeDisabled,
    UserNotJoined,
    LimitExceeded,
    ServerError,
    MsgNotSupported,
    DatabaseConnection,
    /// A code we do not know (client side).
    Other(u16),
}

impl ResponseCode {
    /// The number.
    pub fn code(self) -> u16 {
        match self {
            ResponseCode::Success => 200,
            ResponseCode::InvalidArgument => 400,
            ResponseCode::ErrorPermission => 403,
            ResponseCode::NoSuchNode => 404,
            ResponseCode::InvalidFlowOfOperations => 405,
            ResponseCode::DataCollision => 409,
            ResponseCode::NodeDisabled => 410,
            ResponseCode::UserNotJoined => 412,
            ResponseCode::LimitExceeded => 413,
            ResponseCode::ServerError => 500,
            ResponseCode::MsgNotSupported => 501,
            ResponseCode::DatabaseConnection => 503,
            ResponseCode::Other(code) => code,
        }
    }

    /// The symbolic text, e.g. `SUCCESS_OK`.
    pub fn text(self) -> &'static str {
        match self {
            ResponseCode::Success => "SUCCESS_OK",
            ResponseCode::InvalidArgument => "INVALID_ARGUMENT",
            ResponseCode::ErrorPermission => "ERROR_PERMISSION",
            ResponseCode::NoSuchNode => "NO_SUCH_NODE",
            ResponseCode::InvalidFlowOfOperations => "INVALID_FLOW_OF_OPERATIONS",
            ResponseCode::DataCollision => "DATA_COLLISION",
            ResponseCode::NodeDisabled => "NODE_DISABLED",
            ResponseCode::UserNotJoined => "USER_NOT_JOINED",
            ResponseCode::LimitExceeded => "LIMIT_EXCEEDED",
            ResponseCode::ServerError => "SERVER_ERROR",
            ResponseCode::MsgNotSupported => "MSG_NOT_SUPPORTED",
            ResponseCode::DatabaseConnection => "DATABASE_CONNECTION",
            ResponseCode::Other(_) => "OTHER",
        }
    }
}

/// One reply element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// Name behind `rpl:`.
    pub name: String,
    /// Which command it answers.
    pub to: CommandId,
    /// Outcome of the whole command.
    pub code: ResponseCode,
    /// `data`, always written, even when empty.
    pub data: ReplyData,
}

/// Content of `data`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReplyData {
    /// `<data />`.
    Empty,
    /// `uib@uri` with the `sip:` scheme.
    ReqUri {
        /// Service URI.
        uri: String,
    },
    /// `sib`.
    ServerInfo(ServerInfo),
    /// join, bjoin: everybody mentioned once, the rooms (their `participants` are indexes into
    /// `users`), and what failed.
    Joined {
        /// `uib` in document order; their `id` is their index.
        users: Vec<Participant>,
        /// `chanib`, each with indexes of `users` that are in it.
        rooms: Vec<(RoomInfo, Vec<u32>)>,
        /// `fib`.
        failed: Vec<Failure>,
    },
    /// part: the room's URI as joined.
    Parted {
        /// `ma-chan://…`.
        room_uri: String,
    },
    /// bccontext: messages, oldest first.
    History {
        /// `ma-chan://…`.
        room_uri: String,
        /// `msg`.
        messages: Vec<Delivery>,
    },
    /// chansrch, getassociations.
    Rooms(Vec<RoomInfo>),
    /// getpref, setpref.
    Preference(Preference),
    /// getftok.
    FileToken {
        /// GUID.
        token: String,
        /// Web service URL.
        server_uri: String,
    },
}

/// `sib` (`xccos.md` §3.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerInfo {
    /// Echoed from the command.
    pub info_type: String,
    /// Server clock.
    pub server_time: Timestamp,
    /// Most rows of a search.
    pub search_limit: u32,
    /// Longest ordinary message, bytes of UTF-8.
    pub message_bytes_max: u32,
    /// Longest story, bytes of UTF-8.
    pub story_bytes_max: u32,
    /// `ma-cat://…`.
    pub root_uri: String,
    /// GUID of the database; a client drops its caches when it changes.
    pub db_version: String,
    /// SIP domain.
    pub domain: String,
    /// Pool name.
    pub display_name: String,
}
