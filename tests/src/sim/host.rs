//! Well-meaning clients and the machines they run on: one client each, or a front end of many.

use super::ledger::Ledger;
use super::witness::Witness;
use parlance_loadgen::{Client, LinkMux};
use parlance_wire::limits::XCCOS_REPLY_BYTES_MAX;
use parlance_wire::sip::{Frame, Framer};

/// One client.
#[derive(Debug)]
pub struct Persona {
    /// Its host.
    pub host: usize,
    /// Its place there.
    pub place: usize,
    /// Posts so far.
    pub posts: u32,
    /// Never faulty by itself.
    pub is_steady: bool,
    /// Sends what it should not.
    pub is_naughty: bool,
    /// When it began to sign in or out.
    pub busy_since: u64,
    /// Says that it forgot its dialog.
    pub is_forgetful: bool,
    /// Makes no request in its dialog until then.
    pub quiet_until: u64,
}

/// One machine.
#[derive(Debug)]
pub struct Host {
    mux: LinkMux,
    /// Its clients by their place, in the world's numbering.
    pub clients: Vec<usize>,
    /// Its connection.
    pub pipe: Option<usize>,
    /// It carries many.
    pub is_front_end: bool,
    inbox: Vec<u8>,
    framer: Framer,
    /// SIP as seen here.
    pub witness: Witness,
}

impl Host {
    /// A machine without clients.
    pub fn new(is_front_end: bool, window: u32) -> Host {
        Host {
            mux: LinkMux::new(),
            clients: Vec::new(),
            pipe: None,
            is_front_end,
            inbox: Vec::new(),
            framer: framer(),
            witness: Witness::new(window),
        }
    }

    /// Puts a client on it; its place.
    pub fn add(&mut self, client: Client, number: usize) -> usize {
        self.clients.push(number);
        self.mux.add(client)
    }

    /// The client at `place`.
    pub fn client(&mut self, place: usize) -> &mut Client {
        self.mux.client(place)
    }

    /// Bytes arrive; what the clients answer is appended to `out`.
    pub fn receive(&mut self, bytes: &[u8], out: &mut Vec<u8>, ledger: &mut Ledger) {
        self.inbox.extend_from_slice(bytes);
        let inbox = std::mem::take(&mut self.inbox);
        let mut at = 0;
        loop {
            match self.framer.next(&inbox[at..]) {
                Ok(Some(Frame::Message { head_len, len })) => {
                    self.message(&inbox[at..at + len], head_len, out, ledger);
                    at += len;
                }
                Ok(Some(Frame::KeepAlive { len })) => at += len,
                Ok(None) => break,
                Err(error) => {
                    ledger.violate(format!("the server's bytes cannot be framed: {error}"));
                    return;
                }
            }
        }
        self.inbox = inbox[at..].to_vec();
    }

    fn message(&mut self, bytes: &[u8], head_len: usize, out: &mut Vec<u8>, ledger: &mut Ledger) {
        self.witness.received(bytes, head_len);
        let clients = &self.clients;
        let used = self.mux.receive(bytes, out, &mut |place, event| {
            ledger.on_event(clients[place], &event);
        });
        assert_eq!(used, Ok(bytes.len()), "the same framer found a whole message");
    }

    /// The connection is gone.
    pub fn lost(&mut self, ledger: &mut Ledger) {
        let clients = &self.clients;
        self.mux.lost(&mut |place, event| ledger.on_event(clients[place], &event));
        self.pipe = None;
        self.inbox.clear();
        self.framer = framer();
        self.witness.lost();
    }

    /// The connection is gone, and a front end that will make a new one tells those only who wait
    /// for an answer; the others find out by the answer to their next request.
    pub fn hide_loss(&mut self, ledger: &mut Ledger) {
        for place in 0..self.clients.len() {
            let client = self.mux.client(place);
            if client.unanswered() > 0 || !client.is_open() {
                self.crash(place, ledger);
            }
            ledger.forgotten(self.clients[place]);
        }
        self.mux.relinked();
        self.pipe = None;
        self.inbox.clear();
        self.framer = framer();
        self.witness.lost();
    }

    /// One client crashes; the others and the connection stay.
    pub fn crash(&mut self, place: usize, ledger: &mut Ledger) {
        let client = self.clients[place];
        self.mux.client(place).link_lost(&mut |event| ledger.on_event(client, &event));
    }
}

/// A server's replies may be longer than anything it reads.
fn framer() -> Framer {
    Framer::with_body_bytes_max(XCCOS_REPLY_BYTES_MAX)
}
