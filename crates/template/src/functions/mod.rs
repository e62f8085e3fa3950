//! The functions that need nothing but their arguments.
//!
//! What a function makes is bounded before it is made; values that came in were counted when they were made.

mod arguments;
mod arrays;
mod cidr;
pub(crate) mod date;
mod format;
mod numbers;
mod objects;
mod texts;
mod uris;

use std::cmp::Ordering;

use serde_json::Value;

pub(crate) use self::arguments::Arguments;
use crate::Error;
use crate::evaluate::member;
use crate::parameters::type_of;
use crate::read::shown;

/// Longest text and list that one call may make.
const MADE: usize = 4 << 20;

/// The value of a call; `None` when there is no such function.
pub(crate) fn call(key: &str, arguments: Arguments<'_>) -> Result<Option<Value>, Error> {
    if let Some(value) = texts::call(key, &arguments)? {
        return Ok(Some(value));
    }
    if let Some(value) = uris::call(key, &arguments)? {
        return Ok(Some(value));
    }
    if let Some(value) = numbers::call(key, &arguments)? {
        return Ok(Some(value));
    }
    if let Some(value) = date::call(key, &arguments)? {
        return Ok(Some(value));
    }
    if let Some(value) = cidr::call(key, &arguments)? {
        return Ok(Some(value));
    }
    if let Some(value) = arrays::call(key, &arguments)? {
        return Ok(Some(value));
    }
    objects::call(key, arguments)
}

/// `of.at` and `of[at]`; when `is_safe`, what is absent is null.
pub(crate) fn take_member(of: Value, at: &Value, is_safe: bool) -> Result<Value, Error> {
    let absent = |message: String| if is_safe { Ok(Value::Null) } else { Err(Error::template(message)) };
    match (of, at) {
        (Value::Object(mut members), Value::String(name)) => {
            if let Some(value) = members.remove(name) {
                return Ok(value);
            }
            if let Some(value) = member(&members, name) {
                return Ok(value.clone());
            }
            let known: Vec<String> = members.keys().take(16).map(|name| shown(name)).collect();
            absent(format!(
                "The language expression property '{}' doesn't exist, available properties are '{}'. Please see https://aka.ms/arm-syntax-expressions for usage details",
                shown(name),
                known.join(", ")
            ))
        }
        (Value::Array(mut values), Value::Number(index)) => {
            let at = index.as_u64().and_then(|at| usize::try_from(at).ok()).filter(|at| *at < values.len());
            match at {
                Some(at) => Ok(values.swap_remove(at)),
                None => {
                    absent(format!("The language expression property array index '{index}' is out of bounds"))
                }
            }
        }
        (of, at) => Err(Error::template(format!(
            "The language expression property '{}' can't be evaluated: a value of type '{}' has no such member. Please see https://aka.ms/arm-syntax-expressions for usage details",
            shown(at.as_str().unwrap_or(&at.to_string())),
            type_of(&of)
        ))),
    }
}

/// The order of two numbers or two texts; nothing else has one.
pub(crate) fn compare(a: &Value, b: &Value) -> Option<Ordering> {
    match (a, b) {
        (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
        (Value::Number(a), Value::Number(b)) => match (a.as_i64(), b.as_i64()) {
            (Some(a), Some(b)) => Some(a.cmp(&b)),
            _ => a.as_f64()?.partial_cmp(&b.as_f64()?),
        },
        _ => None,
    }
}

/// A value as text: texts as they are, the rest as JSON.
pub(crate) fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Refuses to make more than [`MADE`].
pub(crate) fn may_make(length: usize) -> Result<(), Error> {
    if length <= MADE {
        return Ok(());
    }
    Err(Error::template(format!(
        "A template language function made a value longer than the limit of '{MADE}'"
    )))
}
