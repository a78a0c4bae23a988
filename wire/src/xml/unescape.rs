//! From raw text and references to the characters meant.

use super::XmlError;
use memchr::memchr;
use std::borrow::Cow;

/// Characters that XML 1.0 allows in a document (its production 2).
pub(super) fn is_legal(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..)
}

/// The character behind `&name;`; `None` when it is one that XML 1.0 forbids: SIPE sends control
/// characters this way and means no harm.
pub(super) fn resolve(name: &str) -> Result<Option<char>, XmlError> {
    let c = match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "" => return Err(XmlError::Malformed),
        _ => match name.strip_prefix('#') {
            Some(number) => return Ok(character(number)?.filter(|c| is_legal(*c))),
            None => return Err(XmlError::UnknownEntity),
        },
    };
    Ok(Some(c))
}

fn character(number: &str) -> Result<Option<char>, XmlError> {
    let (digits, radix) = match number.strip_prefix('x') {
        Some(digits) => (digits, 16),
        None => (number, 10),
    };
    if digits.is_empty() {
        return Err(XmlError::Malformed);
    }
    let mut code: u32 = 0;
    for c in digits.chars() {
        let digit = c.to_digit(radix).ok_or(XmlError::Malformed)?;
        // Saturation keeps a number of any length beyond the last character.
        code = code.saturating_mul(radix).saturating_add(digit);
    }
    Ok(char::from_u32(code))
}

/// An attribute's value: references resolved, white space turned into blanks (XML 1.0, 3.3.3).
pub(super) fn unescape_value(raw: &str) -> Result<Cow<'_, str>, XmlError> {
    if raw.bytes().all(|b| b >= b' ' && b != b'&' && b != 0xef) {
        return Ok(Cow::Borrowed(raw));
    }
    let mut run = Run::value();
    let mut value = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = memchr(b'&', rest.as_bytes()) {
        run.push_raw(&mut value, &rest[..at]);
        let (name, behind) = rest[at + 1..].split_once(';').ok_or(XmlError::Malformed)?;
        if let Some(c) = resolve(name)? {
            run.push_char(&mut value, c);
        }
        rest = behind;
    }
    run.push_raw(&mut value, rest);
    Ok(Cow::Owned(value))
}

/// A run of characters given in pieces. Remembers a CR at the end of a piece, because CR LF is one
/// line end however it is cut or written.
pub(super) struct Run {
    after_cr: bool,
    blanks_only: bool,
}

impl Run {
    /// Text of an element.
    pub(super) fn text() -> Run {
        Run { after_cr: false, blanks_only: false }
    }

    fn value() -> Run {
        Run { after_cr: false, blanks_only: true }
    }

    /// Appends raw text; borrows it when it is the first piece and stands for itself.
    pub(super) fn append<'a>(&mut self, text: &mut Cow<'a, str>, raw: &'a str) {
        let is_plain = |b: u8| (b >= b' ' && b != 0xef) || b == b'\n' || b == b'\t';
        if self.after_cr || !raw.bytes().all(is_plain) {
            self.push_raw(text.to_mut(), raw);
        } else if text.is_empty() {
            *text = Cow::Borrowed(raw);
        } else {
            text.to_mut().push_str(raw);
        }
    }

    fn push_raw(&mut self, out: &mut String, raw: &str) {
        for c in raw.chars() {
            match c {
                '\r' | '\n' | '\t' if self.blanks_only => {
                    if !(c == '\n' && self.after_cr) {
                        out.push(' ');
                    }
                    self.after_cr = c == '\r';
                }
                _ => self.push_char(out, c),
            }
        }
    }

    /// Appends a character; line ends become LF, forbidden characters are left out.
    pub(super) fn push_char(&mut self, out: &mut String, c: char) {
        match c {
            '\r' => out.push('\n'),
            '\n' if self.after_cr => {}
            _ if is_legal(c) => out.push(c),
            _ => {}
        }
        self.after_cr = c == '\r';
    }
}
