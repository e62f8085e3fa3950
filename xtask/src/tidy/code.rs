//! Rust source with comments and the contents of strings blanked, so that a rule sees code only.
//!
//! Line numbers stay. This is no parser: it knows just enough to tell code from text.

#[cfg(test)]
mod tests;

use std::iter::Peekable;
use std::str::Chars;

/// Replaces every character of a comment or literal by a space, line ends excepted.
pub(crate) fn only(text: &str) -> String {
    let mut scanner = Scanner { rest: text.chars().peekable(), out: String::with_capacity(text.len()) };
    scanner.run();
    scanner.out
}

struct Scanner<'a> {
    rest: Peekable<Chars<'a>>,
    out: String,
}

impl Scanner<'_> {
    fn run(&mut self) {
        while let Some(c) = self.rest.next() {
            match c {
                '/' if self.peek() == Some('/') => self.line_comment(),
                '/' if self.peek() == Some('*') => self.block_comment(),
                '"' => self.string(),
                'r' | 'b' | 'c' if !self.follows_a_word() => self.prefixed(c),
                '\'' => self.character_or_lifetime(),
                _ => self.out.push(c),
            }
        }
    }

    fn peek(&mut self) -> Option<char> {
        self.rest.peek().copied()
    }

    /// Whether what was put out last is part of a name, so that an `r` here starts no raw string.
    fn follows_a_word(&self) -> bool {
        self.out.chars().next_back().is_some_and(is_word)
    }

    fn blank(&mut self, c: char) {
        self.out.push(if c == '\n' { '\n' } else { ' ' });
    }

    fn blank_next(&mut self) -> Option<char> {
        let c = self.rest.next()?;
        self.blank(c);
        Some(c)
    }

    fn line_comment(&mut self) {
        self.blank('/');
        while self.peek().is_some_and(|c| c != '\n') {
            self.blank_next();
        }
    }

    /// Block comments nest.
    fn block_comment(&mut self) {
        self.blank('/');
        self.blank_next();
        let mut depth = 1;
        while depth > 0 {
            match (self.blank_next(), self.peek()) {
                (None, _) => return,
                (Some('/'), Some('*')) => depth += 1,
                (Some('*'), Some('/')) => depth -= 1,
                _ => continue,
            }
            self.blank_next();
        }
    }

    /// After the opening quote.
    fn string(&mut self) {
        self.blank('"');
        while let Some(c) = self.blank_next() {
            match c {
                '\\' => drop(self.blank_next()),
                '"' => return,
                _ => {}
            }
        }
    }

    /// After a letter that may be the prefix of a literal: `r"`, `r#"`, `b"`, `br#"`, `c"`, `b'`.
    fn prefixed(&mut self, first: char) {
        self.out.push(first);
        if first != 'r' && self.peek() == Some('r') {
            self.out.extend(self.rest.next());
        }
        if !self.out.ends_with('r') {
            return; // An escaped string or byte follows, or no literal at all: run() sees its quote.
        }
        let hashes = self.rest.clone().take_while(|c| *c == '#').count();
        if self.rest.clone().nth(hashes) != Some('"') {
            return;
        }
        for _ in 0..=hashes {
            self.blank_next();
        }
        while let Some(c) = self.blank_next() {
            if c == '"' && self.rest.clone().take(hashes).filter(|c| *c == '#').count() == hashes {
                for _ in 0..hashes {
                    self.blank_next();
                }
                return;
            }
        }
    }

    /// After a single quote: `'x'` and `'\n'` are characters, `'name` is a lifetime.
    fn character_or_lifetime(&mut self) {
        let mut ahead = self.rest.clone();
        let (first, second) = (ahead.next(), ahead.next());
        if first != Some('\\') && second != Some('\'') {
            self.out.push('\'');
            return;
        }
        self.blank('\'');
        if self.blank_next() == Some('\\') {
            self.blank_next();
        }
        while self.blank_next().is_some_and(|c| c != '\'') {}
    }
}

/// Whether the character can be part of a Rust name.
pub(crate) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}
