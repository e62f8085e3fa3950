//! The data of a VHDX: blocks of one size, found through the block allocation table.
//!
//! At open every block is proven to lie inside the file and to share no byte with anything else.

use std::ops::Range;

use super::MIB;
use super::metadata::Metadata;
use crate::bytes::{self, as_u64, as_usize};
use crate::layout::Layout;
use crate::raw::check_range;
use crate::source::extent_in;
use crate::{Blocks, Error, Extent, ExtentKind, Limits, ReadAt};

/// The part of a table entry that is the block's offset in MiB.
const OFFSET_SHIFT: u32 = 20;

/// Blocks of payload between two entries for sector bitmaps, in the block allocation table.
pub(super) fn chunk_ratio(sector_bytes: u64, block_bytes: u64) -> u64 {
    (sector_bytes << 23) / block_bytes
}

/// How many entries the table of a disk has that is no differencing disk: the last needs no bitmap behind it.
pub(super) fn table_entries(block_count: u64, chunk_ratio: u64) -> u64 {
    block_count + block_count.saturating_sub(1) / chunk_ratio
}

/// The data of a VHDX.
pub(super) struct Payload {
    file: Box<dyn ReadAt>,
    size_bytes: u64,
    block_bytes: u64,
    /// Where each block stands in the file; 0 when it is a hole.
    offsets: Vec<u64>,
}

impl Payload {
    /// Reads the table, which lies inside the file.
    pub(super) fn open(
        file: Box<dyn ReadAt>,
        table: &Range<u64>,
        metadata: &Metadata,
        layout: &Layout,
        limits: &Limits,
    ) -> Result<Self, Error> {
        let Metadata { size_bytes, block_bytes, sector_bytes } = *metadata;
        let block_count = size_bytes.div_ceil(block_bytes);
        let ratio = chunk_ratio(sector_bytes, block_bytes);
        let table_bytes = table_entries(block_count, ratio).saturating_mul(8);
        if table_bytes > table.end - table.start {
            return Err(Error::corrupt(format!(
                "the VHDX block table has {} bytes; the disk needs {table_bytes}",
                table.end - table.start
            )));
        }
        if table_bytes > limits.table_bytes {
            let allowed = limits.table_bytes;
            return Err(Error::limit(format!(
                "the VHDX block table has {table_bytes} bytes; at most {allowed} are allowed"
            )));
        }
        let offsets = read_offsets(file.as_ref(), table.start, table_bytes, ratio)?;
        let starts = offsets.iter().copied().filter(|offset| *offset != 0);
        layout.check_blocks(starts, block_bytes, file.length()?)?;
        Ok(Self { file, size_bytes, block_bytes, offsets })
    }

    /// Where the block that holds `offset` stands in the file; 0 when it is a hole.
    fn block_offset(&self, offset: u64) -> Result<u64, Error> {
        let block = self.offsets.get(as_usize(offset / self.block_bytes)?);
        // The table was read for the whole size, and the offset checked against it.
        block.copied().ok_or_else(|| Error::corrupt("the VHDX block table is shorter than its disk"))
    }
}

/// Reads `table_bytes` of the table and keeps the entries of payload blocks.
fn read_offsets(file: &dyn ReadAt, start: u64, table_bytes: u64, ratio: u64) -> Result<Vec<u64>, Error> {
    let mut offsets = Vec::with_capacity(as_usize(table_bytes / 8)?);
    let mut index = 0;
    bytes::read_pieces(file, "VHDX block table", start, table_bytes, &mut |piece| {
        let (entries, _) = piece.as_chunks::<8>();
        for entry in entries {
            // After every `ratio` blocks stands the entry of a sector bitmap, which only differencing disks use.
            if index % (ratio + 1) != ratio {
                offsets.push(block_entry(u64::from_le_bytes(*entry))?);
            }
            index += 1;
        }
        Ok(())
    })?;
    Ok(offsets)
}

/// The offset of the block that an entry stands for; 0 when it is a hole.
fn block_entry(entry: u64) -> Result<u64, Error> {
    match entry & 7 {
        // Not present, undefined, zero, unmapped: all read as zeros, so that nothing left behind comes to light.
        0..=3 => Ok(0),
        6 => match (entry >> OFFSET_SHIFT).checked_mul(MIB) {
            Some(0) => Err(Error::corrupt("a block of the VHDX stands on its header")),
            Some(offset) => Ok(offset),
            None => Err(Error::truncated("a block of the VHDX stands behind the largest file there can be")),
        },
        7 => Err(Error::corrupt("a block of the VHDX is partly in a parent, which the disk does not have")),
        state => Err(Error::corrupt(format!("a block of the VHDX has the unknown state {state}"))),
    }
}

impl Blocks for Payload {
    fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), Error> {
        check_range(self.size_bytes, offset, buffer.len())?;
        let mut rest = buffer;
        let mut at = offset;
        while !rest.is_empty() {
            let within = at % self.block_bytes;
            let length = (self.block_bytes - within).min(as_u64(rest.len()));
            let (part, behind) = rest.split_at_mut(as_usize(length)?);
            match self.block_offset(at)? {
                0 => part.fill(0),
                block => self.file.read_exact_at(part, block + within)?,
            }
            at += length;
            rest = behind;
        }
        Ok(())
    }

    fn extent_at(&self, offset: u64) -> Result<Extent, Error> {
        check_range(self.size_bytes, offset, 1)?;
        let within = offset % self.block_bytes;
        let left = self.size_bytes - offset;
        let block = self.block_offset(offset)?;
        if block != 0 {
            return extent_in(self.file.as_ref(), block + within, left.min(self.block_bytes - within));
        }
        let behind = self.offsets.iter().skip(as_usize(offset / self.block_bytes)?);
        let holes = as_u64(behind.take_while(|block| **block == 0).count());
        Ok(Extent { length: (holes * self.block_bytes - within).min(left), kind: ExtentKind::Zero })
    }
}
