//! From what the file says to what the program means; every refusal says cause, effect, next step.

use super::cores::{ShardSpec, parse_cpu_list};
use super::error::{ConfigError, Faults};
use super::{CertificateFiles, Config, Cores, Io, LOBBY_ID, Listen, file, limits, log, people};
use parlance_core::directory::DirectoryError;
use parlance_core::{Directory, RoomConfig};
use parlance_wire::xccos::Guid;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use toml::Spanned;

/// Most addresses one key may name.
const ADDRESSES_MAX: usize = 16;
/// Longest domain name (RFC 1035 §2.3.4).
const DOMAIN_BYTES_MAX: usize = 253;

/// Checks a file and fills in what it leaves out.
///
/// # Errors
/// The first fault found.
pub fn resolve(path: Option<&Path>, text: &str, file: file::File) -> Result<Config, ConfigError> {
    let faults = Faults { path, text };
    let domain = domain(faults, &file.server)?;
    let listen = listen(faults, &file.listen)?;
    let certificate = certificate(faults, &file.tls)?;
    let cores = cores(faults, &file.cores)?;
    let log = log::resolve(faults, &file.log)?;
    let (limits, defaults) = limits::resolve(faults, &file.limits)?;
    let seeds = seeds(faults, &file.room)?;
    let mut directory =
        directory(faults, &domain, seeds.clone(), &file.room)?.with_defaults(defaults);
    let people = people::resolve(faults, &file.people, &domain)?;
    directory.admits_unknown = people.admits_unknown;
    let data = file.server.data.map_or_else(|| "parlance-data".into(), Spanned::into_inner);
    let data = PathBuf::from(data);
    let store = store(faults, &file.store, &data)?;
    let file = path.map(Path::to_owned);
    let directory = Arc::new(directory);
    Ok(Config {
        file,
        data,
        cores,
        listen,
        certificate,
        log,
        store,
        limits,
        directory,
        people,
        seeds,
    })
}

/// The database's URL; its form beyond the scheme is the store's affair.
fn store(faults: Faults<'_>, store: &file::Store, data: &Path) -> Result<String, ConfigError> {
    let own = || format!("sqlite:{}", data.join("parlance.sqlite").display());
    match store.sql.as_ref().map(|sql| (sql.get_ref().as_str(), sql.span())) {
        None | Some(("sqlite", _)) => Ok(own()),
        Some((url, _)) if url.starts_with("postgresql://") => Ok(url.to_owned()),
        Some((_, span)) => {
            // What stands there may hold a password: it is not repeated.
            let message = "neither \"sqlite\" nor a URL that begins with postgresql://; with \
                           \"sqlite\" the database is a file in the data directory";
            Err(faults.at(Some(span), "store.sql", message.into()))
        }
    }
}

fn domain(faults: Faults<'_>, server: &file::Server) -> Result<String, ConfigError> {
    let Some(domain) = &server.domain else { return Ok("example.test".into()) };
    let name = domain.get_ref();
    let label_is_good = |label: &str| {
        let inner = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        (1..=63).contains(&label.len()) && label.bytes().all(inner) && !label.starts_with('-')
    };
    if name.len() > DOMAIN_BYTES_MAX || !name.split('.').all(label_is_good) {
        let message = format!(
            "{name:?} is no domain name, and users are called sip:name@domain; write it like \
             \"example.com\" (internationalised names in their xn-- form)"
        );
        return Err(faults.at(Some(domain.span()), "server.domain", message));
    }
    Ok(name.to_ascii_lowercase())
}

fn listen(faults: Faults<'_>, listen: &file::Listen) -> Result<Listen, ConfigError> {
    if let Some(peer) = listen.peer.as_ref().filter(|peer| !peer.get_ref().is_empty()) {
        let message =
            "servers do not form pools yet, so nothing would listen there; leave it empty";
        return Err(faults.at(Some(peer.span()), "listen.peer", message.into()));
    }
    let http = match &listen.http {
        None => Some(SocketAddr::from(([127, 0, 0, 1], 8080))),
        Some(http) if http.get_ref().is_empty() => None,
        Some(http) => Some(address(faults, "listen.http", http)?),
    };
    let listen = Listen {
        sip: addresses(faults, "listen.sip", listen.sip.as_deref(), 5060)?,
        sips: addresses(faults, "listen.sips", listen.sips.as_deref(), 5061)?,
        http,
    };
    if listen.sip.is_empty() && listen.sips.is_empty() {
        let message =
            "both sip and sips are empty, so no client could connect; give one an address";
        return Err(faults.at(None, "listen", message.into()));
    }
    Ok(listen)
}

fn addresses(
    faults: Faults<'_>,
    key: &str,
    given: Option<&[Spanned<String>]>,
    default_port: u16,
) -> Result<Vec<SocketAddr>, ConfigError> {
    let Some(given) = given else { return Ok(vec![([127, 0, 0, 1], default_port).into()]) };
    if let Some(extra) = given.get(ADDRESSES_MAX) {
        let message = format!("more than {ADDRESSES_MAX} addresses; name fewer");
        return Err(faults.at(Some(extra.span()), key, message));
    }
    given.iter().map(|text| address(faults, key, text)).collect()
}

/// Reads one address. Only loopback is let through: nobody authenticates yet.
fn address(
    faults: Faults<'_>,
    key: &str,
    text: &Spanned<String>,
) -> Result<SocketAddr, ConfigError> {
    let refuse = |message| Err(faults.at(Some(text.span()), key, message));
    let Ok(address) = text.get_ref().parse::<SocketAddr>() else {
        return refuse(format!(
            "{:?} is no address; write IP:PORT, such as \"127.0.0.1:5060\" or \"[::1]:5060\"",
            text.get_ref()
        ));
    };
    if !address.ip().to_canonical().is_loopback() {
        return refuse(format!(
            "{address} can be reached from other machines, and clients are not authenticated yet: \
             anybody could read every room and write in anybody's name, so the server does not \
             start; use a loopback address such as 127.0.0.1:{}",
            address.port()
        ));
    }
    Ok(address)
}

fn certificate(
    faults: Faults<'_>,
    tls: &file::Tls,
) -> Result<Option<CertificateFiles>, ConfigError> {
    if let Some(trust) = tls.trust.as_ref().filter(|trust| !trust.get_ref().is_empty()) {
        let message = "client certificates are not supported yet, so nobody would be checked \
                       against it; leave it empty";
        return Err(faults.at(Some(trust.span()), "tls.trust", message.into()));
    }
    if let Some(front_ends) = tls.front_ends.as_ref().filter(|names| !names.get_ref().is_empty()) {
        let message = "front ends that assert identities are not supported yet, so the names would \
                       have no effect; leave the list empty";
        return Err(faults.at(Some(front_ends.span()), "tls.front_ends", message.into()));
    }
    let given =
        |value: &file::At<String>| value.clone().filter(|value| !value.get_ref().is_empty());
    match (given(&tls.certificate), given(&tls.key)) {
        (None, None) => Ok(None),
        (Some(certificate), Some(key)) => Ok(Some(CertificateFiles {
            certificate: certificate.into_inner().into(),
            key: key.into_inner().into(),
        })),
        (Some(only), None) => {
            let message = "is given without tls.key, so no TLS can be spoken; give both or neither";
            Err(faults.at(Some(only.span()), "tls.certificate", message.into()))
        }
        (None, Some(only)) => {
            let message = "is given without tls.certificate, so no TLS can be spoken; give both or \
                           neither";
            Err(faults.at(Some(only.span()), "tls.key", message.into()))
        }
    }
}

fn cores(faults: Faults<'_>, cores: &file::Cores) -> Result<Cores, ConfigError> {
    let shards = match &cores.shards {
        None => ShardSpec::Auto,
        Some(given) => match given.get_ref() {
            file::CountOrText::Count(count) => ShardSpec::count(*count),
            file::CountOrText::Text(text) => ShardSpec::parse(text),
        }
        .map_err(|cause| {
            let message = format!("{cause}; write \"auto\", 4, \"2-7\", \"0,2,4\" or \"numa:0\"");
            faults.at(Some(given.span()), "cores.shards", message)
        })?,
    };
    let background = match &cores.background {
        Some(given) if given.get_ref() != "auto" => {
            let cpus = parse_cpu_list(given.get_ref()).map_err(|cause| {
                let message = format!("{cause}; write \"auto\", \"0\" or \"0-1\"");
                faults.at(Some(given.span()), "cores.background", message)
            })?;
            Some(cpus)
        }
        _ => None,
    };
    let io = match cores.io.as_ref().map(|io| io.get_ref().as_str()) {
        None | Some("auto" | "epoll") => Io::Epoll,
        Some("uring") => Io::Uring,
        Some(other) => {
            let message = format!("{other:?} is unknown; write \"auto\", \"uring\" or \"epoll\"");
            let span = cores.io.as_ref().map(Spanned::span);
            return Err(faults.at(span, "cores.io", message));
        }
    };
    Ok(Cores { shards, pin: cores.pin.unwrap_or(true), background, io })
}

fn seeds(faults: Faults<'_>, given: &[file::Room]) -> Result<Vec<RoomConfig>, ConfigError> {
    if given.is_empty() {
        return Ok(vec![RoomConfig {
            id: Guid::parse(LOBBY_ID).expect("the constant is a GUID"),
            name: "Lobby".into(),
            description: "For everybody".into(),
            managers: Vec::new(),
        }]);
    }
    given.iter().map(|given| room(faults, given)).collect()
}

fn directory(
    faults: Faults<'_>,
    domain: &str,
    rooms: Vec<RoomConfig>,
    given: &[file::Room],
) -> Result<Directory, ConfigError> {
    Directory::new(domain, rooms).map_err(|error| {
        let (span, key) = place(&error, given);
        faults.at(span, key, format!("{error}; clients could not tell them apart or show it"))
    })
}

fn room(faults: Faults<'_>, given: &file::Room) -> Result<RoomConfig, ConfigError> {
    let Some(id) = Guid::parse(given.id.get_ref()) else {
        let message = format!(
            "{:?} is no GUID, and clients address rooms by it; write it like \"{LOBBY_ID}\"",
            given.id.get_ref()
        );
        return Err(faults.at(Some(given.id.span()), "room.id", message));
    };
    let managers =
        given.managers.iter().map(|uri| manager(faults, uri)).collect::<Result<_, _>>()?;
    let name = given.name.get_ref().clone();
    Ok(RoomConfig { id, name, description: given.description.clone(), managers })
}

/// Reads `sip:user@domain`; the domain's case does not matter, nor does the user's to any client.
fn manager(faults: Faults<'_>, uri: &Spanned<String>) -> Result<String, ConfigError> {
    let canonical = uri.get_ref().to_ascii_lowercase();
    let parts = canonical.strip_prefix("sip:").and_then(|rest| rest.split_once('@'));
    let is_good = parts.is_some_and(|(user, domain)| {
        let printable = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic());
        printable(user) && printable(domain) && !domain.contains(['@', ';', '?', '<', '>'])
    });
    if !is_good {
        let message =
            format!("{:?} is no user; write it like \"sip:ann@example.com\"", uri.get_ref());
        return Err(faults.at(Some(uri.span()), "room.managers", message));
    }
    Ok(canonical)
}

/// Where in the file the room is that the directory refuses: the last one that fits.
fn place(
    error: &DirectoryError,
    given: &[file::Room],
) -> (Option<std::ops::Range<usize>>, &'static str) {
    let by_name = |name: &str| {
        let lower = name.to_lowercase();
        given.iter().rev().find(|room| room.name.get_ref().to_lowercase() == lower)
    };
    match error {
        DirectoryError::DuplicateId(id) => {
            let room = given.iter().rev().find(|r| Guid::parse(r.id.get_ref()) == Some(*id));
            (room.map(|room| room.id.span()), "room.id")
        }
        DirectoryError::DuplicateName(name) | DirectoryError::BadName(name) => {
            (by_name(name).map(|room| room.name.span()), "room.name")
        }
        DirectoryError::BadDescription(name) => {
            (by_name(name).map(|room| room.name.span()), "room.description")
        }
    }
}
