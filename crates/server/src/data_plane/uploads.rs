//! Bytes in: what an upload wants, the blocks that bring it, and the list that ends it.

use arm::ResourceId;
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use providers::Rejection;
use serde_json::{Value, json};
use store::{Digest, EntryReader};
use workers::{CommitReply, Error};

use super::call::{Call, malformed};

/// Most entries of a list: those of 2 TiB of data in chunks of average length (64 KiB).
const ENTRIES: usize = 1 << 25;

/// Which of the digests in the body (32 bytes each) the client has to send: a byte each, 1 or 0.
pub(super) async fn wanted(call: Call, body: Body) -> Response {
    let work = async {
        let upload = upload(&call)?;
        let (body, _place) = call.edge().data.intakes.wanted.read(body).await?;
        let digests = tokio::task::spawn_blocking(move || digests(&body)).await??;
        let wanted = call.edge().data.uploads.wanted(&upload, digests).await?;
        Ok(wanted.into_iter().map(u8::from).collect::<Vec<u8>>())
    };
    call.binary(work.await)
}

/// Takes blocks.
pub(super) async fn receive(call: Call, body: Body) -> Response {
    let work = async {
        let upload = upload(&call)?;
        let (body, _place) = call.edge().data.intakes.blocks.read(body).await?;
        call.edge().data.uploads.receive(&upload, body).await?;
        Ok(json!({}))
    };
    call.document(work.await)
}

/// Ends an upload with the list of its entries.
pub(super) async fn commit(call: Call, body: Body) -> Response {
    let work = async {
        let upload = upload(&call)?;
        let mut entries = EntryReader::new(ENTRIES);
        let refuse = |error: store::Error| malformed(&error.to_string());
        let part = |bytes: &Bytes| entries.push(bytes).map_err(refuse);
        let _place = call.edge().data.intakes.commit.each(body, part).await?;
        let entries = entries.finish().map_err(refuse)?;
        Ok(shown(call.edge().data.uploads.commit(&upload, entries).await?))
    };
    call.document(work.await)
}

fn upload(call: &Call) -> Result<ResourceId, Error> {
    call.permitted("Gallerist.Images/uploads/write", "Gallerist.Images/uploads")
}

fn digests(body: &[u8]) -> Result<Vec<Digest>, Rejection> {
    let (whole, rest) = body.as_chunks();
    if !rest.is_empty() {
        return Err(malformed("the body is no list of digests of 32 bytes"));
    }
    Ok(whole.iter().copied().map(Digest::from_bytes).collect())
}

fn shown(reply: CommitReply) -> Value {
    match reply {
        CommitReply::Committed { digest, logical_bytes, new_bytes, stored_bytes } => json!({
            "state": "Committed", "digest": digest.to_string(), "logicalBytes": logical_bytes,
            "newBytes": new_bytes, "storedBytes": stored_bytes,
        }),
        CommitReply::Missing(digests) => {
            json!({"state": "Missing", "missing": digests.iter().map(ToString::to_string).collect::<Vec<_>>()})
        }
    }
}
