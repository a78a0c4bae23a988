//! The HTTP API of administration, `/api/v1`.
//!
//! Handlers translate: a request into an act or a question, a refusal into problem+json, things of
//! the directory into views. What may be and what follows is decided in `parlance-core`.
//!
//! | module | subject |
//! |---|---|
//! | `auth` | bearer tokens, who is asking |
//! | `extract` | bodies, parameters, headers; strict |
//! | `problem` | refusals |
//! | `page`, `view`, `settings`, `words` | lists, and how things look |
//! | `openapi` | the document that says all this to programs |
//! | the others | a kind of thing each |
//!
//! Commands without a server use the same routes in their own process, without a token
//! ([`Api::unlocked`]).

// What describes a route writes out paths of its own.
#![allow(unused_qualifications)]

mod addins;
mod auth;
mod categories;
mod configurations;
mod endpoints;
mod extract;
mod messages;
mod openapi;
mod page;
mod people;
mod people_file;
mod policies;
mod pool;
mod problem;
mod records;
mod rights;
mod room_list;
mod rooms;
mod settings;
mod sync;
mod tokens;
mod view;
mod words;

pub use extract::BODY_BYTES_MAX;
pub use people_file::TEXT_CSV;
pub use problem::in_our_form;
pub use words::{InvitationsWord, KindWord, MatchWord, PrivacyWord, StateWord, TypeWord};

use crate::admin::{Admin, Done, Request, Surface, Tokens, Wanted};
use auth::Caller;
use axum::Json;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, LOCATION};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use extract::Write;
use parlance_core::Directory;
use parlance_core::admin::Act;
use parlance_people::runner::Trigger;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use problem::Problem;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// Where it begins.
pub const ROOT: &str = "/api/v1";

/// What the handlers share.
#[derive(Clone)]
pub struct Api {
    admin: Admin,
    tokens: Option<Arc<Tokens>>,
    is_unlocked: bool,
    surface: Surface,
    /// Reads people from another directory, if one is followed.
    people: Option<Trigger>,
}

impl Api {
    /// For holders of a token.
    pub fn new(admin: Admin, tokens: Arc<Tokens>, people: Option<Trigger>) -> Api {
        Api { admin, tokens: Some(tokens), is_unlocked: false, surface: Surface::Http, people }
    }

    /// For the process it is in: whoever can open the data directory is an administrator.
    pub fn unlocked(admin: Admin, tokens: Arc<Tokens>) -> Api {
        let (tokens, surface) = (Some(tokens), Surface::Command);
        Api { admin, tokens, is_unlocked: true, surface, people: None }
    }

    fn directory(&self) -> Arc<Directory> {
        self.admin.directory()
    }

    async fn act(&self, caller: &Caller, write: &Write, act: Act) -> Result<Done, Problem> {
        self.carry_out(caller, write, Wanted::Act(Box::new(act))).await
    }

    async fn carry_out(
        &self,
        caller: &Caller,
        write: &Write,
        wanted: Wanted,
    ) -> Result<Done, Problem> {
        let (actor, options) = (caller.actor()?, write.options.clone());
        let request = Request { actor, wanted, surface: self.surface, options };
        let outcome = self.admin.carry_out(request).await.map_err(Problem::from);
        outcome.map_err(|problem| match write.version {
            Some(_) => problem.with_precondition(),
            None => problem,
        })
    }
}

/// What came of an act.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Outcome<T> {
    /// The directory's revision since then.
    pub revision: u64,
    /// Nothing was changed: this is what would come of it.
    pub dry_run: bool,
    /// The request had been carried out before; this is what came of it then.
    pub repeated: bool,
    /// What was changed, or would be, step by step.
    pub changes: Vec<String>,
    /// What an operator should know beside.
    pub notes: Vec<String>,
    /// Messages removed or replaced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub messages: Option<u64>,
    /// The thing as it is now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub item: Option<T>,
}

impl<T> Outcome<T> {
    fn new(done: Done, write: &Write, item: Option<T>) -> Outcome<T> {
        Outcome {
            revision: done.revision.0,
            dry_run: write.options.dry_run,
            repeated: done.is_repeated,
            changes: done.changes,
            notes: done.notes,
            messages: done.messages,
            item: item.filter(|_| !write.options.dry_run),
        }
    }
}

/// Nothing: what an act leaves of a thing that it removes.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Nothing {}

/// A thing that can be told apart from its earlier versions.
trait Versioned {
    /// Rises with each change.
    fn version(&self) -> Option<u64>;
}

/// Does what takes a while where nobody else waits for it.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| {
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        Problem::new(status, "failed", "The server is at fault", "see the server's log lines")
    })
}

fn etag(version: u64) -> HeaderValue {
    HeaderValue::from_str(&format!("\"{version}\"")).expect("digits and quotes")
}

/// A thing with its ETag.
fn shown<T: Serialize + Versioned>(item: T) -> Response {
    let version = item.version();
    let mut response = Json(item).into_response();
    if let Some(version) = version {
        response.headers_mut().insert(ETAG, etag(version));
    }
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// What came of an act; `made` is the path of a thing that is new.
fn told<T: Serialize + Versioned>(outcome: Outcome<T>, made: Option<String>) -> Response {
    let version = outcome.item.as_ref().and_then(Versioned::version);
    let is_new = made.is_some() && !outcome.dry_run;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    let mut response = (status, Json(outcome)).into_response();
    let headers = response.headers_mut();
    if let Some(version) = version {
        headers.insert(ETAG, etag(version));
    }
    let place = made.and_then(|path| HeaderValue::from_str(&format!("{ROOT}{path}")).ok());
    if let Some(place) = place.filter(|_| is_new) {
        headers.insert(LOCATION, place);
    }
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

impl Versioned for Nothing {
    fn version(&self) -> Option<u64> {
        None
    }
}

/// What stands for itself in a segment of a path (RFC 3986).
const SEGMENT: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'/')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// A name as a segment of a path.
pub fn segment(name: &str) -> String {
    utf8_percent_encode(name, SEGMENT).to_string()
}

/// The routes, ready to be served.
pub fn router(api: Api) -> axum::Router {
    let (router, document) = openapi::routes().split_for_parts();
    let document = serde_json::to_string(&openapi::complete(document)).expect("it is JSON");
    let json = [(CONTENT_TYPE, "application/json")];
    let describe = move || std::future::ready((json, document.clone()));
    let guarded = router
        .route_layer(axum::middleware::from_fn_with_state(api.clone(), auth::door))
        .with_state(api);
    guarded
        .route("/api/v1/openapi.json", axum::routing::get(describe))
        .layer(axum::extract::DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(axum::middleware::map_response(in_our_form))
}
