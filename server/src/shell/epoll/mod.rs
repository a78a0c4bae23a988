//! The epoll shell, which serves unless told otherwise (docs/adr/0008).
//!
//! A plain loop on a thread per shard, with the same driver as the io_uring shell: run what was
//! woken, end the turn, do what is due, ask the kernel. What is woken meanwhile waits for the next
//! round, so that links which are ready all the time cannot keep others out.

mod ready;
mod stream;

use super::driver::{Driver, LinkKey};
use super::{Control, Report, Seat, doorbell::Doorbell};
use parlance_core::{LinkInfo, Transport};
use ready::{Ready, Task};
use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use rustix::io::Errno;
use slotmap::{Key, KeyData, SecondaryMap};
use std::io;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use stream::EpollStream;

/// Events taken from the kernel at once.
const EVENTS_MAX: usize = 1024;
/// Connections accepted on one socket before other events get their turn.
const ACCEPTS_PER_EVENT: usize = 64;
/// Pause after an accept that failed for want of something.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);
/// What an event belongs to. Keys of links are beyond 2^32 (a slotmap's versions start at 1);
/// listening sockets are counted from 0.
const BELL_TOKEN: u64 = u32::MAX as u64;

/// Starts the thread of one shard. What becomes of it is told to the seat's supervisor.
///
/// # Errors
/// If there is no thread to be had.
pub fn start(seat: Seat) -> io::Result<JoinHandle<()>> {
    let name = format!("shard-{}", seat.setup.id.0);
    std::thread::Builder::new().name(name).spawn(move || {
        if let Some(cpu) = seat.cpu {
            crate::machine::bind_thread(&crate::config::CpuSet([cpu].into()));
        }
        let (id, supervisor) = (seat.setup.id, seat.supervisor.clone());
        match Shell::new(seat) {
            Ok(mut shell) => {
                // If nobody listens any more, the process is ending anyway.
                let _ = supervisor.send(Report::Started(id));
                loop {
                    shell.round();
                }
            }
            Err(error) => _ = supervisor.send(Report::Failed(id, error.to_string())),
        }
    })
}

/// A listening socket.
struct Listening {
    socket: TcpListener,
    transport: Transport,
}

/// One shard's loop.
struct Shell {
    driver: Driver<EpollStream>,
    epoll: OwnedFd,
    ready: Arc<Ready>,
    wakers: SecondaryMap<LinkKey, Waker>,
    mail_waker: Waker,
    bell: Arc<Doorbell>,
    control: Control,
    listeners: Vec<Listening>,
    /// Accepting goes on then, after a shortage.
    accept_again: Option<Instant>,
    /// So many handshakes go on that TLS connections wait to be accepted.
    is_tls_full: bool,
    /// Tasks of this round, and events; kept for their memory.
    tasks: Vec<Task>,
    events: Vec<epoll::Event>,
}

impl Shell {
    fn new(seat: Seat) -> io::Result<Shell> {
        let Seat { setup, parts, past, listeners, bell, control, .. } = seat;
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let ready = Ready::new()?;
        let bell_token = epoll::EventData::new_u64(BELL_TOKEN);
        epoll::add(&epoll, ready.event(), bell_token, epoll::EventFlags::IN)?;
        let listening = |(socket, transport): (TcpListener, _)| Listening { socket, transport };
        let listeners: Vec<Listening> = listeners.into_iter().map(listening).collect();
        for (index, listener) in listeners.iter().enumerate() {
            listener.socket.set_nonblocking(true)?;
            let token = epoll::EventData::new_u64(index as u64);
            epoll::add(&epoll, &listener.socket, token, epoll::EventFlags::IN)?;
        }
        let shard = super::furnish(setup, past, parts.clock);
        let mail_waker = Ready::waker(&ready, Task::Mail);
        ready.push(Task::Mail);
        Ok(Shell {
            driver: Driver::new(shard, parts),
            epoll,
            mail_waker,
            ready,
            wakers: SecondaryMap::new(),
            bell,
            control,
            listeners,
            accept_again: None,
            is_tls_full: false,
            tasks: Vec::new(),
            events: Vec::with_capacity(EVENTS_MAX),
        })
    }

    /// One round of the loop.
    fn round(&mut self) {
        let mut tasks = std::mem::take(&mut self.tasks);
        self.ready.take(&mut tasks);
        for task in tasks.drain(..) {
            match task {
                Task::Mail => self.mail(),
                Task::Link(key) => self.poll_link(key),
            }
        }
        self.tasks = tasks;
        if self.driver.poll_turn(&mut Context::from_waker(Waker::noop())).is_ready() {
            self.driver.end_turn();
        }
        if self.until_deadline().is_zero() {
            self.driver.on_deadline();
        }
        self.wait();
        self.handle_events();
        self.resume_accepting();
    }

    fn until_deadline(&self) -> Duration {
        let micros = self.driver.deadline().map(|deadline| self.driver.micros_until(deadline));
        // The driver always has a deadline: it publishes numbers.
        Duration::from_micros(micros.unwrap_or(1_000_000))
    }

    /// Waits for the kernel's news; not at all when something is left to do.
    fn wait(&mut self) {
        let is_turn_due = self.driver.poll_turn(&mut Context::from_waker(Waker::noop())).is_ready();
        let patience = match is_turn_due || !self.ready.is_empty() {
            true => Duration::ZERO,
            false => self.until_deadline(),
        };
        let patience = Timespec {
            tv_sec: patience.as_secs().try_into().unwrap_or(i64::MAX),
            tv_nsec: patience.subsec_nanos().into(),
        };
        self.events.clear();
        let events = spare_capacity(&mut self.events);
        match epoll::wait(&self.epoll, events, Some(&patience)) {
            Ok(_) | Err(Errno::INTR) => (),
            Err(error) => panic!("epoll stopped working: {error}"),
        }
    }

    fn handle_events(&mut self) {
        for index in 0..self.events.len() {
            let event = self.events[index];
            match event.data.u64() {
                BELL_TOKEN => self.ready.clear_event(),
                listener @ 0..BELL_TOKEN => self.accept(listener as usize),
                link => {
                    let key = LinkKey::from(KeyData::from_ffi(link));
                    // An event may be late: its link is gone, and so is its key.
                    if let Some(stream) = self.driver.stream(key) {
                        stream.news(event.flags);
                        self.ready.push(Task::Link(key));
                    }
                }
            }
        }
    }

    fn mail(&mut self) {
        let mut cx = Context::from_waker(&self.mail_waker);
        while self.bell.poll_rung(&mut cx).is_ready() {
            if self.control.take_drain() {
                self.driver.drain();
                // Dropping them closes them, and the kernel forgets them.
                self.listeners.clear();
            }
            if self.driver.receive_mail() {
                self.bell.ring();
                return;
            }
        }
    }

    fn poll_link(&mut self, key: LinkKey) {
        let Some(waker) = self.wakers.get(key) else { return };
        if self.driver.poll_link(key, &mut Context::from_waker(waker)).is_ready() {
            self.wakers.remove(key);
        }
    }

    fn accept(&mut self, index: usize) {
        for _ in 0..ACCEPTS_PER_EVENT {
            let Some(listener) = self.listeners.get(index) else { return };
            if listener.transport == Transport::Tls && !self.driver.takes_handshakes() {
                self.is_tls_full = true;
                return self.listen_for(Some(Transport::Tls), epoll::EventFlags::empty());
            }
            match listener.socket.accept() {
                Ok((socket, peer)) => {
                    // Without an address it is gone already.
                    let Ok(local) = socket.local_addr() else { continue };
                    let transport = listener.transport;
                    let info = LinkInfo { peer, local, transport, is_front_end: false };
                    self.take_in(socket, info);
                }
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => return,
                Err(e) if super::is_shortage(&e) => return self.pause_accepting(&e),
                // The peer gave up before we came to it.
                Err(_) => (),
            }
        }
    }

    fn take_in(&mut self, socket: std::net::TcpStream, info: LinkInfo) {
        let Ok(key) = self.driver.accepted(EpollStream::new(socket), info) else { return };
        self.wakers.insert(key, Ready::waker(&self.ready, Task::Link(key)));
        let flags = epoll::EventFlags::IN | epoll::EventFlags::OUT | epoll::EventFlags::RDHUP;
        let token = epoll::EventData::new_u64(key.data().as_ffi());
        let stream = self.driver.stream(key).expect("it was just taken in");
        // Told of changes only: a link that we do not read for now must not wake us all the time.
        let added = epoll::add(&self.epoll, &*stream, token, flags | epoll::EventFlags::ET);
        if let Err(error) = added {
            tracing::warn!(%error, effect = "the link is closed", "epoll takes no more links");
            stream.abandon();
        }
        self.ready.push(Task::Link(key));
    }

    fn pause_accepting(&mut self, error: &io::Error) {
        super::tell_shortage(error);
        self.accept_again = Some(Instant::now() + ACCEPT_PAUSE);
        self.listen_for(None, epoll::EventFlags::empty());
    }

    fn resume_accepting(&mut self) {
        if self.accept_again.is_some_and(|again| again <= Instant::now()) {
            self.accept_again = None;
            self.listen_for(None, epoll::EventFlags::IN);
        }
        if self.is_tls_full && self.accept_again.is_none() && self.driver.takes_handshakes() {
            self.is_tls_full = false;
            self.listen_for(Some(Transport::Tls), epoll::EventFlags::IN);
        }
    }

    /// Asks the kernel for news of the listening sockets of one transport, or of all.
    fn listen_for(&self, transport: Option<Transport>, flags: epoll::EventFlags) {
        for (index, listener) in self.listeners.iter().enumerate() {
            if transport.is_some_and(|transport| transport != listener.transport) {
                continue;
            }
            let token = epoll::EventData::new_u64(index as u64);
            epoll::modify(&self.epoll, &listener.socket, token, flags)
                .expect("a listening socket stays registered until it is closed");
        }
    }
}
