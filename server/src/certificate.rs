//! The server's certificate: the configured one, or one it makes for itself.

use crate::config::CertificateFiles;
use crate::files::{create_data_directory, write_whole};
use crate::shell::tls::Certificate;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::io;
use std::path::Path;
use std::sync::Arc;

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

/// The certificate in force and where it came from.
#[derive(Debug)]
pub struct InForce {
    files: CertificateFiles,
    certificate: Arc<Certificate>,
}

impl InForce {
    /// Reads the files.
    ///
    /// # Errors
    /// Which file is at fault, how, and what to do.
    pub fn load(files: CertificateFiles) -> Result<InForce, String> {
        let (chain, key) = load(&files)?;
        let certificate = Certificate::new(chain, key).map_err(|e| unusable(&files, &e))?;
        Ok(InForce { files, certificate })
    }

    /// What handshakes show.
    pub fn certificate(&self) -> Arc<Certificate> {
        self.certificate.clone()
    }

    /// Reads the files again and tells in the log what came of it. With faulty ones everything
    /// stays as it is.
    pub fn reload(&self) {
        let replaced = load(&self.files).and_then(|(chain, key)| {
            self.certificate.replace(chain, key).map_err(|e| unusable(&self.files, &e))
        });
        let file = self.files.certificate.display();
        match replaced {
            Ok(()) => tracing::info!(%file, "the certificate was read again; new links get it"),
            Err(cause) => tracing::error!(
                cause,
                effect = "new links get the certificate of before",
                next_step = "correct certificate and key, then send SIGHUP again",
                "the new certificate cannot be used"
            ),
        }
    }
}

fn unusable(files: &CertificateFiles, error: &rustls::Error) -> String {
    let file = files.certificate.display();
    format!("{file}: cannot be used for TLS ({error}); certificate and key must belong together")
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
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

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
        assert!(Certificate::new(chain, key).is_ok());
    }

    #[test]
    fn unusable_files_are_named() {
        let data = tempfile::tempdir().unwrap();
        let files = self_signed_files(data.path(), "a");
        assert!(load(&files).unwrap_err().contains("self-signed-a.pem"));
        fs::write(&files.certificate, "nothing").unwrap();
        assert!(load(&files).unwrap_err().contains("no certificate"));
        for name in ["a", "b"] {
            ensure_self_signed(&data.path().join(name), "a").unwrap();
        }
        let [a, b] = ["a", "b"].map(|name| self_signed_files(&data.path().join(name), "a"));
        let mixed = CertificateFiles { certificate: a.certificate, key: b.key };
        assert!(InForce::load(mixed).unwrap_err().contains("must belong together"));
        let plain_file = data.path().join("file");
        fs::write(&plain_file, "").unwrap();
        assert!(ensure_self_signed(&plain_file, "a").unwrap_err().contains("writable"));
    }
}
