//! The region tables: where the block allocation table and the metadata are.

use std::ops::Range;

use super::Guid;
use super::crc32c::crc32c_without;
use super::headers::{CHECKSUM_AT, region};
use crate::bytes::{self, Fields, lies_inside};
use crate::layout::Structure;
use crate::{Error, ReadAt};

/// Where the two copies of the region table stand.
pub(super) const TABLE_OFFSETS: [u64; 2] = [192 << 10, 256 << 10];
/// Length of a region table, in bytes.
pub(super) const TABLE_BYTES: usize = 64 << 10;
/// 2DC27766-F623-4200-9D64-115E9BFD4A08, the block allocation table.
pub(super) const BLOCK_TABLE: Guid = *b"\x66\x77\xC2\x2D\x23\xF6\x00\x42\x9D\x64\x11\x5E\x9B\xFD\x4A\x08";
/// 8B7CA206-4790-4B9A-B8FE-575F050F886E, the metadata.
pub(super) const METADATA: Guid = *b"\x06\xA2\x7C\x8B\x90\x47\x9A\x4B\xB8\xFE\x57\x5F\x05\x0F\x88\x6E";
/// As many entries as fit the table.
const ENTRY_LIMIT: u32 = 2047;

/// The regions of a VHDX, each inside the file.
#[derive(Debug)]
pub(super) struct Regions {
    /// The block allocation table.
    pub(super) table: Range<u64>,
    /// The metadata.
    pub(super) metadata: Range<u64>,
    /// Regions that we do not know and need not.
    optional: Vec<Range<u64>>,
}

impl Regions {
    /// Reads the first whole one of the two tables; two whole ones that differ are refused.
    pub(super) fn read(file: &dyn ReadAt) -> Result<Self, Error> {
        let [first, second] = TABLE_OFFSETS.map(|offset| read_whole(file, offset));
        let bytes = match (first?, second?) {
            (Some(first), Some(second)) if first != second => {
                return Err(Error::corrupt("the two VHDX region tables are not the same"));
            }
            (Some(bytes), _) | (None, Some(bytes)) => bytes,
            (None, None) => return Err(Error::corrupt("neither of the two VHDX region tables is whole")),
        };
        Self::parse(file, &Fields::new("VHDX region table", &bytes))
    }

    fn parse(file: &dyn ReadAt, fields: &Fields<'_>) -> Result<Self, Error> {
        let count = fields.le_u32(8)?;
        if count > ENTRY_LIMIT {
            return Err(Error::corrupt(format!(
                "the VHDX region table has {count} entries; {ENTRY_LIMIT} fit"
            )));
        }
        let mut seen: Vec<Guid> = Vec::new();
        let (mut table, mut metadata, mut optional) = (None, None, Vec::new());
        for at in (16..).step_by(32).take(bytes::as_usize(count.into())?) {
            let guid = fields.array(at)?;
            let is_required = fields.le_u32(at + 28)? & 1 == 1;
            if seen.contains(&guid) {
                return Err(Error::corrupt("the VHDX region table names a region twice"));
            }
            seen.push(guid);
            let range = region("VHDX region", fields.le_u64(at + 16)?, fields.le_u32(at + 24)?)?;
            lies_inside(file, "VHDX region", range.start, range.end - range.start)?;
            match guid {
                BLOCK_TABLE => table = Some(range),
                METADATA => metadata = Some(range),
                _ if is_required => {
                    return Err(Error::unsupported("the VHDX requires a region of a kind that is not known"));
                }
                _ => optional.push(range),
            }
        }
        match (table, metadata) {
            (Some(table), Some(metadata)) => Ok(Self { table, metadata, optional }),
            _ => Err(Error::corrupt("the VHDX region table lacks the block table or the metadata")),
        }
    }

    /// The bytes that the regions own.
    pub(super) fn structures(&self) -> impl Iterator<Item = Structure> {
        let named = [("VHDX block table", &self.table), ("VHDX metadata", &self.metadata)];
        let optional = self.optional.iter().map(|range| ("VHDX region", range));
        named
            .into_iter()
            .chain(optional)
            .map(|(name, range)| Structure::new(name, range.start, range.end - range.start))
    }
}

/// The table at `offset`, when its signature and checksum are right.
fn read_whole(file: &dyn ReadAt, offset: u64) -> Result<Option<Vec<u8>>, Error> {
    let bytes = bytes::read(file, "VHDX region table", offset, TABLE_BYTES)?;
    let fields = Fields::new("VHDX region table", &bytes);
    let is_whole =
        fields.slice(0, 4)? == b"regi" && fields.le_u32(CHECKSUM_AT)? == crc32c_without(&bytes, CHECKSUM_AT);
    Ok(is_whole.then_some(bytes))
}
