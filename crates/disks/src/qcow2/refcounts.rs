//! The refcounts of a qcow2 file: a second opinion on who uses what.
//!
//! They are only read. Counts that are too low for what is used twice are a lie; counts of zero are what
//! an interrupted writer leaves, and do no harm to a reader.

use super::header::Header;
use super::usage::Usage;
use crate::bytes::{self, as_usize};
use crate::{Error, ReadAt};

/// Where the blocks of refcounts are.
pub(super) struct Refcounts {
    blocks: Vec<u64>,
    order: u32,
    cluster_bits: u32,
}

impl Refcounts {
    /// Reads the table of blocks and claims it and them.
    pub(super) fn read(file: &dyn ReadAt, header: &Header, usage: &mut Usage) -> Result<Self, Error> {
        let (offset, length) = (header.refcount_table_offset, header.refcount_table_bytes);
        let geometry = header.geometry;
        if length == 0 {
            return Err(Error::corrupt("the image has no refcount table"));
        }
        geometry.aligned("refcount table", offset)?;
        geometry.inside("refcount table", offset, length)?;
        usage.claim_structure("refcount table", offset, length)?;
        let table = bytes::read(file, "refcount table", offset, as_usize(length)?)?;
        let (entries, _) = table.as_chunks::<8>();
        let blocks: Vec<u64> = entries.iter().map(|entry| u64::from_be_bytes(*entry)).collect();
        for block in blocks.iter().copied().filter(|block| *block != 0) {
            geometry.aligned("refcount block", block)?;
            geometry.inside("refcount block", block, geometry.cluster_bytes())?;
            usage.claim_structure("refcount block", block, geometry.cluster_bytes())?;
        }
        Ok(Self { blocks, order: header.refcount_order, cluster_bits: geometry.cluster_bits })
    }

    /// The refcount of the cluster at `offset`, which may be behind the end of the file.
    pub(super) fn of(&self, file: &dyn ReadAt, offset: u64) -> Result<u64, Error> {
        let cluster = offset >> self.cluster_bits;
        let index = usize::try_from(cluster / self.counts_per_block()).ok();
        match index.and_then(|index| self.blocks.get(index)).copied() {
            None | Some(0) => Ok(0),
            Some(block) => {
                let counts = bytes::read(file, "refcount block", block, 1 << self.cluster_bits)?;
                Ok(self.count(&counts, as_usize(cluster % self.counts_per_block())?))
            }
        }
    }

    /// Refuses clusters that are used more often than counted; returns how many are used and counted as free.
    pub(super) fn check(&self, file: &dyn ReadAt, usage: &Usage) -> Result<u64, Error> {
        let per_block = self.counts_per_block();
        let mut uncounted = 0;
        let mut start = 0;
        while start < usage.clusters() {
            let block = self.blocks.get(as_usize(start / per_block)?).copied().filter(|block| *block != 0);
            let counts = match block {
                Some(block) => bytes::read(file, "refcount block", block, 1 << self.cluster_bits)?,
                None => Vec::new(),
            };
            for cluster in start..usage.clusters().min(start + per_block) {
                let references = usage.references(cluster);
                if references == 0 {
                    continue;
                }
                let count = self.count(&counts, as_usize(cluster - start)?);
                if count == 0 && !usage.is_shared_plain(cluster) {
                    uncounted += 1;
                } else if count < references {
                    return Err(Error::corrupt(format!(
                        "the cluster at offset {} is used {references} times and its refcount is {count}",
                        cluster << self.cluster_bits
                    )));
                }
            }
            start += per_block;
        }
        Ok(uncounted)
    }

    fn counts_per_block(&self) -> u64 {
        // A block is a cluster of at least 512 bytes, a count has at most 64 bits.
        (8 << self.cluster_bits) >> self.order
    }

    /// The count at `index` of a block; zero where there is no block.
    fn count(&self, block: &[u8], index: usize) -> u64 {
        let bits = 1_usize << self.order;
        if bits < 8 {
            let byte = block.get(index * bits / 8).copied().unwrap_or(0);
            let shift = index * bits % 8;
            return u64::from((byte >> shift) & ((1 << bits) - 1));
        }
        let width = bits / 8;
        let bytes = block.get(index * width..(index + 1) * width).unwrap_or(&[]);
        bytes.iter().fold(0, |count, byte| count << 8 | u64::from(*byte))
    }
}
