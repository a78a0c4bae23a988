//! One connection: a reader, a writer, and the clients that share it.

use super::world::World;
use parlance_loadgen::LinkMux;
use std::cell::{Cell, RefCell};
use std::net::{Ipv4Addr, Shutdown, SocketAddr};
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};
use tokio_uring::buf::BoundedBuf;
use tokio_uring::net::TcpStream;

/// Links from one source address: the kernel's range of ports holds about 28,000.
const LINKS_PER_ADDRESS: u32 = 16_000;
/// How long a connection may take to come up.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// A fresh link's read buffer; a busy link's grows to [`READ_BYTES_MAX`].
const READ_BYTES_MIN: usize = 8 * 1024;
/// Read buffers stop growing here, except for a message that is longer.
const READ_BYTES_MAX: usize = 256 * 1024;
/// A link with so many bytes unwritten does not read until they are gone.
const UNWRITTEN_BYTES_MAX: usize = 4 * 1024 * 1024;

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

/// A connection and its clients.
pub struct Link {
    index: u32,
    stream: TcpStream,
    pub sent_by: String,
    mux: RefCell<LinkMux>,
    /// Bytes to be written: all that one turn produced goes out in one write.
    unwritten: RefCell<Vec<u8>>,
    has_work: Signal,
    has_written: Signal,
    is_closed: Cell<bool>,
}

impl Link {
    /// Connects and starts the reader and the writer.
    pub fn connect(
        server: SocketAddr,
        index: u32,
        world: &Rc<RefCell<World>>,
    ) -> Result<Rc<Link>, String> {
        let stream = open(server, index).map_err(|error| format!("{server}: {error}"))?;
        let local = stream.local_addr().map_err(|error| error.to_string())?;
        stream.set_nodelay(true).map_err(|error| error.to_string())?;
        let link = Rc::new(Link {
            index,
            stream: TcpStream::from_std(stream),
            sent_by: local.to_string(),
            mux: RefCell::default(),
            unwritten: RefCell::default(),
            has_work: Signal::default(),
            has_written: Signal::default(),
            is_closed: Cell::new(false),
        });
        tokio_uring::spawn(Rc::clone(&link).write());
        tokio_uring::spawn(Rc::clone(&link).read(Rc::clone(world)));
        Ok(link)
    }

    /// Lets the clients say something; it is written in this turn, with all else that is due.
    pub fn with<R>(&self, act: impl FnOnce(&mut LinkMux, &mut Vec<u8>) -> R) -> R {
        let result = act(&mut self.mux.borrow_mut(), &mut self.unwritten.borrow_mut());
        self.has_work.set();
        result
    }

    /// Ends the connection; the tasks end with it.
    pub fn close(&self) {
        self.is_closed.set(true);
        let _ = self.stream.shutdown(Shutdown::Both);
        self.has_work.set();
        self.has_written.set();
    }

    async fn write(self: Rc<Link>) {
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

    async fn read(self: Rc<Link>, world: Rc<RefCell<World>>) {
        let mut buffer: Vec<u8> = Vec::with_capacity(READ_BYTES_MIN);
        let fault = loop {
            while self.unwritten.borrow().len() > UNWRITTEN_BYTES_MAX && !self.is_closed.get() {
                self.has_written.wait().await;
            }
            let filled = buffer.len();
            let (result, slice) = self.stream.read(buffer.slice(filled..)).await;
            buffer = slice.into_inner();
            match result {
                Ok(0) => break "closed by the server".to_owned(),
                Ok(_) => {}
                Err(error) => break error.to_string(),
            }
            match self.receive(&buffer, &world) {
                Ok(used) => drop(buffer.drain(..used)),
                Err(error) => break format!("unreadable stream: {error}"),
            }
            make_room(&mut buffer);
        };
        let now = Instant::now();
        let mut world = world.borrow_mut();
        if !self.is_closed.get() {
            world.link_fault(&fault);
        }
        self.mux
            .borrow_mut()
            .lost(&mut |place, event| world.on_event(self.index, place, event, now));
        self.close();
    }

    /// Reads what came; lets those who are signed in by it join their rooms.
    fn receive(
        &self,
        buffer: &[u8],
        world: &RefCell<World>,
    ) -> Result<usize, parlance_wire::sip::FrameError> {
        let now = Instant::now();
        let mut world = world.borrow_mut();
        let used = self.with(|mux, out| {
            let used = mux.receive(buffer, out, &mut |place, event| {
                world.on_event(self.index, place, event, now);
            })?;
            for (place, rooms) in world.take_joins() {
                mux.client(place).join(&rooms, out);
            }
            Ok(used)
        })?;
        Ok(used)
    }
}

/// Doubles a buffer that was full, and keeps room for the rest of a message longer than it.
fn make_room(buffer: &mut Vec<u8>) {
    let free = buffer.capacity() - buffer.len();
    if free < READ_BYTES_MIN / 2 {
        let is_small = buffer.capacity() < READ_BYTES_MAX;
        buffer.reserve(if is_small { buffer.capacity() } else { READ_BYTES_MIN });
    }
}

fn open(server: SocketAddr, index: u32) -> std::io::Result<std::net::TcpStream> {
    use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, connect, socket_with};
    let group = index / LINKS_PER_ADDRESS;
    if group == 0 || !server.is_ipv4() {
        return std::net::TcpStream::connect_timeout(&server, CONNECT_TIMEOUT);
    }
    let socket = socket_with(AddressFamily::INET, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    let source = u32::from(Ipv4Addr::LOCALHOST) + group;
    bind(&socket, &SocketAddr::from((Ipv4Addr::from(source), 0)))?;
    connect(&socket, &server)?;
    Ok(socket.into())
}
