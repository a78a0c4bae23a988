//! The mark in each post's text: `p:<client>:<seq>`, a blank, padding.
//!
//! The text says which post it is, so that a delivery can be traced to it whatever the server does;
//! the padding follows from the mark, so that damage to the text is seen too.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Which post of which client: unique in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PostId {
    /// Number of the client that posted it.
    pub client: u32,
    /// Number of the post, unique for the client.
    pub seq: u32,
}

impl fmt::Display for PostId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "p:{}:{}", self.client, self.seq)
    }
}

impl PostId {
    /// Reads the mark at the start of a message's text; `None` for a text that has none.
    pub fn parse(text: &str) -> Option<PostId> {
        let rest = text.strip_prefix("p:")?;
        let (client, rest) = rest.split_once(':')?;
        let seq = rest.split(' ').next()?;
        Some(PostId { client: number(client)?, seq: number(seq)? })
    }

    /// The whole text of this post: the mark and padding up to `bytes` bytes, never less than the
    /// mark. It needs no escaping in XML.
    pub fn text(self, bytes: usize) -> String {
        let mut text = self.to_string();
        if text.len() < bytes {
            text.push(' ');
        }
        let missing = bytes.saturating_sub(text.len());
        text.extend((0..missing).map(|at| self.padding(at)));
        text
    }

    /// Is `text` what [`PostId::text`] made, to the last byte?
    pub fn is_intact(self, text: &str) -> bool {
        let mark = self.to_string();
        let Some(rest) = text.strip_prefix(mark.as_str()) else { return false };
        let Some(padding) = rest.strip_prefix(' ') else { return rest.is_empty() };
        padding.chars().enumerate().all(|(at, c)| c == self.padding(at))
    }

    fn padding(self, at: usize) -> char {
        let step = self.client as usize + self.seq as usize + at;
        char::from(b'a' + (step % 26) as u8)
    }
}

/// Plain decimal digits only, so that one post has one spelling.
fn number(digits: &str) -> Option<u32> {
    let is_plain = digits.bytes().all(|b| b.is_ascii_digit());
    let is_canonical = digits == "0" || !digits.starts_with('0');
    if is_plain && is_canonical { digits.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::PostId;

    #[test]
    fn text_round_trip() {
        for (client, seq, bytes) in [(0, 0, 0), (7, 12, 6), (7, 12, 7), (4_000_000_000, 1, 256)] {
            let id = PostId { client, seq };
            let text = id.text(bytes);
            assert_eq!(PostId::parse(&text), Some(id));
            assert!(id.is_intact(&text));
            assert!(text.len() >= bytes);
        }
    }

    #[test]
    fn damage_is_seen() {
        let id = PostId { client: 3, seq: 4 };
        let text = id.text(40);
        assert!(!id.is_intact(&text.replace('k', "l")));
        assert!(!PostId { client: 3, seq: 5 }.is_intact(&text));
    }

    #[test]
    fn foreign_texts_have_no_mark() {
        for text in ["", "hello", "p:", "p:1", "p:x:1", "p:1:", "p:+1:2", "p:01:2", "p:1:2x"] {
            assert_eq!(PostId::parse(text), None, "{text}");
        }
    }
}
