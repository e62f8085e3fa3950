//! File systems, each read by a file of its own, all told as a [`Tree`].
//!
//! A reader knows its files by number ([`Files`]); [`paths`] finds them by path. A damaged file system gives errors, never
//! a panic, and every loop in a reader is bounded by a structure's own size or by the budget of its window.

mod btrfs;
mod ext;
mod fat;
mod guard;
mod ntfs;
mod parents;
mod paths;
mod xfs;

use std::ops::Range;
use std::sync::Arc;

use self::paths::Paths;
use crate::probe::FileSystem;
use crate::tree::{Error, Node, Tree};
use crate::volumes::Usage;
use crate::window::Window;

/// A tree that several places hold, and several threads may read.
pub(crate) type SharedTree<'a> = Arc<dyn Tree + Send + Sync + 'a>;

/// A file system whose files can be read.
pub(crate) struct Opened<'a> {
    pub(crate) tree: SharedTree<'a>,
    /// Whether it was unmounted cleanly, where that can be told.
    pub(crate) clean: Option<bool>,
    pub(crate) usage: Option<Usage>,
    /// A label that stands elsewhere than in the head of the volume.
    pub(crate) label: Option<String>,
    /// What was done about it not being clean.
    pub(crate) note: Option<String>,
}

/// A name in a folder, and the number of what it names.
pub(crate) struct Entry {
    pub(crate) name: Vec<u8>,
    pub(crate) id: u64,
}

/// Files known by number.
pub(crate) trait Files: Send + Sync {
    /// The number of the root folder.
    fn root(&self) -> u64;

    /// What stands under a number.
    fn node(&self, id: u64) -> Result<Node, Error>;

    /// The names in a folder, without `.` and `..`; [`Error::Budget`] beyond `most`.
    fn entries(&self, id: u64, most: usize) -> Result<Vec<Entry>, Error>;

    /// As [`Tree::read`].
    fn read(&self, id: u64, offset: u64, most: usize) -> Result<Vec<u8>, Error>;

    /// As [`Tree::target`].
    fn target(&self, id: u64) -> Result<Vec<u8>, Error>;

    /// Whether names that differ in case alone are the same.
    fn folds_case(&self) -> bool {
        false
    }
}

/// Opens the file system in `volume`, which was recognised as `system`.
pub(crate) fn open<'a>(volume: &Window<'a>, system: FileSystem) -> Result<Opened<'a>, Error> {
    match system {
        FileSystem::Ext => ext::open(volume),
        FileSystem::Xfs => xfs::open(volume),
        FileSystem::Btrfs => btrfs::open(volume),
        FileSystem::Ntfs => ntfs::open(volume),
        FileSystem::Fat => fat::open(volume),
        FileSystem::ExFat
        | FileSystem::ReFs
        | FileSystem::Iso9660
        | FileSystem::Udf
        | FileSystem::SquashFs
        | FileSystem::Erofs
        | FileSystem::F2fs => Err(Error::Unsupported(format!("the files of {} are not read", system.name()))),
    }
}

/// The runs of bytes in `volume` that no file has.
pub(crate) fn free_runs(volume: &Window<'_>, system: FileSystem) -> Result<Vec<Range<u64>>, Error> {
    match system {
        FileSystem::Ext => ext::free_runs(volume),
        FileSystem::Xfs
        | FileSystem::Btrfs
        | FileSystem::Ntfs
        | FileSystem::Fat
        | FileSystem::ExFat
        | FileSystem::ReFs
        | FileSystem::Iso9660
        | FileSystem::Udf
        | FileSystem::SquashFs
        | FileSystem::Erofs
        | FileSystem::F2fs => Err(Error::Unsupported(format!("free space of {} is not told", system.name()))),
    }
}

/// The subvolume `path` of the Btrfs in `volume`, as a mount with `subvol=` shows it.
pub(crate) fn open_subvolume<'a>(volume: &Window<'a>, path: &[u8]) -> Result<SharedTree<'a>, Error> {
    btrfs::open_subvolume(volume, path)
}

/// The subvolume with this number, as a mount with `subvolid=` shows it.
pub(crate) fn open_subvolume_id<'a>(volume: &Window<'a>, id: u64) -> Result<SharedTree<'a>, Error> {
    btrfs::open_subvolume_id(volume, id)
}

fn share<'a>(files: impl Files + 'a, volume: &Window<'a>) -> SharedTree<'a> {
    Arc::new(Paths::new(files, volume.clone()))
}

/// Whether a name can stand in a path: nothing else could be reached, or it would reach elsewhere.
fn check_name(name: &[u8]) -> Result<(), Error> {
    if name.is_empty() || name.contains(&b'/') || name.contains(&0) {
        return Err(Error::Damaged(
            "a folder holds a name with a slash or NUL in it, or none at all".to_owned(),
        ));
    }
    Ok(())
}

fn is_dots(name: &[u8]) -> bool {
    name == b"." || name == b".."
}
