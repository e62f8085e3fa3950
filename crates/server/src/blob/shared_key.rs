//! Shared Key: the whole request signed with a key of the account ("Authorize with Shared Key").

use aws_lc_rs::hmac::{self, HMAC_SHA256, Key};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::request::Parts;
use jiff::{SignedDuration, Timestamp};
use providers::Rejection;
use workers::blobs::Account;

use super::address::{Address, Query};
use super::headers::http_date;
use super::signature::failed;

/// How far the client's clock may be off.
const SKEW: SignedDuration = SignedDuration::from_mins(15);

const SIGNED: [&str; 5] =
    ["content-encoding", "content-language", "content-length", "content-md5", "content-type"];
const CONDITIONS: [&str; 5] =
    ["if-modified-since", "if-match", "if-none-match", "if-unmodified-since", "range"];

pub(super) fn check(
    parts: &Parts,
    query: &Query,
    address: &Address,
    account: &Account,
    credentials: &str,
    now: Timestamp,
) -> Result<(), Rejection> {
    let (name, signature) = credentials.split_once(':').ok_or_else(|| failed("the header is malformed"))?;
    if name != address.account {
        return Err(failed("the key is another account's"));
    }
    let date = text(&parts.headers, "x-ms-date").or_else(|| text(&parts.headers, "date"));
    let date = date.and_then(http_date).ok_or_else(|| failed("the date is missing"))?;
    if now.duration_since(date).abs() > SKEW {
        return Err(failed("the request is older than 15 minutes, or the clocks differ"));
    }
    let message = string_to_sign(parts, query, address);
    if is_signed(account, message.as_bytes(), signature) {
        Ok(())
    } else {
        Err(failed("the signature does not match"))
    }
}

/// Whether one of the account's keys signed `message`; compared in constant time.
pub(super) fn is_signed(account: &Account, message: &[u8], signature: &str) -> bool {
    let Ok(signature) = STANDARD.decode(signature) else { return false };
    account
        .keys
        .iter()
        .filter_map(|key| STANDARD.decode(key).ok())
        .any(|key| hmac::verify(&Key::new(HMAC_SHA256, &key), message, &signature).is_ok())
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn string_to_sign(parts: &Parts, query: &Query, address: &Address) -> String {
    let header = |name: &str| match text(&parts.headers, name).unwrap_or_default() {
        "0" if name == "content-length" => String::new(),
        value => value.to_owned(),
    };
    // With an x-ms-date the other one is not signed.
    let date = if parts.headers.contains_key("x-ms-date") { String::new() } else { header("date") };
    let mut lines = vec![parts.method.to_string()];
    lines.extend(SIGNED.map(header));
    lines.push(date);
    lines.extend(CONDITIONS.map(header));
    let mut own: Vec<(&str, String)> = parts
        .headers
        .keys()
        .map(http::HeaderName::as_str)
        .filter(|name| name.starts_with("x-ms-"))
        .map(|name| (name, values(&parts.headers, name)))
        .collect();
    own.sort();
    lines.extend(own.into_iter().map(|(name, value)| format!("{name}:{value}")));
    lines.push(format!("/{}{}", address.account, parts.uri.path()));
    lines.extend(query.sorted().into_iter().map(|(name, value)| format!("{name}:{value}")));
    lines.join("\n")
}

fn values(headers: &HeaderMap, name: &str) -> String {
    let all = headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).map(str::trim);
    all.collect::<Vec<_>>().join(",")
}
