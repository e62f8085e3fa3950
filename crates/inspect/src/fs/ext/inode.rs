//! One inode: what a file is, who owns it, and where its bytes begin.

use super::superblock::Superblock;
use crate::bytes::{Fields, as_usize};
use crate::tree::{Error, NodeKind};
use crate::window::Window;

/// `i_flags`: the block map is a tree of extents.
const EXTENTS: u32 = 0x8_0000;
/// `i_flags`: the bytes stand in the inode itself.
const INLINE_DATA: u32 = 0x1000_0000;
/// `i_flags`: encrypted by fscrypt.
const ENCRYPTED: u32 = 0x800;
/// Bytes of `i_block`.
pub(super) const BLOCK_MAP_BYTES: usize = 60;
/// The magic number before attributes in an inode.
const ATTRIBUTES: u32 = 0xEA02_0000;
/// The index of names that begin with `system.`.
const SYSTEM: u8 = 7;

/// An inode in use.
#[derive(Debug)]
pub(super) struct Inode {
    pub(super) mode: u16,
    pub(super) size_bytes: u64,
    pub(super) uid: u32,
    pub(super) gid: u32,
    flags: u32,
    /// `i_block`: extents, block numbers, a short target, or the first inline bytes.
    pub(super) map: [u8; BLOCK_MAP_BYTES],
    raw: Vec<u8>,
}

impl Inode {
    pub(super) fn read(volume: &Window<'_>, superblock: &Superblock, number: u64) -> Result<Self, Error> {
        let raw = volume.bytes(superblock.inode_at(volume, number)?, superblock.inode_bytes)?;
        let fields = Fields::new("ext inode", &raw);
        let mode = fields.le_u16(0)?;
        if mode & 0xF000 == 0 {
            return Err(Error::Damaged(format!("inode {number} is named in a folder but not in use")));
        }
        let is_large = matches!(mode & 0xF000, 0x8000 | 0x4000);
        let high = if is_large { u64::from(fields.le_u32(108)?) } else { 0 };
        Ok(Self {
            mode,
            size_bytes: high << 32 | u64::from(fields.le_u32(4)?),
            uid: u32::from(fields.le_u16(120)?) << 16 | u32::from(fields.le_u16(2)?),
            gid: u32::from(fields.le_u16(122)?) << 16 | u32::from(fields.le_u16(24)?),
            flags: fields.le_u32(32)?,
            map: fields.array(40)?,
            raw,
        })
    }

    pub(super) fn kind(&self) -> NodeKind {
        match self.mode & 0xF000 {
            0x8000 => NodeKind::File,
            0x4000 => NodeKind::Folder,
            0xA000 => NodeKind::Link,
            _ => NodeKind::Other,
        }
    }

    pub(super) fn has_extents(&self) -> bool {
        self.flags & EXTENTS != 0
    }

    /// Refuses what only a key could read.
    pub(super) fn is_readable(&self) -> Result<(), Error> {
        if self.flags & ENCRYPTED != 0 {
            return Err(Error::Unsupported("the file is encrypted (fscrypt)".to_owned()));
        }
        Ok(())
    }

    /// The target of a link that is short enough to stand in the block map.
    pub(super) fn short_target(&self) -> Result<Option<Vec<u8>>, Error> {
        self.is_readable()?;
        let length = as_usize(self.size_bytes);
        if length >= BLOCK_MAP_BYTES || self.flags & (EXTENTS | INLINE_DATA) != 0 {
            return Ok(None);
        }
        Ok(self.map.get(..length).map(<[u8]>::to_vec))
    }

    /// The two pieces of bytes that stand in the inode: in the block map, and in the attribute `system.data`.
    pub(super) fn inline(&self) -> Result<Option<[&[u8]; 2]>, Error> {
        if self.flags & INLINE_DATA == 0 {
            return Ok(None);
        }
        Ok(Some([&self.map, self.attribute(SYSTEM, b"data")?.unwrap_or_default()]))
    }

    /// The value of an attribute kept in the inode itself.
    fn attribute(&self, index: u8, name: &[u8]) -> Result<Option<&[u8]>, Error> {
        let fields = Fields::new("ext inode", &self.raw);
        if self.raw.len() < 132 {
            return Ok(None);
        }
        let head = 128 + usize::from(fields.le_u16(128)?);
        if fields.le_u32(head).ok() != Some(ATTRIBUTES) {
            return Ok(None);
        }
        let first = head + 4;
        let mut at = first;
        // The list ends with four zero bytes, or where the inode does.
        while let Ok(start) = fields.le_u32(at)
            && start != 0
        {
            let length = usize::from(fields.u8(at)?);
            if fields.u8(at + 1)? == index && fields.slice(at + 16, length)? == name {
                let (value_at, inode) = (usize::from(fields.le_u16(at + 2)?), fields.le_u32(at + 4)?);
                if inode != 0 {
                    return Err(Error::Unsupported("an attribute in an inode of its own".to_owned()));
                }
                return fields.slice(first + value_at, as_usize(fields.le_u32(at + 8)?.into())).map(Some);
            }
            at += 16 + length.next_multiple_of(4);
        }
        Ok(None)
    }
}
