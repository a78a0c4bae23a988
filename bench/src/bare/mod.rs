//! The bare limit: what a server on this machine cannot do for less.
//!
//! One thread that does the same reads and writes as the broker and nothing else. For each delivery
//! it makes the head of the dialog's next INFO by the same stamp, and gathers it and the one shared
//! body into a write of the socket: one write per message that comes alone, one for all that wait
//! for the same socket. What clients answer is read and thrown away unseen. There is no window, no
//! order of sessions and rooms, no timer, no log, and nothing that could be refused.
//!
//! Clients notice no difference: they sign in ([`door`]), and each delivery has as many bytes as
//! the broker's.

mod door;
mod fan;

use crate::socket::{self, Poll};
use crate::{Outcome, cpu};
use door::Door;
use fan::Fan;
use socket2::{Domain, Socket, Type};
use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::time::Duration;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Core to run on.
    #[arg(long)]
    core: usize,
    /// Links written before those that have sent something are read again: as many as the broker
    /// writes at once (half its `fanout_slice`).
    #[arg(long, default_value_t = 256)]
    slice: usize,
}

/// Read at once from one link, bytes; as in the broker.
const BUFFER_BYTES: usize = 64 * 1024;
/// As in the broker (`server/src/shell/listen.rs`), which says why.
const BACKLOG: i32 = 4096;
const UNSENT_BYTES: u32 = 256 * 1024;
/// The listening socket's token; links count from 0.
const LISTENER: usize = usize::MAX;

/// Serves until it is killed.
///
/// # Errors
/// If the system or a client refuses.
pub fn run(args: &Args) -> Outcome<()> {
    cpu::bind(args.core)?;
    let listener = listen()?;
    let mut poll = Poll::new()?;
    poll.add(&listener, LISTENER)?;
    let mut out = io::stdout();
    writeln!(out, "ready sip={}", listener.local_addr()?)?;
    let mut door = Door::default();
    let mut fan = Fan::default();
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let patience = fan.has_work().then_some(Duration::ZERO);
        for index in 0..poll.wait(patience)? {
            let news = poll.news(index);
            if news.token == LISTENER {
                accept(&listener, &poll, &mut door, &mut fan)?;
                continue;
            }
            if news.writable {
                fan.unblock(news.token);
            }
            if news.readable && !take_in(news.token, &mut buffer, &mut door, &mut fan)? {
                return Ok(());
            }
        }
        fan.write(args.slice)?;
    }
}

/// Reads what there is on a link; false when the clients have ended, as they do with the run.
fn take_in(token: usize, buffer: &mut [u8], door: &mut Door, fan: &mut Fan) -> Outcome<bool> {
    loop {
        let Ok(count) = socket::read(fan.socket(token), buffer) else { return Ok(false) };
        if door.is_watching(token) {
            door.read(token, &buffer[..count], fan)?;
        }
        if count < buffer.len() {
            return Ok(true);
        }
    }
}

fn listen() -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.set_tcp_nodelay(true)?;
    socket.set_tcp_notsent_lowat(UNSENT_BYTES)?;
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

fn accept(listener: &TcpListener, poll: &Poll, door: &mut Door, fan: &mut Fan) -> io::Result<()> {
    loop {
        let socket = match listener.accept() {
            Ok((socket, _)) => socket,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        };
        door.add(socket.local_addr()?);
        let token = fan.add(socket);
        poll.add(fan.socket(token), token)?;
    }
}
