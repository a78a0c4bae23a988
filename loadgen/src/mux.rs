//! Many clients on one link, as behind a front end: bytes in, the right client found by Call-ID.

use crate::client::{CallId, Client, ClientEvent, Recent, call_id_client, fast};
use parlance_wire::limits::XCCOS_REPLY_BYTES_MAX;
use parlance_wire::sip::{Frame, FrameError, Framer, Message, Method, Response, StartLine};

/// The clients of one link and the framer of what the server sends on it.
#[derive(Debug)]
pub struct LinkMux {
    framer: Framer,
    clients: Vec<Client>,
    /// Numbers of the clients and their places in `clients`, by number: many get the same post
    /// one after the other, and most often in this order.
    places: Vec<(u32, usize)>,
    /// By place: what [`Client::short_way`] says, as long as it is known to be so. A post to
    /// thousands is answered without a look at any client, each of which lies far from the next.
    short_ways: Vec<Option<CallId>>,
    recent: Recent,
}

impl Default for LinkMux {
    fn default() -> LinkMux {
        LinkMux {
            framer: framer(),
            clients: Vec::new(),
            places: Vec::new(),
            short_ways: Vec::new(),
            recent: Recent::default(),
        }
    }
}

impl LinkMux {
    /// A link without clients.
    pub fn new() -> LinkMux {
        LinkMux::default()
    }

    /// The same, on which notices are counted instead of read where that is possible: in a storm
    /// there are more of them than of all else.
    pub fn counting() -> LinkMux {
        let mut mux = LinkMux::default();
        mux.recent.counts = true;
        mux
    }

    /// Adds a client; its place, which stays valid for the life of the link. Numbers must differ.
    pub fn add(&mut self, client: Client) -> usize {
        let place = self.clients.len();
        let number = client.config().number;
        let Err(at) = self.at(number) else { panic!("two clients of one number on a link") };
        self.places.insert(at, (number, place));
        self.clients.push(client);
        self.short_ways.push(None);
        place
    }

    /// The clients in the order they were added.
    pub fn clients(&self) -> &[Client] {
        &self.clients
    }

    /// The client at `place`.
    pub fn client(&mut self, place: usize) -> &mut Client {
        self.short_ways[place] = None;
        &mut self.clients[place]
    }

    /// Reads all whole messages at the front of `buffer`; how many bytes were used up. The caller
    /// keeps the rest and passes it again with more behind it. Each event comes with the place of
    /// its client. After an error the link is of no use.
    pub fn receive(
        &mut self,
        buffer: &[u8],
        out: &mut Vec<u8>,
        events: &mut dyn FnMut(usize, ClientEvent<'_>),
    ) -> Result<usize, FrameError> {
        let mut used = 0;
        while let Some(frame) = self.framer.next(&buffer[used..])? {
            match frame {
                Frame::KeepAlive { len } => used += len,
                Frame::Message { head_len, len } => {
                    self.dispatch(&buffer[used..used + len], head_len, out, events);
                    used += len;
                }
            }
        }
        Ok(used)
    }

    fn dispatch(
        &mut self,
        bytes: &[u8],
        head_len: usize,
        out: &mut Vec<u8>,
        events: &mut dyn FnMut(usize, ClientEvent<'_>),
    ) {
        let (head, body) = bytes.split_at(head_len);
        let call_id = fast::call_id(head).unwrap_or_default();
        if let Some(place) = self.place(call_id) {
            let client = &mut self.clients[place];
            let short_way = &mut self.short_ways[place];
            let mut events = |event: ClientEvent<'_>| events(place, event);
            if short_way.is_none() {
                *short_way = client.short_way();
            }
            let is_ours = short_way.is_some_and(|known| known.is(call_id));
            if !is_ours || !self.recent.deliver(head, body, out, &mut events) {
                *short_way = None;
                client.handle_unread(bytes, head_len, out, &mut events);
            }
            return;
        }
        let Ok(message) = Message::parse(bytes, head_len) else { return };
        match self.place(message.call_id().as_bytes()) {
            Some(place) => {
                self.client(place).handle(&message, out, &mut |event| events(place, event));
            }
            None => answer_stranger(&message, out),
        }
    }

    fn place(&self, call_id: &[u8]) -> Option<usize> {
        let at = self.at(call_id_client(call_id)?).ok()?;
        Some(self.places[at].1)
    }

    /// Where a number is in `places`, or belongs.
    fn at(&self, number: u32) -> Result<usize, usize> {
        self.places.binary_search_by_key(&number, |(number, _)| *number)
    }

    /// The link was exchanged for a new one, as a front end does that hides this from its clients.
    pub fn relinked(&mut self) {
        self.framer = framer();
    }

    /// The link is gone: tells every client.
    pub fn lost(&mut self, events: &mut dyn FnMut(usize, ClientEvent<'_>)) {
        self.framer = framer();
        self.short_ways.fill(None);
        for (place, client) in self.clients.iter_mut().enumerate() {
            client.link_lost(&mut |event| events(place, event));
        }
    }
}

/// A server's replies may be longer than anything it reads.
fn framer() -> Framer {
    Framer::with_body_bytes_max(XCCOS_REPLY_BYTES_MAX)
}

/// A request for nobody here: 481, so that the server drops the dialog.
fn answer_stranger(message: &Message<'_>, out: &mut Vec<u8>) {
    match message.start() {
        StartLine::Response { .. } | StartLine::Request { method: Method::Ack, .. } => {}
        StartLine::Request { .. } => Response::to(message, out, 481, None).empty(),
    }
}
