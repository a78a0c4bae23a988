//! Cuts text into words, for the index and for the search.
//!
//! A word is a run of letters, digits and marks, without regard to case, to the width of characters
//! and to whether accents are written as marks of their own (Unicode's NFKC).
//!
//! In scripts that do not put blanks between words each character stands alone, and a word of them
//! is found as a sequence. Most words of Chinese have two characters: an index of pieces of three,
//! the usual help for such scripts, does not find them. Each emoji stands alone too; skin tones and
//! joiners are passed over.
//!
//! The index of a message also holds its room and its author as words no text can contain, so that
//! a search in one room does not walk through the hits of all the others.

use super::{Query, Row, Words};
use parlance_wire::xccos::Guid;
use std::fmt::Write as _;
use unicode_normalization::UnicodeNormalization;

#[cfg(test)]
mod tests;

/// Longest word in characters; the rest of it is not looked at.
const WORD_CHARS_MAX: usize = 64;
/// Most words of one message that are indexed: PostgreSQL keeps positions up to 16,383.
const WORDS_MAX: usize = 16_000;
/// Most bytes of one message's words: PostgreSQL's limit is 1 MiB.
const INDEX_BYTES_MAX: usize = 512 * 1024;

/// What a character is to the index.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Part of a word.
    Letter,
    /// A word of its own.
    Alone,
    /// As if it were not there.
    Nothing,
    /// Between words.
    Blank,
}

fn kind(c: char) -> Kind {
    match u32::from(c) {
        // Soft hyphen, joiners, variation selectors, skin tones.
        0xad | 0x200b..=0x200d | 0x2060 | 0xfe00..=0xfe0f | 0x1f3fb..=0x1f3ff => Kind::Nothing,
        // Arrows, dingbats and other symbols; emoji.
        0x2190..=0x2bff | 0x1f000..=0x1faff => Kind::Alone,
        _ if !c.is_alphanumeric() && !is_mark(c) => Kind::Blank,
        // Thai, Lao; Myanmar; Hangul; Khmer; kana; Han; Hangul syllables.
        0x0e00..=0x0eff | 0x1000..=0x109f | 0x1100..=0x11ff | 0x1780..=0x17ff => Kind::Alone,
        0x3005..=0x3007 | 0x3040..=0x30ff | 0x31f0..=0x31ff | 0x3400..=0x4dbf => Kind::Alone,
        0x4e00..=0x9fff | 0xac00..=0xd7af | 0xf900..=0xfaff | 0xff66..=0xff9f => Kind::Alone,
        0x20000..=0x3ffff => Kind::Alone,
        _ => Kind::Letter,
    }
}

/// Marks that are written on a letter without being letters themselves.
fn is_mark(c: char) -> bool {
    let is_indic = matches!(u32::from(c), 0x0900..=0x0dff) && !matches!(c, '\u{964}' | '\u{965}');
    is_indic
        || matches!(u32::from(c), 0x0300..=0x036f | 0x0591..=0x05bd | 0x0610..=0x061a
        | 0x064b..=0x065f | 0x0e31..=0x0e4e | 0x0eb1..=0x0ece | 0x1037..=0x103e | 0x17b4..=0x17d3)
}

/// The words of a text, in order; in lower case unless the case counts.
pub fn split(text: &str, case_sensitive: bool) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut chars = 0;
    for c in text.nfkc() {
        let kind = kind(c);
        if matches!(kind, Kind::Alone | Kind::Blank) && !word.is_empty() {
            words.push(std::mem::take(&mut word));
            chars = 0;
        }
        match kind {
            Kind::Alone => words.push(c.into()),
            Kind::Letter if chars < WORD_CHARS_MAX => {
                chars += 1;
                if case_sensitive { word.push(c) } else { word.extend(c.to_lowercase()) }
            }
            Kind::Letter | Kind::Nothing | Kind::Blank => {}
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// The word that stands for a room: no text can contain characters of private use, see [`kind`].
fn room_word(room: Guid) -> String {
    format!("\u{e000}{:032x}", room.0)
}

/// The word that stands for an author. What engines take for punctuation is moved to private use.
fn author_word(author: &str) -> String {
    let moved = |c: char| match c.is_ascii() && !c.is_ascii_alphanumeric() {
        true => char::from_u32(0xe100 + u32::from(c)).expect("U+E100 to U+E17F are characters"),
        false => c,
    };
    let lower = author.chars().take(256).flat_map(char::to_lowercase);
    std::iter::once('\u{e001}').chain(lower.map(moved)).collect()
}

/// What the index holds of a message: its room, its author, its words.
pub fn of_row(row: &Row) -> Vec<String> {
    let mut bytes = 0;
    let words = split(&row.chat, false).into_iter().take(WORDS_MAX).take_while(|word| {
        bytes += word.len();
        bytes <= INDEX_BYTES_MAX
    });
    [room_word(row.room), author_word(&row.author)].into_iter().chain(words).collect()
}

/// A row of words as the text of FTS5's `ascii` tokenizer, to which every character beyond ASCII is
/// part of a word.
pub fn fts5_document(words: &[String]) -> String {
    words.join(" ")
}

/// A row of words as the text form of PostgreSQL's `tsvector`.
pub fn tsvector(words: &[String]) -> String {
    let mut text = String::with_capacity(words.len() * 12);
    for (at, word) in words.iter().enumerate() {
        let separator = if at == 0 { "" } else { " " };
        write!(text, "{separator}{}:{}", lexeme(word), at + 1).expect("a String takes everything");
    }
    text
}

/// A word quoted for PostgreSQL. Words have neither quotes nor backslashes; it does no harm.
fn lexeme(word: &str) -> String {
    format!("'{}'", word.replace('\\', "\\\\").replace('\'', "''"))
}

/// A search text, understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matcher {
    /// Sequences of words in lower case.
    phrases: Vec<Vec<String>>,
    /// The same in the query's spelling, where case counts.
    exact: Option<Vec<Vec<String>>>,
    is_all: bool,
    authors: Vec<String>,
}

impl Matcher {
    /// Understands the text and the authors of a query.
    pub fn new(query: &Query) -> Matcher {
        let phrases = |case_sensitive: bool| -> Vec<Vec<String>> {
            let parts: Vec<&str> = match query.words {
                Words::Phrase => vec![&query.text],
                Words::Any | Words::All => query.text.split_whitespace().collect(),
            };
            let phrases = parts.into_iter().map(|part| split(part, case_sensitive));
            phrases.filter(|phrase| !phrase.is_empty()).collect()
        };
        Matcher {
            phrases: phrases(false),
            exact: query.case_sensitive.then(|| phrases(true)),
            is_all: query.words == Words::All,
            authors: query.authors.clone(),
        }
    }

    /// Is there anything the index can help with?
    pub fn is_selective(&self) -> bool {
        !self.phrases.is_empty() || !self.authors.is_empty()
    }

    /// Does the message match? The engines' indexes answer a little more than this.
    pub fn accepts(&self, row: &Row) -> bool {
        let by_author = self.authors.is_empty() || self.authors.contains(&row.author);
        by_author && (self.phrases.is_empty() || self.accepts_text(&row.chat))
    }

    fn accepts_text(&self, chat: &str) -> bool {
        let words = split(chat, self.exact.is_some());
        let phrases = self.exact.as_ref().unwrap_or(&self.phrases);
        let has = |phrase: &Vec<String>| words.windows(phrase.len()).any(|part| part == phrase);
        if self.is_all { phrases.iter().all(has) } else { phrases.iter().any(has) }
    }

    /// As a query of FTS5, within a room.
    pub fn fts5(&self, room: Guid) -> String {
        let quoted = |phrase: &Vec<String>| format!("\"{}\"", phrase.join(" "));
        let operators = Operators { and: " AND ", or: " OR " };
        self.render(room, &operators, quoted)
    }

    /// As the text form of a `tsquery`, within a room.
    pub fn tsquery(&self, room: Guid) -> String {
        let quoted = |phrase: &Vec<String>| {
            let lexemes: Vec<String> = phrase.iter().map(|word| lexeme(word)).collect();
            format!("({})", lexemes.join("<->"))
        };
        self.render(room, &Operators { and: " & ", or: " | " }, quoted)
    }

    fn render(
        &self,
        room: Guid,
        operators: &Operators,
        quoted: impl Fn(&Vec<String>) -> String,
    ) -> String {
        let joined = |phrases: &[Vec<String>], operator: &str| {
            let phrases: Vec<String> = phrases.iter().map(&quoted).collect();
            format!("({})", phrases.join(operator))
        };
        let mut text = quoted(&vec![room_word(room)]);
        if !self.authors.is_empty() {
            let words: Vec<_> = self.authors.iter().map(|a| vec![author_word(a)]).collect();
            text.push_str(operators.and);
            text.push_str(&joined(&words, operators.or));
        }
        if !self.phrases.is_empty() {
            text.push_str(operators.and);
            let operator = if self.is_all { operators.and } else { operators.or };
            text.push_str(&joined(&self.phrases, operator));
        }
        text
    }
}

/// An engine's words for and, or.
struct Operators {
    and: &'static str,
    or: &'static str,
}
