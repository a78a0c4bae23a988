//! What waits to be written on one link.
//!
//! Heads (stamps, responses) lie one behind the other in one buffer; bodies are shared and never
//! copied. The shell writes the slices with one gathering write and says how many bytes went out.
//!
//! Most links have nothing to write most of the time, so an empty outbox is two words. The memory
//! comes from a [`Pool`] when there is something and goes back with the last byte: what was written
//! a moment ago is still in the processor's cache when the next link needs it.

use parlance_wire::sip::stamp::{document_of, info_rest};
use parlance_wire::xccos::join_notices;
use std::collections::{VecDeque, vec_deque};
use std::slice;
use std::sync::Arc;

/// A document rendered once and shared by everybody who gets it, behind what the INFOs that carry
/// it have in common ([`parlance_wire::sip::stamp::info_rest`]).
pub type Body = Arc<[u8]>;

/// A run of head bytes, then maybe a body.
#[derive(Debug)]
struct Segment {
    head_len: u32,
    has_body: bool,
}

/// A body and how many segments in a row end in it.
#[derive(Debug)]
struct Run {
    body: Body,
    count: u32,
}

/// An INFO at the end of a queue that others may still join. Its head is the last of the heads, but
/// no segment tells of it.
#[derive(Debug, Default)]
struct Open {
    head_len: u32,
    /// None: no INFO is open. So few at most ([`JOINED_BYTES_MAX`]) that a pool does not count
    /// their memory.
    bodies: Vec<Body>,
    /// Theirs together.
    bodies_bytes: usize,
}

/// What waits on one link.
#[derive(Debug, Default)]
struct Queue {
    heads: Vec<u8>,
    /// `heads[..heads_start]` is written already.
    heads_start: usize,
    segments: Vec<Segment>,
    /// `segments[..segments_start]` are written already.
    segments_start: usize,
    /// Bodies of the segments that have one, in order. Behind a front end many get the same.
    runs: VecDeque<Run>,
    /// Bytes of the first segment's body that are written already.
    body_start: usize,
    open: Open,
}

/// The queue of one link. Its bound is the link's budget: see [`Outbox::len`].
#[derive(Debug, Default)]
pub struct Outbox {
    len: usize,
    /// `None` while nothing waits.
    queue: Option<Box<Queue>>,
}

/// Memory of outboxes that are empty now, for those that will not be.
#[derive(Debug, Default)]
pub struct Pool {
    // Boxes change hands, so that an outbox is small.
    #[expect(clippy::vec_box)]
    queues: Vec<Box<Queue>>,
    /// What they hold.
    bytes: usize,
    /// Where joined bodies are put together.
    scratch: Vec<u8>,
}

/// Most queues a pool keeps; more links than that are seldom written in one turn.
const POOL_QUEUES_MAX: usize = 4 * 1024;
/// Most memory a pool keeps, in bytes: a few front ends' bursts, or many small ones.
const POOL_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Written heads are cut off when they are so many bytes, and most of the buffer; their segments
/// with them.
const WRITTEN_BYTES_MAX: usize = 64 * 1024;
/// Longest INFO that joining makes, in bytes without its stamp: some thirty notices of one who
/// came. One that is longer by itself stays alone.
const JOINED_BYTES_MAX: usize = 16 * 1024;

impl Pool {
    /// The memory that was in use last.
    fn take(&mut self) -> Box<Queue> {
        let queue = self.queues.pop().unwrap_or_default();
        self.bytes -= queue.capacity_bytes();
        queue
    }

    fn give_back(&mut self, mut queue: Box<Queue>) {
        queue.clear();
        let bytes = self.bytes + queue.capacity_bytes();
        if self.queues.len() < POOL_QUEUES_MAX && bytes <= POOL_BYTES_MAX {
            self.bytes = bytes;
            self.queues.push(queue);
        }
    }
}

impl Queue {
    fn capacity_bytes(&self) -> usize {
        self.heads.capacity()
            + self.segments.capacity() * size_of::<Segment>()
            + self.runs.capacity() * size_of::<Run>()
    }

    fn clear(&mut self) {
        self.heads.clear();
        self.heads_start = 0;
        self.segments.clear();
        self.segments_start = 0;
        self.runs.clear();
        self.body_start = 0;
    }

    /// Appends what `render` writes to the heads; how many bytes that is.
    fn push_head(&mut self, render: impl FnOnce(&mut Vec<u8>)) -> u32 {
        let before = self.heads.len();
        render(&mut self.heads);
        u32::try_from(self.heads.len() - before).expect("a head is far below 4 GiB")
    }

    /// Tells of a head that is the last of the heads, and of its body if it has one.
    // A call for each delivery is a hundredth of its cost.
    #[inline(always)]
    fn push_segment(&mut self, head_len: u32, body: Option<&Body>) {
        let has_body = body.is_some();
        match self.segments.last_mut() {
            // What was written last is not out: then there would be no queue.
            Some(last) if !last.has_body => {
                *last = Segment { head_len: last.head_len + head_len, has_body };
            }
            _ => self.segments.push(Segment { head_len, has_body }),
        }
        let Some(body) = body else { return };
        match self.runs.back_mut() {
            Some(run) if Arc::ptr_eq(&run.body, body) => run.count += 1,
            _ => self.runs.push_back(Run { body: body.clone(), count: 1 }),
        }
    }

    fn has_open(&self) -> bool {
        !self.open.bodies.is_empty()
    }

    /// Closes the open INFO; by how many bytes that makes the queue shorter. Most deliveries find
    /// none open, and are not to pay for this.
    #[cold]
    fn close(&mut self, scratch: &mut Vec<u8>) -> usize {
        let Open { head_len, bodies, bodies_bytes } = &mut self.open;
        let (head_len, bytes) = (*head_len, std::mem::take(bodies_bytes));
        match &bodies[..] {
            [] => unreachable!("an open INFO says something"),
            [_] => {
                let body = bodies.pop();
                self.push_segment(head_len, body.as_ref());
                0
            }
            several => {
                let documents = several.iter().map(|body| document_of(body));
                let joined = info_rest(scratch, |out| join_notices(out, documents));
                self.heads.extend_from_slice(joined);
                bodies.clear();
                self.push_segment(head_len + joined.len() as u32, None);
                bytes - joined.len()
            }
        }
    }

    /// Takes the front body away, which is written.
    fn pop_body(&mut self) {
        self.body_start = 0;
        let run = self.runs.front_mut().expect("a segment has a body");
        run.count -= 1;
        if run.count == 0 {
            self.runs.pop_front();
        }
    }

    /// Notes that the first `written` bytes are out, but not all.
    fn consume(&mut self, mut written: usize) {
        while let Some(segment) = self.segments.get_mut(self.segments_start) {
            let head = written.min(segment.head_len as usize);
            segment.head_len -= head as u32;
            self.heads_start += head;
            written -= head;
            if segment.head_len > 0 {
                break;
            }
            if segment.has_body {
                let body = &self.runs.front().expect("a segment has a body").body;
                let left = body.len() - self.body_start;
                if written < left {
                    self.body_start += written;
                    break;
                }
                written -= left;
                self.pop_body();
            }
            self.segments_start += 1;
        }
        if self.heads_start > WRITTEN_BYTES_MAX && self.heads_start * 2 > self.heads.len() {
            self.heads.drain(..std::mem::take(&mut self.heads_start));
            self.segments.drain(..std::mem::take(&mut self.segments_start));
        }
    }

    fn slices(&self) -> Slices<'_> {
        Slices {
            heads: &self.heads[self.heads_start..],
            segments: self.segments[self.segments_start..].iter(),
            runs: self.runs.iter(),
            body: &[],
            left: 0,
            written: self.body_start,
            next: &[],
        }
    }
}

/// What waits on a link, oldest first; no slice is empty.
///
/// Made and moved for each link that is written, so it is small and flat.
#[derive(Debug, Clone, Default)]
pub struct Slices<'q> {
    /// Those of `segments`.
    heads: &'q [u8],
    segments: slice::Iter<'q, Segment>,
    runs: vec_deque::Iter<'q, Run>,
    /// The body of the last segment.
    body: &'q [u8],
    /// How many more segments in a row end in it.
    left: u32,
    /// Bytes of the first body that are written already.
    written: usize,
    /// The body behind the head that was given last.
    next: &'q [u8],
}

impl<'q> Slices<'q> {
    fn body(&mut self) -> &'q [u8] {
        if self.left == 0 {
            let run = self.runs.next().expect("a segment has a body");
            (self.body, self.left) = (&run.body, run.count);
        }
        self.left -= 1;
        &self.body[std::mem::take(&mut self.written)..]
    }
}

impl<'q> Iterator for Slices<'q> {
    type Item = &'q [u8];

    fn next(&mut self) -> Option<&'q [u8]> {
        while self.next.is_empty() {
            let segment = self.segments.next()?;
            let (head, heads) = self.heads.split_at(segment.head_len as usize);
            self.heads = heads;
            if segment.has_body {
                self.next = self.body();
            }
            if !head.is_empty() {
                return Some(head);
            }
        }
        Some(std::mem::take(&mut self.next))
    }
}

impl Outbox {
    /// Bytes that wait.
    pub fn len(&self) -> usize {
        self.len
    }

    /// True when nothing waits.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The queue with no INFO open.
    // As above.
    #[inline(always)]
    fn closed(&mut self, pool: &mut Pool) -> &mut Queue {
        let queue = self.queue.get_or_insert_with(|| pool.take());
        if queue.has_open() {
            self.len -= queue.close(&mut pool.scratch);
        }
        queue
    }

    /// Appends a message without a shared body: `render` writes it into the buffer.
    pub fn push_head(&mut self, pool: &mut Pool, render: impl FnOnce(&mut Vec<u8>)) {
        let queue = self.closed(pool);
        let head_len = queue.push_head(render);
        queue.push_segment(head_len, None);
        self.len += head_len as usize;
    }

    /// Appends a message whose head `render` writes and whose body is shared.
    pub fn push(&mut self, pool: &mut Pool, body: &Body, render: impl FnOnce(&mut Vec<u8>)) {
        let queue = self.closed(pool);
        let head_len = queue.push_head(render);
        queue.push_segment(head_len, Some(body));
        self.len += head_len as usize + body.len();
    }

    /// The same with an INFO of notices that others may join. It does not count among what waits to
    /// be written until something else is appended or [`Outbox::close`] is called.
    pub fn push_open(&mut self, pool: &mut Pool, body: &Body, render: impl FnOnce(&mut Vec<u8>)) {
        let queue = self.closed(pool);
        let head_len = queue.push_head(render);
        queue.open.head_len = head_len;
        queue.open.bodies_bytes = body.len();
        queue.open.bodies.push(body.clone());
        self.len += head_len as usize + body.len();
    }

    /// Has the open INFO say these notices, too; false if none is open or it says enough.
    pub fn join(&mut self, body: &Body) -> bool {
        let Some(queue) = &mut self.queue else { return false };
        let Open { bodies, bodies_bytes, .. } = &mut queue.open;
        let can_join = !bodies.is_empty() && *bodies_bytes + body.len() <= JOINED_BYTES_MAX;
        if can_join {
            *bodies_bytes += body.len();
            bodies.push(body.clone());
            self.len += body.len();
        }
        can_join
    }

    /// May more notices join the last INFO?
    pub fn has_open(&self) -> bool {
        self.queue.as_ref().is_some_and(|queue| queue.has_open())
    }

    /// Nobody joins the open INFO any more: what waits is ready to be written.
    pub fn close(&mut self, pool: &mut Pool) {
        if let Some(queue) = self.queue.as_mut().filter(|queue| queue.has_open()) {
            self.len -= queue.close(&mut pool.scratch);
        }
    }

    /// What waits, without an INFO that is open.
    pub fn slices(&self) -> Slices<'_> {
        self.queue.as_deref().map(Queue::slices).unwrap_or_default()
    }

    /// Notes that the first `written` bytes are out.
    ///
    /// # Panics
    /// If that is more than what waits.
    pub fn consume(&mut self, pool: &mut Pool, written: usize) {
        assert!(written <= self.len, "cannot have written more than there was");
        self.len -= written;
        if self.len > 0 {
            self.queue.as_mut().expect("something waits").consume(written);
        } else if let Some(queue) = self.queue.take() {
            pool.give_back(queue);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use parlance_wire::xccos::{FromServer, Notice, decode_server, encode_notices};

    fn written(outbox: &Outbox) -> Vec<u8> {
        outbox.slices().flatten().copied().collect()
    }

    #[test]
    fn bytes_come_out_in_order_however_they_are_consumed() {
        for step in 1..12 {
            let (mut outbox, mut pool) = (Outbox::default(), Pool::default());
            let (body, last) = (Body::from(&b"BODY"[..]), Body::from(&b"LAST"[..]));
            outbox.push_head(&mut pool, |o| o.extend(b"one "));
            outbox.push(&mut pool, &body, |o| o.extend(b"two "));
            outbox.push(&mut pool, &body, |o| o.extend(b"three "));
            outbox.push_head(&mut pool, |o| o.extend(b"four "));
            outbox.push_head(&mut pool, |o| o.extend(b"five "));
            outbox.push(&mut pool, &body, |o| o.extend(b"six "));
            outbox.push(&mut pool, &last, |_| ());
            outbox.push_head(&mut pool, |o| o.extend(b" end"));
            let all = written(&outbox);
            assert_eq!(all, b"one two BODYthree BODYfour five six BODYLAST end");
            let mut seen = Vec::new();
            while !outbox.is_empty() {
                let now = written(&outbox);
                assert_eq!(now.len(), outbox.len());
                let n = step.min(now.len());
                seen.extend_from_slice(&now[..n]);
                outbox.consume(&mut pool, n);
            }
            assert_eq!(seen, all);
            assert_eq!(Arc::strong_count(&body), 1, "what is written is let go");
        }
    }

    #[test]
    fn a_shared_body_is_not_copied() {
        let body: Body = Arc::from(vec![7u8; 1000]);
        let (mut outbox, mut pool) = (Outbox::default(), Pool::default());
        for _ in 0..10 {
            outbox.push(&mut pool, &body, |o| o.extend(b"head"));
        }
        assert_eq!(Arc::strong_count(&body), 2, "the same ten times is kept once");
        assert!(outbox.slices().filter(|s| s.len() == 1000).all(|s| s.as_ptr() == body.as_ptr()));
    }

    /// A document with one notice: `who` left.
    fn notice(envid: u64, who: &str) -> Body {
        let users = vec![format!("sip:{who}@harbour.example")];
        let room_uri = "ma-chan://harbour.example/1".to_owned();
        let part = [Notice::Part { room_uri, users }];
        let mut buffer = Vec::new();
        Body::from(info_rest(&mut buffer, |out| encode_notices(out, envid, &part)))
    }

    #[test]
    fn notices_join_the_one_before_them_until_something_else_comes() {
        let (mut outbox, mut pool) = (Outbox::default(), Pool::default());
        assert!(!outbox.join(&notice(1, "nobody")), "nothing is open");
        outbox.push_head(&mut pool, |o| o.extend(b"first "));
        assert!(!outbox.join(&notice(1, "nobody")));
        let bodies = [notice(1, "kay"), notice(2, "lee"), notice(3, "max")];
        outbox.push_open(&mut pool, &bodies[0], |o| o.extend(b"CSeq: 7"));
        assert!(outbox.join(&bodies[1]) && outbox.join(&bodies[2]));
        assert_eq!(written(&outbox), b"first ", "what is open is not written yet");
        let open: usize = bodies.iter().map(|body| body.len()).sum();
        assert_eq!(outbox.len(), "first CSeq: 7".len() + open, "but it counts");
        outbox.push(&mut pool, &Body::from(&b"BODY"[..]), |o| o.extend(b" last "));
        let all = written(&outbox);
        assert_eq!(outbox.len(), all.len());
        let text = String::from_utf8(all).expect("it is text");
        let (head, rest) = text.split_once("\r\n\r\n").expect("one INFO");
        let document = rest.strip_suffix(" last BODY").expect("then the rest");
        assert!(head.starts_with("first CSeq: 7 INFO\r\n"), "{head}");
        assert!(head.ends_with(&format!("\r\nContent-Length: {}", document.len())), "{head}");
        let Ok(FromServer::Notices(notices)) = decode_server(document.as_bytes()) else {
            panic!("no notices: {document}")
        };
        assert_eq!(notices.len(), 3);
        assert!(document.contains("envid=\"1\"") && document.contains("seqid=\"3\""));
        assert!(!outbox.join(&bodies[0]), "something else came");
        outbox.push_open(&mut pool, &bodies[0], |o| o.extend(b"CSeq: 8"));
        outbox.close(&mut pool);
        assert!(!outbox.join(&bodies[1]), "it is closed");
        assert_eq!(Arc::strong_count(&bodies[0]), 2, "alone it is not copied");
        assert_eq!(outbox.len(), written(&outbox).len());
        assert_eq!(Arc::strong_count(&bodies[1]), 1, "what was joined is let go");
    }

    #[test]
    fn an_info_is_not_joined_beyond_its_bound() {
        let (mut outbox, mut pool) = (Outbox::default(), Pool::default());
        let long = notice(1, &"k".repeat(JOINED_BYTES_MAX));
        outbox.push_open(&mut pool, &long, |_| ());
        assert!(!outbox.join(&notice(2, "lee")), "too long by itself");
        let body = notice(3, "lee");
        outbox.push_open(&mut pool, &body, |_| ());
        while outbox.join(&body) {}
        outbox.close(&mut pool);
        let last = written(&outbox).len() - long.len();
        assert!((JOINED_BYTES_MAX / 4..=JOINED_BYTES_MAX).contains(&last), "{last}");
    }

    #[test]
    fn the_memory_of_an_empty_outbox_goes_to_the_next() {
        let mut pool = Pool::default();
        let fill = |pool: &mut Pool, bytes: usize| {
            let mut outbox = Outbox::default();
            outbox.push_head(pool, |o| o.resize(bytes, b'x'));
            let place = outbox.slices().next().map(<[u8]>::as_ptr);
            (outbox, place)
        };
        let (mut one, place) = fill(&mut pool, 1000);
        one.consume(&mut pool, 1000);
        assert!(one.queue.is_none() && pool.bytes >= 1000);
        let (mut two, same_place) = fill(&mut pool, 900);
        assert_eq!(place, same_place);
        assert_eq!(pool.bytes, 0);
        two.consume(&mut pool, 899);
        assert_eq!(written(&two), b"x");
        let (mut large, _) = fill(&mut pool, POOL_BYTES_MAX + 1);
        large.consume(&mut pool, POOL_BYTES_MAX + 1);
        assert_eq!(pool.bytes, 0, "the pool has a bound");
    }
}
