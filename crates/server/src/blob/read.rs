//! Reading blobs: what they are, and their bytes, whole or in ranges.
//!
//! Bytes are read a piece at a time as the client takes them, so that a slow one holds neither memory nor a thread. The
//! first piece is read before the answer begins: what is damaged is an error, not a broken connection.

use std::ops::Range;
use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, StatusCode};
use providers::Rejection;
use workers::{Error, OpenContent};

use super::Call;
use super::headers::{conditions, describe, empty, range, set};

/// How much is read at once, in bytes.
const PIECE_BYTES: u64 = 1 << 20;

/// What an address that was signed may say the answer is.
const OVERRIDES: [(&str, &str); 5] = [
    ("rscc", "cache-control"),
    ("rscd", "content-disposition"),
    ("rsce", "content-encoding"),
    ("rscl", "content-language"),
    ("rsct", "content-type"),
];

/// Get Blob Properties.
pub(super) async fn properties(call: &Call<'_>) -> Result<Response, Error> {
    let conditions = conditions(call.headers())?;
    let blob = call.blobs().committed(&call.container()?, call.blob()).await?;
    conditions.check(Some(&blob), workers::blobs::Purpose::Read)?;
    let mut response = empty(StatusCode::OK);
    describe(&mut response, &blob);
    if call.parts.method == http::Method::HEAD {
        set(&mut response, "content-length", &blob.size_bytes.to_string());
    }
    Ok(response)
}

/// Get Blob.
pub(super) async fn bytes(call: &Call<'_>) -> Result<Response, Error> {
    let conditions = conditions(call.headers())?;
    let (blob, open) = call.blobs().read(&call.container()?, call.blob(), &conditions).await?;
    let mut response = answer(call.headers(), open).await?;
    let partial = response.status() == StatusCode::PARTIAL_CONTENT;
    describe(&mut response, &blob);
    if partial && let Some(sum) = response.headers_mut().remove("content-md5") {
        // Of the whole blob, not of this range.
        response.headers_mut().insert("x-ms-blob-content-md5", sum);
    }
    for (parameter, header) in OVERRIDES {
        if let Some(value) = call.query.get(parameter).filter(|_| call.query.get("sig").is_some()) {
            set(&mut response, header, value);
        }
    }
    Ok(response)
}

/// The bytes that a request asks for: all of them, or a range.
pub(super) async fn answer(headers: &HeaderMap, open: OpenContent) -> Result<Response, Error> {
    let open = Arc::new(open);
    let size = open.size_bytes()?;
    // The empty range of an empty blob is all of it.
    let asked = range(headers)?.filter(|asked| !(size == 0 && asked.start == 0));
    let wanted = match &asked {
        None => 0..size,
        Some(asked) if asked.start < size => asked.start..asked.end.min(size),
        Some(_) => {
            let message = "The range specified is invalid for the current size of the resource.";
            return Err(Rejection::new(416, "InvalidRange", message).into());
        }
    };
    let first = piece(open.clone(), wanted.clone()).await?;
    let length = wanted.end - wanted.start;
    let mut response = Response::new(Body::from_stream(stream::unfold(
        (open, wanted.clone(), Some(first)),
        |(open, left, ready)| async move {
            let bytes = match ready {
                Some(bytes) => Ok(bytes),
                None => piece(open.clone(), left.clone()).await,
            };
            let read =
                bytes.as_ref().map_or(u64::MAX, |bytes| u64::try_from(bytes.len()).unwrap_or(u64::MAX));
            if read == 0 {
                return None;
            }
            let left = left.start.saturating_add(read).min(left.end)..left.end;
            Some((bytes, (open, left, None)))
        },
    )));
    if asked.is_some() {
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        set(&mut response, "content-range", &format!("bytes {}-{}/{size}", wanted.start, wanted.end - 1));
    }
    set(&mut response, "content-length", &length.to_string());
    Ok(response)
}

async fn piece(open: Arc<OpenContent>, left: Range<u64>) -> Result<Bytes, Error> {
    let length = (left.end - left.start).min(PIECE_BYTES);
    if length == 0 {
        return Ok(Bytes::new());
    }
    let reading = tokio::task::spawn_blocking(move || {
        let mut bytes = vec![0; usize::try_from(length).unwrap_or_default()];
        open.read_at(left.start, &mut bytes)?;
        Ok(Bytes::from(bytes))
    });
    reading.await?
}
