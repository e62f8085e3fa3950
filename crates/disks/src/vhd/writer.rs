//! Writing VHDs: fixed, as Azure takes them, and dynamic.

use super::dynamic::{HEADER_BYTES, HEADER_CHECKSUM_AT, UNUSED, bitmap_bytes};
use super::footer::{DiskType, FOOTER_BYTES, Footer, checksum};
use crate::bytes::{as_u64, as_usize};
use crate::units::{for_each_unit, write_sparse};
use crate::{Blocks, Error, WriteAt, raw};

/// The block size of the dynamic VHDs that we write, in bytes: the one every reader knows.
const BLOCK_BYTES: usize = 2 << 20;
/// What a dynamic VHD can hold, in bytes: its table counts sectors in 32 bits.
const DYNAMIC_LIMIT_BYTES: u64 = 2040 << 30;
/// Where the table of a dynamic VHD stands, behind footer copy and header.
const TABLE_OFFSET: usize = FOOTER_BYTES + HEADER_BYTES;

/// Writes the disk as it is, and a footer behind it.
pub(crate) fn write_fixed(
    blocks: &dyn Blocks,
    identity: [u8; 16],
    out: &mut dyn WriteAt,
) -> Result<u64, Error> {
    let size_bytes = raw::write(blocks, out)?;
    out.write_all_at(&Footer::build(DiskType::Fixed, size_bytes, identity), size_bytes)?;
    Ok(size_bytes + as_u64(FOOTER_BYTES))
}

/// Writes a dynamic VHD in which only blocks with data stand.
pub(crate) fn write_dynamic(
    blocks: &dyn Blocks,
    identity: [u8; 16],
    out: &mut dyn WriteAt,
) -> Result<u64, Error> {
    let size_bytes = blocks.size_bytes();
    if size_bytes > DYNAMIC_LIMIT_BYTES {
        return Err(Error::limit("a dynamic VHD holds at most 2040 GiB; choose vhdx"));
    }
    let mut table = vec![UNUSED; as_usize(size_bytes.div_ceil(as_u64(BLOCK_BYTES)))?];
    let bitmap = vec![0xFF; as_usize(bitmap_bytes(as_u64(BLOCK_BYTES)))?];
    let mut end = as_u64(TABLE_OFFSET + (table.len() * 4).next_multiple_of(512));
    for_each_unit(blocks, BLOCK_BYTES, &mut |index, data| {
        table[as_usize(index)?] =
            u32::try_from(end / 512).map_err(|_past| Error::limit("a VHD cannot be larger than 2 TiB"))?;
        out.write_all_at(&bitmap, end)?;
        end += as_u64(bitmap.len());
        write_sparse(out, data, end)?;
        end += as_u64(data.len());
        Ok(())
    })?;
    // The table is written when it is known, the footers last: an interrupted file is no VHD.
    let table: Vec<u8> = table.iter().flat_map(|entry| entry.to_be_bytes()).collect();
    let mut padded = table;
    let entries = padded.len() / 4;
    padded.resize(padded.len().next_multiple_of(512), 0xFF);
    out.write_all_at(&padded, as_u64(TABLE_OFFSET))?;
    out.write_all_at(&header(entries), as_u64(FOOTER_BYTES))?;
    let footer = Footer::build(DiskType::Dynamic, size_bytes, identity);
    out.write_all_at(&footer, 0)?;
    out.write_all_at(&footer, end)?;
    Ok(end + as_u64(FOOTER_BYTES))
}

fn header(entries: usize) -> [u8; HEADER_BYTES] {
    let mut header = [0; HEADER_BYTES];
    let mut put = |at: usize, bytes: &[u8]| header[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, b"cxsparse");
    put(8, &u64::MAX.to_be_bytes());
    put(16, &as_u64(TABLE_OFFSET).to_be_bytes());
    put(24, &0x0001_0000_u32.to_be_bytes());
    // The size limit keeps the number of blocks near a million.
    put(28, &u32::try_from(entries).unwrap_or(u32::MAX).to_be_bytes());
    put(32, &u32::try_from(BLOCK_BYTES).unwrap_or(u32::MAX).to_be_bytes());
    let sum = checksum(&header, HEADER_CHECKSUM_AT);
    header[HEADER_CHECKSUM_AT..HEADER_CHECKSUM_AT + 4].copy_from_slice(&sum.to_be_bytes());
    header
}
