//! Headers in and out: conditions, ranges, checksums, and what every answer carries.

use std::collections::BTreeMap;
use std::ops::Range;

use axum::body::Body;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use providers::Rejection;
use workers::blobs::{Blob, BlobKind, Conditions, Headers, NewBlob, Touched};

use super::checksum::{crc64, md5};
use crate::edge::Edge;

/// The newest version whose answers these are.
const VERSION: &str = "2026-10-06";
/// Most bytes of all metadata ("Setting and retrieving properties and metadata").
const METADATA_BYTES: usize = 8192;
const META: &str = "x-ms-meta-";

/// The headers of a blob's content by the name under which they are read, and what they are set with.
const CONTENT: [(&str, &str); 6] = [
    ("content-type", "x-ms-blob-content-type"),
    ("content-encoding", "x-ms-blob-content-encoding"),
    ("content-language", "x-ms-blob-content-language"),
    ("content-md5", "x-ms-blob-content-md5"),
    ("cache-control", "x-ms-blob-cache-control"),
    ("content-disposition", "x-ms-blob-content-disposition"),
];

pub(super) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, Rejection> {
    match headers.get(name) {
        None => Ok(None),
        Some(value) => value.to_str().map(Some).map_err(|_not_text| invalid(name)),
    }
}

/// A whole number in a header.
pub(super) fn number(headers: &HeaderMap, name: &str) -> Result<Option<u64>, Rejection> {
    let digits = |text: &str| text.parse().map_err(|_no_number| invalid(name));
    text(headers, name)?.map(digits).transpose()
}

pub(super) fn invalid(name: &str) -> Rejection {
    let message = format!("The value for one of the HTTP headers is not in the correct format: {name}.");
    Rejection::new(400, "InvalidHeaderValue", message)
}

pub(super) fn missing(name: &str) -> Rejection {
    let message = format!("An HTTP header that's mandatory for this request is not specified: {name}.");
    Rejection::new(400, "MissingRequiredHeader", message)
}

/// `Fri, 27 Nov 2026 15:00:00 GMT`
pub(super) fn http_date(text: &str) -> Option<Timestamp> {
    DateTimeParser::new().parse_timestamp(text).ok()
}

pub(super) fn date_text(time: Timestamp) -> String {
    jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&time).unwrap_or_default()
}

pub(super) fn conditions(headers: &HeaderMap) -> Result<Conditions, Rejection> {
    let word = |name| text(headers, name).map(|found| found.map(str::to_owned));
    let date = |name| -> Result<Option<Timestamp>, Rejection> {
        text(headers, name)?.map(|text| http_date(text).ok_or_else(|| invalid(name))).transpose()
    };
    Ok(Conditions {
        if_match: word("if-match")?,
        if_none_match: word("if-none-match")?,
        if_modified_since: date("if-modified-since")?,
        if_unmodified_since: date("if-unmodified-since")?,
        sequence_at_most: number(headers, "x-ms-if-sequence-number-le")?,
        sequence_below: number(headers, "x-ms-if-sequence-number-lt")?,
        sequence_equals: number(headers, "x-ms-if-sequence-number-eq")?,
    })
}

/// `bytes=a-b` as a range of bytes, open at its end when that is left out; of the two headers Azure's own counts.
pub(super) fn range(headers: &HeaderMap) -> Result<Option<Range<u64>>, Rejection> {
    let name = if headers.contains_key("x-ms-range") { "x-ms-range" } else { "range" };
    let Some(value) = text(headers, name)? else { return Ok(None) };
    let refused = || invalid(name);
    let (first, last) =
        value.strip_prefix("bytes=").and_then(|both| both.split_once('-')).ok_or_else(refused)?;
    let start: u64 = first.parse().map_err(|_no_number| refused())?;
    let end = match last {
        "" => u64::MAX,
        last => last.parse::<u64>().ok().and_then(|last| last.checked_add(1)).ok_or_else(refused)?,
    };
    if start < end { Ok(Some(start..end)) } else { Err(refused()) }
}

/// Refuses bytes that were damaged on their way.
pub(super) fn check_sums(headers: &HeaderMap, bytes: &[u8]) -> Result<(), Rejection> {
    if let Some(sent) = text(headers, "content-md5")?
        && STANDARD.decode(sent).ok().as_deref() != Some(&md5(bytes))
    {
        let message = "The MD5 value specified in the request did not match with the MD5 value calculated by the server.";
        return Err(Rejection::new(400, "Md5Mismatch", message));
    }
    if let Some(sent) = text(headers, "x-ms-content-crc64")?
        && STANDARD.decode(sent).ok().as_deref() != Some(&crc64(bytes))
    {
        let message = "The CRC64 value specified in the request did not match with the CRC64 value calculated by the server.";
        return Err(Rejection::new(400, "Crc64Mismatch", message));
    }
    Ok(())
}

/// What a blob is made with.
pub(super) fn new_blob(headers: &HeaderMap) -> Result<NewBlob, Rejection> {
    let sequence = number(headers, "x-ms-blob-sequence-number")?.unwrap_or(0);
    Ok(NewBlob { headers: content_headers(headers)?, metadata: metadata(headers)?, sequence })
}

/// The headers of a blob's content that a request sets.
pub(super) fn content_headers(headers: &HeaderMap) -> Result<Headers, Rejection> {
    let mut found = Headers::new();
    for (name, sent) in CONTENT {
        if let Some(value) = text(headers, sent)? {
            found.insert(name.to_owned(), value.to_owned());
        }
    }
    // Older clients say the type of the whole blob where others say that of the body.
    if !found.contains_key("content-type")
        && let Some(value) = text(headers, "content-type")?
    {
        found.insert("content-type".to_owned(), value.to_owned());
    }
    Ok(found)
}

/// The client's own words.
pub(super) fn metadata(headers: &HeaderMap) -> Result<BTreeMap<String, String>, Rejection> {
    let (mut metadata, mut bytes) = (BTreeMap::new(), 0);
    for name in headers.keys().map(HeaderName::as_str) {
        let Some(word) = name.strip_prefix(META) else { continue };
        let value = text(headers, name)?.unwrap_or_default();
        bytes += word.len() + value.len();
        let named = word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !named {
            let message = "The metadata specified is invalid. It has characters that are not permitted.";
            return Err(Rejection::new(400, "InvalidMetadata", message));
        }
        metadata.insert(word.to_owned(), value.to_owned());
    }
    if bytes > METADATA_BYTES {
        let message = "The size of the specified metadata exceeds the maximum size permitted.";
        return Err(Rejection::new(400, "MetadataTooLarge", message));
    }
    Ok(metadata)
}

/// An answer without a body.
pub(super) fn empty(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

pub(super) fn set(response: &mut Response, name: &str, value: &str) {
    if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_str(value)) {
        response.headers_mut().insert(name, value);
    }
}

/// The answer to a write.
pub(super) fn written(status: StatusCode, touched: &Touched, kind: BlobKind) -> Response {
    let mut response = empty(status);
    set(&mut response, "etag", &format!("\"{}\"", touched.etag));
    set(&mut response, "last-modified", &date_text(touched.last_modified));
    set(&mut response, "x-ms-request-server-encrypted", "false");
    if kind == BlobKind::Page {
        set(&mut response, "x-ms-blob-sequence-number", &touched.sequence.to_string());
    }
    response
}

/// What a reader is told of a blob, its length left out.
pub(super) fn describe(response: &mut Response, blob: &Blob) {
    set(response, "etag", &format!("\"{}\"", blob.etag));
    set(response, "last-modified", &date_text(blob.last_modified));
    set(response, "x-ms-creation-time", &date_text(blob.created));
    set(response, "x-ms-blob-type", blob.kind.as_str());
    set(response, "x-ms-lease-status", "unlocked");
    set(response, "x-ms-lease-state", "available");
    set(response, "x-ms-server-encrypted", "false");
    set(response, "accept-ranges", "bytes");
    set(response, "content-type", "application/octet-stream");
    for (name, value) in &blob.headers {
        set(response, name, value);
    }
    for (name, value) in &blob.metadata {
        set(response, &format!("{META}{name}"), value);
    }
    if blob.kind == BlobKind::Page {
        set(response, "x-ms-blob-sequence-number", &blob.sequence.to_string());
    }
}

/// Takes away what only an answer with content says.
pub(super) fn without_content(response: &mut Response) {
    for name in ["content-type", "accept-ranges"] {
        response.headers_mut().remove(name);
    }
}

/// What every answer carries.
pub(super) fn finish(edge: &Edge, parts: &Parts, mut response: Response) -> Response {
    if !response.headers().contains_key("x-ms-request-id") {
        set(&mut response, "x-ms-request-id", &edge.ids.uuid().to_string());
    }
    let asked = text(&parts.headers, "x-ms-version").ok().flatten();
    let version = asked.filter(|asked| asked.len() == VERSION.len() && asked.is_ascii()).unwrap_or(VERSION);
    set(&mut response, "x-ms-version", version);
    set(&mut response, "x-content-type-options", "nosniff");
    if let Some(id) =
        text(&parts.headers, "x-ms-client-request-id").ok().flatten().filter(|id| id.len() <= 1024)
    {
        set(&mut response, "x-ms-client-request-id", id);
    }
    response
}
