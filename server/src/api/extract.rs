//! Requests as values: strict, and refused in one form.

use super::problem::Problem;
use crate::admin::Options;
use axum::body::{Bytes, HttpBody};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::header::{CONTENT_TYPE, IF_MATCH};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use utoipa::IntoParams;

/// Longest document: a list of some ten thousand names.
pub const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Longest key of a request, bytes.
const KEY_BYTES_MAX: usize = 255;
/// Longest reason, bytes.
const REASON_BYTES_MAX: usize = 1024;

/// A document as JSON; unknown properties are refused.
#[derive(Debug)]
pub struct Body<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Body<T>, Problem> {
        if !is_json(request.headers()) {
            let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
            let detail = "the document is not said to be JSON, so it was not read; send \
                          Content-Type: application/json";
            return Err(Problem::new(
                status,
                "not-json",
                "JSON is understood, nothing else",
                detail,
            ));
        }
        // What says its length is refused before it is read.
        let is_long = request.body().size_hint().lower() > BODY_BYTES_MAX as u64;
        let bytes = match is_long {
            true => None,
            false => Bytes::from_request(request, state).await.ok(),
        };
        let bytes = bytes.filter(|bytes| bytes.len() <= BODY_BYTES_MAX);
        let bytes = bytes.ok_or_else(|| too_long(BODY_BYTES_MAX))?;
        let value = serde_json::from_slice(&bytes).map_err(|error| {
            let detail = format!(
                "the document is not what is expected here ({error}), so nothing was done; \
                 /api/v1/openapi.json says what is"
            );
            Problem::faulty("", detail)
        })?;
        Ok(Body(value))
    }
}

/// The document is longer than `bytes_max`, or broke off.
pub fn too_long(bytes_max: usize) -> Problem {
    let detail = format!(
        "the document did not come whole or is longer than {bytes_max} bytes, so nothing was done; \
         do it in parts"
    );
    let status = StatusCode::PAYLOAD_TOO_LARGE;
    Problem::new(status, "too-large", "The document is too long", detail)
}

fn is_json(headers: &HeaderMap) -> bool {
    is_any(headers, &["application/json", "application/merge-patch+json"])
}

/// Is the document said to be of one of these media types?
pub fn is_any(headers: &HeaderMap, known: &[&str]) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    known.iter().any(|known| kind.eq_ignore_ascii_case(known))
}

/// What stands behind the `?`; unknown parameters are refused.
#[derive(Debug)]
pub struct Params<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Params<T>, Problem> {
        params(parts).map(Params)
    }
}

fn params<T: DeserializeOwned>(parts: &Parts) -> Result<T, Problem> {
    let query = Query::<T>::try_from_uri(&parts.uri).map_err(|error| {
        let detail = format!("what stands behind the ? is not understood: {}", error.body_text());
        Problem::faulty("", detail)
    })?;
    Ok(query.0)
}

/// Of what cannot only be tried: whoever asks for that (`dry_run`) is refused instead of served.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoParams {}

/// The one name in the path, decoded.
#[derive(Debug)]
pub struct Name(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Name {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Name, Problem> {
        let path = Path::<String>::from_request_parts(parts, state).await;
        let Path(name) = path.map_err(|error| {
            let detail = format!("the name in the path is not understood: {}", error.body_text());
            Problem::faulty("", detail)
        })?;
        Ok(Name(name))
    }
}

/// What every act understands.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WriteParams {
    /// Only say what would come of it.
    #[serde(default)]
    pub dry_run: bool,
    /// Go on past what would only be warned of.
    #[serde(default)]
    pub force: bool,
    /// Why, for the record.
    #[serde(default)]
    pub reason: String,
}

/// How an act is to be carried out: parameters and headers together.
#[derive(Debug, Clone, Default)]
pub struct Write {
    /// See [`Options`].
    pub options: Options,
    /// Go on past what would only be warned of.
    pub force: bool,
    /// The version that `If-Match` names.
    pub version: Option<u64>,
}

impl<S: Send + Sync> FromRequestParts<S> for Write {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Write, Problem> {
        let WriteParams { dry_run, force, reason } = params(parts)?;
        if reason.len() > REASON_BYTES_MAX || reason.contains('\0') {
            let detail = format!("the reason is longer than {REASON_BYTES_MAX} bytes; shorten it");
            return Err(Problem::faulty("reason", detail));
        }
        let options = Options { dry_run, reason, request_key: key(&parts.headers)? };
        Ok(Write { options, force, version: version(&parts.headers)? })
    }
}

fn key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(key) = headers.get("idempotency-key") else { return Ok(None) };
    let text = key.to_str().unwrap_or_default().trim();
    // The draft standard writes it in quotes.
    let text = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text);
    let is_good = (1..=KEY_BYTES_MAX).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_graphic());
    if !is_good {
        let detail = format!(
            "Idempotency-Key is 1 to {KEY_BYTES_MAX} visible ASCII characters, such as a GUID, \
             so nothing was done"
        );
        return Err(Problem::faulty("", detail));
    }
    Ok(Some(text.to_owned()))
}

/// `If-Match: "7"`; `*` fits everything.
fn version(headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    let Some(tag) = headers.get(IF_MATCH) else { return Ok(None) };
    let text = tag.to_str().unwrap_or_default().trim();
    if text == "*" {
        return Ok(None);
    }
    let inner = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    match inner.and_then(|digits| digits.parse().ok()) {
        Some(version) => Ok(Some(version)),
        None => Err(Problem::faulty(
            "",
            "If-Match is one ETag as it was given, such as \"7\", or *, so nothing was done",
        )),
    }
}

/// A property that may be `null`, and that is something else than one that is left out.
pub fn present<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Some)
}
