//! One TCP connection: a reader and a writer on the ring.

use std::cell::{Cell, RefCell};
use std::io;
use std::net::{Ipv4Addr, Shutdown, SocketAddr};
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;
use tokio::net::TcpSocket;
use tokio_uring::buf::BoundedBuf;
use tokio_uring::net::TcpStream;

/// How long a connection may take to come up.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// A fresh link's read buffer; a busy link's grows to [`READ_BYTES_MAX`].
const READ_BYTES_MIN: usize = 8 * 1024;
/// Read buffers stop growing here, except for a message that is longer.
const READ_BYTES_MAX: usize = 256 * 1024;
/// A link with so many bytes unwritten does not read until they are gone. A server stops reading
/// from a link that does not take what waits for it; if we stopped then, too, both would wait. So
/// this is more than the answers to all that a server and two kernels may hold for a link.
const UNWRITTEN_BYTES_MAX: usize = 64 * 1024 * 1024;
/// A slow reader reads so often, each time its part of what it may in a second.
const SLOW_READS_PER_SECOND: u32 = 10;

/// Wakes one waiting task, at once or when it comes to wait.
#[derive(Default)]
struct Signal {
    is_set: Cell<bool>,
    waiting: RefCell<Option<Waker>>,
}

impl Signal {
    fn set(&self) {
        self.is_set.set(true);
        if let Some(waker) = self.waiting.borrow_mut().take() {
            waker.wake();
        }
    }

    async fn wait(&self) {
        std::future::poll_fn(|context| {
            if self.is_set.replace(false) {
                return Poll::Ready(());
            }
            *self.waiting.borrow_mut() = Some(context.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

/// How fast a link reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// As fast as something comes.
    Free,
    /// No more than so many bytes a second.
    BytesPerSecond(u32),
    /// Not at all.
    Stopped,
}

/// Why nothing more is read.
pub enum Fault {
    /// We closed it, or writing failed.
    Closed,
    /// The other side ended it, in good order or not, as the end of its process does too.
    Ended(String),
    /// What came cannot be read, or the system has another complaint.
    Broken(String),
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Fault {
        match is_absence(&error) {
            true => Fault::Ended(error.to_string()),
            false => Fault::Broken(error.to_string()),
        }
    }
}

/// Does the other side's absence explain this error?
pub fn is_absence(error: &io::Error) -> bool {
    use io::ErrorKind::{
        BrokenPipe, ConnectionAborted, ConnectionRefused, ConnectionReset, TimedOut,
    };
    let kinds = [BrokenPipe, ConnectionAborted, ConnectionRefused, ConnectionReset, TimedOut];
    kinds.contains(&error.kind())
}

/// See the module's text.
pub struct Connection {
    stream: TcpStream,
    pub sent_by: String,
    /// Bytes to be written: all that one turn produced goes out in one write.
    unwritten: RefCell<Vec<u8>>,
    has_work: Signal,
    has_written: Signal,
    pace: Cell<Pace>,
    has_pace: Signal,
    is_closed: Cell<bool>,
}

impl Connection {
    /// Connects from `source` (the system's choice without) and starts the writer. The kernel keeps
    /// what was not read up to `receive_buffer_bytes` (its own choice without).
    pub async fn open(
        server: SocketAddr,
        source: Option<Ipv4Addr>,
        receive_buffer_bytes: Option<u32>,
    ) -> io::Result<Rc<Connection>> {
        let stream = connect(server, source, receive_buffer_bytes).await?;
        let connection = Rc::new(Connection {
            sent_by: stream.local_addr()?.to_string(),
            stream: TcpStream::from_std(stream),
            unwritten: RefCell::default(),
            has_work: Signal::default(),
            has_written: Signal::default(),
            pace: Cell::new(Pace::Free),
            has_pace: Signal::default(),
            is_closed: Cell::new(false),
        });
        tokio_uring::spawn(Rc::clone(&connection).write());
        Ok(connection)
    }

    /// Ends it; its tasks end with it.
    pub fn close(&self) {
        self.is_closed.set(true);
        let _ = self.stream.shutdown(Shutdown::Both);
        self.has_work.set();
        self.has_written.set();
        self.has_pace.set();
    }

    /// From now on it reads so fast.
    pub fn set_pace(&self, pace: Pace) {
        self.pace.set(pace);
        self.has_pace.set();
    }

    pub fn is_closed(&self) -> bool {
        self.is_closed.get()
    }

    /// Lets somebody append to what is to be written.
    pub fn write_with<R>(&self, act: impl FnOnce(&mut Vec<u8>) -> R) -> R {
        let result = act(&mut self.unwritten.borrow_mut());
        self.has_work.set();
        result
    }

    /// Waits until something may be read; how many bytes.
    async fn allowance(&self) -> usize {
        loop {
            match self.pace.get() {
                Pace::Stopped if !self.is_closed.get() => self.has_pace.wait().await,
                Pace::Free | Pace::Stopped => return usize::MAX,
                Pace::BytesPerSecond(bytes) => {
                    tokio::time::sleep(Duration::from_secs(1) / SLOW_READS_PER_SECOND).await;
                    if self.pace.get() == Pace::BytesPerSecond(bytes) {
                        return (bytes / SLOW_READS_PER_SECOND).max(1) as usize;
                    }
                }
            }
        }
    }

    async fn write(self: Rc<Connection>) {
        let mut bytes = Vec::new();
        while !self.is_closed.get() {
            self.has_work.wait().await;
            loop {
                std::mem::swap(&mut bytes, &mut *self.unwritten.borrow_mut());
                if bytes.is_empty() {
                    break;
                }
                let (result, buffer) = self.stream.write_all(bytes).await;
                bytes = buffer;
                bytes.clear();
                self.has_written.set();
                if result.is_err() {
                    return self.close(); // The reader tells the world.
                }
            }
        }
    }

    /// Reads until the end. `take` is given what came and says how much of it was used up.
    pub async fn read<E: std::fmt::Display>(
        &self,
        mut take: impl FnMut(&[u8]) -> Result<usize, E>,
    ) -> Fault {
        let mut buffer: Vec<u8> = Vec::with_capacity(READ_BYTES_MIN);
        loop {
            while self.unwritten.borrow().len() > UNWRITTEN_BYTES_MAX && !self.is_closed.get() {
                self.has_written.wait().await;
            }
            let most = self.allowance().await;
            let filled = buffer.len();
            let end = filled.saturating_add(most).min(buffer.capacity());
            let (result, slice) = self.stream.read(buffer.slice(filled..end)).await;
            buffer = slice.into_inner();
            let read = match result {
                Ok(0) | Err(_) if self.is_closed.get() => return Fault::Closed,
                Ok(0) => return Fault::Ended("closed by the server".to_owned()),
                Ok(count) => count,
                Err(error) => return error.into(),
            };
            match take(&buffer) {
                Ok(used) => drop(buffer.drain(..used)),
                Err(error) => return Fault::Broken(format!("unreadable stream: {error}")),
            }
            make_room(&mut buffer, read);
        }
    }
}

/// Doubles a buffer that was full, and keeps room for the rest of a message longer than it. Gives
/// one back that grew for the replies of a sign-in and has `read` little since.
fn make_room(buffer: &mut Vec<u8>, read: usize) {
    if buffer.is_empty() && read < READ_BYTES_MIN / 2 && buffer.capacity() > READ_BYTES_MIN {
        *buffer = Vec::with_capacity(READ_BYTES_MIN);
    }
    let free = buffer.capacity() - buffer.len();
    if free < READ_BYTES_MIN / 2 {
        let is_small = buffer.capacity() < READ_BYTES_MAX;
        buffer.reserve(if is_small { buffer.capacity() } else { READ_BYTES_MIN });
    }
}

async fn connect(
    server: SocketAddr,
    source: Option<Ipv4Addr>,
    receive_buffer_bytes: Option<u32>,
) -> io::Result<std::net::TcpStream> {
    let socket = if server.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    if let Some(source) = source {
        socket.bind(SocketAddr::from((source, 0)))?;
    }
    if let Some(bytes) = receive_buffer_bytes {
        socket.set_recv_buffer_size(bytes)?;
    }
    let connected = tokio::time::timeout(CONNECT_TIMEOUT, socket.connect(server)).await;
    let stream = connected.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))?.into_std()?;
    stream.set_nodelay(true)?;
    // The ring waits by itself.
    stream.set_nonblocking(false)?;
    Ok(stream)
}
