//! Functions of objects.

use serde_json::{Map, Value, json};

use super::{Arguments, take_member};
use crate::Error;
use crate::evaluate::member;

pub(super) fn call(key: &str, arguments: Arguments<'_>) -> Result<Option<Value>, Error> {
    Ok(Some(match key {
        "createobject" => create(&arguments)?,
        "objectkeys" => {
            arguments.count(1..=1)?;
            arguments.object(0)?.keys().map(|name| Value::from(name.as_str())).collect()
        }
        "items" => {
            arguments.count(1..=1)?;
            arguments.object(0)?.iter().map(|(key, value)| json!({"key": key, "value": value})).collect()
        }
        "shallowmerge" => {
            arguments.count(1..=1)?;
            let mut merged = Map::new();
            for value in arguments.array(0)? {
                let Value::Object(members) = value else {
                    return Err(arguments.wrong(0, "Array of objects"));
                };
                merged.extend(members.clone());
            }
            Value::Object(merged)
        }
        "tryget" => {
            arguments.count(2..=usize::MAX)?;
            let mut values = arguments.values.into_iter();
            let mut found = values.next().unwrap_or_default();
            for at in values {
                if found.is_null() {
                    break;
                }
                found = take_member(found, &at, true)?;
            }
            found
        }
        _ => return Ok(None),
    }))
}

fn create(arguments: &Arguments<'_>) -> Result<Value, Error> {
    let mut members = Map::new();
    for (at, pair) in arguments.values.chunks(2).enumerate() {
        let [Value::String(name), value] = pair else {
            return Err(arguments.wrong(2 * at, "String, followed by its value"));
        };
        members.insert(name.clone(), value.clone());
    }
    Ok(Value::Object(members))
}

/// `union` and `intersection` of objects.
pub(super) fn combined(key: &str, arguments: &Arguments<'_>) -> Result<Value, Error> {
    arguments.count(1..=usize::MAX)?;
    let mut sum = arguments.object(0)?.clone();
    for at in 1..arguments.values.len() {
        let other = arguments.object(at)?;
        if key == "union" {
            merge(&mut sum, other);
        } else {
            sum.retain(|name, value| member(other, name) == Some(value));
        }
    }
    Ok(Value::Object(sum))
}

/// Later values win; objects are merged.
fn merge(into: &mut Map<String, Value>, other: &Map<String, Value>) {
    for (name, value) in other {
        let known = into.keys().find(|known| known.eq_ignore_ascii_case(name)).cloned();
        match (known.as_ref().and_then(|known| into.get_mut(known)), value) {
            (Some(Value::Object(inner)), Value::Object(value)) => merge(inner, value),
            (Some(slot), value) => *slot = value.clone(),
            (None, value) => {
                into.insert(name.clone(), value.clone());
            }
        }
    }
}
