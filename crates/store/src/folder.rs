//! A region's folder: the only place where the store touches files.
//!
//! `packs/xx/NNNNNNNN.pack` are whole and immutable; `staging/NNNNNNNN.temp` are being written or left by a crash. A
//! pack comes to stand under its name only after its bytes are durable, and counts only after its name is. Files
//! are opened without following links and must be regular.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fmt, fs};

use rustix::fs::{FlockOperation, Mode, OFlags};

/// A step that changes or reads the folder, before it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A temporary file is created.
    Create,
    /// Bytes are appended to it.
    Write,
    /// Its bytes are made durable.
    SyncFile,
    /// It gets its final name.
    Rename,
    /// The names in a folder are made durable.
    SyncFolder,
    /// A pack is removed.
    Remove,
    /// A pack is read.
    Read,
}

/// Called before each step; an error makes the step fail. For tests of what is left after a fault.
pub type Fault = Arc<dyn Fn(Step) -> io::Result<()> + Send + Sync>;

pub(crate) struct Folder {
    path: PathBuf,
    fault: Option<Fault>,
    /// Held for as long as the region is open.
    _lock: File,
}

/// What the folder's walk found besides packs in order.
#[derive(Debug)]
pub(crate) struct Found {
    /// The numbers of all files named like packs.
    pub(crate) packs: Vec<u32>,
    /// Names, relative to the folder, of things that do not belong there.
    pub(crate) strange: Vec<String>,
}

/// A pack file being written; removed when dropped before [`Folder::publish`].
#[derive(Debug)]
pub(crate) struct Staged {
    file: File,
    path: PathBuf,
    number: u32,
}

impl Drop for Staged {
    fn drop(&mut self) {
        // After `publish` the name is gone; after a crash `Folder::open` removes it.
        fs::remove_file(&self.path).ok();
    }
}

impl Folder {
    /// Opens or creates the folder, takes its lock, and removes what a crash left in staging.
    ///
    /// # Errors
    /// `WouldBlock` when another process holds the lock.
    pub(crate) fn open(path: &Path, fault: Option<Fault>) -> io::Result<Self> {
        fs::create_dir_all(path.join("packs"))?;
        fs::create_dir_all(path.join("staging"))?;
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let lock = File::from(rustix::fs::open(path.join("lock"), flags, Mode::RUSR | Mode::WUSR)?);
        rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive)?;
        for temp in names(&path.join("staging"))? {
            fs::remove_file(path.join("staging").join(temp))?;
        }
        for folder in [path, &path.join("staging"), &path.join("packs")] {
            File::open(folder)?.sync_all()?;
        }
        Ok(Self { path: path.to_owned(), fault, _lock: lock })
    }

    pub(crate) fn stage(&self, number: u32) -> io::Result<Staged> {
        self.before(Step::Create)?;
        let path = self.path.join("staging").join(format!("{number:08x}.temp"));
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let file = File::from(rustix::fs::open(&path, flags, Mode::RUSR | Mode::WUSR | Mode::RGRP)?);
        Ok(Staged { file, path, number })
    }

    pub(crate) fn append(&self, staged: &mut Staged, bytes: &[u8]) -> io::Result<()> {
        self.before(Step::Write)?;
        staged.file.write_all(bytes)
    }

    /// Makes the file durable under its final name. After an error it is gone or will be at the next opening.
    pub(crate) fn publish(&self, staged: &Staged) -> io::Result<()> {
        self.before(Step::SyncFile)?;
        staged.file.sync_all()?;
        let target = self.pack_path(staged.number);
        let folder = target.parent().expect("a pack's path has a parent").to_owned();
        if !folder.exists() {
            fs::create_dir_all(&folder)?;
            self.sync_folder(&self.path.join("packs"))?;
        }
        self.before(Step::Rename)?;
        fs::rename(&staged.path, &target)?;
        if let Err(error) = self.sync_folder(&folder) {
            // Not known to be durable, so it must not count: neither now nor after a restart.
            fs::remove_file(&target).ok();
            return Err(error);
        }
        Ok(())
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        self.before(Step::SyncFolder)?;
        File::open(folder)?.sync_all()
    }

    pub(crate) fn open_pack(&self, number: u32) -> io::Result<File> {
        self.before(Step::Read)?;
        // Without NONBLOCK a FIFO in the pack's place would hang us.
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let file = File::from(rustix::fs::open(self.pack_path(number), flags, Mode::empty())?);
        if !file.metadata()?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "not a regular file"));
        }
        Ok(file)
    }

    pub(crate) fn read_at(&self, file: &File, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.before(Step::Read)?;
        file.read_exact_at(buffer, offset)
    }

    /// Removes a pack; after an error it is still there.
    pub(crate) fn remove_pack(&self, number: u32) -> io::Result<()> {
        self.before(Step::Remove)?;
        let path = self.pack_path(number);
        fs::remove_file(&path)?;
        // If the removal is not durable the pack is back after a power cut: whole, and dead as before.
        self.sync_folder(path.parent().expect("a pack's path has a parent")).ok();
        Ok(())
    }

    pub(crate) fn list(&self) -> io::Result<Found> {
        let mut found = Found { packs: Vec::new(), strange: Vec::new() };
        for shelf in names(&self.path.join("packs"))? {
            let folder = self.path.join("packs").join(&shelf);
            if !fs::symlink_metadata(&folder)?.is_dir() {
                found.strange.push(format!("packs/{shelf}"));
                continue;
            }
            for name in names(&folder)? {
                match number_of(&name).filter(|number| shelf_of(*number) == shelf) {
                    Some(number) => found.packs.push(number),
                    None => found.strange.push(format!("packs/{shelf}/{name}")),
                }
            }
        }
        found.packs.sort_unstable();
        found.strange.sort_unstable();
        Ok(found)
    }

    /// Files in staging, by name; those of writers now at work are among them.
    pub(crate) fn temp_files(&self) -> io::Result<Vec<String>> {
        names(&self.path.join("staging"))
    }

    fn pack_path(&self, number: u32) -> PathBuf {
        self.path.join("packs").join(shelf_of(number)).join(pack_name(number))
    }

    fn before(&self, step: Step) -> io::Result<()> {
        self.fault.as_ref().map_or(Ok(()), |fault| fault(step))
    }
}

impl fmt::Debug for Folder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Folder").finish_non_exhaustive()
    }
}

/// A pack's file name.
pub(crate) fn pack_name(number: u32) -> String {
    format!("{number:08x}.pack")
}

fn shelf_of(number: u32) -> String {
    format!("{:02x}", number & 0xff)
}

fn number_of(name: &str) -> Option<u32> {
    let digits = name.strip_suffix(".pack")?;
    let number = u32::from_str_radix(digits, 16).ok()?;
    (pack_name(number) == name).then_some(number)
}

fn names(folder: &Path) -> io::Result<Vec<String>> {
    let entries = fs::read_dir(folder)?;
    let mut names = entries
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<io::Result<Vec<_>>>()?;
    names.sort_unstable();
    Ok(names)
}
