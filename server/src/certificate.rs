//! The server's certificate: the configured one, or one it makes for itself.

use crate::config::CertificateFiles;
use crate::files::{create_data_directory, write_whole};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::io;
use std::path::Path;

/// A chain, leaf first, and its key.
pub type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// Reads a PEM chain and a PEM key.
///
/// # Errors
/// Which file is at fault, how, and what to do.
pub fn load(files: &CertificateFiles) -> Result<Identity, String> {
    let told = |path: &Path, cause: String| {
        format!("{}: {cause}; TLS needs a PEM chain and its PEM key", path.display())
    };
    let chain = CertificateDer::pem_file_iter(&files.certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| told(&files.certificate, error.to_string()))?;
    if chain.is_empty() {
        return Err(told(&files.certificate, "holds no certificate".into()));
    }
    let key = PrivateKeyDer::from_pem_file(&files.key)
        .map_err(|error| told(&files.key, error.to_string()))?;
    Ok((chain, key))
}

/// Where the self-made certificate of `domain` lies. The domain is in the name, so that another
/// domain gets another certificate.
pub fn self_signed_files(data: &Path, domain: &str) -> CertificateFiles {
    CertificateFiles {
        certificate: data.join(format!("self-signed-{domain}.pem")),
        key: data.join(format!("self-signed-{domain}.key")),
    }
}

/// Makes the self-signed certificate unless it exists, so that clients that were told to trust it
/// need to be told only once. Returns true if it was made.
///
/// # Errors
/// What could not be written, and what to do.
pub fn ensure_self_signed(data: &Path, domain: &str) -> Result<bool, String> {
    let files = self_signed_files(data, domain);
    if files.certificate.exists() && files.key.exists() {
        return Ok(false);
    }
    let (certificate, key) = make(domain).map_err(|e| format!("no certificate made: {e}"))?;
    let told = |error: io::Error| {
        format!(
            "{} cannot be written ({error}), so there is no certificate for TLS; make the \
             directory writable for this user, or configure [tls]",
            data.display()
        )
    };
    create_data_directory(data).map_err(told)?;
    // The key first: a certificate without its key would be taken for a finished pair.
    write_whole(&files.key, &key, 0o600).map_err(told)?;
    write_whole(&files.certificate, &certificate, 0o644).map_err(told)?;
    Ok(true)
}

/// PEM of a certificate for the domain and for this host, and of its key.
fn make(domain: &str) -> Result<(String, String), rcgen::Error> {
    let key = rcgen::KeyPair::generate()?;
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".into(), "::1".into()];
    if domain != "localhost" {
        names.insert(0, domain.to_owned());
    }
    let mut params = rcgen::CertificateParams::new(names)?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(rcgen::DnType::CommonName, domain);
    params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
    // Long-lived: it is for trying out, and nobody would think of renewing it. Years after 2049
    // need another encoding, which old clients do not read.
    params.not_before = rcgen::date_time_ymd(2024, 1, 1);
    params.not_after = rcgen::date_time_ymd(2049, 12, 31);
    let certificate = params.self_signed(&key)?;
    Ok((certificate.pem(), key.serialize_pem()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::tls::{Received, TlsLink, server_config};
    use rustls::pki_types::ServerName;
    use rustls::{ClientConfig, ClientConnection, RootCertStore};
    use std::fs;
    use std::io::{IoSlice, Write};
    use std::os::unix::fs::PermissionsExt;
    use std::sync::Arc;

    #[test]
    fn a_certificate_is_made_once_and_its_key_is_private() {
        let data = tempfile::tempdir().unwrap();
        let data = data.path().join("deep/er");
        assert_eq!(ensure_self_signed(&data, "example.test"), Ok(true));
        assert_eq!(ensure_self_signed(&data, "example.test"), Ok(false));
        assert_eq!(ensure_self_signed(&data, "other.test"), Ok(true));
        let files = self_signed_files(&data, "example.test");
        let mode = fs::metadata(&files.key).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let (chain, key) = load(&files).unwrap();
        assert_eq!(chain.len(), 1);
        assert!(server_config(chain, key).is_ok());
    }

    #[test]
    fn unusable_files_are_named() {
        let data = tempfile::tempdir().unwrap();
        let files = self_signed_files(data.path(), "a");
        assert!(load(&files).unwrap_err().contains("self-signed-a.pem"));
        fs::write(&files.certificate, "nothing").unwrap();
        assert!(load(&files).unwrap_err().contains("no certificate"));
        let plain_file = data.path().join("file");
        fs::write(&plain_file, "").unwrap();
        assert!(ensure_self_signed(&plain_file, "a").unwrap_err().contains("writable"));
    }

    fn client(files: &CertificateFiles, name: &str) -> ClientConnection {
        let mut roots = RootCertStore::empty();
        roots.add(load(files).unwrap().0.remove(0)).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from(name.to_owned()).unwrap();
        ClientConnection::new(Arc::new(config), name).unwrap()
    }

    /// Moves bytes both ways until both sides are silent; returns what the server read.
    fn talk(client: &mut ClientConnection, server: &mut TlsLink) -> (Vec<u8>, Received) {
        let (mut plain, mut outcome) = (Vec::new(), Received::Open);
        loop {
            let (mut up, mut down) = (Vec::new(), Vec::new());
            while client.wants_write() {
                client.write_tls(&mut up).unwrap();
            }
            // In odd pieces: records must not need to come whole.
            for piece in up.chunks(7) {
                outcome = server.receive(piece, &mut plain).unwrap();
            }
            while server.wants_write() {
                server.write(&mut down).unwrap();
            }
            if up.is_empty() && down.is_empty() {
                return (plain, outcome);
            }
            let mut down = &down[..];
            while !down.is_empty() {
                client.read_tls(&mut down).unwrap();
                client.process_new_packets().unwrap();
            }
        }
    }

    #[test]
    fn a_link_speaks_tls_with_the_self_made_certificate() {
        let data = tempfile::tempdir().unwrap();
        ensure_self_signed(data.path(), "example.test").unwrap();
        let files = self_signed_files(data.path(), "example.test");
        let (chain, key) = load(&files).unwrap();
        let config = server_config(chain, key).unwrap();
        for name in ["example.test", "localhost", "127.0.0.1", "::1"] {
            let mut server = TlsLink::new(config.clone()).unwrap();
            let mut client = client(&files, name);
            assert!(server.is_handshaking());
            client.writer().write_all(b"hello").unwrap();
            assert_eq!(talk(&mut client, &mut server), (b"hello".to_vec(), Received::Open));
            assert!(!server.is_handshaking());
            let parts = [IoSlice::new(b"ab"), IoSlice::new(b"cd")];
            assert_eq!(server.encrypt(&parts).unwrap(), 4);
            talk(&mut client, &mut server);
            let mut answer = [0; 4];
            io::Read::read_exact(&mut client.reader(), &mut answer).unwrap();
            assert_eq!(&answer, b"abcd");
            client.send_close_notify();
            assert_eq!(talk(&mut client, &mut server).1, Received::Closed);
        }
    }

    #[test]
    fn unsent_ciphertext_is_bounded() {
        let data = tempfile::tempdir().unwrap();
        ensure_self_signed(data.path(), "a.test").unwrap();
        let files = self_signed_files(data.path(), "a.test");
        let (chain, key) = load(&files).unwrap();
        let mut server = TlsLink::new(server_config(chain, key).unwrap()).unwrap();
        talk(&mut client(&files, "a.test"), &mut server);
        let much = vec![0; 1024 * 1024];
        let taken = server.encrypt(&[IoSlice::new(&much)]).unwrap();
        assert!(taken > 0 && taken <= 64 * 1024, "{taken}");
        assert_eq!(server.encrypt(&[IoSlice::new(&much)]).unwrap(), 0);
    }

    #[test]
    fn what_is_no_tls_is_refused_with_an_alert() {
        let data = tempfile::tempdir().unwrap();
        ensure_self_signed(data.path(), "a.test").unwrap();
        let (chain, key) = load(&self_signed_files(data.path(), "a.test")).unwrap();
        let mut server = TlsLink::new(server_config(chain, key).unwrap()).unwrap();
        let mut plain = Vec::new();
        assert!(server.receive(b"REGISTER sip:a SIP/2.0\r\n\r\n", &mut plain).is_err());
        assert!(plain.is_empty());
    }
}
