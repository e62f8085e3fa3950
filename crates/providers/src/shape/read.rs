//! From what a client sent to canonical JSON.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{Access, Field, Kind, field};
use crate::Rejection;

/// What a client's object says, apart: what to store and what to do.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading {
    /// Members to store, canonical.
    pub stored: Map<String, Value>,
    /// Directives, canonical.
    pub directives: Map<String, Value>,
}

/// Reads `value` as an object of `fields`; `path` is where it stands, such as `galleryImage.properties`.
///
/// # Errors
/// 400 with the path of the first member that does not fit.
pub fn read(fields: &[Field], value: &Value, path: &str) -> Result<Reading, Rejection> {
    let mut reading = Reading::default();
    for (name, value) in members(value, path)? {
        let Some(field) = field(fields, name) else { continue };
        let place = format!("{path}.{}", field.name);
        match field.access {
            _ if value.is_null() => {}
            Access::Read => {}
            Access::Directive => {
                reading.directives.insert(field.name.to_owned(), convert(field.kind, value, &place)?);
            }
            Access::Write | Access::Fixed => {
                reading.stored.insert(field.name.to_owned(), convert(field.kind, value, &place)?);
            }
        }
    }
    Ok(reading)
}

fn members<'a>(value: &'a Value, path: &str) -> Result<&'a Map<String, Value>, Rejection> {
    value.as_object().ok_or_else(|| wrong_type(value, "an object", path))
}

fn convert(kind: Kind, value: &Value, path: &str) -> Result<Value, Rejection> {
    match kind {
        Kind::Text(limit) => text(value, limit, path).map(|text| Value::from(text.to_owned())),
        Kind::Bool => boolean(value, path),
        Kind::Integer(low, high) => integer(value, low, high, path),
        Kind::Time => time(value, path),
        Kind::Choice(words) => choice(value, words, path),
        Kind::Object(fields) => Ok(Value::Object(read(fields, value, path)?.stored)),
        Kind::List(kind) => {
            let items = value.as_array().ok_or_else(|| wrong_type(value, "an array", path))?;
            let read = items.iter().enumerate().filter(|(_, item)| !item.is_null());
            read.map(|(at, item)| convert(*kind, item, &format!("{path}[{at}]"))).collect()
        }
        Kind::Map(kind) => {
            let entries = members(value, path)?.iter();
            entries
                .map(|(name, value)| Ok((name.clone(), convert(*kind, value, &format!("{path}.{name}"))?)))
                .collect()
        }
        Kind::Any => Ok(value.clone()),
    }
}

fn text<'a>(value: &'a Value, limit: usize, path: &str) -> Result<&'a str, Rejection> {
    let text = value.as_str().ok_or_else(|| wrong_type(value, "a string", path))?;
    if text.chars().count() > limit {
        return Err(Rejection::invalid(
            path,
            format!("The value of parameter '{path}' is too long. It may hold at most {limit} characters."),
        ));
    }
    if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        return Err(Rejection::invalid(
            path,
            format!("The value of parameter '{path}' holds control characters."),
        ));
    }
    Ok(text)
}

fn boolean(value: &Value, path: &str) -> Result<Value, Rejection> {
    match value {
        Value::Bool(_) => Ok(value.clone()),
        Value::String(word) if word.eq_ignore_ascii_case("true") => Ok(Value::Bool(true)),
        Value::String(word) if word.eq_ignore_ascii_case("false") => Ok(Value::Bool(false)),
        _ => Err(wrong_type(value, "a boolean", path)),
    }
}

fn integer(value: &Value, low: i64, high: i64, path: &str) -> Result<Value, Rejection> {
    let number = match value {
        Value::Number(number) => number.as_i64(),
        // Azure's Json.NET takes numbers in quotes.
        Value::String(text) => text.parse().ok(),
        _ => None,
    };
    let number = number.ok_or_else(|| wrong_type(value, "an integer", path))?;
    if !(low..=high).contains(&number) {
        let message = format!(
            "The value '{number}' of parameter '{path}' is out of range. The value must be between {low} and {high}, inclusive."
        );
        return Err(Rejection::invalid(path, message));
    }
    Ok(number.into())
}

fn time(value: &Value, path: &str) -> Result<Value, Rejection> {
    let text = value.as_str().ok_or_else(|| wrong_type(value, "a date and time", path))?;
    let moment = text.parse::<Timestamp>().ok().or_else(|| {
        // A plain date, or a local time without an offset, is taken as UTC, as Azure does.
        let civil: jiff::civil::DateTime = text.parse().ok()?;
        civil.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
    });
    let moment = moment.ok_or_else(|| {
        let shown: String = text.chars().filter(|c| !c.is_control()).take(64).collect();
        // The first two sentences are Azure's (azure-api 19.5).
        let message = format!(
            "Could not convert string to DateTimeOffset: {shown}. Path '{}'. Write an RFC 3339 date and time, such as 2030-01-31T00:00:00Z.",
            inner(path)
        );
        Rejection::invalid(path, message)
    })?;
    Ok(arm::wire_time(moment).into())
}

fn choice(value: &Value, words: &[&str], path: &str) -> Result<Value, Rejection> {
    let text = value.as_str().ok_or_else(|| wrong_type(value, "a string", path))?;
    let word = words.iter().find(|word| word.eq_ignore_ascii_case(text));
    word.map(|word| Value::from(*word)).ok_or_else(|| {
        let shown: String = text.chars().filter(|c| !c.is_control()).take(64).collect();
        let message = format!(
            "The value '{shown}' of parameter '{path}' is not allowed. Allowed values are: {}.",
            words.join(", ")
        );
        Rejection::invalid(path, message)
    })
}

fn wrong_type(value: &Value, wanted: &str, path: &str) -> Rejection {
    let shown: String = value.to_string().chars().filter(|c| !c.is_control()).take(64).collect();
    Rejection::contradiction(format!("Error converting value {shown} to {wanted}. Path '{}'.", inner(path)))
        .at(path)
}

/// Azure's Path leaves the subject out: 'properties.storageProfile', as in azure-api 19.4.
fn inner(path: &str) -> &str {
    path.split_once('.').map_or(path, |(_, rest)| rest)
}
