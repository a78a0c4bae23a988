//! TLS of one link as a machine: ciphertext in, plain bytes out, and the other way round. No
//! socket.
//!
//! Only the server's side; TLS 1.2 and 1.3; no renegotiation, no RSA key exchange (rustls has
//! neither). Key logging is never configured.

use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert, ServerSessionMemoryCache};
use rustls::sign::CertifiedKey;
use rustls::{HandshakeKind, ServerConfig, ServerConnection};
use std::io::{self, IoSlice, Read, Write};
use std::sync::{Arc, RwLock};

/// Ciphertext that may wait for the socket, bytes. Beyond it nothing more is encrypted, so what
/// waits stays in the core's outbox, where its own bounds count.
pub const UNSENT_BYTES_MAX: usize = 64 * 1024;

/// Sessions kept for clients of TLS 1.2 that know no tickets; the oldest is forgotten first. Some
/// 300 bytes each.
const SESSION_IDS_MAX: usize = 20_000;

/// The certificate that handshakes show, the same on all shards. It can be replaced while they run;
/// links that are up keep theirs.
#[derive(Debug)]
pub struct Certificate {
    /// Held for no longer than it takes to copy a pointer.
    current: RwLock<Arc<CertifiedKey>>,
}

impl Certificate {
    /// A chain, leaf first, and the leaf's key.
    ///
    /// # Errors
    /// If the key does not belong to the certificate, or cannot be used.
    pub fn new(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Result<Arc<Certificate>, rustls::Error> {
        let current = RwLock::new(usable(chain, key)?);
        Ok(Arc::new(Certificate { current }))
    }

    /// Shows another one from now on.
    ///
    /// # Errors
    /// As [`Certificate::new`]; the one of before stays.
    pub fn replace(
        &self,
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Result<(), rustls::Error> {
        let new = usable(chain, key)?;
        *self.current.write().expect("nobody panics while holding it") = new;
        Ok(())
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.read().expect("nobody panics while holding it").clone())
    }
}

fn usable(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<Arc<CertifiedKey>, rustls::Error> {
    let provider = rustls::crypto::ring::default_provider();
    Ok(Arc::new(CertifiedKey::from_der(chain, key, &provider)?))
}

/// The configuration shared by all TLS links.
///
/// # Errors
/// If the system gives no random numbers for the keys of tickets.
pub fn server_config(certificate: Arc<Certificate>) -> Result<Arc<ServerConfig>, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(certificate);
    // Resumption by tickets, sealed with keys that all shards share: a client that comes back is
    // known by whichever shard accepts it, and no table has to hold 20,000 of them. The keys
    // rotate every six hours; the last one's tickets are still good. They are never written down,
    // so after a restart each client signs in anew.
    config.ticketer = rustls::crypto::ring::Ticketer::new()?;
    // A client has one link. Each handshake, also a resumed one, brings the next ticket.
    config.send_tls13_tickets = 1;
    config.session_storage = ServerSessionMemoryCache::new(SESSION_IDS_MAX);
    Ok(Arc::new(config))
}

/// What is left of a connection after [`TlsLink::receive`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Received {
    /// It goes on.
    Open,
    /// The peer said goodbye: nothing more will come.
    Closed,
}

/// TLS of one link.
///
/// However many slices a write gathers, their bytes fill records of 16 KiB: rustls cuts the whole
/// into records, not each slice.
#[derive(Debug)]
pub struct TlsLink {
    connection: ServerConnection,
}

impl TlsLink {
    /// A link before its handshake.
    ///
    /// # Errors
    /// If the configuration is unusable.
    pub fn new(config: Arc<ServerConfig>) -> Result<TlsLink, rustls::Error> {
        let mut connection = ServerConnection::new(config)?;
        connection.set_buffer_limit(Some(UNSENT_BYTES_MAX));
        Ok(TlsLink { connection })
    }

    /// True until the handshake is complete.
    pub fn is_handshaking(&self) -> bool {
        self.connection.is_handshaking()
    }

    /// True when the handshake went on from an earlier one.
    pub fn is_resumed(&self) -> bool {
        self.connection.handshake_kind() == Some(HandshakeKind::Resumed)
    }

    /// Takes in `ciphertext` and appends what it holds to `plain`: never more bytes than came in.
    /// Afterwards [`TlsLink::wants_write`] may be true, also after an error (an alert).
    ///
    /// # Errors
    /// Any fault of the peer: the link cannot be used any further.
    pub fn receive(
        &mut self,
        mut ciphertext: &[u8],
        plain: &mut Vec<u8>,
    ) -> Result<Received, rustls::Error> {
        loop {
            // After the peer's goodbye this reads nothing: the rest is ignored, as it must be.
            let taken = self.connection.read_tls(&mut ciphertext).map_err(general)?;
            let state = self.connection.process_new_packets()?;
            // Taken out at once, so rustls' own bound on plain bytes is never met.
            let waiting = state.plaintext_bytes_to_read();
            let before = plain.len();
            plain.resize(before + waiting, 0);
            if waiting > 0 {
                self.connection.reader().read_exact(&mut plain[before..]).map_err(general)?;
            }
            if state.peer_has_closed() {
                return Ok(Received::Closed);
            }
            if taken == 0 || ciphertext.is_empty() {
                return Ok(Received::Open);
            }
        }
    }

    /// Encrypts as much of `slices` as the bound on unsent bytes allows; returns how many bytes it
    /// took, 0 when there is no room.
    ///
    /// # Errors
    /// If the link has failed before.
    pub fn encrypt(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.connection.writer().write_vectored(slices)
    }

    /// True while ciphertext waits for the socket.
    pub fn wants_write(&self) -> bool {
        self.connection.wants_write()
    }

    /// Hands ciphertext to `socket` with one gathering write.
    ///
    /// # Errors
    /// The socket's, `WouldBlock` included.
    pub fn write(&mut self, socket: &mut dyn Write) -> io::Result<usize> {
        self.connection.write_tls(socket)
    }

    /// Says goodbye: queued like any ciphertext.
    pub fn close(&mut self) {
        self.connection.send_close_notify();
    }
}

fn general(error: io::Error) -> rustls::Error {
    rustls::Error::General(error.to_string())
}

#[cfg(test)]
mod tests;
