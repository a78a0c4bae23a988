//! Words of the API's documents and what they mean.

use crate::admin::Match;
use clap::ValueEnum;
use parlance_core::directory::model::{
    Behavior, Invitations, PrincipalKind, PrincipalState, Privacy,
};
use parlance_people::ldap::RunKind;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An enum that the core has, too, with the same variants.
macro_rules! word {
    ($(#[$doc:meta])* $name:ident = $of:ident { $($(#[$variant_doc:meta])* $variant:ident),+ }) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema, ValueEnum,
        )]
        #[serde(rename_all = "lowercase")]
        pub enum $name { $($(#[$variant_doc])* $variant),+ }

        impl From<$of> for $name {
            fn from(it: $of) -> $name {
                match it { $($of::$variant => $name::$variant),+ }
            }
        }

        impl From<$name> for $of {
            fn from(it: $name) -> $of {
                match it { $($name::$variant => $of::$variant),+ }
            }
        }
    };
}

word! {
    /// Who sees and enters a room.
    PrivacyWord = Privacy {
        /// All that the category allows.
        Open,
        /// All that the category allows see it, members enter.
        Closed,
        /// Members see and enter it.
        Secret
    }
}

word! {
    /// Who posts in a room.
    TypeWord = Behavior {
        /// Whoever is in.
        Normal,
        /// Presenters only.
        Auditorium
    }
}

word! {
    /// Does a room invite its members?
    InvitationsWord = Invitations {
        /// As its category says.
        Inherit,
        /// No.
        False
    }
}

word! {
    /// What was read of another directory.
    SyncKindWord = RunKind {
        /// Everything.
        Full,
        /// What has changed since the run before.
        Changes,
        /// The same, and who is there at all.
        Sweep
    }
}

word! {
    /// What a principal is.
    KindWord = PrincipalKind {
        /// A person or a bot.
        User,
        /// Everybody of a domain.
        Domain,
        /// A distribution list or security group.
        Group,
        /// A container or organisational unit.
        Folder
    }
}

word! {
    /// Is a principal in use?
    StateWord = PrincipalState {
        /// Yes.
        Active,
        /// Known, but not enabled.
        Disabled,
        /// Gone from the directory it came from.
        Deleted
    }
}

word! {
    /// How keywords are understood.
    MatchWord = Match {
        /// Each of them, in any order.
        All,
        /// One of them at least.
        Or,
        /// All of them, one after the other.
        Exact
    }
}
