//! The server on this data directory, or this process where none runs.

use super::Carrier;
use super::call::Call;
use super::output::Answer;
use super::remote::Remote;
use crate::admin::{LOCAL_TOKEN, Rooms, Tokens, address, open_configured};
use crate::api::{self, Api};
use crate::commit::{self, Replication};
use crate::config::Config;
use crate::tools::{Fault, database, tail};
use axum::Router;
use axum::body::Body;
use axum::http::Request;
use parlance_storage::disk::real::RealDisk;
use parlance_storage::sql::Store;
use parlance_wire::xccos::Guid;
use serde_json::Value;
use tokio::runtime::Runtime;
use tower::ServiceExt;

/// Whoever serves this data directory.
///
/// # Errors
/// Cause, effect, next step.
pub fn carrier(config: &Config) -> Result<Box<dyn Carrier>, Fault> {
    let folder = commit::folder(&config.data);
    if folder.is_dir() && tail::is_served(&folder)? {
        return running(config);
    }
    Ok(Box::new(Here::open(config)?))
}

/// The server that runs on it.
fn running(config: &Config) -> Result<Box<dyn Carrier>, Fault> {
    let data = config.data.display();
    let Some(address) = address(&config.data) else {
        return Err(Fault::Told(format!(
            "a server runs on {data} and either is just starting or listens for no HTTP, so it \
             cannot be asked; give [listen] http an address, or wait a moment"
        )));
    };
    let token = config.data.join(LOCAL_TOKEN);
    Ok(Box::new(Remote::new(&format!("http://{address}"), &token, None)?))
}

/// This process, on the database.
struct Here {
    router: Router,
    runtime: Runtime,
    /// Keeps servers away: they would not notice what changes.
    _lock: RealDisk,
}

impl Here {
    fn open(config: &Config) -> Result<Here, Fault> {
        let mut store = database::open(config)?;
        let lock = lock(config)?;
        store.migrate()?;
        // A server that starts from the replica one day must know what is changed here.
        let replication = match commit::identity_known(&config.data, config.log.engine)? {
            Some(identity) => {
                let cursor = commit::cursor_name(&identity);
                Replication::of(&config.data, &config.store, &cursor, &mut store)?
            }
            None => None,
        };
        drop(store);
        let rooms = Box::new(AtRest { config: config.clone() });
        let loaded = open_configured(config, replication)?;
        let administration = loaded.start(Box::new(|_, _| ()), rooms)?;
        let tokens = Tokens::open(&config.data)?;
        let router = api::router(Api::unlocked(administration, tokens.into()));
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let runtime = runtime.map_err(|e| format!("no runtime for the command: {e}"))?;
        Ok(Here { router, runtime, _lock: lock })
    }
}

fn lock(config: &Config) -> Result<RealDisk, Fault> {
    let place = config.data.display();
    database::lock_log(&config.data, || {
        format!(
            "a server or another command begins to use {place} at this moment, so nothing was \
             done; try again"
        )
    })
}

impl Carrier for Here {
    fn carry_out(&mut self, call: &Call) -> Result<Answer, Fault> {
        let mut request = Request::builder().method(call.method.name()).uri(call.target());
        for (name, value) in &call.headers {
            request = request.header(*name, value);
        }
        let body = match call.content()? {
            Some((kind, text)) => {
                request = request.header("content-type", kind);
                Body::from(text)
            }
            None => Body::empty(),
        };
        let request = request.body(body).map_err(|e| {
            format!("this is not understood ({e}), so nothing was done; see --help")
        })?;
        let router = self.router.clone();
        let (status, bytes) = self.runtime.block_on(async move {
            let Ok(response) = router.oneshot(request).await;
            let status = response.status().as_u16();
            (status, axum::body::to_bytes(response.into_body(), usize::MAX).await)
        });
        let bytes = bytes.map_err(|e| format!("the answer broke off: {e}"))?;
        let text = || Value::String(String::from_utf8_lossy(&bytes).into_owned());
        let body = serde_json::from_slice(&bytes).unwrap_or_else(|_| text());
        Ok(Answer { status, body })
    }
}

/// Rooms that nobody is in, and a log that may have messages which the database lacks.
struct AtRest {
    config: Config,
}

impl Rooms for AtRest {
    fn settle(&self, room: Guid) -> Result<u64, String> {
        let told = |fault| match fault {
            Fault::Told(text) => text,
            Fault::Output(error) => error.to_string(),
        };
        let mut store = database::open(&self.config).map_err(told)?;
        let lag = database::lag(&self.config, &mut store, |entry| entry.room == room);
        let because = match lag.map_err(told)? {
            None => return Ok(0),
            Some(lag) => match (lag.trouble, lag.messages) {
                (Some(trouble), _) => trouble,
                (None, 0) => return Ok(0),
                (None, count) => {
                    format!("the log has {count} message(s) of the room that the database lacks")
                }
            },
        };
        Err(format!("{because}, so nothing was done; start the server, and do it there"))
    }

    fn forget(&self, _: Guid, _: u64) {}
}
