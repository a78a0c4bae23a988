//! What the server says on stdout when it is up: how to connect, and one line for programs.

use crate::certificate::self_signed_files;
use crate::config::Config;
use crate::placement::Placement;
use std::fmt::Write;
use std::net::SocketAddr;

/// Most rooms that are listed by name.
const ROOMS_SHOWN: usize = 20;

/// Addresses actually bound.
#[derive(Debug, Clone, Default)]
pub struct Bound {
    /// SIP over TCP.
    pub sip: Vec<SocketAddr>,
    /// SIP over TLS.
    pub sips: Vec<SocketAddr>,
    /// Health and metrics.
    pub http: Option<SocketAddr>,
}

/// The text for people, ending with the line for programs:
/// `ready sip=ADDRESS[,ADDRESS…] sips=… http=…`, with `-` where nothing listens.
pub fn text(config: &Config, placement: &Placement, bound: &Bound) -> String {
    let mut text = String::new();
    render(&mut text, config, placement, bound).expect("writing to a string cannot fail");
    text
}

fn render(
    out: &mut String,
    config: &Config,
    placement: &Placement,
    bound: &Bound,
) -> std::fmt::Result {
    let domain = &config.directory.domain;
    let shards = placement.shards.len();
    let version = env!("CARGO_PKG_VERSION");
    writeln!(out, "Parlance {version}: Persistent Chat for {domain}, {shards} shard(s)")?;
    writeln!(out, "Messages are kept in {}", config.data.display())?;
    for address in &bound.sip {
        writeln!(out, "  SIP over TCP  {address}")?;
    }
    for address in &bound.sips {
        writeln!(out, "  SIP over TLS  {address}")?;
    }
    if config.certificate.is_none() && !bound.sips.is_empty() {
        let files = self_signed_files(&config.data, domain);
        writeln!(out, "                certificate to trust: {}", files.certificate.display())?;
    }
    if let Some(http) = bound.http {
        writeln!(out, "  HTTP          http://{http}/health  http://{http}/metrics")?;
    }
    rooms(out, config)?;
    if let Some(address) = bound.sip.first() {
        writeln!(
            out,
            "Pidgin with SIPE: protocol \"Office Communicator\", user name you@{domain}, Advanced: \
             server {address}, connection type TCP, group chat user ocschat@{domain}; any password."
        )?;
    }
    let list = |addresses: &[SocketAddr]| match addresses {
        [] => "-".to_owned(),
        some => some.iter().map(SocketAddr::to_string).collect::<Vec<_>>().join(","),
    };
    let http = bound.http.as_slice();
    writeln!(out, "ready sip={} sips={} http={}", list(&bound.sip), list(&bound.sips), list(http))
}

fn rooms(out: &mut String, config: &Config) -> std::fmt::Result {
    let mut rooms: Vec<_> = config.directory.rooms().collect();
    rooms.sort_by(|a, b| a.room.name.cmp(&b.room.name));
    writeln!(out, "Rooms ({}):", rooms.len())?;
    for room in rooms.iter().take(ROOMS_SHOWN) {
        // Names come from the configuration, but a terminal obeys control characters from anywhere.
        let name: String = room.room.name.chars().filter(|c| !c.is_control()).collect();
        writeln!(out, "  {name}  {}", room.uri)?;
    }
    if rooms.len() > ROOMS_SHOWN {
        writeln!(out, "  and {} more", rooms.len() - ROOMS_SHOWN)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::CpuSet;

    #[test]
    fn the_last_line_is_for_programs() {
        let config = Config::parse(None, "").unwrap();
        let placement = Placement { shards: vec![Some(0)], background: CpuSet::default() };
        let address = |text: &str| text.parse::<SocketAddr>().unwrap();
        let bound = Bound {
            sip: vec![address("127.0.0.1:4000"), address("[::1]:4001")],
            sips: vec![],
            http: Some(address("127.0.0.1:4002")),
        };
        let text = text(&config, &placement, &bound);
        let last = "ready sip=127.0.0.1:4000,[::1]:4001 sips=- http=127.0.0.1:4002";
        assert_eq!(text.lines().last(), Some(last));
        assert!(text.contains("Lobby  ma-chan://example.test/7f6a1f0e-"), "{text}");
    }
}
