//! The rooms of a running server, as administration needs them to change what was said.

use super::numbers::LogNumbers;
use crate::admin::Rooms;
use crate::shell::edition::Editions;
use parlance_storage::Position;
use parlance_storage::sql::{AnyStore, Store};
use parlance_wire::xccos::Guid;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Longest time that an act on messages waits for the database to have what the log has.
const SETTLE_PATIENCE: Duration = Duration::from_secs(30);

/// See the module's text.
pub struct LiveRooms {
    store: Mutex<AnyStore>,
    numbers: Arc<LogNumbers>,
    editions: Editions,
}

impl LiveRooms {
    /// With a connection of its own.
    ///
    /// # Errors
    /// If the database is away.
    pub fn open(
        url: &str,
        numbers: Arc<LogNumbers>,
        editions: Editions,
    ) -> Result<LiveRooms, String> {
        let store = AnyStore::open(url).map_err(|e| format!("the database: {e}"))?;
        Ok(LiveRooms { store: store.into(), numbers, editions })
    }
}

impl Rooms for LiveRooms {
    fn settle(&self, room: Guid) -> Result<u64, String> {
        let durable = Position(self.numbers.durable.load(Ordering::Acquire));
        if !self.numbers.await_stored(durable, Instant::now() + SETTLE_PATIENCE) {
            return Err(format!(
                "the database did not take what the log has within {} s, so nothing was done; see \
                 whether it is there (`parlance store check`), and try again",
                SETTLE_PATIENCE.as_secs()
            ));
        }
        let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        let newest = store.last(room, 1, None).map_err(|e| format!("the database: {e}"))?;
        Ok(newest.first().map_or(0, |row| row.place.number))
    }

    fn forget(&self, room: Guid, through: u64) {
        self.editions.revise(room, through);
    }
}
