//! The part of the database that administration needs.

use parlance_core::directory::{Change, Revision};
pub use parlance_storage::sql::{AdminRecord, StoredInvitation as Invitation, StoredRecord};
use parlance_storage::sql::{Conflict, Error, Found, Place, Query};
use parlance_wire::xccos::{Guid, Timestamp};

/// Why the database did not do what it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LedgerError {
    /// The directory has another revision: somebody else was first.
    Collision,
    /// Another record has the request's key.
    KeyTaken,
    /// Away, or refuses: cause and next step.
    Database(String),
}

impl From<Error> for LedgerError {
    fn from(error: Error) -> LedgerError {
        match error {
            Error::Conflict(Conflict::Directory { .. }) => LedgerError::Collision,
            Error::Conflict(Conflict::Request { .. }) => LedgerError::KeyTaken,
            error => LedgerError::Database(error.to_string()),
        }
    }
}

/// The part of the database that administration needs. All of it blocks; after a fault of the
/// database the same may be asked for again.
pub trait Ledger: Send {
    /// Number of the newest batch.
    fn revision(&mut self) -> Result<Revision, LedgerError>;

    /// Hands over changes that make the directory of the database out of an empty one.
    fn load(&mut self, take: &mut dyn FnMut(Change)) -> Result<Revision, LedgerError>;

    /// Keeps a batch and its record as one transaction, if the directory still has revision `base`.
    /// The same record again, after a fault, does nothing again.
    fn commit(
        &mut self,
        base: Revision,
        changes: &[Change],
        record: &AdminRecord,
    ) -> Result<Revision, LedgerError>;

    /// Keeps the record of an act that changed nothing of the directory.
    fn note(&mut self, record: &AdminRecord) -> Result<(), LedgerError>;

    /// What the request with this key came to.
    fn request(&mut self, key: &str) -> Result<Option<AdminRecord>, LedgerError>;

    /// The newest records before the row `before`, or at all; newest first.
    fn records(
        &mut self,
        before: Option<u64>,
        count: usize,
    ) -> Result<Vec<StoredRecord>, LedgerError>;

    /// Invitations of a user with numbers above `since`, lowest first.
    fn invitations(
        &mut self,
        user: Guid,
        since: u64,
        count: usize,
    ) -> Result<Vec<Invitation>, LedgerError>;

    /// What the messages of each room take, in bytes.
    fn room_bytes(&mut self) -> Result<Vec<(Guid, u64)>, LedgerError>;

    /// Searches messages.
    fn search(&mut self, query: &Query) -> Result<Found, LedgerError>;

    /// Removes the messages of a room up to `until`, inclusively; gives their number.
    fn clear(&mut self, room: Guid, until: Timestamp) -> Result<u64, LedgerError>;

    /// Removes messages; gives the number of those that were there.
    fn delete(&mut self, room: Guid, places: &[Place]) -> Result<u64, LedgerError>;

    /// Puts another text in place of what the messages say.
    fn replace(&mut self, room: Guid, places: &[Place], text: &str) -> Result<u64, LedgerError>;
}
