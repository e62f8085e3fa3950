//! Block blobs: blocks put, listed, and made a blob of.

use axum::body::Body;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use providers::Rejection;
use workers::Error;
use workers::blobs::{BlobKind, Block};

use super::headers::{check_sums, conditions, date_text, empty, new_blob, set, written};
use super::xml::{HEAD, block_list, element};
use super::{Call, page};

pub(super) async fn put(call: &Call<'_>, body: Body) -> Result<Response, Error> {
    let id = call.query.get("blockid").unwrap_or_default();
    if STANDARD.decode(id).map_or(true, |bytes| bytes.is_empty() || bytes.len() > 64) {
        let message = "Value for one of the query parameters specified in the request URI is invalid: blockid is the base64 of 1 to 64 bytes.";
        return Err(Rejection::new(400, "InvalidQueryParameterValue", message).into());
    }
    let (bytes, _place) = call.edge.data.blob_intakes.blocks.read(body).await?;
    check_sums(call.headers(), &bytes)?;
    call.blobs().put_block(&call.container()?, call.blob(), id, bytes).await?;
    let mut response = empty(StatusCode::CREATED);
    set(&mut response, "x-ms-request-server-encrypted", "false");
    Ok(response)
}

pub(super) async fn commit(call: &Call<'_>, body: Body) -> Result<Response, Error> {
    let (bytes, _place) = call.edge.data.blob_intakes.lists.read(body).await?;
    check_sums(call.headers(), &bytes)?;
    let mut new = new_blob(call.headers())?;
    // The type of this body is not the blob's.
    if !call.headers().contains_key("x-ms-blob-content-type") {
        new.headers.remove("content-type");
    }
    let conditions = page::conditions_to_make(call, conditions(call.headers())?);
    let list = block_list(&bytes)?;
    let made = call.blobs().put_block_list(&call.container()?, call.blob(), list, new, &conditions).await?;
    Ok(written(StatusCode::CREATED, &made, BlobKind::Block))
}

pub(super) async fn list(call: &Call<'_>) -> Result<Response, Error> {
    let (blob, blocks) = call.blobs().block_list(&call.container()?, call.blob()).await?;
    let wanted = call.query.get("blocklisttype").unwrap_or("committed").to_ascii_lowercase();
    let (committed, uncommitted) = match wanted.as_str() {
        "committed" => (true, false),
        "uncommitted" => (false, true),
        "all" => (true, true),
        _ => {
            let message = "Value for one of the query parameters specified in the request URI is invalid: blocklisttype.";
            return Err(Rejection::new(400, "InvalidQueryParameterValue", message).into());
        }
    };
    let shown = |name: &str, blocks: &[Block], is_wanted: bool| {
        let one = |block: &Block| {
            format!(
                "<Block>{}{}</Block>",
                element("Name", &block.id),
                element("Size", &block.length.to_string())
            )
        };
        let all: String = blocks.iter().map(one).collect();
        if is_wanted { format!("<{name}>{all}</{name}>") } else { String::new() }
    };
    let text = format!(
        "{HEAD}<BlockList>{}{}</BlockList>",
        shown("CommittedBlocks", &blocks.committed, committed),
        shown("UncommittedBlocks", &blocks.uncommitted, uncommitted)
    );
    let mut response = Response::new(Body::from(text));
    set(&mut response, "content-type", "application/xml");
    set(&mut response, "x-ms-blob-content-length", &blob.size_bytes.to_string());
    if blob.is_committed() {
        set(&mut response, "etag", &format!("\"{}\"", blob.etag));
        set(&mut response, "last-modified", &date_text(blob.last_modified));
    }
    Ok(response)
}
