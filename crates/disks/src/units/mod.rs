//! Walking a disk for its data in units of one size: what every writer is driven by.
//!
//! Holes are never read, and data that turns out to be zeros counts as a hole.

#[cfg(test)]
mod tests;

use crate::bytes::{all_zero, as_u64, as_usize};
use crate::{Blocks, Error, ExtentKind, WriteAt};

/// The finest hole that is left in a written file, in bytes: finer ones cost more calls than they save.
const HOLE_BYTES: usize = 64 << 10;

/// What is done with the index and the bytes of one unit.
pub(crate) type EachUnit<'a> = dyn FnMut(u64, &[u8]) -> Result<(), Error> + 'a;

/// Calls `each` with the index and the bytes of every unit that holds anything but zeros, in order.
///
/// A last unit that reaches past the end of the disk is padded with zeros. `unit_bytes` is not zero.
pub(crate) fn for_each_unit(
    blocks: &dyn Blocks,
    unit_bytes: usize,
    each: &mut EachUnit<'_>,
) -> Result<(), Error> {
    let size_bytes = blocks.size_bytes();
    let mut buffer = vec![0; unit_bytes];
    let mut offset = 0;
    while offset < size_bytes {
        let extent = blocks.extent_at(offset)?;
        if extent.kind == ExtentKind::Zero {
            offset = offset.saturating_add(extent.length);
            continue;
        }
        let index = offset / as_u64(unit_bytes);
        let start = index * as_u64(unit_bytes);
        let end = start.saturating_add(as_u64(unit_bytes)).min(size_bytes);
        fill_unit(blocks, start, offset, end, &mut buffer)?;
        if !all_zero(&buffer) {
            each(index, &buffer)?;
        }
        offset = end;
    }
    Ok(())
}

/// Fills `buffer`, which begins at `start` of the disk, with the data between `from` and `end`, and zeros elsewhere.
fn fill_unit(blocks: &dyn Blocks, start: u64, from: u64, end: u64, buffer: &mut [u8]) -> Result<(), Error> {
    buffer.fill(0);
    let mut at = from;
    while at < end {
        let extent = blocks.extent_at(at)?;
        let extent_end = at.saturating_add(extent.length).min(end);
        if extent.kind == ExtentKind::Data {
            let part = as_usize(at - start)?..as_usize(extent_end - start)?;
            blocks.read_at(at, &mut buffer[part])?;
        }
        at = extent_end;
    }
    Ok(())
}

/// Writes `bytes` at `offset` of a file that reads as zeros there, leaving out runs of zeros.
pub(crate) fn write_sparse(out: &mut dyn WriteAt, bytes: &[u8], offset: u64) -> Result<(), Error> {
    let mut run_start = 0;
    let mut at = 0;
    for piece in bytes.chunks(HOLE_BYTES) {
        let end = at + piece.len();
        if all_zero(piece) {
            if run_start < at {
                out.write_all_at(&bytes[run_start..at], offset + as_u64(run_start))?;
            }
            run_start = end;
        }
        at = end;
    }
    if run_start < bytes.len() {
        out.write_all_at(&bytes[run_start..], offset + as_u64(run_start))?;
    }
    Ok(())
}
