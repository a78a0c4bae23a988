//! The connection to a server: the only module that reaches one.

use super::entry::Entry;
use super::error::LdapError;
use super::settings::{Security, Settings};
use super::sync::{Reach, Search, Source};
use ldap3::adapters::{Adapter, EntriesOnly, PagedResults};
use ldap3::asn1::{PL, StructureTag};
use ldap3::{LdapConn, LdapConnSettings, LdapResult, Scope};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use std::path::Path;
use std::sync::Arc;

/// Longest password that is read from a file.
const PASSWORD_BYTES_MAX: usize = 1_024;

/// An open connection, signed in.
pub struct Client<'s> {
    connection: LdapConn,
    settings: &'s Settings,
}

impl<'s> Client<'s> {
    /// Connects, protects the connection and signs in.
    ///
    /// # Errors
    /// What is in the way, and what to look at.
    pub fn connect(settings: &'s Settings) -> Result<Client<'s>, LdapError> {
        // Before the network, so that a missing file is told as such.
        let credentials = settings.credentials.as_ref();
        let password = credentials.map(|c| password(&c.password_file)).transpose()?;
        let mut options = LdapConnSettings::new().set_conn_timeout(settings.timeout);
        if settings.security != Security::Plain {
            options = options.set_config(Arc::new(tls(settings.ca_file.as_deref())?));
            options = options.set_starttls(settings.security == Security::StartTls);
        }
        let unreachable = |error: ldap3::LdapError| LdapError::Unreachable {
            url: settings.url.clone(),
            cause: error.to_string(),
        };
        let connection = LdapConn::with_settings(options, &settings.url).map_err(unreachable)?;
        let mut client = Client { connection, settings };
        if let (Some(credentials), Some(password)) = (credentials, password) {
            let bound = client
                .connection
                .with_timeout(settings.timeout)
                .simple_bind(&credentials.bind_dn, &password)
                .map_err(unreachable)?;
            if bound.rc != 0 {
                let bind_dn = credentials.bind_dn.clone();
                return Err(LdapError::Refused { bind_dn, cause: said(&bound) });
            }
        }
        Ok(client)
    }
}

impl Drop for Client<'_> {
    fn drop(&mut self) {
        // The server notices without it, too; it only logs less.
        let _ = self.connection.with_timeout(self.settings.timeout).unbind();
    }
}

impl Source for Client<'_> {
    fn search(
        &mut self,
        search: &Search<'_>,
        take: &mut dyn FnMut(Entry) -> Result<(), LdapError>,
    ) -> Result<(), LdapError> {
        let failed = |cause: String| LdapError::Search {
            base: search.base.to_owned(),
            filter: search.filter.to_owned(),
            cause,
        };
        let mut adapters: Vec<Box<dyn Adapter<'_, String, Vec<String>>>> =
            vec![Box::new(EntriesOnly::new())];
        let scope = match search.reach {
            Reach::Base => Scope::Base,
            Reach::Subtree => {
                adapters.push(Box::new(PagedResults::new(self.settings.page_size.into())));
                Scope::Subtree
            }
        };
        let connection = self.connection.with_timeout(self.settings.timeout);
        let attributes = search.attributes.to_vec();
        let mut stream = connection
            .streaming_search_with(adapters, search.base, scope, search.filter, attributes)
            .map_err(|error| failed(error.to_string()))?;
        while let Some(found) = stream.next().map_err(|error| failed(error.to_string()))? {
            let entry = entry(found.0).ok_or_else(|| failed("an entry cannot be read".into()))?;
            take(entry)?;
        }
        let result = stream.result();
        if result.rc == 0 { Ok(()) } else { Err(failed(said(&result))) }
    }
}

/// The server's result in words (RFC 4511 appendix A), with what to do where we know.
fn said(result: &LdapResult) -> String {
    let advice = match result.rc {
        3 => {
            "its time limit was exceeded; raise it for bind_dn, or index the attributes of the \
              filters"
        }
        4 => "its size limit was exceeded; raise it for bind_dn, or lower people.ldap.page_size",
        11 => "its administrative limit was exceeded; lower people.ldap.page_size",
        13 => "it wants TLS; use ldaps:// or people.ldap.start_tls",
        32 => "there is no such entry; check people.ldap.base",
        49 => "wrong name or password",
        50 => "bind_dn may not read there",
        _ => "",
    };
    let (rc, text) = (result.rc, result.text.trim());
    [advice, text]
        .iter()
        .filter(|part| !part.is_empty())
        .fold(format!("result {rc}"), |all, part| format!("{all}, {part}"))
}

/// Reads a `SearchResultEntry` (RFC 4511 §4.5.2). The library's own reader would panic on a faulty
/// one, and a panic ends the server.
fn entry(tag: StructureTag) -> Option<Entry> {
    let mut parts = constructed(tag)?.into_iter();
    let dn = String::from_utf8(primitive(parts.next()?)?).ok()?;
    let attributes = constructed(parts.next()?)?.into_iter().map(|attribute| {
        let mut parts = constructed(attribute)?.into_iter();
        let name = String::from_utf8(primitive(parts.next()?)?).ok()?.to_ascii_lowercase();
        let values = constructed(parts.next()?)?.into_iter().map(primitive);
        Some((name, values.collect::<Option<Vec<_>>>()?))
    });
    Some(Entry { dn, attributes: attributes.collect::<Option<Vec<_>>>()? })
}

fn constructed(tag: StructureTag) -> Option<Vec<StructureTag>> {
    match tag.payload {
        PL::C(parts) => Some(parts),
        PL::P(_) => None,
    }
}

fn primitive(tag: StructureTag) -> Option<Vec<u8>> {
    match tag.payload {
        PL::P(bytes) => Some(bytes),
        PL::C(_) => None,
    }
}

fn unusable(file: &Path, cause: impl Into<String>) -> LdapError {
    LdapError::File { file: file.display().to_string(), cause: cause.into() }
}

/// The file's first line. An empty password would sign in as nobody (RFC 4513 §5.1.2), and the
/// server would say yes.
fn password(file: &Path) -> Result<String, LdapError> {
    let text = std::fs::read_to_string(file).map_err(|error| unusable(file, error.to_string()))?;
    let line = text.lines().next().unwrap_or_default();
    match line.len() {
        0 => Err(unusable(file, "its first line, the password, is empty")),
        1..=PASSWORD_BYTES_MAX => Ok(line.to_owned()),
        _ => Err(unusable(file, "its first line is too long for a password")),
    }
}

fn tls(ca_file: Option<&Path>) -> Result<ClientConfig, LdapError> {
    let mut roots = RootCertStore::empty();
    match ca_file {
        Some(file) => {
            let certificates = CertificateDer::pem_file_iter(file);
            let certificates = certificates.map_err(|e| unusable(file, e.to_string()))?;
            for certificate in certificates {
                let certificate = certificate.map_err(|e| unusable(file, e.to_string()))?;
                roots.add(certificate).map_err(|e| unusable(file, e.to_string()))?;
            }
            if roots.is_empty() {
                return Err(unusable(file, "there is no certificate in it"));
            }
        }
        // What the machine's store has that we do not understand is left out.
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = versions.expect("ring speaks the default versions");
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}
