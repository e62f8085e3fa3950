//! The boot sector, and the table that chains clusters.

use crate::bytes::{Fields, as_usize};
use crate::tree::Error;
use crate::volumes::Usage;
use crate::window::Window;

/// Largest table that is counted through for free space; that of 4 GiB in small clusters fits.
const MOST_COUNTED_BYTES: u64 = 4 << 20;

/// How wide an entry of the table is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Width {
    Bits12,
    Bits16,
    Bits32,
}

/// Where the root folder is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Root {
    /// Before the clusters (FAT12 and FAT16).
    Fixed { at: u64, bytes: u64 },
    /// In clusters, like every other one (FAT32).
    Chain(u64),
}

/// What is needed of the boot sector, each value within its bounds.
#[derive(Debug)]
pub(super) struct Geometry {
    width: Width,
    pub(super) cluster_bytes: u64,
    pub(super) root: Root,
    table_at: u64,
    data_at: u64,
    /// One more than the highest cluster.
    end: u64,
    state: u8,
}

impl Geometry {
    pub(super) fn read(volume: &Window<'_>) -> Result<Self, Error> {
        let sector = volume.bytes(0, 512)?;
        let fields = Fields::new("FAT boot sector", &sector);
        let damaged = |what: &str| Error::Damaged(format!("the FAT boot sector tells {what}"));
        let sector_bytes = u64::from(fields.le_u16(11)?);
        let cluster_sectors = u64::from(fields.u8(13)?);
        if ![512, 1024, 2048, 4096].contains(&sector_bytes) || !cluster_sectors.is_power_of_two() {
            return Err(damaged("sectors or clusters of impossible size"));
        }
        let (reserved, tables) = (u64::from(fields.le_u16(14)?), u64::from(fields.u8(16)?));
        let root_records = u64::from(fields.le_u16(17)?);
        let either = |short: u16, long: u32| if short == 0 { u64::from(long) } else { short.into() };
        let sectors = either(fields.le_u16(19)?, fields.le_u32(32)?);
        let is_wide = fields.le_u16(22)? == 0;
        let table_sectors = either(fields.le_u16(22)?, fields.le_u32(36)?);
        let root_sectors = (root_records * 32).div_ceil(sector_bytes);
        let root_at = reserved + tables * table_sectors;
        let data_sector = root_at + root_sectors;
        if sectors.checked_mul(sector_bytes).is_none_or(|bytes| bytes > volume.size_bytes()) {
            return Err(damaged("more sectors than the volume has"));
        }
        let clusters = sectors.checked_sub(data_sector).map_or(0, |rest| rest / cluster_sectors);
        if reserved == 0 || tables == 0 || table_sectors == 0 || clusters == 0 {
            return Err(damaged("no room for files"));
        }
        let width = match clusters {
            _ if is_wide => Width::Bits32,
            ..=4084 => Width::Bits12,
            _ => Width::Bits16,
        };
        let bits = match width {
            Width::Bits12 => 12,
            Width::Bits16 => 16,
            Width::Bits32 => 32,
        };
        if (clusters + 2) * bits > table_sectors * sector_bytes * 8 {
            return Err(damaged("a table too short for its clusters"));
        }
        Ok(Self {
            width,
            cluster_bytes: cluster_sectors * sector_bytes,
            root: if is_wide {
                Root::Chain(fields.le_u32(44)?.into())
            } else {
                Root::Fixed { at: root_at * sector_bytes, bytes: root_records * 32 }
            },
            table_at: reserved * sector_bytes,
            data_at: data_sector * sector_bytes,
            end: clusters + 2,
            state: fields.u8(if is_wide { 65 } else { 37 })?,
        })
    }

    pub(super) fn is_wide(&self) -> bool {
        self.width == Width::Bits32
    }

    /// Where the cluster begins on the volume.
    pub(super) fn cluster_at(&self, cluster: u64) -> Result<u64, Error> {
        if !(2..self.end).contains(&cluster) {
            return Err(Error::Damaged(format!("cluster {cluster} is outside the FAT file system")));
        }
        Ok(self.data_at + (cluster - 2) * self.cluster_bytes)
    }

    /// The cluster after this one; `None` at the end of the chain.
    pub(super) fn next(&self, volume: &Window<'_>, cluster: u64) -> Result<Option<u64>, Error> {
        self.cluster_at(cluster)?;
        let next = self.entry(volume, cluster)?;
        let last = match self.width {
            Width::Bits12 => 0xFF8,
            Width::Bits16 => 0xFFF8,
            Width::Bits32 => 0xFFF_FFF8,
        };
        if next >= last {
            return Ok(None);
        }
        self.cluster_at(next)?;
        Ok(Some(next))
    }

    fn entry(&self, volume: &Window<'_>, index: u64) -> Result<u64, Error> {
        let mut bytes = [0; 4];
        let (at, length) = match self.width {
            Width::Bits12 => (index + index / 2, 2),
            Width::Bits16 => (index * 2, 2),
            Width::Bits32 => (index * 4, 4),
        };
        volume.read(self.table_at + at, bytes.get_mut(..length).unwrap_or_default())?;
        let value = u64::from(u32::from_le_bytes(bytes));
        Ok(match self.width {
            Width::Bits12 if index % 2 == 1 => value >> 4,
            Width::Bits12 => value & 0xFFF,
            Width::Bits16 => value,
            Width::Bits32 => value & 0xFFF_FFFF,
        })
    }

    /// Whether it was unmounted: by the mark of Windows in the table, and by that of Linux in the boot sector.
    pub(super) fn is_clean(&self, volume: &Window<'_>) -> Result<bool, Error> {
        let mark = match self.width {
            Width::Bits12 => return Ok(self.state & 1 == 0),
            Width::Bits16 => 0x8000,
            Width::Bits32 => 0x800_0000,
        };
        Ok(self.state & 1 == 0 && self.entry(volume, 1)? & mark != 0)
    }

    /// Counts the free clusters; `None` when there are too many to count.
    pub(super) fn usage(&self, volume: &Window<'_>) -> Result<Option<Usage>, Error> {
        let each = match self.width {
            Width::Bits12 => return Ok(None),
            Width::Bits16 => 2,
            Width::Bits32 => 4,
        };
        if self.end * each > MOST_COUNTED_BYTES {
            return Ok(None);
        }
        let table = volume.bytes(self.table_at, self.end * each)?;
        let entries = table.chunks_exact(as_usize(each)).skip(2);
        let mut free = 0;
        for entry in entries {
            // The upper four bits of a wide entry are nobody's.
            let is_free = match entry {
                [low @ .., high] if each == 4 => low.iter().all(|byte| *byte == 0) && high & 0xF == 0,
                _ => entry.iter().all(|byte| *byte == 0),
            };
            free += u64::from(is_free);
        }
        Ok(Some(Usage {
            total_bytes: (self.end - 2) * self.cluster_bytes,
            free_bytes: free * self.cluster_bytes,
        }))
    }
}
