//! Listening sockets: for each address one per shard, among which the kernel spreads connections.

use socket2::{Domain, Socket, Type};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, Instant};

/// Connections that may wait to be accepted, per socket; the kernel lowers it to
/// `net.core.somaxconn`. Large, for all users of a pool may come back within a minute.
const BACKLOG: i32 = 4096;

/// Bytes the kernel may hold of a link that it has not yet sent. What waits beyond stays in the
/// link's outbox, where bodies are shared between links and bounds count. It also keeps a slow
/// reader from looking like a dead one: the kernel tells of room as soon as less than this is left,
/// not only when a third of a buffer of megabytes is free.
const UNSENT_BYTES: u32 = 256 * 1024;

/// How often a taken address is tried again.
const AGAIN_EVERY: Duration = Duration::from_millis(50);

/// Binds `count` sockets to `address` and returns the address in force (port 0 lets the kernel
/// choose) and the sockets, listening.
///
/// A taken address is tried again for as long as `patience`: after a server's end the kernel takes
/// its rings down in its own time, and what they listened on with them, so that a server started
/// right afterwards would find its own ports taken.
///
/// # Errors
/// The system's; `AddrInUse` also if another server of the same user shares its ports as we do.
pub fn bind(
    address: SocketAddr,
    count: usize,
    patience: Duration,
) -> io::Result<(SocketAddr, Vec<TcpListener>)> {
    // SO_REUSEPORT would let us share the port with another server of the same user, and clients
    // would reach either by chance. A socket without it finds that out.
    if address.port() != 0 {
        await_free(address, patience)?;
    }
    let first = bound(address, true)?;
    let address = first.local_addr()?.as_socket().expect("it was bound to an IP address");
    let mut sockets = vec![first];
    for _ in 1..count {
        sockets.push(bound(address, true)?);
    }
    let listening = |socket: Socket| -> io::Result<TcpListener> {
        socket.listen(BACKLOG)?;
        Ok(socket.into())
    };
    let listeners = sockets.into_iter().map(listening).collect::<io::Result<_>>()?;
    Ok((address, listeners))
}

fn await_free(address: SocketAddr, patience: Duration) -> io::Result<()> {
    let end = Instant::now() + patience;
    loop {
        match bound(address, false) {
            Ok(_) => return Ok(()),
            Err(e) if e.kind() == io::ErrorKind::AddrInUse && Instant::now() < end => {
                std::thread::sleep(AGAIN_EVERY);
            }
            Err(e) => return Err(e),
        }
    }
}

fn bound(address: SocketAddr, is_shared: bool) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(is_shared)?;
    // Accepted sockets inherit both. We gather writes ourselves; Nagle would only add delay.
    socket.set_tcp_nodelay(true)?;
    socket.set_tcp_notsent_lowat(UNSENT_BYTES)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepted_sockets_inherit_the_options() {
        let (address, listeners) = bind("127.0.0.1:0".parse().unwrap(), 1, Duration::ZERO).unwrap();
        let _client = std::net::TcpStream::connect(address).unwrap();
        let accepted = Socket::from(listeners[0].accept().unwrap().0);
        assert!(accepted.tcp_nodelay().unwrap());
        assert_eq!(accepted.tcp_notsent_lowat().unwrap(), UNSENT_BYTES);
    }

    #[test]
    fn sockets_share_one_port_but_not_with_another_server() {
        let (address, listeners) = bind("127.0.0.1:0".parse().unwrap(), 3, Duration::ZERO).unwrap();
        assert_ne!(address.port(), 0);
        assert!(listeners.iter().all(|l| l.local_addr().unwrap() == address));
        let again = bind(address, 1, Duration::ZERO).expect_err("the port is taken");
        assert_eq!(again.kind(), io::ErrorKind::AddrInUse);
        drop(listeners);
        assert!(bind(address, 1, Duration::ZERO).is_ok());
    }
}
