//! Blocks that no file has: what was deleted still stands there until it is written over.

use std::ops::Range;

use super::superblock::Superblock;
use crate::bytes::{Fields, as_usize};
use crate::tree::Error;
use crate::window::Window;

/// `bg_flags`: the map of blocks was never written, since the group was never used.
const NEVER_USED: u16 = 0x2;
/// Most runs told.
const MOST_RUNS: usize = 1 << 18;

/// The runs of free blocks, in bytes of the volume; groups that were never used are left out.
pub(super) fn runs(volume: &Window<'_>, superblock: &Superblock) -> Result<Vec<Range<u64>>, Error> {
    let mut runs: Vec<Range<u64>> = Vec::new();
    for group in 0..superblock.groups()? {
        let descriptor = superblock.descriptor(volume, group)?;
        let fields = Fields::new("ext group descriptor", &descriptor);
        if superblock.has_uninitialised() && fields.le_u16(18)? & NEVER_USED != 0 {
            continue;
        }
        let high = if descriptor.len() >= 64 { u64::from(fields.le_u32(32)?) } else { 0 };
        let map_at = superblock.block_at(high << 32 | u64::from(fields.le_u32(0)?))?;
        let blocks = superblock.blocks_of(group);
        let map = volume.bytes(map_at, superblock.block_bytes)?;
        let is_free =
            |block: u64| map.get(as_usize(block / 8)).is_some_and(|byte| byte >> (block % 8) & 1 == 0);
        for block in (0..blocks.end - blocks.start).filter(|block| is_free(*block)) {
            let start = superblock.block_at(blocks.start + block)?;
            let end = start + superblock.block_bytes;
            let is_full = runs.len() >= MOST_RUNS;
            match runs.last_mut() {
                Some(last) if last.end == start => last.end = end,
                _ if is_full => return Err(Error::Budget("runs of free blocks")),
                _ => runs.push(start..end),
            }
        }
    }
    Ok(runs)
}
