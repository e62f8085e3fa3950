//! Bytes out: the list of a version's chunks, and the blocks that hold a range of it.

use axum::response::Response;
use control::Reply;

use super::call::{Call, malformed};

/// Most bytes of the disk that are answered at once.
const RANGE_BYTES: u64 = 256 << 20;

/// The chunks and holes of a version; headers say which version, its digest and its size.
pub(super) async fn entries(call: Call) -> Response {
    let work = async {
        let wanted = call.version().await?;
        let version = &wanted.bytes;
        let listed = call.edge().data.downloads.entries(version).await;
        let listed = listed.map_err(|error| wanted.told(error))?;
        let reply = Reply::empty(200)
            .with("x-gallerist-version", wanted.shown.to_string())
            .with("x-gallerist-region", version.region.to_string())
            .with("x-gallerist-digest", version.root.to_string())
            .with("x-gallerist-size-bytes", version.size_bytes.to_string());
        Ok((reply, listed))
    };
    call.bytes(work.await)
}

/// The blocks of a range of a version.
pub(super) async fn blocks(call: Call) -> Response {
    let work = async {
        let wanted = call.version().await?;
        let (from, to) = (wanted.place.from.unwrap_or(0), wanted.place.to.unwrap_or(u64::MAX));
        if to.saturating_sub(from) > RANGE_BYTES {
            return Err(malformed("at most 256 MiB may be asked for at once (from, to)").into());
        }
        let blocks = call.edge().data.downloads.blocks(&wanted.bytes, from, to).await;
        blocks.map_err(|error| wanted.told(error))
    };
    call.binary(work.await)
}
