//! Writing elements into the caller's buffer, as SIPE or as the real server formats them.

use super::{NAMESPACE, RoomRef};
use crate::xml::{escape_attribute_into, escape_into};
use std::fmt::Display;
use std::io::Write;

/// Whose habits to follow.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    /// SIPE: `<data/>`.
    Client,
    /// The real server: `<data />`, and two more declarations at the root.
    Server,
}

/// Appends XML to a buffer.
pub(super) struct Writer<'o> {
    out: &'o mut Vec<u8>,
    side: Side,
}

impl<'o> Writer<'o> {
    pub(super) fn client(out: &'o mut Vec<u8>) -> Writer<'o> {
        Writer { out, side: Side::Client }
    }

    pub(super) fn server(out: &'o mut Vec<u8>) -> Writer<'o> {
        Writer { out, side: Side::Server }
    }

    /// Writes a whole document.
    pub(super) fn document(&mut self, envid: u64, content: impl FnOnce(&mut Self)) {
        const SCHEMA: &str = "http://www.w3.org/2001/XMLSchema";
        const INSTANCE: &str = "http://www.w3.org/2001/XMLSchema-instance";
        self.out.reserve(512);
        self.open("xccos");
        if self.side == Side::Server {
            self.plain("xmlns:xsd", SCHEMA).plain("xmlns:xsi", INSTANCE);
        }
        self.plain("ver", 1).plain("envid", envid).plain("xmlns", NAMESPACE);
        self.inside("xccos", content);
    }

    /// Writes the start of a tag; attributes follow, then one of `empty`, `inside`, `inside_text`.
    pub(super) fn open(&mut self, name: &str) -> &mut Self {
        self.out.push(b'<');
        self.out.extend_from_slice(name.as_bytes());
        self
    }

    /// An attribute whose value needs no escaping, such as a number.
    pub(super) fn plain(&mut self, name: &str, value: impl Display) -> &mut Self {
        write!(self.out, " {name}=\"{value}\"").expect("a Vec takes every write");
        self
    }

    /// The same if there is a value.
    pub(super) fn optional(&mut self, name: &str, value: Option<impl Display>) -> &mut Self {
        match value {
            Some(value) => self.plain(name, value),
            None => self,
        }
    }

    /// A room's URI as the client wrote it.
    pub(super) fn room(&mut self, name: &str, room: &RoomRef) -> &mut Self {
        self.attribute(name, &format!("ma-chan://{}/{}", room.domain, room.value))
    }

    /// An attribute.
    pub(super) fn attribute(&mut self, name: &str, value: &str) -> &mut Self {
        self.prefixed(name, "", value)
    }

    /// An attribute with a fixed beginning of its value.
    pub(super) fn prefixed(&mut self, name: &str, prefix: &str, value: &str) -> &mut Self {
        self.out.push(b' ');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"=\"");
        self.out.extend_from_slice(prefix.as_bytes());
        escape_attribute_into(self.out, value);
        self.out.push(b'"');
        self
    }

    /// An attribute that lists numbers, separated by commas without blanks (SIPE splits at commas).
    pub(super) fn list(&mut self, name: &str, numbers: impl Iterator<Item = u32>) -> &mut Self {
        self.out.push(b' ');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"=\"");
        let start = self.out.len();
        for number in numbers {
            let comma = if self.out.len() == start { "" } else { "," };
            write!(self.out, "{comma}{number}").expect("a Vec takes every write");
        }
        self.out.push(b'"');
        self
    }

    /// Ends an element without content.
    pub(super) fn empty(&mut self) {
        let end: &[u8] = if self.side == Side::Client { b"/>" } else { b" />" };
        self.out.extend_from_slice(end);
    }

    /// Ends the tag, writes the content and the closing tag.
    pub(super) fn inside(&mut self, name: &str, content: impl FnOnce(&mut Self)) {
        self.out.push(b'>');
        content(self);
        self.out.extend_from_slice(b"</");
        self.out.extend_from_slice(name.as_bytes());
        self.out.push(b'>');
    }

    /// The same for a value that needs no escaping.
    pub(super) fn inside_display(&mut self, name: &str, value: impl Display) {
        self.inside(name, |w| write!(w.out, "{value}").expect("a Vec takes every write"));
    }

    /// The same for text.
    pub(super) fn inside_text(&mut self, name: &str, text: &str) {
        self.inside(name, |w| escape_into(w.out, text));
    }
}
