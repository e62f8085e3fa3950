//! Request bodies: JSON, bounded, and without duplicate names.
//!
//! Names compare without case everywhere in a body, so two that differ only in case are one name twice.

use std::collections::HashSet;
use std::fmt;

use providers::ResourceType;
use serde::Deserializer;
use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::{Error, Request, refusals};

/// Deepest nesting of a body.
const MAX_DEPTH: usize = 64;

/// The members of a request body, read as its type reads bodies.
///
/// # Errors
/// 413, 415 or 400 `InvalidRequestContent`.
pub(crate) fn members(request: &Request, kind: &dyn ResourceType) -> Result<Map<String, Value>, Error> {
    if let Some(read) = kind.read_body(&request.body) {
        is_json(request.content_type.as_deref())?;
        return Ok(read?);
    }
    object(&request.body, request.content_type.as_deref())
}

/// Parses a request body as one JSON object.
///
/// # Errors
/// 413, 415 or 400 `InvalidRequestContent`.
pub(crate) fn object(bytes: &[u8], content_type: Option<&str>) -> Result<Map<String, Value>, Error> {
    if bytes.len() > crate::Engine::BODY_BYTES {
        return Err(refusals::content_too_large(crate::Engine::BODY_BYTES).into());
    }
    is_json(content_type)?;
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = Strict { depth: 0 }.deserialize(&mut reader).and_then(|value| reader.end().map(|()| value));
    let value = value.map_err(|error| {
        refusals::invalid_content(format!(
            "The request content was invalid and could not be deserialized: '{error}'."
        ))
    })?;
    match value {
        Value::Object(object) => Ok(object),
        _ => Err(refusals::invalid_content("The request content must be a JSON object.").into()),
    }
}

fn is_json(content_type: Option<&str>) -> Result<(), Error> {
    let media = content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    if !media.eq_ignore_ascii_case("application/json") && !media.eq_ignore_ascii_case("text/json") {
        return Err(refusals::media_type().into());
    }
    Ok(())
}

/// Builds a value, refusing duplicate names and deep nesting.
#[derive(Clone, Copy)]
struct Strict {
    depth: usize,
}

impl Strict {
    fn inner<E: serde::de::Error>(self) -> Result<Self, E> {
        if self.depth >= MAX_DEPTH {
            return Err(E::custom(format!("nested deeper than {MAX_DEPTH}")));
        }
        Ok(Self { depth: self.depth + 1 })
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("a number out of range"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let inner = self.inner()?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(inner)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let inner = self.inner()?;
        let mut object = Map::new();
        let mut names = HashSet::new();
        while let Some(name) = members.next_key::<String>()? {
            let value = members.next_value_seed(inner)?;
            if !names.insert(name.to_ascii_lowercase()) {
                return Err(A::Error::custom(format!("the member '{name}' stands twice")));
            }
            object.insert(name, value);
        }
        Ok(Value::Object(object))
    }
}
