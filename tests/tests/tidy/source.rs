//! Rust source with its comments and literals told apart from its code, line by line.
//!
//! The rules look for words; without this, a word in a string or a comment would count as code.

/// One line of a file.
#[derive(Debug, Default, Clone)]
pub struct Line {
    /// Code only: comments and the contents of literals are blanks.
    pub code: String,
    /// Comment text only, markers included.
    pub comment: String,
    /// Belongs to an item under `#[cfg(test)]`.
    pub is_test: bool,
}

/// Splits a Rust file.
pub fn lines(text: &str) -> Vec<Line> {
    let mut lines = Splitter::new(text).run();
    mark_tests(&mut lines);
    lines
}

/// True when `word` stands in `text` with no identifier character on either side.
pub fn has_word(text: &str, word: &str) -> bool {
    let is_ident = |c: char| c.is_alphanumeric() || c == '_';
    let opens = word.starts_with(is_ident);
    let closes = word.ends_with(is_ident);
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back().is_some_and(is_ident);
        let after = text[at + word.len()..].chars().next().is_some_and(is_ident);
        !(opens && before || closes && after)
    })
}

/// Marks the item behind each `#[cfg(test)]`, from the attribute to its closing brace or semicolon.
fn mark_tests(lines: &mut [Line]) {
    let mut at = 0;
    while at < lines.len() {
        let code = &lines[at].code;
        if !code.contains("#[cfg(test") && !code.contains("#[cfg(all(test") {
            at += 1;
            continue;
        }
        let end = item_end(lines, at);
        lines[at..=end].iter_mut().for_each(|line| line.is_test = true);
        at = end + 1;
    }
}

fn item_end(lines: &[Line], start: usize) -> usize {
    let mut depth = 0i64;
    for (at, line) in lines.iter().enumerate().skip(start) {
        // The attribute's own brackets balance out; only braces open an item's body.
        for c in line.code.chars() {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                ';' if depth == 0 => return at,
                _ => continue,
            }
            if c == '}' && depth <= 0 {
                return at;
            }
        }
    }
    lines.len() - 1
}

#[derive(Clone, Copy)]
enum State {
    Code,
    LineComment,
    BlockComment { depth: u32 },
    Text,
    RawText { hashes: usize },
}

struct Splitter {
    chars: Vec<char>,
    at: usize,
    state: State,
    done: Vec<Line>,
    line: Line,
}

impl Splitter {
    fn new(text: &str) -> Splitter {
        let chars = text.chars().collect();
        let (done, line) = (Vec::new(), Line::default());
        Splitter { chars, at: 0, state: State::Code, done, line }
    }

    fn run(mut self) -> Vec<Line> {
        while self.at < self.chars.len() {
            if self.chars[self.at] == '\n' {
                self.end_line();
                continue;
            }
            match self.state {
                State::Code => self.code(),
                State::LineComment => self.comment(1),
                State::BlockComment { depth } => self.block_comment(depth),
                State::Text => self.text(),
                State::RawText { hashes } => self.raw_text(hashes),
            }
        }
        if !self.line.code.is_empty() {
            self.done.push(self.line);
        }
        self.done
    }

    fn end_line(&mut self) {
        if matches!(self.state, State::LineComment) {
            self.state = State::Code;
        }
        self.done.push(std::mem::take(&mut self.line));
        self.at += 1;
    }

    fn sees(&self, text: &str) -> bool {
        text.chars().enumerate().all(|(n, c)| self.chars.get(self.at + n) == Some(&c))
    }

    /// Takes `count` characters as code, up to the end of the line.
    fn keep(&mut self, count: usize) {
        self.take(count, |line, c| (line.code.push(c), line.comment.push(' ')).0);
    }

    /// Takes `count` characters as a comment.
    fn comment(&mut self, count: usize) {
        self.take(count, |line, c| (line.code.push(' '), line.comment.push(c)).0);
    }

    /// Takes `count` characters as the contents of a literal.
    fn blank(&mut self, count: usize) {
        self.take(count, |line, _| (line.code.push(' '), line.comment.push(' ')).0);
    }

    fn take(&mut self, count: usize, put: impl Fn(&mut Line, char)) {
        for _ in 0..count {
            match self.chars.get(self.at) {
                Some('\n') => self.end_line(),
                Some(&c) => {
                    put(&mut self.line, c);
                    self.at += 1;
                }
                None => return,
            }
        }
    }

    fn code(&mut self) {
        if self.sees("//") {
            self.state = State::LineComment;
            self.comment(2);
        } else if self.sees("/*") {
            self.state = State::BlockComment { depth: 1 };
            self.comment(2);
        } else if self.sees("\"") {
            self.state = State::Text;
            self.keep(1);
        } else if let Some(hashes) = self.raw_opening() {
            self.state = State::RawText { hashes };
            self.keep(hashes + 2);
        } else if self.sees("'") {
            self.quote();
        } else {
            self.keep(1);
        }
    }

    /// Number of `#` when an `r"` or `r#"` starts here; prefixes such as `b` were taken as code.
    fn raw_opening(&self) -> Option<usize> {
        let before = self.at.checked_sub(1).map(|at| self.chars[at]);
        let is_name = |c: char| (c.is_alphanumeric() || c == '_') && !matches!(c, 'b' | 'c');
        if self.chars[self.at] != 'r' || before.is_some_and(is_name) {
            return None;
        }
        let hashes = self.chars[self.at + 1..].iter().take_while(|c| **c == '#').count();
        (self.chars.get(self.at + 1 + hashes) == Some(&'"')).then_some(hashes)
    }

    /// A character literal, or else a lifetime.
    fn quote(&mut self) {
        if self.sees("'\\") {
            self.keep(1);
            self.blank(2);
            while self.at < self.chars.len() && !self.sees("'") && !self.sees("\n") {
                self.blank(1);
            }
            self.keep(1);
        } else if self.chars.get(self.at + 2) == Some(&'\'') {
            self.keep(1);
            self.blank(1);
            self.keep(1);
        } else {
            self.keep(1);
        }
    }

    fn block_comment(&mut self, depth: u32) {
        if self.sees("/*") {
            self.state = State::BlockComment { depth: depth + 1 };
            self.comment(2);
        } else if self.sees("*/") {
            self.comment(2);
            self.state = match depth {
                1 => State::Code,
                _ => State::BlockComment { depth: depth - 1 },
            };
        } else {
            self.comment(1);
        }
    }

    fn text(&mut self) {
        if self.sees("\\") {
            self.blank(2);
        } else if self.sees("\"") {
            self.state = State::Code;
            self.keep(1);
        } else {
            self.blank(1);
        }
    }

    fn raw_text(&mut self, hashes: usize) {
        let end = format!("\"{}", "#".repeat(hashes));
        if self.sees(&end) {
            self.state = State::Code;
            self.keep(end.len());
        } else {
            self.blank(1);
        }
    }
}

#[test]
fn comments_and_literals_are_no_code() {
    let text = r##"let a = "unsafe // no"; // unsafe yes
let c = 'x'; let l: &'static str = r#"todo "quoted" "#; /* one /* two */ still */ call();
let n = b"\"unsafe"; let q = '\''; real();"##;
    let lines = lines(text);
    assert_eq!(lines.len(), 3);
    assert!(!has_word(&lines[0].code, "unsafe") && has_word(&lines[0].comment, "unsafe"));
    assert!(!has_word(&lines[1].code, "todo") && !has_word(&lines[1].code, "still"));
    assert!(lines[1].code.contains("call();"));
    assert!(!has_word(&lines[2].code, "unsafe") && lines[2].code.contains("real();"));
}

#[test]
fn literals_over_several_lines_keep_the_count_of_lines() {
    let lines = lines("let a = \"one\n two \\\n unsafe\";\nlet b = 1;\n");
    assert_eq!(lines.len(), 4);
    assert!(lines.iter().all(|l| !l.code.contains("unsafe")));
    assert!(lines[3].code.contains("let b"));
}

#[test]
fn the_item_behind_cfg_test_is_a_test() {
    let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() { }\n}\nfn c() {}\n\
                #[cfg(test)]\nuse x::y;\nfn d() {}\n";
    let tests: Vec<bool> = lines(text).iter().map(|l| l.is_test).collect();
    assert_eq!(tests, [false, true, true, true, true, false, true, true, false]);
}

#[test]
fn words_end_where_identifiers_end() {
    assert!(has_word("unsafe {", "unsafe"));
    assert!(!has_word("#![forbid(unsafe_code)]", "unsafe"));
    assert!(has_word("x.unwrap()", ".unwrap()"));
    assert!(!has_word("x.unwrap_or(1)", ".unwrap()"));
}
