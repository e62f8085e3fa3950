//! From text to an expression: one character ahead, nesting bounded.

use super::Expression;
use crate::read::shown;
use crate::{Error, Limits};

impl Expression {
    /// Parses what stands between `[` and `]`.
    ///
    /// # Errors
    /// `InvalidTemplate` with the position in the expression, counted from 0.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text.len() > Limits::EXPRESSION_CHARACTERS {
            let limit = Limits::EXPRESSION_CHARACTERS;
            return Err(Error::template(format!(
                "The template language expression length limit exceeded. Limit: '{limit}' and actual: '{}'.",
                text.len()
            )));
        }
        let mut parser = Parser { text, at: 0 };
        let expression = parser.expression(0)?;
        parser.blank();
        if parser.at < text.len() {
            return Err(parser.refuse("expected end of expression"));
        }
        Ok(expression)
    }
}

/// Whether `text` can stand behind a dot or before a parenthesis.
pub(super) fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_' || c == '$')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '$')
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl Parser<'_> {
    fn refuse(&self, what: &str) -> Error {
        let text = shown(self.text);
        Error::template(format!(
            "The language expression '{text}' is not valid: {what} at position '{}'. Please see https://aka.ms/arm-syntax-expressions for usage details",
            self.at
        ))
    }

    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn blank(&mut self) {
        while let Some(c) = self.peek().filter(|c| c.is_whitespace()) {
            self.at += c.len_utf8();
        }
    }

    fn takes(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += if found { wanted.len_utf8() } else { 0 };
        found
    }

    fn expression(&mut self, depth: usize) -> Result<Expression, Error> {
        if depth > Limits::EXPRESSION_DEPTH {
            let limit = Limits::EXPRESSION_DEPTH;
            return Err(self.refuse(&format!("it is nested deeper than '{limit}'")));
        }
        self.blank();
        let mut expression = match self.peek() {
            Some('\'') => self.string()?,
            Some(c) if c.is_ascii_digit() || c == '-' => self.integer()?,
            Some(c) if c.is_ascii_alphabetic() || c == '_' => self.call(depth)?,
            Some(c) => return Err(self.refuse(&format!("the character '{c}' is not expected"))),
            None => return Err(self.refuse("it ends too early")),
        };
        // Members nest to the left: a chain of them is as deep as a call is.
        for link in 0.. {
            self.blank();
            if depth + link > Limits::EXPRESSION_DEPTH {
                return Err(self.refuse("it is nested too deep"));
            }
            let at = if self.takes('.') {
                let is_safe = self.takes('?');
                self.blank();
                Some((Expression::Text(self.name()?), is_safe))
            } else if self.takes('[') {
                let is_safe = self.takes('?');
                let at = self.expression(depth + 1)?;
                self.blank();
                if !self.takes(']') {
                    return Err(self.refuse("expected token 'RightSquareBracket'"));
                }
                Some((at, is_safe))
            } else {
                None
            };
            let Some((at, is_safe)) = at else { break };
            expression = Expression::Member { of: Box::new(expression), at: Box::new(at), is_safe };
        }
        Ok(expression)
    }

    fn string(&mut self) -> Result<Expression, Error> {
        self.at += 1;
        let mut text = String::new();
        loop {
            let Some(c) = self.peek() else { return Err(self.refuse("the string is not terminated")) };
            self.at += c.len_utf8();
            if c == '\'' && !self.takes('\'') {
                return Ok(Expression::Text(text));
            }
            text.push(c);
        }
    }

    fn integer(&mut self) -> Result<Expression, Error> {
        let rest = &self.text[self.at..];
        let length = 1 + rest[1..].find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len() - 1);
        let number = rest[..length].parse().map_err(|_no_integer| self.refuse("the number is not valid"))?;
        self.at += length;
        Ok(Expression::Integer(number))
    }

    fn name(&mut self) -> Result<String, Error> {
        let rest = &self.text[self.at..];
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '$'));
        let name = &rest[..end.unwrap_or(rest.len())];
        if !is_name(name) {
            return Err(self.refuse("a name is expected"));
        }
        self.at += name.len();
        Ok(name.to_owned())
    }

    fn call(&mut self, depth: usize) -> Result<Expression, Error> {
        let mut name = self.name()?;
        if self.takes('.') {
            name = format!("{name}.{}", self.name()?);
        }
        self.blank();
        if !self.takes('(') {
            return Err(self.refuse("expected token 'LeftParenthesis'"));
        }
        let mut arguments = Vec::new();
        self.blank();
        if self.takes(')') {
            return Ok(Expression::Call { name, arguments });
        }
        loop {
            arguments.push(self.expression(depth + 1)?);
            self.blank();
            if self.takes(')') {
                return Ok(Expression::Call { name, arguments });
            }
            if !self.takes(',') {
                return Err(self.refuse("expected token 'RightParenthesis'"));
            }
        }
    }
}
