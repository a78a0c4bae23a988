//! One link: its clients, and the connection that carries it, which may be another one after a
//! loss.

use super::backoff;
use super::connection::{Connection, Fault, Pace, is_absence};
use super::laggards::Reader;
use super::plan::Plan;
use super::world::World;
use parlance_loadgen::{Client, LinkMux};
use parlance_wire::sip::FrameError;
use std::cell::{Cell, RefCell};
use std::io;
use std::rc::Rc;
use std::time::Instant;

/// A link and its clients.
pub struct Link {
    index: u32,
    plan: Rc<Plan>,
    world: Rc<RefCell<World>>,
    mux: RefCell<LinkMux>,
    connection: RefCell<Rc<Connection>>,
    /// It is the same for each connection.
    pace: Cell<Pace>,
}

impl Link {
    /// Connects, and keeps the link up as the plan wants it.
    pub async fn open(
        index: u32,
        plan: &Rc<Plan>,
        world: &Rc<RefCell<World>>,
    ) -> Result<Rc<Link>, String> {
        let connection =
            connect(plan, index).await.map_err(|error| format!("{}: {error}", plan.server))?;
        let link = Rc::new(Link {
            index,
            plan: Rc::clone(plan),
            world: Rc::clone(world),
            mux: RefCell::new(LinkMux::counting()),
            connection: RefCell::new(connection),
            pace: Cell::new(Pace::Free),
        });
        tokio_uring::spawn(Rc::clone(&link).keep());
        Ok(link)
    }

    fn connection(&self) -> Rc<Connection> {
        Rc::clone(&self.connection.borrow())
    }

    /// Our end of it, as Via names it.
    pub fn sent_by(&self) -> String {
        self.connection().sent_by.clone()
    }

    /// Lets the clients say something; it is written in this turn, with all else that is due.
    pub fn with<R>(&self, act: impl FnOnce(&mut LinkMux, &mut Vec<u8>) -> R) -> R {
        self.connection().write_with(|out| act(&mut self.mux.borrow_mut(), out))
    }

    /// Adds a client, which signs in at once, or when the link is up again.
    pub fn add(&self, client: Client) {
        let is_up = !self.connection().is_closed();
        self.with(|mux, out| {
            let place = mux.add(client);
            if is_up {
                mux.client(place).open(out);
            }
        });
    }

    /// From now on it reads so fast.
    pub fn set_pace(&self, pace: Pace) {
        self.pace.set(pace);
        self.connection().set_pace(pace);
    }

    /// Ends the connection; the tasks end with it.
    pub fn close(&self) {
        self.connection().close();
    }

    /// Reads until the link is lost; then, if the plan says so, opens it again, and so on.
    async fn keep(self: Rc<Link>) {
        let mut tries = 0;
        loop {
            let connection = self.connection();
            let fault = connection.read(|bytes| self.receive(bytes)).await;
            if self.lose(&connection, &fault) {
                tries = 0;
            }
            let Some(connection) = self.connect_again(&mut tries).await else { return };
            connection.set_pace(self.pace.get());
            *self.connection.borrow_mut() = connection;
            self.sign_in_again();
        }
    }

    /// The connection is over: tells everybody. True when somebody was signed in on it.
    fn lose(&self, connection: &Connection, fault: &Fault) -> bool {
        connection.close();
        let now = Instant::now();
        let mut world = self.world.borrow_mut();
        world.link_lost(self.index, fault);
        let mut mux = self.mux.borrow_mut();
        let was_used = mux.clients().iter().any(Client::is_open);
        mux.lost(&mut |place, event| world.on_event(self.index, place, event, now));
        was_used
    }

    /// Tries until it works; `None` when the run does not want the link any more.
    async fn connect_again(&self, tries: &mut u32) -> Option<Rc<Connection>> {
        while self.world.borrow().wants_links() {
            tokio::time::sleep(backoff::wait(self.plan.seed, self.index, *tries)).await;
            *tries += 1;
            match connect(&self.plan, self.index).await {
                Ok(connection) if self.world.borrow().wants_links() => return Some(connection),
                Ok(connection) => connection.close(),
                Err(error) if is_absence(&error) => {}
                Err(error) => self.world.borrow_mut().error(format!("connect: {error}")),
            }
        }
        None
    }

    /// The link is up again: so are its clients soon.
    fn sign_in_again(&self) {
        self.world.borrow_mut().measured.counts.links_reopened += 1;
        let places = self.mux.borrow().clients().len();
        (0..places).for_each(|place| self.sign_in(place));
    }

    pub fn sign_in(&self, place: usize) {
        let connection = self.connection();
        if connection.is_closed() {
            return; // With the next connection, then.
        }
        self.with(|mux, out| {
            let client = mux.client(place);
            if client.is_idle() {
                client.move_to(&connection.sent_by);
                client.open(out);
                self.world.borrow_mut().signs_in_again(self.index, place);
            }
        });
    }

    /// A sign-in that the server had no room for, or a dialog it gave up, is tried again.
    async fn sign_in_later(self: Rc<Link>, place: usize, tries: u32) {
        let who = self.mux.borrow().clients()[place].config().number;
        tokio::time::sleep(backoff::wait(self.plan.seed, who, tries)).await;
        if self.world.borrow().wants_links() {
            self.sign_in(place);
        }
    }

    /// Reads what came; lets those who are signed in by it join their rooms.
    fn receive(self: &Rc<Link>, buffer: &[u8]) -> Result<usize, FrameError> {
        let now = Instant::now();
        let mut world = self.world.borrow_mut();
        let used = self.with(|mux, out| {
            let used = mux.receive(buffer, out, &mut |place, event| {
                world.on_event(self.index, place, event, now);
            });
            for (place, rooms) in world.take_joins() {
                let client = mux.client(place);
                if client.is_open() {
                    client.join(&rooms, out);
                }
            }
            for (place, command) in world.take_pages() {
                let client = mux.client(place);
                if client.is_open() {
                    client.command(&command, out);
                }
            }
            used
        });
        for (place, tries) in world.take_idle() {
            tokio_uring::spawn(Rc::clone(self).sign_in_later(place, tries));
        }
        used
    }
}

/// The kernel's part of what a reader that does not read may be behind: as little as it gives.
const RECEIVE_BUFFER_BYTES_MIN: u32 = 4096;

async fn connect(plan: &Plan, index: u32) -> io::Result<Rc<Connection>> {
    let is_behind = plan.reader_of(index) != Reader::Good;
    let receive_buffer_bytes = is_behind.then_some(RECEIVE_BUFFER_BYTES_MIN);
    Connection::open(plan.server, plan.source_of(index), receive_buffer_bytes).await
}
