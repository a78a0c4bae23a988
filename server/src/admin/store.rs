//! The database as administration needs it.

use super::ledger::{AdminRecord, Invitation, Ledger, LedgerError, StoredRecord};
use parlance_core::directory::{Change, Revision};
use parlance_storage::sql::{AnyStore, Found, Place, Query, Store};
use parlance_wire::xccos::{Guid, Timestamp};

impl Ledger for AnyStore {
    fn revision(&mut self) -> Result<Revision, LedgerError> {
        Ok(self.directory_revision()?)
    }

    fn load(&mut self, take: &mut dyn FnMut(Change)) -> Result<Revision, LedgerError> {
        Ok(self.directory_load(take)?)
    }

    fn commit(
        &mut self,
        base: Revision,
        changes: &[Change],
        record: &AdminRecord,
    ) -> Result<Revision, LedgerError> {
        match self.directory_commit(base, changes, record) {
            // A connection that was lost while nobody used it is found so; the second is a new one.
            Err(error) if error.is_retryable() => Ok(self.directory_commit(base, changes, record)?),
            outcome => Ok(outcome?),
        }
    }

    fn note(&mut self, record: &AdminRecord) -> Result<(), LedgerError> {
        match self.admin_note(record) {
            Err(error) if error.is_retryable() => Ok(self.admin_note(record)?),
            outcome => Ok(outcome?),
        }
    }

    fn request(&mut self, key: &str) -> Result<Option<AdminRecord>, LedgerError> {
        let found = match self.admin_request(key) {
            Err(error) if error.is_retryable() => self.admin_request(key)?,
            outcome => outcome?,
        };
        Ok(found.map(|stored| stored.record))
    }

    fn records(
        &mut self,
        before: Option<u64>,
        count: usize,
    ) -> Result<Vec<StoredRecord>, LedgerError> {
        Ok(self.admin_records(before, count)?)
    }

    fn invitations(
        &mut self,
        user: Guid,
        since: u64,
        count: usize,
    ) -> Result<Vec<Invitation>, LedgerError> {
        Ok(Store::invitations(self, user, since, count)?)
    }

    fn room_bytes(&mut self) -> Result<Vec<(Guid, u64)>, LedgerError> {
        Ok(Store::room_bytes(self)?)
    }

    fn search(&mut self, query: &Query) -> Result<Found, LedgerError> {
        Ok(self.by_date(query)?)
    }

    fn clear(&mut self, room: Guid, until: Timestamp) -> Result<u64, LedgerError> {
        Ok(self.messages_clear(room, until)?)
    }

    fn delete(&mut self, room: Guid, places: &[Place]) -> Result<u64, LedgerError> {
        Ok(self.messages_delete(room, places)?)
    }

    fn replace(&mut self, room: Guid, places: &[Place], text: &str) -> Result<u64, LedgerError> {
        Ok(self.messages_replace(room, places, text)?)
    }
}
