//! TLS of one link as a machine: ciphertext in, plain bytes out, and the other way round. No
//! socket.
//!
//! Only the server's side; TLS 1.2 and 1.3; no renegotiation, no RSA key exchange (rustls has
//! neither). Key logging is never configured.

use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{
    ClientHello, ResolvesServerCert, ServerConnectionData, ServerSessionMemoryCache,
    UnbufferedServerConnection,
};
use rustls::sign::CertifiedKey;
use rustls::unbuffered::{
    ConnectionState, EncodeError, EncodeTlsData, EncryptError, UnbufferedStatus, WriteTraffic,
};
use rustls::{HandshakeKind, ServerConfig};
use std::fmt;
use std::io::{self, IoSlice, Write};
use std::sync::{Arc, RwLock};

/// Ciphertext that may wait for the socket, bytes. Beyond it nothing more is encrypted, so what
/// waits stays in the core's outbox, where its own bounds count.
pub const UNSENT_BYTES_MAX: usize = 64 * 1024;

/// Bytes of a record, or of a message of the handshake, that may have come without their end: the
/// longest message that rustls takes (64 KiB), with the records it comes in.
const BEGUN_BYTES_MAX: usize = 80 * 1024;

/// Largest content of a record, bytes (RFC 8446 §5.1), and most that its encryption adds here: the
/// record's head, the kind of content or a nonce, the tag.
const RECORD_BYTES_MAX: usize = 16 * 1024;
const RECORD_OVERHEAD_BYTES: usize = 5 + 8 + 16;
/// As much as an encrypted alert takes.
const ALERT_BYTES: usize = 2 + RECORD_OVERHEAD_BYTES;

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
/// It keeps no buffers while nothing is on its way: records are decrypted where they were read to,
/// and what rustls would keep for reading alone, 4 KiB, would be more than everything else of an
/// idle link.
///
/// However many slices a write gathers, their bytes fill records of 16 KiB.
pub struct TlsLink {
    connection: UnbufferedServerConnection,
    /// The beginning of a record, or of a message of the handshake, whose end has not come.
    begun: Vec<u8>,
    /// Ciphertext for the socket.
    unsent: Vec<u8>,
    /// `unsent[..sent]` is out.
    sent: usize,
    /// rustls must not be asked for anything after a fault but its alert.
    has_failed: bool,
}

impl fmt::Debug for TlsLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsLink").field("unsent", &self.unsent_bytes()).finish_non_exhaustive()
    }
}

impl TlsLink {
    /// A link before its handshake.
    ///
    /// # Errors
    /// If the configuration is unusable.
    pub fn new(config: Arc<ServerConfig>) -> Result<TlsLink, rustls::Error> {
        let connection = UnbufferedServerConnection::new(config)?;
        Ok(TlsLink {
            connection,
            begun: Vec::new(),
            unsent: Vec::new(),
            sent: 0,
            has_failed: false,
        })
    }

    /// True until the handshake is complete.
    pub fn is_handshaking(&self) -> bool {
        self.connection.is_handshaking()
    }

    /// True when the handshake went on from an earlier one.
    pub fn is_resumed(&self) -> bool {
        self.connection.handshake_kind() == Some(HandshakeKind::Resumed)
    }

    /// Takes in `ciphertext`, of which nothing can be used afterwards, and appends what it holds to
    /// `plain`: never more bytes than came in. Afterwards [`TlsLink::wants_write`] may be true,
    /// also after an error (an alert).
    ///
    /// # Errors
    /// Any fault of the peer: the link cannot be used any further.
    pub fn receive(
        &mut self,
        ciphertext: &mut [u8],
        plain: &mut Vec<u8>,
    ) -> Result<Received, rustls::Error> {
        if self.begun.is_empty() {
            let (used, received) = self.advance(ciphertext, plain)?;
            // After the peer's goodbye the rest is ignored, as it must be.
            if received == Received::Open && used < ciphertext.len() {
                self.begun = ciphertext[used..].to_vec();
            }
            return Ok(received);
        }
        let mut begun = std::mem::take(&mut self.begun);
        begun.extend_from_slice(ciphertext);
        let (used, received) = self.advance(&mut begun, plain)?;
        begun.drain(..used);
        if received == Received::Open && !begun.is_empty() {
            if begun.len() > BEGUN_BYTES_MAX {
                self.has_failed = true;
                return Err(rustls::Error::General("a message of TLS does not end".into()));
            }
            // It holds a whole read, and a link may be silent in the middle of a record for long.
            begun.shrink_to_fit();
            self.begun = begun;
        }
        Ok(received)
    }

    /// Lets TLS go on with `incoming` as far as it can; how many of its bytes are done with.
    fn advance(
        &mut self,
        incoming: &mut [u8],
        plain: &mut Vec<u8>,
    ) -> Result<(usize, Received), rustls::Error> {
        if self.has_failed {
            return Err(rustls::Error::General("the link has failed before".into()));
        }
        let (mut used, mut received) = (0, Received::Open);
        loop {
            let UnbufferedStatus { discard, state } =
                self.connection.process_tls_records(&mut incoming[used..]);
            used += discard;
            match state {
                Ok(ConnectionState::ReadTraffic(mut traffic)) => {
                    while let Some(record) = traffic.next_record() {
                        let record = record?;
                        used += record.discard;
                        plain.extend_from_slice(record.payload);
                    }
                }
                Ok(ConnectionState::EncodeTlsData(data)) => encode(&mut self.unsent, data),
                Ok(ConnectionState::TransmitTlsData(data)) => data.done(),
                Ok(ConnectionState::PeerClosed) => received = Received::Closed,
                // Nothing more can be done without more bytes. Data before the end of a handshake
                // are never accepted, so they never come.
                Ok(_) => return Ok((used, received)),
                Err(error) => {
                    self.take_alert();
                    return Err(error);
                }
            }
        }
    }

    /// The alert that belongs to a fault.
    fn take_alert(&mut self) {
        self.has_failed = true;
        while self.connection.wants_write() {
            let state = self.connection.process_tls_records(&mut []).state;
            let Ok(ConnectionState::EncodeTlsData(data)) = state else { return };
            encode(&mut self.unsent, data);
        }
    }

    /// Encrypts as much of `slices` as the bound on unsent bytes allows; returns how many bytes it
    /// took, 0 when there is no room. `gathered` is memory for that, kept by the caller.
    ///
    /// # Errors
    /// If the link has failed before, or its handshake is not complete.
    pub fn encrypt(&mut self, slices: &[IoSlice<'_>], gathered: &mut Vec<u8>) -> io::Result<usize> {
        self.unsent.drain(..std::mem::take(&mut self.sent));
        let mut room = UNSENT_BYTES_MAX.saturating_sub(self.unsent_bytes());
        gathered.clear();
        for slice in slices {
            let taken = slice.len().min(room);
            gathered.extend_from_slice(&slice[..taken]);
            room -= taken;
        }
        if gathered.is_empty() {
            return Ok(0);
        }
        let records = gathered.len().div_ceil(RECORD_BYTES_MAX);
        let likely = gathered.len() + records * RECORD_OVERHEAD_BYTES;
        let mut is_encrypted = false;
        self.with_traffic(likely, |traffic, out| match traffic.encrypt(gathered, out) {
            Ok(count) => {
                is_encrypted = true;
                Ok(count)
            }
            Err(EncryptError::InsufficientSize(size)) => Err(size.required_size),
            Err(EncryptError::EncryptExhausted) => Ok(0),
        })?;
        match is_encrypted {
            true => Ok(gathered.len()),
            false => Err(io::Error::other("the keys of this link are used up")),
        }
    }

    /// Says goodbye: queued like any ciphertext. A link that has failed, or has not got so far,
    /// says nothing.
    pub fn close(&mut self) {
        let _ =
            self.with_traffic(ALERT_BYTES, |traffic, out| match traffic.queue_close_notify(out) {
                Ok(count) => Ok(count),
                Err(EncryptError::InsufficientSize(size)) => Err(size.required_size),
                Err(EncryptError::EncryptExhausted) => Ok(0),
            });
    }

    /// Appends to the unsent bytes what `write` writes to them.
    fn with_traffic(
        &mut self,
        likely: usize,
        mut write: impl FnMut(
            &mut WriteTraffic<'_, ServerConnectionData>,
            &mut [u8],
        ) -> Result<usize, usize>,
    ) -> io::Result<()> {
        // What is begun stays so: whatever was complete in it was handled when it came.
        let mut begun = std::mem::take(&mut self.begun);
        let outcome = self.advance(&mut begun, &mut Vec::new()).map_err(io::Error::other);
        let outcome =
            outcome.and_then(|_| match self.connection.process_tls_records(&mut begun).state {
                Ok(ConnectionState::WriteTraffic(mut traffic)) => {
                    append(&mut self.unsent, likely, |out| write(&mut traffic, out));
                    Ok(())
                }
                Ok(_) => Err(io::Error::other("the handshake is not complete")),
                Err(error) => Err(io::Error::other(error)),
            });
        self.begun = begun;
        outcome
    }

    /// True while ciphertext waits for the socket.
    pub fn wants_write(&self) -> bool {
        self.unsent_bytes() > 0
    }

    fn unsent_bytes(&self) -> usize {
        self.unsent.len() - self.sent
    }

    /// Hands ciphertext to `socket` with one write.
    ///
    /// # Errors
    /// The socket's, `WouldBlock` included.
    pub fn write(&mut self, socket: &mut dyn Write) -> io::Result<usize> {
        if !self.wants_write() {
            return Ok(0);
        }
        let count = socket.write(&self.unsent[self.sent..])?;
        self.sent += count;
        if self.sent == self.unsent.len() {
            // Its memory goes back: most links are idle most of the time.
            (self.unsent, self.sent) = (Vec::new(), 0);
        }
        Ok(count)
    }
}

/// Appends a message that rustls wants sent.
fn encode(bytes: &mut Vec<u8>, mut data: EncodeTlsData<'_, ServerConnectionData>) {
    append(bytes, ALERT_BYTES, |out| match data.encode(out) {
        Ok(count) => Ok(count),
        Err(EncodeError::InsufficientSize(size)) => Err(size.required_size),
        Err(EncodeError::AlreadyEncoded) => Ok(0),
    });
}

/// Appends to `bytes` what `write` writes into the room it is given, which is `likely` enough; if
/// not, it says how much it needs.
fn append(
    bytes: &mut Vec<u8>,
    likely: usize,
    mut write: impl FnMut(&mut [u8]) -> Result<usize, usize>,
) {
    let before = bytes.len();
    let mut room = likely;
    loop {
        bytes.reserve_exact(room);
        bytes.resize(before + room, 0);
        match write(&mut bytes[before..]) {
            Ok(count) => return bytes.truncate(before + count),
            Err(needed) => {
                assert!(needed > room, "it had as much as it asked for");
                room = needed;
            }
        }
    }
}

#[cfg(test)]
mod tests;
