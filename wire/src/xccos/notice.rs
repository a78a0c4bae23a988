//! `ntc`: what others did (`xccos.md` §3.5.5, §3.6).

use super::{Guid, Participant};

/// A notice about one room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// `ntc:join`: these users came; written as one `uib` with one `aib` each.
    Join {
        /// SIP domain of the room, lower case.
        domain: String,
        /// Which room.
        room: Guid,
        /// Who came.
        users: Vec<Participant>,
    },
    /// `ntc:part`: these users left.
    Part {
        /// `ma-chan://…`.
        room_uri: String,
        /// `sip:` URIs.
        users: Vec<String>,
    },
    /// Any other, by the name behind `ntc:` (client side; ignored).
    Other {
        /// Lower case.
        name: String,
    },
}
