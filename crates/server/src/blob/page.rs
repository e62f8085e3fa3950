//! Blobs made, described and deleted, and the pages of page blobs written, cleared and listed.

use std::ops::Range;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use providers::Rejection;
use workers::blobs::{Blob, BlobKind, Conditions};
use workers::{Error, OpenContent, PAGE_BYTES};

use super::Call;
use super::address::Query;
use super::headers::{
    check_sums, conditions, content_headers, date_text, empty, invalid, metadata, missing, new_blob, number,
    range, set, text, written,
};
use super::xml::{HEAD, element};
use crate::body::Intake;

/// Most bytes written at once ("Put Page").
const PUT_BYTES: u64 = 4 << 20;
/// Most ranges of one answer.
const RANGES: usize = 10_000;

/// Put Blob.
pub(super) async fn put_blob(call: &Call<'_>, body: Body) -> Result<Response, Error> {
    let headers = call.headers();
    let kind = text(headers, "x-ms-blob-type")?.ok_or_else(|| missing("x-ms-blob-type"))?;
    let conditions = conditions_to_make(call, conditions(headers)?);
    let (container, name, new) = (call.container()?, call.blob(), new_blob(headers)?);
    match kind {
        "PageBlob" => {
            let size = number(headers, "x-ms-blob-content-length")?;
            let size = size.ok_or_else(|| missing("x-ms-blob-content-length"))?;
            let made = call.blobs().create_page(&container, name, size, new, &conditions).await?;
            Ok(written(StatusCode::CREATED, &made, BlobKind::Page))
        }
        "BlockBlob" => {
            let (bytes, _place) = call.edge.data.blob_intakes.blocks.read(body).await?;
            check_sums(headers, &bytes)?;
            let made = call.blobs().create_block(&container, name, bytes, new, &conditions).await?;
            Ok(written(StatusCode::CREATED, &made, BlobKind::Block))
        }
        "AppendBlob" => Err(Rejection::not_implemented("A blob of the type 'AppendBlob'").into()),
        _ => Err(invalid("x-ms-blob-type").into()),
    }
}

/// Who may make but not replace makes only where nothing is.
pub(super) fn conditions_to_make(call: &Call<'_>, mut conditions: Conditions) -> Conditions {
    if !call.access.may_replace {
        conditions.if_none_match = Some("*".to_owned());
    }
    conditions
}

/// What a Put Page asks: the range, and the bytes unless it is to be cleared.
pub(super) async fn read_pages(
    headers: &HeaderMap,
    body: Body,
    intake: &Intake,
) -> Result<(Range<u64>, Option<Bytes>, crate::body::Place), Rejection> {
    let range = range(headers)?.ok_or_else(|| missing("x-ms-range"))?;
    let word = text(headers, "x-ms-page-write")?.ok_or_else(|| missing("x-ms-page-write"))?;
    let is_update = match word.to_ascii_lowercase().as_str() {
        "update" => true,
        "clear" => false,
        _ => return Err(invalid("x-ms-page-write")),
    };
    let length = range.end - range.start;
    if range.end == u64::MAX || (is_update && length > PUT_BYTES) {
        let message =
            "The page range specified is invalid: at most 4 MiB are written at once, to a range with an end.";
        return Err(Rejection::new(416, "InvalidPageRange", message));
    }
    let (bytes, place) = intake.read(body).await?;
    if !is_update {
        return match bytes.is_empty() {
            true => Ok((range, None, place)),
            false => Err(Rejection::new(400, "InvalidInput", "A range that is cleared has no body.")),
        };
    }
    if u64::try_from(bytes.len()) != Ok(length) {
        let message = "The body is not as long as the page range says.";
        return Err(Rejection::new(400, "InvalidHeaderValue", message));
    }
    check_sums(headers, &bytes)?;
    Ok((range, Some(bytes), place))
}

/// Put Page.
pub(super) async fn put(call: &Call<'_>, body: Body) -> Result<Response, Error> {
    let headers = call.headers();
    let conditions = conditions(headers)?;
    let container = call.container()?;
    let (range, bytes, _place) = read_pages(headers, body, &call.edge.data.blob_intakes.pages).await?;
    let sums = bytes.as_ref().map(|bytes| super::checksum::crc64(bytes));
    let touched = call.blobs().write_pages(&container, call.blob(), range, bytes, &conditions).await?;
    let mut response = written(StatusCode::CREATED, &touched, BlobKind::Page);
    if let Some(sum) = sums.filter(|_| !headers.contains_key("content-md5")) {
        set(&mut response, "x-ms-content-crc64", &encoded(&sum));
    }
    Ok(response)
}

fn encoded(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// Get Page Ranges.
pub(super) async fn list(call: &Call<'_>) -> Result<Response, Error> {
    let conditions = conditions(call.headers())?;
    let (blob, open) = call.blobs().read(&call.container()?, call.blob(), &conditions).await?;
    list_of(call.headers(), call.query, &blob, open).await
}

/// The page ranges of a page blob that is open.
pub(super) async fn list_of(
    headers: &HeaderMap,
    query: &Query,
    blob: &Blob,
    open: OpenContent,
) -> Result<Response, Error> {
    if blob.kind != BlobKind::Page {
        let message = "The blob type is invalid for this operation.";
        return Err(Rejection::conflict("InvalidBlobType", message).into());
    }
    let asked = range(headers)?.unwrap_or(0..u64::MAX);
    let most = query.get("maxresults").map(|text| {
        let number = text.parse::<usize>().ok().filter(|number| *number > 0);
        number.ok_or_else(|| {
            Rejection::new(400, "InvalidQueryParameterValue", "maxresults is a number from 1 on.")
        })
    });
    let most = most.transpose()?;
    let from = query.get("marker").and_then(|marker| marker.parse().ok()).unwrap_or(asked.start);
    let found = tokio::task::spawn_blocking(move || pages(&open, from.max(asked.start)..asked.end, most));
    let mut response = Response::new(Body::from(found.await??));
    set(&mut response, "content-type", "application/xml");
    set(&mut response, "etag", &format!("\"{}\"", blob.etag));
    set(&mut response, "last-modified", &date_text(blob.last_modified));
    set(&mut response, "x-ms-blob-content-length", &blob.size_bytes.to_string());
    Ok(response)
}

/// The pages that may hold data, as XML. A client that did not ask for parts gets all: past a bound, in one large range.
fn pages(open: &OpenContent, asked: Range<u64>, most: Option<usize>) -> Result<String, Error> {
    let end = asked.end.min(open.size_bytes()?);
    let mut ranges: Vec<Range<u64>> = Vec::new();
    let (mut at, mut next) = (asked.start - asked.start % PAGE_BYTES, String::new());
    while at < end {
        let Some(data) = open.next_data(at)?.filter(|data| data.start < end) else { break };
        let start = (data.start - data.start % PAGE_BYTES).max(at);
        let stop = data.end.next_multiple_of(PAGE_BYTES).min(end);
        let count = ranges.len();
        match ranges.last_mut() {
            Some(last) if last.end >= start => last.end = stop,
            _ if most.is_some_and(|most| count >= most.min(RANGES)) => {
                next = start.to_string();
                break;
            }
            _ if most.is_none() && count >= RANGES => {
                ranges.push(start..end);
                break;
            }
            _ => ranges.push(start..stop),
        }
        at = stop.max(at + PAGE_BYTES);
    }
    let shown = |range: &Range<u64>| {
        let (start, last) = (range.start.to_string(), (range.end - 1).to_string());
        format!("<PageRange>{}{}</PageRange>", element("Start", &start), element("End", &last))
    };
    let all: String = ranges.iter().map(shown).collect();
    Ok(format!("{HEAD}<PageList>{all}{}</PageList>", element("NextMarker", &next)))
}

/// Set Blob Properties: headers, size, counter.
pub(super) async fn set_properties(call: &Call<'_>) -> Result<Response, Error> {
    let headers = call.headers();
    let conditions = conditions(headers)?;
    let size = number(headers, "x-ms-blob-content-length")?;
    let action = text(headers, "x-ms-sequence-number-action")?.map(str::to_ascii_lowercase);
    let asked = number(headers, "x-ms-blob-sequence-number")?;
    let only_size = size.is_some() || action.is_some();
    let mut wanted = content_headers(headers)?;
    wanted.retain(|name, _| headers.contains_key(format!("x-ms-blob-{name}").as_str()));
    let sequence = move |stands: u64| -> Result<u64, Rejection> {
        let number = || asked.ok_or_else(|| missing("x-ms-blob-sequence-number"));
        match action.as_deref() {
            None => Ok(stands),
            Some("max") => Ok(stands.max(number()?)),
            Some("update") => number(),
            Some("increment") => Ok(stands.saturating_add(1)),
            Some(_) => Err(invalid("x-ms-sequence-number-action")),
        }
    };
    let container = call.container()?;
    let changed = call.blobs().describe(&container, call.blob(), &conditions, |blob| {
        // Without any header of the content all of them are cleared, unless something else is set.
        if !(only_size && wanted.is_empty()) {
            blob.headers = wanted.clone();
        }
        blob.size_bytes = size.unwrap_or(blob.size_bytes);
        blob.sequence = sequence(blob.sequence)?;
        Ok(())
    });
    Ok(written(StatusCode::OK, &changed.await?, BlobKind::Page))
}

/// Set Blob Metadata.
pub(super) async fn set_metadata(call: &Call<'_>) -> Result<Response, Error> {
    let (conditions, metadata) = (conditions(call.headers())?, metadata(call.headers())?);
    let container = call.container()?;
    let changed = call.blobs().describe(&container, call.blob(), &conditions, |blob| {
        blob.metadata = metadata.clone();
        Ok(())
    });
    Ok(written(StatusCode::OK, &changed.await?, BlobKind::Block))
}

/// Delete Blob.
pub(super) async fn delete(call: &Call<'_>) -> Result<Response, Error> {
    let conditions = conditions(call.headers())?;
    call.blobs().delete(&call.container()?, call.blob(), &conditions).await?;
    let mut response = empty(StatusCode::ACCEPTED);
    set(&mut response, "x-ms-delete-type-permanent", "true");
    Ok(response)
}
