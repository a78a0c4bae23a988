//! Administration as a pure function: an [`Act`] and a [`Directory`](crate::Directory) give a
//! [`Plan`] or a [`Refusal`].
//!
//! Every surface (command line, HTTP, XCCOS, synchronisation with another directory) says what it
//! wants as an [`Act`] of an [`Actor`]. Here it is decided whether the actor may, whether the act
//! makes sense, and which [`Change`]s it comes to. Whoever planned commits the changes as one
//! transaction on the revision that was planned on, or plans again; so nothing is ever half done.
//!
//! | module | subject |
//! |---|---|
//! | `act` | what can be asked for: the product's cmdlets (`product.md` §3) |
//! | `refusal` | why not: the product's own errors (`product.md` §8.6) |
//! | `plan` | from the one to changes or the other: what all acts share |
//! | `category`, `room`, `addin`, `people`, `settings` | the rules of each subject |
//! | `lists` | lists of principals being edited, and the scope they must lie in |
//! | `invite` | who is told of a room by an act |
//! | `find` | who or what a text names |
//! | `explain` | why somebody may do what with a room, and who could be in a list |

mod act;
mod addin;
mod category;
mod explain;
mod find;
mod invite;
mod lists;
mod people;
mod plan;
mod refusal;
mod room;
mod settings;

pub use act::{
    Act, Actor, CategoryEdit, ConfigurationEdit, ListEdit, NewCategory, NewRoom, PersonRecord,
    PolicyEdit, RoomEdit,
};
pub use explain::{Eligible, Explanation, Reason, eligible, explain};
pub use find::{find_addin, find_category, find_room};
pub use plan::plan;
pub use refusal::{Cause, Refusal};

use crate::directory::Change;
use parlance_wire::xccos::{Guid, Timestamp};

/// What a plan needs from outside: the core has no clock and no dice.
#[derive(Debug, Clone, Copy)]
pub struct Context {
    /// Wall clock, for audit fields.
    pub now: Timestamp,
    /// Identifier of the thing that is made, if one is.
    pub fresh: Guid,
}

/// What an act comes to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// In the order in which they are to be applied. Empty when everything is as wanted already.
    pub changes: Vec<Change>,
    /// The thing that was made or changed: category, room, add-in or principal.
    pub subject: Option<Guid>,
    /// What an operator should be told beside: entries dropped because they do not fit any more.
    pub notes: Vec<String>,
}
