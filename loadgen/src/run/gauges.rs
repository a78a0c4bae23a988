//! Two of the server's gauges and its version, read from its page of metrics.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// How long connecting, writing and reading may take, each.
const WAIT: Duration = Duration::from_millis(300);
/// A page is not read beyond this; that of a server with 64 shards has some 200 KiB.
const PAGE_BYTES_MAX: u64 = 1024 * 1024;

/// What the page says, summed over the shards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gauges {
    /// Sessions that are behind.
    pub sessions_lagging: u64,
    /// Bytes that wait on links.
    pub outbox_bytes: u64,
}

/// Asks for the page; `None` when it is not to be had just then. Blocks for [`WAIT`] a few times at
/// most.
pub fn fetch(server: SocketAddr) -> Option<Gauges> {
    parse(&page(server).ok()?)
}

/// Asks for the server's version.
pub fn fetch_version(server: SocketAddr) -> Option<String> {
    parse_version(&page(server).ok()?)
}

fn parse_version(page: &str) -> Option<String> {
    let line = page.lines().find(|line| line.starts_with("parlance_build_info{"))?;
    let version = line.split_once("version=\"")?.1.split('"').next()?;
    Some(version.to_owned())
}

fn page(server: SocketAddr) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&server, WAIT)?;
    stream.set_read_timeout(Some(WAIT))?;
    stream.set_write_timeout(Some(WAIT))?;
    // HTTP/1.0: the page ends with the connection, and comes in one piece.
    write!(stream, "GET /metrics HTTP/1.0\r\nHost: {server}\r\n\r\n")?;
    let mut page = String::new();
    stream.take(PAGE_BYTES_MAX).read_to_string(&mut page)?;
    Ok(page)
}

fn parse(page: &str) -> Option<Gauges> {
    Some(Gauges {
        sessions_lagging: sum(page, "parlance_sessions_lagging")?,
        outbox_bytes: sum(page, "parlance_outbox_bytes")?,
    })
}

/// Sums a gauge over its labels; `None` when there is none.
fn sum(page: &str, name: &str) -> Option<u64> {
    let values = page.lines().filter_map(|line| {
        let (what, value) = line.rsplit_once(' ')?;
        let is_it = what.split('{').next() == Some(name);
        is_it.then(|| value.trim().parse::<f64>().ok()).flatten()
    });
    values.map(|value| value as u64).reduce(|sum, value| sum + value)
}

/// Reads the address of `--metrics`: `http://127.0.0.1:8080`, with or without a path.
///
/// # Errors
/// If it is not such an address, or not one of loopback.
pub fn parse_address(text: &str) -> Result<SocketAddr, String> {
    let rest = text.strip_prefix("http://").unwrap_or(text);
    let address: SocketAddr = rest
        .split('/')
        .next()
        .unwrap_or_default()
        .parse()
        .map_err(|_| format!("--metrics {text}: give it as http://127.0.0.1:8080"))?;
    match address.ip().is_loopback() {
        true => Ok(address),
        false => Err(format!("--metrics {text}: the server answers on loopback only")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gauges_are_summed_over_shards() {
        let page = "HTTP/1.0 200 OK\r\n\r\n# HELP parlance_sessions_lagging behind\n\
                    parlance_sessions_lagging{shard=\"0\"} 3\n\
                    parlance_sessions_lagging{shard=\"1\"} 4\n\
                    parlance_outbox_bytes_more{shard=\"0\"} 9\n\
                    parlance_outbox_bytes 1.5e3\n# EOF\n";
        let gauges = Gauges { sessions_lagging: 7, outbox_bytes: 1_500 };
        assert_eq!(parse(page), Some(gauges));
        assert_eq!(parse_version(page), None);
        let page = "x\nparlance_build_info{version=\"0.1.0\",shards=\"2\"} 1\n";
        assert_eq!(parse_version(page).as_deref(), Some("0.1.0"));
        assert_eq!(parse("HTTP/1.0 404 Not Found\r\n\r\n"), None);
    }

    #[test]
    fn addresses_are_read() {
        for text in ["http://127.0.0.1:8080", "http://127.0.0.1:8080/metrics", "127.0.0.1:8080"] {
            assert_eq!(parse_address(text), Ok(SocketAddr::from(([127, 0, 0, 1], 8080))));
        }
        for text in ["https://127.0.0.1:8080", "127.0.0.1", "http://192.0.2.1:80", ""] {
            let error = parse_address(text).expect_err(text);
            assert!(error.contains(text), "{error}");
        }
    }
}
