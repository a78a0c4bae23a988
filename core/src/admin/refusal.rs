//! Why an act is refused: the product's own errors (`product.md` §8.6, `xccos.md` §2.4).

use parlance_wire::xccos::ResponseCode;
use std::fmt;

/// The product's name for it. Its text and number on the wire are those of
/// [`parlance_wire::xccos::ResponseCode`]; HTTP has a status and a problem type for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    /// Somebody else changed the thing meanwhile.
    DataCollision,
    /// A room or category has the name.
    DuplicateRoomName,
    /// A value is missing, too long, or not of its kind.
    InvalidArgument,
    /// A bound is passed.
    LimitExceeded,
    /// The room is disabled.
    NodeDisabled,
    /// A room below the root, a category that has rooms.
    NodeHierarchyViolation,
    /// The actor may not.
    ErrorPermission,
    /// No such room, category, add-in, policy or configuration, or none the actor may see.
    NoSuchNode,
    /// No such principal, or several fit the name.
    NoSuchPrincipal,
    /// A principal is in the list already.
    PrincipalsAlreadyDefined,
    /// A principal is outside the scope of the category.
    PrincipalsNotInScope,
    /// A presenter who is no member.
    PresenterNotInMemberList,
    /// An add-in has the name.
    DuplicateAddinName,
    /// It is used, and the act is not forced.
    InUse,
}

/// A refusal, for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Which error.
    pub cause: Cause,
    /// The property it is about, as the surfaces call it; empty for none.
    pub field: &'static str,
    /// Cause, effect and next step, with the names involved.
    pub message: String,
}

impl Cause {
    /// The product's name, such as `DuplicateRoomName`; [`Cause::InUse`] is ours.
    pub fn as_str(self) -> &'static str {
        match self {
            Cause::DataCollision => "DataCollision",
            Cause::DuplicateRoomName => "DuplicateRoomName",
            Cause::InvalidArgument => "InvalidArgument",
            Cause::LimitExceeded => "LimitExceeded",
            Cause::NodeDisabled => "NodeDisabled",
            Cause::NodeHierarchyViolation => "NodeHierarchyViolation",
            Cause::ErrorPermission => "ErrorPermission",
            Cause::NoSuchNode => "NoSuchNode",
            Cause::NoSuchPrincipal => "NoSuchPrincipal",
            Cause::PrincipalsAlreadyDefined => "PrincipalsAlreadyDefined",
            Cause::PrincipalsNotInScope => "PrincipalsNotInScope",
            Cause::PresenterNotInMemberList => "PresenterNotInMemList",
            Cause::DuplicateAddinName => "DuplicateAddinName",
            Cause::InUse => "InUse",
        }
    }

    /// What a chat client is told.
    pub fn response_code(self) -> ResponseCode {
        match self {
            Cause::DataCollision => ResponseCode::DataCollision,
            Cause::DuplicateRoomName => ResponseCode::DuplicateRoomName,
            Cause::InvalidArgument => ResponseCode::InvalidArgument,
            Cause::LimitExceeded => ResponseCode::LimitExceeded,
            Cause::NodeDisabled => ResponseCode::NodeDisabled,
            Cause::NodeHierarchyViolation => ResponseCode::NodeHierarchyViolation,
            Cause::ErrorPermission => ResponseCode::ErrorPermission,
            Cause::NoSuchNode => ResponseCode::NoSuchNode,
            Cause::NoSuchPrincipal => ResponseCode::NoSuchPrincipal,
            Cause::PrincipalsAlreadyDefined => ResponseCode::PrincipalsAlreadyDefined,
            Cause::PrincipalsNotInScope => ResponseCode::PrincipalsNotInScope,
            Cause::PresenterNotInMemberList => ResponseCode::PresenterNotInMemberList,
            Cause::DuplicateAddinName => ResponseCode::DuplicateAddinName,
            // The product has no name of its own for it.
            Cause::InUse => ResponseCode::InvalidFlowOfOperations,
        }
    }
}

impl Refusal {
    pub(super) fn new(cause: Cause, field: &'static str, message: impl Into<String>) -> Refusal {
        Refusal { cause, field, message: message.into() }
    }

    pub(super) fn invalid(field: &'static str, message: impl Into<String>) -> Refusal {
        Refusal::new(Cause::InvalidArgument, field, message)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Refusal {}
