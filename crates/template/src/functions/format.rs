//! `format`: `{0}`, `{0,8}` and `{0:format}` as .NET's composite formatting knows them for texts and numbers.

use super::{Arguments, may_make, text_of};
use crate::Error;
use serde_json::Value;

pub(super) fn format(arguments: &Arguments<'_>) -> Result<String, Error> {
    arguments.count(1..=usize::MAX)?;
    let text = arguments.text(0)?;
    let mut made = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        made.push_str(&rest[..at]);
        let brace = &rest[at..=at];
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix(brace) {
            made.push_str(brace);
            rest = after;
            continue;
        }
        let Some((item, after)) = rest.split_once('}').filter(|_| brace == "{") else {
            return Err(Error::template(
                "The format string of the template language function 'format' is not valid",
            ));
        };
        made.push_str(&self::item(arguments, item)?);
        may_make(made.len())?;
        rest = after;
    }
    made.push_str(rest);
    Ok(made)
}

fn item(arguments: &Arguments<'_>, item: &str) -> Result<String, Error> {
    let (front, form) = item.split_once(':').map_or((item, None), |(front, form)| (front, Some(form)));
    let (number, width) =
        front.split_once(',').map_or((front, None), |(number, width)| (number, Some(width)));
    let refuse = || {
        Error::template(format!(
            "The item '{{{item}}}' of the template language function 'format' is not valid"
        ))
    };
    let at: usize = number.trim().parse().map_err(|_no_number| refuse())?;
    let value = at.checked_add(1).and_then(|at| arguments.values.get(at)).ok_or_else(refuse)?;
    let text = match (value.as_i64(), form) {
        (Some(number), Some(form)) => formatted(number, form).ok_or_else(refuse)?,
        _ if value.is_boolean() => if *value == Value::Bool(true) { "True" } else { "False" }.to_owned(),
        _ => text_of(value),
    };
    let Some(width) = width else { return Ok(text) };
    let width: i32 = width.trim().parse().map_err(|_no_number| refuse())?;
    let wanted = usize::try_from(width.unsigned_abs()).unwrap_or(usize::MAX);
    may_make(wanted)?;
    let lacking = " ".repeat(wanted.saturating_sub(text.chars().count()));
    Ok(if width < 0 { text + &lacking } else { lacking + &text })
}

fn formatted(number: i64, form: &str) -> Option<String> {
    if !form.is_empty() && form.len() <= 64 && form.bytes().all(|byte| byte == b'0') {
        return Some(padded(number, form.len()));
    }
    let kind = form.chars().next()?;
    let digits = form.get(1..)?;
    let precision: Option<usize> = if digits.is_empty() { None } else { Some(digits.parse().ok()?) };
    let precision = precision.filter(|digits| *digits <= 99);
    Some(match kind {
        'D' | 'd' => padded(number, precision.unwrap_or(1)),
        'X' => format!("{number:0width$X}", width = precision.unwrap_or(1)),
        'x' => format!("{number:0width$x}", width = precision.unwrap_or(1)),
        'F' | 'f' => fraction(number.to_string(), precision.unwrap_or(2)),
        'N' | 'n' => fraction(grouped(number), precision.unwrap_or(2)),
        'G' | 'g' => number.to_string(),
        _ => return None,
    })
}

fn padded(number: i64, width: usize) -> String {
    let sign = if number < 0 { "-" } else { "" };
    format!("{sign}{:0width$}", number.unsigned_abs())
}

fn fraction(whole: String, digits: usize) -> String {
    if digits == 0 { whole } else { format!("{whole}.{}", "0".repeat(digits)) }
}

fn grouped(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if number < 0 { format!("-{text}") } else { text }
}
