//! Which rooms endpoints are in, on the way into the database.
//!
//! Only the newest is kept of each endpoint, and no more than [`WAITING_MAX`] endpoints. It is
//! written every second; a kill costs that second, which is no promise broken: who joined in it
//! joins again.

use super::background::Background;
use super::replication::Replication;
use parlance_core::Endpoint;
use parlance_storage::sql::{AnyStore, ENDPOINTS_BATCH_MAX, Error, Store};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Most endpoints that wait, while the database is away; what changes at others then is not written
/// down.
const WAITING_MAX: usize = 200_000;
/// How often what waits is written.
const PERIOD: Duration = Duration::from_secs(1);
/// How long to wait after a failure.
const PAUSE: Duration = Duration::from_secs(5);

/// Owner and endpoint identifier.
type Key = (Box<str>, Box<str>);

/// What waits to be written.
#[derive(Debug, Default)]
pub struct Endpoints {
    waiting: Mutex<HashMap<Key, Endpoint>>,
}

impl Endpoints {
    /// Takes what a shard wants to be kept.
    pub fn remember(&self, endpoint: Endpoint) {
        let key = (endpoint.owner.clone(), endpoint.epid.clone());
        let mut waiting = self.lock();
        if waiting.len() < WAITING_MAX || waiting.contains_key(&key) {
            waiting.insert(key, endpoint);
        }
    }

    /// Takes it back, unless there is something newer.
    fn put_back(&self, endpoints: Vec<Endpoint>) {
        let mut waiting = self.lock();
        for endpoint in endpoints {
            let key = (endpoint.owner.clone(), endpoint.epid.clone());
            waiting.entry(key).or_insert(endpoint);
        }
    }

    fn take(&self) -> Vec<Endpoint> {
        std::mem::take(&mut *self.lock()).into_values().collect()
    }

    /// Held for as long as a map operation takes, by whoever: nobody panics with it.
    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Endpoint>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Starts the thread that writes. At the end of the server it writes what is left, once.
///
/// # Errors
/// Why the server must not start.
pub fn start_writer(
    url: &str,
    endpoints: Arc<Endpoints>,
    replication: Option<Arc<Replication>>,
) -> Result<Background, String> {
    let store = AnyStore::open(url).map_err(|e| format!("the database: {e}"))?;
    let mut writer = Writer { store, replication };
    Background::start("endpoints", move |is_closing| run(&mut writer, &endpoints, is_closing))
}

/// Where it is written to.
struct Writer {
    store: AnyStore,
    replication: Option<Arc<Replication>>,
}

fn run(writer: &mut Writer, endpoints: &Endpoints, is_closing: &AtomicBool) {
    let mut is_told = false;
    loop {
        // Looked at first: what was there before the end is written below.
        let is_closing = is_closing.load(Ordering::Acquire);
        let pause = match write(writer, endpoints) {
            Ok(()) => {
                is_told = false;
                PERIOD
            }
            Err(error) => {
                if !std::mem::replace(&mut is_told, true) {
                    tracing::warn!(
                        cause = %error,
                        effect = "after a restart some clients may have to join their rooms again",
                        next_step = "none if this passes; else look after the database",
                        "the rooms of endpoints cannot be written down"
                    );
                }
                PAUSE
            }
        };
        if is_closing {
            return;
        }
        std::thread::park_timeout(pause);
    }
}

fn write(writer: &mut Writer, endpoints: &Endpoints) -> Result<(), Error> {
    let Writer { store, replication } = writer;
    let mut all = endpoints.take();
    while !all.is_empty() {
        let rest = all.split_off(ENDPOINTS_BATCH_MAX.min(all.len()));
        if let Some(replication) = replication {
            replication.remembered(&all);
        }
        let written = store.endpoints_write(&all).or_else(|error| match error.is_retryable() {
            true => Err(error),
            false => write_singly(store, &all),
        });
        if let Err(error) = written {
            all.extend(rest);
            endpoints.put_back(all);
            return Err(error);
        }
        all = rest;
    }
    Ok(())
}

/// Writes a batch that the database refuses one by one, without those that it refuses: one name
/// that it does not take must not cost the others theirs.
fn write_singly(store: &mut AnyStore, all: &[Endpoint]) -> Result<(), Error> {
    let mut refused = None;
    for endpoint in all {
        match store.endpoints_write(std::slice::from_ref(endpoint)) {
            Ok(()) => {}
            Err(error) if error.is_retryable() => return Err(error),
            Err(error) => refused = Some(error),
        }
    }
    if let Some(error) = refused {
        tracing::warn!(
            cause = %error,
            effect = "after a restart these clients may have to join their rooms again",
            next_step = "none if they are few; else run `parlance store check`",
            "the rooms of some endpoints cannot be written down"
        );
    }
    Ok(())
}
