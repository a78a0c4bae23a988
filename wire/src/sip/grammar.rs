//! Pieces of SIP's grammar that several readers share (RFC 3261 §25.1).

use memchr::{memchr, memchr2, memchr3};

/// Bytes a token may hold.
const TOKEN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    let marks = b"-.!%*_+`'~";
    let mut mark = 0;
    while mark < marks.len() {
        table[marks[mark] as usize] = true;
        mark += 1;
    }
    table
};

pub(super) fn is_token_byte(byte: u8) -> bool {
    TOKEN[usize::from(byte)]
}

pub(super) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_token_byte)
}

pub(super) fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

/// Cuts blanks off both ends. Line ends never get this far, so only blank and tab count.
pub(super) fn trim(text: &str) -> &str {
    let start = trim_front(text.as_bytes(), 0, text.len());
    &text[start..trim_back(text.as_bytes(), start, text.len())]
}

/// Where the text of `bytes[start..end]` begins behind its leading blanks.
pub(super) fn trim_front(bytes: &[u8], mut start: usize, end: usize) -> usize {
    while start < end && is_blank(bytes[start]) {
        start += 1;
    }
    start
}

/// Where the text of `bytes[start..end]` ends in front of its trailing blanks.
pub(super) fn trim_back(bytes: &[u8], start: usize, mut end: usize) -> usize {
    while start < end && is_blank(bytes[end - 1]) {
        end -= 1;
    }
    end
}

/// A number of digits only: no sign, no blank. `str::parse` would take a plus sign.
pub(super) fn decimal(text: &str) -> Option<u32> {
    if text.bytes().all(|b| b.is_ascii_digit()) { text.parse().ok() } else { None }
}

/// Position of the line's CR when its CRLF is complete and no CR or LF stands alone before it.
pub(super) fn line_end(bytes: &[u8], start: usize) -> Option<usize> {
    let end = start + memchr2(b'\r', b'\n', bytes.get(start..)?)?;
    (bytes[end] == b'\r' && bytes.get(end + 1) == Some(&b'\n')).then_some(end)
}

/// Position behind the closing quote of the quoted string that opens at `open`.
pub(super) fn quoted_end(bytes: &[u8], open: usize) -> Option<usize> {
    let mut at = open + 1;
    loop {
        at += memchr2(b'"', b'\\', bytes.get(at..)?)?;
        if bytes[at] == b'"' {
            return Some(at + 1);
        }
        at += 2;
    }
}

/// First `delimiter` outside quotes and angle brackets; an unclosed one swallows the rest.
pub(super) fn find_outside(bytes: &[u8], delimiter: u8) -> Option<usize> {
    let mut at = 0;
    loop {
        at += memchr3(delimiter, b'"', b'<', bytes.get(at..)?)?;
        at = match bytes[at] {
            b'"' => quoted_end(bytes, at)?,
            b'<' => at + memchr(b'>', &bytes[at..])?,
            _ => return Some(at),
        };
    }
}

/// True when every quote and every bracket that opens also closes. Otherwise what is appended later
/// (a tag, in an answer) would be swallowed by it.
pub(super) fn is_balanced(text: &str) -> bool {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(found) = memchr2(b'"', b'<', &bytes[at..]) {
        let open = at + found;
        let end = match bytes[open] {
            b'"' => quoted_end(bytes, open),
            _ => memchr(b'>', &bytes[open..]).map(|close| open + close + 1),
        };
        match end {
            Some(end) => at = end,
            None => return false,
        }
    }
    true
}

/// The non-empty pieces between delimiters that stand outside quotes and brackets, trimmed.
pub(super) fn split_outside(text: &str, delimiter: u8) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let piece = match find_outside(text.as_bytes(), delimiter) {
            Some(at) => {
                rest = Some(&text[at + 1..]);
                &text[..at]
            }
            None => {
                rest = None;
                text
            }
        };
        Some(trim(piece))
    })
    .filter(|piece| !piece.is_empty())
}

/// Value of the first parameter of that name (ignoring case) without quotes; `""` for a bare one.
pub(super) fn param<'a>(params: &'a str, name: &str) -> Option<&'a str> {
    split_outside(params, b';').find_map(|piece| {
        let (key, value) = piece.split_once('=').unwrap_or((piece, ""));
        trim(key).eq_ignore_ascii_case(name).then(|| unquote(trim(value)))
    })
}

fn unquote(value: &str) -> &str {
    value.strip_prefix('"').and_then(|v| v.strip_suffix('"')).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_respect_quotes_and_brackets() {
        let check = |text: &str, expect: &[&str]| {
            assert_eq!(split_outside(text, b',').collect::<Vec<_>>(), expect, "{text}");
        };
        check("", &[]);
        check("a", &["a"]);
        check(" a ,\tb,,c ", &["a", "b", "c"]);
        check(r#""x,\",y" <sip:a,b@c>, d"#, &[r#""x,\",y" <sip:a,b@c>"#, "d"]);
        check(r#"a, "open, b"#, &["a", r#""open, b"#]);
        check("a, <open, b", &["a", "<open, b"]);
        check(r#"a, "\"#, &["a", r#""\"#]);
    }

    #[test]
    fn parameters() {
        let check = |params: &str, name: &str, expect: Option<&str>| {
            assert_eq!(param(params, name), expect, "{params} {name}");
        };
        check("tag=1", "tag", Some("1"));
        check(" TAG = 1 ;x", "tag", Some("1"));
        check("x;tag=1", "x", Some(""));
        check("tagged=2;tag=1;tag=3", "tag", Some("1"));
        check(r#"a="x;tag=2";tag="1""#, "tag", Some("1"));
        check(r#"a="x;tag=2"#, "tag", None);
        check("tag=\"", "tag", Some("\""));
        check("", "tag", None);
    }

    #[test]
    fn numbers() {
        let check = |text: &str, expect: Option<u32>| assert_eq!(decimal(text), expect, "{text}");
        check("0", Some(0));
        check("0009", Some(9));
        check("4294967295", Some(u32::MAX));
        check("4294967296", None);
        check("", None);
        check("+1", None);
        check("-1", None);
        check(" 1", None);
    }
}
