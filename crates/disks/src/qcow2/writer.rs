//! Writing qcow2: version 3, clusters of 64 KiB, compressed with Zstandard where that pays.
//!
//! Data goes out first and in order, tables behind it, the header last: an interrupted file is no qcow2.

use zstd::bulk::Compressor;

use super::entry::{COMPRESSED, COPIED};
use crate::bytes::{as_u64, as_usize};
use crate::packed::{Pack, pack_units};
use crate::{Blocks, Error, WriteAt};

const CLUSTER_BITS: u32 = 16;
const CLUSTER_BYTES: usize = 1 << CLUSTER_BITS;
const CLUSTER: u64 = 1 << CLUSTER_BITS;
const ENTRIES_PER_TABLE: u64 = CLUSTER / 8;
/// Refcounts have 16 bits.
const COUNTS_PER_BLOCK: usize = CLUSTER_BYTES / 2;
const HEADER_BYTES: u32 = 112;
/// As fast as it is read from most disks, and most of what can be gained.
const LEVEL: i32 = 3;
/// The least bytes a compressed cluster takes, so that a disk of one repeated byte does not look like a bomb.
const PACKED_FLOOR_BYTES: usize = 64;

/// Writes `blocks` and returns the length of the file.
pub(crate) fn write(blocks: &dyn Blocks, out: &mut dyn WriteAt) -> Result<u64, Error> {
    let mut packers: [Box<dyn Pack>; 2] = [Box::new(Zstd::new()?), Box::new(Zstd::new()?)];
    let mut writer = Writer::new(blocks.size_bytes(), out)?;
    pack_units(blocks, CLUSTER_BYTES, &mut packers, &mut |index, plain, packed| {
        writer.cluster(index, plain, packed)
    })?;
    writer.finish(blocks.size_bytes())
}

struct Zstd {
    compressor: Compressor<'static>,
}

impl Zstd {
    fn new() -> Result<Self, Error> {
        Ok(Self { compressor: Compressor::new(LEVEL)? })
    }
}

impl Pack for Zstd {
    fn pack(&mut self, _index: u64, plain: &[u8], packed: &mut Vec<u8>) -> Result<(), Error> {
        packed.reserve(zstd::zstd_safe::compress_bound(plain.len()));
        self.compressor.compress_to_buffer(plain, packed)?;
        if packed.len() + 512 > plain.len() {
            packed.clear();
        } else if packed.len() < PACKED_FLOOR_BYTES {
            packed.resize(PACKED_FLOOR_BYTES, 0);
        }
        Ok(())
    }
}

/// A file on its way: what has been placed, and what has to be said about it.
struct Writer<'a> {
    out: &'a mut dyn WriteAt,
    /// The next free cluster of the file is `refcounts.len()`: every cluster before it is in use.
    refcounts: Vec<u16>,
    /// Where the next compressed cluster goes, inside the last cluster that holds such.
    packed_at: u64,
    l1: Vec<u64>,
    /// The second-level table being filled, and its place in `l1`.
    table: Vec<u64>,
    table_index: Option<usize>,
}

impl<'a> Writer<'a> {
    fn new(size_bytes: u64, out: &'a mut dyn WriteAt) -> Result<Self, Error> {
        let l1_entries = as_usize(size_bytes.div_ceil(CLUSTER * ENTRIES_PER_TABLE))?;
        Ok(Self {
            out,
            refcounts: vec![1],
            packed_at: 0,
            l1: vec![0; l1_entries],
            table: vec![0; as_usize(ENTRIES_PER_TABLE)?],
            table_index: None,
        })
    }

    fn cluster(&mut self, index: u64, plain: &[u8], packed: &[u8]) -> Result<(), Error> {
        let table_index = as_usize(index / ENTRIES_PER_TABLE)?;
        if self.table_index != Some(table_index) {
            self.finish_table()?;
            self.table_index = Some(table_index);
        }
        let entry = if packed.is_empty() { self.place_plain(plain)? } else { self.place_packed(packed)? };
        self.table[as_usize(index % ENTRIES_PER_TABLE)?] = entry;
        Ok(())
    }

    /// Writes a whole cluster at the end; returns its entry.
    fn place_plain(&mut self, cluster: &[u8]) -> Result<u64, Error> {
        let offset = self.allocate(1);
        self.out.write_all_at(cluster, offset)?;
        Ok(offset | COPIED)
    }

    /// Writes compressed bytes behind the last ones, or at a new cluster when they do not fit; returns their entry.
    fn place_packed(&mut self, packed: &[u8]) -> Result<u64, Error> {
        let length = as_u64(packed.len());
        let end_of_file = as_u64(self.refcounts.len()) * CLUSTER;
        let room = (CLUSTER - self.packed_at % CLUSTER) % CLUSTER;
        let may_grow = self.packed_at.next_multiple_of(CLUSTER) == end_of_file;
        if self.packed_at == 0 || (length > room && !may_grow) {
            self.packed_at = end_of_file;
        }
        let offset = self.packed_at;
        let more_sectors = (offset + length - 1) / 512 - offset / 512;
        for cluster in offset / CLUSTER..=(offset + length - 1) / CLUSTER {
            match self.refcounts.get_mut(as_usize(cluster)?) {
                // A cluster takes a thousand of the least packed ones, far from the end of 16 bits.
                Some(count) => *count += 1,
                None => self.refcounts.push(1),
            }
        }
        self.out.write_all_at(packed, offset)?;
        self.packed_at = offset + length;
        let offset_bits = 62 - (CLUSTER_BITS - 8);
        Ok(COMPRESSED | more_sectors << offset_bits | offset)
    }

    /// Takes `clusters` at the end of the file for one use; returns their offset.
    fn allocate(&mut self, clusters: usize) -> u64 {
        let offset = as_u64(self.refcounts.len()) * CLUSTER;
        self.refcounts.resize(self.refcounts.len() + clusters, 1);
        offset
    }

    fn finish_table(&mut self) -> Result<(), Error> {
        let Some(index) = self.table_index.take() else { return Ok(()) };
        let offset = self.allocate(1);
        self.out.write_all_at(&big_endian(&self.table), offset)?;
        self.l1[index] = offset | COPIED;
        self.table.fill(0);
        Ok(())
    }

    fn finish(mut self, size_bytes: u64) -> Result<u64, Error> {
        self.finish_table()?;
        let l1_bytes = big_endian(&self.l1);
        let l1_offset = self.allocate(l1_bytes.len().div_ceil(CLUSTER_BYTES));
        self.out.write_all_at(&l1_bytes, l1_offset)?;
        let (table_offset, table_clusters) = self.write_refcounts()?;
        let file_bytes = as_u64(self.refcounts.len()) * CLUSTER;
        self.out.set_length(file_bytes)?;
        let header = header(size_bytes, (l1_offset, self.l1.len()), (table_offset, table_clusters))?;
        self.out.write_all_at(&header, 0)?;
        Ok(file_bytes)
    }

    /// Writes the refcounts of all clusters, their own among them; returns offset and clusters of the table.
    fn write_refcounts(&mut self) -> Result<(u64, usize), Error> {
        let used = self.refcounts.len();
        let (mut block_count, mut table_clusters) = (0, 0);
        // Blocks count themselves and the table: a few rounds until nothing is added.
        loop {
            let blocks_needed = (used + block_count + table_clusters).div_ceil(COUNTS_PER_BLOCK);
            let table_needed = (blocks_needed * 8).div_ceil(CLUSTER_BYTES);
            if (blocks_needed, table_needed) == (block_count, table_clusters) {
                break;
            }
            (block_count, table_clusters) = (blocks_needed, table_needed);
        }
        let blocks_offset = self.allocate(block_count);
        let table_offset = self.allocate(table_clusters);
        let mut block_offset = blocks_offset;
        let mut table = Vec::with_capacity(block_count);
        for counts in self.refcounts.chunks(COUNTS_PER_BLOCK) {
            let mut block: Vec<u8> = counts.iter().flat_map(|count| count.to_be_bytes()).collect();
            block.resize(CLUSTER_BYTES, 0);
            self.out.write_all_at(&block, block_offset)?;
            table.push(block_offset);
            block_offset += CLUSTER;
        }
        self.out.write_all_at(&big_endian(&table), table_offset)?;
        Ok((table_offset, table_clusters))
    }
}

fn big_endian(entries: &[u64]) -> Vec<u8> {
    entries.iter().flat_map(|entry| entry.to_be_bytes()).collect()
}

/// `l1` and `refcount_table` are offsets with their entries and clusters.
fn header(size_bytes: u64, l1: (u64, usize), refcount_table: (u64, usize)) -> Result<Vec<u8>, Error> {
    let count =
        |count: usize| u32::try_from(count).map_err(|_many| Error::limit("the disk is too large for qcow2"));
    let mut header = Vec::with_capacity(128);
    header.extend(b"QFI\xfb");
    header.extend(3_u32.to_be_bytes());
    header.extend([0; 12]); // no backing file
    header.extend(CLUSTER_BITS.to_be_bytes());
    header.extend(size_bytes.to_be_bytes());
    header.extend([0; 4]); // not encrypted
    header.extend(count(l1.1)?.to_be_bytes());
    header.extend(l1.0.to_be_bytes());
    header.extend(refcount_table.0.to_be_bytes());
    header.extend(count(refcount_table.1)?.to_be_bytes());
    header.extend([0; 12]); // no snapshots
    header.extend(8_u64.to_be_bytes()); // incompatible: the compression type says something
    header.extend([0; 16]); // nothing compatible, nothing to clear
    header.extend(4_u32.to_be_bytes()); // refcounts of 2^4 bits
    header.extend(HEADER_BYTES.to_be_bytes());
    header.extend([1, 0, 0, 0, 0, 0, 0, 0]); // Zstandard
    header.extend([0; 8]); // the end of the extensions
    Ok(header)
}
