//! From a byte of a file to a block of the volume: extents, or the older maps of blocks.

use super::inode::Inode;
use super::superblock::{Superblock, length};
use crate::bytes::{Fields, as_usize};
use crate::tree::Error;
use crate::window::Window;

/// The magic number of a node of extents.
const NODE: u16 = 0xF30A;
/// Deepest tree of extents that Linux makes.
const MOST_DEPTH: u16 = 5;
/// Entries of the block map that name blocks themselves; three more name maps, maps of maps, and so on.
const DIRECT: u64 = 12;
/// An extent longer than this is allocated but never written.
const MOST_WRITTEN: u16 = 0x8000;

/// Blocks of a file that follow each other on the volume, or are a hole there.
#[derive(Clone, Copy, Debug)]
struct Run {
    /// The first block on the volume; `None` for zeros.
    block: Option<u64>,
    blocks: u64,
}

/// Up to `most` bytes of `inode` from `offset`; shorter only at its end.
pub(super) fn read(
    volume: &Window<'_>,
    superblock: &Superblock,
    inode: &Inode,
    offset: u64,
    most: u64,
) -> Result<Vec<u8>, Error> {
    inode.is_readable()?;
    let wanted = inode.size_bytes.saturating_sub(offset).min(most);
    if let Some(pieces) = inode.inline()? {
        let whole = pieces.concat();
        if length(&whole) < inode.size_bytes {
            return Err(Error::Damaged("a file kept in its inode is longer than its bytes there".to_owned()));
        }
        return Ok(whole.into_iter().skip(as_usize(offset)).take(as_usize(wanted)).collect());
    }
    // Holes cost time as well, though nothing is fetched for them.
    volume.meter().step(wanted / 4096)?;
    let mut bytes = vec![0; as_usize(wanted)];
    let mut done = 0;
    while done < wanted {
        let at = offset + done;
        let (logical, within) = (at / superblock.block_bytes, at % superblock.block_bytes);
        let run = run_at(volume, superblock, inode, logical)?;
        let taken = (run.blocks * superblock.block_bytes - within).min(wanted - done);
        if let Some(block) = run.block {
            // Both ends of the run must lie inside.
            superblock.block_at(block + (run.blocks - 1))?;
            let into = bytes.get_mut(as_usize(done)..as_usize(done + taken)).unwrap_or_default();
            volume.read(superblock.block_at(block)? + within, into)?;
        }
        done += taken;
    }
    Ok(bytes)
}

/// Where on the volume the block `logical` of the file stands; `None` in a hole.
pub(super) fn place(
    volume: &Window<'_>,
    superblock: &Superblock,
    inode: &Inode,
    logical: u64,
) -> Result<Option<u64>, Error> {
    let run = run_at(volume, superblock, inode, logical)?;
    run.block.map(|block| superblock.block_at(block)).transpose()
}

/// Where the block `logical` of the file stands; the run is never empty.
fn run_at(volume: &Window<'_>, superblock: &Superblock, inode: &Inode, logical: u64) -> Result<Run, Error> {
    volume.meter().step(1)?;
    if inode.has_extents() {
        extent(volume, superblock, inode, logical)
    } else {
        mapped(volume, superblock, inode, logical)
    }
}

fn extent(volume: &Window<'_>, superblock: &Superblock, inode: &Inode, logical: u64) -> Result<Run, Error> {
    let mut node = inode.map.to_vec();
    let mut depth = None;
    // A hole reaches up to the next extent, which any level may tell.
    let mut next = u64::from(u32::MAX) + 1;
    loop {
        let fields = Fields::new("ext extent node", &node);
        let (entries, level) = (fields.le_u16(2)?, fields.le_u16(6)?);
        if fields.le_u16(0)? != NODE || level > MOST_DEPTH || depth.is_some_and(|above| level + 1 != above) {
            return Err(Error::Damaged("a tree of extents contradicts itself".to_owned()));
        }
        let mut chosen = None;
        for index in 0..usize::from(entries) {
            let at = 12 + index * 12;
            let first = u64::from(fields.le_u32(at)?);
            if first > logical {
                next = next.min(first);
                break;
            }
            chosen = Some((at, first));
        }
        let hole = Run { block: None, blocks: next.saturating_sub(logical).max(1) };
        let Some((at, first)) = chosen else {
            return Ok(hole);
        };
        if level > 0 {
            let child = u64::from(fields.le_u16(at + 8)?) << 32 | u64::from(fields.le_u32(at + 4)?);
            node = volume.bytes(superblock.block_at(child)?, superblock.block_bytes)?;
            depth = Some(level);
            continue;
        }
        let stored = fields.le_u16(at + 4)?;
        let is_written = stored <= MOST_WRITTEN;
        let blocks = u64::from(if is_written { stored } else { stored - MOST_WRITTEN });
        let start = u64::from(fields.le_u16(at + 6)?) << 32 | u64::from(fields.le_u32(at + 8)?);
        let into = logical - first;
        if into >= blocks {
            return Ok(hole);
        }
        return Ok(Run { block: is_written.then_some(start + into), blocks: blocks - into });
    }
}

/// Follows the older map: single blocks, then maps of one, two and three levels.
fn mapped(volume: &Window<'_>, superblock: &Superblock, inode: &Inode, logical: u64) -> Result<Run, Error> {
    let fields = Fields::new("ext block map", &inode.map);
    let in_block = superblock.block_bytes / 4;
    if logical < DIRECT {
        let block = u64::from(fields.le_u32(as_usize(logical * 4))?);
        return Ok(Run { block: (block != 0).then_some(block), blocks: 1 });
    }
    let mut rest = logical - DIRECT;
    let mut covered = in_block;
    for level in 0..3 {
        if rest < covered {
            let top = u64::from(fields.le_u32(as_usize((DIRECT + level) * 4))?);
            return below(volume, superblock, top, covered, rest);
        }
        rest -= covered;
        covered *= in_block;
    }
    Err(Error::Damaged("a file is longer than its map of blocks can be".to_owned()))
}

/// Goes down from the map in block `map`, which covers `covered` blocks, to the one that `rest` points at.
fn below(
    volume: &Window<'_>,
    superblock: &Superblock,
    mut map: u64,
    mut covered: u64,
    mut rest: u64,
) -> Result<Run, Error> {
    let in_block = superblock.block_bytes / 4;
    loop {
        if map == 0 {
            return Ok(Run { block: None, blocks: covered - rest });
        }
        covered /= in_block;
        let (index, within) = (rest / covered, rest % covered);
        let table = volume.bytes(superblock.block_at(map)?, superblock.block_bytes)?;
        let fields = Fields::new("ext block map", &table);
        let entry = |index: u64| fields.le_u32(as_usize(index * 4)).map(u64::from);
        map = entry(index)?;
        rest = within;
        if covered == 1 {
            // Blocks that follow each other are read at once.
            let mut blocks = 1;
            while index + blocks < in_block && map != 0 && entry(index + blocks)? == map + blocks {
                blocks += 1;
            }
            return Ok(Run { block: (map != 0).then_some(map), blocks });
        }
    }
}
