//! Dynamic VHDs: blocks of one size, found through a table of sector numbers.
//!
//! At open every block is proven to lie inside the file and to share no byte with anything else.

use std::sync::{Arc, Mutex, PoisonError};

use super::footer::{FOOTER_BYTES, Footer, checksum};
use crate::bytes::{Fields, as_u64, as_usize};
use crate::layout::{Layout, Structure};
use crate::raw::check_range;
use crate::source::extent_in;
use crate::{Blocks, Error, Extent, ExtentKind, Limits, ReadAt, bytes};

/// Length of the dynamic header, in bytes.
pub(super) const HEADER_BYTES: usize = 1024;
/// Where the checksum of the dynamic header stands.
pub(super) const HEADER_CHECKSUM_AT: usize = 36;
/// The table's word for a block that is not there.
pub(super) const UNUSED: u32 = u32::MAX;
/// The block sizes we read, in bytes. Hyper-V writes 512 KiB and 2 MiB.
const BLOCK_BYTES: std::ops::RangeInclusive<u32> = 4 << 10..=256 << 20;
const SECTOR_BYTES: u64 = 512;

/// A dynamic VHD.
pub(super) struct Dynamic {
    file: Box<dyn ReadAt>,
    size_bytes: u64,
    block_bytes: u64,
    /// The sector at which each block's bitmap begins, or [`UNUSED`].
    table: Vec<u32>,
    /// The bitmap that was used last: reading on needs it again.
    last_bitmap: Mutex<Option<(u32, Bitmap)>>,
}

/// One bit per sector of a block, the highest of a byte first: 1 when the sector was ever written.
type Bitmap = Arc<[u8]>;

/// What the dynamic header says.
struct Header {
    table_offset: u64,
    table_entries: u32,
    block_bytes: u32,
}

impl Dynamic {
    /// `end_footer` is the footer as it stands behind the first `data_bytes` of the file.
    pub(super) fn open(
        file: Box<dyn ReadAt>,
        end_footer: &[u8; FOOTER_BYTES],
        footer: &Footer,
        data_bytes: u64,
        limits: &Limits,
    ) -> Result<Self, Error> {
        if bytes::read(file.as_ref(), "copy of the VHD footer", 0, FOOTER_BYTES)? != end_footer {
            return Err(Error::corrupt("the two footers of the VHD, at its start and end, are not the same"));
        }
        let header = bytes::read(file.as_ref(), "VHD dynamic header", footer.data_offset, HEADER_BYTES)?;
        let header = Header::parse(&header)?;
        let block_bytes = u64::from(header.block_bytes);
        let block_count = footer.current_bytes.div_ceil(block_bytes);
        if u64::from(header.table_entries) < block_count {
            return Err(Error::corrupt(format!(
                "the VHD's table has {} entries; the disk has {block_count} blocks",
                header.table_entries
            )));
        }
        let table_bytes = u64::from(header.table_entries) * 4;
        if table_bytes > limits.table_bytes {
            return Err(Error::limit(format!(
                "the VHD's table has {table_bytes} bytes; at most {} are allowed",
                limits.table_bytes
            )));
        }
        let layout = Layout::new(vec![
            Structure::new("copy of the VHD footer", 0, as_u64(FOOTER_BYTES)),
            Structure::new("VHD dynamic header", footer.data_offset, as_u64(HEADER_BYTES)),
            Structure::new("VHD block table", header.table_offset, table_bytes),
        ])?;
        let table = read_table(file.as_ref(), header.table_offset, table_bytes, as_usize(block_count)?)?;
        let stride = bitmap_bytes(block_bytes) + block_bytes;
        let starts =
            table.iter().filter(|entry| **entry != UNUSED).map(|entry| u64::from(*entry) * SECTOR_BYTES);
        layout.check_blocks(starts, stride, data_bytes)?;
        Ok(Self { file, size_bytes: footer.current_bytes, block_bytes, table, last_bitmap: Mutex::new(None) })
    }

    /// The table's entry for the block that holds `offset`.
    fn entry(&self, offset: u64) -> Result<u32, Error> {
        let entry = self.table.get(as_usize(offset / self.block_bytes)?);
        // The table was read for the whole size, and the offset checked against it.
        entry.copied().ok_or_else(|| Error::corrupt("the VHD's table is shorter than its disk"))
    }

    fn bitmap(&self, entry: u32) -> Result<Bitmap, Error> {
        let last = self.last_bitmap.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((_, bitmap)) = last.filter(|(of, _)| *of == entry) {
            return Ok(bitmap);
        }
        let length = as_usize(self.block_bytes / SECTOR_BYTES / 8)?;
        let bitmap: Bitmap =
            bytes::read(self.file.as_ref(), "VHD sector bitmap", u64::from(entry) * SECTOR_BYTES, length)?
                .into();
        *self.last_bitmap.lock().unwrap_or_else(PoisonError::into_inner) = Some((entry, Arc::clone(&bitmap)));
        Ok(bitmap)
    }

    /// The run from `within` the block of `entry`: how many bytes are of one kind, at most `limit`.
    fn run_in_block(&self, entry: u32, within: u64, limit: u64) -> Result<Extent, Error> {
        let bitmap = self.bitmap(entry)?;
        let first = within / SECTOR_BYTES;
        let written = is_set(&bitmap, first)?;
        let mut sector = first + 1;
        while sector * SECTOR_BYTES < within + limit && is_set(&bitmap, sector)? == written {
            sector += 1;
        }
        let kind = if written { ExtentKind::Data } else { ExtentKind::Zero };
        Ok(Extent { length: (sector * SECTOR_BYTES - within).min(limit), kind })
    }

    /// Where the byte `within` the block of `entry` stands in the file.
    fn file_offset(&self, entry: u32, within: u64) -> u64 {
        u64::from(entry) * SECTOR_BYTES + bitmap_bytes(self.block_bytes) + within
    }
}

impl Header {
    fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let fields = Fields::new("VHD dynamic header", bytes);
        if fields.slice(0, 8)? != b"cxsparse" {
            return Err(Error::corrupt("the VHD dynamic header does not begin with its cookie"));
        }
        if fields.be_u32(HEADER_CHECKSUM_AT)? != checksum(bytes, HEADER_CHECKSUM_AT) {
            return Err(Error::corrupt("the checksum of the VHD dynamic header is wrong"));
        }
        if fields.be_u32(24)? != 0x0001_0000 {
            return Err(Error::unsupported("the VHD dynamic header is of another version than 1.0"));
        }
        let block_bytes = fields.be_u32(32)?;
        if !block_bytes.is_power_of_two() || !BLOCK_BYTES.contains(&block_bytes) {
            return Err(Error::corrupt(format!(
                "the VHD has blocks of {block_bytes} bytes, which cannot be"
            )));
        }
        Ok(Self { table_offset: fields.be_u64(16)?, table_entries: fields.be_u32(28)?, block_bytes })
    }
}

/// The first `block_count` entries of the table; those behind them must be unused.
fn read_table(
    file: &dyn ReadAt,
    offset: u64,
    table_bytes: u64,
    block_count: usize,
) -> Result<Vec<u32>, Error> {
    bytes::lies_inside(file, "VHD block table", offset, table_bytes)?;
    let mut table = Vec::with_capacity(block_count);
    bytes::read_pieces(file, "VHD block table", offset, table_bytes, &mut |piece| {
        let (entries, _) = piece.as_chunks::<4>();
        for entry in entries.iter().map(|entry| u32::from_be_bytes(*entry)) {
            if table.len() < block_count {
                table.push(entry);
            } else if entry != UNUSED {
                return Err(Error::corrupt("the VHD has blocks behind the end of its disk"));
            }
        }
        Ok(())
    })?;
    Ok(table)
}

/// Bytes before the data of a block: its bitmap in whole sectors.
pub(super) fn bitmap_bytes(block_bytes: u64) -> u64 {
    (block_bytes / SECTOR_BYTES / 8).next_multiple_of(SECTOR_BYTES)
}

fn is_set(bitmap: &[u8], sector: u64) -> Result<bool, Error> {
    let byte = bitmap.get(as_usize(sector / 8)?).copied().unwrap_or_default();
    Ok(byte & (0x80 >> (sector % 8)) != 0)
}

impl Blocks for Dynamic {
    fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), Error> {
        check_range(self.size_bytes, offset, buffer.len())?;
        let mut rest = buffer;
        let mut at = offset;
        while !rest.is_empty() {
            let within = at % self.block_bytes;
            let limit = (self.block_bytes - within).min(as_u64(rest.len()));
            let entry = self.entry(at)?;
            let run = match entry {
                UNUSED => Extent { length: limit, kind: ExtentKind::Zero },
                _ => self.run_in_block(entry, within, limit)?,
            };
            let (part, behind) = rest.split_at_mut(as_usize(run.length)?);
            match run.kind {
                ExtentKind::Zero => part.fill(0),
                ExtentKind::Data => self.file.read_exact_at(part, self.file_offset(entry, within))?,
            }
            at += run.length;
            rest = behind;
        }
        Ok(())
    }

    fn extent_at(&self, offset: u64) -> Result<Extent, Error> {
        check_range(self.size_bytes, offset, 1)?;
        let within = offset % self.block_bytes;
        let entry = self.entry(offset)?;
        let left = self.size_bytes - offset;
        if entry != UNUSED {
            let run = self.run_in_block(entry, within, left.min(self.block_bytes - within))?;
            return match run.kind {
                ExtentKind::Zero => Ok(run),
                ExtentKind::Data => {
                    extent_in(self.file.as_ref(), self.file_offset(entry, within), run.length)
                }
            };
        }
        let behind = self.table.iter().skip(as_usize(offset / self.block_bytes)?);
        let blocks = as_u64(behind.take_while(|entry| **entry == UNUSED).count());
        Ok(Extent { length: (blocks * self.block_bytes - within).min(left), kind: ExtentKind::Zero })
    }
}
