//! What one entry of a second-level table says about one cluster of the disk.

use crate::Error;

/// The bits of an entry that are an offset, for tables and for clusters that are not compressed.
pub(super) const OFFSET_MASK: u64 = 0x00FF_FFFF_FFFF_FE00;
/// The bit that says that nothing else refers to the same cluster.
pub(super) const COPIED: u64 = 1 << 63;
/// The bit that says that the cluster is compressed.
pub(super) const COMPRESSED: u64 = 1 << 62;
/// The bit that says that the cluster reads as zeros, since version 3.
const ZERO: u64 = 1;
/// The unit in which a compressed cluster's length is counted, in bytes.
const SECTOR_BYTES: u64 = 512;

/// The sizes that entries are read by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Geometry {
    pub(super) version: u32,
    /// 9 to 21.
    pub(super) cluster_bits: u32,
    pub(super) size_bytes: u64,
    pub(super) file_bytes: u64,
}

/// Where the bytes of one cluster of the disk are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Nowhere: they are zeros. The file may keep a cluster for them all the same.
    Hole { reserved: Option<u64> },
    /// As they are, at an offset of the file.
    Plain { offset: u64 },
    /// Compressed, in a range of the file; the stream may end before the range does.
    Packed { offset: u64, length: u64 },
}

impl Geometry {
    pub(super) fn cluster_bytes(&self) -> u64 {
        1 << self.cluster_bits
    }

    /// Entries in one second-level table.
    pub(super) fn entries_per_table(&self) -> u64 {
        self.cluster_bytes() / 8
    }

    /// How many bytes of the disk are in the cluster `index`; less than a cluster at the end.
    pub(super) fn bytes_in_cluster(&self, index: u64) -> u64 {
        let start = index.saturating_mul(self.cluster_bytes());
        self.size_bytes.saturating_sub(start).min(self.cluster_bytes())
    }

    /// The offset of a second-level table from an entry of the first; `None` when there is none.
    pub(super) fn table_offset(&self, entry: u64) -> Result<Option<u64>, Error> {
        if entry & !(OFFSET_MASK | COPIED) != 0 {
            return Err(Error::corrupt(format!("the L1 entry {entry:#x} has reserved bits set")));
        }
        let offset = entry & OFFSET_MASK;
        if offset == 0 {
            return Ok(None);
        }
        self.aligned("L2 table", offset)?;
        self.inside("L2 table", offset, self.cluster_bytes())?;
        Ok(Some(offset))
    }

    /// What `entry` says about cluster `index` of the disk; every offset in the answer lies inside the file.
    pub(super) fn place(&self, index: u64, entry: u64) -> Result<Place, Error> {
        if entry & COMPRESSED != 0 {
            return self.packed_place(entry);
        }
        let flags = if self.version >= 3 { COPIED | ZERO } else { COPIED };
        if entry & !(OFFSET_MASK | flags) != 0 {
            return Err(Error::corrupt(format!("the L2 entry of cluster {index} has reserved bits set")));
        }
        let offset = entry & OFFSET_MASK;
        if offset == 0 {
            return Ok(Place::Hole { reserved: None });
        }
        self.aligned("data cluster", offset)?;
        if entry & ZERO != 0 {
            return Ok(Place::Hole { reserved: (offset < self.file_bytes).then_some(offset) });
        }
        self.inside("data cluster", offset, self.bytes_in_cluster(index))?;
        Ok(Place::Plain { offset })
    }

    fn packed_place(&self, entry: u64) -> Result<Place, Error> {
        // The wider the cluster, the more bits count its sectors and the fewer are left for the offset.
        let offset_bits = 62 - (self.cluster_bits - 8);
        let offset = entry & ((1 << offset_bits) - 1);
        let more_sectors = (entry & (COMPRESSED - 1)) >> offset_bits;
        let first_sector = offset - offset % SECTOR_BYTES;
        let end = first_sector + (more_sectors + 1) * SECTOR_BYTES;
        // The last sector of a file need not be whole.
        if offset >= self.file_bytes || end > self.file_bytes.next_multiple_of(SECTOR_BYTES) {
            return Err(Error::truncated(format!(
                "the compressed cluster at offset {offset} reaches past the end of the file ({} bytes)",
                self.file_bytes
            )));
        }
        Ok(Place::Packed { offset, length: end.min(self.file_bytes) - offset })
    }

    /// Refuses an offset that is not that of a cluster.
    pub(super) fn aligned(&self, what: &str, offset: u64) -> Result<(), Error> {
        if offset.is_multiple_of(self.cluster_bytes()) {
            return Ok(());
        }
        Err(Error::corrupt(format!("the {what} at offset {offset} does not begin at a cluster")))
    }

    /// Refuses a range that reaches past the end of the file.
    pub(super) fn inside(&self, what: &str, offset: u64, length: u64) -> Result<(), Error> {
        if offset.checked_add(length).is_some_and(|end| end <= self.file_bytes) {
            return Ok(());
        }
        Err(Error::truncated(format!(
            "the {what} ({length} bytes at offset {offset}) reaches past the end of the file ({} bytes)",
            self.file_bytes
        )))
    }
}
