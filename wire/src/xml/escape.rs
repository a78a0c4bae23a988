//! From characters to what a document may hold.

/// Appends `text` with `& < > "` escaped, CR dropped (LF is the line end) and characters that XML
/// 1.0 forbids left out: what we write is always well-formed, whatever we were given.
pub fn escape_into(out: &mut Vec<u8>, text: &str) {
    escape(out, text, |_| None);
}

/// The same for an attribute's value: tab and LF as references, since a reader turns them into
/// blanks when they stand there as they are.
pub fn escape_attribute_into(out: &mut Vec<u8>, text: &str) {
    escape(out, text, |byte| match byte {
        b'\t' => Some(b"&#9;"),
        b'\n' => Some(b"&#10;"),
        _ => None,
    });
}

/// Copies runs of bytes that stand for themselves, and replaces the others one by one.
fn escape(out: &mut Vec<u8>, text: &str, white: impl Fn(u8) -> Option<&'static [u8]>) {
    let bytes = text.as_bytes();
    let mut copied = 0;
    for (at, &byte) in bytes.iter().enumerate() {
        let (replacement, len): (&[u8], usize) = match byte {
            b'&' => (b"&amp;", 1),
            b'<' => (b"&lt;", 1),
            b'>' => (b"&gt;", 1),
            b'"' => (b"&quot;", 1),
            b'\t' | b'\n' => match white(byte) {
                Some(reference) => (reference, 1),
                None => continue,
            },
            0..=0x1f => (b"", 1),
            // U+FFFE and U+FFFF; surrogates, the rest of what is forbidden, are no `char`.
            0xef if matches!(bytes[at..], [_, 0xbf, 0xbe | 0xbf, ..]) => (b"", 3),
            _ => continue,
        };
        out.extend_from_slice(&bytes[copied..at]);
        out.extend_from_slice(replacement);
        copied = at + len;
    }
    out.extend_from_slice(&bytes[copied..]);
}
