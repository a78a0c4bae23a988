//! Which rooms endpoints are in, on the way into the database.
//!
//! Only the newest is kept of each endpoint, and no more than [`WAITING_MAX`] endpoints. It is
//! written every second; a kill costs that second, which is no promise broken: who joined in it
//! joins again.

use parlance_core::Endpoint;
use parlance_storage::sql::{AnyStore, ENDPOINTS_BATCH_MAX, Error, Store};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::Thread;
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
    is_closing: AtomicBool,
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

/// The thread that writes.
pub struct EndpointWriter {
    endpoints: Arc<Endpoints>,
    thread: Thread,
    /// Closed when the thread has ended.
    ended: Receiver<()>,
}

impl EndpointWriter {
    /// Starts it.
    ///
    /// # Errors
    /// Why the server must not start.
    pub fn start(url: &str, endpoints: Arc<Endpoints>) -> Result<EndpointWriter, String> {
        let mut store = AnyStore::open(url).map_err(|e| format!("the database: {e}"))?;
        let shared = endpoints.clone();
        let thread = std::thread::Builder::new().name("endpoints".into());
        let (end, ended) = channel();
        let thread = thread.spawn(move || {
            run(&mut store, &shared);
            drop(end);
        });
        let thread = thread.map_err(|e| format!("no thread to remember endpoints: {e}"))?;
        Ok(EndpointWriter { endpoints, thread: thread.thread().clone(), ended })
    }

    /// Writes what is left, once, and ends; waits for that as long as `patience` lasts.
    pub fn finish(self, patience: Duration) {
        self.endpoints.is_closing.store(true, Ordering::Release);
        self.thread.unpark();
        let _ = self.ended.recv_timeout(patience);
    }
}

fn run(store: &mut AnyStore, endpoints: &Endpoints) {
    let mut is_told = false;
    loop {
        // Looked at first: what was there before the end is written below.
        let is_closing = endpoints.is_closing.load(Ordering::Acquire);
        let pause = match write(store, endpoints) {
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

fn write(store: &mut AnyStore, endpoints: &Endpoints) -> Result<(), Error> {
    let mut all = endpoints.take();
    while !all.is_empty() {
        let rest = all.split_off(ENDPOINTS_BATCH_MAX.min(all.len()));
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
