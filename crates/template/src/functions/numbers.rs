//! Functions of numbers, truth and comparison.

use std::cmp::Ordering;

use serde_json::{Number, Value};

use super::{Arguments, compare};
use crate::Error;
use crate::parameters::type_of;

pub(super) fn call(key: &str, arguments: &Arguments<'_>) -> Result<Option<Value>, Error> {
    let both = |with: fn(i64, i64) -> Option<i64>| -> Result<Value, Error> {
        arguments.count(2..=2)?;
        let (a, b) = (arguments.integer(0)?, arguments.integer(1)?);
        with(a, b).map(Value::from).ok_or_else(|| {
            Error::template(format!(
                "The template language function '{}' overflows or divides by zero with '{a}' and '{b}'",
                arguments.function
            ))
        })
    };
    let ordered = |wanted: &[Ordering]| -> Result<Value, Error> {
        arguments.count(2..=2)?;
        let order = compare(arguments.any(0)?, arguments.any(1)?);
        let order = order.ok_or_else(|| arguments.wrong(1, type_of(&arguments.values[0])))?;
        Ok(wanted.contains(&order).into())
    };
    Ok(Some(match key {
        "add" => both(i64::checked_add)?,
        "sub" => both(i64::checked_sub)?,
        "mul" => both(i64::checked_mul)?,
        "div" => both(i64::checked_div)?,
        "mod" => both(i64::checked_rem)?,
        "int" => integer(arguments)?,
        "float" => float(arguments)?,
        "bool" => truth(arguments)?,
        "min" => extreme(arguments, Ordering::Less)?,
        "max" => extreme(arguments, Ordering::Greater)?,
        "true" => constant(arguments, Value::Bool(true))?,
        "false" => constant(arguments, Value::Bool(false))?,
        "null" => constant(arguments, Value::Null)?,
        "not" => {
            arguments.count(1..=1)?;
            (!arguments.truth(0)?).into()
        }
        "equals" => {
            arguments.count(2..=2)?;
            let (a, b) = (arguments.any(0)?, arguments.any(1)?);
            (a == b || compare(a, b) == Some(Ordering::Equal)).into()
        }
        "less" => ordered(&[Ordering::Less])?,
        "lessorequals" => ordered(&[Ordering::Less, Ordering::Equal])?,
        "greater" => ordered(&[Ordering::Greater])?,
        "greaterorequals" => ordered(&[Ordering::Greater, Ordering::Equal])?,
        _ => return Ok(None),
    }))
}

fn constant(arguments: &Arguments<'_>, value: Value) -> Result<Value, Error> {
    arguments.count(0..=0)?;
    Ok(value)
}

fn integer(arguments: &Arguments<'_>) -> Result<Value, Error> {
    arguments.count(1..=1)?;
    let number = match arguments.any(0)? {
        Value::String(text) => text.trim().parse::<i64>().ok().map(Value::from),
        Value::Number(number) if number.is_i64() => Some(Value::Number(number.clone())),
        Value::Number(number) => {
            // The whole part, if it is one that fits.
            let whole = number.as_f64().map(f64::trunc);
            whole.and_then(|whole| format!("{whole:.0}").parse::<i64>().ok()).map(Value::from)
        }
        _ => None,
    };
    number.ok_or_else(|| arguments.wrong(0, "Integer, or text of one"))
}

fn float(arguments: &Arguments<'_>) -> Result<Value, Error> {
    arguments.count(1..=1)?;
    let number = match arguments.any(0)? {
        Value::String(text) => text.trim().parse::<f64>().ok(),
        value => value.as_f64(),
    };
    let number = number.and_then(Number::from_f64);
    number.map(Value::Number).ok_or_else(|| arguments.wrong(0, "Float, or text of one"))
}

fn truth(arguments: &Arguments<'_>) -> Result<Value, Error> {
    arguments.count(1..=1)?;
    let truth = match arguments.any(0)? {
        Value::Bool(truth) => Some(*truth),
        Value::Number(number) => number.as_i64().map(|number| number != 0),
        Value::String(text) => match text.to_ascii_lowercase().as_str() {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        },
        _ => None,
    };
    truth.map(Value::Bool).ok_or_else(|| arguments.wrong(0, "Boolean, or text of one"))
}

fn extreme(arguments: &Arguments<'_>, wanted: Ordering) -> Result<Value, Error> {
    arguments.count(1..=usize::MAX)?;
    let values = match arguments.values.as_slice() {
        [Value::Array(values)] => values,
        values => values,
    };
    let mut best: Option<i64> = None;
    for value in values {
        let number = value.as_i64().ok_or_else(|| arguments.wrong(0, "Integer, or array of integers"))?;
        best = best.filter(|best| number.cmp(best) != wanted).or(Some(number));
    }
    best.map(Value::from).ok_or_else(|| arguments.wrong(0, "Array of at least one integer"))
}
