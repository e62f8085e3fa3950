//! Writing dynamic VHDX files.

use super::blocks::{chunk_ratio, table_entries};
use super::crc32c::crc32c_without;
use super::headers::{CHECKSUM_AT, HEADER_BYTES, HEADER_OFFSETS};
use super::{Guid, MIB, metadata, regions};
use crate::bytes::{as_u64, as_usize};
use crate::units::{for_each_unit, write_sparse};
use crate::{Blocks, Error, WriteAt};

/// The smallest and the largest block, in bytes; the smallest wastes least of a sparse disk.
const BLOCK_LIMIT_BYTES: (u64, u64) = (MIB, 256 << 20);
/// Blocks become larger rather than more than this.
const BLOCK_COUNT_LIMIT: u64 = 1 << 20;
/// What a VHDX can hold, in bytes.
const SIZE_LIMIT_BYTES: u64 = 64 << 40;
const SECTOR_BYTES: u64 = 512;
const LOG_OFFSET: u64 = MIB;
const METADATA_OFFSET: u64 = 2 * MIB;
const TABLE_OFFSET: u64 = 3 * MIB;

/// Writes `blocks`; blocks that are all zeros are left out.
pub(crate) fn write(blocks: &dyn Blocks, identity: [u8; 16], out: &mut dyn WriteAt) -> Result<u64, Error> {
    let size_bytes = blocks.size_bytes();
    if size_bytes > SIZE_LIMIT_BYTES {
        return Err(Error::limit("a VHDX holds at most 64 TiB"));
    }
    let block_bytes = block_bytes(size_bytes);
    let block_count = size_bytes.div_ceil(block_bytes);
    let ratio = chunk_ratio(SECTOR_BYTES, block_bytes);
    let mut table = vec![0_u64; as_usize(table_entries(block_count, ratio))?];
    let table_bytes = (as_u64(table.len()) * 8).next_multiple_of(MIB).max(MIB);
    let mut end = TABLE_OFFSET + table_bytes;
    for_each_unit(blocks, as_usize(block_bytes)?, &mut |index, data| {
        // 6: fully present. The offset is whole MiB, so the state's bits are free.
        table[as_usize(index + index / ratio)?] = end | 6;
        write_sparse(out, data, end)?;
        end += block_bytes;
        Ok(())
    })?;
    out.set_length(end)?;
    let table: Vec<u8> = table.iter().flat_map(|entry| entry.to_le_bytes()).collect();
    write_sparse(out, &table, TABLE_OFFSET)?;
    write_metadata(size_bytes, block_bytes, identity, out)?;
    for offset in regions::TABLE_OFFSETS {
        out.write_all_at(&region_table(table_bytes)?, offset)?;
    }
    for (sequence, offset) in (1_u64..).zip(HEADER_OFFSETS) {
        out.write_all_at(&header(sequence, identity), offset)?;
    }
    // Last of all: an interrupted file is no VHDX.
    out.write_all_at(&file_identifier(), 0)?;
    Ok(end)
}

/// The smallest block size with which the table stays small.
fn block_bytes(size_bytes: u64) -> u64 {
    let (smallest, largest) = BLOCK_LIMIT_BYTES;
    size_bytes.div_ceil(BLOCK_COUNT_LIMIT).next_power_of_two().clamp(smallest, largest)
}

fn file_identifier() -> Vec<u8> {
    let creator = "Gallerist".encode_utf16().flat_map(u16::to_le_bytes);
    b"vhdxfile".iter().copied().chain(creator).collect()
}

fn header(sequence: u64, identity: Guid) -> Vec<u8> {
    let mut header = vec![0; HEADER_BYTES];
    let mut put = |at: usize, bytes: &[u8]| header[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, b"head");
    put(8, &sequence.to_le_bytes());
    put(16, &varied(identity, 1));
    put(32, &varied(identity, 2));
    // The log's GUID stays zero: nothing to apply. Its version is 0, the header's 1.
    put(66, &1_u16.to_le_bytes());
    put(68, &u32::try_from(MIB).unwrap_or(u32::MAX).to_le_bytes());
    put(72, &LOG_OFFSET.to_le_bytes());
    sign(&mut header);
    header
}

fn region_table(table_bytes: u64) -> Result<Vec<u8>, Error> {
    let mut table = vec![0; regions::TABLE_BYTES];
    let narrow = |length: u64| {
        u32::try_from(length).map_err(|_long| Error::limit("the VHDX block table is too large"))
    };
    let mut put = |at: usize, bytes: &[u8]| table[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, b"regi");
    put(8, &2_u32.to_le_bytes());
    let entries = [
        (16, regions::BLOCK_TABLE, TABLE_OFFSET, table_bytes),
        (48, regions::METADATA, METADATA_OFFSET, MIB),
    ];
    for (at, guid, offset, length) in entries {
        put(at, &guid);
        put(at + 16, &offset.to_le_bytes());
        put(at + 24, &narrow(length)?.to_le_bytes());
        put(at + 28, &1_u32.to_le_bytes());
    }
    sign(&mut table);
    Ok(table)
}

fn write_metadata(
    size_bytes: u64,
    block_bytes: u64,
    identity: Guid,
    out: &mut dyn WriteAt,
) -> Result<(), Error> {
    // Flags: 4 required, 2 about the virtual disk. The file parameters are block size and, zero, the flags.
    let items: [(Guid, u32, Vec<u8>); 5] = [
        (metadata::FILE_PARAMETERS, 4, block_bytes.to_le_bytes().to_vec()),
        (metadata::DISK_SIZE, 6, size_bytes.to_le_bytes().to_vec()),
        (metadata::DISK_ID, 6, varied(identity, 0).to_vec()),
        (metadata::LOGICAL_SECTOR, 6, 512_u32.to_le_bytes().to_vec()),
        (metadata::PHYSICAL_SECTOR, 6, 4096_u32.to_le_bytes().to_vec()),
    ];
    let mut region = vec![0; metadata::TABLE_BYTES];
    region[..8].copy_from_slice(b"metadata");
    region[10] = 5;
    for (at, (guid, flags, value)) in (32..).step_by(32).zip(items) {
        let narrow = |length: usize| u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes();
        let entry = [narrow(region.len()), narrow(value.len()), flags.to_le_bytes()].concat();
        region[at..at + 16].copy_from_slice(&guid);
        region[at + 16..at + 28].copy_from_slice(&entry);
        region.extend(value);
    }
    Ok(out.write_all_at(&region, METADATA_OFFSET)?)
}

/// Puts the checksum where headers and region tables have it.
fn sign(structure: &mut [u8]) {
    let sum = crc32c_without(structure, CHECKSUM_AT);
    structure[CHECKSUM_AT..CHECKSUM_AT + 4].copy_from_slice(&sum.to_le_bytes());
}

/// One identity for each of the ids that a VHDX has.
fn varied(identity: Guid, variant: u8) -> Guid {
    let mut guid = identity;
    guid[15] ^= variant;
    guid
}
