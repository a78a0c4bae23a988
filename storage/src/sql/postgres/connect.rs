//! How a connection comes about: the URL, TLS, settings of the session.

use crate::sql::Error;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::{Client, Config};
use tokio_postgres_rustls::MakeRustlsConnect;

/// A connection that is not up by then is given up.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(5);
/// Bytes sent and not acknowledged for this long mean that the other side is gone.
const SILENCE_TIME_MAX: Duration = Duration::from_secs(10);

/// Settings of a session. `synchronous_commit` is only raised: where it is off, PostgreSQL would
/// answer a commit before it is durable. Plans are made for the values at hand, because words and
/// rooms differ by orders of magnitude in what they find.
const SETTINGS: &str = "
    SET client_min_messages = warning;
    SET lock_timeout = '10s';
    SET idle_in_transaction_session_timeout = '60s';
    SET plan_cache_mode = force_custom_plan;
    SET jit = off;
    SELECT set_config('synchronous_commit', 'on', false)
        WHERE current_setting('synchronous_commit') = 'off'";

/// Where to connect to, and how.
pub(super) struct Target {
    config: Config,
    tls: MakeRustlsConnect,
}

impl Target {
    /// Understands a URL: libpq's, with two rules of our own. Without `sslmode` a connection over
    /// the network requires TLS and one on this machine does without it. With TLS the server's
    /// certificate and name are always verified, against `sslrootcert` or else the machine's
    /// trusted authorities.
    pub(super) fn parse(url: &str) -> Result<Target, Error> {
        let (url, own) = take_own(url)?;
        // The cause may quote the URL, and with it the password.
        let mut config: Config =
            url.parse().map_err(|_| Error::Invalid("the store's URL cannot be understood"))?;
        if let Some(mode) = own.mode {
            config.ssl_mode(mode);
        } else {
            let is_here = config.get_hosts().iter().all(is_this_machine);
            config.ssl_mode(if is_here { SslMode::Disable } else { SslMode::Require });
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_TIME_MAX);
        }
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(SILENCE_TIME_MAX);
        }
        if config.get_application_name().is_none() {
            config.application_name("parlance");
        }
        let is_tls = config.get_ssl_mode() != SslMode::Disable;
        let roots =
            if is_tls { roots(own.authorities.as_deref())? } else { RootCertStore::empty() };
        Ok(Target { config, tls: MakeRustlsConnect::new(tls(roots)?) })
    }

    /// Connects and prepares the session. The connection runs as a task of the current runtime.
    pub(super) async fn connect(&self) -> Result<(Client, tokio::task::JoinHandle<()>), Error> {
        let (client, connection) = self.config.connect(self.tls.clone()).await?;
        let task = tokio::spawn(async move {
            // Its error is also that of the operation that meets it.
            let _ = connection.await;
        });
        client.batch_execute(SETTINGS).await?;
        Ok((client, task))
    }
}

fn is_this_machine(host: &Host) -> bool {
    match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => matches!(name.as_str(), "localhost" | "127.0.0.1" | "::1" | "[::1]"),
    }
}

/// Settings of the URL that the library does not read the way we do.
#[derive(Default)]
struct Own {
    mode: Option<SslMode>,
    authorities: Option<String>,
}

fn take_own(url: &str) -> Result<(String, Own), Error> {
    let Some((base, query)) = url.split_once('?') else { return Ok((url.into(), Own::default())) };
    let mut own = Own::default();
    let mut rest = Vec::new();
    for part in query.split('&') {
        match part.split_once('=') {
            Some(("sslmode", mode)) => own.mode = Some(parse_mode(mode)?),
            Some(("sslrootcert", path)) => own.authorities = Some(percent_decoded(path)?),
            _ => rest.push(part),
        }
    }
    Ok((format!("{base}?{}", rest.join("&")), own))
}

/// Since certificates are always verified, libpq's three degrees of requiring TLS are one; those
/// that let an attacker talk us out of it are refused.
fn parse_mode(mode: &str) -> Result<SslMode, Error> {
    match mode {
        "disable" => Ok(SslMode::Disable),
        "require" | "verify-ca" | "verify-full" => Ok(SslMode::Require),
        _ => Err(Error::Invalid("sslmode is `disable`, `require` or `verify-full`")),
    }
}

fn percent_decoded(text: &str) -> Result<String, Error> {
    const WRONG: Error = Error::Invalid("sslrootcert is not a path");
    let mut bytes = Vec::new();
    let mut parts = text.split('%');
    bytes.extend(parts.next().unwrap_or_default().bytes());
    for part in parts {
        let (digits, rest) = part.split_at_checked(2).ok_or(WRONG)?;
        bytes.push(u8::from_str_radix(digits, 16).map_err(|_| WRONG)?);
        bytes.extend(rest.bytes());
    }
    String::from_utf8(bytes).map_err(|_| WRONG)
}

/// Whom to trust.
fn roots(file: Option<&str>) -> Result<RootCertStore, Error> {
    let mut roots = RootCertStore::empty();
    let Some(file) = file else {
        // One unreadable certificate of the machine must not spoil the others.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        return Ok(roots);
    };
    let unreadable = |cause: String| Error::Permanent(format!("{file}: {cause}"));
    let certificates = CertificateDer::pem_file_iter(Path::new(file));
    for certificate in certificates.map_err(|e| unreadable(e.to_string()))? {
        let certificate = certificate.map_err(|e| unreadable(e.to_string()))?;
        roots.add(certificate).map_err(|e| unreadable(e.to_string()))?;
    }
    Ok(roots)
}

fn tls(roots: RootCertStore) -> Result<ClientConfig, Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::Permanent(error.to_string()))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tls_is_required_over_the_network_only() {
        let check = |url: &str, expected: Option<SslMode>| {
            let mode = Target::parse(url).ok().map(|target| target.config.get_ssl_mode());
            assert_eq!(mode, expected, "{url}");
        };
        check("postgresql://u:p@localhost/db", Some(SslMode::Disable));
        check("postgresql://u@127.0.0.1:5433/db", Some(SslMode::Disable));
        check("postgresql:///db?host=/run/postgresql&user=u", Some(SslMode::Disable));
        check("postgresql://u:p@db.example.com/db", Some(SslMode::Require));
        check("postgresql://u:p@localhost,db.example.com/db", Some(SslMode::Require));
        check("postgresql://u@db.example.com/db?sslmode=disable", Some(SslMode::Disable));
        check("postgresql://u@localhost/db?sslmode=verify-full", Some(SslMode::Require));
        check("postgresql://u@localhost/db?sslmode=prefer", None);
        check("postgresql://u@localhost/db?sslmode=require&sslrootcert=/none.pem", None);
        check("postgresql://u@localhost/db?nonsense=1", None);
    }

    #[test]
    fn a_refusal_does_not_tell_the_password() {
        let error = Target::parse("postgresql://u:s3cret@h/db?port=x").err();
        assert!(!format!("{error:?}").contains("s3cret"));
    }

    #[test]
    fn paths_are_decoded() {
        assert_eq!(percent_decoded("/a%20b/%C3%A4.pem").as_deref(), Ok("/a b/ä.pem"));
        assert!(percent_decoded("%4").is_err());
        assert!(percent_decoded("%zz").is_err());
    }
}
