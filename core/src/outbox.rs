//! What waits to be written on one link.
//!
//! Heads (stamps, responses) lie one behind the other in one buffer; bodies are shared and never
//! copied. The shell writes the slices with one gathering write and says how many bytes went out.

use std::collections::VecDeque;
use std::sync::Arc;

/// A document rendered once and shared by everybody who gets it.
pub type Body = Arc<[u8]>;

/// A run of head bytes, then maybe a body.
#[derive(Debug)]
struct Segment {
    head_len: usize,
    body: Option<Body>,
}

/// The queue of one link. Its bound is the link's budget: see [`Outbox::len`].
#[derive(Debug, Default)]
pub struct Outbox {
    heads: Vec<u8>,
    /// `heads[..heads_start]` is written already.
    heads_start: usize,
    segments: VecDeque<Segment>,
    /// Bytes of the first segment's body that are written already.
    body_start: usize,
    len: usize,
}

/// An empty outbox keeps at most this much memory for the next burst.
const IDLE_CAPACITY_BYTES: usize = 4 * 1024;

impl Outbox {
    /// Bytes that wait.
    pub fn len(&self) -> usize {
        self.len
    }

    /// True when nothing waits.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Appends a message without a shared body: `render` writes it into the buffer.
    pub fn push_head(&mut self, render: impl FnOnce(&mut Vec<u8>)) {
        let before = self.heads.len();
        render(&mut self.heads);
        let added = self.heads.len() - before;
        self.len += added;
        match self.segments.back_mut() {
            Some(segment) if segment.body.is_none() => segment.head_len += added,
            _ => self.segments.push_back(Segment { head_len: added, body: None }),
        }
    }

    /// Appends a message whose head `render` writes and whose body is shared.
    pub fn push(&mut self, body: Body, render: impl FnOnce(&mut Vec<u8>)) {
        self.len += body.len();
        self.push_head(render);
        let segment = self.segments.back_mut().expect("push_head leaves a segment");
        segment.body = Some(body);
    }

    /// What waits, oldest first; empty slices are left out.
    pub fn slices(&self) -> impl Iterator<Item = &[u8]> {
        let mut at = self.heads_start;
        let mut skip = self.body_start;
        self.segments
            .iter()
            .flat_map(move |segment| {
                let head = &self.heads[at..at + segment.head_len];
                at += segment.head_len;
                let body = segment.body.as_deref().unwrap_or_default();
                let body = &body[std::mem::take(&mut skip)..];
                [head, body]
            })
            .filter(|slice| !slice.is_empty())
    }

    /// Notes that the first `written` bytes are out.
    ///
    /// # Panics
    /// If that is more than what waits.
    pub fn consume(&mut self, mut written: usize) {
        assert!(written <= self.len, "cannot have written more than there was");
        self.len -= written;
        while let Some(segment) = self.segments.front_mut() {
            let head = segment.head_len.min(written);
            segment.head_len -= head;
            self.heads_start += head;
            written -= head;
            if segment.head_len > 0 {
                break;
            }
            let left = segment.body.as_ref().map_or(0, |b| b.len()) - self.body_start;
            let body = left.min(written);
            written -= body;
            if body < left {
                self.body_start += body;
                break;
            }
            self.body_start = 0;
            self.segments.pop_front();
        }
        self.compact();
    }

    /// Gives memory back: at once when empty, else when most of the buffer is written.
    fn compact(&mut self) {
        if self.len == 0 {
            debug_assert!(self.segments.is_empty());
            self.heads.clear();
            self.heads_start = 0;
            if self.heads.capacity() > IDLE_CAPACITY_BYTES {
                self.heads = Vec::new();
                self.segments = VecDeque::new();
            }
        } else if self.heads_start > 64 * 1024 && self.heads_start * 2 > self.heads.len() {
            self.heads.drain(..self.heads_start);
            self.heads_start = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(outbox: &Outbox) -> Vec<u8> {
        outbox.slices().flatten().copied().collect()
    }

    #[test]
    fn bytes_come_out_in_order_however_they_are_consumed() {
        for step in 1..12 {
            let mut outbox = Outbox::default();
            let body: Body = Arc::from(&b"BODY"[..]);
            outbox.push_head(|o| o.extend(b"one "));
            outbox.push(body.clone(), |o| o.extend(b"two "));
            outbox.push(body, |o| o.extend(b"three "));
            outbox.push_head(|o| o.extend(b" end"));
            let all = written(&outbox);
            assert_eq!(all, b"one two BODYthree BODY end");
            let mut seen = Vec::new();
            while !outbox.is_empty() {
                let now = written(&outbox);
                assert_eq!(now.len(), outbox.len());
                let n = step.min(now.len());
                seen.extend_from_slice(&now[..n]);
                outbox.consume(n);
            }
            assert_eq!(seen, all);
        }
    }

    #[test]
    fn a_shared_body_is_not_copied() {
        let body: Body = Arc::from(vec![7u8; 1000]);
        let mut outbox = Outbox::default();
        for _ in 0..10 {
            outbox.push(body.clone(), |o| o.extend(b"head"));
        }
        assert_eq!(Arc::strong_count(&body), 11);
        assert!(outbox.slices().filter(|s| s.len() == 1000).all(|s| s.as_ptr() == body.as_ptr()));
    }
}
