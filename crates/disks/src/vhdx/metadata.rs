//! The metadata: what kind of disk it is, and how large.

use std::ops::Range;

use super::Guid;
use crate::bytes::{self, Fields, as_u64};
use crate::layout::{Layout, Structure};
use crate::raw::check_size;
use crate::{Error, Limits, ReadAt};

/// Length of the metadata table; the items stand behind it, in bytes.
pub(super) const TABLE_BYTES: usize = 64 << 10;
/// CAA16737-FA36-4D43-B3B6-33F0AA44E76B: block size and flags.
pub(super) const FILE_PARAMETERS: Guid = *b"\x37\x67\xA1\xCA\x36\xFA\x43\x4D\xB3\xB6\x33\xF0\xAA\x44\xE7\x6B";
/// 2FA54224-CD1B-4876-B211-5DBED83BF4B8: the disk's size.
pub(super) const DISK_SIZE: Guid = *b"\x24\x42\xA5\x2F\x1B\xCD\x76\x48\xB2\x11\x5D\xBE\xD8\x3B\xF4\xB8";
/// BECA12AB-B2E6-4523-93EF-C309E000C746: the disk's own id.
pub(super) const DISK_ID: Guid = *b"\xAB\x12\xCA\xBE\xE6\xB2\x23\x45\x93\xEF\xC3\x09\xE0\x00\xC7\x46";
/// 8141BF1D-A96F-4709-BA47-F233A8FAAB5F: bytes of a logical sector.
pub(super) const LOGICAL_SECTOR: Guid = *b"\x1D\xBF\x41\x81\x6F\xA9\x09\x47\xBA\x47\xF2\x33\xA8\xFA\xAB\x5F";
/// CDA348C7-445D-4471-9CC9-E9885251C556: bytes of a physical sector.
pub(super) const PHYSICAL_SECTOR: Guid = *b"\xC7\x48\xA3\xCD\x5D\x44\x71\x44\x9C\xC9\xE9\x88\x52\x51\xC5\x56";
/// A8D35F2D-B30B-454D-ABF7-D3D84834AB0C: where the parent is.
const PARENT_LOCATOR: Guid = *b"\x2D\x5F\xD3\xA8\x0B\xB3\x4D\x45\xAB\xF7\xD3\xD8\x48\x34\xAB\x0C";

/// As many entries as fit the table.
const ENTRY_LIMIT: u16 = 2047;
/// The flag of an item that belongs to a user, not to the format.
const IS_USER: u32 = 1;
/// The flag of an item without which the disk must not be read.
const IS_REQUIRED: u32 = 4;
/// The flag in the file parameters of a differencing disk.
const HAS_PARENT: u32 = 2;
const BLOCK_BYTES: std::ops::RangeInclusive<u32> = 1 << 20..=256 << 20;

/// What the disk is.
#[derive(Debug)]
pub(super) struct Metadata {
    /// The virtual size, within the limits and of whole sectors.
    pub(super) size_bytes: u64,
    /// A power of two from 1 to 256 MiB.
    pub(super) block_bytes: u64,
    /// 512 or 4096.
    pub(super) sector_bytes: u64,
}

impl Metadata {
    /// Reads the items that stand in `region`, which lies inside the file.
    pub(super) fn read(file: &dyn ReadAt, region: &Range<u64>, limits: &Limits) -> Result<Self, Error> {
        let table = bytes::read(file, "VHDX metadata table", region.start, TABLE_BYTES)?;
        let items = read_items(&Fields::new("VHDX metadata table", &table), region.end - region.start)?;
        if items.iter().any(|item| item.guid == PARENT_LOCATOR) {
            return Err(has_parent());
        }
        let number = |guid: Guid, name: &'static str| read_number(file, region.start, &items, guid, name);
        let parameters = number(FILE_PARAMETERS, "VHDX file parameters")?;
        let block_bytes = low_half(parameters);
        if low_half(parameters >> 32) & HAS_PARENT != 0 {
            return Err(has_parent());
        }
        if !block_bytes.is_power_of_two() || !BLOCK_BYTES.contains(&block_bytes) {
            return Err(Error::corrupt(format!(
                "the VHDX has blocks of {block_bytes} bytes, which cannot be"
            )));
        }
        let sector_bytes = number(LOGICAL_SECTOR, "VHDX logical sector size")?;
        let physical_bytes = number(PHYSICAL_SECTOR, "VHDX physical sector size")?;
        for bytes in [sector_bytes, physical_bytes] {
            if bytes != 512 && bytes != 4096 {
                return Err(Error::corrupt(format!(
                    "the VHDX has sectors of {bytes} bytes, which cannot be"
                )));
            }
        }
        let size_bytes = number(DISK_SIZE, "VHDX disk size")?;
        check_size(size_bytes, limits)?;
        if !size_bytes.is_multiple_of(sector_bytes) {
            return Err(Error::not_aligned(format!(
                "the VHDX has {size_bytes} bytes, which is not a whole number of {sector_bytes}-byte sectors"
            )));
        }
        Ok(Self { size_bytes, block_bytes: block_bytes.into(), sector_bytes })
    }
}

/// An entry of the metadata table that belongs to the format.
#[derive(Debug)]
struct Item {
    guid: Guid,
    /// From the start of the metadata region.
    offset: u32,
    length: u32,
}

fn read_items(fields: &Fields<'_>, region_bytes: u64) -> Result<Vec<Item>, Error> {
    if fields.slice(0, 8)? != b"metadata" {
        return Err(Error::corrupt("the VHDX metadata table does not begin with its signature"));
    }
    let count = fields.le_u16(10)?;
    if count > ENTRY_LIMIT {
        return Err(Error::corrupt(format!(
            "the VHDX metadata table has {count} entries; {ENTRY_LIMIT} fit"
        )));
    }
    let mut items: Vec<Item> = Vec::new();
    let mut structures = vec![Structure::new("VHDX metadata table", 0, as_u64(TABLE_BYTES))];
    for at in (32..).step_by(32).take(count.into()) {
        let item = Item {
            guid: fields.array(at)?,
            offset: fields.le_u32(at + 16)?,
            length: fields.le_u32(at + 20)?,
        };
        let flags = fields.le_u32(at + 24)?;
        if u64::from(item.offset) + u64::from(item.length) > region_bytes {
            return Err(Error::corrupt("an item of the VHDX metadata ends behind the metadata"));
        }
        if item.length > 0 {
            structures.push(Structure::new("VHDX metadata item", item.offset.into(), item.length.into()));
        }
        let is_known = flags & IS_USER == 0 && is_known(&item.guid);
        if !is_known && flags & IS_REQUIRED != 0 {
            return Err(Error::unsupported("the VHDX requires a metadata item of a kind that is not known"));
        }
        if is_known && items.iter().any(|earlier| earlier.guid == item.guid) {
            return Err(Error::corrupt("the VHDX metadata table names an item twice"));
        }
        if is_known {
            items.push(item);
        }
    }
    Layout::new(structures)?;
    Ok(items)
}

fn is_known(guid: &Guid) -> bool {
    [FILE_PARAMETERS, DISK_SIZE, DISK_ID, LOGICAL_SECTOR, PHYSICAL_SECTOR, PARENT_LOCATOR].contains(guid)
}

/// The item as one little-endian number of four or eight bytes, as its kind has.
fn read_number(
    file: &dyn ReadAt,
    region_start: u64,
    items: &[Item],
    guid: Guid,
    name: &'static str,
) -> Result<u64, Error> {
    let missing = || Error::corrupt(format!("the metadata lacks the {name}"));
    let item = items.iter().find(|item| item.guid == guid).ok_or_else(missing)?;
    let wanted_bytes = if guid == LOGICAL_SECTOR || guid == PHYSICAL_SECTOR { 4 } else { 8 };
    if item.length != wanted_bytes {
        return Err(Error::corrupt(format!(
            "the {name} has {} bytes instead of {wanted_bytes}",
            item.length
        )));
    }
    let bytes =
        bytes::read(file, name, region_start + u64::from(item.offset), bytes::as_usize(item.length.into())?)?;
    let fields = Fields::new(name, &bytes);
    if wanted_bytes == 4 { fields.le_u32(0).map(u64::from) } else { fields.le_u64(0) }
}

fn low_half(number: u64) -> u32 {
    let [a, b, c, d, ..] = number.to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}

fn has_parent() -> Error {
    Error::external_reference(
        "the VHDX is a differencing disk, whose other half is another file; merge it first",
    )
}
