//! Clients of the server's TLS side.

use crate::peer::Names;
use crate::server::{DOMAIN, Server};
use parlance_wire::sip::{Frame, Framer};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, HandshakeKind, RootCertStore};
use rustls::{StreamOwned, SupportedProtocolVersion};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Longer than any deadline of the server that a test waits for.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where a server without `[tls]` keeps the certificate it has made.
pub fn self_made(server: &Server) -> PathBuf {
    server.folder().join(format!("data/self-signed-{DOMAIN}.pem"))
}

/// A client that trusts this certificate and remembers sessions, as one program of a user does.
///
/// # Panics
/// If the file holds no certificate.
pub fn client(
    certificate: &Path,
    versions: &[&'static SupportedProtocolVersion],
) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    let certificate = CertificateDer::from_pem_file(certificate).expect("a certificate");
    roots.add(certificate).expect("a certificate that can be trusted");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .expect("the versions are known")
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config)
}

/// A link by TLS, of which SIP has been heard.
#[derive(Debug)]
pub struct TlsPeer {
    stream: StreamOwned<ClientConnection, TcpStream>,
    names: Names,
}

impl TlsPeer {
    /// Connects and asks something, so that whatever the server sends with a handshake has come.
    ///
    /// # Errors
    /// If there is no TLS to be had.
    ///
    /// # Panics
    /// If the server cannot be reached, or does not speak SIP.
    pub fn connect(address: SocketAddr, config: &Arc<ClientConfig>) -> std::io::Result<TlsPeer> {
        let socket = TcpStream::connect(address).expect("the server accepts links");
        socket.set_nodelay(true).expect("a socket option");
        socket.set_read_timeout(Some(PATIENCE)).expect("a socket option");
        let name = ServerName::try_from(DOMAIN).expect("a name");
        let connection = ClientConnection::new(config.clone(), name).expect("a good configuration");
        let stream = StreamOwned::new(connection, socket);
        let mut peer = TlsPeer { stream, names: Names::fresh("tls") };
        peer.ask()?;
        Ok(peer)
    }

    /// Sends a request and waits for its answer.
    ///
    /// # Errors
    /// If the link has ended.
    pub fn ask(&mut self) -> std::io::Result<()> {
        self.stream.write_all(&self.names.request("OPTIONS", 1, &[], b""))?;
        let (mut framer, mut bytes) = (Framer::default(), Vec::new());
        loop {
            let mut some = [0; 4096];
            let count = self.stream.read(&mut some)?;
            if count == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            bytes.extend_from_slice(&some[..count]);
            if let Some(Frame::Message { .. }) = framer.next(&bytes).expect("it speaks SIP") {
                return Ok(());
            }
        }
    }

    /// What the handshake was.
    pub fn kind(&self) -> HandshakeKind {
        self.stream.conn.handshake_kind().expect("it is over")
    }
}
