//! Administration of a running server, and of a data directory without one.
//!
//! ```text
//! HTTP ─┐                     one thread                          ┌─> publish: the shards
//! chat ─┼─> bounded channel ─> plan ─> commit ─> apply ─> answer ─┤
//! sync ─┘                       ^  compare-and-set  │             └─> snapshot: whoever reads
//!                               └── reload ─────────┘
//! ```
//!
//! One [`Admin`] serves all surfaces. Its thread owns the newest directory and a connection of its
//! own to the database; an act is planned on that directory, committed as one transaction on its
//! revision, and planned again on what the database has when somebody else was first. What was
//! refused is written down, too. Reading takes the snapshot and waits for nobody.
//!
//! | module | subject |
//! |---|---|
//! | `service` | the handle, requests and answers |
//! | `worker` | the thread |
//! | `open` | what a directory begins with |
//! | `messages` | clearing rooms, removing and replacing messages |
//! | `record`, `detail` | what is written down of an act |
//! | `cause` | names and numbers of refusals |
//! | `ledger`, `store` | the part of the database that this needs |
//! | `rooms` | what message acts need of rooms in use |
//! | `find` | things by what people call them |
//! | `tokens` | who may speak to the API |

mod cause;
mod detail;
mod error;
pub mod find;
mod fresh;
mod ledger;
mod messages;
mod numbers;
mod open;
mod record;
mod rooms;
mod service;
mod store;
mod tokens;
mod worker;

pub use cause::problem;
pub use error::AdminError;
pub use fresh::fresh_guid;
pub use ledger::{Invitation, StoredRecord};
pub use messages::{Filter, Match, MessageAct, REPLACEMENT};
pub use numbers::AdminNumbers;
pub use open::{Loaded, address, load, open_configured, open_replica, tell_address};
pub use record::of_load;
pub use rooms::Rooms;
pub use service::{Admin, Done, Options, Request, Surface, Wanted};
pub use tokens::{LOCAL_TOKEN, Token, TokenError, TokenRole, Tokens, hex, unhex};

#[cfg(test)]
mod tests;
