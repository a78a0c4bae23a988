//! Who is asking.

use super::Api;
use super::problem::Problem;
use crate::admin::{AdminNumbers, TokenRole};
use axum::extract::{FromRequestParts, Request, State};
use axum::http::StatusCode;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use parlance_core::Directory;
use parlance_core::admin::Actor;
use parlance_core::directory::Asker;

/// Who is asking, authenticated.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Name of the token.
    pub name: String,
    /// What it is good for.
    pub role: TokenRole,
}

impl Caller {
    /// An administrator of this name.
    pub fn administrator(name: &str) -> Caller {
        Caller { name: name.to_owned(), role: TokenRole::Administrator }
    }

    /// As the one who acts.
    ///
    /// # Errors
    /// Auditors do not.
    pub fn actor(&self) -> Result<Actor, Problem> {
        match &self.role {
            TokenRole::Administrator => Ok(Actor::Administrator { name: self.name.clone() }),
            TokenRole::User(uri) => Ok(Actor::User { uri: uri.clone() }),
            TokenRole::Auditor => Err(Problem::forbidden(
                "an auditor's token reads and changes nothing, so nothing was done; use an \
                 administrator's",
            )),
        }
    }

    /// May change what belongs to administrators alone.
    ///
    /// # Errors
    /// If not.
    pub fn must_administrate(&self) -> Result<(), Problem> {
        match self.actor()? {
            Actor::Administrator { .. } => Ok(()),
            Actor::User { .. } => Err(Problem::forbidden(
                "this is for administrators, so nothing was done; use an administrator's token",
            )),
        }
    }

    /// May read everything.
    ///
    /// # Errors
    /// If not.
    pub fn must_read_all(&self) -> Result<(), Problem> {
        match self.user() {
            None => Ok(()),
            Some(_) => Err(Problem::forbidden(
                "this is for administrators and auditors; use a token of one of them",
            )),
        }
    }

    /// The user who asks for nobody but themselves.
    pub fn user(&self) -> Option<&str> {
        match &self.role {
            TokenRole::User(uri) => Some(uri),
            TokenRole::Administrator | TokenRole::Auditor => None,
        }
    }

    /// The same as the decisions see it; `Some(None)` for a user whom the service is not for.
    pub fn asker<'d>(&self, directory: &'d Directory) -> Option<Option<Asker<'d>>> {
        self.user().map(|uri| directory.serve(uri).ok())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Caller, Problem> {
        parts.extensions.get::<Caller>().cloned().ok_or_else(denied)
    }
}

/// Lets requests in that have a token, and marks them with whose it is.
pub async fn door(State(api): State<Api>, mut request: Request, next: Next) -> Response {
    let numbers = api.admin.numbers();
    AdminNumbers::count(&numbers.requests);
    let caller = match &api.tokens {
        Some(tokens) if !api.is_unlocked => bearer(&request)
            .and_then(|secret| tokens.holder(secret))
            .map(|token| Caller { name: token.name, role: token.role }),
        _ => Some(Caller::administrator("local")),
    };
    match caller {
        Some(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        None => {
            AdminNumbers::count(&numbers.denied);
            denied().into_response()
        }
    }
}

fn bearer(request: &Request) -> Option<&str> {
    let value = request.headers().get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, secret) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| secret.trim())
}

fn denied() -> Problem {
    Problem::new(
        StatusCode::UNAUTHORIZED,
        "no-token",
        "A token is needed",
        "the request has no token that is known here, so nothing was done; send Authorization: \
         Bearer and a token (`parlance admin token new` makes one)",
    )
}
