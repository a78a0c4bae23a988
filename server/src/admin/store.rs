//! The database as administration needs it.

use super::ledger::{AdminRecord, Invitation, Ledger, LedgerError, StoredRecord};
use crate::commit::Replication;
use parlance_core::directory::{Change, Revision};
use parlance_storage::sql::{AnyStore, Found, Place, Query, Store};
use parlance_wire::xccos::{Guid, Timestamp};
use std::sync::Arc;

/// The database, and the replica that is told what it has taken.
pub struct Database {
    store: AnyStore,
    replication: Option<Arc<Replication>>,
}

impl Database {
    /// At a URL; it may be away.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub fn open(url: &str, replication: Option<Arc<Replication>>) -> Result<Database, String> {
        let store = AnyStore::open(url).map_err(|e| format!("the database: {e}"))?;
        Ok(Database { store, replication })
    }
}

impl Ledger for Database {
    fn revision(&mut self) -> Result<Revision, LedgerError> {
        Ok(self.store.directory_revision()?)
    }

    fn load(&mut self, take: &mut dyn FnMut(Change)) -> Result<Revision, LedgerError> {
        let revision = self.store.directory_load(take)?;
        if let Some(replication) = &self.replication {
            replication.is_at(revision);
        }
        Ok(revision)
    }

    fn commit(
        &mut self,
        base: Revision,
        changes: &[Change],
        record: &AdminRecord,
    ) -> Result<Revision, LedgerError> {
        let store = &mut self.store;
        let revision = match store.directory_commit(base, changes, record) {
            // A connection that was lost while nobody used it is found so; the second is a new one.
            Err(error) if error.is_retryable() => store.directory_commit(base, changes, record)?,
            outcome => outcome?,
        };
        if let Some(replication) = &self.replication {
            replication.changed(base, changes);
        }
        Ok(revision)
    }

    fn note(&mut self, record: &AdminRecord) -> Result<(), LedgerError> {
        match self.store.admin_note(record) {
            Err(error) if error.is_retryable() => Ok(self.store.admin_note(record)?),
            outcome => Ok(outcome?),
        }
    }

    fn request(&mut self, key: &str) -> Result<Option<AdminRecord>, LedgerError> {
        let found = match self.store.admin_request(key) {
            Err(error) if error.is_retryable() => self.store.admin_request(key)?,
            outcome => outcome?,
        };
        Ok(found.map(|stored| stored.record))
    }

    fn records(
        &mut self,
        before: Option<u64>,
        count: usize,
    ) -> Result<Vec<StoredRecord>, LedgerError> {
        Ok(self.store.admin_records(before, count)?)
    }

    fn invitations(
        &mut self,
        user: Guid,
        since: u64,
        count: usize,
    ) -> Result<Vec<Invitation>, LedgerError> {
        Ok(self.store.invitations(user, since, count)?)
    }

    fn room_bytes(&mut self) -> Result<Vec<(Guid, u64)>, LedgerError> {
        Ok(self.store.room_bytes()?)
    }

    fn search(&mut self, query: &Query) -> Result<Found, LedgerError> {
        Ok(self.store.by_date(query)?)
    }

    fn clear(&mut self, room: Guid, until: Timestamp) -> Result<u64, LedgerError> {
        Ok(self.store.messages_clear(room, until)?)
    }

    fn delete(&mut self, room: Guid, places: &[Place]) -> Result<u64, LedgerError> {
        Ok(self.store.messages_delete(room, places)?)
    }

    fn replace(&mut self, room: Guid, places: &[Place], text: &str) -> Result<u64, LedgerError> {
        Ok(self.store.messages_replace(room, places, text)?)
    }
}
