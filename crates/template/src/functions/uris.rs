//! Functions of addresses.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::Arguments;
use super::texts::one;
use crate::Error;

pub(super) fn call(key: &str, arguments: &Arguments<'_>) -> Result<Option<Value>, Error> {
    Ok(Some(match key {
        "uricomponent" => encoded(one(arguments)?).into(),
        "uricomponenttostring" => decoded(one(arguments)?)?.into(),
        "datauri" => {
            format!("data:text/plain;charset=utf8;base64,{}", STANDARD.encode(one(arguments)?)).into()
        }
        "datauritostring" => data(one(arguments)?)?.into(),
        "uri" => {
            arguments.count(2..=2)?;
            joined(arguments.text(0)?, arguments.text(1)?).into()
        }
        _ => return Ok(None),
    }))
}

/// RFC 3986: everything but the unreserved characters.
fn encoded(text: &str) -> String {
    let letter = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(letter).collect()
}

fn decoded(text: &str) -> Result<String, Error> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let pair = after.get(..2).and_then(|pair| std::str::from_utf8(pair).ok());
        match pair.and_then(|pair| u8::from_str_radix(pair, 16).ok()).filter(|_| *first == b'%') {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).map_err(|_not_text| Error::template("The text is not percent-encoded UTF-8"))
}

fn data(text: &str) -> Result<String, Error> {
    let refuse = || Error::template("The text is not a data URI");
    let (head, body) = text.strip_prefix("data:").and_then(|text| text.split_once(',')).ok_or_else(refuse)?;
    if !head.ends_with(";base64") {
        return decoded(body);
    }
    let bytes = STANDARD.decode(body).map_err(|_no_base64| refuse())?;
    String::from_utf8(bytes).map_err(|_not_text| refuse())
}

/// `relative` in place of what stands behind the last slash of `base` (RFC 3986, without dot segments).
fn joined(base: &str, relative: &str) -> String {
    if relative.contains("://") {
        return relative.to_owned();
    }
    let host = base.find("://").map_or(0, |at| at + 3);
    let path = base[host..].find('/').map(|at| host + at);
    match (path, relative.strip_prefix('/')) {
        (Some(path), Some(_)) => format!("{}{relative}", &base[..path]),
        (None, Some(_)) => format!("{base}{relative}"),
        (Some(_), None) => format!("{}{relative}", &base[..=base.rfind('/').unwrap_or(base.len() - 1)]),
        (None, None) => format!("{base}/{relative}"),
    }
}
