//! Everybody as a CSV file (`docs/guide/people.md`): what is exported can be imported again.

use super::auth::Caller;
use super::extract::{Write, WriteParams, is_any, too_long};
use super::problem::Problem;
use super::{Api, Nothing, Outcome, aside, told};
use axum::extract::{FromRequest, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use parlance_core::admin::Act;
use parlance_people::csv;

/// Longest file, bytes: some 300,000 lines.
const FILE_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Media type of such files (RFC 4180).
pub const TEXT_CSV: &str = "text/csv";

/// A file as text.
#[derive(Debug)]
pub struct File(String);

impl<S: Send + Sync> FromRequest<S> for File {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<File, Problem> {
        if !is_any(request.headers(), &[TEXT_CSV]) {
            let detail = "the document is not said to be CSV, so it was not read; send \
                          Content-Type: text/csv";
            let (status, title) = (StatusCode::UNSUPPORTED_MEDIA_TYPE, "CSV is understood here");
            return Err(Problem::new(status, "not-csv", title, detail));
        }
        let bytes = axum::body::to_bytes(request.into_body(), FILE_BYTES_MAX).await;
        let bytes = bytes.map_err(|_| too_long(FILE_BYTES_MAX))?;
        let text = String::from_utf8(bytes.into()).map_err(|error| {
            let at = error.utf8_error().valid_up_to();
            Problem::faulty("", format!("the file is no UTF-8 from byte {at} on; save it as such"))
        })?;
        Ok(File(text))
    }
}

/// Everybody whom the directory knows.
#[utoipa::path(get, path = "/api/v1/people.csv", tag = "people",
    responses((status = 200, body = String, content_type = "text/csv")))]
pub async fn export(State(api): State<Api>, caller: Caller) -> Result<Response, Problem> {
    caller.must_read_all()?;
    let directory = api.directory();
    let text = aside(move || csv::export(&directory)).await?;
    let mut response = text.into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// Takes up everybody in a file, or nobody. Who is not in it stays as they are.
#[utoipa::path(post, path = "/api/v1/people.csv", tag = "people", params(WriteParams),
    request_body(content = String, content_type = "text/csv"),
    responses((status = 200, body = Outcome<Nothing>)))]
pub async fn import(
    State(api): State<Api>,
    caller: Caller,
    write: Write,
    File(text): File,
) -> Result<Response, Problem> {
    caller.must_administrate()?;
    let directory = api.directory();
    let records = aside(move || csv::import(&text, &directory)).await?.map_err(|faults| {
        let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
        Problem::faulty("", format!("nothing of the file was taken up: {}", lines.join("; ")))
    })?;
    let done = api.act(&caller, &write, Act::SyncPeople(records)).await?;
    Ok(told(Outcome::<Nothing>::new(done, &write, None), None))
}
