//! Two clients who chat while others misbehave: what they see is the proof that walls hold.

use crate::server::{DOMAIN, Room};
use parlance_loadgen::{Client, ClientConfig, ClientEvent, LinkMux, PostId};
use parlance_wire::xccos::RoomRef;
use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// What a bystander may wait for one thing to happen. A post waits for a sync of the disk, which a
/// machine that builds and copies beside the test can hold up for many seconds.
const PATIENCE: Duration = Duration::from_secs(60);
/// Bytes of each message.
const TEXT_BYTES: usize = 200;

/// What one of them has seen.
#[derive(Debug, Default)]
struct Seen {
    is_open: bool,
    is_joined: bool,
    /// Number of the last message.
    last_id: u64,
    /// Messages of the two, not yet asked for, in order.
    messages: VecDeque<PostId>,
    accepted: Option<PostId>,
}

#[derive(Debug)]
struct Bystander {
    stream: TcpStream,
    mux: LinkMux,
    unread: Vec<u8>,
    seen: Seen,
}

impl Bystander {
    fn connect(address: SocketAddr, number: u32) -> Bystander {
        let stream = TcpStream::connect(address).expect("the server accepts links");
        stream.set_nodelay(true).expect("a socket option");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket option");
        let sent_by = stream.local_addr().expect("a connected socket").to_string();
        let mut mux = LinkMux::new();
        mux.add(Client::new(ClientConfig::numbered(number, DOMAIN, &sent_by, 7)));
        Bystander { stream, mux, unread: Vec::new(), seen: Seen::default() }
    }

    fn act<T>(&mut self, act: impl FnOnce(&mut Client, &mut Vec<u8>) -> T) -> T {
        let mut out = Vec::new();
        let result = act(self.mux.client(0), &mut out);
        self.stream.write_all(&out).expect("a bystander's link stays");
        result
    }

    fn until(&mut self, what: &str, is_done: impl Fn(&Seen) -> bool) {
        while !is_done(&self.seen) {
            self.read(what);
        }
    }

    fn read(&mut self, what: &str) {
        let mut buffer = [0; 16 * 1024];
        let len = self.stream.read(&mut buffer);
        let len = len.unwrap_or_else(|e| panic!("a bystander waits for {what} in vain: {e}"));
        assert!(len > 0, "a bystander's link was closed while it waited for {what}");
        self.unread.extend_from_slice(&buffer[..len]);
        let (mut out, seen) = (Vec::new(), &mut self.seen);
        let used = self.mux.receive(&self.unread, &mut out, &mut |_, event| note(seen, event));
        self.unread.drain(..used.expect("the server frames its messages"));
        self.stream.write_all(&out).expect("a bystander's link stays");
    }
}

fn note(seen: &mut Seen, event: ClientEvent<'_>) {
    match event {
        ClientEvent::Opened { .. } => seen.is_open = true,
        ClientEvent::Joined { .. } => seen.is_joined = true,
        ClientEvent::Posted { post, status } => {
            assert_eq!(status, 200, "a bystander's post was refused");
            seen.accepted = Some(post);
        }
        ClientEvent::Delivered { chat_id, author, text, post, .. } => {
            let is_next = seen.last_id == 0 || chat_id == seen.last_id + 1;
            assert!(is_next, "message {chat_id} came after {}", seen.last_id);
            seen.last_id = chat_id;
            // Others may be in the room and say what they like, but not in a bystander's name.
            if author.starts_with("sip:u90000") {
                let post = post.expect("bystanders mark their messages");
                assert_eq!(author, format!("sip:u{}@{DOMAIN}", post.client));
                assert!(post.is_intact(text), "a bystander's text was damaged: {text:?}");
                seen.messages.push_back(post);
            }
        }
        ClientEvent::Replied { .. } | ClientEvent::Noticed { .. } => {}
        other => panic!("a bystander was disturbed: {other:?}"),
    }
}

/// The two.
#[derive(Debug)]
pub struct Bystanders {
    both: [Bystander; 2],
    room: RoomRef,
}

impl Bystanders {
    /// Signs both in and lets them into the room.
    pub fn arrive(address: SocketAddr, room: &Room) -> Bystanders {
        let room = RoomRef::parse(&room.uri()).expect("a room URI");
        let both = [900_001, 900_002].map(|number| {
            let mut bystander = Bystander::connect(address, number);
            bystander.act(|client, out| client.open(out));
            bystander.until("its dialog", |seen| seen.is_open);
            bystander.act(|client, out| client.join(std::slice::from_ref(&room), out));
            bystander.until("its room", |seen| seen.is_joined);
            bystander
        });
        Bystanders { both, room }
    }

    /// Each says `count` things in turn; each post must be accepted and reach both, in order.
    pub fn talk(&mut self, count: usize) {
        for turn in 0..2 * count {
            let Bystanders { both, room } = self;
            let author = &mut both[turn % 2];
            let post = author.act(|client, out| client.post(room, TEXT_BYTES, out));
            author.until("the answer to its post", |seen| seen.accepted == Some(post));
            for bystander in both {
                bystander.until("a message", |seen| !seen.messages.is_empty());
                assert_eq!(bystander.seen.messages.pop_front(), Some(post), "out of order");
            }
        }
        for bystander in &self.both {
            assert!(bystander.seen.messages.is_empty(), "a message came twice");
        }
    }
}
