//! What can happen to a directory: one closed list.
//!
//! An administrative act becomes a batch of changes; a batch is one transaction of the database and
//! one new [`Directory`](super::Directory), and a directory is nothing but the sum of its changes.

use super::model::{
    Addin, Category, Configuration, LegacyEndpoint, Policy, Pool, Principal, Role, Room, Scope,
};
use parlance_wire::xccos::{Guid, Timestamp};

/// One step. Within a batch they take effect in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The pool's own settings.
    Pool(Pool),
    /// A category is made or changed.
    Category(Category),
    /// An empty category is removed, with its lists.
    CategoryRemoved(Guid),
    /// A room is made or changed.
    Room(Room),
    /// A room is removed, with its lists, messages and invitations.
    RoomRemoved(Guid),
    /// An add-in is made or changed.
    Addin(Addin),
    /// An add-in is removed; rooms that used it are changed in the same batch.
    AddinRemoved(Guid),
    /// A principal is made or changed.
    Principal(Principal),
    /// A principal is forgotten, with its entries in all lists.
    PrincipalRemoved(Guid),
    /// What a principal stands in directly: groups, a folder, a domain. In place of what was there.
    Parents {
        /// Whose.
        child: Guid,
        /// Sorted, none twice.
        parents: Vec<Guid>,
    },
    /// A list of a room or category.
    Entries {
        /// Room or category.
        node: Guid,
        /// Which list.
        role: Role,
        /// Principals that are not in it yet.
        add: Vec<Guid>,
        /// Principals that are in it.
        remove: Vec<Guid>,
    },
    /// A policy is made or changed.
    Policy(Policy),
    /// A policy is removed.
    PolicyRemoved(Scope),
    /// A configuration is made or changed.
    Configuration(Configuration),
    /// A configuration is removed.
    ConfigurationRemoved(Scope),
    /// A legacy endpoint is made or changed.
    Endpoint(LegacyEndpoint),
    /// A legacy endpoint is removed.
    EndpointRemoved(String),
    /// Users are invited to a room; those who were before keep their invitation.
    Invited {
        /// Which room.
        room: Guid,
        /// The number all of these get ([`Pool::last_invitation`]).
        number: u64,
        /// When.
        on: Timestamp,
        /// Users, by their ids.
        users: Vec<Guid>,
    },
}

/// How many batches a directory is made of. Two servers that plan on the same revision collide, and
/// one of them plans again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Revision(pub u64);
