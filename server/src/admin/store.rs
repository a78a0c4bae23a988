//! The database as administration needs it.

use super::ledger::{AdminRecord, Invitation, Ledger, LedgerError, StoredRecord};
use parlance_core::directory::{Change, Revision};
use parlance_storage::sql::{AnyStore, Found, Query, RowKey, Store};
use parlance_wire::xccos::{Guid, Timestamp};

fn unready<T>() -> Result<T, LedgerError> {
    Err(LedgerError::Database("not yet".into()))
}

impl Ledger for AnyStore {
    fn revision(&mut self) -> Result<Revision, LedgerError> {
        unready()
    }

    fn load(&mut self, _take: &mut dyn FnMut(Change)) -> Result<Revision, LedgerError> {
        unready()
    }

    fn commit(
        &mut self,
        _base: Revision,
        _changes: &[Change],
        _record: &AdminRecord,
    ) -> Result<Revision, LedgerError> {
        unready()
    }

    fn note(&mut self, _record: &AdminRecord) -> Result<(), LedgerError> {
        unready()
    }

    fn request(&mut self, _key: &str) -> Result<Option<AdminRecord>, LedgerError> {
        unready()
    }

    fn records(
        &mut self,
        _before: Option<u64>,
        _count: usize,
    ) -> Result<Vec<StoredRecord>, LedgerError> {
        unready()
    }

    fn invitations(
        &mut self,
        _user: Guid,
        _since: u64,
        _count: usize,
    ) -> Result<Vec<Invitation>, LedgerError> {
        unready()
    }

    fn room_bytes(&mut self) -> Result<Vec<(Guid, u64)>, LedgerError> {
        unready()
    }

    fn search(&mut self, query: &Query) -> Result<Found, LedgerError> {
        Ok(self.by_date(query)?)
    }

    fn clear(&mut self, _room: Guid, _until: Timestamp) -> Result<u64, LedgerError> {
        unready()
    }

    fn delete(&mut self, _keys: &[RowKey]) -> Result<u64, LedgerError> {
        unready()
    }

    fn replace(&mut self, _keys: &[RowKey], _text: &str) -> Result<u64, LedgerError> {
        unready()
    }
}
