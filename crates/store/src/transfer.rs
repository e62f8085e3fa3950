//! Reads marked chunks out of packs as blocks: verbatim where a whole block is marked, packed anew where a part is.

use crate::compression::Effort;
use crate::region::{Location, Marked, Region};
use crate::{Block, BlockBuilder, Error};
use std::sync::Arc;

/// Hands out the marked chunks of one pack in the order in which they are stored.
///
/// Blocks that are to be kept were proven, chunk by chunk. For [`Effort::Pass`] whole blocks go unopened, under their
/// checksum only: whoever receives them opens them, and that is the proof.
pub(crate) fn send_marked(
    region: &Region,
    marked: &Marked,
    effort: Effort,
    send: &mut dyn FnMut(Block) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut part = BlockBuilder::new();
    for (block, whole) in marked.blocks() {
        let chunks = marked.pack.chunks_of(block);
        let first = Location { pack: Arc::clone(&marked.pack), chunk: chunks.start };
        let packed = region.packed_block(&first, block)?;
        if whole && effort == Effort::Pass {
            send(packed)?;
            continue;
        }
        let open = packed.open()?;
        if whole {
            send(packed)?;
            continue;
        }
        for (_, (digest, bytes)) in chunks.zip(open.iter()).filter(|(chunk, _)| marked.has(*chunk)) {
            if part.push(digest, bytes)? {
                send(std::mem::take(&mut part).finish_with(effort))?;
            }
        }
    }
    if part.is_empty() { Ok(()) } else { send(part.finish_with(effort)) }
}
