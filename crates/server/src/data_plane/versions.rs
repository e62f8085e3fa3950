//! Bytes out: the list of a version's chunks, and the blocks that hold a range of it.

use axum::response::Response;
use control::Reply;

use super::call::{Call, malformed};

/// Most bytes of the disk that are answered at once.
const RANGE_BYTES: u64 = 256 << 20;

/// The chunks and holes of a version; headers say which version, its digest and its size.
pub(super) async fn entries(call: Call) -> Response {
    let work = async {
        let (version, _place) = call.version().await?;
        let listed = call.edge().data.downloads.entries(&version).await?;
        let reply = Reply::empty(200)
            .with("x-gallerist-version", version.id.to_string())
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
        let (version, place) = call.version().await?;
        let (from, to) = (place.from.unwrap_or(0), place.to.unwrap_or(u64::MAX));
        if to.saturating_sub(from) > RANGE_BYTES {
            return Err(malformed("at most 256 MiB may be asked for at once (from, to)").into());
        }
        call.edge().data.downloads.blocks(&version, from, to).await
    };
    call.binary(work.await)
}
