//! What a write leaves: the wanted members on top of what stands.

use serde_json::{Map, Value};

use super::{Access, Field, Kind};
use crate::Rejection;

/// The members after a PUT of `wanted` (canonical) over `current`.
///
/// Read-only members stay; fixed ones stay when left out or sent empty, and may not change; the rest is replaced.
///
/// # Errors
/// `PropertyChangeNotAllowed` for a fixed member, `InvalidParameter` for a required one that is missing.
pub fn settle(
    fields: &[Field],
    current: Option<&Map<String, Value>>,
    mut wanted: Map<String, Value>,
    path: &str,
) -> Result<Map<String, Value>, Rejection> {
    let mut settled = Map::new();
    for field in fields {
        let place = format!("{path}.{}", field.name);
        let stands = current.and_then(|current| current.get(field.name));
        let asked = wanted.remove(field.name);
        if let Some(value) = member(field, current.is_some(), stands, asked, &place)? {
            settled.insert(field.name.to_owned(), value);
        } else if field.required {
            return Err(Rejection::invalid(
                &place,
                format!("Required parameter '{place}' is missing (null)."),
            ));
        }
    }
    Ok(settled)
}

fn member(
    field: &Field,
    is_update: bool,
    stands: Option<&Value>,
    asked: Option<Value>,
    place: &str,
) -> Result<Option<Value>, Rejection> {
    match (field.access, field.kind) {
        (Access::Directive, _) => Ok(None),
        (Access::Read, _) => Ok(stands.cloned()),
        (Access::Fixed, _) => match (stands, asked) {
            (Some(stands), Some(asked)) if !is_empty(&asked) && !same(stands, &asked) => {
                Err(change(stands, &asked, place))
            }
            (Some(stands), _) => Ok(Some(stands.clone())),
            // Fixed at creation means that it cannot come later either.
            (None, Some(asked)) if is_update && !is_empty(&asked) => Err(Rejection::change(place)),
            (None, asked) => Ok(asked.filter(|asked| !is_empty(asked))),
        },
        (Access::Write, Kind::Object(fields)) => {
            let asked = match asked {
                Some(Value::Object(members)) => members,
                _ if stands.is_none() => return Ok(None),
                _ => Map::new(),
            };
            let nothing = Map::new();
            let stands = stands.and_then(Value::as_object).or(is_update.then_some(&nothing));
            let settled = settle(fields, stands, asked, place)?;
            Ok((!settled.is_empty()).then_some(Value::Object(settled)))
        }
        (Access::Write, _) => Ok(asked),
    }
}

/// Puts `patch` (canonical) over `current`: objects merge, everything else replaces.
#[must_use]
pub fn merge(current: &Map<String, Value>, patch: Map<String, Value>) -> Map<String, Value> {
    let mut merged = current.clone();
    for (name, value) in patch {
        let value = match (merged.get(&name), value) {
            (Some(Value::Object(current)), Value::Object(patch)) => Value::Object(merge(current, patch)),
            (_, value) => value,
        };
        merged.insert(name, value);
    }
    merged
}

/// `{}`, `[]`, `""`, or only of such: what clients send back of what they may not write.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(members) => members.values().all(is_empty),
        Value::Array(items) => items.is_empty(),
        Value::String(text) => text.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Whether a fixed member keeps its value: text without case, members left out count as kept.
fn same(stands: &Value, asked: &Value) -> bool {
    match (stands, asked) {
        (Value::String(a), Value::String(b)) => a.eq_ignore_ascii_case(b),
        (Value::Object(stands), Value::Object(asked)) => asked.iter().all(|(name, asked)| {
            is_empty(asked) || stands.get(name).is_some_and(|stands| same(stands, asked))
        }),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (a, b) => a == b,
    }
}

fn change(stands: &Value, asked: &Value, place: &str) -> Rejection {
    if let (Value::Object(stands), Value::Object(asked)) = (stands, asked) {
        let changed = asked.iter().find(|(name, asked)| {
            !is_empty(asked) && !stands.get(*name).is_some_and(|stands| same(stands, asked))
        });
        if let Some((name, asked)) = changed {
            return change(stands.get(name).unwrap_or(&Value::Null), asked, &format!("{place}.{name}"));
        }
    }
    Rejection::change(place)
}
