//! Bytes that are still being written at offsets: page blobs and disks under upload, before they are an image.
//!
//! One sparse file each, outside of the regions. What was acknowledged after [`Staged::sync`] survives a crash. A file
//! that no resource names any more is removed by [`Staging::keep_only`]; one that no resource names yet is kept by the
//! [`Unnamed`] that its maker has.

#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use disks::{FileSource, ReadAt};
use rustix::fs::{FallocateFlags, fallocate};
use uuid::Uuid;

/// Bytes in which written ranges are counted: the unit of the file system below may be larger.
pub const PAGE_BYTES: u64 = 512;

/// The folder of files under way.
#[derive(Clone, Debug)]
pub struct Staging {
    folder: Arc<Path>,
    /// Files that are made before a row names them.
    unnamed: Arc<Mutex<HashSet<Uuid>>>,
}

/// Keeps a file that no row names yet from being taken for an orphan. Drop it once the row is committed.
#[derive(Debug)]
pub struct Unnamed {
    name: Uuid,
    all: Arc<Mutex<HashSet<Uuid>>>,
}

impl Drop for Unnamed {
    fn drop(&mut self) {
        self.all.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.name);
    }
}

/// One file under way.
#[derive(Debug)]
pub struct Staged {
    file: File,
}

impl Staging {
    /// The staging area in `folder`, made if it is not there.
    ///
    /// # Errors
    /// What the file system says.
    pub fn open(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        Ok(Self { folder: folder.into(), unnamed: Arc::default() })
    }

    /// Keeps the file `name`, which is about to be made, until the answer is dropped.
    #[must_use]
    pub fn unnamed(&self, name: Uuid) -> Unnamed {
        self.unnamed.lock().unwrap_or_else(PoisonError::into_inner).insert(name);
        Unnamed { name, all: self.unnamed.clone() }
    }

    /// A new file of `size_bytes` zeros, under a name that nobody has yet.
    ///
    /// # Errors
    /// What the file system says; `AlreadyExists` for a name in use.
    pub fn create(&self, name: Uuid, size_bytes: u64) -> io::Result<Staged> {
        let path = self.path(name);
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(path)?;
        file.set_len(size_bytes)?;
        file.sync_all()?;
        File::open(&self.folder)?.sync_all()?;
        Ok(Staged { file })
    }

    /// A file that stands.
    ///
    /// # Errors
    /// `NotFound`, or what the file system says.
    pub fn get(&self, name: Uuid) -> io::Result<Staged> {
        let file = OpenOptions::new().read(true).write(true).open(self.path(name))?;
        Ok(Staged { file })
    }

    /// The same bytes, to be read as a disk or a container.
    ///
    /// # Errors
    /// `NotFound`, or what the file system says.
    pub fn source(&self, name: Uuid) -> io::Result<FileSource> {
        FileSource::new(File::open(self.path(name))?)
    }

    /// Removes a file; no error when it is not there.
    ///
    /// # Errors
    /// What the file system says.
    pub fn remove(&self, name: Uuid) -> io::Result<()> {
        match fs::remove_file(self.path(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Every file's name, but for those that no row can name yet.
    ///
    /// # Errors
    /// What the file system says.
    pub fn names(&self) -> io::Result<HashSet<Uuid>> {
        let mut names = HashSet::new();
        for entry in fs::read_dir(&self.folder)? {
            let name = entry?.file_name();
            names.extend(name.to_str().and_then(|name| name.parse::<Uuid>().ok()));
        }
        // Asked after the folder: whatever is in it and not in here any more is named by a row by now.
        let unnamed = self.unnamed.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(names.difference(&unnamed).copied().collect())
    }

    /// Removes the files in `found` that are not in `named`; answers how many. `found` must have been listed before
    /// `named` was read: a file made since then is nobody's yet.
    ///
    /// # Errors
    /// What the file system says.
    pub fn keep_only(&self, found: &HashSet<Uuid>, named: &HashSet<Uuid>) -> io::Result<usize> {
        let orphans: Vec<&Uuid> = found.difference(named).collect();
        orphans.iter().try_for_each(|name| self.remove(**name))?;
        Ok(orphans.len())
    }

    fn path(&self, name: Uuid) -> PathBuf {
        self.folder.join(name.to_string())
    }
}

impl Staged {
    /// Writes `bytes` at `offset`.
    ///
    /// # Errors
    /// `InvalidInput` past the end; else what the file system says.
    pub fn write(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.inside(offset, wide(bytes.len()))?;
        self.file.write_all_at(bytes, offset)
    }

    /// Makes `length` bytes from `offset` zeros that take no room.
    ///
    /// # Errors
    /// `InvalidInput` past the end; else what the file system says.
    pub fn clear(&self, offset: u64, length: u64) -> io::Result<()> {
        self.inside(offset, length)?;
        if length > 0 {
            fallocate(&self.file, FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE, offset, length)?;
        }
        Ok(())
    }

    /// Fills `buffer` from `offset`.
    ///
    /// # Errors
    /// `UnexpectedEof` past the end; else what the file system says.
    pub fn read(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(buffer, offset)
    }

    /// The size in bytes.
    ///
    /// # Errors
    /// What the file system says.
    pub fn size_bytes(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    /// A number that is another one after a write: when the file was last changed, in nanoseconds.
    ///
    /// # Errors
    /// What the file system says.
    pub fn changed_nanoseconds(&self) -> io::Result<u128> {
        let changed = self.file.metadata()?.modified()?;
        // A clock before 1970 makes all writes look alike, and nothing worse.
        Ok(changed.duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_nanos()))
    }

    /// Changes the size; what is beyond a smaller one is gone.
    ///
    /// # Errors
    /// What the file system says.
    pub fn resize(&self, size_bytes: u64) -> io::Result<()> {
        self.file.set_len(size_bytes)
    }

    /// The next range at or after `offset` that may hold other bytes than zeros.
    ///
    /// # Errors
    /// What the file system says.
    pub fn next_data(&self, offset: u64) -> io::Result<Option<Range<u64>>> {
        let source = FileSource::new(self.file.try_clone()?)?;
        Ok(source.next_data(offset)?.map(|(start, end)| start..end))
    }

    /// Makes what was written durable.
    ///
    /// # Errors
    /// What the file system says: then nothing since the last sync may be relied on.
    pub fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn inside(&self, offset: u64, length: u64) -> io::Result<()> {
        let end = offset.checked_add(length).ok_or(io::ErrorKind::InvalidInput)?;
        if end > self.size_bytes()? {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        Ok(())
    }
}

fn wide(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
