//! The refusals that must not depend on a parser: one walk over the bytes, markup by markup.

use super::XmlError;
use memchr::memmem;
use memchr::{memchr, memchr3};

/// Refuses NUL, a byte order mark, document types and other declarations, and processing
/// instructions. Comments and CDATA are skipped as wholes: what looks like markup in them is text.
pub(super) fn refuse_forbidden(document: &str) -> Result<(), XmlError> {
    let bytes = document.as_bytes();
    if memchr(0, bytes).is_some() || document.starts_with('\u{feff}') {
        return Err(XmlError::Forbidden);
    }
    let mut rest = &bytes[declaration_len(bytes)?..];
    while let Some(start) = memchr(b'<', rest) {
        rest = &rest[start..];
        rest = &rest[markup_len(rest)?..];
    }
    Ok(())
}

/// Length of the XML declaration at the very start, 0 without one. What it says is not read: the
/// bytes are UTF-8 already, and .NET writers are known to claim `utf-16` in UTF-8 documents.
fn declaration_len(bytes: &[u8]) -> Result<usize, XmlError> {
    let is_declaration =
        bytes.starts_with(b"<?xml") && bytes.get(5).is_some_and(u8::is_ascii_whitespace);
    if is_declaration { end_behind(bytes, 5, b"?>") } else { Ok(0) }
}

/// Length of the markup at the start of `rest`, which begins with `<`.
fn markup_len(rest: &[u8]) -> Result<usize, XmlError> {
    if rest.starts_with(b"<!--") {
        return end_behind(rest, 4, b"-->");
    }
    if rest.starts_with(b"<![CDATA[") {
        return end_behind(rest, 9, b"]]>");
    }
    if rest.starts_with(b"<!") || rest.starts_with(b"<?") {
        return Err(XmlError::Forbidden);
    }
    tag_len(rest)
}

fn end_behind(bytes: &[u8], from: usize, mark: &[u8]) -> Result<usize, XmlError> {
    memmem::find(&bytes[from..], mark).map(|at| from + at + mark.len()).ok_or(XmlError::Malformed)
}

/// Length of a tag. Quotes hide `>`; a `<` inside is refused, in a value too (as XML 1.0 does), so
/// that this walk and the parser can never disagree about where markup begins.
fn tag_len(rest: &[u8]) -> Result<usize, XmlError> {
    let mut at = 1;
    loop {
        let found = at + memchr3(b'>', b'"', b'\'', &rest[at..]).ok_or(XmlError::Malformed)?;
        let end = match rest[found] {
            b'>' => found,
            quote => {
                let from = found + 1;
                from + memchr(quote, &rest[from..]).ok_or(XmlError::Malformed)?
            }
        };
        if memchr(b'<', &rest[at..end]).is_some() {
            return Err(XmlError::Malformed);
        }
        at = end + 1;
        if end == found {
            return Ok(at);
        }
    }
}
