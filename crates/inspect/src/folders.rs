//! The folders last listed, of all file systems of a disk.
//!
//! What is kept is bounded for the disk as a whole: beyond 32 MiB all of it is dropped, but for the folder listed last.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::bytes::as_u64;
use crate::tree::Error;

/// Most bytes kept.
const MOST_KEPT_BYTES: u64 = 32 << 20;
/// Most bytes of the names of one folder.
const MOST_FOLDER_BYTES: u64 = 48 << 20;
/// What a name takes beside its letters.
const NAME_BYTES: u64 = 48;

/// The entries of a folder, sorted as its file system finds them.
#[derive(Debug, Default)]
pub(crate) struct Folder {
    /// Names, each with the number of what it names.
    pub(crate) entries: Vec<(Vec<u8>, u64)>,
}

/// Folders by the number of their file system, and their own number there.
#[derive(Debug, Default)]
pub(crate) struct Folders {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    folders: HashMap<(u64, u64), Arc<Folder>>,
    bytes: u64,
    systems: u64,
}

impl Folders {
    /// A number for one more file system.
    pub(crate) fn number_system(&self) -> u64 {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.systems += 1;
        kept.systems
    }

    pub(crate) fn get(&self, system: u64, id: u64) -> Option<Arc<Folder>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.folders.get(&(system, id)).map(Arc::clone)
    }

    /// Keeps a folder; refuses one that is too large to be kept at all.
    pub(crate) fn put(&self, system: u64, id: u64, folder: Folder) -> Result<Arc<Folder>, Error> {
        let bytes =
            folder.entries.iter().map(|(name, _)| as_u64(name.len()) + NAME_BYTES).sum::<u64>() + NAME_BYTES;
        if bytes > MOST_FOLDER_BYTES {
            return Err(Error::Budget("bytes of the names in one folder"));
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.bytes + bytes > MOST_KEPT_BYTES {
            *kept = Kept { systems: kept.systems, ..Kept::default() };
        }
        kept.bytes += bytes;
        let folder = Arc::new(folder);
        kept.folders.insert((system, id), Arc::clone(&folder));
        Ok(folder)
    }
}
