//! The fan-out itself: heads by stamp, one shared body, one gathering write per socket.

use crate::socket;
use parlance_wire::sip::Stamp;
use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::net::TcpStream;

/// Most messages in one write: the kernel takes 1,024 slices, two for each.
const MESSAGES_MAX: usize = 512;

/// One dialog.
#[derive(Debug)]
pub struct Session {
    pub stamp: Stamp,
    /// INFOs before the first post.
    pub cseq: u32,
}

/// Where a link's next byte is.
#[derive(Debug, Clone, Copy, Default)]
struct Cursor {
    /// Counted from the first post of all.
    post: usize,
    /// Place on the link.
    session: usize,
    /// Bytes of that message that are written.
    offset: usize,
}

#[derive(Debug)]
struct Link {
    socket: TcpStream,
    sessions: Vec<Session>,
    /// What goes out before any delivery: answers and replies while signing in.
    first: Vec<u8>,
    cursor: Cursor,
    /// In the queue of links that have something to write.
    is_queued: bool,
    /// The socket takes nothing, until news says that it does.
    is_blocked: bool,
}

/// All links and the posts that are not with everybody.
#[derive(Debug, Default)]
pub struct Fan {
    links: Vec<Link>,
    queue: VecDeque<usize>,
    blocked: usize,
    posts: VecDeque<Vec<u8>>,
    /// Posts that are with everybody and forgotten.
    past: usize,
    /// Heads of one write, and where each ends; kept for their memory.
    heads: Vec<u8>,
    ends: Vec<usize>,
}

impl Fan {
    /// Takes in a link; its token.
    pub fn add(&mut self, socket: TcpStream) -> usize {
        self.links.push(Link {
            socket,
            sessions: Vec::new(),
            first: Vec::new(),
            cursor: Cursor::default(),
            is_queued: false,
            is_blocked: false,
        });
        self.links.len() - 1
    }

    pub fn socket(&self, token: usize) -> &TcpStream {
        &self.links[token].socket
    }

    pub fn sessions(&mut self, token: usize) -> &mut Vec<Session> {
        &mut self.links[token].sessions
    }

    /// Somebody is still signing in, or something waits that is no delivery.
    pub fn say(&mut self, token: usize, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.links[token].first);
        self.enqueue(token);
    }

    /// One document for everybody, with what all INFOs have in common in front.
    pub fn post(&mut self, body: Vec<u8>) {
        self.posts.push_back(body);
        (0..self.links.len()).for_each(|token| self.enqueue(token));
    }

    fn enqueue(&mut self, token: usize) {
        let link = &mut self.links[token];
        if !link.is_blocked && !std::mem::replace(&mut link.is_queued, true) {
            self.queue.push_back(token);
        }
    }

    /// There are links to write to.
    pub fn has_work(&self) -> bool {
        !self.queue.is_empty()
    }

    /// The socket takes bytes again.
    pub fn unblock(&mut self, token: usize) {
        if std::mem::replace(&mut self.links[token].is_blocked, false) {
            self.blocked -= 1;
            self.enqueue(token);
        }
    }

    /// Writes up to `count` links.
    pub fn write(&mut self, count: usize) -> io::Result<()> {
        for _ in 0..count {
            let Some(token) = self.queue.pop_front() else { break };
            self.links[token].is_queued = false;
            if !self.write_link(token)? {
                self.links[token].is_blocked = true;
                self.blocked += 1;
            }
        }
        if self.queue.is_empty() && self.blocked == 0 {
            self.past += self.posts.len();
            self.posts.clear();
        }
        Ok(())
    }

    /// Writes until nothing waits, or (then false) the socket takes no more.
    fn write_link(&mut self, token: usize) -> io::Result<bool> {
        let link = &mut self.links[token];
        if !link.first.is_empty() {
            let written = socket::write(&link.socket, &[IoSlice::new(&link.first)])?;
            link.first.drain(..written);
            if !link.first.is_empty() {
                return Ok(false);
            }
        }
        loop {
            self.stamp(token);
            if self.ends.is_empty() {
                return Ok(true);
            }
            let link = &mut self.links[token];
            let (mut slices, mut all) = (Vec::with_capacity(2 * self.ends.len()), 0);
            let (mut at, mut start) = (link.cursor, 0);
            for end in &self.ends {
                let head = &self.heads[start..*end];
                let body = &self.posts[at.post - self.past][..];
                // Of the first message, a part may be written already.
                let of_head = at.offset.min(head.len());
                slices.push(IoSlice::new(&head[of_head..]));
                slices.push(IoSlice::new(&body[at.offset - of_head..]));
                all += head.len() + body.len() - at.offset;
                start = *end;
                at.advance(link.sessions.len());
            }
            let written = socket::write(&link.socket, &slices)?;
            if written < all {
                self.move_on(token, written);
                return Ok(false);
            }
            link.cursor = at;
        }
    }

    /// Makes the heads of what waits for the link.
    fn stamp(&mut self, token: usize) {
        self.heads.clear();
        self.ends.clear();
        let link = &self.links[token];
        let mut at = link.cursor;
        while at.post - self.past < self.posts.len()
            && self.ends.len() < MESSAGES_MAX
            && !link.sessions.is_empty()
        {
            let session = &link.sessions[at.session];
            let cseq = session.cseq + 1 + at.post as u32;
            session.stamp.write(&mut self.heads, cseq);
            self.ends.push(self.heads.len());
            at.advance(link.sessions.len());
        }
    }

    /// The socket took only these bytes of what was stamped.
    fn move_on(&mut self, token: usize, written: usize) {
        let link = &mut self.links[token];
        let (mut left, mut start) = (link.cursor.offset + written, 0);
        for end in &self.ends {
            let len = end - start + self.posts[link.cursor.post - self.past].len();
            if left < len {
                break;
            }
            left -= len;
            start = *end;
            link.cursor.advance(link.sessions.len());
        }
        link.cursor.offset = left;
    }
}

impl Cursor {
    /// To the next message of a link with so many sessions.
    fn advance(&mut self, sessions: usize) {
        let is_last = self.session + 1 == sessions;
        (self.post, self.session) =
            if is_last { (self.post + 1, 0) } else { (self.post, self.session + 1) };
        self.offset = 0;
    }
}
