//! ext2, ext3 and ext4, by the kernel's document "ext4 Data Structures and Algorithms".
//!
//! Folders are read in a line, whether indexed or not. A file system that was cut off is told as not clean, and read as
//! its guest would find it: with its journal replayed in memory.

mod data;
mod folder;
mod free;
mod inode;
mod journal;
mod superblock;

use std::ops::Range;

use self::inode::Inode;
use self::superblock::Superblock;
use super::{Entry, Files, Opened, share};
use crate::bytes::as_u64;
use crate::tree::{Error, Node, NodeKind};
use crate::window::Window;

/// The inode of the root folder.
const ROOT: u64 = 2;
/// Longest target of a link; Linux's `PATH_MAX`.
const MOST_TARGET_BYTES: u64 = 4096;

/// Opens the file system in `volume`.
pub(super) fn open<'a>(volume: &Window<'a>) -> Result<Opened<'a>, Error> {
    let stored = Superblock::read(volume)?;
    let clean = stored.is_clean();
    let mut note = None;
    let mut view = volume.clone();
    if stored.needs_recovery() {
        note = Some(match journal::replayed(volume, &stored) {
            Ok(replayed) => {
                view = replayed;
                "its journal is replayed in memory".to_owned()
            }
            Err(error) => format!("its journal is not replayed: {error}"),
        });
    }
    let superblock = Superblock::read(&view)?;
    let usage = superblock.usage();
    let files = Ext { volume: view, superblock };
    if files.node(ROOT)?.kind != NodeKind::Folder {
        return Err(Error::Damaged("the root of the ext file system is no folder".to_owned()));
    }
    Ok(Opened { tree: share(files, volume), clean: Some(clean), usage, label: None, note })
}

/// The runs of bytes that no file has.
pub(super) fn free_runs(volume: &Window<'_>) -> Result<Vec<Range<u64>>, Error> {
    free::runs(volume, &Superblock::read(volume)?)
}

struct Ext<'a> {
    volume: Window<'a>,
    superblock: Superblock,
}

impl Ext<'_> {
    fn inode(&self, number: u64) -> Result<Inode, Error> {
        Inode::read(&self.volume, &self.superblock, number)
    }

    /// Bytes of whatever the inode holds: a file, a folder, a long link.
    fn contents(&self, inode: &Inode, offset: u64, most: u64) -> Result<Vec<u8>, Error> {
        data::read(&self.volume, &self.superblock, inode, offset, most)
    }
}

impl Files for Ext<'_> {
    fn root(&self) -> u64 {
        ROOT
    }

    fn node(&self, id: u64) -> Result<Node, Error> {
        let inode = self.inode(id)?;
        let kind = inode.kind();
        Ok(Node {
            kind,
            size_bytes: if kind == NodeKind::File { inode.size_bytes } else { 0 },
            mode: u32::from(inode.mode) & 0o7777,
            uid: Some(inode.uid),
            gid: Some(inode.gid),
            number: Some(id),
        })
    }

    fn entries(&self, id: u64, most: usize) -> Result<Vec<Entry>, Error> {
        folder::entries(self, &self.inode(id)?, most)
    }

    fn read(&self, id: u64, offset: u64, most: usize) -> Result<Vec<u8>, Error> {
        self.contents(&self.inode(id)?, offset, as_u64(most))
    }

    fn target(&self, id: u64) -> Result<Vec<u8>, Error> {
        let inode = self.inode(id)?;
        if inode.size_bytes > MOST_TARGET_BYTES {
            return Err(Error::Damaged("the target of a link is longer than a path can be".to_owned()));
        }
        match inode.short_target()? {
            Some(target) => Ok(target),
            None => self.contents(&inode, 0, inode.size_bytes),
        }
    }
}
