//! Functions of lists, and those that take lists and texts alike.

use std::collections::HashSet;

use serde_json::Value;

use super::texts::index;
use super::{Arguments, may_make, objects, text_of};
use crate::Error;
use crate::evaluate::member;

/// Longest list of `range`.
const RANGE: i64 = 10_000;

pub(super) fn call(key: &str, arguments: &Arguments<'_>) -> Result<Option<Value>, Error> {
    Ok(Some(match key {
        "concat" => {
            let all = (0..arguments.values.len()).map(|at| arguments.array(at));
            Value::Array(all.collect::<Result<Vec<_>, _>>()?.concat())
        }
        "array" => {
            arguments.count(1..=1)?;
            let value = arguments.any(0)?.clone();
            if value.is_array() { value } else { Value::Array(vec![value]) }
        }
        "createarray" => Value::Array(arguments.values.clone()),
        "empty" => {
            arguments.count(1..=1)?;
            is_empty(arguments)?.into()
        }
        "length" => {
            arguments.count(1..=1)?;
            match arguments.any(0)? {
                Value::String(text) => text.chars().count().into(),
                Value::Array(values) => values.len().into(),
                Value::Object(members) => members.len().into(),
                _ => return Err(arguments.wrong(0, "String, Array, Object")),
            }
        }
        "first" => end(arguments, <[Value]>::first, |text| text.chars().next())?,
        "last" => end(arguments, <[Value]>::last, |text| text.chars().next_back())?,
        "take" => part(arguments, 0)?,
        "skip" => part(arguments, usize::MAX)?,
        "contains" => contains(arguments)?.into(),
        "indexof" | "lastindexof" => {
            arguments.count(2..=2)?;
            let (values, wanted) = (arguments.array(0)?, arguments.any(1)?);
            let first = |value: &Value| value == wanted;
            index(if key == "indexof" {
                values.iter().position(first)
            } else {
                values.iter().rposition(first)
            })
        }
        "join" => join(arguments)?.into(),
        "range" => {
            arguments.count(2..=2)?;
            let (start, count) = (arguments.integer(0)?, arguments.integer(1)?);
            if !(0..=RANGE).contains(&count) {
                return Err(Error::template(format!(
                    "The count of the template language function 'range' must be within '0' and '{RANGE}'"
                )));
            }
            (0..count).map(|at| start.saturating_add(at)).collect()
        }
        "flatten" => {
            arguments.count(1..=1)?;
            let flat = arguments.array(0)?.iter().flat_map(|value| match value {
                Value::Array(values) => values.as_slice(),
                value => std::slice::from_ref(value),
            });
            flat.cloned().collect()
        }
        "indexfromend" | "tryindexfromend" => from_end(arguments, key == "tryindexfromend")?,
        "union" if arguments.values.iter().all(Value::is_array) => union(arguments)?,
        "intersection" if arguments.values.iter().all(Value::is_array) => intersection(arguments)?,
        "union" | "intersection" => objects::combined(key, arguments)?,
        _ => return Ok(None),
    }))
}

fn is_empty(arguments: &Arguments<'_>) -> Result<bool, Error> {
    Ok(match arguments.any(0)? {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(values) => values.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => return Err(arguments.wrong(0, "String, Array, Object")),
    })
}

fn end(
    arguments: &Arguments<'_>,
    of: impl Fn(&[Value]) -> Option<&Value>,
    letter: impl Fn(&str) -> Option<char>,
) -> Result<Value, Error> {
    arguments.count(1..=1)?;
    Ok(match arguments.any(0)? {
        Value::Array(values) => of(values).cloned().unwrap_or_default(),
        Value::String(text) => letter(text).map(String::from).unwrap_or_default().into(),
        _ => return Err(arguments.wrong(0, "String, Array")),
    })
}

/// `take` (from 0) or `skip`: a count below 0 is none.
fn part(arguments: &Arguments<'_>, rest: usize) -> Result<Value, Error> {
    arguments.count(2..=2)?;
    let count = usize::try_from(arguments.integer(1)?).unwrap_or(0);
    let (skip, take) = if rest == 0 { (0, count) } else { (count, rest) };
    Ok(match arguments.any(0)? {
        Value::Array(values) => values.iter().skip(skip).take(take).cloned().collect(),
        Value::String(text) => text.chars().skip(skip).take(take).collect::<String>().into(),
        _ => return Err(arguments.wrong(0, "String, Array")),
    })
}

fn contains(arguments: &Arguments<'_>) -> Result<bool, Error> {
    arguments.count(2..=2)?;
    let wanted = arguments.any(1)?;
    Ok(match arguments.any(0)? {
        Value::Array(values) => values.contains(wanted),
        Value::String(text) => text.contains(&text_of(wanted)),
        Value::Object(members) => member(members, arguments.text(1)?).is_some(),
        _ => return Err(arguments.wrong(0, "String, Array, Object")),
    })
}

fn join(arguments: &Arguments<'_>) -> Result<String, Error> {
    arguments.count(2..=2)?;
    let (values, delimiter) = (arguments.array(0)?, arguments.text(1)?);
    let texts: Vec<String> = values.iter().map(text_of).collect();
    may_make(texts.len().saturating_mul(delimiter.len()))?;
    Ok(texts.join(delimiter))
}

fn from_end(arguments: &Arguments<'_>, is_safe: bool) -> Result<Value, Error> {
    arguments.count(2..=2)?;
    let (values, back) = (arguments.array(0)?, arguments.integer(1)?);
    let at =
        usize::try_from(back).ok().filter(|back| *back > 0).and_then(|back| values.len().checked_sub(back));
    match at {
        Some(at) => Ok(values[at].clone()),
        None if is_safe => Ok(Value::Null),
        None => Err(Error::template(format!("The index '{back}' from the end is out of bounds"))),
    }
}

fn union(arguments: &Arguments<'_>) -> Result<Value, Error> {
    arguments.count(1..=usize::MAX)?;
    let (mut seen, mut all) = (HashSet::new(), Vec::new());
    for value in arguments.values.iter().filter_map(Value::as_array).flatten() {
        if seen.insert(value.to_string()) {
            all.push(value.clone());
        }
    }
    Ok(Value::Array(all))
}

fn intersection(arguments: &Arguments<'_>) -> Result<Value, Error> {
    arguments.count(1..=usize::MAX)?;
    let others: Vec<HashSet<String>> = arguments.values[1..]
        .iter()
        .filter_map(Value::as_array)
        .map(|values| values.iter().map(Value::to_string).collect())
        .collect();
    let mut seen = HashSet::new();
    let in_all = |value: &&Value| {
        let text = value.to_string();
        others.iter().all(|other| other.contains(&text)) && seen.insert(text)
    };
    Ok(arguments.array(0)?.iter().filter(in_all).cloned().collect())
}
