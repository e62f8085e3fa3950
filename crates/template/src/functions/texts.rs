//! Functions of text.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::{Arguments, format, may_make, text_of};
use crate::{Error, hash};

pub(super) fn call(key: &str, arguments: &Arguments<'_>) -> Result<Option<Value>, Error> {
    Ok(Some(match key {
        "concat" if arguments.values.iter().any(Value::is_array) => return Ok(None),
        "concat" => {
            arguments.count(1..=usize::MAX)?;
            let texts: String = arguments.values.iter().map(text_of).collect();
            texts.into()
        }
        "format" => format::format(arguments)?.into(),
        "tolower" => one(arguments)?.to_lowercase().into(),
        "toupper" => one(arguments)?.to_uppercase().into(),
        "trim" => one(arguments)?.trim().into(),
        "startswith" => folded(arguments, |text, part| text.starts_with(part))?.into(),
        "endswith" => folded(arguments, |text, part| text.ends_with(part))?.into(),
        "indexof" if arguments.values.first().is_some_and(Value::is_string) => {
            index(folded(arguments, |text, part| position(text, text.find(part)))?)
        }
        "lastindexof" if arguments.values.first().is_some_and(Value::is_string) => {
            index(folded(arguments, |text, part| position(text, text.rfind(part)))?)
        }
        "replace" => replace(arguments)?.into(),
        "substring" => substring(arguments)?.into(),
        "padleft" => pad_left(arguments)?.into(),
        "split" => split(arguments)?,
        "string" => {
            arguments.count(1..=1)?;
            text_of(arguments.any(0)?).into()
        }
        "base64" => STANDARD.encode(one(arguments)?).into(),
        "base64tostring" => decoded(one(arguments)?)?.into(),
        "base64tojson" => json(&decoded(one(arguments)?)?)?,
        "json" => json(one(arguments)?)?,
        "uniquestring" => {
            arguments.count(1..=usize::MAX)?;
            hash::unique_string(&arguments.texts()?).into()
        }
        "guid" => {
            arguments.count(1..=usize::MAX)?;
            hash::guid(&arguments.texts()?).into()
        }
        "fail" => return Err(Error::template(one(arguments)?)),
        _ => return Ok(None),
    }))
}

pub(super) fn one<'a>(arguments: &'a Arguments<'_>) -> Result<&'a str, Error> {
    arguments.count(1..=1)?;
    arguments.text(0)
}

/// Two texts compared without case.
fn folded<T>(arguments: &Arguments<'_>, with: impl Fn(&str, &str) -> T) -> Result<T, Error> {
    arguments.count(2..=2)?;
    Ok(with(&arguments.text(0)?.to_lowercase(), &arguments.text(1)?.to_lowercase()))
}

/// A position in characters from one in bytes.
fn position(text: &str, at: Option<usize>) -> Option<usize> {
    at.map(|at| text[..at].chars().count())
}

pub(super) fn index(at: Option<usize>) -> Value {
    at.map_or_else(|| (-1).into(), Value::from)
}

fn replace(arguments: &Arguments<'_>) -> Result<String, Error> {
    arguments.count(3..=3)?;
    let (text, old, new) = (arguments.text(0)?, arguments.text(1)?, arguments.text(2)?);
    if old.is_empty() {
        return Err(Error::template(
            "The template language function 'replace' expects a text to replace that is not empty",
        ));
    }
    may_make(text.matches(old).count().saturating_mul(new.len()).saturating_add(text.len()))?;
    Ok(text.replace(old, new))
}

fn substring(arguments: &Arguments<'_>) -> Result<String, Error> {
    arguments.count(2..=3)?;
    let (text, start) = (arguments.text(0)?, arguments.length(1)?);
    let whole = text.chars().count();
    let length = if arguments.values.len() == 3 { arguments.length(2)? } else { whole.saturating_sub(start) };
    if start > whole || start.saturating_add(length) > whole {
        return Err(Error::template(format!(
            "Unable to evaluate template language function 'substring': the index and length parameters must refer to a location within the string. The index parameter: '{start}', the length parameter: '{length}', the length of the string parameter: '{whole}'"
        )));
    }
    Ok(text.chars().skip(start).take(length).collect())
}

fn pad_left(arguments: &Arguments<'_>) -> Result<String, Error> {
    arguments.count(2..=3)?;
    let text = text_of(arguments.any(0)?);
    let total = arguments.length(1)?;
    let padding = if arguments.values.len() == 3 { arguments.text(2)? } else { " " };
    let mut characters = padding.chars();
    let (Some(padding), None) = (characters.next(), characters.next()) else {
        return Err(Error::template(
            "The template language function 'padLeft' expects one character to pad with",
        ));
    };
    may_make(total)?;
    let lacking = total.saturating_sub(text.chars().count());
    Ok(std::iter::repeat_n(padding, lacking).chain(text.chars()).collect())
}

fn split(arguments: &Arguments<'_>) -> Result<Value, Error> {
    arguments.count(2..=2)?;
    let text = arguments.text(0)?;
    let delimiters: Vec<&str> = match arguments.any(1)? {
        Value::String(delimiter) => vec![delimiter.as_str()],
        Value::Array(delimiters) => delimiters.iter().filter_map(Value::as_str).collect(),
        _ => return Err(arguments.wrong(1, "String, Array")),
    };
    let mut parts = Vec::new();
    let (mut from, mut at) = (0, 0);
    while at < text.len() {
        let rest = &text[at..];
        let found =
            delimiters.iter().filter(|delimiter| !delimiter.is_empty() && rest.starts_with(**delimiter));
        if let Some(length) = found.map(|delimiter| delimiter.len()).next() {
            parts.push(Value::from(&text[from..at]));
            at += length;
            from = at;
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    parts.push(Value::from(&text[from..]));
    Ok(Value::Array(parts))
}

fn decoded(text: &str) -> Result<String, Error> {
    let bytes = STANDARD.decode(text).ok();
    bytes
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| Error::template("The text is not base64 of UTF-8"))
}

fn json(text: &str) -> Result<Value, Error> {
    serde_json::from_str(text).map_err(|error| Error::template(format!("The text is not JSON: {error}")))
}
