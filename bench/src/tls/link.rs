//! A client's link in a room, by TCP or TLS, that never waits.

use crate::socket;
use parlance_loadgen::{Client, ClientConfig, ClientEvent, LinkMux};
use parlance_tests::server::DOMAIN;
use parlance_wire::xccos::RoomRef;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig as TlsConfig, ClientConnection};
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

/// What came.
#[derive(Debug, Default)]
pub struct Tally {
    /// Sessions in the room.
    pub joined: usize,
    /// Chat messages.
    pub deliveries: usize,
}

/// See the module's text.
#[derive(Debug)]
pub struct Link {
    /// Told of by epoll.
    pub socket: TcpStream,
    tls: Option<Box<ClientConnection>>,
    /// Its sessions.
    pub mux: LinkMux,
    /// The beginning of a message whose end has not come.
    rest: Vec<u8>,
    /// What the clients said and the socket has not taken.
    pub unwritten: Vec<u8>,
}

impl Link {
    /// Connects and begins to sign in the sessions of these numbers.
    pub fn connect(
        address: SocketAddr,
        tls: Option<&Arc<TlsConfig>>,
        numbers: std::ops::Range<u32>,
    ) -> io::Result<Link> {
        let socket = TcpStream::connect(address)?;
        socket.set_nodelay(true)?;
        socket.set_nonblocking(true)?;
        let sent_by = socket.local_addr()?.to_string();
        let name = ServerName::try_from(DOMAIN).map_err(io::Error::other)?;
        let tls = tls.map(|config| {
            let mut connection = ClientConnection::new(config.clone(), name.clone())?;
            connection.set_buffer_limit(None);
            Ok::<_, rustls::Error>(Box::new(connection))
        });
        let tls = tls.transpose().map_err(io::Error::other)?;
        let (rest, unwritten) = (Vec::new(), Vec::new());
        let mut link = Link { socket, tls, mux: LinkMux::new(), rest, unwritten };
        for number in numbers {
            let client = Client::new(ClientConfig::numbered(number, DOMAIN, &sent_by, 1));
            let place = link.mux.add(client);
            link.mux.client(place).open(&mut link.unwritten);
        }
        link.write()?;
        Ok(link)
    }

    /// Reads what is there and answers; those who are signed in by it join the room.
    pub fn read(&mut self, buffer: &mut [u8], room: &RoomRef, tally: &mut Tally) -> io::Result<()> {
        loop {
            let count = match &mut self.tls {
                None => socket::read(&self.socket, buffer)?,
                Some(tls) => match read_tls(tls, &mut self.socket, buffer)? {
                    Some(count) => count,
                    None => return self.write(),
                },
            };
            if count > 0 {
                self.receive(&buffer[..count], room, tally)?;
            }
            if self.tls.is_none() && count < buffer.len() {
                return self.write();
            }
        }
    }

    fn receive(&mut self, came: &[u8], room: &RoomRef, tally: &mut Tally) -> io::Result<()> {
        self.rest.extend_from_slice(came);
        let mut opened = Vec::new();
        let mut fault = None;
        let used = self
            .mux
            .receive(&self.rest, &mut self.unwritten, &mut |place, event| match event {
                ClientEvent::Opened { .. } => opened.push(place),
                ClientEvent::Delivered { post: Some(_), .. } => tally.deliveries += 1,
                ClientEvent::Joined { .. } => tally.joined += 1,
                ClientEvent::Posted { status: 200, .. } | ClientEvent::Noticed { .. } => {}
                ClientEvent::Replied { code: 200, .. } => {}
                other => fault = Some(format!("{other:?}")),
            })
            .map_err(|error| io::Error::new(ErrorKind::InvalidData, format!("{error:?}")))?;
        self.rest.drain(..used);
        for place in opened {
            self.mux.client(place).join(std::slice::from_ref(room), &mut self.unwritten);
        }
        fault.map_or(Ok(()), |fault| Err(io::Error::other(fault)))
    }

    /// Writes what waits; when the socket takes no more, news tells when it does.
    pub fn write(&mut self) -> io::Result<()> {
        let Some(tls) = &mut self.tls else {
            if !self.unwritten.is_empty() {
                let count = socket::write(&self.socket, &[IoSlice::new(&self.unwritten)])?;
                self.unwritten.drain(..count);
            }
            return Ok(());
        };
        tls.writer().write_all(&self.unwritten)?;
        self.unwritten.clear();
        while tls.wants_write() {
            match tls.write_tls(&mut self.socket) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// How many plain bytes there are, maybe none from what came; nothing when nothing came.
fn read_tls(
    tls: &mut ClientConnection,
    socket: &mut TcpStream,
    buffer: &mut [u8],
) -> io::Result<Option<usize>> {
    match tls.read_tls(socket) {
        Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
        Err(error) => return Err(error),
    }
    let state = tls.process_new_packets().map_err(io::Error::other)?;
    let waiting = state.plaintext_bytes_to_read();
    tls.reader().read_exact(&mut buffer[..waiting])?;
    Ok(Some(waiting))
}
