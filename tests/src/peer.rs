//! A peer without manners: a blocking link that sends whatever it is given, and a dialog on it
//! whose requests can be tampered with.
//!
//! Well-behaved clients are `parlance_loadgen::Client`; here every byte is the test's.

use crate::server::DOMAIN;
use parlance_wire::sip::{Frame, Framer, Message, Request, Response, StartLine};
use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Longer than any deadline of the server that a test waits for.
const PATIENCE: Duration = Duration::from_secs(60);

/// The service's URI.
pub fn service() -> String {
    format!("sip:ocschat@{DOMAIN}")
}

/// One whole message as received.
#[derive(Debug, Clone)]
pub struct Received {
    bytes: Vec<u8>,
    head_len: usize,
}

impl Received {
    /// As spans.
    pub fn message(&self) -> Message<'_> {
        Message::parse(&self.bytes, self.head_len).expect("what the server writes can be read")
    }

    /// Status of a response. Read on its own: an answer to what cannot be read repeats headers that
    /// cannot be read either.
    pub fn status(&self) -> Option<u16> {
        let line = self.bytes.strip_prefix(b"SIP/2.0 ")?;
        std::str::from_utf8(line.get(..3)?).ok()?.parse().ok()
    }
}

/// A link to the server.
#[derive(Debug)]
pub struct Peer {
    stream: TcpStream,
    framer: Framer,
    unread: Vec<u8>,
}

impl Peer {
    /// Connects.
    pub fn connect(address: SocketAddr) -> Peer {
        let stream = TcpStream::connect(address).expect("the server accepts links");
        stream.set_nodelay(true).expect("a socket option");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket option");
        stream.set_write_timeout(Some(PATIENCE)).expect("a socket option");
        Peer { stream, framer: Framer::default(), unread: Vec::new() }
    }

    /// Sends bytes. A server that has closed the link already is no fault of the test.
    pub fn send(&mut self, bytes: &[u8]) {
        if let Err(error) = self.stream.write_all(bytes) {
            assert!(is_end(error.kind()), "cannot send: {error}");
        }
    }

    /// Says that nothing more will come.
    pub fn finish(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// The next message; `None` when the server has closed the link.
    pub fn receive(&mut self) -> Option<Received> {
        loop {
            match self.framer.next(&self.unread).expect("the server frames its messages") {
                Some(Frame::KeepAlive { len }) => drop(self.unread.drain(..len)),
                Some(Frame::Message { head_len, len }) => {
                    let bytes = self.unread.drain(..len).collect();
                    return Some(Received { bytes, head_len });
                }
                None if !self.read() => return None,
                None => {}
            }
        }
    }

    /// Reads until the server closes the link; the statuses of the responses on the way.
    pub fn until_closed(&mut self) -> Vec<u16> {
        std::iter::from_fn(|| self.receive()).filter_map(|m| m.status()).collect()
    }

    fn read(&mut self) -> bool {
        let mut buffer = [0; 16 * 1024];
        match self.stream.read(&mut buffer) {
            Ok(0) => false,
            Ok(len) => {
                self.unread.extend_from_slice(&buffer[..len]);
                true
            }
            // A machine that was paused and goes on interrupts a read with a deadline.
            Err(error) if error.kind() == ErrorKind::Interrupted => true,
            Err(error) if is_end(error.kind()) => false,
            Err(error) => panic!("the server neither answers nor closes the link: {error}"),
        }
    }
}

fn is_end(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::NotConnected)
}

/// Constants of one dialog, enough to write requests that belong to it.
#[derive(Debug, Clone)]
pub struct Names {
    /// User part; the domain is [`DOMAIN`].
    pub user: String,
    /// Call-ID.
    pub call_id: String,
    /// Our tag.
    pub from_tag: String,
    /// The server's tag; empty before the INVITE is answered.
    pub to_tag: String,
    /// Endpoint identifier; none if empty.
    pub epid: String,
}

impl Names {
    /// Names of a dialog that does not exist yet; different at each call.
    pub fn fresh(user: &str) -> Names {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        Names {
            user: user.to_owned(),
            call_id: format!("peer-{count}"),
            from_tag: format!("tag{count}"),
            to_tag: String::new(),
            epid: String::new(),
        }
    }

    /// `sip:user@domain`.
    pub fn uri(&self) -> String {
        format!("sip:{}@{DOMAIN}", self.user)
    }

    /// Writes a request; `headers` are whole further lines.
    pub fn request(
        &self,
        method: &str,
        cseq: u32,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Vec<u8> {
        let mut out = Vec::new();
        let tag = if self.to_tag.is_empty() { "" } else { ";tag=" };
        let epid = if self.epid.is_empty() { "" } else { ";epid=" };
        let mut request = Request::new(&mut out, method, &service())
            .header("Via", "SIP/2.0/TCP 127.0.0.1:1")
            .header(
                "From",
                format_args!("<{}>;tag={}{epid}{}", self.uri(), self.from_tag, self.epid),
            )
            .header("To", format_args!("<{}>{tag}{}", service(), self.to_tag))
            .header("Call-ID", &self.call_id)
            .header("CSeq", format_args!("{cseq} {method}"))
            .header("Max-Forwards", 70);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        if body.is_empty() {
            request.empty()
        } else {
            request.body("text/plain", body)
        }
        out
    }
}

/// An open dialog on a link of its own.
#[derive(Debug)]
pub struct Dialog {
    /// Its link.
    pub peer: Peer,
    /// Its constants.
    pub names: Names,
    /// CSeq of the last request.
    pub cseq: u32,
    /// Bodies of the server's requests, answered and not yet asked for.
    inbox: VecDeque<Vec<u8>>,
}

impl Dialog {
    /// Opens a dialog as `user`.
    pub fn open(address: SocketAddr, user: &str) -> Dialog {
        Dialog::open_as(address, Names::fresh(user))
    }

    /// Opens a dialog with these constants.
    pub fn open_as(address: SocketAddr, names: Names) -> Dialog {
        Dialog::invite(address, names).expect("the dialog opens")
    }

    /// Opens a dialog with these constants, unless that is refused: then the status.
    pub fn invite(address: SocketAddr, names: Names) -> Result<Dialog, u16> {
        let mut peer = Peer::connect(address);
        peer.send(&names.request("INVITE", 1, &[], b""));
        Dialog::conclude(peer, names)
    }

    /// Waits for the 200 to an INVITE that was sent as number 1, and acknowledges it.
    pub fn confirm(peer: Peer, names: Names) -> Dialog {
        Dialog::conclude(peer, names).expect("the dialog opens")
    }

    fn conclude(mut peer: Peer, mut names: Names) -> Result<Dialog, u16> {
        let answer = peer.receive().expect("an INVITE is answered");
        match answer.status().expect("by a response") {
            200 => {}
            status => return Err(status),
        }
        names.to_tag = answer.message().to().tag().expect("a 200 has a tag").to_owned();
        peer.send(&names.request("ACK", 1, &[], b""));
        Ok(Dialog { peer, names, cseq: 1, inbox: VecDeque::new() })
    }

    /// Sends a request of the dialog and waits for its answer. Requests of the server that come in
    /// between are answered.
    pub fn ask(&mut self, method: &str, headers: &[(&str, &str)], body: &[u8]) -> u16 {
        self.cseq += 1;
        let request = self.names.request(method, self.cseq, headers, body);
        self.peer.send(&request);
        self.answer()
    }

    /// An INFO with this document.
    pub fn info(&mut self, document: &[u8]) -> u16 {
        self.ask("INFO", &[], document)
    }

    /// Waits for the answer to our last request.
    pub fn answer(&mut self) -> u16 {
        loop {
            let (number, status) = self.next_answer();
            if number == self.cseq {
                return status;
            }
        }
    }

    /// Waits for an answer to any of our requests: its CSeq and status. Requests of the server that
    /// come in between are answered.
    pub fn next_answer(&mut self) -> (u32, u16) {
        self.last_answer().expect("the link stays")
    }

    /// The same on a link that the server may close: `None` then.
    pub fn last_answer(&mut self) -> Option<(u32, u16)> {
        loop {
            let received = self.peer.receive()?;
            let message = received.message();
            match message.start() {
                StartLine::Response { status, .. } => {
                    return Some((message.cseq().number, status));
                }
                StartLine::Request { .. } => self.take_in(&received),
            }
        }
    }

    /// Joins a room by its GUID: the code of the server's reply.
    pub fn join(&mut self, room: &str) -> u16 {
        let data = format!("<chanid key=\"0\" domain=\"{DOMAIN}\" value=\"{room}\"/>");
        assert_eq!(self.info(&command("join", &data)), 200);
        loop {
            let told = String::from_utf8(self.told()).expect("documents are UTF-8");
            let code = told.split_once("<resp code=\"").and_then(|(_, rest)| rest.split_once('"'));
            if let Some((code, _)) = code {
                return code.parse().expect("a code is a number");
            }
        }
    }

    /// The next request of the server, answered: its body.
    pub fn told(&mut self) -> Vec<u8> {
        while self.inbox.is_empty() {
            let received = self.peer.receive().expect("the link stays");
            if received.status().is_none() {
                self.take_in(&received);
            }
        }
        self.inbox.pop_front().expect("not empty")
    }

    fn take_in(&mut self, request: &Received) {
        let mut out = Vec::new();
        Response::to(&request.message(), &mut out, 200, None).empty();
        self.peer.send(&out);
        self.inbox.push_back(request.message().body().to_vec());
    }
}

/// A document of a client around `content`.
pub fn document(content: &str) -> Vec<u8> {
    let namespace = parlance_wire::xccos::NAMESPACE;
    format!("<xccos ver=\"1\" envid=\"1\" xmlns=\"{namespace}\">{content}</xccos>").into_bytes()
}

/// A `cmd` with this `data`.
pub fn command(name: &str, data: &str) -> Vec<u8> {
    document(&format!("<cmd id=\"cmd:{name}\" seqid=\"1\"><data>{data}</data></cmd>"))
}

/// A `grpchat`.
pub fn post(room_uri: &str, author: &str, text: &str) -> Vec<u8> {
    document(&format!(
        "<grpchat id=\"grpchat\" seqid=\"1\" chanUri=\"{room_uri}\" author=\"{author}\" \
         ts=\"2024-01-01T00:00:00Z\"><chat>{text}</chat></grpchat>"
    ))
}
