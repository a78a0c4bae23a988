//! `resp`: how a command ended (`xccos.md` §2.4).

use super::fields;
use crate::xml::Element;

/// `resp@code` with its text. Only 200 is a confirmed wire code; the others are our choice after
/// the vendor's error names (`xccos.md` §2.4). Several share a number; the text tells them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum ResponseCode {
    Success,
    InvalidArgument,
    InvalidToken,
    ErrorPermission,
    NoSuchNode,
    NoSuchPrincipal,
    InvalidFlowOfOperations,
    DataCollision,
    DuplicateRoomName,
    PrincipalsAlreadyDefined,
    DuplicateAddinName,
    NodeDisabled,
    UserNotJoined,
    CannotGetParticipantList,
    LimitExceeded,
    NodeHierarchyViolation,
    PrincipalsNotInScope,
    PresenterNotInMemberList,
    ServerError,
    CommandFailed,
    UnableToCreateRoom,
    UnknownServerError,
    MsgNotSupported,
    DatabaseConnection,
    /// A code we do not know (client side).
    Other(u16),
}

impl ResponseCode {
    /// All that have a name. The first with its number is the one that a number without a known
    /// text stands for.
    pub const NAMED: [ResponseCode; 24] = [
        ResponseCode::Success,
        ResponseCode::InvalidArgument,
        ResponseCode::InvalidToken,
        ResponseCode::ErrorPermission,
        ResponseCode::NoSuchNode,
        ResponseCode::NoSuchPrincipal,
        ResponseCode::InvalidFlowOfOperations,
        ResponseCode::DataCollision,
        ResponseCode::DuplicateRoomName,
        ResponseCode::PrincipalsAlreadyDefined,
        ResponseCode::DuplicateAddinName,
        ResponseCode::NodeDisabled,
        ResponseCode::UserNotJoined,
        ResponseCode::CannotGetParticipantList,
        ResponseCode::LimitExceeded,
        ResponseCode::NodeHierarchyViolation,
        ResponseCode::PrincipalsNotInScope,
        ResponseCode::PresenterNotInMemberList,
        ResponseCode::ServerError,
        ResponseCode::CommandFailed,
        ResponseCode::UnableToCreateRoom,
        ResponseCode::UnknownServerError,
        ResponseCode::MsgNotSupported,
        ResponseCode::DatabaseConnection,
    ];

    /// The number.
    pub fn code(self) -> u16 {
        self.code_and_text().0
    }

    /// The symbolic text, e.g. `SUCCESS_OK`.
    pub fn text(self) -> &'static str {
        self.code_and_text().1
    }

    fn code_and_text(self) -> (u16, &'static str) {
        match self {
            ResponseCode::Success => (200, "SUCCESS_OK"),
            ResponseCode::InvalidArgument => (400, "INVALID_ARGUMENT"),
            ResponseCode::InvalidToken => (401, "INVALID_TOKEN"),
            ResponseCode::ErrorPermission => (403, "ERROR_PERMISSION"),
            ResponseCode::NoSuchNode => (404, "NO_SUCH_NODE"),
            ResponseCode::NoSuchPrincipal => (404, "NO_SUCH_PRINCIPAL"),
            ResponseCode::InvalidFlowOfOperations => (405, "INVALID_FLOW_OF_OPERATIONS"),
            ResponseCode::DataCollision => (409, "DATA_COLLISION"),
            ResponseCode::DuplicateRoomName => (409, "DUPLICATE_ROOM_NAME"),
            ResponseCode::PrincipalsAlreadyDefined => (409, "PRINCIPALS_ALREADY_DEFINED"),
            ResponseCode::DuplicateAddinName => (409, "DUPLICATE_ADDIN_NAME"),
            ResponseCode::NodeDisabled => (410, "NODE_DISABLED"),
            ResponseCode::UserNotJoined => (412, "USER_NOT_JOINED"),
            ResponseCode::CannotGetParticipantList => (412, "CANNOT_GET_PARTICIPANT_LIST"),
            ResponseCode::LimitExceeded => (413, "LIMIT_EXCEEDED"),
            ResponseCode::NodeHierarchyViolation => (422, "NODE_HIERARCHY_VIOLATION"),
            ResponseCode::PrincipalsNotInScope => (422, "PRINCIPALS_NOT_IN_SCOPE"),
            ResponseCode::PresenterNotInMemberList => (422, "PRESENTER_NOT_IN_MEMBER_LIST"),
            ResponseCode::ServerError => (500, "SERVER_ERROR"),
            ResponseCode::CommandFailed => (500, "COMMAND_FAILED"),
            ResponseCode::UnableToCreateRoom => (500, "UNABLE_TO_CREATE_ROOM"),
            ResponseCode::UnknownServerError => (500, "UNKNOWN_SERVER_ERROR"),
            ResponseCode::MsgNotSupported => (501, "MSG_NOT_SUPPORTED"),
            ResponseCode::DatabaseConnection => (503, "DATABASE_CONNECTION"),
            ResponseCode::Other(code) => (code, "OTHER"),
        }
    }

    /// The number that the product's development kit gives the failure, 0 to 24: not a code of the
    /// wire, but what people who know the product look for. `None` for success and for what has no
    /// name. Nothing has 15 or 16: that a file's transfer failed is found out by a client.
    pub fn sdk_value(self) -> Option<u8> {
        Some(match self {
            ResponseCode::DatabaseConnection => 0,
            ResponseCode::DataCollision => 1,
            ResponseCode::DuplicateRoomName => 2,
            ResponseCode::InvalidArgument => 3,
            ResponseCode::CannotGetParticipantList => 4,
            ResponseCode::LimitExceeded => 5,
            ResponseCode::MsgNotSupported => 6,
            ResponseCode::NodeDisabled => 7,
            ResponseCode::NodeHierarchyViolation => 8,
            ResponseCode::ErrorPermission => 9,
            ResponseCode::NoSuchNode => 10,
            ResponseCode::NoSuchPrincipal => 11,
            ResponseCode::UnableToCreateRoom => 12,
            ResponseCode::UnknownServerError => 13,
            ResponseCode::UserNotJoined => 14,
            ResponseCode::InvalidFlowOfOperations => 17,
            ResponseCode::InvalidToken => 18,
            ResponseCode::ServerError => 19,
            ResponseCode::CommandFailed => 20,
            ResponseCode::PrincipalsAlreadyDefined => 21,
            ResponseCode::PrincipalsNotInScope => 22,
            ResponseCode::PresenterNotInMemberList => 23,
            ResponseCode::DuplicateAddinName => 24,
            ResponseCode::Success | ResponseCode::Other(_) => return None,
        })
    }

    /// The code with that number; where several share it, the most general.
    pub fn from_code(code: u16) -> ResponseCode {
        let mut named = ResponseCode::NAMED.into_iter();
        named.find(|known| known.code() == code).unwrap_or(ResponseCode::Other(code))
    }

    /// The code with that number and, where several share it, that text.
    pub fn from_code_and_text(code: u16, text: &str) -> ResponseCode {
        let is_meant = |known: &ResponseCode| {
            known.code() == code && known.text().eq_ignore_ascii_case(text.trim())
        };
        let named = ResponseCode::NAMED.into_iter().find(is_meant);
        named.unwrap_or_else(|| ResponseCode::from_code(code))
    }
}

/// Reads a `resp`.
pub(super) fn decode(resp: &Element<'_>) -> Option<ResponseCode> {
    Some(ResponseCode::from_code_and_text(fields::number(resp, "code")?, &resp.text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn each_code_is_read_back_by_number_and_text() {
        for known in ResponseCode::NAMED {
            let text = format!(" {} ", known.text().to_lowercase());
            assert_eq!(ResponseCode::from_code_and_text(known.code(), &text), known);
        }
        let texts: HashSet<_> = ResponseCode::NAMED.iter().map(|code| code.text()).collect();
        assert_eq!(texts.len(), ResponseCode::NAMED.len());
    }

    #[test]
    fn the_development_kit_numbers_each_failure_once() {
        let numbers = ResponseCode::NAMED.iter().filter_map(|code| code.sdk_value());
        let mut numbers: Vec<_> = numbers.collect();
        numbers.sort_unstable();
        let transfers_of_files = [15, 16];
        let expect = (0..=24).filter(|number| !transfers_of_files.contains(number));
        assert_eq!(numbers, expect.collect::<Vec<u8>>());
        assert_eq!(ResponseCode::Success.sdk_value(), None);
        assert_eq!(ResponseCode::Other(404).sdk_value(), None);
    }

    #[test]
    fn a_number_without_known_text_is_the_most_general() {
        for (code, text, expect) in [
            (404, "", ResponseCode::NoSuchNode),
            (409, "DATA_COLLIDES", ResponseCode::DataCollision),
            (409, "NO_SUCH_PRINCIPAL", ResponseCode::DataCollision),
            (412, "?", ResponseCode::UserNotJoined),
            (422, "", ResponseCode::NodeHierarchyViolation),
            (500, "OTHER", ResponseCode::ServerError),
            (299, "SUCCESS_OK", ResponseCode::Other(299)),
        ] {
            assert_eq!(ResponseCode::from_code_and_text(code, text), expect, "{code} {text}");
        }
    }
}
