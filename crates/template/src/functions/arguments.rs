//! The arguments of a call, taken out by type.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use crate::Error;
use crate::evaluate::wrong_count;
use crate::parameters::type_of;

/// The evaluated arguments of a call.
#[derive(Debug)]
pub(crate) struct Arguments<'a> {
    /// As written.
    pub(crate) function: &'a str,
    pub(crate) values: Vec<Value>,
}

impl Arguments<'_> {
    /// Refuses another number of arguments.
    pub(crate) fn count(&self, allowed: RangeInclusive<usize>) -> Result<(), Error> {
        if allowed.contains(&self.values.len()) {
            return Ok(());
        }
        let expected = match (allowed.start(), allowed.end()) {
            (least, most) if least == most => least.to_string(),
            (least, &usize::MAX) => format!("at least {least}"),
            (least, most) => format!("{least} to {most}"),
        };
        Err(wrong_count(self.function, &expected, self.values.len()))
    }

    /// The refusal of argument number `at`.
    pub(crate) fn wrong(&self, at: usize, expected: &str) -> Error {
        let found = self.values.get(at).map_or("missing", type_of);
        Error::template(format!(
            "The template language function '{}' expects its parameter at position '{}' to be of type '{expected}'. The provided value is of type '{found}'. Please see https://aka.ms/arm-functions for usage details",
            self.function,
            at + 1
        ))
    }

    pub(crate) fn any(&self, at: usize) -> Result<&Value, Error> {
        self.values.get(at).ok_or_else(|| self.wrong(at, "Any"))
    }

    pub(crate) fn text(&self, at: usize) -> Result<&str, Error> {
        self.values.get(at).and_then(Value::as_str).ok_or_else(|| self.wrong(at, "String"))
    }

    pub(crate) fn texts(&self) -> Result<Vec<String>, Error> {
        (0..self.values.len()).map(|at| self.text(at).map(str::to_owned)).collect()
    }

    pub(crate) fn integer(&self, at: usize) -> Result<i64, Error> {
        self.values.get(at).and_then(Value::as_i64).ok_or_else(|| self.wrong(at, "Integer"))
    }

    /// A whole number of at least 0.
    pub(crate) fn length(&self, at: usize) -> Result<usize, Error> {
        let number = self.integer(at)?;
        usize::try_from(number).map_err(|_negative| {
            Error::template(format!(
                "The template language function '{}' expects its parameter at position '{}' to be at least 0; it is '{number}'",
                self.function,
                at + 1
            ))
        })
    }

    pub(crate) fn truth(&self, at: usize) -> Result<bool, Error> {
        self.values.get(at).and_then(Value::as_bool).ok_or_else(|| self.wrong(at, "Boolean"))
    }

    pub(crate) fn array(&self, at: usize) -> Result<&[Value], Error> {
        self.values
            .get(at)
            .and_then(Value::as_array)
            .map(Vec::as_slice)
            .ok_or_else(|| self.wrong(at, "Array"))
    }

    pub(crate) fn object(&self, at: usize) -> Result<&Map<String, Value>, Error> {
        self.values.get(at).and_then(Value::as_object).ok_or_else(|| self.wrong(at, "Object"))
    }

    /// A subscription id before the type, or `default` without one.
    pub(crate) fn leading_guid<'s>(&'s self, default: &'s str) -> (&'s str, &'s [Value]) {
        match self.values.split_first() {
            Some((Value::String(first), rest)) if !first.contains('/') => (first, rest),
            _ => (default, &self.values),
        }
    }
}
