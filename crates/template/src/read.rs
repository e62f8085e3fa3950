//! JSON as the clients of deployments send it: comments, bare names, single quotes, trailing commas, raw newlines.
//!
//! Whatever is read is a value without duplicate names; what is refused is refused with its line and column.

use serde_json::{Map, Number, Value};

use crate::{Error, Limits};

/// Reads one value and nothing behind it.
///
/// # Errors
/// `InvalidRequestContent` with line and column.
pub fn read(bytes: &[u8]) -> Result<Value, Error> {
    if bytes.len() > Limits::TEMPLATE_BYTES {
        let message =
            format!("The request content is larger than the limit of {} bytes.", Limits::TEMPLATE_BYTES);
        return Err(Error::Invalid { code: "RequestContentTooLarge", message });
    }
    let text = std::str::from_utf8(bytes).map_err(|error| Error::Invalid {
        code: "InvalidRequestContent",
        message: format!("The request content is not UTF-8 from byte {} on.", error.valid_up_to()),
    })?;
    let mut reader = Reader { rest: text.strip_prefix('\u{feff}').unwrap_or(text), line: 1, column: 1 };
    let value = reader.value(0)?;
    reader.blank()?;
    match reader.rest.chars().next() {
        None => Ok(value),
        Some(_) => Err(reader.refuse("After the value, additional text was encountered")),
    }
}

struct Reader<'a> {
    rest: &'a str,
    line: usize,
    column: usize,
}

impl Reader<'_> {
    fn refuse(&self, what: &str) -> Error {
        let message = format!(
            "The request content was invalid and could not be deserialized: '{what}. Line {}, position {}.'.",
            self.line, self.column
        );
        Error::Invalid { code: "InvalidRequestContent", message }
    }

    fn next(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let next = chars.next()?;
        self.rest = chars.as_str();
        if next == '\n' {
            (self.line, self.column) = (self.line + 1, 1);
        } else {
            self.column += 1;
        }
        Some(next)
    }

    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    /// White space and comments.
    fn blank(&mut self) -> Result<(), Error> {
        loop {
            if self.peek().is_some_and(char::is_whitespace) {
                self.next();
            } else if self.rest.starts_with("//") {
                while self.peek().is_some_and(|c| c != '\n') {
                    self.next();
                }
            } else if self.rest.starts_with("/*") {
                while !self.rest.starts_with("*/") {
                    self.next().ok_or_else(|| self.refuse("A comment is not closed"))?;
                }
                self.next();
                self.next();
            } else {
                return Ok(());
            }
        }
    }

    fn value(&mut self, depth: usize) -> Result<Value, Error> {
        if depth > Limits::DEPTH {
            return Err(self.refuse(&format!("The content is nested deeper than {}", Limits::DEPTH)));
        }
        self.blank()?;
        match self.peek() {
            Some('{') => self.object(depth),
            Some('[') => self.array(depth),
            Some('"' | '\'') => self.string().map(Value::String),
            Some(c) if c == '-' || c.is_ascii_digit() => self.number(),
            Some(c) if c.is_ascii_alphabetic() => self.word(),
            Some(c) => {
                Err(self.refuse(&format!("Unexpected character encountered while parsing value: {c}")))
            }
            None => Err(self.refuse("Unexpected end of content")),
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value, Error> {
        self.next();
        let mut members = Map::new();
        let mut names = std::collections::HashSet::new();
        loop {
            self.blank()?;
            let name = match self.peek() {
                Some('}') => {
                    self.next();
                    return Ok(Value::Object(members));
                }
                Some('"' | '\'') => self.string()?,
                Some(c) if is_bare(c) => self.bare(),
                _ => return Err(self.refuse("A member name or the end of the object is expected")),
            };
            if !names.insert(name.to_ascii_lowercase()) {
                return Err(self.refuse(&format!("The member '{}' stands twice", shown(&name))));
            }
            self.blank()?;
            if self.next() != Some(':') {
                return Err(self.refuse(&format!("A colon is expected after the name '{}'", shown(&name))));
            }
            let value = self.value(depth + 1)?;
            members.insert(name, value);
            self.separator('}')?;
        }
    }

    fn array(&mut self, depth: usize) -> Result<Value, Error> {
        self.next();
        let mut values = Vec::new();
        loop {
            self.blank()?;
            if self.peek() == Some(']') {
                self.next();
                return Ok(Value::Array(values));
            }
            values.push(self.value(depth + 1)?);
            self.separator(']')?;
        }
    }

    /// A comma, or the end, which the caller takes.
    fn separator(&mut self, end: char) -> Result<(), Error> {
        self.blank()?;
        match self.peek() {
            Some(',') => {
                self.next();
                Ok(())
            }
            Some(c) if c == end => Ok(()),
            _ => Err(self.refuse(&format!("A comma or '{end}' is expected"))),
        }
    }

    fn string(&mut self) -> Result<String, Error> {
        let quote = self.next();
        let mut text = String::new();
        loop {
            match self.next() {
                None => return Err(self.refuse("A string is not closed")),
                end if end == quote => return Ok(text),
                Some('\\') => text.push(self.escape()?),
                Some(c) => text.push(c),
            }
        }
    }

    fn escape(&mut self) -> Result<char, Error> {
        Ok(match self.next() {
            Some(c @ ('"' | '\'' | '\\' | '/' | '\n')) => c,
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('u') => self.unicode()?,
            _ => return Err(self.refuse("Bad escape in a string")),
        })
    }

    fn unicode(&mut self) -> Result<char, Error> {
        let high = self.four_digits()?;
        if !(0xd800..0xdc00).contains(&high) {
            return char::from_u32(high).ok_or_else(|| self.refuse("Half a character in a string"));
        }
        if self.next() != Some('\\') || self.next() != Some('u') {
            return Err(self.refuse("Half a character in a string"));
        }
        let low = self.four_digits()?;
        let whole = low.checked_sub(0xdc00).filter(|low| *low < 0x400);
        whole
            .and_then(|low| char::from_u32(0x1_0000 + ((high - 0xd800) << 10) + low))
            .ok_or_else(|| self.refuse("Half a character in a string"))
    }

    fn four_digits(&mut self) -> Result<u32, Error> {
        (0..4).try_fold(0, |number, _| {
            let digit = self.next().and_then(|c| c.to_digit(16));
            digit.map(|digit| number * 16 + digit).ok_or_else(|| self.refuse("Bad escape in a string"))
        })
    }

    fn number(&mut self) -> Result<Value, Error> {
        let length = self.rest.find(|c: char| !(c.is_ascii_alphanumeric() || "+-.".contains(c)));
        let text = &self.rest[..length.unwrap_or(self.rest.len())];
        let number: Result<Number, _> = serde_json::from_str(text);
        let number = number.map_err(|_no_number| self.refuse(&format!("'{}' is no number", shown(text))))?;
        self.skip(text.len());
        Ok(Value::Number(number))
    }

    fn word(&mut self) -> Result<Value, Error> {
        for (word, value) in [("true", true.into()), ("false", false.into()), ("null", Value::Null)] {
            if self.rest.starts_with(word) && !self.rest[word.len()..].starts_with(is_bare) {
                self.skip(word.len());
                return Ok(value);
            }
        }
        Err(self.refuse("Unexpected text; strings stand in quotes"))
    }

    fn bare(&mut self) -> String {
        let length = self.rest.find(|c| !is_bare(c)).unwrap_or(self.rest.len());
        let name = self.rest[..length].to_owned();
        self.skip(length);
        name
    }

    /// Bytes of one line, all ASCII.
    fn skip(&mut self, bytes: usize) {
        self.rest = &self.rest[bytes..];
        self.column += bytes;
    }
}

fn is_bare(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '$'
}

/// A client's words, fit to be repeated in a message.
pub(crate) fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(128).collect()
}
