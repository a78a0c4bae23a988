//! Refusals as `application/problem+json` (RFC 9457).

use crate::admin::{self, AdminError, TokenError};
use axum::http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use parlance_core::admin::{Cause, Refusal};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Media type of refusals.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// Why a request was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProblemDetails {
    /// `urn:parlance:problem:` and the short stable name of the cause.
    #[schema(example = "urn:parlance:problem:duplicate-room-name")]
    pub r#type: String,
    /// The cause in words.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// Cause, effect and next step, with the names involved.
    pub detail: String,
    /// The property it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Number of the error in the product's SDK.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sdk_code: Option<u8>,
    /// Name of the error in the product's SDK.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sdk_name: Option<String>,
}

/// A refusal on its way out.
#[derive(Debug, Clone)]
pub struct Problem(Box<ProblemDetails>);

impl Problem {
    /// One that has no cause in the product.
    pub fn new(status: StatusCode, name: &str, title: &str, detail: impl Into<String>) -> Problem {
        Problem(Box::new(ProblemDetails {
            r#type: format!("urn:parlance:problem:{name}"),
            title: title.to_owned(),
            status: status.as_u16(),
            detail: detail.into(),
            field: None,
            sdk_code: None,
            sdk_name: None,
        }))
    }

    /// One of the product's, about a property or `""`.
    pub fn of(cause: Cause, field: &'static str, message: impl Into<String>) -> Problem {
        AdminError::Refused(Refusal { cause, field, message: message.into() }).into()
    }

    /// The request makes no sense.
    pub fn faulty(field: &'static str, message: impl Into<String>) -> Problem {
        Problem::of(Cause::InvalidArgument, field, message)
    }

    /// There is no such thing, or none that the caller may see.
    pub fn missing(what: &str, name: &str) -> Problem {
        Problem::of(Cause::NoSuchNode, "", format!("there is no {what} {name:?}"))
    }

    /// The caller may not.
    pub fn forbidden(message: &str) -> Problem {
        Problem::of(Cause::ErrorPermission, "", message)
    }

    /// The thing has another version than `If-Match` says.
    pub fn stale(detail: impl Into<String>) -> Problem {
        let mut problem = Problem::of(Cause::DataCollision, "", detail);
        problem.0.status = StatusCode::PRECONDITION_FAILED.as_u16();
        problem
    }

    /// A version was named, so a collision is a precondition that failed.
    pub fn with_precondition(self) -> Problem {
        match self.0.sdk_name.as_deref() {
            Some("DataCollision") => Problem::stale(self.0.detail),
            _ => self,
        }
    }

    fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl From<AdminError> for Problem {
    fn from(error: AdminError) -> Problem {
        let of = admin::problem(&error);
        let field = match &error {
            AdminError::Refused(refusal) if !refusal.field.is_empty() => Some(refusal.field.into()),
            _ => None,
        };
        Problem(Box::new(ProblemDetails {
            r#type: format!("urn:parlance:problem:{}", of.name),
            title: of.title.to_owned(),
            status: of.status,
            detail: error.to_string(),
            field,
            sdk_code: Some(of.sdk_code),
            sdk_name: Some(of.sdk_name.to_owned()),
        }))
    }
}

impl From<TokenError> for Problem {
    fn from(error: TokenError) -> Problem {
        let (status, name) = match &error {
            TokenError::BadName => (StatusCode::BAD_REQUEST, "invalid-argument"),
            TokenError::DuplicateName => (StatusCode::CONFLICT, "duplicate-token-name"),
            TokenError::TooMany => (StatusCode::UNPROCESSABLE_ENTITY, "limit-exceeded"),
            TokenError::NoSuchToken => (StatusCode::NOT_FOUND, "no-such-token"),
            TokenError::File(_) => (StatusCode::SERVICE_UNAVAILABLE, "tokens-not-written"),
        };
        Problem::new(status, name, "Tokens stay as they were", error.to_string())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.status();
        let body = serde_json::to_string(&self.0).expect("texts and numbers are JSON");
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if status == StatusCode::UNAUTHORIZED {
            let bearer = "Bearer realm=\"parlance\"";
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(bearer));
        }
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("2"));
        }
        response
    }
}

/// What the framework refuses by itself, in our form.
pub async fn in_our_form(response: Response) -> Response {
    let status = response.status();
    let is_ours = response
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/problem+json"));
    if is_ours || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let (name, detail) = match status {
        StatusCode::NOT_FOUND => {
            ("no-such-resource", "nothing is there; /api/v1/openapi.json says what is")
        }
        StatusCode::METHOD_NOT_ALLOWED => {
            ("method-not-allowed", "the header Allow says what can be done with it")
        }
        StatusCode::PAYLOAD_TOO_LARGE => ("too-large", "the document is too long; do it in parts"),
        _ => ("refused", "the request cannot be served as it is"),
    };
    let title = status.canonical_reason().unwrap_or("Refused");
    let mut problem = Problem::new(status, name, title, detail).into_response();
    if let Some(allow) = response.headers().get(ALLOW) {
        problem.headers_mut().insert(ALLOW, allow.clone());
    }
    problem
}
