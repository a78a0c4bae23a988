//! `/health` and `/metrics` over HTTP/1.1, on one background thread.
//!
//! hyper, because its HTTP/1 server can be given every bound we need (time for the head, size of
//! the head, connections), and because the web pages that come later stand on it too.

use super::metrics::Metrics;
use hyper::body::Incoming;
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
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

/// Serves on `listener` until the process ends.
///
/// # Errors
/// If the thread or its runtime cannot be made.
pub fn serve(listener: TcpListener, metrics: Metrics, health: Health) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let site = Arc::new(Site { metrics, health });
    std::thread::Builder::new().name("http".into()).spawn(move || {
        if let Err(error) = runtime.block_on(accept(listener, site)) {
            tracing::error!(%error, effect = "no health and no metrics", "HTTP stopped");
        }
    })?;
    Ok(())
}

struct Site {
    metrics: Metrics,
    health: Health,
}

async fn accept(listener: TcpListener, site: Arc<Site>) -> io::Result<()> {
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

async fn converse(stream: TcpStream, site: Arc<Site>) -> hyper::Result<()> {
    let service = service_fn(move |request: Request<Incoming>| {
        let response = answer(&site, request.method(), request.uri().path());
        async move { Ok::<_, Infallible>(response) }
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WAIT)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service)
        .await
}

fn answer(site: &Site, method: &Method, path: &str) -> Response<String> {
    const TEXT: &str = "text/plain; charset=utf-8";
    const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    let is_draining = site.health.is_draining.load(Ordering::Relaxed);
    let (status, kind, body) = match (method, path) {
        (&Method::GET | &Method::HEAD, "/metrics") => {
            (StatusCode::OK, OPEN_METRICS, site.metrics.page())
        }
        (&Method::GET | &Method::HEAD, "/health") if is_draining => {
            (StatusCode::SERVICE_UNAVAILABLE, TEXT, "draining\n".into())
        }
        (&Method::GET | &Method::HEAD, "/health") => (StatusCode::OK, TEXT, "ok\n".into()),
        (_, "/metrics" | "/health") => {
            (StatusCode::METHOD_NOT_ALLOWED, TEXT, "only GET and HEAD\n".into())
        }
        _ => (StatusCode::NOT_FOUND, TEXT, "there are /health and /metrics\n".into()),
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    if status == StatusCode::METHOD_NOT_ALLOWED {
        headers.insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::Clock;

    #[test]
    fn each_path_has_its_answer() {
        let metrics = Metrics::new(Clock::start(), Vec::new(), Arc::default());
        let site = Site { metrics, health: Health::default() };
        let check = |method: Method, path: &str, status: u16, body: &str| {
            let response = answer(&site, &method, path);
            assert_eq!(response.status().as_u16(), status, "{method} {path}");
            assert!(response.body().contains(body), "{method} {path}: {}", response.body());
        };
        check(Method::GET, "/health", 200, "ok");
        check(Method::HEAD, "/health", 200, "");
        check(Method::GET, "/metrics", 200, "# EOF");
        check(Method::POST, "/health", 405, "only GET");
        check(Method::GET, "/", 404, "/health");
        site.health.drain();
        check(Method::GET, "/health", 503, "draining");
    }
}
