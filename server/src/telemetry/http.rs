//! `/health`, `/metrics` and the API over HTTP/1.1, on one background thread.
//!
//! hyper below axum, because its HTTP/1 server can be given every bound we need: time for the head,
//! size of the head, connections.

use super::metrics::Metrics;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

/// Connections at once; more wait to be accepted.
const CONNECTIONS_MAX: usize = 64;
/// A request's head must come within this time; also bounds idle connections.
const HEAD_WAIT: Duration = Duration::from_secs(5);
/// A connection ends after this time whatever it does.
const CONNECTION_WAIT: Duration = Duration::from_secs(300);
/// Longest head, bytes.
const HEAD_BYTES_MAX: usize = 16 * 1024;
/// Pause after an accept that failed, for want of descriptors most likely.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// What `/health` says.
#[derive(Debug, Clone, Default)]
pub struct Health {
    is_draining: Arc<AtomicBool>,
}

impl Health {
    /// From now on the server takes no new work: load balancers should go elsewhere.
    pub fn drain(&self) {
        self.is_draining.store(true, Ordering::Relaxed);
    }
}

/// Serves on `listener` until the process ends: health, metrics, and what `api` has beside them.
///
/// # Errors
/// If the thread or its runtime cannot be made.
pub fn serve(
    listener: TcpListener,
    metrics: Metrics,
    health: Health,
    api: Router,
) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let site = site(metrics, health, api);
    std::thread::Builder::new().name("http".into()).spawn(move || {
        if let Err(error) = runtime.block_on(accept(listener, site)) {
            tracing::error!(%error, effect = "no health, metrics and API", "HTTP stopped");
        }
    })?;
    Ok(())
}

#[derive(Clone)]
struct Pages {
    metrics: Arc<Metrics>,
    health: Health,
}

fn site(metrics: Metrics, health: Health, api: Router) -> Router {
    let pages = Pages { metrics: Arc::new(metrics), health };
    let own = Router::new()
        .route("/health", get(is_healthy))
        .route("/metrics", get(numbers))
        .with_state(pages);
    own.merge(api)
        .fallback(nothing)
        .method_not_allowed_fallback(not_so)
        .layer(axum::middleware::map_response(crate::api::in_our_form))
        .layer(axum::middleware::map_response(as_it_is))
}

async fn is_healthy(State(pages): State<Pages>) -> Response {
    match pages.health.is_draining.load(Ordering::Relaxed) {
        true => text(StatusCode::SERVICE_UNAVAILABLE, "draining\n"),
        false => text(StatusCode::OK, "ok\n"),
    }
}

async fn numbers(State(pages): State<Pages>) -> Response {
    const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(CONTENT_TYPE, OPEN_METRICS), (CACHE_CONTROL, "no-store")], pages.metrics.page())
        .into_response()
}

async fn nothing() -> StatusCode {
    StatusCode::NOT_FOUND
}

async fn not_so() -> StatusCode {
    StatusCode::METHOD_NOT_ALLOWED
}

fn text(status: StatusCode, text: &'static str) -> Response {
    (status, [(CACHE_CONTROL, "no-store")], text).into_response()
}

/// Browsers must not guess what a document is.
async fn as_it_is(mut response: Response) -> Response {
    response.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

async fn accept(listener: TcpListener, site: Router) -> io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let place = places.clone().acquire_owned().await.expect("it is never closed");
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(_) => {
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let site = site.clone();
        tokio::spawn(async move {
            // A fault of the other side, or its time is up: either way the connection is over.
            let _ = tokio::time::timeout(CONNECTION_WAIT, converse(stream, site)).await;
            drop(place);
        });
    }
}

async fn converse(stream: TcpStream, site: Router) -> hyper::Result<()> {
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WAIT)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(site))
        .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::Clock;
    use axum::body::Body;
    use axum::http::{Method, Request};
    use tower::ServiceExt;

    async fn check(site: &Router, method: Method, path: &str, status: u16, part: &str) {
        let request = Request::builder().method(method.clone()).uri(path);
        let request = request.body(Body::empty()).unwrap();
        let response = site.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status().as_u16(), status, "{method} {path}");
        if status == 405 {
            assert_eq!(response.headers()["allow"], "GET,HEAD", "{method} {path}");
        }
        let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        let body = String::from_utf8(body.to_vec()).unwrap();
        assert!(body.contains(part), "{method} {path}: {body}");
    }

    #[test]
    fn each_path_has_its_answer() {
        let metrics =
            Metrics::new(Clock::start(), Vec::new(), Arc::default(), Arc::default(), None);
        let health = Health::default();
        let site = site(metrics, health.clone(), Router::new());
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            check(&site, Method::GET, "/health", 200, "ok").await;
            check(&site, Method::HEAD, "/health", 200, "").await;
            check(&site, Method::GET, "/metrics", 200, "# EOF").await;
            check(&site, Method::POST, "/health", 405, "problem:method-not-allowed").await;
            check(&site, Method::GET, "/", 404, "/api/v1/openapi.json").await;
            health.drain();
            check(&site, Method::GET, "/health", 503, "").await;
        });
    }
}
