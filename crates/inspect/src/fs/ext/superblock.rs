//! The superblock and the descriptors of groups: where inodes are.

use std::ops::Range;

use crate::bytes::{Fields, as_u64};
use crate::tree::Error;
use crate::volumes::Usage;
use crate::window::Window;

/// Where the superblock stands.
const AT: u64 = 1024;

/// Features without which nothing may be read (`s_feature_incompat`).
mod incompatible {
    pub(super) const FILE_TYPE: u32 = 0x2;
    pub(super) const RECOVER: u32 = 0x4;
    pub(super) const META_BG: u32 = 0x10;
    pub(super) const EXTENTS: u32 = 0x40;
    pub(super) const WIDE: u32 = 0x80;
    pub(super) const MULTIPLE_MOUNT: u32 = 0x100;
    pub(super) const FLEX_BG: u32 = 0x200;
    pub(super) const EA_INODE: u32 = 0x400;
    pub(super) const CHECKSUM_SEED: u32 = 0x2000;
    pub(super) const LARGE_FOLDERS: u32 = 0x4000;
    pub(super) const INLINE_DATA: u32 = 0x8000;
    pub(super) const ENCRYPT: u32 = 0x1_0000;
    pub(super) const CASEFOLD: u32 = 0x2_0000;
    /// What is read here.
    pub(super) const KNOWN: u32 = FILE_TYPE
        | RECOVER
        | META_BG
        | EXTENTS
        | WIDE
        | MULTIPLE_MOUNT
        | FLEX_BG
        | EA_INODE
        | CHECKSUM_SEED
        | LARGE_FOLDERS
        | INLINE_DATA
        | ENCRYPT
        | CASEFOLD;
}

/// `s_feature_ro_compat`: groups have checksums, by the older or the newer feature.
const CHECKED_GROUPS: u32 = 0x10 | 0x400;
/// `s_feature_ro_compat`: blocks are given out in clusters.
const CLUSTERS: u32 = 0x200;

/// What is needed of the superblock, each value within its bounds.
#[derive(Debug)]
pub(super) struct Superblock {
    pub(super) block_bytes: u64,
    /// Whether a folder's entry tells the kind, and so has a shorter length of its name.
    pub(super) has_file_types: bool,
    pub(super) inode_bytes: u64,
    blocks: u64,
    free_blocks: u64,
    inodes: u64,
    inodes_per_group: u64,
    blocks_per_group: u64,
    first_block: u64,
    descriptor_bytes: u64,
    /// The first group whose descriptors lie in its own meta group.
    first_meta: Option<u64>,
    state: u16,
    needs_recovery: bool,
    journal: u32,
    /// `s_feature_ro_compat`.
    read_only_features: u32,
}

impl Superblock {
    pub(super) fn read(volume: &Window<'_>) -> Result<Self, Error> {
        let bytes = volume.bytes(AT, 1024)?;
        let fields = Fields::new("ext superblock", &bytes);
        let damaged = |what: &str| Error::Damaged(format!("the ext superblock tells {what}"));
        let features = if fields.le_u32(76)? == 0 { 0 } else { fields.le_u32(96)? };
        if features & !incompatible::KNOWN != 0 {
            let unknown = features & !incompatible::KNOWN;
            return Err(Error::Unsupported(format!("ext features {unknown:#x}")));
        }
        let shift = fields.le_u32(24)?;
        let block_bytes = 1024_u64
            .checked_shl(shift)
            .filter(|_| shift <= 6)
            .ok_or_else(|| damaged("blocks of impossible size"))?;
        let is_wide = features & incompatible::WIDE != 0;
        let high = |at| if is_wide { fields.le_u32(at).map(u64::from) } else { Ok(0) };
        let blocks = high(336)? << 32 | u64::from(fields.le_u32(4)?);
        let free_blocks = high(344)? << 32 | u64::from(fields.le_u32(12)?);
        let inode_bytes = if fields.le_u32(76)? == 0 { 128 } else { u64::from(fields.le_u16(88)?) };
        if !(128..=block_bytes).contains(&inode_bytes) || !inode_bytes.is_power_of_two() {
            return Err(damaged("inodes of impossible size"));
        }
        let descriptor_bytes = if is_wide { u64::from(fields.le_u16(254)?) } else { 32 };
        if !(32..=1024).contains(&descriptor_bytes) || !descriptor_bytes.is_power_of_two() {
            return Err(damaged("group descriptors of impossible size"));
        }
        let (blocks_per_group, inodes_per_group) = (fields.le_u32(32)?.into(), fields.le_u32(40)?.into());
        // Inodes are counted by one block of bits; blocks may be counted in clusters of many.
        if blocks_per_group == 0 || !(1..=block_bytes * 8).contains(&inodes_per_group) {
            return Err(damaged("groups of impossible size"));
        }
        if blocks.checked_mul(block_bytes).is_none_or(|bytes| bytes > volume.size_bytes()) {
            return Err(damaged("more blocks than the volume has"));
        }
        Ok(Self {
            block_bytes,
            has_file_types: features & incompatible::FILE_TYPE != 0,
            inode_bytes,
            blocks,
            free_blocks,
            inodes: fields.le_u32(0)?.into(),
            inodes_per_group,
            blocks_per_group,
            first_block: fields.le_u32(20)?.into(),
            descriptor_bytes,
            first_meta: if features & incompatible::META_BG == 0 {
                None
            } else {
                Some(fields.le_u32(260)?.into())
            },
            state: fields.le_u16(58)?,
            needs_recovery: features & incompatible::RECOVER != 0,
            journal: fields.le_u32(224)?,
            read_only_features: fields.le_u32(100)?,
        })
    }

    /// Whether it was unmounted, has nothing in its journal, and saw no error.
    pub(super) fn is_clean(&self) -> bool {
        self.state & 3 == 1 && !self.needs_recovery
    }

    /// Whether the journal holds what the blocks do not have yet.
    pub(super) fn needs_recovery(&self) -> bool {
        self.needs_recovery
    }

    /// The inode of the journal; `None` when it is on another device.
    pub(super) fn journal_inode(&self) -> Option<u64> {
        (self.journal != 0).then(|| self.journal.into())
    }

    pub(super) fn usage(&self) -> Option<Usage> {
        let total_bytes = self.blocks * self.block_bytes;
        let free_bytes = self.free_blocks.checked_mul(self.block_bytes)?;
        (free_bytes <= total_bytes).then_some(Usage { total_bytes, free_bytes })
    }

    /// Where the inode `number` stands on the volume.
    pub(super) fn inode_at(&self, volume: &Window<'_>, number: u64) -> Result<u64, Error> {
        let damaged = || Error::Damaged(format!("inode {number} is outside the ext file system"));
        let index = number.checked_sub(1).filter(|index| *index < self.inodes).ok_or_else(damaged)?;
        let (group, within) = (index / self.inodes_per_group, index % self.inodes_per_group);
        let descriptor = self.descriptor(volume, group)?;
        let fields = Fields::new("ext group descriptor", &descriptor);
        let high = if self.descriptor_bytes >= 64 { u64::from(fields.le_u32(40)?) } else { 0 };
        let table = high << 32 | u64::from(fields.le_u32(8)?);
        let at = self.block_at(table)?.checked_add(within * self.inode_bytes);
        at.filter(|_| table != 0).ok_or_else(damaged)
    }

    /// The descriptor of `group`.
    pub(super) fn descriptor(&self, volume: &Window<'_>, group: u64) -> Result<Vec<u8>, Error> {
        volume.bytes(self.descriptor_at(group), self.descriptor_bytes)
    }

    /// How many groups there are; where blocks are counted in clusters, that is not told.
    pub(super) fn groups(&self) -> Result<u64, Error> {
        if self.read_only_features & CLUSTERS != 0 {
            return Err(Error::Unsupported("maps of clusters".to_owned()));
        }
        Ok((self.blocks.saturating_sub(self.first_block)).div_ceil(self.blocks_per_group))
    }

    /// The blocks of `group`.
    pub(super) fn blocks_of(&self, group: u64) -> Range<u64> {
        let start = self.first_block.saturating_add(group.saturating_mul(self.blocks_per_group));
        start..start.saturating_add(self.blocks_per_group).min(self.blocks).max(start)
    }

    /// Whether the flag of a group that its map was never written counts.
    pub(super) fn has_uninitialised(&self) -> bool {
        self.read_only_features & CHECKED_GROUPS != 0
    }

    /// Where the block `number` begins on the volume.
    pub(super) fn block_at(&self, number: u64) -> Result<u64, Error> {
        if number >= self.blocks {
            return Err(Error::Damaged(format!("block {number} is outside the ext file system")));
        }
        Ok(number * self.block_bytes)
    }

    /// Where the descriptor of `group` begins: after the superblock, or at the head of its meta group.
    fn descriptor_at(&self, group: u64) -> u64 {
        let in_block = self.block_bytes / self.descriptor_bytes;
        let (meta, within) = (group / in_block, (group % in_block) * self.descriptor_bytes);
        // The block of the superblock: not always the first one that is counted.
        let own = AT / self.block_bytes;
        let block = match self.first_meta {
            Some(first) if meta >= first => {
                let head = meta.saturating_mul(in_block).saturating_mul(self.blocks_per_group);
                let shift = if meta == 0 { own - own.min(self.first_block) } else { 0 };
                head.saturating_add(self.first_block).saturating_add(self.has_copy(meta * in_block) + shift)
            }
            _ => own + 1 + meta,
        };
        block.saturating_mul(self.block_bytes).saturating_add(within)
    }

    /// One block when `group` begins with a copy of the superblock, none otherwise.
    fn has_copy(&self, group: u64) -> u64 {
        let is_power = |of: u64| {
            let mut power = of;
            while power < group {
                power = power.saturating_mul(of);
            }
            power == group
        };
        u64::from(group <= 1 || is_power(3) || is_power(5) || is_power(7))
    }
}

/// The length of a buffer as blocks count it.
pub(super) fn length(bytes: &[u8]) -> u64 {
    as_u64(bytes.len())
}
