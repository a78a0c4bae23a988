//! Names and numbers of refusals: the product's own (`product.md` §8.6), and where it has none,
//! ours.

use super::error::AdminError;
use parlance_core::admin::Cause;

/// How the surfaces tell a kind of refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Problem {
    /// Short stable name.
    pub name: &'static str,
    /// The product's name for it.
    pub sdk_name: &'static str,
    /// The product's number.
    pub sdk_code: u8,
    /// Of HTTP.
    pub status: u16,
    /// In words.
    pub title: &'static str,
}

const fn row(
    name: &'static str,
    sdk_name: &'static str,
    sdk_code: u8,
    status: u16,
    title: &'static str,
) -> Problem {
    Problem { name, sdk_name, sdk_code, status, title }
}

/// All causes.
pub(super) const CAUSES: [Cause; 14] = [
    Cause::DataCollision,
    Cause::DuplicateRoomName,
    Cause::InvalidArgument,
    Cause::LimitExceeded,
    Cause::NodeDisabled,
    Cause::NodeHierarchyViolation,
    Cause::ErrorPermission,
    Cause::NoSuchNode,
    Cause::NoSuchPrincipal,
    Cause::PrincipalsAlreadyDefined,
    Cause::PrincipalsNotInScope,
    Cause::PresenterNotInMemberList,
    Cause::DuplicateAddinName,
    Cause::InUse,
];

/// How a refusal's cause is told.
pub fn of_cause(cause: Cause) -> Problem {
    match cause {
        Cause::DataCollision => {
            row("data-collision", "DataCollision", 1, 409, "Somebody else changed it meanwhile")
        }
        Cause::DuplicateRoomName => {
            row("duplicate-room-name", "DuplicateRoomName", 2, 409, "The name is taken")
        }
        Cause::InvalidArgument => {
            row("invalid-argument", "InvalidArgument", 3, 400, "A value is missing or faulty")
        }
        Cause::LimitExceeded => row("limit-exceeded", "LimitExceeded", 5, 422, "A bound is passed"),
        Cause::NodeDisabled => row("node-disabled", "NodeDisabled", 7, 422, "The room is disabled"),
        Cause::NodeHierarchyViolation => row(
            "node-hierarchy-violation",
            "NodeHierarchyViolation",
            8,
            422,
            "Rooms stand in categories, and categories with rooms stay",
        ),
        Cause::ErrorPermission => {
            row("error-permission", "ErrorPermission", 9, 403, "Who asks may not")
        }
        Cause::NoSuchNode => row("no-such-node", "NoSuchNode", 10, 404, "There is no such thing"),
        Cause::NoSuchPrincipal => {
            row("no-such-principal", "NoSuchPrincipal", 11, 404, "There is no such principal")
        }
        Cause::PrincipalsAlreadyDefined => row(
            "principals-already-defined",
            "PrincipalsAlreadyDefined",
            21,
            409,
            "A principal is in the list already",
        ),
        Cause::PrincipalsNotInScope => row(
            "principals-not-in-scope",
            "PrincipalsNotInScope",
            22,
            422,
            "A principal is outside the scope of the category",
        ),
        Cause::PresenterNotInMemberList => row(
            "presenter-not-in-member-list",
            "PresenterNotInMemList",
            23,
            422,
            "A presenter must be a member",
        ),
        Cause::DuplicateAddinName => {
            row("duplicate-addin-name", "DuplicateAddinName", 24, 409, "The name is taken")
        }
        Cause::InUse => row("in-use", "CommandFailed", 20, 409, "It is in use"),
    }
}

/// How an error is told.
pub fn problem(error: &AdminError) -> Problem {
    match error {
        AdminError::Refused(refusal) => of_cause(refusal.cause),
        AdminError::Database(_) => row(
            "database-connection",
            "DatabaseConnection",
            0,
            503,
            "The database is not available",
        ),
        AdminError::Busy => row("busy", "ServerError", 19, 503, "Too much is waiting"),
        AdminError::KeyReused => row(
            "request-key-reused",
            "InvalidFlowOfOperations",
            17,
            422,
            "The request's key belongs to another act",
        ),
        AdminError::Broken(_) => row("server-error", "ServerError", 19, 500, "A fault of ours"),
    }
}

/// The cause with that short name.
pub(super) fn cause_named(name: &str) -> Option<Cause> {
    CAUSES.into_iter().find(|cause| of_cause(*cause).name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_to_their_causes() {
        for cause in CAUSES {
            assert_eq!(cause_named(of_cause(cause).name), Some(cause));
        }
        assert_eq!(cause_named("rain"), None);
    }
}
